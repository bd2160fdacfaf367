import pytest
from click.testing import CliRunner

from gradschool import catalog
from gradschool.cli.list import command


def listed():
    return CliRunner().invoke(command, catch_exceptions=False)


def test_every_method_stands_under_its_room():
    lines = listed().output.splitlines()
    for method in catalog.methods():
        room = next(i for i, line in enumerate(lines) if line.startswith(f"{method.room}  "))
        row = next(i for i, line in enumerate(lines) if line.startswith(f"  {method.name} "))
        assert room < row


def test_a_method_is_listed_with_what_it_reached_and_its_bar():
    method = catalog.method("linear_classifier")
    row = next(line for line in listed().output.splitlines() if line.startswith("  linear_classifier"))
    assert f"test_accuracy {method.results[0].mean:.3f} (bar 0.955" in row
    assert method.summary in row


def test_a_result_older_than_the_code_says_so(monkeypatch):
    monkeypatch.setattr(catalog.Method, "record_is_stale", property(lambda self: True))
    assert "older than the code" in listed().output


def test_a_method_that_was_never_recorded_says_so(monkeypatch):
    monkeypatch.setattr(catalog.Method, "results", property(lambda self: ()))
    assert "no record" in listed().output


def test_a_pipe_gets_no_control_characters_and_whole_lines():
    assert "\x1b" not in listed().output
    assert "…" not in listed().output


def test_an_empty_library_is_answered_with_a_remedy(monkeypatch):
    monkeypatch.setattr(catalog, "methods", lambda: ())
    done = listed()
    assert done.exit_code == 1
    assert "install gradschool anew" in done.output


@pytest.mark.parametrize("columns", [60, 100])
def test_a_line_fits_the_terminal(monkeypatch, columns):
    from gradschool.cli import list as verb

    monkeypatch.setattr(verb, "_columns", lambda: columns)
    assert all(len(line) <= columns for line in listed().output.splitlines() if line.startswith("  "))


def test_a_script_gets_the_names_alone():
    result = CliRunner().invoke(command, ["--names"], catch_exceptions=False)
    assert result.output.splitlines() == [method.name for method in catalog.methods()]
