"""The pointing game on shape scenes: does the hottest pixel of an explanation lie on what it explains?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from gradschool.data import shapes
from gradschool.kit import seed
from gradschool.kit.runlog import RunLog
from gradschool.kit.target import Report
from gradschool.library.visualization.asking.deletion import area, deletion_curve
from gradschool.library.visualization.subject import net
from gradschool.library.visualization.subject.net import Subject

TEST_SEED = 1_000_000  # of scenes that no training sees
AT_ONCE = 50  # questions
DELETIONS = 60  # questions for which pixels are taken away; each costs twenty answers
TOLERANCE = 4  # pixels beside the thing that still count: of 64 about what 15 of 224 are in the paper

Explain = Callable[[Subject, Tensor, Tensor], Tensor]  # (the net, images (N, C, H, W), classes (N,)) -> heat (N, H, W)


def within(inside: Tensor, tolerance: int) -> Tensor:
    """Where a pixel `inside` (N, H, W), bool, is at most `tolerance` rows and columns away."""
    if not tolerance:
        return inside
    return max_pool2d(inside[:, None].float(), 2 * tolerance + 1, 1, padding=tolerance)[:, 0] > 0


def points_at(heat: Tensor, inside: Tensor) -> Tensor:
    """Whether the hottest pixel of each heat (N, H, W) lies `inside` (N, H, W), bool; (N,) (Zhang et al., 2016)."""
    hottest = heat.flatten(1).argmax(dim=1, keepdim=True)
    return inside.flatten(1).gather(1, hottest)[:, 0]


def play(label: str, explain: Explain, run: RunLog, *, steps: int, count: int, number: int) -> Report:
    """Train a subject, have it explained on `count` new scenes, and report the share of hottest pixels that are right.

    A pixel is right on a thing of the shape or up to TOLERANCE pixels beside it.

    Each shape that a scene shows is one question. number: the seed of the subject and of the scenes.
    """
    model = net.trained(steps, number, run, label)
    scenes = shapes.load(count, TEST_SEED + number)
    scene, shape = np.nonzero(scenes.present)
    x, wanted = net.pictures(scenes), torch.from_numpy(shape)
    heat = torch.cat([explain(model, x[scene[rows]], wanted[rows]) for rows in torch.arange(len(scene)).split(AT_ONCE)])
    inside = torch.from_numpy(scenes.masks[scene] == shape[:, None, None] + 2)
    near = within(inside, TOLERANCE)
    pointing = float(points_at(heat, near).double().mean())
    energy = (heat.abs() * inside).sum() / heat.abs().sum()
    some = slice(DELETIONS)
    chance = torch.rand(heat[some].shape, generator=seed.torch_generator(number, 6))
    deletion, by_chance = (
        float(area(deletion_curve(model, x[scene[some]], h, wanted[some], scale="sigmoid")).double().mean())
        for h in (heat[some], chance)
    )
    draw(run, scenes, scene, shape, heat, pointing)
    return Report(
        metric="pointing",
        values=(pointing,),
        seeds=(number,),
        split=f"{count} new scenes with {len(scene)} shapes in them",
        details={
            "by_chance": round(float(near.double().mean()), 4),
            "without_tolerance": round(float(points_at(heat, inside).double().mean()), 4),
            "share_of_the_heat_inside": round(float(energy), 4),
            "area_below_the_deletion_curve": round(deletion, 4),
            "the_same_for_pixels_by_chance": round(by_chance, 4),
            "accuracy_of_the_network": round(net.accuracy(model, scenes), 4),
        },
    )


def draw(
    run: RunLog, scenes: shapes.Scenes, scene: np.ndarray, shape: np.ndarray, heat: Tensor, pointing: float
) -> None:
    """Scenes with two shapes, and the heat of each."""
    if run.folder is None:
        return
    from gradschool.kit import figures

    rows, words = [], []
    for k in [k for k in range(len(scenes)) if (scene == k).sum() == 2][:5]:
        places = np.flatnonzero(scene == k)
        maps = [heat[p].abs().numpy() / max(float(heat[p].abs().max()), 1e-9) for p in places]
        rows.append([scenes.images[k].transpose(1, 2, 0), *maps])
        words.append(["", *(shapes.SHAPES[shape[p]] for p in places)])
    title = "Where the network saw each shape"
    scales = {column: figures.Scale(0, 1, "heat, share of the hottest") for column in (1, 2)}
    run.figure(
        "heat",
        figures.pictures(rows, ["scene", "one shape", "the other"], words, title=title, scales=scales),
        title,
        f"{len(rows)} scenes of two shapes, and for each shape the heat that explains the answer. Over all questions "
        f"the hottest pixel lies at a thing of the shape in {pointing:.1%}.",
    )
