"""Automatic differentiation: derivatives of programs, pushed forward from the inputs or pulled back from the outputs."""

NEEDS: tuple[str, ...] = ()
