"""Visualization: asking a trained network what it looks at, and what it has kept of a picture."""

NEEDS: tuple[str, ...] = ("foundations", "convnets")
