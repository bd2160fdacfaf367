"""Pictures with the depth of every pixel, as tensors."""

from __future__ import annotations

from typing import Literal

import torch

from gradschool.data import rooms, shapes

Dataset = Literal["shapes", "rooms"]
UNIT = {"shapes": "camera heights", "rooms": "cells"}
VIEWS_A_PLAN = 20


class Part:
    """Pictures uint8 (N, 3, H, W) with depth (N, H, W), and which pixels show what stands on the floor."""

    def __init__(self, dataset: Dataset, count: int, key: int) -> None:
        if dataset == "shapes":
            scenes = shapes.load(count, key)
            images, depth, foreground = scenes.images, scenes.depth, scenes.instances > 0
        else:
            plans = rooms.load(-(-count // VIEWS_A_PLAN), key)
            views = plans.view(plans.anywhere(count, key))
            images, depth, foreground = views.images, views.depth, views.what >= 2
        self.images, self.depth = torch.from_numpy(images), torch.from_numpy(depth)
        self.foreground = torch.from_numpy(foreground)
