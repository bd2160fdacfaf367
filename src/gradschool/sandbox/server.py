"""The process that jobs of tier namespaces are forked from: imports a program's packages once, then only forks.

Runs as `python -c ...` with a bare environment, so nothing of the caller (heap, open files, secrets) is in it. Speaks
over one socket, a message each: in comes first the plan (layout, program, modules to load), then for each job its
descriptors; out goes {"ready": true} or {"failed": sentence}, once. What a job is, and what becomes of it, goes over
the job's own pipes.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import itertools
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

from gradschool.sandbox import cgroups, kernel, namespaces, supervisor

MESSAGE_BYTES = 150_000  # what one packet can hold by default
MOST_DESCRIPTORS = 200


def main() -> None:
    """Start the server in namespaces of its own and stay outside, as its life line: it ends when the caller does."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    plan = json.loads(channel.recv(MESSAGE_BYTES))
    try:
        plan["source"] = Path(plan["program"]).read_text("utf-8")
        code = compile(plan["source"], f"/job/{os.path.basename(plan['program'])}", "exec", dont_inherit=True)
        pid, lifeline = _fork_server(plan, channel, code)
    except (OSError, SyntaxError, ValueError) as error:
        _say(channel, failed=f"tier namespaces could not start: {getattr(error, 'strerror', None) or error}")
        return
    poll = select.poll()
    poll.register(channel, 0)  # says when the caller is gone
    poll.register(os.pidfd_open(pid), select.POLLIN)
    poll.poll()
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    lifeline.close()
    cgroups.sweep()


def _fork_server(plan: dict[str, Any], channel: socket.socket, code: CodeType) -> tuple[int, socket.socket]:
    """The server's process number, and a socket whose closing tells it that we are gone before it can be told so by
    the kernel."""
    root = os.geteuid() == 0
    user, group = os.geteuid(), os.getegid()
    if root:
        kernel.unshare(kernel.CLONE_NEWPID)
    else:
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path("/proc/self", name).write_text(text)
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        try:
            _become_server(plan, channel, code, theirs, root=root)
        except BaseException as error:
            _say(channel, failed=f"tier namespaces could not start: {getattr(error, 'strerror', None) or error}")
        finally:
            os._exit(127)
    theirs.close()
    if root and ours.recv(1) == b"u":
        namespaces.map_ids(pid, f"0 {namespaces.HOST_IDS} 65536")
        ours.sendall(b"m")
    return pid, ours


def _become_server(
    plan: dict[str, Any], channel: socket.socket, code: CodeType, parent: socket.socket, *, root: bool
) -> NoReturn:
    namespaces.build_root(plan)
    if root:
        # Built with real privileges, because folders such as /root are closed to a mapped user; from here on never
        # host user 0 again.
        with contextlib.suppress(OSError):
            os.setgroups([])
        kernel.unshare(kernel.CLONE_NEWUSER)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        parent.sendall(b"u")
        if parent.recv(1) != b"m":
            os._exit(127)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    parent.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        if parent.recv(1) == b"":
            os._exit(127)
    parent.close()
    sys.path[:] = [path for path in sys.path if os.path.exists(path)] + ["/site"]
    for name in (*_imports(plan["source"]), *plan["preload"]):
        importlib.import_module(name)
    _serve(channel, code, single=not root)


def _imports(source: str) -> list[str]:
    """What the program imports of the standard library at its top."""
    lines = [node for node in ast.parse(source).body if isinstance(node, ast.Import)]
    names = [alias.name for line in lines for alias in line.names]
    return [name for name in names if name.partition(".")[0] in sys.stdlib_module_names]


def _serve(channel: socket.socket, code: CodeType, *, single: bool) -> NoReturn:
    """Fork a supervisor for each order. single: there is only one user here, for all jobs."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    # Found once, and not in each job: looking at all modules touches, and so copies, memory all over the place
    ours = [name for name in sys.modules if name.partition(".")[0] == "gradschool"]
    gc.collect()
    gc.freeze()  # or the first collection in a job would touch, and so copy, everything
    kernel.pack_memory()
    _say(channel, ready=True)
    for slot in itertools.cycle(namespaces.SLOTS):
        data, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, MOST_DESCRIPTORS)
        if not data:
            os._exit(0)
        if os.fork() == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                channel.close()
                _supervise(descriptors, code, 0 if single else slot, ours)
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
    raise AssertionError  # the slots go round for ever


def _supervise(descriptors: list[int], code: CodeType, slot: int, ours: list[str]) -> None:
    left = iter(descriptors)
    control, status, requests, replies, log = (next(left) for _ in range(5))
    line = supervisor.read_line(control)
    if not line:
        return  # the caller is gone, or has changed its mind
    order = json.loads(line) | {"hidden_modules": ours}
    doors, accounts = ([next(left) for _ in range(count)] for count in order["groups"])
    keeper = namespaces.NamespaceKeeper(code, slot, dict(zip(order["files"], left, strict=True)))
    pipes = supervisor.Pipes(requests, replies, log)
    supervisor.supervise(order, keeper, pipes, control, status, cgroups.Groups([], doors, accounts))


def _say(channel: socket.socket, **message: Any) -> None:
    with contextlib.suppress(OSError):
        channel.send(json.dumps(message).encode())


if __name__ == "__main__":
    main()
