"""Dilated nets against the strided ones they came from, the pyramid against its definition, sizes against papers."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from gradschool.kit.shapes import totals
from gradschool.library.convnets.convolution import Sliding, by_matrix
from gradschool.library.convnets.resnet import BasicBlock, Bottleneck, resnet
from gradschool.library.dense.deeplab import ASPP, DeepLab, MaxPool, deeplab_resnet, large_fov, small_deeplab, spread

RANDOM = torch.Generator().manual_seed(0)


def noise(*shape):
    return torch.randn(*shape, generator=RANDOM, dtype=torch.float64)


def test_a_dilated_window_is_the_window_with_holes_in_it():
    x, weight = noise(2, 3, 12, 11), noise(4, 3, 3, 3)
    holes = torch.zeros(4, 3, 7, 7, dtype=torch.float64)
    holes[:, :, ::3, ::3] = weight
    layer = nn.Conv2d(3, 4, 3, padding=1, bias=False).double()
    layer.weight.data.copy_(weight)
    spread([MaxPool(3, 3, 1), layer], 1)  # the pooling's stride of 3 becomes the rate
    answer = layer(x)
    assert torch.allclose(answer, conv2d(x, holes, padding=3), rtol=0, atol=1e-12)
    by_hand = by_matrix(x.numpy(), weight.numpy(), Sliding(padding=3, dilation=3))
    assert torch.allclose(answer, torch.from_numpy(by_hand), rtol=0, atol=1e-12)


def strided():
    """Blocks of both kinds, pooling, and four strides of 2."""
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 6, 7, 2, padding=3), nn.ReLU(), MaxPool(3, 2, padding=1),
        nn.Sequential(BasicBlock(6, 8, 2, "projection"), BasicBlock(8, 8, 1, "projection")),
        Bottleneck(8, 3, 2, "projection"), nn.Conv2d(12, 5, 3, padding=1),
    )  # fmt: skip
    for module in layers.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return layers.double().eval()


@pytest.mark.parametrize("keep", [1, 2, 4, 8, 16])
def test_at_every_stride_th_place_a_net_that_was_spread_gives_what_it_gave_before(keep):
    x = noise(2, 3, 64, 48)
    before = strided()(x)  # at a stride of 16
    dense = strided()
    assert spread(dense, keep) == (keep, 16 // keep)
    answer = dense(x)
    assert answer.shape[2:] == (64 // keep, 48 // keep)
    apart = 16 // keep
    assert torch.allclose(answer[:, :, ::apart, ::apart], before, rtol=0, atol=1e-10)


def test_the_places_between_are_what_the_strided_net_says_of_the_picture_moved():
    # "Shift and stitch": the same numbers from 4 x 4 passes of the strided net, away from the rim, where zeros come in.
    x = noise(1, 3, 352, 352)
    dense = strided()
    spread(dense, 4)
    answer = dense(x)
    for row, column in ((0, 1), (2, 0), (3, 3)):
        moved = strided()(x[:, :, 4 * row :, 4 * column :])
        part = answer[:, :, row::4, column::4]
        height, width = min(part.shape[2], moved.shape[2]), min(part.shape[3], moved.shape[3])
        inside = slice(9, min(height, width) - 9)
        assert part[:, :, inside, inside].numel() > 0
        assert torch.allclose(part[:, :, inside, inside], moved[:, :, inside, inside], rtol=0, atol=1e-10)


def test_spreading_changes_no_weight():
    dense = strided()
    before = {name: tensor.clone() for name, tensor in dense.state_dict().items()}
    spread(dense, 2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in dense.state_dict().items())


@pytest.mark.parametrize(
    ("kernel", "rate", "units", "millions"),
    [(7, 4, 4096, 134.3), (4, 4, 4096, 65.1), (4, 8, 4096, 65.1), (3, 12, 1024, 20.5)],
)
def test_the_nets_of_2015_have_the_parameters_of_their_table_2(kernel, rate, units, millions):
    parameters, _ = totals(lambda: large_fov(21, kernel, rate, units), (3, 64, 64))
    assert round(parameters / 1e6, 1) == millions


def test_the_nets_of_2015_end_at_stride_8_with_convolutions_spread_by_2_after_the_fourth_pooling():
    with torch.device("meta"):
        net = large_fov()
    pools = [layer.stride for layer in net.features if isinstance(layer, nn.MaxPool2d)]
    assert pools == [2, 2, 2, (1, 1), (1, 1)]
    rates = [layer.dilation[0] for layer in net.features if isinstance(layer, nn.Conv2d)]
    assert rates == [1] * 10 + [2] * 3
    assert (net.output_stride, net.rate) == (8, 4)


@pytest.mark.parametrize(("output_stride", "rates"), [(16, (1, 1, 1, 2)), (8, (1, 1, 2, 4)), (4, (1, 2, 4, 8))])
def test_a_resnet_is_dilated_in_its_last_stages(output_stride, rates):
    with torch.device("meta"):
        net = deeplab_resnet(50, output_stride=output_stride)
    found = [stage[-1].conv2.dilation[0] for stage in net.features[4:]]
    assert tuple(found) == rates
    assert sum(p.numel() for p in net.features.parameters()) == sum(
        p.numel() for name, p in resnet(50).named_parameters() if not name.startswith("fc")
    )


def test_the_pyramid_sees_in_each_branch_as_far_as_its_rate():
    torch.manual_seed(0)
    pyramid = ASPP(3, 4, (6, 12, 18)).double().eval()
    x = noise(1, 3, 41, 41).requires_grad_()
    for branch, reach in ((pyramid.one, 1), *zip(pyramid.windows, (13, 25, 37), strict=True)):
        x.grad = None
        branch[0](x)[0, :, 20, 20].sum().backward()
        seen = torch.nonzero(x.grad[0].abs().sum(dim=0))
        assert (seen.amax(dim=0) - seen.amin(dim=0) + 1).tolist() == [reach, reach]
        assert len(seen) == (9 if reach > 1 else 1)  # as many weights as ever
    x.grad = None
    pyramid.whole[0](x.mean(dim=(2, 3), keepdim=True)).sum().backward()
    assert (x.grad != 0).all()


def test_the_pyramid_is_its_branches_side_by_side_mixed():
    torch.manual_seed(0)
    pyramid = ASPP(3, 4, (1, 2)).double().eval()
    x = noise(2, 3, 9, 8)
    parts = [pyramid.one(x), pyramid.windows[0](x), pyramid.windows[1](x)]
    parts.append(pyramid.whole(x.mean(dim=(2, 3), keepdim=True)) + torch.zeros(2, 4, 9, 8, dtype=torch.float64))
    joined = torch.cat(parts, dim=1)
    convolution, norm, _ = pyramid.mix
    expected = torch.relu(norm(torch.einsum("nchw,oc->nohw", joined, convolution.weight[:, :, 0, 0])))
    assert torch.allclose(pyramid(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sides", [(64, 64), (45, 60), (33, 47), (180, 240)])
@pytest.mark.parametrize("output_stride", [2, 4, 8])
def test_the_answer_is_as_large_as_the_picture(sides, output_stride):
    net = small_deeplab(5, output_stride, (2, 2, 2), units=2).eval()
    assert net(torch.zeros(2, 3, *sides)).shape == (2, 5, *sides)
    assert net.features(torch.zeros(1, 3, *sides)).shape[2:] == tuple(-(-side // output_stride) for side in sides)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: spread([nn.Conv2d(1, 1, 3, 2), nn.Conv2d(1, 1, 3, 4)], 4), "leads from 2 beyond the output stride 4"),
        (lambda: spread([MaxPool(2)], 1), "A window of 2 x 2 has no middle"),
        (lambda: spread([nn.MaxPool2d(3)], 1), "take `MaxPool` in its place"),
        (lambda: DeepLab(nn.Sequential(nn.Conv2d(1, 1, 3, 2)), nn.Sequential(), 4), "end at a stride of 2 and never"),
        (lambda: deeplab_resnet(18), "There is no DeepLab on a ResNet-18; take 50, 101 or 152."),
        (lambda: small_deeplab(3, 16), "The output stride is 16; with 3 stages take 2, 4, 8."),
        (lambda: small_deeplab(3, 2, (0,)), "no width below 1"),
        (lambda: ASPP(3, 4, (0,)), "none may be below 1"),
        (lambda: ASPP(3, 0), "units is 0"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
