"""The filter on system calls and the rules on files, which every tier but plain puts before the job."""

from __future__ import annotations

import errno
import json
import os
import platform
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gradschool.sandbox import landlock, seccomp

SOURCE = Path(__file__).resolve().parents[2] / "src"
needs_filter = pytest.mark.skipif(not seccomp.known(), reason="no filter for this machine")
needs_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of 64-bit x86")
needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")


def fenced(before: str, after: str) -> dict[str, object]:
    """What a process says that does `before`, gives up new privileges, installs a fence and does `after`."""
    program = "\n".join(
        [
            f"import ctypes, errno, json, os, socket, sys; sys.path.insert(0, {str(SOURCE)!r})",
            "from gradschool.sandbox import kernel, landlock, seccomp",
            "libc = ctypes.CDLL(None, use_errno=True)",
            "def call(number, *arguments):",
            "    return 0 if libc.syscall(number, *arguments) >= 0 else ctypes.get_errno()",
            "said = {}",
            textwrap.dedent(before),
            "kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)",
            textwrap.dedent(after),
            "print(json.dumps(said))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return dict(json.loads(done.stdout))


@needs_filter
@needs_x86
def test_calls_that_no_job_needs_are_refused_one_by_one():
    said = fenced(
        "",
        """
        seccomp.install(sockets=True)
        # Bad arguments on purpose: without the filter none of these gives "operation not permitted" for the reason of
        # a missing right alone, because it looks at its arguments first, or has no reason to refuse.
        said["unshare"] = call(272, 0)
        said["personality"] = call(135, 0xFFFFFFFF)
        said["ptrace of myself"] = call(101, 0, 0, 0, 0)
        said["keyctl"] = call(250, 0, -3, 0)
        said["userfaultfd"] = call(323, 0)
        said["bpf"] = call(321, 99, 0, 0)
        said["clone into a new user namespace"] = call(56, 0x10000000 | 17, 0, 0, 0, 0)
        said["clone3"] = call(435, 0, 0)
        said["a number of the future"] = call(999)
        said["typing into the terminal"] = call(16, 0, 0x5412, ctypes.byref(ctypes.c_char(b"x")))
        """,
    )
    unknown = {"clone3", "a number of the future"}
    assert {name for name, code in said.items() if code == errno.ENOSYS} == unknown
    assert {name for name, code in said.items() if code == errno.EPERM} == set(said) - unknown


@needs_filter
@pytest.mark.parametrize("sockets", [True, False])
def test_sockets_are_local_or_none(sockets):
    said = fenced(
        "",
        f"""
        seccomp.install(sockets={sockets})
        for name in ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_VSOCK", "AF_PACKET"):
            try:
                socket.socket(getattr(socket, name), socket.SOCK_STREAM).close()
                said[name] = 0
            except OSError as error:
                said[name] = error.errno
        for line in socket.socketpair():  # reaches nobody, and workers of a data loader need it
            line.close()
        """,
    )
    assert {name for name, code in said.items() if code == 0} == ({"AF_UNIX"} if sockets else set())
    assert set(said.values()) - {0} == {errno.EAFNOSUPPORT}


@needs_filter
def test_what_python_needs_still_works():
    said = fenced(
        "",
        """
        seccomp.install(sockets=True)
        import multiprocessing, subprocess, tempfile, threading
        thread = threading.Thread(target=said.update, args=({"thread": 1},))
        thread.start(); thread.join()
        if (pid := os.fork()) == 0:
            os._exit(7)
        said["fork"] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        said["spawn"] = subprocess.run([sys.executable, "-c", "print(3)"], capture_output=True, text=True).stdout
        with multiprocessing.get_context("fork").Pool(2) as pool:
            said["pool"] = pool.map(abs, [-1, -2])
        with tempfile.TemporaryFile() as file:
            said["file"] = file.write(b"four")
        import ctypes, mmap
        said["memory"] = len(mmap.mmap(-1, 8192))
        """,
    )
    assert said == {"thread": 1, "fork": 7, "spawn": "3\n", "pool": [1, 2], "file": 4, "memory": 8192}


@needs_filter
@needs_x86
def test_numbers_of_another_instruction_set_end_the_process():
    program = f"""
import ctypes, sys; sys.path.insert(0, {str(SOURCE)!r})
from gradschool.sandbox import kernel, seccomp
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
seccomp.install(sockets=True)
ctypes.CDLL(None).syscall(0x40000000 + 39)  # getpid of the x32 table
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == -signal.SIGSYS


def test_every_jump_of_the_filter_lands_inside_and_it_ends_with_an_answer():
    for machine in seccomp.MACHINES:
        for sockets in (True, False):
            code = seccomp.program(machine, sockets=sockets)
            assert len(code) % 8 == 0
            lines = [code[start : start + 8] for start in range(0, len(code), 8)]
            assert len(lines) < 4096  # the kernel's limit
            for number, line in enumerate(lines):
                if line[0] & 0x07 == 0x05:  # a jump: offsets from the next instruction
                    assert number + 1 + max(line[2], line[3]) < len(lines)
            assert lines[-1][0] == seccomp.RETURN


@needs_landlock
def test_files_that_are_not_named_are_out_of_reach(tmp_path):
    for name in ("open", "closed", "work"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
    said = fenced(
        f"os.chdir({str(tmp_path)!r})\nopened = os.open('closed/file', os.O_RDONLY)",
        """
        landlock.restrict(["open", "not there at all"], ["work"])
        def attempt(name, action):
            try:
                action()
                said[name] = 0
            except OSError as error:
                said[name] = error.errno
        attempt("read open", lambda: open("open/file").read())
        attempt("list open", lambda: os.listdir("open"))
        attempt("write open", lambda: open("open/file", "w"))
        attempt("remove in open", lambda: os.remove("open/file"))
        attempt("read closed", lambda: open("closed/file").read())
        attempt("list closed", lambda: os.listdir("closed"))
        attempt("read /etc/passwd", lambda: open("/etc/passwd").read())
        attempt("read /proc", lambda: open("/proc/self/environ").read())
        attempt("write work", lambda: open("work/file", "w").write("x"))
        attempt("make in work", lambda: os.mkdir("work/below"))
        attempt("link into work", lambda: os.link("open/file", "work/linked"))
        attempt("read what was opened before", lambda: os.read(opened, 1))
        """,
    )
    allowed = {"read open", "list open", "write work", "make in work", "read what was opened before"}
    assert {name for name, code in said.items() if code == 0} == allowed
    assert (tmp_path / "open" / "file").read_text() == "text"


@needs_landlock
def test_the_rules_hold_for_what_is_started_later_and_cannot_be_lifted(tmp_path):
    (tmp_path / "file").write_text("text")
    said = fenced(
        "",
        f"""
        landlock.restrict(["/usr", "/lib", "/lib64", {sys.base_prefix!r}], [])
        landlock.restrict(["/"], ["/"])  # a second set of rules can only take away
        if (pid := os.fork()) == 0:
            try:
                os.listdir({str(tmp_path)!r})
                os._exit(0)
            except PermissionError:
                os._exit(13)
        said["child"] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        """,
    )
    assert said == {"child": errno.EACCES}


@needs_filter
@needs_x86
def test_a_job_is_behind_the_filter(run, namespaces):
    script = """
        import ctypes, socket
        libc = ctypes.CDLL(None, use_errno=True)
        print(libc.syscall(135, 0xFFFFFFFF), ctypes.get_errno())
        try:
            socket.socket(40, socket.SOCK_STREAM)  # AF_VSOCK: a network namespace does not close it
        except OSError as error:
            print(error.errno)
    """
    assert run(script, namespaces).log.split() == ["-1", str(errno.EPERM), str(errno.EAFNOSUPPORT)]


@needs_landlock
def test_a_job_may_not_write_where_a_mount_alone_would_let_it(run, namespaces):
    script = """
        for path in ("/dev/null", "/work/file", "/tmp/file", "/dev/shm/file"):
            open(path, "w").write("x")
        try:
            open("/proc/self/comm", "w").write("x")  # a writable file system that no rule names
        except PermissionError:
            print("refused")
    """
    assert run(script, namespaces).log.strip() == "refused"
    assert os.path.exists("/proc/self/comm")
