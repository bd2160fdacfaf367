"""Jobs that are forked from a kept server: fast because much is loaded, and yet strangers to each other."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from gradschool import sandbox
from gradschool.sandbox.supervisor import tree

from .conftest import wait_until

SOON = 30.0


@pytest.fixture
def pool(namespaces, marker):  # the marker is looked for when the pool has ended
    with sandbox.Pool() as made:
        yield made


def said(pool: sandbox.Pool, job: sandbox.Job) -> str:
    """What a job prints until its end."""
    with sandbox.open_box(job, tier="namespaces", pool=pool) as box:
        with pytest.raises(sandbox.BoxEnded):
            box.receive(1, deadline=time.monotonic() + SOON)
        return box.log().decode().strip()


def has_ended(pid: int) -> bool:
    """Gone, or only waiting for its parent to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def server_of(pool: sandbox.Pool, job: sandbox.Job) -> int:
    with sandbox.open_box(job, tier="namespaces", pool=pool) as box:
        return box.pid


def test_the_server_is_kept_and_its_packages_are_loaded_before_the_job_is(pool, job):
    counted = job("import sys; print('numpy' in sys.modules)", packages=("numpy",), preload=("numpy",))
    assert said(pool, counted) == "True"
    assert server_of(pool, counted) == server_of(pool, counted)
    assert said(pool, job("import sys; print('numpy' in sys.modules)", packages=("numpy",))) == "False"


def test_a_changed_program_gets_a_new_server(pool, job):
    first = job("print(1)")
    assert said(pool, first) == "1"
    second = job("print(2)")  # the same path
    os.utime(second.program, (1, 1))
    assert first.program == second.program
    assert said(pool, second) == "2"


def test_nothing_that_a_job_does_is_seen_by_the_next(pool, job):
    script = """
        import builtins, os, sys
        import json
        print(hasattr(builtins, "planted"), hasattr(json, "planted"), "PLANTED" in os.environ, sys.argv[1:],
              os.listdir("/work"), os.listdir("/tmp"), os.listdir("/dev/shm"))
        builtins.planted = json.planted = True
        os.environ["PLANTED"] = "1"
        for folder in ("/work", "/tmp", "/dev/shm"):
            open(folder + "/planted", "w").close()
    """
    work = job(script)
    assert said(pool, work) == said(pool, work) == "False False False [] [] [] []"


def test_jobs_run_at_the_same_time_and_as_different_users(pool, job):
    work = job("import os, time; os.write(3, b'.'); time.sleep(3600)")
    boxes = [sandbox.open_box(work, tier="namespaces", pool=pool) for _ in range(3)]
    try:
        for box in boxes:
            box.receive(1, deadline=time.monotonic() + SOON)
        users = []
        for pid in tree(boxes[0].pid):
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            lines = dict(line.split(":\t", 1) for line in status if ":\t" in line)
            numbers = lines["NSpid"].split()
            if len(numbers) > 2 and numbers[-1] == "2":  # the job in its own namespace, below the server's
                users.append(lines["Uid"].split()[0])
        assert len(users) == 3
        if os.geteuid() == 0:
            assert len(set(users)) == 3
            assert min(map(int, users)) > 300_000
    finally:
        for box in boxes:
            box.kill()


def test_a_job_sees_neither_the_server_nor_its_neighbours(pool, job):
    neighbour = job("import os, time; os.write(3, b'.'); time.sleep(3600)")
    look = "import os; print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))"
    with sandbox.open_box(neighbour, tier="namespaces", pool=pool) as box:
        box.receive(1, deadline=time.monotonic() + SOON)
        script = neighbour.program.with_name("look.py")
        script.write_text(look)
        assert said(pool, sandbox.Job(script)) == "[1, 2]"


def test_no_module_of_ours_is_there_for_the_job(pool, job):
    script = """
        import sys
        print([name for name in sys.modules if "gradschool" in name], __name__, sys.modules["__main__"].__file__ != "")
        try:
            import gradschool
        except ImportError:
            print("none")
    """
    assert said(pool, job(script)).split() == ["[]", "__main__", "True", "none"]


def test_at_most_so_many_servers_are_kept(namespaces, job, tmp_path):
    with sandbox.Pool(most=2) as pool:
        pids = []
        for number in range(3):
            path = tmp_path / f"program-{number}.py"
            path.write_text("print(1)")
            pids.append(server_of(pool, sandbox.Job(path)))
        assert not Path(f"/proc/{pids[0]}").exists()
        assert all(Path(f"/proc/{pid}").exists() for pid in pids[1:])
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.parametrize("victim", ["launcher", "server"])
def test_a_killed_server_takes_its_jobs_along_and_is_replaced(pool, job, victim):
    work = job("import os, time; os.write(3, b'.'); time.sleep(3600)")
    with sandbox.open_box(work, tier="namespaces", pool=pool) as box:
        box.receive(1, deadline=time.monotonic() + SOON)
        family = list(tree(box.pid))
        os.kill(family[0 if victim == "launcher" else 1], signal.SIGKILL)
        with pytest.raises(sandbox.BoxEnded) as caught:
            box.receive(1, deadline=time.monotonic() + SOON)
        assert caught.value.ending.why == "lost"
    assert wait_until(lambda: all(map(has_ended, family)), 1.0)
    with sandbox.open_box(work, tier="namespaces", pool=pool) as box:
        assert box.receive(1, deadline=time.monotonic() + SOON) == b"."


def test_a_supervisor_that_is_killed_takes_only_its_own_job_along(pool, job):
    work = job("import os, time; os.write(3, b'.'); time.sleep(3600)")
    boxes = [sandbox.open_box(work, tier="namespaces", pool=pool) for _ in range(2)]
    try:
        for box in boxes:
            box.receive(1, deadline=time.monotonic() + SOON)
        _, server, *_ = tree(boxes[0].pid)
        first = int(Path(f"/proc/{server}/task/{server}/children").read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        with pytest.raises(sandbox.BoxEnded):
            boxes[0].receive(1, deadline=time.monotonic() + SOON)
        with pytest.raises(sandbox.BoxTimeout):
            boxes[1].receive(1, deadline=time.monotonic() + 0.2)
    finally:
        for box in boxes:
            box.kill()


def test_a_hundred_jobs_cost_the_server_no_memory_and_no_descriptor(pool, job):
    work = job("import os; os.write(3, b'.')", packages=("numpy",), preload=("numpy",))

    def facts() -> tuple[int, int]:
        with sandbox.open_box(work, tier="namespaces", pool=pool) as box:
            box.receive(1, deadline=time.monotonic() + SOON)
            server = list(tree(box.pid))[1]
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{server}/status").read_text().splitlines())
        return int(status["VmRSS"].split()[0]), len(os.listdir(f"/proc/{server}/fd"))

    for _ in range(5):
        facts()
    before = facts()
    for _ in range(100):
        facts()
    after = facts()
    assert after[0] - before[0] < 2048  # kB
    assert after[1] == before[1]


def test_a_package_that_cannot_be_loaded_is_named(pool, job):
    with pytest.raises(sandbox.BoxError, match="no_such_module"):
        sandbox.open_box(job("", preload=("no_such_module",)), tier="namespaces", pool=pool)


def test_a_file_that_is_none_is_refused(pool, job, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in (("pipe", "not a plain file"), ("missing", "No such file")):
        with pytest.raises(sandbox.BoxError, match=sentence):
            sandbox.open_box(job("", files={"x": tmp_path / name}), tier="namespaces", pool=pool)
    assert said(pool, job("print('still here')")) == "still here"
