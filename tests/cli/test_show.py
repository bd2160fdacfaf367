import pytest
from click.testing import CliRunner

from gradschool import catalog
from gradschool.cli.show import command

METHODS = [method.name for method in catalog.methods()]


def shown(name):
    return CliRunner().invoke(command, [name], catch_exceptions=False)


@pytest.mark.parametrize("name", METHODS)
def test_it_shows_the_card_the_settings_the_target_and_the_command(name):
    method, done = catalog.method(name), shown(name)
    assert done.exit_code == 0
    for section in method.card:
        assert f"\n{section}\n" in done.output
    for option in method.options:
        assert f"{option.name} = {option.default}" in done.output
    assert f"{method.target.metric} of at least {method.target.bar:g}" in done.output
    assert f"    {method.command}\n" in done.output
    assert str(method.source) in done.output


def test_it_shows_what_each_preset_reached_and_how_the_data_was_divided():
    method, output = catalog.method("linear_classifier"), shown("linear_classifier").output
    for result in method.results:
        assert f"{result.mean:.4f} ± {result.spread:.4f} over 5 seeds" in output
    assert method.results[0].split in output


def test_it_says_when_the_record_is_older_than_the_code(monkeypatch):
    monkeypatch.setattr(catalog.Method, "record_is_stale", property(lambda self: True))
    assert "The record is older than the code." in shown("linear_classifier").output


def test_it_says_how_to_make_a_record_where_there_is_none(monkeypatch):
    monkeypatch.setattr(catalog.Method, "results", property(lambda self: ()))
    assert "nothing yet; `gradschool run linear_classifier --record` does it" in shown("linear_classifier").output


def test_an_unknown_method_is_wrong_use_and_the_nearest_name_is_offered():
    done = shown("linear_clasifier")
    assert done.exit_code == 2
    assert "did you mean 'linear_classifier'?" in done.output
