"""`gradschool serve`: the site and a grading worker, started and stopped together."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import click

NEEDED_MB = 200
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option("--demo", is_flag=True, help="Bring a demo class, with the dates moved so that hw2 is open today.")
@click.option("--course", type=click.Path(path_type=Path), help="The course folder.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--processes",
    default=min(4, os.cpu_count() or 1),
    show_default="one a core, at most 4",
    type=click.IntRange(1, 64),
    help="Processes of the site.",
)
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 64), help="Requests that each serves.")
@click.option("--slots", default=1, show_default=True, type=click.IntRange(0, 64), help="Gradings at the same time.")
def command(demo: bool, course: Path | None, host: str, port: int, processes: int, threads: int, slots: int) -> None:
    """Serve the office until Ctrl-C. Its data stay in $GRADSCHOOL_HOME, by default ./var."""
    if demo and host not in LOOPBACK:
        raise click.UsageError(
            f"--demo serves accounts whose password everybody knows, so it serves this machine only; {host} is not it."
        )
    _check_port(host, port)
    os.environ["DJANGO_SETTINGS_MODULE"] = "gradschool.office.settings"
    if demo:
        os.environ["GRADSCHOOL_DEMO"] = "1"
    from gradschool.office import environment

    home = environment.home()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)  # grades and passwords are in it
        free = shutil.disk_usage(home).free // 2**20
        if free < NEEDED_MB:
            raise click.ClickException(f"Only {free} MB are free for {home}; the office needs {NEEDED_MB} MB to start.")
        if not os.access(home, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise click.ClickException(
            f"The office cannot write to {home} ({error.strerror}); set GRADSCHOOL_HOME to a folder of yours."
        ) from error
    _prepare(demo, course)
    _run(host, port, processes, threads, slots, demo)


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} of {host} cannot be used ({error.strerror}); choose another with --port."
            ) from error


def _prepare(demo: bool, course: Path | None) -> None:
    import django

    django.setup()
    from gradschool.office import setup
    from gradschool.office.demo import load_demo
    from gradschool.office.demo_term import play
    from gradschool.syllabus import CourseError
    from gradschool.syllabus.find import course_folder

    try:
        folder = course_folder(course)
        setup.migrate()
        if demo:
            play(load_demo(folder))
        else:
            setup.apply_course(folder)
    except CourseError as error:
        raise click.ClickException(f"{error}\n`gradschool course check` lists every finding.") from error


def _run(host: str, port: int, processes: int, threads: int, slots: int, demo: bool) -> None:
    site = [sys.executable, "-m", "gunicorn", "--config", "python:gradschool.office.server", "gradschool.office.wsgi"]
    site += ["--bind", f"{host}:{port}", "--workers", str(processes), "--threads", str(threads)]
    worker = [sys.executable, "-m", "gradschool", "worker", "--slots", str(slots)]
    stopping = False

    def stop(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    children = [_start(site)]
    if slots:
        children.append(_start(worker))
    try:
        if _answers(host, port, children[0]):
            _greet(host, port, demo)
        restart_at = 0.0
        while not stopping:
            if children[0].poll() is not None:
                raise click.ClickException("The site ended by itself; its last words stand above.")
            if slots and children[1].poll() is not None and time.monotonic() > restart_at:
                restart_at = time.monotonic() + 5
                children[1] = _start(worker)
            time.sleep(0.2)
    finally:
        _end(children)
    click.echo("\nStopped. Everything is kept for the next start.")


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent)


def _end_with_parent() -> None:
    """On Linux a child ends when this process is killed outright."""
    if sys.platform == "linux":
        from gradschool.sandbox import kernel

        with contextlib.suppress(OSError):
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)


def _answers(host: str, port: int, site: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and site.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            return True
        time.sleep(0.05)
    return False


def _greet(host: str, port: int, demo: bool) -> None:
    click.echo(f"\ngradschool is open: http://{f'[{host}]' if ':' in host else host}:{port}")
    if demo:
        from gradschool.office.demo import PASSWORD, sign_ins

        click.echo(f"Sign in with one of these; the password is {PASSWORD}")
        for address, what in sign_ins():
            click.echo(f"  {address:18} {what}")
    elif host not in LOOPBACK:
        click.echo("It speaks plain HTTP: passwords can be read on their way. docs/deploy.md puts TLS in front.")
    click.echo("Ctrl-C stops it.")


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + 4
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
