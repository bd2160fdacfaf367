"""What goes wrong in a rush: processes killed, a disk filled, PostgreSQL restarted, a worker machine cut off."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.postgresql import Cluster

from .office import ROOT, Office, below

RACK = "10.193.77"  # addresses of the network between this machine and the one that is cut off


def kill(office: Office) -> None:
    """SIGKILL for the site and the worker with all their processes. Whoever watches over them starts them again."""
    for name in office.commands:
        office.kill(name)


def why_no_disk() -> str:
    """Why no file system can be made here; empty if one can."""
    if os.geteuid():
        return "only root may mount a file system"
    done = subprocess.run(["losetup", "--find"], capture_output=True, text=True, check=False)
    return f"there is no loop device: {done.stderr.strip()}" if done.returncode else ""


@contextlib.contextmanager
def disk(place: Path, mib: int) -> Iterator[Path]:
    """An ext4 file system of its own, in a file."""
    image, folder = place / "disk.img", place / "disk"
    folder.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        image.unlink()


class Ballast:
    """A file that takes all the room there is."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ballast"

    def fill(self, office: Office) -> None:
        with self.path.open("wb") as file:
            for piece in (1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, piece)
        left = os.statvfs(self.path.parent)
        assert left.f_bavail * left.f_frsize < 1 << 16, "the ballast left room"

    def clear(self, office: Office) -> None:
        self.path.unlink()


class Line:
    """A second machine with a worker: a network namespace, whose way to PostgreSQL is a cable that can be pulled."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.name = f"gs{os.getpid()}"
        self.worker: subprocess.Popen[bytes] | None = None
        self.was_leased = 0
        self._ip("netns", "add", self.name)
        self._ip("link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        self._ip("address", "add", f"{RACK}.1/24", "dev", self.name)
        self._ip("link", "set", self.name, "up")
        for words in (("address", "add", f"{RACK}.2/24", "dev", "eth0"), ("link", "set", "eth0", "up")):
            self._ip("-n", self.name, *words)
        self._ip("-n", self.name, "link", "set", "lo", "up")
        self.door = socket.create_server((f"{RACK}.1", 0))
        threading.Thread(target=self._let_in, daemon=True).start()

    def start(self, office: Office, database: str) -> None:
        """Start a worker there; the blobs are shared with this machine, as a network file system would."""
        address = database.replace(f"127.0.0.1:{self.cluster.port}", "{}:{}".format(*self.door.getsockname()))
        inside = ["ip", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", 'hostname far; exec "$@"', "sh"]
        self.worker = subprocess.Popen(
            [*inside, sys.executable, "-m", "gradschool", "worker"],
            env={**office.environment, "GRADSCHOOL_DATABASE": address},
            stdin=subprocess.DEVNULL,
            stdout=office.log,
            stderr=office.log,
            cwd=ROOT,
        )

    def cut(self, office: Office) -> None:
        """Pull the cable while a grading is under way: the grader is held until that is seen to be so."""
        assert self.worker is not None
        deadline = time.monotonic() + 20
        while not self.was_leased and time.monotonic() < deadline:
            self._signal(signal.SIGSTOP)
            self.was_leased = self._count(office, "state = 'leased' AND leased_by LIKE 'far:%'")
            if not self.was_leased:
                self._signal(signal.SIGCONT)
                time.sleep(0.01)
        self._ip("link", "set", self.name, "down")
        self._signal(signal.SIGCONT)

    def mend(self, office: Office) -> None:
        """Plug it in again, once another worker was seen to take the job over."""
        deadline = time.monotonic() + 120
        while not self._count(office, "losses > 0") and time.monotonic() < deadline:
            time.sleep(0.2)
        self._ip("link", "set", self.name, "up")

    def close(self) -> None:
        if self.worker is not None:
            for pid in [*below(self.worker.pid), self.worker.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.worker.wait()
        with contextlib.suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)  # whoever waits at the door is woken
        self.door.close()
        self._ip("netns", "delete", self.name)

    def _signal(self, number: signal.Signals) -> None:
        assert self.worker is not None
        for pid in below(self.worker.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _count(self, office: Office, which: str) -> int:
        question = f"SELECT count(*) FROM queue_job WHERE {which}"
        return int(str(self.cluster.ask(office.environment["GRADSCHOOL_DATABASE"], question)[0][0]))

    def _let_in(self) -> None:
        """Pass on what comes from the namespace to PostgreSQL, which listens to this machine alone."""
        while True:
            try:
                there, _ = self.door.accept()
            except OSError:
                return  # the door is closed
            try:
                here = socket.create_connection(("127.0.0.1", self.cluster.port))
            except OSError:  # PostgreSQL restarts
                there.close()
                continue
            threading.Thread(target=_connected, args=(there, here), daemon=True).start()

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True)


def _connected(there: socket.socket, here: socket.socket) -> None:
    """Pass on in both directions until either end is gone."""
    with there, here:
        back = threading.Thread(target=_pass_on, args=(here, there), daemon=True)
        back.start()
        _pass_on(there, here)
        back.join()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def why_no_line() -> str:
    """Why no second machine can be made up here; empty if one can."""
    if os.geteuid():
        return "only root may make a network namespace"
    done = subprocess.run(["ip", "netns", "add", "gs-try"], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"no network namespace can be made: {done.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", "gs-try"], check=True)
    return ""


def restart(cluster: Cluster) -> None:
    """PostgreSQL ends all connections, and is back as soon as it can."""
    cluster.stop(signal.SIGINT)
    cluster.start()
