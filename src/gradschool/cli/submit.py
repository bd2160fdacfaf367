"""`gradschool submit PROBLEM PATH`: hand in from a terminal, keep the receipt, wait for the report."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click

SITE = "http://127.0.0.1:8000"
TOKENS = "tokens.json"


@click.command()
@click.argument("problem")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--site", default=SITE, show_default=True, help="The address of the office.")
@click.option("--offering", default="fall-2021", show_default=True, help="The course's name in the office's addresses.")
@click.option("--wait/--no-wait", default=True, help="Wait for the report.")
def command(problem: str, path: Path, site: str, offering: str, wait: bool) -> None:
    """Hand in PATH (a folder, a file or a zip) for PROBLEM. The token comes from $GRADSCHOOL_TOKEN or a sign-in."""
    from gradschool.grading import archive

    with tempfile.TemporaryDirectory() as folder:
        packed = path
        if path.suffix != ".zip":
            packed = Path(folder, "hand-in.zip")
            files = {path.name: path} if path.is_file() else _files_of(path, archive.IGNORED)
            archive.pack(files, packed)
        try:
            archive.inspect(packed)
        except archive.ArchiveRefused as error:
            raise click.ClickException(str(error)) from error
        token = _token(site)
        address = f"/api/{quote(offering)}/problems/{quote(problem)}/submissions"
        status, answer = _ask(site, "POST", address, packed.read_bytes(), token, "application/zip")
    if status == 401:
        _forget(site)
    if status not in (200, 201):
        raise click.ClickException(answer.get("error") or f"The office answered with status {status}.")
    new = "Handed in" if answer["new"] else "These very files are your latest hand-in already; it stands"
    click.echo(f"{new}: {problem} no. {answer['number']}, SHA-256 {answer['sha256'][:16]}.")
    receipt = Path(f"{problem}-{answer['number']}-receipt.txt")
    try:
        receipt.write_text(answer["receipt"])
        click.echo(f"Receipt: {receipt}")
    except OSError as error:  # it is handed in all the same
        click.echo(f"The receipt cannot be written here ({error.strerror}); this is it, keep it:\n{answer['receipt']}")
    for warning in answer["warnings"]:
        click.echo(f"Warning: {warning}")
    if wait:
        _show_report(site, f"/api/{quote(offering)}/submissions/{answer['submission']}", token)


def _files_of(folder: Path, ignored: frozenset[str] | set[str]) -> dict[str, Path]:
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not ignored & set(inside.parts):
            found[inside.as_posix()] = path
    if not found:
        raise click.ClickException(f"{folder} holds no file to hand in.")
    return found


def _show_report(site: str, address: str, token: str) -> None:
    from gradschool.grading.report import Report

    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        status, answer = _ask(site, "GET", address, None, token)
        if status != 200:
            raise click.ClickException(answer.get("error") or f"The office answered with status {status}.")
        if answer["report"]:
            report = Report.from_json(answer["report"])
            for result in report.checks:
                click.echo(f"  {result.verdict:14} {result.points}/{result.max_points}  {result.part} {result.title}")
                if result.message:
                    click.echo("      " + result.message.replace("\n", "\n      "))
            click.echo(f"{report.points} of {report.max_points} points ({report.verdict}).")
            return
        time.sleep(1)
    click.echo("It is still being graded; look at the page of the problem set later. The hand-in is safe.")


def _ask(
    site: str, method: str, address: str, body: bytes | None, token: str = "", kind: str = ""
) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(site)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.UsageError(f"--site {site!r} is no address; write it as https://course.example.edu.")
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname, parts.port, timeout=120)
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if kind:
        headers["Content-Type"] = kind
    try:
        # A hand-in that is too large is refused before all of it is sent; the answer says so.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, parts.path.rstrip("/") + address, body, headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise click.ClickException(
            f"The office at {site} cannot be reached ({error}); nothing is known to be handed in. Try again."
        ) from error
    finally:
        connection.close()
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    return response.status, answer if isinstance(answer, dict) else {}


def _store() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "gradschool", TOKENS)


def _known() -> dict[str, str]:
    try:
        return dict(json.loads(_store().read_text()))
    except (OSError, ValueError):
        return {}


def _token(site: str) -> str:
    token = os.environ.get("GRADSCHOOL_TOKEN") or _known().get(site)
    if token:
        return token
    email = click.prompt(f"E-mail address at {site}")
    password = click.prompt("Password", hide_input=True)
    body = urlencode({"email": email, "password": password, "label": "gradschool submit"}).encode()
    status, answer = _ask(site, "POST", "/api/token", body, kind="application/x-www-form-urlencoded")
    if status != 200:
        raise click.ClickException(answer.get("error") or f"The office answered with status {status}.")
    _keep({**_known(), site: answer["token"]})
    return str(answer["token"])


def _forget(site: str) -> None:
    _keep({known: token for known, token in _known().items() if known != site})


def _keep(tokens: dict[str, str]) -> None:
    path = _store()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(tokens, file)
