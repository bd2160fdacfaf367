"""A convolution that learns faster on small maps, such as the last ones of a ResNet.

The gradient on a window is a sum over all places of all pictures. Where a map has few places and many channels it is
best found as matrix products, one for each offset in the window: the output's gradients times the input moved by that
offset. On a processor with bfloat16 products PyTorch's own way takes two to five times as long there; see
docs/performance.md.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, pad

MOST_PLACES = 49  # of an output map; on larger ones PyTorch's own gradient is the faster one


class SmallMapConv2d(nn.Conv2d):
    """nn.Conv2d, with the same weights and, up to rounding, the same gradients. No bias, groups or dilation."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, O, H', W')."""
        height, width = (
            (side + 2 * p - k) // s + 1
            for side, p, k, s in zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        )
        learns = self.training and torch.is_grad_enabled() and x.device.type == "cpu"
        if not learns or height * width > MOST_PLACES:
            return super().forward(x)
        weight = self.weight
        if torch.is_autocast_enabled("cpu"):
            x, weight = (tensor.to(torch.get_autocast_dtype("cpu")) for tensor in (x, weight))
        return _ByProducts.apply(x, weight, self.stride[0], self.padding[0])


class _ByProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return conv2d(x, weight, None, stride, padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        x, weight = ctx.saved_tensors
        stride, p = ctx.stride, ctx.padding
        upstream = upstream.contiguous(memory_format=torch.channels_last)
        on_x = None
        if ctx.needs_input_grad[0]:
            on_x = torch.ops.aten.convolution_backward(
                upstream, x, weight, None, [stride] * 2, [p] * 2, [1, 1], False, [0, 0], 1, [True, False, False]
            )[0]
        return on_x, weight_gradient(x, upstream, weight.shape[2], stride, p), None, None


def weight_gradient(x: Tensor, upstream: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """The gradient (O, C, kernel, kernel) on the window of a convolution of x (N, C, H, W), from that on its output.

    upstream: (N, O, H', W'). One product of (O, places) and (places, C) for each offset of the window.
    """
    (channels, (_, outputs, height, width)) = x.shape[1], upstream.shape
    padded = pad(x.permute(0, 2, 3, 1), (0, 0, padding, padding, padding, padding))  # (N, H + 2p, W + 2p, C)
    across = upstream.permute(0, 2, 3, 1).reshape(-1, outputs).T  # (O, places)
    products = [
        across @ padded[:, i : i + stride * height : stride, j : j + stride * width : stride].reshape(-1, channels)
        for i in range(kernel)
        for j in range(kernel)
    ]
    return torch.stack(products).view(kernel, kernel, outputs, channels).permute(2, 3, 0, 1)
