"""What every tier promises: a byte stream with deadlines, limits, and an end without remains."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

from gradschool import sandbox

SOURCE = Path(__file__).resolve().parents[2] / "src"
SOON = 30.0


def test_bytes_go_in_and_come_back(job, tier):
    echo = """
        import os
        while piece := os.read(0, 65536):
            while piece:
                piece = piece[os.write(3, piece):]
    """
    message = bytes(range(256)) * 2000
    with sandbox.open_box(job(echo), tier=tier) as box:
        assert box.tier == tier
        for start in range(0, len(message), 32_000):
            piece = message[start : start + 32_000]
            box.send(piece, deadline=time.monotonic() + SOON)
            assert box.receive(len(piece), deadline=time.monotonic() + SOON) == piece


def test_the_exit_code_and_the_log_are_told(run, tier):
    ran = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)", tier)
    assert (ran.ending.why, ran.ending.code) == ("exit", 7)
    assert "out" in ran.log
    assert "err" in ran.log


def test_a_signal_is_told_as_a_negative_code(run, tier):
    assert run("import os; os.kill(os.getpid(), 11) or os.abort()", tier).ending.code in (-11, -6)


def test_silence_ends_at_the_wall_deadline(job, tier):
    with sandbox.open_box(job("import time; time.sleep(3600)"), tier=tier) as box:
        with pytest.raises(sandbox.BoxTimeout) as caught:
            box.receive(1, deadline=time.monotonic() + 0.2)
        assert caught.value.kind == "wall"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the CPU time of a running tree")
def test_work_ends_at_the_cpu_bound(job, tier):
    with sandbox.open_box(job("while True: pass"), tier=tier) as box:
        with pytest.raises(sandbox.BoxTimeout) as caught:
            box.receive(1, deadline=time.monotonic() + SOON, cpu=0.3)
        assert caught.value.kind == "cpu"


def test_the_cpu_limit_ends_a_process_whatever_it_ignores(run, tier):
    script = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    ran = run(script, tier, limits=sandbox.Limits(cpu_seconds=1))
    assert ran.ending.code < 0


def test_a_flood_of_output_is_cut_and_harms_nobody(run, tier):
    ran = run("import os\nfor _ in range(300): os.write(1, b'x' * 65536)\nos.write(3, b'done')", tier)
    assert ran.replies == b"done"
    assert len(ran.log) == sandbox.Limits().log_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="the watchdog reads /proc")
def test_a_memory_hog_is_ended(run, tier):
    hog = "keep = []\nwhile True: keep.append(bytearray(8 << 20))"
    ran = run(hog, tier, limits=sandbox.Limits(memory_bytes=128 << 20))
    assert ran.ending.why == "memory"


@pytest.mark.skipif(sys.platform != "linux", reason="the watchdog reads /proc")
def test_memory_is_counted_over_all_processes_of_a_job(run, tier):
    herd = """
        import os, time
        for _ in range(6):
            if os.fork() == 0:
                keep = bytearray(40 << 20)
                time.sleep(3600)
        os.wait()  # control groups end one process, the watchdog all of them
        os._exit(3)
    """
    ran = run(herd, tier, limits=sandbox.Limits(memory_bytes=128 << 20))
    assert ran.ending.why == "memory"


def test_too_large_an_address_space_is_a_memory_error(run, tier):
    script = "try: bytearray(3 << 30)\nexcept MemoryError: print('refused')"
    assert "refused" in run(script, tier, limits=sandbox.Limits(address_bytes=1 << 30)).log


def test_a_file_is_no_larger_than_allowed(run, tier):
    script = """
        import os
        try:
            with open("big", "wb") as file:
                for _ in range(100):
                    file.write(bytes(1 << 20))
                    file.flush()
        except OSError:
            print("refused", os.path.getsize("big"))
    """
    ran = run(script, tier, limits=sandbox.Limits(file_bytes=4 << 20))
    assert ran.log.split() == ["refused", str(4 << 20)]


def test_a_daemon_does_not_outlive_its_job(run, tier):
    daemon = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for descriptor in range(4):
                    os.close(descriptor)
                time.sleep(3600)
            os._exit(0)
        os.wait()
        print("left one")
    """
    assert "left one" in run(daemon, tier).log  # the marker fixture looks for it


def test_killing_is_thorough_and_may_be_repeated(job, tier):
    busy = "import os\nfor _ in range(5): os.fork()\nwhile True: pass"
    box = sandbox.open_box(job(busy), tier=tier)
    assert box.kill().why == "killed"
    assert box.kill().why == "killed"


def test_the_job_ends_with_its_caller(tier, tmp_path, marker):
    script = tmp_path / f"{marker}.py"
    script.write_text("import os, time\nos.fork()\ntime.sleep(3600)")
    caller = textwrap.dedent(f"""
        import os, sys
        sys.path.insert(0, {str(SOURCE)!r})
        from pathlib import Path
        from gradschool import sandbox
        box = sandbox.open_box(sandbox.Job(Path({str(script)!r})), tier={tier!r})
        os.kill(os.getpid(), 9)
    """)
    assert subprocess.run([sys.executable, "-c", caller], timeout=60).returncode == -9
    # the marker fixture waits until the job is gone


def test_the_job_ends_with_its_supervisor(job, tier):
    box = sandbox.open_box(job("import os, time; os.write(3, b'.'); time.sleep(3600)"), tier=tier)
    box.receive(1, deadline=time.monotonic() + SOON)
    os.kill(box.pid, 9)
    ending = box.kill()
    assert ending.why == "lost" or ending.code == -9  # it may still have had the time to say how its job ended


def test_the_environment_holds_no_secrets(run, tier, monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2-in-the-box")
    script = """
        import glob, os
        print(dict(os.environ))
        for path in glob.glob("/proc/self/environ"):
            print(open(path, "rb").read())
    """
    assert "hunter2" not in run(script, tier).log


def test_open_files_of_the_caller_are_closed_in_the_job(run, tier, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        script = """
            import os
            for number in range(256):
                try:
                    os.fstat(number)
                    print(number)
                except OSError:
                    pass
        """
        assert run(script, tier).log.split() == ["0", "1", "2", "3"]


def test_only_the_allowed_packages_can_be_imported(run, tier):
    script = """
        import os, sys
        sys.path.append(os.environ["GRADSCHOOL_SITE"])
        import numpy
        print(numpy.arange(3).sum())
        for name in ("gradschool", "torch", "click", "pip", "pytest"):
            try:
                __import__(name)
                print("found", name)
            except ImportError:
                pass
    """
    ran = run(script, tier, packages=("numpy",))
    assert ran.log.split() == ["3"]


def test_a_missing_package_is_named(job, tier):
    with pytest.raises(sandbox.BoxError, match="no_such_package"):
        sandbox.open_box(job("", packages=("no_such_package",)), tier=tier)


def test_fifty_jobs_leave_nothing_behind(job, tier):
    def traces() -> set[str]:
        groups = {str(path) for path in Path("/sys/fs/cgroup").glob(f"*/**/gradschool-box-{os.getpid()}-*")}
        folders = {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("gradschool-box-")}
        mounts = set(Path("/proc/self/mountinfo").read_text().splitlines())
        return groups | folders | mounts | {f"{len(os.listdir('/proc/self/fd'))} descriptors"}

    work = job("import os\nif os.fork() == 0: os.setsid()\nopen('left', 'w').write('x')\nos.write(3, b'.')")
    before = traces()
    for _ in range(50):
        with sandbox.open_box(work, tier=tier) as box:
            box.receive(1, deadline=time.monotonic() + SOON)
    assert traces() <= before  # less is no fault: a job sweeps what killed ones before it left


def test_a_tier_is_given_up_only_after_a_second_trial(monkeypatch):
    trials = iter(("something killed it", None, "not allowed here", "not allowed here"))
    monkeypatch.setattr("gradschool.sandbox.tiers._reasons", {})
    monkeypatch.setattr("gradschool.sandbox.tiers._try", lambda tier: next(trials))
    assert sandbox.why_not("namespaces") is None
    assert sandbox.why_not("landlock") == "not allowed here"


def test_plain_is_used_only_when_asked_for(job, monkeypatch):
    reasons = dict.fromkeys(sandbox.TIERS[:-1], "it is told so by this test")
    monkeypatch.setattr("gradschool.sandbox.tiers._reasons", reasons)
    assert sandbox.available() == "plain"
    with pytest.raises(sandbox.NoSandbox, match="told so by this test"):
        sandbox.open_box(job(""))
    with sandbox.open_box(job(""), allow_plain=True) as box:
        assert box.tier == "plain"
    with pytest.raises(sandbox.NoSandbox, match="told so by this test"):
        sandbox.open_box(job(""), tier="namespaces")


def test_an_unknown_tier_is_refused(job):
    with pytest.raises(sandbox.NoSandbox, match="gvisor"):
        sandbox.open_box(job(""), tier="gvisor")


def test_the_sandbox_imports_only_the_standard_library():
    script = "import sys; sys.path.append(sys.argv[1]); import gradschool.sandbox, gradschool.sandbox.server"
    subprocess.run([sys.executable, "-I", "-S", "-c", script, str(SOURCE)], check=True, timeout=60)
