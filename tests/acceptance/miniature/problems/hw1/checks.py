"""The checks of hw1."""

from gradschool.grading import check, close


@check(part="1", points=4, public=True)
def mean_of_some_numbers(student):
    close(student.mean([1.0, 2.0, 6.0]), 3.0, rtol=1e-12, what="mean([1, 2, 6])")


@check(part="1", points=2, public=True)
def median_of_some_numbers(student):
    close(student.median([9.0, 1.0, 2.0]), 2.0, rtol=1e-12, what="median([9, 1, 2])")
