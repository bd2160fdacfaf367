import pytest

from gradschool.kit.target import Report, Target, check

TARGET = Target(metric="test_accuracy", bar=0.9, minutes=1, device="core")


def report(*values, metric="test_accuracy"):
    return Report(metric, values, tuple(range(len(values))), "a split")


def test_mean_and_spread_are_those_of_the_seeds():
    assert report(0.8, 1.0).mean == pytest.approx(0.9)
    assert report(0.8, 1.0).spread == pytest.approx(0.1 * 2**0.5)  # sample deviation of two values 0.2 apart
    assert report(0.8).spread == 0.0


def test_the_bar_itself_is_enough():
    assert check(report(0.9), TARGET) is None
    assert check(report(0.85, 0.97), TARGET) is None


def test_below_the_bar_the_sentence_says_by_how_much():
    assert check(report(0.8, 0.9), TARGET) == (
        "test_accuracy 0.8500 ± 0.0707 over 2 seeds: 0.0500 below the bar of 0.9."
    )
    assert check(report(0.8), TARGET) == "test_accuracy 0.8000: 0.1000 below the bar of 0.9."


def test_another_metric_than_the_target_s_is_no_pass():
    assert "its target is set in test_accuracy" in check(report(1.0, metric="loss"), TARGET)
