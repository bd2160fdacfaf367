"""The checks of hw2."""

from gradschool.grading import check, close


@check(part="1", points=6, public=True)
def width_of_some_numbers(student):
    close(student.width([3.0, 8.0, 5.0]), 5.0, rtol=1e-12, what="width([3, 8, 5])")


@check(part="1", points=4, public=True)
def variance_of_some_numbers(student):
    close(student.variance([1.0, 3.0]), 1.0, rtol=1e-12, what="variance([1, 3])")
