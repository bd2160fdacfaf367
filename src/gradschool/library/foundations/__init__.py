"""Foundations: learning from examples, and training what learns: neighbors, linear scores, the first network."""

NEEDS: tuple[str, ...] = ()
