"""An office comes back out of its backup whole, into an empty home alone, or not at all."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from gradschool.office.keeping import chest
from gradschool.office.keeping.backup import back_up
from gradschool.office.keeping.rules import Manifest
from gradschool.office.similarity.models import Prints

from .conftest import in_office, restored, rows_in

BACK_UP = """
import django, sys
from pathlib import Path
django.setup()
from gradschool.office.keeping.backup import back_up
print(back_up(Path(sys.argv[1])).stamp)
"""
NEW_USER = """
import django
django.setup()
from gradschool.office.people.models import User
User.objects.create_user("new@example.edu", "New")
"""
# Back to where the tables stood before reports had scores of boards.
DOWN = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", "queue", "0001", verbosity=0)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def manifest(in_service, offering, chi, eve, note, hand_in, grade, place) -> Manifest:
    """A backup of an office with three hand-ins, of which one is graded."""
    grade(hand_in(chi, "x = 1\n"))
    hand_in(chi, "x = 2\n")
    row = hand_in(eve, "x = 3\n")
    Prints.objects.create(blob=row.blob, method=1, hashes=bytes(range(256)))
    return back_up(place)


def rewritten(place: Path, manifest: Manifest, **changes: object) -> None:
    (place / manifest.name).write_text(dataclasses.replace(manifest, **changes).to_json())


def test_what_comes_back_is_what_was_backed_up(manifest, home, place):
    done = restored(home, place)
    assert done.returncode == 0, done.stderr
    assert "3 hand-ins, each with its receipt, which verifies" in done.stdout
    assert {path.name for path in home.iterdir()} - {"office.sqlite3.turn"} == {"blobs", "office.sqlite3", "secret_key"}
    again = in_office(home, "-c", BACK_UP, str(place))
    assert again.returncode == 0, again.stderr
    latest = chest.manifest_of(place, again.stdout.strip())
    assert rows_in(place, latest) == rows_in(place, manifest)
    assert latest.blobs == manifest.blobs
    assert latest.key_print == manifest.key_print


def test_a_backup_of_older_tables_is_brought_up_to_date(manifest, home, place, tmp_path):
    assert restored(home, place).returncode == 0
    down = in_office(home, "-c", DOWN)
    assert down.returncode == 0, down.stderr
    older = in_office(home, "-c", BACK_UP, str(tmp_path / "older"))
    assert older.returncode == 0, older.stderr
    old = chest.manifest_of(tmp_path / "older")
    assert old.migrations["queue"] == ["0001_initial"]
    assert "public_score" not in rows_in(tmp_path / "older", old)["queue.report"][0]
    done = restored(tmp_path / "new", tmp_path / "older")
    assert done.returncode == 0, done.stderr
    again = in_office(tmp_path / "new", "-c", BACK_UP, str(place))
    after, before = rows_in(place, chest.manifest_of(place, again.stdout.strip())), rows_in(place, manifest)
    for job in (*after["queue.job"], *before["queue.job"]):
        del job["turn"]  # a column that came later, and is filled with the moment of the upgrade
    assert after == before


def test_a_term_moves_to_postgresql_and_back(manifest, home, place, tmp_path, postgresql):
    """Each move is a backup and a restore; what a further backup has is what the first one had."""
    server = {"GRADSCHOOL_DATABASE": postgresql.database()}
    there = restored(home, place, **server)
    assert there.returncode == 0, there.stderr
    assert sorted(path.name for path in home.iterdir()) == ["blobs", "secret_key"]
    moved = in_office(home, "-c", BACK_UP, str(tmp_path / "moved"), **server)
    assert moved.returncode == 0, moved.stderr
    after = chest.manifest_of(tmp_path / "moved")
    assert (after.database, after.blobs) == ("postgresql", manifest.blobs)
    assert rows_in(tmp_path / "moved", after) == rows_in(place, manifest)
    new = in_office(home, "-c", NEW_USER, **server)
    assert new.returncode == 0, new.stderr  # the next number of each table is known
    back = restored(tmp_path / "back", tmp_path / "moved")
    assert back.returncode == 0, back.stderr
    again = in_office(tmp_path / "back", "-c", BACK_UP, str(place))
    assert rows_in(place, chest.manifest_of(place, again.stdout.strip())) == rows_in(place, manifest)
    assert "is not empty; restore into an empty one" in restored(tmp_path / "third", place, **server).stderr


def test_a_refused_restore_leaves_postgresql_empty(manifest, home, place, postgresql):
    miscounted(place, manifest)
    address = postgresql.database()
    assert restored(home, place, GRADSCHOOL_DATABASE=address).returncode == 1
    tables = postgresql.ask(address, "select count(*) from information_schema.tables where table_schema = 'public'")
    assert tables == [(0,)]


def damaged(place: Path, manifest: Manifest) -> str:
    path = chest.blob_in(place / "blobs", sorted(manifest.blobs)[0])
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    return "is damaged"


def missing(place: Path, manifest: Manifest) -> str:
    chest.blob_in(place / "blobs", sorted(manifest.blobs)[0]).unlink()
    return "is missing"


def cut_off(place: Path, manifest: Manifest) -> str:
    path = place / manifest.rows.name
    path.write_bytes(path.read_bytes()[:-20])
    return f"{manifest.rows.name} is damaged"


def another_key(place: Path, manifest: Manifest) -> str:
    assert manifest.key is not None
    (place / manifest.key.name).write_text("0" * 64)
    return f"{manifest.key.name} is damaged"


def newer(place: Path, manifest: Manifest) -> str:
    rewritten(place, manifest, migrations={**manifest.migrations, "queue": ["0001_initial", "9999_dreams"]})
    return "queue.9999_dreams is unknown here. Upgrade first."


def another_format(place: Path, manifest: Manifest) -> str:
    rewritten(place, manifest, format=2)
    return "has format 2, and this gradschool reads 1"


def garbage(place: Path, manifest: Manifest) -> str:
    (place / manifest.name).write_text("{")
    return "is no manifest of a backup"


def elsewhere(place: Path, manifest: Manifest) -> str:
    rewritten(place, manifest, rows=dataclasses.replace(manifest.rows, name="../rows"))
    return "names '../rows', which is no file beside it"


def miscounted(place: Path, manifest: Manifest) -> str:
    rewritten(place, manifest, tables={**manifest.tables, "people.user": 1})
    return "does not have the rows that its manifest counts"


def keyless(place: Path, manifest: Manifest) -> str:
    rewritten(place, manifest, key=None)
    return "This backup came without the office's key; set GRADSCHOOL_SECRET_KEY to it."


def nothing(place: Path, manifest: Manifest) -> str:
    (place / manifest.name).unlink()
    return "There is no backup in"


SPOILED = [
    damaged,
    missing,
    cut_off,
    another_key,
    newer,
    another_format,
    garbage,
    elsewhere,
    miscounted,
    keyless,
    nothing,
]


def test_what_does_not_verify_is_refused_in_a_sentence_and_changes_nothing(manifest, home, place, tmp_path):
    for spoil in SPOILED:
        copy = tmp_path / spoil.__name__
        shutil.copytree(place, copy)
        sentence = spoil(copy, manifest)
        done = restored(home, copy)
        assert done.returncode == 1, spoil.__name__
        assert sentence in done.stderr
        assert done.stderr.startswith("Error: ")
        assert done.stderr.count("\n") == 1, done.stderr
        assert not home.exists() or not list(home.iterdir()), spoil.__name__


def test_a_receipt_that_the_key_did_not_sign_is_found_out(in_service, offering, chi, hand_in, home, place):
    row = hand_in(chi)
    row.signature = "x"
    row.save()
    back_up(place)
    done = restored(home, place)
    assert done.returncode == 1
    assert f"the receipt of hand-in {row.pk} is not genuine" in done.stderr
    assert not list(home.iterdir())


def test_only_an_empty_home_is_filled(manifest, home, place):
    home.mkdir()
    (home / "precious").write_text("!")
    done = restored(home, place)
    assert done.returncode == 1
    assert "is not empty: it has precious." in done.stderr
    assert [path.name for path in home.iterdir()] == ["precious"]


def test_what_a_killed_restore_left_aside_is_no_hindrance(manifest, home, place):
    (home / ".restoring" / "blobs").mkdir(parents=True)
    assert restored(home, place).returncode == 0


def test_the_key_of_the_environment_must_be_the_office_s(manifest, home, place):
    done = restored(home, place, GRADSCHOOL_SECRET_KEY="k" * 40)
    assert done.returncode == 1
    assert "is not the key that this office had" in done.stderr
    assert not home.exists()


def test_a_backup_is_checked_without_being_restored(manifest, home, place):
    done = restored(home, place, "--check")
    assert done.returncode == 0
    assert f"Backup {manifest.stamp} verifies" in done.stdout
    damaged(place, manifest)
    done = restored(home, place, "--check")
    assert done.returncode == 1
    assert "is damaged" in done.stderr
    assert not home.exists()
