"""Convolutional networks: layers that look at a neighborhood and share their weights, and what was built from them."""

NEEDS: tuple[str, ...] = ("foundations",)
