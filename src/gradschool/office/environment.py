"""The only reader of environment variables in the office: each is typed, and named in its errors."""

from __future__ import annotations

import os
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit


class BadSetting(Exception):
    """An environment variable has a value that cannot be used."""


def text(name: str, default: str) -> str:
    """The variable's value, or the default when it is unset or empty."""
    return os.environ.get(name) or default


def flag(name: str, default: bool = False) -> bool:
    """1/true/yes/on or 0/false/no/off."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "0", "false", "no", "off"}:
        return default if value == "" else False
    if value in {"1", "true", "yes", "on"}:
        return True
    raise BadSetting(f"{name} is {value!r}; use 1 or 0.")


def words(name: str, default: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def log_form() -> str:
    """$GRADSCHOOL_LOG: "words" for people, the default, or "json" for programs."""
    form = text("GRADSCHOOL_LOG", "words")
    if form not in ("words", "json"):
        raise BadSetting(f"GRADSCHOOL_LOG is {form!r}; use words or json.")
    return form


class Mail(NamedTuple):
    """Where mail goes; without a host, to the console."""

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    whole_tls: bool = False
    start_tls: bool = False


def mail() -> Mail:
    """$GRADSCHOOL_MAIL: smtp://user:password@host:587 (with STARTTLS, but for this machine itself) or smtps://..."""
    given = text("GRADSCHOOL_MAIL", "")
    if not given:
        return Mail()
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise BadSetting("GRADSCHOOL_MAIL is no mail server; write it like smtp://user:password@mail.example.edu:587.")
    whole = parts.scheme == "smtps"
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Mail(parts.hostname, port or (465 if whole else 587), user, password, whole, not whole and not here)


class Database(NamedTuple):
    """A PostgreSQL database; without a name, the office keeps its rows in a file of SQLite in its home folder."""

    name: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""


def database() -> Database:
    """$GRADSCHOOL_DATABASE: postgresql://user:password@host:5432/name, or ...?host=/run/postgresql for a socket."""
    given = text("GRADSCHOOL_DATABASE", "")
    if not given:
        return Database()
    try:
        parts = urlsplit(given)
        port = parts.port or 5432
        query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        parts, port, query = urlsplit(""), 0, {}
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in ("postgresql", "postgres") or not name or "/" in name or set(query) - {"host"}:
        raise BadSetting(
            "GRADSCHOOL_DATABASE is no database of PostgreSQL; "
            "write it like postgresql://user:password@db.example.edu:5432/gradschool."
        )
    if find_spec("psycopg") is None:
        raise BadSetting(
            "GRADSCHOOL_DATABASE names a PostgreSQL; `pip install 'gradschool[postgresql]'` can talk to it."
        )
    host = query.get("host", parts.hostname or "")
    return Database(name, host, port, unquote(parts.username or ""), unquote(parts.password or ""))


class Oidc(NamedTuple):
    """An OpenID Connect provider; without an issuer, nobody signs in that way."""

    issuer: str = ""
    client: str = ""
    secret: str = ""
    name: str = ""
    trust_email: bool = False


def oidc() -> Oidc:
    """The provider of $GRADSCHOOL_OIDC_ISSUER, with the client that it knows this site as."""
    issuer = text("GRADSCHOOL_OIDC_ISSUER", "").rstrip("/")
    if not issuer:
        return Oidc()
    parts = urlsplit(issuer)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise BadSetting(
            f"GRADSCHOOL_OIDC_ISSUER is {issuer!r}; give the provider's address, which begins with https://."
        )
    client, secret = text("GRADSCHOOL_OIDC_CLIENT", ""), text("GRADSCHOOL_OIDC_SECRET", "")
    if not client or not secret:
        raise BadSetting("GRADSCHOOL_OIDC_ISSUER needs GRADSCHOOL_OIDC_CLIENT and GRADSCHOOL_OIDC_SECRET beside it.")
    name = text("GRADSCHOOL_OIDC_NAME", parts.hostname or issuer)
    return Oidc(issuer, client, secret, name, flag("GRADSCHOOL_OIDC_TRUST_EMAIL"))


def home() -> Path:
    """The folder that holds everything the office keeps: database, blobs, secret key ($GRADSCHOOL_HOME, else ./var)."""
    return Path(text("GRADSCHOOL_HOME", "var")).expanduser().resolve()


def secret_key() -> str:
    """$GRADSCHOOL_SECRET_KEY, else the key in the home folder, made at the first start for its owner's eyes only."""
    given = text("GRADSCHOOL_SECRET_KEY", "")
    if given:
        if len(given) < 32:
            raise BadSetting("GRADSCHOOL_SECRET_KEY is shorter than 32 characters; `openssl rand -hex 32` makes one.")
        return given
    path = home() / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written aside and linked into place, so that two processes starting at once agree on one key.
        aside = path.with_name(f".secret_key.{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
        return path.read_text().strip()
