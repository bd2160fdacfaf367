"""What tier namespaces stops, one attack a test."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import gradschool
from gradschool import sandbox

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src"


def test_only_the_interpreter_and_the_job_can_be_read(run, namespaces, tmp_path):
    secret = tmp_path / "solution.py"
    secret.write_text("answer = 42")
    wanted = [str(secret), str(REPOSITORY), gradschool.__file__, "/etc/passwd", "/etc/shadow", "/home", "/var", "/sys"]
    script = f"""
        import os
        for path in {wanted!r}:
            if os.path.exists(path):
                print("exists", path)
        for folder, folders, files in os.walk("/"):
            if folder == "/":
                folders.remove("proc")
            for name in files + folders:
                if name in ("solution.py", "checks.py", "gradschool", "bank", "expect.toml"):
                    print("found", folder, name)
    """
    assert run(script, namespaces, packages=("numpy",)).log == ""


def test_nothing_but_work_and_temporary_folders_can_be_written(run, namespaces):
    script = """
        import os
        for folder, folders, _ in os.walk("/"):
            if folder == "/":
                folders.remove("proc")
            try:
                with open(os.path.join(folder, "planted"), "w"):
                    print(folder)
            except OSError:
                pass
    """
    assert set(run(script, namespaces).log.split()) == {"/work", "/tmp", "/dev/shm"}


def test_the_network_is_out_of_reach(run, namespaces):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as hidden:
        name = f"\0gradschool-test-{os.getpid()}"
        hidden.bind(name)
        hidden.listen()
        script = f"""
            import socket
            for family, address in (
                (socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})),
                (socket.AF_UNIX, {name!r}),
            ):
                try:
                    with socket.socket(family) as line:
                        line.settimeout(2)
                        line.connect(address)
                        print("connected", address)
                except OSError:
                    pass
            print([line.partition(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]])
        """
        assert run(script, namespaces).log.strip() in ("[]", "['lo']")


def test_other_processes_are_neither_seen_nor_signalled(run, namespaces):
    script = f"""
        import os
        print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
        for pid in ({os.getpid()}, {os.getppid()}):
            try:
                os.kill(pid, 0)
                print("reached", pid)
            except ProcessLookupError:
                pass
    """
    assert run(script, namespaces).log.strip() == "[1, 2]"


def test_there_are_no_privileges_and_none_can_be_had(run, namespaces):
    script = """
        import ctypes, os
        status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
        print([status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs")])
        print(os.getuid(), os.getgid())
        libc = ctypes.CDLL(None, use_errno=True)
        for flag in (0x10000000, 0x00020000, 0x40000000):  # user, mount and network namespaces
            print(libc.unshare(flag))
        print(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
        for change in (lambda: os.setuid(0), lambda: open("/proc/sys/user/max_user_namespaces", "w")):
            try:
                change()
                print("done")
            except OSError:
                pass
    """
    zero = "0" * 16
    expected = [str([zero] * 5 + ["1"]), "1000 1000", "-1", "-1", "-1", "-1"]
    assert run(script, namespaces).log.splitlines() == expected


def test_the_host_knows_the_job_as_nobody_it_has(job, namespaces):
    with sandbox.open_box(job("import os, time; os.write(3, b'.'); time.sleep(3600)"), tier=namespaces) as box:
        box.receive(1, deadline=time.monotonic() + 30)
        from gradschool.sandbox.supervisor import tree

        below = [pid for pid in tree(box.pid) if pid != box.pid]
        users = {os.stat(f"/proc/{pid}").st_uid for pid in below}
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in below]
    assert below
    assert all("\nUid:\t0" not in status for status in statuses)
    if os.geteuid() == 0:
        real = {int(line.split()[1]) for status in statuses for line in status.splitlines() if line.startswith("Uid:")}
        assert min(real) >= 300_000
        assert 0 not in users - {0}  # the owner of /proc/PID is root while a process may not be traced


def test_a_fork_bomb_is_bounded(run, namespaces):
    bomb = """
        import os, time
        count = 0
        try:
            while count < 500:
                if os.fork() == 0:
                    time.sleep(3600)
                count += 1
        except OSError:
            pass
        print(count)
    """
    assert int(run(bomb, namespaces, limits=sandbox.Limits(processes=20)).log) <= 20


def test_threads_count_as_processes(run, namespaces):
    script = """
        import threading, time
        count = 0
        try:
            while count < 500:
                threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
                count += 1
        except RuntimeError:
            pass
        print(count, flush=True)
        import os; os._exit(0)
    """
    assert int(run(script, namespaces, limits=sandbox.Limits(processes=20)).log.split()[0]) <= 20


def test_the_disk_fills_only_its_own_share(run, namespaces):
    script = """
        import os
        total = 0
        for folder in ("/work", "/tmp", "/dev/shm"):
            for number in range(1000):
                try:
                    with open(f"{folder}/{number}", "wb", buffering=0) as file:
                        total += file.write(bytes(1 << 20))
                except OSError:
                    break
        print(total)
        print(os.statvfs("/work").f_files)
    """
    limits = sandbox.Limits(work_bytes=8 << 20, temp_bytes=2 << 20, inodes=500)
    total, inodes = run(script, namespaces, limits=limits).log.split()
    assert int(total) <= 12 << 20
    assert int(inodes) == 500


def test_what_one_job_leaves_the_next_does_not_find(run, namespaces):
    leave = "open('/tmp/for-the-next', 'w').write('x'); open('/dev/shm/for-the-next', 'w').write('x')"
    look = "import os; print(os.listdir('/tmp'), os.listdir('/dev/shm'), os.listdir('/work'))"
    run(leave, namespaces)
    assert run(look, namespaces).log.strip() == "[] [] []"


def test_stopping_oneself_does_not_stop_the_clock(job, namespaces):
    with sandbox.open_box(job("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"), tier=namespaces) as box:
        with pytest.raises(sandbox.BoxTimeout):
            box.receive(1, deadline=time.monotonic() + 0.3)
        assert box.kill().why == "killed"


def test_a_folder_that_must_stay_hidden_is_never_shown(job, namespaces):
    inside = Path(os.__file__).parent / "json"
    with pytest.raises(sandbox.BoxError, match="must stay hidden"):
        sandbox.open_box(job("", hide=(inside,)), tier=namespaces)


def test_files_of_the_job_are_copied_even_if_closed_to_others(job, namespaces, tmp_path):
    text = tmp_path / "text"
    text.write_text("shown")
    reader = "import os; print(open('/job/below/text').read(), os.access('/job/below/text', os.W_OK))"
    script = job(reader, files={"below/text": text})
    for path in (text, script.program):
        os.chmod(path, 0o600)
    os.chmod(tmp_path, 0o700)
    with sandbox.open_box(script, tier=namespaces) as box:
        with pytest.raises(sandbox.BoxEnded) as caught:
            box.receive(1, deadline=time.monotonic() + 30)
        assert caught.value.ending.code == 0
        assert box.log().decode().split() == ["shown", "False"]


ORDINARY = """
import json, os, sys, time
sys.path.insert(0, {source!r})
from pathlib import Path
from gradschool import sandbox
reason = sandbox.why_not("namespaces")
if reason is not None:
    print(json.dumps({{"reason": reason}}))
    sys.exit()
script = Path(sys.argv[1])
job = sandbox.Job(script)
with sandbox.open_box(job, tier="namespaces") as box:
    print(box.receive(4096, deadline=time.monotonic() + 60).decode())
"""
FACTS = """
import ctypes, json, os
facts = {
    "uid": os.getuid(),
    "pids": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
    "root": sorted(os.listdir("/")),
    "passwd": os.path.exists("/etc/passwd"),
    "unshare": ctypes.CDLL(None).unshare(0x10000000),
}
os.write(3, json.dumps(facts).encode().ljust(4096))
"""


@pytest.mark.parametrize("python", ["/usr/bin/python3", sys.executable])
@pytest.mark.parametrize("user", ["root", "nobody"])
def test_root_and_ordinary_users_get_the_same_walls(python, user, tmp_path, namespaces):
    if os.geteuid() != 0 and user != "root":
        pytest.skip("only root can become another user; the other tests run as an ordinary one already")
    if not os.path.exists(python):
        pytest.skip(f"there is no {python}")
    folder = Path("/tmp", f"gradschool-test-{os.getpid()}-{user}")
    folder.mkdir(mode=0o755)
    try:
        shutil.copytree(SOURCE / "gradschool" / "sandbox", folder / "gradschool" / "sandbox")
        (folder / "gradschool" / "__init__.py").write_text("")
        (folder / "script.py").write_text(FACTS)
        program = ORDINARY.format(source=str(folder))
        identity = pwd.getpwnam(user) if os.geteuid() == 0 else None
        options = {"user": identity.pw_uid, "group": identity.pw_gid, "extra_groups": []} if identity else {}
        try:
            done = subprocess.run(
                [python, "-B", "-c", program, str(folder / "script.py")],
                capture_output=True,
                text=True,
                timeout=120,
                cwd="/",
                **options,
            )
        except PermissionError:
            pytest.skip(f"{user} may not run {python}, which lies in another user's home")
        version = subprocess.run([python, "-c", "import sys; print(sys.version_info >= (3, 11))"], **options, **TEXT)
        if "True" not in version.stdout:
            pytest.skip(f"{python} is older than Python 3.11")
        assert done.returncode == 0, done.stderr
        facts = json.loads(done.stdout)
    finally:
        shutil.rmtree(folder)
    assert "reason" not in facts, facts
    assert (facts["uid"], facts["pids"], facts["passwd"], facts["unshare"]) == (1000, [1, 2], False, -1)


TEXT = {"capture_output": True, "text": True, "timeout": 60, "cwd": "/"}


def test_a_virtual_environment_below_tmp_is_still_found(namespaces, tmp_path):
    """The box's own root is mounted over the host's /tmp for a moment, and must not hide what lies there."""
    environment = Path("/tmp", f"gradschool-venv-{os.getpid()}")
    try:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=120)
        site = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        (site / "tiny.py").write_text("value = 12")
        information = site / "tiny-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        (information / "RECORD").write_text("tiny.py,,\ntiny-1.0.dist-info/METADATA,,\n")
        script = tmp_path / "script.py"
        script.write_text("import os, sys; sys.path.append('/site'); import tiny; os.write(3, b'%d' % tiny.value)")
        program = textwrap.dedent(f"""
            import sys, time
            sys.path.insert(0, {str(SOURCE)!r})
            from pathlib import Path
            from gradschool import sandbox
            job = sandbox.Job(Path({str(script)!r}), packages=("tiny",))
            with sandbox.open_box(job, tier="namespaces") as box:
                print(box.receive(2, deadline=time.monotonic() + 60).decode())
        """)
        done = subprocess.run([str(environment / "bin" / "python"), "-c", program], **TEXT)
        assert done.stdout.strip() == "12", done.stderr
    finally:
        shutil.rmtree(environment, ignore_errors=True)
