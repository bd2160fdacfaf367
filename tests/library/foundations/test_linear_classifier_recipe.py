import json
import subprocess
import sys
import time

import numpy as np
import pytest

from gradschool.kit import options
from gradschool.kit.checkpoint import load
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import check
from gradschool.library.foundations import linear_classifier_recipe as recipe

SMALL = recipe.Config(epochs=10, splits=2)

# One process that starts or resumes a run and saves after every step.
RUN = """
import json, sys
from pathlib import Path
from gradschool.kit import options
from gradschool.kit.runlog import RunLog
from gradschool.library.foundations import linear_classifier_recipe as recipe
folder, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
run = RunLog(folder, None if (folder / "config.json").exists() else {}, checkpoint_seconds=0.0)
recipe.main(options.from_json(recipe.Config(), settings), run)
"""


@pytest.mark.parametrize("config", [recipe.Config(), recipe.HINGE], ids=["softmax", "hinge"])
def test_each_loss_reaches_the_target(config):
    report = recipe.main(config)
    assert check(report, recipe.TARGET) is None
    assert len(report.values) == 5


def test_the_loss_falls_on_both_parts():
    run = RunLog()
    recipe.main(recipe.Config(splits=1), run)
    first, last = run.metrics[0], run.metrics[-1]
    assert last["train_loss"] < 0.3 * first["train_loss"]
    assert last["validation_loss"] < 0.6 * first["validation_loss"]


def test_the_parts_of_a_split_share_no_image():
    trial = recipe.Trial.begin(recipe.Config(), 0)
    parts = [{image.tobytes() for image in part.x} for part in (trial.train, trial.validation, trial.test)]
    # No two of the 1,797 images are equal, so that an image is known by its pixels.
    assert sum(map(len, parts)) == len(set.union(*parts)) == 1797


def test_each_split_starts_from_its_own_seed():
    one = recipe.main(recipe.Config(epochs=2, splits=1, seed=1))
    two = recipe.main(recipe.Config(epochs=2, splits=2, seed=0))
    assert two.values[1] == one.values[0]
    assert two.seeds == (0, 1)


def test_the_same_seed_gives_the_same_weights_to_the_bit(tmp_path):
    for name in ("a", "b"):
        run = RunLog(tmp_path / name, {})
        recipe.main(recipe.SMOKE, run)
        run.close()
    assert same_end(tmp_path / "a", tmp_path / "b")
    for figure in ("loss", "templates", "confusion"):
        a, b = (tmp_path / name / "figures" / f"{figure}.svg" for name in ("a", "b"))
        assert a.read_bytes() == b.read_bytes()


def same_end(a, b):
    """Whether two run folders hold the same weights, optimizer, random state, results and metrics, to the bit."""
    one, two = load(a / "checkpoint.safetensors"), load(b / "checkpoint.safetensors")
    return (
        all(one.tensors[name].tobytes() == two.tensors[name].tobytes() for name in one.tensors)
        and one.tensors.keys() == two.tensors.keys()
        and one.state == two.state
        and (a / "metrics.jsonl").read_bytes() == (b / "metrics.jsonl").read_bytes()
    )


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run = RunLog(whole, {})
    report = recipe.main(SMALL, run)
    run.close()

    command = [sys.executable, "-c", RUN, str(killed), json.dumps(options.to_json(SMALL))]
    steps = load(whole / "checkpoint.safetensors").state["step"]
    for goal in (1, steps // 3, steps * 2 // 3):  # the last one is in the second split
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while saved_step(killed) < goal and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()  # SIGKILL: nothing of the process gets to clean up
        assert process.wait() == -9, "the run had ended before it could be killed"
        assert goal <= saved_step(killed) < steps

    run = RunLog(killed)
    assert recipe.main(SMALL, run) == report
    run.close()
    assert same_end(whole, killed)


def saved_step(folder):
    path = folder / "checkpoint.safetensors"
    return load(path).state["step"] if path.exists() else 0


def test_resuming_a_run_that_has_ended_reports_it_again(tmp_path):
    run = RunLog(tmp_path / "run", {})
    report = recipe.main(recipe.SMOKE, run)
    run.close()
    again = RunLog(tmp_path / "run")
    assert recipe.main(recipe.SMOKE, again) == report
    again.close()


def test_the_confusion_counts_every_test_image_once():
    trial = recipe.Trial.begin(recipe.Config(), 0)
    result = recipe.examine(trial)
    confusion = np.array(result["confusion"])
    assert confusion.sum() == 449
    assert confusion.trace() / 449 == pytest.approx(result["test_accuracy"])
    assert np.array_equal(confusion.sum(axis=1), np.bincount(trial.test.labels))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"batch_size": 0}, "batch_size is 0; it must be at least 1"),
        ({"epochs": -1}, "epochs is -1"),
        ({"splits": 0}, "splits is 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"weight_decay": -1.0}, "must not be negative"),
        ({"seed": -1}, "must not be negative"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        recipe.Config(**wrong)
