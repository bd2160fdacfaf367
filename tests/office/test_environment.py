"""The office's settings come from the environment, typed, and name the variable that is wrong."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gradschool.office import environment


@pytest.mark.parametrize(("value", "meaning"), [("1", True), ("Yes", True), ("off", False), ("0", False), ("", False)])
def test_a_flag_is_read_as_a_person_writes_it(monkeypatch: pytest.MonkeyPatch, value: str, meaning: bool) -> None:
    monkeypatch.setenv("GRADSCHOOL_TLS", value)
    assert environment.flag("GRADSCHOOL_TLS") is meaning


def test_a_bad_flag_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADSCHOOL_TLS", "perhaps")
    with pytest.raises(environment.BadSetting, match=r"GRADSCHOOL_TLS is 'perhaps'; use 1 or 0"):
        environment.flag("GRADSCHOOL_TLS")


def test_processes_that_start_together_agree_on_one_secret_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADSCHOOL_HOME", str(tmp_path / "new"))
    monkeypatch.delenv("GRADSCHOOL_SECRET_KEY", raising=False)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: environment.secret_key(), range(8)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    path = tmp_path / "new" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret_key"]


def test_a_short_secret_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADSCHOOL_SECRET_KEY", "short")
    with pytest.raises(environment.BadSetting, match="shorter than 32"):
        environment.secret_key()


@pytest.mark.parametrize(
    ("given", "mail"),
    [
        ("", environment.Mail()),
        ("smtp://localhost", environment.Mail("localhost", 587)),
        ("smtp://m%40x:p%2Fw@mail.edu:2525", environment.Mail("mail.edu", 2525, "m@x", "p/w", False, True)),
        ("smtps://u:p@mail.edu", environment.Mail("mail.edu", 465, "u", "p", True, False)),
    ],
)
def test_a_mail_server_is_one_address(monkeypatch: pytest.MonkeyPatch, given: str, mail: environment.Mail) -> None:
    monkeypatch.setenv("GRADSCHOOL_MAIL", given)
    assert environment.mail() == mail


@pytest.mark.parametrize("given", ["mail.edu", "http://mail.edu", "smtp://", "smtp://mail.edu:port"])
def test_what_is_no_mail_server_is_said(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("GRADSCHOOL_MAIL", given)
    with pytest.raises(environment.BadSetting, match="GRADSCHOOL_MAIL is no mail server"):
        environment.mail()


def test_a_provider_is_off_by_default_and_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.oidc() == environment.Oidc()
    monkeypatch.setenv("GRADSCHOOL_OIDC_ISSUER", "http://login.example.edu")
    with pytest.raises(environment.BadSetting, match="begins with https://"):
        environment.oidc()
    monkeypatch.setenv("GRADSCHOOL_OIDC_ISSUER", "https://login.example.edu/")
    with pytest.raises(environment.BadSetting, match="needs GRADSCHOOL_OIDC_CLIENT and GRADSCHOOL_OIDC_SECRET"):
        environment.oidc()
    monkeypatch.setenv("GRADSCHOOL_OIDC_CLIENT", "c")
    monkeypatch.setenv("GRADSCHOOL_OIDC_SECRET", "s")
    assert environment.oidc() == environment.Oidc("https://login.example.edu", "c", "s", "login.example.edu", False)


@pytest.mark.parametrize(
    ("given", "database"),
    [
        ("", environment.Database()),
        ("postgresql://ada:p%2Fw@db.edu:5433/office", environment.Database("office", "db.edu", 5433, "ada", "p/w")),
        ("postgres://db.edu/office", environment.Database("office", "db.edu", 5432)),
        ("postgresql:///office?host=/run/pg", environment.Database("office", "/run/pg", 5432)),
        ("postgresql://ada@:5433/office?host=/run/pg", environment.Database("office", "/run/pg", 5433, "ada")),
    ],
)
def test_a_database_is_one_address(monkeypatch: pytest.MonkeyPatch, given: str, database: environment.Database) -> None:
    monkeypatch.setenv("GRADSCHOOL_DATABASE", given)
    assert environment.database() == database


@pytest.mark.parametrize(
    "given",
    ["office", "mysql://db.edu/office", "postgresql://db.edu", "postgresql://db.edu/a/b", "postgresql://db.edu:x/a",
     "postgresql://db.edu/a?sslmode", "postgresql://db.edu/a?user=b"],
)  # fmt: skip
def test_what_is_no_database_is_said(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("GRADSCHOOL_DATABASE", given)
    with pytest.raises(environment.BadSetting, match="GRADSCHOOL_DATABASE is no database of PostgreSQL"):
        environment.database()


def test_a_missing_driver_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADSCHOOL_DATABASE", "postgresql://db.edu/office")
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    with pytest.raises(environment.BadSetting, match=r"pip install 'gradschool\[postgresql\]'"):
        environment.database()
