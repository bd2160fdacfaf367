"""Automatic differentiation: derivatives of programs, forward from the inputs or back from the outputs."""

NEEDS: tuple[str, ...] = ()
