"""The paper's sizes, answers in tiles, any size of picture, and borders that count more."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from torch import nn

from gradschool.data import shapes
from gradschool.kit import weights
from gradschool.kit.shapes import layers, totals
from gradschool.library.dense.unet import UNet, ValidUNet, border_weights, by_tiles, middle

RANDOM = torch.Generator().manual_seed(0)
SMALL = (2, 3, 4)


def test_the_original_has_the_sizes_of_figure_1():
    sizes = [(layer.output[0], layer.output[1]) for layer in layers(ValidUNet, (1, 572, 572)) if "Conv" in layer.kind]
    down = [(64, 570), (64, 568), (128, 282), (128, 280), (256, 138), (256, 136), (512, 66), (512, 64)]
    bottom = [(1024, 30), (1024, 28)]
    up = [(512, 56), (512, 54), (512, 52), (256, 104), (256, 102), (256, 100), (128, 200), (128, 198), (128, 196)]
    top = [(64, 392), (64, 390), (64, 388), (2, 388)]
    assert sizes == down + bottom + up + top


def test_the_original_has_23_convolutional_layers_and_31_million_parameters():
    found = layers(ValidUNet, (1, 572, 572))
    assert sum("Conv" in layer.kind for layer in found) == 23  # section 2
    windows = sum(9 * a * b + b for a, b in pairs_of_doubles())
    enlarging = sum(4 * a * b + b for a, b in ((1024, 512), (512, 256), (256, 128), (128, 64)))
    parameters, _ = totals(ValidUNet, (1, 572, 572))
    assert parameters == windows + enlarging + 64 * 2 + 2


def pairs_of_doubles():
    """Channels in and out of the 18 convolutions of 3 x 3."""
    widths = (64, 128, 256, 512, 1024)
    for before, width in zip((1, *widths[:-1]), widths, strict=True):
        yield from ((before, width), (width, width))
    for width in widths[-2::-1]:
        yield from ((2 * width, width), (width, width))


@pytest.mark.parametrize("sides", [(64, 64), (17, 16), (45, 60), (180, 240), (1, 1), (33, 70)])
@pytest.mark.parametrize("fold", [1, 2, 4])
def test_the_answer_is_as_large_as_the_picture_whatever_its_size(sides, fold):
    net = UNet(3, 5, SMALL, fold).eval()
    assert net(torch.zeros(2, 3, *sides)).shape == (2, 5, *sides)


def test_a_picture_is_continued_below_and_right_only():
    torch.manual_seed(0)
    net = UNet(3, 4, SMALL).double().eval()
    x = torch.randn(1, 3, 30, 27, generator=RANDOM, dtype=torch.float64)
    whole = torch.nn.functional.pad(x, (0, 1, 0, 2), mode="replicate")  # 32 x 28, multiples of 4
    assert torch.equal(net(x), net(whole)[:, :, :30, :27])


def test_what_bridges_carry_reaches_the_answer():
    torch.manual_seed(0)
    net = UNet(3, 4, SMALL).eval()
    with torch.no_grad():
        for up in net.up:  # nothing comes from below
            up.weight.zero_()
            up.bias.zero_()
    x = torch.zeros(1, 3, 16, 16)
    x[:, :, 8, 8] = 3
    changed = (net(x) - net(torch.zeros_like(x))).abs().sum(dim=1)[0]
    seen = torch.nonzero(changed > 1e-6)
    # Two windows of 3 x 3 down and two up reach 4 to each side.
    assert (seen.amin(dim=0).tolist(), seen.amax(dim=0).tolist()) == ([4, 4], [12, 12])


def test_folding_begins_at_half_the_size_with_four_times_the_channels():
    net = UNet(3, 5, SMALL, fold=2)
    assert net.down[0][0].in_channels == 12
    assert net.score.out_channels == 20
    places = [layer.output[1:] for layer in layers(lambda: UNet(3, 5, SMALL, fold=2), (3, 64, 64))]
    assert places[0] == (32, 32)


def test_tiles_give_exactly_what_the_whole_gives_at_once():
    torch.manual_seed(0)
    net = ValidUNet(2, 3, SMALL).double().eval()
    x = torch.randn(1, 2, 36, 28, generator=RANDOM, dtype=torch.float64)
    rim = net.rim
    assert rim == 2 * (3 * 4 - 2)
    mirrored = torch.nn.functional.pad(x, (rim, rim, rim, rim), mode="reflect")
    whole = net(mirrored)
    assert whole.shape == (1, 3, 36, 28)
    for tile in (8, 12, 20):
        assert torch.allclose(by_tiles(net, x, tile), whole, rtol=0, atol=1e-12)


def test_a_picture_smaller_than_the_rim_is_mirrored_more_than_once():
    net = ValidUNet(1, 2, SMALL).eval()
    assert by_tiles(net, torch.zeros(1, 1, 5, 9), 8).shape == (1, 2, 5, 9)
    assert by_tiles(net, torch.zeros(1, 1, 1, 3), 8).shape == (1, 2, 1, 3)


def test_the_middle_is_cut_evenly():
    x = torch.arange(36.0).view(1, 1, 6, 6)
    assert torch.equal(middle(x, 2, 4), x[:, :, 2:4, 1:5])


def test_border_weights_follow_equation_2():
    instances = torch.from_numpy(shapes.load(1, seed=8, things=(3, 3)).instances[0].astype(np.int64))
    numbers = instances[instances > 0].unique().tolist()
    assert len(numbers) >= 2
    distances = np.stack([distance_transform_edt((instances != number).numpy()) for number in numbers])
    nearest, second = np.sort(distances, axis=0)[:2]
    expected = 10 * np.exp(-((nearest + second) ** 2) / (2 * 5.0**2)) * (instances == 0).numpy()
    assert np.allclose(border_weights(instances).numpy(), expected, atol=1e-4)


def test_without_two_things_no_border_counts_more():
    assert not border_weights(torch.zeros(5, 5, dtype=torch.long)).any()
    assert not border_weights(torch.eye(5, dtype=torch.long)).any()


def test_the_net_learns_a_few_scenes_by_heart():
    torch.manual_seed(0)
    scenes = shapes.load(4, seed=5)
    images, masks = torch.from_numpy(scenes.images).float() / 255 - 0.5, torch.from_numpy(scenes.masks).long()
    net = UNet(3, 8, (16, 32, 64))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(30):
        loss = nn.functional.cross_entropy(net(images), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    things = masks > 1
    assert (net(images).argmax(dim=1) == masks)[things].double().mean() > 0.5  # chance is a sixth


def test_weights_of_another_architecture_are_refused_in_a_sentence():
    net = UNet(3, 5, SMALL)
    with pytest.raises(weights.WeightsError, match=r"these weights are not those of a UNet as it was asked for\.$"):
        weights.load(net, UNet(3, 5, (2, 3)).state_dict())
    with pytest.raises(weights.WeightsError, match=r"score.weight has shape \(4, 2, 1, 1\) and not \(5, 2, 1, 1\)"):
        weights.load(net, UNet(3, 4, SMALL).state_dict())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: UNet(3, 2, (8,)), r"widths is \(8,\) and fold 1; give 2 widths or more"),
        (lambda: UNet(3, 2, (8, 0)), "none of them below 1"),
        (lambda: UNet(3, 2, SMALL, fold=0), "fold 0"),
        (lambda: ValidUNet(1, 2, SMALL)(torch.zeros(1, 1, 50, 60)), "A picture of 50 x 60 cannot be halved 2 times"),
        (lambda: ValidUNet(1, 2, SMALL)(torch.zeros(1, 1, 8, 8)), "the next sizes that can are 44 x 44"),
        (lambda: by_tiles(ValidUNet(1, 2, SMALL), torch.zeros(1, 1, 9, 9), 10), "take 4 more than a multiple of 4"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
