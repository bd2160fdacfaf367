import json

import numpy as np
import pytest

from gradschool.kit import figures
from gradschool.kit.checkpoint import CheckpointError
from gradschool.kit.runlog import Diverged, RunFolderError, RunLog, latest_folder, new_folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def closed(run):
    run.close()
    return run


def rows(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_writes_what_was_asked_and_what_was_measured(folder):
    run = RunLog(folder, {"method": "demo"})
    run.measure(1, loss=0.5)
    run.measure(2, loss=0.25)
    run.close()
    assert json.loads((folder / "config.json").read_text()) == {"method": "demo"}
    assert rows(folder) == run.metrics == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}]


def test_a_resumed_run_forgets_what_was_measured_after_its_checkpoint(folder):
    run = RunLog(folder, {"method": "demo"})
    run.measure(1, loss=0.5)
    run.save(1, {"w": np.arange(3)}, note="here")
    run.measure(2, loss=0.25)
    run.close()
    with (folder / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 3, "lo')  # a kill in the middle of a line
    (folder / ".checkpoint.safetensors.x1").write_bytes(b"torn")

    resumed = closed(RunLog(folder))
    assert resumed.about == {"method": "demo"}
    assert resumed.first_step == 1
    assert resumed.checkpoint.state == {"step": 1, "note": "here"}
    assert resumed.checkpoint.tensors["w"].tolist() == [0, 1, 2]
    assert resumed.metrics == rows(folder) == [{"step": 1, "loss": 0.5}]
    assert not list(folder.glob(".*"))


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(folder):
    run = RunLog(folder, {})
    run.measure(1, loss=0.5)
    run.close()
    resumed = closed(RunLog(folder))
    assert resumed.checkpoint is None
    assert resumed.first_step == 0
    assert resumed.metrics == []


def test_a_folder_that_holds_something_is_not_written_over(folder):
    closed(RunLog(folder, {}))
    with pytest.raises(RunFolderError, match="is not empty"):
        RunLog(folder, {})


def test_a_folder_without_a_run_cannot_be_resumed(folder):
    with pytest.raises(RunFolderError, match="holds no run that can be resumed"):
        RunLog(folder)


def test_two_processes_do_not_write_one_run(folder):
    run = RunLog(folder, {})
    with pytest.raises(RunFolderError, match="Another process is writing"):
        RunLog(folder)
    run.close()
    closed(RunLog(folder))


def test_a_spoiled_checkpoint_is_named_and_its_folder_not_kept_locked(folder):
    closed(RunLog(folder, {}))
    (folder / "checkpoint.safetensors").write_bytes(b"spoiled")
    for _ in range(2):
        with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors is not a checkpoint"):
            RunLog(folder)


def test_without_a_folder_metrics_are_kept_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = RunLog()
    run.measure(1, loss=0.5)
    assert not run.due(1)
    run.save(1, {})
    run.figure("f", None, "t", "a")
    run.close()
    assert run.metrics == [{"step": 1, "loss": 0.5}]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_run_with_a_remedy(value):
    with pytest.raises(Diverged, match=r"loss is (nan|inf) after step 7; take a smaller learning_rate"):
        RunLog().measure(7, loss=value)


def test_saving_is_due_when_time_has_passed_at_ctrl_c_and_at_the_end(folder):
    run = RunLog(folder, {}, checkpoint_seconds=1e9)
    progress = run.progress(5)
    assert not run.due(4)
    assert run.due(5)
    progress.interrupted = True
    assert run.due(2)
    progress.interrupted, run.seconds_between = False, 0.0
    assert run.due(2)
    run.close()


def test_a_figure_is_kept_with_its_words(folder):
    run = RunLog(folder, {})
    run.figure("m", figures.confusion(np.eye(2, dtype=int), "ab", title="t"), "Title", "Alt")
    run.close()
    (saved,) = run.figures
    assert (saved.path, saved.title, saved.alt) == (folder / "figures" / "m.svg", "Title", "Alt")
    assert saved.path.read_bytes().startswith(b"<?xml")


def test_the_latest_run_is_the_one_that_was_started_last(tmp_path):
    with pytest.raises(RunFolderError, match="no run in"):
        latest_folder(tmp_path)
    first, second = new_folder(tmp_path), new_folder(tmp_path)
    closed(RunLog(first, {}))
    assert latest_folder(tmp_path) == first  # the second was killed before it had written anything
    closed(RunLog(second, {}))
    assert latest_folder(tmp_path) == second


def test_tensorboard_gets_the_same_numbers_where_it_is_installed(folder):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    run = RunLog(folder, {})
    run.measure(3, loss=0.5)
    run.close()
    (path,) = folder.glob("events.out.tfevents.*")
    events = [event for event in EventFileLoader(str(path)).Load() if event.summary.value]
    assert [(event.step, event.summary.value[0].tag) for event in events] == [(3, "loss")]
    assert events[0].summary.value[0].tensor.float_val == [0.5]
