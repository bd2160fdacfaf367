"""Enlarging is interpolation, a layer is a convolution, and each net begins as the coarser one."""

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from gradschool.data import shapes
from gradschool.kit.shapes import totals
from gradschool.library.convnets.vgg import VGG
from gradschool.library.dense.fcn import (
    begin_as_classifier,
    ceiling,
    convolutional,
    enlarging,
    fcn_vgg16,
    small_fcn,
    tent,
)
from gradschool.library.dense.segmentation import agreement

RANDOM = torch.Generator().manual_seed(0)


def noise(*shape):
    return torch.randn(*shape, generator=RANDOM, dtype=torch.float64)


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 8, 32])
def test_enlarging_begins_as_bilinear_interpolation_away_from_the_rim(factor):
    x, layer = noise(2, 3, 7, 6), enlarging(3, factor).double()
    expected = interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    answer = layer(x)
    assert answer.shape == expected.shape
    inside = slice(factor, -factor)
    assert torch.allclose(answer[:, :, inside, inside], expected[:, :, inside, inside], rtol=0, atol=1e-6)


def test_the_paper_s_net_enlarges_by_its_window_of_4_and_64():
    assert tent(2).tolist() == [0.25, 0.75, 0.75, 0.25]
    assert [enlarging(21, 2).kernel_size[0], enlarging(21, 32).kernel_size[0]] == [4, 64]
    assert tent(3).tolist() == pytest.approx([1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])


def test_between_skips_it_can_learn_to_mix_classes():
    net = small_fcn(4, 8, (4, 8, 8, 8, 8), 8)
    net.eval()(torch.randn(1, 3, 64, 64, generator=RANDOM)).square().sum().backward()
    assert (net.up[0].weight.grad.abs().sum(dim=(2, 3)) > 0).all()  # also from one class to another


def test_a_classifier_as_convolutions_answers_every_window_of_a_larger_picture_at_once():
    classifier = nn.Sequential(  # of windows of 20 x 20; as it pools by 2, at every second pixel
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(5 * 7 * 7, 6), nn.ReLU(), nn.Linear(6, 3),
    ).double()  # fmt: skip
    dense = nn.Sequential(
        *classifier[:5],
        convolutional(classifier[6], 5, 7, 7).double(),
        nn.ReLU(),
        convolutional(classifier[8], 6, 1, 1).double(),
    )
    x = noise(2, 3, 36, 30)
    answer = dense(x)
    assert answer.shape == (2, 3, 9, 6)  # (36 - 20) / 2 + 1, (30 - 20) / 2 + 1
    for row in range(9):
        for column in range(6):
            window = x[:, :, 2 * row : 2 * row + 20, 2 * column : 2 * column + 20]
            assert torch.allclose(answer[:, :, row, column], classifier(window), rtol=0, atol=1e-12)


def test_the_net_on_vgg_has_the_size_stride_and_window_of_the_paper_s_table_1():
    for stride in (32, 16, 8):
        parameters, _ = totals(lambda stride=stride: fcn_vgg16(21, stride), (3, 64, 64))
        assert round(parameters / 1e6) == 134
    net = small_fcn(21, 32)
    assert net.coarsest == 32
    field, step = 1, 1
    for layer in (*fcn_like_vgg().features, *fcn_like_vgg().head):
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, stride = (n if isinstance(n, int) else n[0] for n in (layer.kernel_size, layer.stride))
            field, step = field + (kernel - 1) * step, step * stride
    assert (field, step) == (404, 32)


def fcn_like_vgg():
    with torch.device("meta"):
        return fcn_vgg16(21, 32)


def test_vgg_s_layers_become_the_head_s_convolutions():
    torch.manual_seed(0)
    with torch.device("meta"):
        net, vgg = fcn_vgg16(21, 32), VGG("D")
    assert net.head[0].weight.shape == (4096, 512, 7, 7)
    assert [p.shape for p in net.features.parameters()] == [p.shape for p in vgg.features.parameters()]
    thin, classifier = thinned(net), thinned(vgg)  # the real thing takes 1 GB; the copying is the same
    begin_as_classifier(thin, classifier)
    x = torch.randn(1, 512, 7, 7, generator=RANDOM)
    thin.head[0].padding = (0, 0)
    thin.eval(), classifier.eval()
    assert torch.allclose(thin.head(x).flatten(1), classifier.classifier[:6](x.flatten(1)), atol=1e-5)


def thinned(net):
    """The same net with 4,096 units made 6, and convolutions that are never computed left without memory."""
    layers = net.head if hasattr(net, "head") else net.classifier
    for at in (0, 3):
        old = layers[at]
        if isinstance(old, nn.Conv2d):
            layers[at] = nn.Conv2d(512 if at == 0 else 6, 6, old.kernel_size, padding=old.padding)
        else:
            layers[at] = nn.Linear(512 * 49 if at == 0 else 6, 6)
    net.features = nn.Sequential()
    return net


@pytest.mark.parametrize("sides", [(64, 64), (50, 70), (33, 31), (180, 240)])
@pytest.mark.parametrize("stride", [32, 16, 8, 4, 2])
def test_the_answer_is_as_large_as_the_picture(sides, stride):
    net = small_fcn(5, stride, (2, 2, 2, 2, 2), 2)
    assert net(torch.zeros(1, 3, *sides)).shape == (1, 5, *sides)


def test_the_coarse_map_has_one_place_for_the_stride():
    for stride in (32, 16, 8, 4, 2):
        net = small_fcn(5, stride, (2, 2, 2, 2, 2), 2)
        assert net.coarse(torch.zeros(1, 3, 64, 96)).shape == (1, 5, 64 // stride, 96 // stride)


def test_a_finer_net_begins_with_the_coarser_one_s_answers():
    torch.manual_seed(1)
    coarse = small_fcn(4, 16, (4, 8, 8, 8), 8).double().eval()
    fine = small_fcn(4, 8, (4, 8, 8, 8), 8).double().eval()
    fine.begin_as(coarse)
    x = noise(2, 3, 96, 96)
    inside = slice(16, -16)
    # Enlarging by 2 and then by 8 differs from enlarging by 16 in how it interpolates; the map itself is enlarged by 2.
    twice = interpolate(coarse.coarse(x), scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(fine.coarse(x)[:, :, 1:-1, 1:-1], twice[:, :, 1:-1, 1:-1], atol=1e-6)
    apart = (fine(x) - coarse(x))[:, :, inside, inside].abs().max()
    assert apart < 0.3 * coarse(x).abs().max()


def test_a_skip_brings_in_what_the_coarser_map_cannot_know():
    net = small_fcn(2, 2, (4, 4, 4), 4)
    with torch.no_grad():
        for layer in net.skip:
            nn.init.normal_(layer.weight)
        net.score.weight.zero_()
        net.score.bias.zero_()
    answer = net.eval()(torch.randn(1, 3, 32, 32, generator=RANDOM))
    assert answer.std() > 0


def test_the_ceiling_is_1_at_stride_1_and_falls_with_the_stride():
    masks = torch.from_numpy(shapes.load(60, 9).masks)
    found = [
        agreement.mean_iou(agreement.confusion(ceiling(masks, 8, factor), masks, 8)) for factor in (1, 2, 4, 8, 16, 32)
    ]
    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.3  # two by two places cannot hold things of ten pixels


def test_a_mask_of_large_even_halves_loses_nothing():
    mask = torch.zeros(1, 16, 16, dtype=torch.uint8)
    mask[:, :, 8:] = 1
    assert torch.equal(ceiling(mask, 2, 8)[:, :, [0, 3, 12, 15]], mask[:, :, [0, 3, 12, 15]].long())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: enlarging(2, 1), "The factor is 1; a map is enlarged by 2 or more."),
        (lambda: convolutional(nn.Linear(10, 2), 3, 2, 2), "takes 10 numbers, and a map of 3 x 2 x 2 has 12"),
        (lambda: small_fcn(2, 12), "The stride is 12; with 5 poolings take 32, 16, 8, 4, 2."),
        (lambda: small_fcn(2, 8, ()), "give at least one stage"),
        (lambda: small_fcn(2, 8, (4, 0, 4)), "no width below 1"),
        (lambda: small_fcn(2, 8).begin_as(small_fcn(2, 32)), "FCN-8s begins as FCN-16s, not as FCN-32s."),
        (lambda: small_fcn(2, 8).begin_as(small_fcn(3, 16)), "The coarser net's score.weight has no place in this one"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
