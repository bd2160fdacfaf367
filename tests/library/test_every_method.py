"""Over the catalog: a method is tested here by being in the library."""

import importlib
import math
import subprocess
import sys
import time

import pytest

from gradschool import catalog
from gradschool.kit.runlog import RunLog

METHODS = [pytest.param(method, id=method.name) for method in catalog.methods()]


@pytest.mark.parametrize("method", METHODS)
def test_the_smoke_run_ends_with_a_number_and_figures_with_words(method, tmp_path):
    recipe = importlib.import_module(method.module)
    run = RunLog(tmp_path / "run", {})
    started = time.process_time()
    report = recipe.main(recipe.SMOKE, run)
    spent = time.process_time() - started
    run.close()
    assert all(math.isfinite(value) for value in report.values)
    assert report.metric == method.target.metric
    assert len(report.values) == len(report.seeds)
    assert run.metrics
    assert run.figures
    for figure in run.figures:
        assert figure.title
        assert len(figure.alt) > 40, "the description of a figure says what is to be seen"
    print(f"{method.name}: {spent:.1f} s of CPU time; the smoke run is meant to take less than 10")


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_ended_before_its_figures_were_drawn_goes_on_to_the_same_end(method, goes_on_to_the_same_end):
    recipe = importlib.import_module(method.module)
    goes_on_to_the_same_end(recipe.main, recipe.SMOKE, RunLog, "figure", 0)


@pytest.mark.parametrize("method", METHODS)
def test_every_preset_is_a_config_of_the_recipe(method):
    recipe = importlib.import_module(method.module)
    for preset in method.presets:
        assert isinstance(getattr(recipe, preset), recipe.Config)


@pytest.mark.parametrize("method", METHODS)
def test_the_catalog_reads_from_the_source_what_python_makes_of_it(method):
    recipe = importlib.import_module(method.module)
    fields = recipe.Config.__dataclass_fields__
    assert [option.name for option in method.options] == list(fields)
    for option in method.options:
        assert eval(option.default, vars(recipe)) == fields[option.name].default  # our own source text
    assert vars(recipe.TARGET) == vars(method.target)


@pytest.mark.parametrize("method", METHODS)
def test_importing_a_recipe_does_no_work(method, tmp_path):
    code = f"import {method.module}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())
