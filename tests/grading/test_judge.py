"""The judge: verdicts, isolation between checks, hostile submissions, and whose fault an error is."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from fractions import Fraction

import pytest

from gradschool import sandbox
from gradschool.grading import archive, bank, pace
from gradschool.grading.judge import judge, prepare
from gradschool.grading.problem import Problem
from gradschool.grading.report import Report, Verdict
from gradschool.grading.session import Session
from gradschool.sandbox.supervisor import tree

RIGHT = """
    def double(x):
        return x + x

    class Counter:
        def __init__(self, start):
            self.value = start

        def add(self, amount):
            self.value += amount
"""


def verdicts(report: Report) -> dict[str, str]:
    return {result.name: str(result.verdict) for result in report.checks}


def timeless(report: Report) -> Report:
    """The report without what the clock wrote into it."""
    checks = tuple(dataclasses.replace(result, cpu_seconds=0.0) for result in report.checks)
    return dataclasses.replace(report, checks=checks, seconds=0.0)


def test_a_right_submission_gets_everything(grade):
    report = grade(RIGHT)
    assert (report.verdict, report.points, report.max_points) == (Verdict.CORRECT, 5, 5)
    assert report.tier == "namespaces"
    assert report.warnings == ()


def test_the_same_submission_of_the_same_student_gets_the_same_report(grade):
    wrong = RIGHT.replace("x + x", "x * 3")
    first, second = timeless(grade(wrong)), timeless(grade(wrong))
    assert first == second
    assert first.checks[0].message != grade(wrong, student="eve").checks[0].message, "another student, other inputs"


def test_unordered_collections_have_one_order(grade):
    report = [
        grade("def f(): return ''.join({'a', 'b', 'c', 'd', 'e', 'f'})", "fail(student.f())").checks[0].message
        for _ in range(3)
    ]
    assert len(set(report)) == 1


def test_global_random_numbers_are_seeded(grade):
    work = "import random\nimport numpy as np\ndef f(): return random.random() + np.random.rand()"
    messages = [grade(work, "fail(repr(student.f()))").checks[0].message for _ in range(2)]
    assert messages[0] == messages[1]


def test_a_changed_global_costs_no_other_check(grade):
    work = RIGHT.replace("return x + x", "global calls; calls += 1; return 2 * x if calls == 1 else x")
    assert grade("    calls = 0\n" + work).verdict is Verdict.CORRECT


@pytest.mark.parametrize(
    ("body", "verdict", "word"),
    [
        ("return x * 3", "wrong", "3 of 3 values differ"),
        ("return None", "wrong", "return"),
        ("raise ValueError('no idea')", "crashed", "no idea"),
        ("raise SystemExit(0)", "crashed", "SystemExit"),
        ("import os; os._exit(0)", "crashed", "exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", "crashed", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "crashed", "SIGSEGV"),
        ("raise NotImplementedError", "wrong", "Not written yet"),
        ("raise MemoryError", "out_of_memory", "memory"),
        ("return bytearray(10 ** 10)", "out_of_memory", "memory"),
        ("while True: pass", "timed_out", "2 s of processor time"),
        ("return lambda: x", "wrong", "object of type function"),
        ("return 'x' * 10 ** 7", "refused", "too long"),
    ],
)
def test_one_bad_function_costs_only_the_checks_that_call_it(grade, body, verdict, word):
    report = grade(RIGHT.replace("return x + x", body))
    found = verdicts(report)
    assert (found["doubles"], found["counts"]) == (verdict, "correct")
    assert word in report.checks[0].message
    assert report.points == 2


@pytest.mark.parametrize(
    "body",
    [
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.kill(-1, 9)",
        "import os; os.closerange(0, 256)",
        "import sys; sys.setrecursionlimit(10**9); return double(x)",
        "import os; os.killpg(0, 15)",
    ],
)
def test_whatever_a_function_breaks_the_other_checks_are_graded(grade, body):
    """How it is noticed depends on who is faster; that the others are graded does not."""
    report = grade(RIGHT.replace("return x + x", body))
    assert verdicts(report)["counts"] == "correct"
    assert report.points == 2


def test_a_traceback_shows_the_students_lines_only(grade):
    report = grade("import json\n\ndef double(x):\n    return json.loads('{')\n")
    trace = report.checks[0].traceback
    assert "work.py, line 4, in double" in trace
    assert "return json.loads" in trace
    assert "decoder.py" not in trace
    assert "gradschool" not in trace


def test_a_loop_that_uses_no_time_ends_by_the_clock(grade, folder):
    toml = (folder / "problem.toml").read_text().replace("wall_seconds = 10", "wall_seconds = 1")
    (folder / "problem.toml").write_text(toml.replace("cpu_seconds = 2", "cpu_seconds = 0.3"))
    report = grade(RIGHT.replace("return x + x", "import time; time.sleep(3600)"))
    assert verdicts(report) == {"doubles": "timed_out", "doubles_matrices": "timed_out", "counts": "correct"}


def test_the_whole_grading_has_an_end(grade, folder):
    toml = (folder / "problem.toml").read_text() + "total_seconds = 1.5\n"
    (folder / "problem.toml").write_text(toml.replace("wall_seconds = 10", "wall_seconds = 60"))
    report = grade(RIGHT.replace("return x + x", "import time; time.sleep(3600)"))
    assert set(verdicts(report).values()) == {"timed_out"}


def test_children_that_work_for_a_check_are_on_its_account(grade):
    work = """
        import os
        def double(x):
            children = [os.fork() for _ in range(4)]
            if 0 in children:
                while True: pass
            for _ in children:
                os.wait()
    """
    assert grade(work, "student.double(np.ones(1))").verdict is Verdict.TIMED_OUT


def test_what_a_check_leaves_running_is_gone_before_the_next(grade):
    work = """
        import os, time
        def start():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    open("/work/alive", "w").write(str(os.getpid()))
                    time.sleep(3600)
                os._exit(0)
            os.wait()
            while not os.path.exists("/work/alive"):
                time.sleep(0.01)
        def alive():
            return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    """
    checks = """
        before = student.alive()
        student.start()
        score.award(1) if len(student.alive()) > len(before) else None
    """
    report = grade(work, checks)
    assert report.points == 1


def test_a_missing_name_says_where_it_should_be(grade):
    report = grade("def dubble(x): return 2 * x")
    assert verdicts(report)["doubles"] == "wrong"
    assert "work.py defines no double" in report.checks[0].message


@pytest.mark.parametrize(
    ("text", "verdict", "word"),
    [
        ("import no_such_module", "crashed", "no_such_module"),
        ("def double(x:\n    pass", "crashed", "SyntaxError"),
        ("raise SystemExit", "crashed", "SystemExit"),
        ("import os; os._exit(0)", "crashed", "exit code 0"),
        ("while True: pass", "timed_out", "work.py"),
        ("x = bytearray(10 ** 10)", "out_of_memory", "memory"),
        ("import os, signal; os.kill(os.getppid(), 9)", "crashed", "ended"),
    ],
)
def test_an_import_that_fails_is_every_checks_verdict(grade, text, verdict, word):
    report = grade(text)
    assert set(verdicts(report).values()) == {verdict}
    assert str(report.verdict) == verdict
    assert all(word in result.message for result in report.checks)
    assert any(word in warning for warning in report.warnings)


def test_what_an_import_prints_is_a_warning_and_what_a_public_check_prints_is_its_output(grade):
    work = RIGHT.replace("return x + x", "print('in a check'); return x + x") + "    print('at import')"
    report = grade(work)
    assert "at import" in report.warnings[0]
    outputs = {result.name: result.output for result in report.checks}
    assert outputs["doubles"] == "in a check\n"
    assert outputs["doubles_matrices"] == "", "a hidden check shows nothing"


def test_output_is_cut_at_its_limit(grade, folder):
    (folder / "problem.toml").write_text((folder / "problem.toml").read_text() + "output_kib = 1\n")
    report = grade(RIGHT.replace("return x + x", "print('x' * 10 ** 7); return x + x"))
    assert report.verdict is Verdict.CORRECT
    assert len(report.checks[0].output) < 1200
    assert "more bytes were printed" in report.checks[0].output


def test_hidden_inputs_cannot_be_carried_into_a_public_output(grade):
    """Public checks run first, whatever their order in the file."""
    spy = """
        import os
        def double(x):
            if x.ndim == 2:
                open("/tmp/seen", "w").write(str(x))
            return 2 * x
        class Counter:
            def __init__(self, start):
                self.value = start
            def add(self, amount):
                self.value += amount
                print(os.path.exists("/tmp/seen"))
    """
    report = grade(spy)
    assert report.verdict is Verdict.CORRECT
    assert [result.output.strip() for result in report.checks if result.name == "counts"] == ["False"]


def test_objects_stay_inside_and_answer_from_there(grade):
    work = """
        class Net:
            def __init__(self, *, size):
                self.size, self.child = size, None
            def make(self):
                self.child = Net(size=self.size + 1)
                return {"child": self.child, "list": [self.child, 3]}
            def same(self, other):
                return other is self.child
    """
    checks = """
        net = student.Net(size=4)
        made = net.make()
        equal(made["child"].size, 5, what="size")
        equal(net.same(made["list"][0]), True, what="same")
        net.size = 9
        equal(net.size, 9, what="size")
        score.award(1)
    """
    assert grade(work, checks).verdict is Verdict.CORRECT


def test_an_object_has_no_say_in_a_comparison(grade):
    sly = """
        class Sly:
            def __eq__(self, other): return True
            def __float__(self): return 1.0
            def __array__(self, *args): raise SystemExit
            def __le__(self, other): return True
            def __iter__(self): return iter([1.0, 1.0])
        def f(): return Sly()
    """
    for check in (
        "equal(student.f(), 1.0, what='f()')",
        "close(student.f(), 1.0, what='f()')",
        "at_least(student.f(), 0.5, what='f()')",
    ):
        report = grade(sly, check)
        assert report.verdict is Verdict.WRONG
        assert "object of type Sly" in report.checks[0].message


def test_steps_earn_parts_of_the_points(grade):
    report = grade("x = 1", "score.award('1/3', 'one of three'); score.note('two are missing')")
    assert (report.verdict, report.points) == (Verdict.PARTIAL, Fraction(1, 3))
    assert report.checks[0].message == "one of three\ntwo are missing"


def test_points_earned_before_a_mismatch_stay(grade):
    report = grade("x = 1", "score.award('1/2'); fail('then it went wrong')")
    assert (report.verdict, report.points) == (Verdict.PARTIAL, Fraction(1, 2))


def test_a_broken_check_is_the_graders_fault(grade):
    report = grade("x = 1", "undefined_name")
    assert report.verdict is Verdict.GRADER_ERROR
    assert "no points" in report.checks[0].message
    assert "NameError" in report.notes[0]


def test_a_check_that_chokes_on_an_answer_is_the_students_fault(grade):
    checks = "loss, gradient = student.double(np.ones(2)) if reference is student else (student.double(1), 1)"
    assert grade("def double(x): return None", f"{checks}\nloss + 1").verdict is Verdict.WRONG


def test_no_sandbox_is_the_graders_fault(grade, monkeypatch):
    monkeypatch.setattr("gradschool.sandbox.tiers._reasons", dict.fromkeys(sandbox.TIERS[:-1], "told so"))
    report = grade(RIGHT)
    assert report.verdict is Verdict.GRADER_ERROR
    assert "told so" in report.notes[0]


def test_public_only_leaves_the_rest_out(grade):
    assert [result.name for result in grade(RIGHT, public_only=True).checks] == ["doubles", "counts"]


def test_a_refused_archive_is_every_checks_verdict(problem, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"Rar!" + bytes(100))
    report = judge(problem, path, student="chi")
    assert report.verdict is Verdict.REFUSED
    assert "not a zip archive" in report.checks[0].message


def test_a_zip_with_a_top_folder_a_folder_and_a_single_file_are_the_same_submission(problem, tmp_path):
    work = problem.solution / "work.py"
    archive.pack({"my homework/work.py": work}, tmp_path / "a.zip")
    reports = [judge(problem, path, student="chi") for path in (tmp_path / "a.zip", problem.solution, work)]
    assert len({timeless(report) for report in reports}) == 1
    assert reports[0].verdict is Verdict.CORRECT


def test_a_folder_is_handed_in_without_its_litter(tmp_path):
    for name in ("work.py", ".git/config", "__pycache__/work.pyc", ".venv/x.py"):
        (tmp_path / "h" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "h" / name).write_text("x")
    (tmp_path / "h" / "link.py").symlink_to("/etc/passwd")
    _, listing = prepare(tmp_path / "h", tmp_path / "out.zip")
    assert [entry.name for entry in listing.files] == ["work.py"]


def test_the_solution_is_nowhere_in_the_box(grade):
    spy = """
        import gc, os, sys
        def look():
            found = []
            for folder, folders, files in os.walk("/"):
                if folder == "/":
                    folders.remove("proc")
                found += [os.path.join(folder, name) for name in files if name in ("checks.py", "problem.toml")]
                found += [os.path.join(folder, name) for name in folders if name in ("solution", "gradschool", "bank")]
            found += [name for name in sys.modules if "gradschool" in name or "solution" in name]
            found += [str(thing)[:50] for thing in gc.get_objects() if type(thing).__name__ in ("Reference", "Check")]
            return found
    """
    report = grade(spy, "equal(student.look(), [], what='what can be found')")
    assert report.verdict is Verdict.CORRECT, report.checks[0].message


def test_answers_out_of_turn_are_refused(grade):
    """The reply pipe is closed to student code; who gets at its channel still has no valid number to answer with."""
    forger = """
        import json, os, struct
        def f():
            header = json.dumps({"seq": 999, "value": 1, "arrays": []}).encode()
            frame = struct.pack("<4sIQ", b"GSW1", len(header), 0) + header
            for descriptor in range(3, 256):
                try:
                    os.set_blocking(descriptor, False)
                    os.write(descriptor, frame * 3)
                except OSError:
                    pass
            return 2
    """
    assert grade(forger, "equal(student.f(), 1, what='f()')").verdict is Verdict.REFUSED


def test_the_command_prints_a_report_and_exits_0(problem):
    done = command(problem, str(problem.solution), "--student", "chi", "--public")
    assert done.returncode == 0, done.stderr
    report = Report.from_json(done.stdout)
    assert (report.problem, report.verdict, report.seed) == ("toy", Verdict.CORRECT, "chi")


def test_the_command_exits_3_when_the_grader_is_at_fault(problem, folder):
    (folder / "checks.py").write_text("import no_such_module")
    done = command(problem, str(problem.solution), "--student", "chi")
    assert done.returncode == 3
    assert Report.from_json(done.stdout).verdict is Verdict.GRADER_ERROR


def test_the_command_never_falls_back_to_plain(problem):
    done = command(problem, str(problem.solution), "--student", "chi", "--tier", "no-such-tier")
    assert done.returncode == 3
    assert "no-such-tier" in json.loads(done.stdout)["notes"][0]


def test_the_command_refuses_wrong_use(problem):
    assert command(problem, str(problem.solution)).returncode == 2


def command(problem: Problem, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "gradschool.grading", "judge", str(problem.folder), *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=120)


def test_plain_serves_where_it_is_allowed(grade):
    report = grade(RIGHT, tier="plain", allow_plain=True)
    assert (report.tier, report.verdict) == ("plain", Verdict.CORRECT)
    assert sandbox.why_not("plain") is None


def test_a_box_that_something_else_kills_is_asked_once_more(grade, monkeypatch):
    """The out-of-memory killer of the machine, say. Whoever kills their own box meets the same end twice."""
    real, asked = Session.ask, []

    def ask(self, *arguments):
        if not asked:
            asked.append(self.box.pid)
            for pid in [pid for pid in tree(self.box.pid) if pid != self.box.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
        return real(self, *arguments)

    monkeypatch.setattr(Session, "ask", ask)
    report = grade("def double(x): return 2 * x", "student.double(np.ones(1))")
    assert asked
    assert report.verdict is Verdict.CORRECT
    assert "asked once more" in report.notes[-1]


def test_killing_ones_own_box_gains_nothing(grade):
    code = "import os\ndef double(x): os.kill(2, 9)"  # the keeper, which the judge talks to
    (only,) = grade(code, "student.double(np.ones(1))").checks
    assert (only.verdict, only.points) == (Verdict.CRASHED, 0)


CHANCE = """
    if rng.random() < {share}: fail("bad luck")
    equal(student.double(1), 2, what="double(1)")
"""


@pytest.fixture
def lucky(grade, folder):
    """Judge a submission by a check with chance in it, which fails that share of the right ones at one try."""

    def run(work: str, share: float, student: str):
        grade(work, CHANCE.format(share=share))  # writes the check
        checks = folder / "checks.py"
        text = checks.read_text().replace("public=True)", f"public=True, false_fail={share})")
        checks.write_text(text.replace("reference, score)", "reference, score, rng)"))
        hand_in = folder.parent / "hand-in"
        return judge(Problem.load(folder), hand_in, student=student)

    return run


def test_bad_luck_is_asked_once_more_with_other_numbers(lucky):
    reports = [lucky("def double(x): return 2 * x", 0.5, f"student-{n}") for n in range(12)]
    second = [report for report in reports if any("passed with another" in note for note in report.notes)]
    assert second
    assert all(report.verdict is Verdict.CORRECT for report in second)
    again = lucky("def double(x): return 2 * x", 0.5, second[0].seed)
    assert again.notes == second[0].notes, "the same student has the same luck at each hand-in"


def test_a_wrong_answer_fails_twice_and_is_told_the_odds(lucky):
    (only,) = lucky("def double(x): return 3 * x", 0.01, "chi").checks
    assert only.verdict is Verdict.WRONG
    assert "A right solution fails this twice in about 1 of 10,000 hand-ins." in only.message


def test_a_claim_about_luck_is_tested_on_the_solution(lucky, folder):
    lucky("def double(x): return 2 * x", 0.5, "chi")
    text = (folder / "checks.py").read_text()
    (honest,) = bank.luck(Problem.load(folder))
    assert 2 <= honest.failed <= 18
    assert honest.believable
    (folder / "checks.py").write_text(text.replace("false_fail=0.5", "false_fail=0.01"))
    (boast,) = bank.luck(Problem.load(folder))
    assert boast.failed == honest.failed
    assert not boast.believable


def test_on_a_slow_machine_the_time_stretches(grade, monkeypatch):
    monkeypatch.setattr("gradschool.grading.pace.slowness", lambda: 2.0)
    spin = "import time\ndef double(x):\n    while time.process_time() < 2.5: pass\n    return 2 * x"
    report = grade(spin, "close(student.double(np.ones(1)), 2 * np.ones(1), what='double(x)')")
    assert report.verdict is Verdict.CORRECT
    assert report.machine.endswith("pace 2")


def test_the_pace_is_one_here_or_a_little_more(monkeypatch):
    monkeypatch.undo()
    assert 1.0 <= pace.slowness() <= pace.MOST
    assert pace.slowness() * 2 == int(pace.slowness() * 2)
