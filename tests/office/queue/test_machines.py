"""Workers on several machines over PostgreSQL, killed, cut off, their server restarted: all is graded, and once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgresql import Cluster, why_not

from .conftest import Office, prepare, submission

# A machine of its own, as far as the office can tell: another host name, and pids that mean nothing elsewhere.
SPACES = ("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
MACHINE = (*SPACES, "sh", "-c", 'hostname "$0"; exec "$@"')
NETWORK = "10.77.13"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes machines out of namespaces")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A server of this test's own, for it is restarted."""
    if reason := why_not():
        pytest.skip(reason)
    made = Cluster()
    yield made
    made.close()


def until(holds: Callable[[], bool], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


class Term:
    """An office on a PostgreSQL, what was handed in there, and what the database says of it."""

    def __init__(self, cluster: Cluster, home: Path, address: str) -> None:
        self.cluster, self.address = cluster, address
        self.tokens = prepare(home, GRADSCHOOL_DATABASE=address)
        self.receipts: list[str] = []

    def ask(self, question: str) -> list[tuple[object, ...]]:
        return self.cluster.ask(self.address, question)

    def hand_in(self, office: Office, count: int) -> None:
        for _ in range(count):
            number = len(self.receipts)
            answer: dict[str, object] | None = None

            def taken(number: int = number) -> bool:
                nonlocal answer
                answer = office.hand_in(self.tokens[number % len(self.tokens)], submission(number))
                return answer is not None

            until(taken, "the site takes no hand-in")
            assert answer is not None
            self.receipts.append(str(answer["submission"]))

    def leased_by(self, host: str) -> bool:
        return bool(self.ask(f"select 1 from queue_job where state = 'leased' and leased_by like '{host}:%'"))

    def missing(self) -> int:
        return len(self.ask("select 1 from queue_worker where gone_at is not null"))

    def all_graded_once(self) -> None:
        until(lambda: self.ask("select 1 from queue_job where state in ('waiting', 'leased')") == [], "jobs are left")
        graded = self.ask("select submission_id::text, verdict, count(*) from queue_report group by 1, 2")
        assert sorted(graded) == sorted((pk, "partial", 1) for pk in self.receipts)
        assert self.ask("select count(*) from queue_job where state <> 'done' or failures > 0") == [(0,)]


def test_a_worker_is_killed_and_the_server_restarts_in_mid_job(cluster: Cluster, tmp_path: Path) -> None:
    term = Term(cluster, tmp_path / "home", cluster.database(by_network=True))
    machines = {name: (*MACHINE, name) for name in ("north", "south")}
    office = Office(tmp_path / "home", machines, slots=1, GRADSCHOOL_DATABASE=term.address)
    try:
        before = {name: office.processes[name].pid for name in ("site", "south")}
        until(lambda: len(term.ask("select 1 from queue_worker")) == 2, "the workers do not start")
        term.hand_in(office, 6)
        until(lambda: term.leased_by("north") and term.leased_by("south"), "both machines do not grade")
        os.killpg(office.processes["north"].pid, signal.SIGKILL)
        office.processes["north"].wait()
        cluster.stop()  # every connection ends, south's in the middle of its job
        cluster.start()
        term.hand_in(office, 2)
        until(lambda: term.leased_by("south"), "south does not come back")
        name = term.address.rpartition("/")[2]
        cluster.ask("postgres", f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
        term.all_graded_once()
        assert term.ask("select count(*) from queue_job where losses > 0") == [(1,)]  # what north had begun
        hosts = term.ask("select host, gone_at is not null from queue_worker order by host")
        assert hosts == [("north", True), ("south", False)]
        for process, pid in before.items():
            assert office.processes[process].poll() is None
            assert office.processes[process].pid == pid, "it came back by itself"
    finally:
        office.close()


@contextlib.contextmanager
def island(name: str) -> Iterator[None]:
    """A network namespace with one cable, whose near end has the address `NETWORK`.1."""

    def ip(words: str) -> None:
        subprocess.run(["ip", *words.split()], check=True, capture_output=True)

    ip(f"netns add {name}")
    try:
        ip(f"link add {name}0 type veth peer name {name}1 netns {name}")
        ip(f"addr add {NETWORK}.1/24 dev {name}0")
        ip(f"link set {name}0 up")
        ip(f"-n {name} addr add {NETWORK}.2/24 dev {name}1")
        ip(f"-n {name} link set {name}1 up")
        ip(f"-n {name} link set lo up")
        yield
    finally:
        ip(f"netns del {name}")


@pytest.mark.load
def test_a_machine_whose_cable_is_pulled_in_mid_job_grades_nothing_twice(tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    name = f"gs{os.getpid()}"
    with island(name):
        cluster = Cluster(listen_addresses=f"127.0.0.1,{NETWORK}.1")
        try:
            with (cluster.folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {NETWORK}.0/24 scram-sha-256\n")
            cluster.crash()
            address = cluster.database(by_network=True).replace("127.0.0.1", f"{NETWORK}.1")
            term = Term(cluster, tmp_path / "home", address)
            machines = {"near": (*MACHINE, "near"), "far": ("ip", "netns", "exec", name, *MACHINE, "far")}
            office = Office(tmp_path / "home", machines, slots=1, GRADSCHOOL_DATABASE=address)
            try:
                until(lambda: len(term.ask("select 1 from queue_worker")) == 2, "the workers do not start")
                term.hand_in(office, 4)
                until(lambda: term.leased_by("far"), "the far machine does not grade")
                subprocess.run(["ip", "link", "set", f"{name}0", "down"], check=True)
                until(
                    lambda: term.ask("select 1 from queue_worker where gone_at is not null") != [], "far is not missed"
                )
                term.all_graded_once()
                subprocess.run(["ip", "link", "set", f"{name}0", "up"], check=True)
                until(lambda: term.missing() == 0, "far stays away")
                term.hand_in(office, 3)
                term.all_graded_once()
            finally:
                office.close()
        finally:
            cluster.close()
