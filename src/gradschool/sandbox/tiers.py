"""Which tier this machine gives, found by trying; and opening a box in it."""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import time
from pathlib import Path

from gradschool.sandbox import layout
from gradschool.sandbox.box import TIERS, Box, BoxEnded, BoxError, BoxTimeout, Job, NoSandbox
from gradschool.sandbox.pool import Pool, Server
from gradschool.sandbox.process import START_SECONDS, ProcessBox, Supervised

_reasons: dict[str, str | None] = {}  # why a tier is not to be had; None if it works

KERNEL = "attacks on the kernel through the system calls that Python needs; seeing the machine's model and load"
NOT_STOPPED = {
    "namespaces": KERNEL,
    "bubblewrap": KERNEL,
    "landlock": "what a check leaves running, until the hand-in is graded; seeing which packages are installed; "
    "as an ordinary user, before Linux 6.12, signals to that user's other processes",
    "plain": "reading any file, the network, other processes of the same user, traces for others",
}

PROBE = """
import json, os, socket, sys
facts = {"root": os.getuid() == 0, "read": True, "connected": True, "processes": 0}
try:
    open(sys.argv[1]).close()
except OSError:
    facts["read"] = False
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=5).close()
except OSError:
    facts["connected"] = False
try:
    facts["processes"] = sum(name.isdigit() for name in os.listdir("/proc"))
except OSError:
    pass
with open("written", "w") as file:
    file.write("x")
os.write(3, json.dumps(facts).encode().ljust(4096))
"""


def why_not(tier: str) -> str | None:
    """One sentence why this machine cannot give `tier`, or None if it can. Found by trying, once per process."""
    if tier not in TIERS:
        return f"there is no sandbox tier {tier!r}; the tiers are {', '.join(TIERS)}"
    if tier not in _reasons:
        # A trial that fails is made again: something may have killed it, and the answer is kept.
        _reasons[tier] = None if tier == "plain" else _try(tier) and _try(tier)
    return _reasons[tier]


def _try(tier: str) -> str | None:
    if sys.platform != "linux":
        return f"tier {tier} needs Linux; this is {sys.platform}"
    with tempfile.TemporaryDirectory(prefix="gradschool-probe-") as folder, _listener() as listener:
        probe, secret = Path(folder, "probe.py"), Path(folder, "secret")
        probe.write_text(PROBE)
        secret.touch()
        for path, mode in ((Path(folder), 0o755), (secret, 0o644)):
            path.chmod(mode)  # open to all: only the tier is in the way
        job = Job(probe, (str(secret), str(listener.getsockname()[1])))
        try:
            with _open(tier, job, None) as box:
                facts = json.loads(box.receive(4096, deadline=time.monotonic() + START_SECONDS))
        except (BoxError, BoxTimeout) as error:
            return str(error)
        except BoxEnded as error:
            return f"the self-test of tier {tier} {error}: {box.log().decode(errors='replace').strip()[-300:]}"
    if facts["processes"] > 3 or any(facts[name] for name in ("root", "read", "connected")):
        return f"the self-test of tier {tier} saw too much: {facts}"
    return None


def _listener() -> socket.socket:
    """Somebody to connect to. A machine without the loopback network still gets its tier tested for the rest."""
    try:
        return socket.create_server(("127.0.0.1", 0))
    except OSError:
        return socket.socket()


def available() -> str:
    """The best tier that this machine gives."""
    return next(tier for tier in TIERS if why_not(tier) is None)


def why_none() -> str:
    """Why there is no tier but plain, in one breath."""
    return "; ".join(f"{reason}" for tier in TIERS[:-1] if (reason := why_not(tier)) is not None)


def open_box(job: Job, *, tier: str | None = None, allow_plain: bool = False, pool: Pool | None = None) -> Box:
    """Start a job in the given tier, or in the best one. Plain is used only if named or allowed.

    With a pool, what many jobs have in common is loaded once, where the tier can do that. Raises NoSandbox where the
    tier is not to be had, BoxError where the job cannot be started.
    """
    wanted = tier or available()
    if tier is None and wanted == "plain" and not allow_plain:
        raise NoSandbox(
            f"this machine gives no sandbox ({why_none()}); tier plain is for trusted code and must be asked for"
        )
    reason = why_not(wanted)
    if reason is not None:
        raise NoSandbox(f"tier {wanted} is not to be had here: {reason}")
    return _open(wanted, job, pool)


def _open(tier: str, job: Job, pool: Pool | None) -> Box:
    plan = layout.plan(job)
    if tier != "namespaces":
        return ProcessBox(tier, job, plan, Supervised(), _nothing)
    if pool is not None:
        server = pool.server(job, plan)
        try:
            return ProcessBox(tier, job, plan, server, _nothing)
        except BoxError:
            if not server.is_gone(within=1.0):
                raise
        return ProcessBox(tier, job, plan, pool.server(job, plan), _nothing)  # something killed it: a fresh one
    server = Server(job, plan)
    try:
        return ProcessBox(tier, job, plan, server, server.close)
    except BaseException:
        server.close()
        raise


def _nothing() -> None:
    """Nothing is to be done when this box ends."""
