"""The convolution for small maps against PyTorch's own: same outputs, same gradients, in both precisions."""

import pytest
import torch
from torch import nn

from gradschool.library.convnets.classification import small_maps
from gradschool.library.convnets.classification.small_maps import SmallMapConv2d


def pair(side, kernel, stride, dtype=torch.float64):
    """A convolution of ours and one of PyTorch with its weights, and pictures that want gradients, twice."""
    torch.manual_seed(side + kernel + stride)
    ours = SmallMapConv2d(5, 4, kernel, stride, padding=kernel // 2, bias=False).to(dtype)
    theirs = nn.Conv2d(5, 4, kernel, stride, padding=kernel // 2, bias=False).to(dtype)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 5, side, side + 1, dtype=dtype)
    return ours, theirs, x.clone().requires_grad_(), x.clone().requires_grad_()


@pytest.mark.parametrize(
    ("side", "kernel", "stride"), [(3, 3, 1), (6, 3, 1), (6, 3, 2), (7, 3, 2), (5, 1, 1), (8, 5, 2)]
)
def test_gradients_equal_torchs(monkeypatch, side, kernel, stride):
    called = []
    by_products = small_maps.weight_gradient
    monkeypatch.setattr(small_maps, "weight_gradient", lambda *a: called.append(1) or by_products(*a))
    ours, theirs, x, y = pair(side, kernel, stride)
    out, expected = ours(x), theirs(y)
    assert torch.equal(out, expected)
    upstream = torch.randn_like(out)
    out.backward(upstream)
    expected.backward(upstream)
    assert called  # these maps are small enough
    # rounding of sums over some fifty products
    assert torch.allclose(ours.weight.grad, theirs.weight.grad, rtol=1e-12, atol=1e-12)
    assert torch.allclose(x.grad, y.grad, rtol=1e-12, atol=1e-12)


def test_bfloat16_rounds_as_torchs_does():
    ours, theirs, x, y = pair(4, 3, 1, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, expected = ours(x), theirs(y)
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    expected.float().square().sum().backward()
    error = (ours.weight.grad - theirs.weight.grad).norm() / theirs.weight.grad.norm()
    assert error < 2**-7  # half a unit in the last of bfloat16's eight bits, and one more for the order of the sum
    assert ours.weight.grad.dtype == torch.float32


def test_a_large_map_and_a_net_that_only_answers_go_torchs_way(monkeypatch):
    monkeypatch.setattr(small_maps._ByProducts, "apply", lambda *a: pytest.fail("asked for products"))
    ours, _, _, _ = pair(3, 3, 1)
    ours(torch.randn(2, 5, 8, 8, dtype=torch.float64))  # 64 places
    with torch.no_grad():
        ours(torch.randn(2, 5, 3, 3, dtype=torch.float64))
    ours.eval()(torch.randn(2, 5, 3, 3, dtype=torch.float64))


def test_pictures_that_want_no_gradient_get_none():
    ours, _, x, _ = pair(3, 3, 1)
    ours(x.detach()).sum().backward()
    assert ours.weight.grad is not None
