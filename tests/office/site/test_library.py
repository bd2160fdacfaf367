"""The library: its index, the page of a method, and the recorded figures."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gradschool.catalog import Places, Room, methods
from gradschool.office.site import shelf

pytestmark = pytest.mark.django_db
NAME = "linear_classifier"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A library of its own whose linear classifier has a record with one figure; the folder of the record."""
    here = Places.here()
    places = replace(here, results=tmp_path / "results")
    shutil.copytree(here.library, tmp_path / "library", ignore=shutil.ignore_patterns("__pycache__"))
    places = replace(places, library=tmp_path / "library")
    monkeypatch.setattr(Places, "here", classmethod(lambda _: places))
    folder = places.results / NAME
    folder.mkdir(parents=True)
    (folder / "loss.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "secret.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    code_hash = next(method for method in methods() if method.name == NAME).code_hash
    write_record(folder, code_hash)
    return folder


def write_record(folder: Path, code_hash: str) -> None:
    run = {
        "values": [0.96, 0.98],
        "mean": 0.97,
        "spread": 0.0141,
        "seeds": [0, 1],
        "split": "a quarter for the test",
        "cpu_seconds": 1.25,
        "met": True,
    }
    record = {
        "code_hash": code_hash,
        "recorded": "2026-01-31",
        "machine": "one core of a test machine",
        "target": {"metric": "test_accuracy", "bar": 0.955, "minutes": 0.2, "device": "core"},
        "runs": {"default": run},
        "figures": [{"file": "loss.svg", "title": "The loss", "alt": "The loss falls from 2.3 to 0.1."}],
    }
    (folder / "record.json").write_text(json.dumps(record))


def page(client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_index_has_every_room_and_method(client, offering) -> None:
    markup = page(client, "/library/")
    for method in methods():
        assert f'href="/library/{method.name}/"' in markup
        assert f'id="{method.room}"' in markup


def test_the_index_names_what_is_planned(client, offering) -> None:
    assert "optimizers" in page(client, "/library/")


def test_the_library_can_be_read_where_no_course_is_served(client) -> None:
    assert "Methods" in page(client, "/library/")
    assert "Idea" in page(client, f"/library/{NAME}/")


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.name)
def test_the_page_of_a_method_shows_its_card_command_options_and_source(client, method) -> None:
    markup = page(client, f"/library/{method.name}/")
    for section in method.card:
        assert f">{section}</h2>" in markup
    assert method.command in markup
    for option in method.options:
        assert f"<code>--{option.name}</code>" in markup
    assert method.source.name in markup
    assert method.recipe.name in markup


def test_a_recorded_result_says_when_where_and_with_which_seeds(client, recorded: Path) -> None:
    markup = page(client, f"/library/{NAME}/")
    assert "0.9700" in markup
    assert "2 seeds (0, 1)" in markup
    assert "Recorded 2026-01-31 on one core of a test machine." in markup
    assert "Older than the code" not in markup


def test_a_record_of_other_code_is_marked(client, recorded: Path) -> None:
    write_record(recorded, "another hash")
    assert "Older than the code" in page(client, f"/library/{NAME}/")


def test_a_figure_is_shown_with_its_description(client, recorded: Path) -> None:
    markup = page(client, f"/library/{NAME}/")
    assert f'src="/library/{NAME}/figures/loss.svg" alt="The loss falls from 2.3 to 0.1."' in markup
    response = client.get(f"/library/{NAME}/figures/loss.svg")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert "script-src" not in response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert b"".join(response.streaming_content).startswith(b"<svg")


@pytest.mark.parametrize("file", ["secret.svg", "record.json", "..%2Frecord.json", "loss.png"])
def test_only_the_figures_of_a_record_are_given_out(client, recorded: Path, file: str) -> None:
    assert client.get(f"/library/{NAME}/figures/{file}").status_code == 404


def test_an_unknown_method_is_not_found(client) -> None:
    response = client.get("/library/alchemy/")
    assert response.status_code == 404
    assert "There is no method alchemy in the library." in response.content.decode()


def test_a_new_file_is_seen_without_a_restart(recorded: Path) -> None:
    assert "copy" not in shelf.methods()
    folder = Places.here().library / "foundations"
    shutil.copy(folder / f"{NAME}.py", folder / "copy.py")
    assert "copy" in shelf.methods()


def test_a_room_stands_after_the_rooms_it_needs() -> None:
    attention, sequence = Room("attention", "", "", ("sequence",)), Room("sequence", "", "", ())
    assert shelf.in_order((attention, sequence)) == (sequence, attention)


def test_rooms_that_need_each_other_are_still_shown() -> None:
    one, other = Room("one", "", "", ("other",)), Room("other", "", "", ("one",))
    assert set(shelf.in_order((one, other))) == {one, other}
