"""A PostgreSQL of the tests' own: a throw-away cluster from the system's packages, run as an ordinary user.

`pytest --database postgresql` lets the office's tests run on one; the fixture `postgresql` gives any test one, and
`Cluster.database()` an empty database in it. It writes to the disk as a real one does (fsync is on).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from gradschool.sandbox import kernel

PROGRAMS = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *Path("/usr/pgsql").glob("bin"))
STARTED_SECONDS = 60


def bin_folder() -> Path | None:
    """Where initdb and postgres lie; Debian does not put them on the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return next((folder for folder in PROGRAMS if (folder / "initdb").exists()), None)


class Cluster:
    """A server with its data in a folder of /tmp, reached by a socket in it, and by 127.0.0.1 with a password."""

    def __init__(self, **options: str) -> None:
        programs = bin_folder()
        assert programs is not None, "PostgreSQL is not installed here; on Debian, `apt-get install postgresql`"
        self.programs = programs
        # PostgreSQL refuses to run as root.
        self.user = getpass.getuser() if os.geteuid() else _ordinary_user()
        self.folder = Path(tempfile.mkdtemp(prefix="gradschool-pg-"))
        shutil.chown(self.folder, self.user)
        self.password = secrets.token_hex(8)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": "60",
            "shared_buffers": "32MB",
            **options,
        }
        self.process: subprocess.Popen[bytes] | None = None
        word = self.folder / "password"
        word.write_text(self.password)
        shutil.chown(word, self.user)
        made = self._run(
            "initdb", "-D", "data", "-U", "office", "--auth-local=trust", "--auth-host=scram-sha-256",
            f"--pwfile={word}", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        )  # fmt: skip
        assert made.returncode == 0, made.stdout
        self.start()

    def start(self) -> None:
        """Start the server, or start it again, and wait until it takes connections."""
        settings = [word for name, value in self.options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", "data", *settings],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_as(self.user),
                preexec_fn=lambda: kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGQUIT),
            )
        deadline = time.monotonic() + STARTED_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                alive = self.process.poll() is None and time.monotonic() < deadline
                assert alive, (self.folder / "log").read_text()[-4000:]
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends every connection and stops cleanly, SIGQUIT at once and as it is."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(STARTED_SECONDS)
            self.process = None

    def crash(self) -> None:
        """End it as a power cut does, and start it again: it recovers what was committed."""
        self.stop(signal.SIGQUIT)
        self.start()

    def close(self) -> None:
        """Stop it and leave nothing behind."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, *, by_network: bool = False) -> str:
        """The address of a database, as $GRADSCHOOL_DATABASE takes it."""
        if by_network:
            return f"postgresql://office:{self.password}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://office@:{self.port}/{database}?host={self.folder}"

    def database(self, *, by_network: bool = False) -> str:
        """Make an empty database and return its address."""
        name = f"office_{secrets.token_hex(4)}"
        self.ask("postgres", f"CREATE DATABASE {name}")
        return self.url(name, by_network=by_network)

    def ask(self, database: str, question: str) -> list[tuple[object, ...]]:
        """The rows of an SQL statement; `database` is a name, or an address that `database()` has returned."""
        address = database if "://" in database else self.url(database)
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(question.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.programs / program, *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
            **_as(self.user),
        )


def why_not() -> str:
    """Why no cluster can be made here; empty if one can."""
    if bin_folder() is None:
        return "PostgreSQL is not installed"
    if os.geteuid() == 0 and not _ordinary_user():
        return "there is no ordinary user to run PostgreSQL as"
    return ""


def _ordinary_user() -> str:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return ""


def _as(user: str) -> dict[str, object]:
    """Arguments of Popen: as this user, with nothing of root's left."""
    if os.geteuid():
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
