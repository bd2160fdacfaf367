import io
import json
import os
import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.kit import loop, seed
from gradschool.kit.loop import Batches, Interrupted, Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_an_epoch_holds_every_row_once_and_the_next_one_in_another_order():
    batches = Batches(10, 4, seed.generator(0))
    epochs = [np.concatenate([batches.next() for _ in range(batches.per_epoch)]) for _ in range(2)]
    assert batches.per_epoch == 3
    for epoch in epochs:
        assert sorted(epoch) == list(range(10))
    assert not np.array_equal(*epochs)


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 25), st.integers(0, 40))
def test_batches_go_on_from_a_saved_state_as_if_nothing_had_been(rows, batch_size, taken):
    batches = Batches(rows, batch_size, seed.generator(1))
    for _ in range(taken):
        batches.next()
    state = json.loads(json.dumps(batches.state()))
    resumed = Batches(rows, batch_size, seed.generator(2))
    resumed.load(state)
    for _ in range(2 * batches.per_epoch + 1):
        assert np.array_equal(batches.next(), resumed.next())


@pytest.mark.parametrize(("rows", "batch_size"), [(0, 1), (1, 0)])
def test_no_rows_and_no_batch_are_refused(rows, batch_size):
    with pytest.raises(ValueError, match="at least 1"):
        Batches(rows, batch_size, seed.generator(0))


def test_steps_begin_where_the_run_stands():
    with Progress(5, first=3, quiet=True) as progress:
        assert list(progress) == [3, 4]


def test_a_pipe_gets_a_plain_line_at_the_end_and_no_control_characters():
    stream = io.StringIO()
    with Progress(3, label="demo", stream=stream) as progress:
        for _ in progress:
            progress.note("loss 0.5")
    assert stream.getvalue() == "demo  step 3/3  loss 0.5\n"


def test_a_pipe_gets_lines_as_time_passes(monkeypatch):
    monkeypatch.setattr(loop, "LINE_SECONDS", 0.0)
    stream = io.StringIO()
    with Progress(2, stream=stream) as progress:
        list(progress)
    assert stream.getvalue().splitlines()[:2] == ["step 1/2", "step 2/2"]


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setattr(loop, "REDRAW_SECONDS", 0.0)
    stream = Terminal()
    with Progress(2, label="demo", stream=stream) as progress:
        list(progress)
    assert "demo" in stream.getvalue()
    assert "2/2" in stream.getvalue()


def test_a_quiet_run_says_nothing():
    stream = Terminal()
    with Progress(2, stream=stream, quiet=True) as progress:
        list(progress)
    assert stream.getvalue() == ""


def test_ctrl_c_lets_the_step_end_and_then_stops():
    ended = []
    with pytest.raises(Interrupted, match="after step 2 of 9"), Progress(9, quiet=True) as progress:  # noqa: PT012
        for step in progress:
            if step == 1:
                os.kill(os.getpid(), signal.SIGINT)
            ended.append(step)
    assert ended == [0, 1]
    assert progress.interrupted


def test_a_second_ctrl_c_stops_at_once():
    with pytest.raises(KeyboardInterrupt), Progress(9, quiet=True) as progress:  # noqa: PT012
        for _ in progress:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_means_what_it_meant_before_when_the_steps_are_done():
    before = signal.getsignal(signal.SIGINT)
    with Progress(1, quiet=True) as progress:
        list(progress)
    assert signal.getsignal(signal.SIGINT) is before
