"""The attack suite: everything is stopped where it must be, and what is not stopped is seen."""

from __future__ import annotations

import json
import re

import pytest

from gradschool.grading.attacks import kinds, suite

from .conftest import as_user

REPORT = """
import json, sys
from gradschool.grading.attacks import suite
from gradschool import sandbox
tier, quick = sys.argv[1:]
reason = sandbox.why_not(tier)
outcomes = [] if reason else suite.run(tier, quick=quick == "quick")
print(json.dumps([reason, {outcome.attack.name: [outcome.stopped, outcome.how] for outcome in outcomes}]))
"""


def outcomes(user: str, tier: str, quick: bool) -> dict[str, tuple[bool, str]]:
    """What becomes of each attack when somebody runs the suite."""
    done = as_user(user, "-c", REPORT, tier, "quick" if quick else "all")
    assert done.returncode == 0, done.stderr[-3000:]
    reason, found = json.loads(done.stdout.splitlines()[-1])
    if reason is not None:
        pytest.skip(reason)
    return {name: (stopped, how) for name, (stopped, how) in found.items()}


def through(found: dict[str, tuple[bool, str]]) -> dict[str, str]:
    return {name: how for name, (stopped, how) in found.items() if not stopped}


def test_the_quick_attacks_are_stopped(namespaces):
    found = {o.attack.name: (o.stopped, o.how) for o in suite.run(namespaces, quick=True)}
    assert through(found) == {}
    assert len(found) > 50


@pytest.mark.parametrize("tier", ["namespaces", "bubblewrap", "landlock"])
def test_the_quick_attacks_are_stopped_for_an_ordinary_user(tier):
    assert through(outcomes("nobody", tier, quick=True)) == {}


@pytest.mark.attack
@pytest.mark.parametrize("user", ["root", "nobody"])
@pytest.mark.parametrize("tier", ["namespaces", "bubblewrap", "landlock"])
def test_all_attacks_are_stopped(user, tier, capsys):
    found = outcomes(user, tier, quick=False)
    assert set(found) == {attack.name for attack in suite.attacks()}
    with capsys.disabled():
        print(f"\n{tier}, as {user}: {sum(stopped for stopped, _ in found.values())} of {len(found)} stopped")
    assert through(found) == {}


@pytest.mark.attack
def test_without_walls_the_judge_alone_is_still_not_fooled(capsys):
    found = outcomes("nobody", "plain", quick=False)
    with capsys.disabled():
        for name, how in through(found).items():
            print(f"\ntier plain does not stop: {name}: {how[:100]}", end="")
    by_judge = {attack.name for attack in suite.attacks() if attack.by == kinds.JUDGE}
    assert not by_judge & set(through(found))


def through_plain() -> dict[str, str]:
    chosen = ["reads files", "connects", "signals others", "leaves files", "reads other processes"]
    found = [outcome for name in chosen for outcome in suite.run("plain", only=name)]
    return {outcome.attack.name: outcome.how for outcome in found if not outcome.stopped}


def test_the_suite_sees_what_gets_through():
    """Without this the suite could be blind, and everything stopped."""
    seen = through_plain()
    assert seen["reads files"] == seen["reads other processes"] == "found the right answer"
    assert "something connected" in seen["connects"]
    assert seen["signals others"] == "another process was ended (code 99)"
    assert re.search("left gradschool-trace-.* in /tmp", seen["leaves files"])


def test_every_attack_has_a_name_of_its_own_and_needs_nothing_but_itself():
    names = [attack.name for attack in suite.attacks()]
    assert len(set(names)) == len(names)
    for attack in suite.attacks():
        if not attack.uploaded:
            compile(attack.source, attack.name, "exec")
            assert "@stopped_by" not in attack.source
