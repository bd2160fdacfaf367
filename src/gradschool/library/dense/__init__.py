"""Dense prediction: an answer for every pixel, what it shows and how far away it is."""

NEEDS: tuple[str, ...] = ("convnets",)
