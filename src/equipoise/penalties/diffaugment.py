"""DiffAugment: the discriminator only ever sees augmented images, and the generator learns through them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equipoise.errors import EquipoiseError
from equipoise.penalties.base import PENALTIES, Penalty, StepContext
from equipoise.penalties.gradients import required_random, uniform
from equipoise.validation import Constraint, Interval, validated

OPERATIONS = ("color", "translation", "cutout")


class Operations(Constraint):
    """A list of at least one of the operations, each at most once."""

    def accepts(self, value: object) -> bool:
        if isinstance(value, str) or not isinstance(value, Sequence):
            return False
        return len(value) > 0 and all(v in OPERATIONS for v in value) and len(set(value)) == len(value)

    def describe(self) -> str:
        return "a list of at least one of " + ", ".join(OPERATIONS)

    def invalid_example(self) -> object:
        return ["rotation"]


def brightness(images: Tensor, shift: Tensor) -> Tensor:
    """Add one number to all values of an image; `shift` has shape (N,).

    Example:
        >>> brightness(torch.zeros(1, 1, 1, 2), torch.tensor([0.25])).flatten().tolist()
        [0.25, 0.25]
    """
    return images + shift.view(-1, 1, 1, 1)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Scale each pixel's distance from its own grey (the mean over channels); `factor` has shape (N,)."""
    grey = images.mean(1, keepdim=True)
    return grey + factor.view(-1, 1, 1, 1) * (images - grey)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Scale each value's distance from the image's mean; `factor` has shape (N,)."""
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + factor.view(-1, 1, 1, 1) * (images - mean)


def translate(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Move each image by whole pixels and fill with zeros; `down` and `right` have shape (N,).

    Example:
        >>> image = torch.tensor([[[[1.0, 2.0, 3.0]]]])
        >>> translate(image, torch.tensor([0]), torch.tensor([1])).flatten().tolist()
        [0.0, 1.0, 2.0]
    """
    number, _, height, width = images.shape
    rows = torch.arange(height, device=images.device) - down.view(-1, 1)
    columns = torch.arange(width, device=images.device) - right.view(-1, 1)
    inside = ((rows >= 0) & (rows < height)).unsqueeze(2) & ((columns >= 0) & (columns < width)).unsqueeze(1)
    sample = torch.arange(number, device=images.device).view(-1, 1, 1)
    # Indices apart from the channel slice put the channels last.
    moved = images[
        sample, :, rows.clamp(0, height - 1).unsqueeze(2), columns.clamp(0, width - 1).unsqueeze(1)
    ]
    return moved.permute(0, 3, 1, 2) * inside.unsqueeze(1).to(images.dtype)


def cut_out(images: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
    """Set a rectangle of each image to zero; `top` and `left` of shape (N,) may lie outside the image."""
    rows = torch.arange(images.shape[2], device=images.device) - top.view(-1, 1)
    columns = torch.arange(images.shape[3], device=images.device) - left.view(-1, 1)
    hole = ((rows >= 0) & (rows < height)).unsqueeze(2) & ((columns >= 0) & (columns < width)).unsqueeze(1)
    return images * (~hole).unsqueeze(1).to(images.dtype)


@PENALTIES.register("diffaugment")
class DiffAugment(Penalty):
    """Random colour, translation and cutout on real and fake images, in both steps, by one law.

    Colour: brightness shifted by U(-0.5, 0.5), saturation scaled by U(0, 2) (three channels only: for others
    there is no grey), contrast scaled by U(0.5, 1.5). Translation: a whole number of pixels, uniform up to
    `translation` of the height and of the width, filled with 0. Cutout: a rectangle of `cutout` of the height
    and width, its centre uniform over the image, filled with 0. Images are expected in about [-1, 1], where
    0 is mid-grey. All of it is differentiable and drawn for each sample without a Python loop.

    Args:
        operations: which, in this order: `color`, `translation`, `cutout`. Leave `color` out where the
            channels are not colours of one picture (`stacked-digits`).
        translation: the largest shift as a share of the side; 1/8 in the paper.
        cutout: the rectangle's share of each side; 1/2 in the paper.

    Raises:
        EquipoiseError: for samples that are not images, or a parameter out of its range.

    Source: Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training", section 3.2 and
    appendix.

    Example:
        >>> images = torch.zeros(2, 3, 8, 8)
        >>> context = StepContext(0, 1, torch.nn.Identity(), torch.nn.Identity(), images, images,
        ...                       random=torch.Generator().manual_seed(0))
        >>> DiffAugment().transform(images, context).shape
        torch.Size([2, 3, 8, 8])
    """

    name = "diffaugment"

    @validated(
        operations=Operations(),
        translation=Interval(float, 0, 1, low_open=True),
        cutout=Interval(float, 0, 1, low_open=True, high_open=True),
    )
    def __init__(
        self, operations: Sequence[str] = OPERATIONS, translation: float = 0.125, cutout: float = 0.5
    ) -> None:
        super().__init__()
        self.operations = tuple(operations)
        self.translation = float(translation)
        self.cutout = float(cutout)

    def transform(self, samples: Tensor, context: StepContext) -> Tensor:
        if samples.dim() != 4:
            raise EquipoiseError(
                f"`samples` must be images of shape (N, C, H, W) for diffaugment, but their shape is "
                f"{tuple(samples.shape)}; remove the penalty `diffaugment` for vectors and sequences."
            )
        random = required_random(context, self.name)
        # One column a sample after the transposition; always all seven, so that switching one operation
        # off leaves the draws of the others as they were.
        chance = uniform((len(samples), 7), samples.new_empty(0, dtype=torch.float32), random).T
        for operation in OPERATIONS:
            if operation in self.operations:
                samples = getattr(self, f"_{operation}")(samples, chance)
        return samples

    def _color(self, images: Tensor, chance: Tensor) -> Tensor:
        amounts = chance[:3].to(images.dtype)
        images = brightness(images, amounts[0] - 0.5)
        if images.shape[1] == 3:
            images = saturation(images, 2.0 * amounts[1])
        return contrast(images, amounts[2] + 0.5)

    def _translation(self, images: Tensor, chance: Tensor) -> Tensor:
        shifts = []
        for amount, side in zip(chance[3:5], images.shape[2:]):
            largest = int(self.translation * side + 0.5)
            shifts.append((amount * (2 * largest + 1)).floor().long().clamp(max=2 * largest) - largest)
        return translate(images, shifts[0], shifts[1])

    def _cutout(self, images: Tensor, chance: Tensor) -> Tensor:
        corners, sizes = [], []
        for amount, side in zip(chance[5:7], images.shape[2:]):
            size = max(1, int(self.cutout * side + 0.5))
            # An even rectangle's centre lies between pixels and has one place more.
            places = side + (1 - size % 2)
            corners.append((amount * places).floor().long().clamp(max=places - 1) - size // 2)
            sizes.append(size)
        return cut_out(images, corners[0], corners[1], sizes[0], sizes[1])
