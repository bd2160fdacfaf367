"""Foundations: the linear score, its losses, and the gradient by which it learns."""

NEEDS: tuple[str, ...] = ()
