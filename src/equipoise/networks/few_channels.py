"""Convolutions between an image of few channels and many features, faster on the CPU than torch's own.

A transposed convolution of stride 2 into one to four channels runs at a few percent of the processor's speed
in torch 2.13. The same numbers come from an ordinary convolution that computes the four phases of every
output position as channels, which are then put in their places; for many channels that would be slower. It
serves the last layer of a generator, and the gradient with respect to the image of the first layer of a
discriminator.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_FEW = 4
_STRIDE, _PADDING, _DILATION, _NO_OUTPUT_PADDING = [2, 2], [1, 1], [1, 1], [0, 0]


def _tap_table() -> Tensor:
    """For each phase (2 x 2) and position of a 3 x 3 window, which of the 16 taps acts there; 16 for none.

    Output 2 i + a of a side is reached, with padding 1, from position i - 1 + t by tap 2 (1 - t) + a + 1,
    where there is such a tap.
    """
    sides = [[2 * (1 - position) + phase + 1 for position in range(3)] for phase in range(2)]
    return torch.tensor(
        [
            4 * row + column if 0 <= row < 4 and 0 <= column < 4 else 16
            for rows in sides
            for columns in sides
            for row in rows
            for column in columns
        ]
    )


_TAPS = _tap_table()


def _phases(weight: Tensor) -> Tensor:
    """Weights (features, channels, 4, 4) of the transposed convolution as (channels x 4, features, 3, 3)."""
    features, channels = weight.shape[:2]
    taps = functional.pad(weight.reshape(features, channels, 16), (0, 1))[:, :, _TAPS]
    windows = taps.view(features, channels * 4, 3, 3).transpose(0, 1)
    return windows.contiguous(memory_format=torch.channels_last)


class _Doubled(torch.autograd.Function):
    """`conv_transpose2d` with 4 x 4 kernels, stride 2 and padding 1."""

    @staticmethod
    def forward(context: Any, features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        context.save_for_backward(features, weight)
        context.biases = None if bias is None else [len(bias)]
        repeated = None if bias is None else bias.repeat_interleave(4)
        return functional.pixel_shuffle(functional.conv2d(features, _phases(weight), repeated, padding=1), 2)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        features, weight = context.saved_tensors
        return _native_backward(context, gradients[0], features, weight, True, context.needs_input_grad)


class _Halved(torch.autograd.Function):
    """`conv2d` with 4 x 4 kernels, stride 2 and padding 1, of images of even sides."""

    @staticmethod
    def forward(context: Any, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        context.save_for_backward(images, weight)
        context.biases = None if bias is None else [len(bias)]
        return functional.conv2d(images, weight, bias, stride=2, padding=1)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        images, weight = context.saved_tensors
        needed = context.needs_input_grad
        towards_images = _Doubled.apply(gradients[0], weight, None) if needed[0] else None
        if not (needed[1] or needed[2]):
            return towards_images, None, None
        rest = _native_backward(context, gradients[0], images, weight, False, (False, *needed[1:]))
        return towards_images, *rest[1:]


def _native_backward(
    context: Any, gradient: Tensor, values: Tensor, weight: Tensor, transposed: bool, needed: tuple[bool, ...]
) -> tuple[Tensor | None, ...]:
    """Torch's own gradients with respect to values, weight and bias, which can be differentiated again."""
    found = torch.ops.aten.convolution_backward(
        gradient, values, weight, context.biases, _STRIDE, _PADDING, _DILATION, transposed,
        _NO_OUTPUT_PADDING, 1, list(needed),
    )  # fmt: skip
    return tuple(value if wanted else None for value, wanted in zip(found, needed))


def _fits(layer: nn.Conv2d | nn.ConvTranspose2d, values: Tensor) -> bool:
    few = layer.in_channels if isinstance(layer, nn.Conv2d) else layer.out_channels
    return (
        few <= _FEW
        and layer.kernel_size == (4, 4)
        and layer.stride == (2, 2)
        and layer.padding == (1, 1)
        and values.dim() == 4
        and values.device.type == "cpu"
        and values.dtype == layer.weight.dtype
        and values.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


class ImageToFeatures(nn.Conv2d):
    """`torch.nn.Conv2d`; its gradient with respect to an image of few channels is computed faster on the CPU.

    Example:
        >>> ImageToFeatures(1, 8, 4, stride=2, padding=1)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 8, 14, 14])
    """

    def forward(self, input: Tensor) -> Tensor:
        even = input.dim() == 4 and input.shape[2] % 2 == 0 and input.shape[3] % 2 == 0
        if even and self.groups == 1 and self.padding_mode == "zeros" and _fits(self, input):
            return _Halved.apply(input, self.weight, self.bias)
        return super().forward(input)


class FeaturesToImage(nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d`; into an image of few channels it is computed faster on the CPU.

    Example:
        >>> FeaturesToImage(8, 1, 4, stride=2, padding=1)(torch.zeros(2, 8, 14, 14)).shape
        torch.Size([2, 1, 28, 28])
    """

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        if output_size is None and self.groups == 1 and self.output_padding == (0, 0) and _fits(self, input):
            return _Doubled.apply(input, self.weight, self.bias)
        return super().forward(input, output_size)
