"""DiffAugment: each operation's definition, its law, and its gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from equipoise.errors import EquipoiseError
from equipoise.penalties import StepContext, build_penalty, diffaugment
from equipoise.penalties.diffaugment import brightness, contrast, cut_out, saturation, translate


def context(seed=0, images=None):
    images = torch.zeros(1, 1, 2, 2) if images is None else images
    random = torch.Generator().manual_seed(seed)
    return StepContext(0, 1, nn.Identity(), nn.Identity(), images, images, random=random)


def augment(images, seed=0, **options):
    return build_penalty("diffaugment", **options).transform(images, context(seed))


IMAGES = torch.randn(5, 3, 8, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
ZERO, ONE = torch.zeros(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64)


def test_neutral_amounts_are_identities():
    assert torch.equal(brightness(IMAGES, ZERO), IMAGES)
    assert torch.allclose(saturation(IMAGES, ONE), IMAGES, atol=1e-15)
    assert torch.allclose(contrast(IMAGES, ONE), IMAGES, atol=1e-15)
    assert torch.equal(translate(IMAGES, ZERO.long(), ZERO.long()), IMAGES)


def test_brightness_moves_the_mean_and_contrast_keeps_it():
    shift = torch.linspace(-0.5, 0.5, 5, dtype=torch.float64)
    mean = IMAGES.mean((1, 2, 3))
    assert torch.allclose(brightness(IMAGES, shift).mean((1, 2, 3)), mean + shift)
    changed = contrast(IMAGES, 1.5 * ONE)
    assert torch.allclose(changed.mean((1, 2, 3)), mean)
    assert torch.allclose(changed.std((1, 2, 3)), 1.5 * IMAGES.std((1, 2, 3)))


def test_no_saturation_is_grey_and_no_contrast_is_flat():
    grey = saturation(IMAGES, ZERO)
    assert torch.allclose(grey, IMAGES.mean(1, keepdim=True).expand_as(IMAGES))
    assert torch.allclose(saturation(IMAGES, 2 * ONE).mean(1), IMAGES.mean(1))
    assert contrast(IMAGES, ZERO).flatten(1).std(1).max() < 1e-12


def test_translation_moves_whole_pixels_and_fills_with_zeros():
    down, right = torch.tensor([0, 2, -3, 1, 0]), torch.tensor([0, -1, 2, 0, 5])
    moved = translate(IMAGES, down, right)
    for image, result, d, r in zip(IMAGES, moved, down.tolist(), right.tolist()):
        expected = torch.zeros_like(image)
        for row in range(8):
            for column in range(6):
                if 0 <= row - d < 8 and 0 <= column - r < 6:
                    expected[:, row, column] = image[:, row - d, column - r]
        assert torch.equal(result, expected)


def test_cutout_removes_one_rectangle_even_across_the_border():
    top, left = torch.tensor([0, -2, 6, 3, 2]), torch.tensor([0, 1, -1, 4, 2])
    cut = cut_out(IMAGES, top, left, 4, 3)
    for image, result, t, c in zip(IMAGES, cut, top.tolist(), left.tolist()):
        expected = image.clone()
        expected[:, max(t, 0) : max(t + 4, 0), max(c, 0) : max(c + 3, 0)] = 0
        assert torch.equal(result, expected)


def test_amounts_follow_the_papers_law():
    count = 20_000
    ramp = torch.zeros(count, 1, 1, 2)
    ramp[:, :, :, 0], ramp[:, :, :, 1] = -0.5, 0.5
    changed = augment(ramp, operations=["color"])
    shift = changed.mean((1, 2, 3))
    factor = (changed[:, 0, 0, 1] - changed[:, 0, 0, 0]).flatten()
    for amount, low, high in ((shift, -0.5, 0.5), (factor, 0.5, 1.5)):
        assert amount.min() >= low - 1e-6
        assert amount.max() <= high + 1e-6
        assert amount.mean().item() == pytest.approx((low + high) / 2, abs=0.01)
        assert amount.var().item() == pytest.approx(1 / 12, rel=0.03)
    red = torch.zeros(count, 3, 1, 1)
    red[:, 0] = 0.9
    coloured = augment(red, operations=["color"])
    # A one-pixel image: contrast c scales r - mean by c, saturation s by s; together s c.
    spread = (coloured[:, 0] - coloured[:, 1]).flatten() / 0.9
    assert spread.min() >= 0
    assert spread.max() <= 3
    assert spread.mean().item() == pytest.approx(1.0, abs=0.02)
    assert spread.var().item() == pytest.approx((1 + 1 / 3) * (1 + 1 / 12) - 1, rel=0.03)


def test_translation_is_uniform_over_whole_pixels_up_to_an_eighth():
    count, side = 30_000, 16
    dot = torch.zeros(count, 1, side, side)
    dot[:, :, 8, 8] = 1.0
    moved = augment(dot, operations=["translation"])
    places = moved.flatten(1).argmax(1)
    assert (moved.flatten(1).sum(1) == 1).all()
    for offset in (places // side - 8, places % side - 8):
        counts = torch.bincount(offset + 2, minlength=5)
        assert len(counts) == 5
        # chi-squared with 4 degrees of freedom; 18.5 is its 0.1 % point
        assert ((counts - count / 5) ** 2 / (count / 5)).sum().item() < 18.5


@pytest.mark.parametrize("side", [8, 9])
def test_cutout_has_half_the_side_and_a_centre_anywhere(side):
    holes = augment(torch.ones(5000, 1, side, side), operations=["cutout"]) == 0
    size = (side + 1) // 2
    tall = holes.any(3).sum(2).flatten()
    assert tall.max() == size
    assert tall.min() == (size + 1) // 2  # a centre on the border leaves the inner half
    cover = holes.float().mean(0)[0]
    # Nine places along each side for both; those that hide the middle and the corner are counted by hand.
    for place, covering in ((side // 2, size), (0, 3)):
        assert cover[place, place].item() == pytest.approx((covering / 9) ** 2, abs=0.02)


def test_every_sample_has_its_own_draw_and_every_call_new_ones():
    images = torch.randn(1, 3, 16, 16).expand(6, -1, -1, -1)
    step = context()
    penalty = build_penalty("diffaugment")
    first, second = penalty.transform(images, step), penalty.transform(images, step)
    assert len({tuple(image.flatten().tolist()) for image in torch.cat([first, second])}) == 12


def test_all_amounts_of_a_sample_are_independent(monkeypatch):
    seen = []
    for name in ("brightness", "saturation", "contrast", "translate", "cut_out"):
        original = getattr(diffaugment, name)

        def recorder(images, *amounts, original=original):
            seen.extend(amount.double() for amount in amounts if isinstance(amount, torch.Tensor))
            return original(images, *amounts)

        monkeypatch.setattr(diffaugment, name, recorder)
    augment(torch.zeros(20_000, 3, 16, 16))
    assert len(seen) == 7
    correlation = torch.corrcoef(torch.stack(seen)) - torch.eye(7)
    assert correlation.abs().max() < 4 / 20_000**0.5


def test_switching_an_operation_off_leaves_the_others_as_they_were():
    images = torch.randn(4, 1, 8, 8)
    both = augment(images, operations=["translation", "cutout"])
    alone = augment(images, operations=["translation"])
    kept = both != 0
    assert torch.equal(both[kept], alone[kept])


def test_the_gradient_reaches_what_is_visible_and_nothing_else():
    images = torch.randn(3, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: augment(x, seed=1), (images,))
    cut = augment(images, operations=["cutout"])
    (gradient,) = torch.autograd.grad(cut.sum(), images)
    assert torch.equal(gradient != 0, cut != 0)


def test_operations_run_in_a_fixed_order():
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(
        augment(images, operations=["cutout", "color"]), augment(images, operations=["color", "cutout"])
    )


@pytest.mark.parametrize("shape", [(4, 10), (4, 3, 10)])
def test_anything_but_images_is_refused(shape):
    with pytest.raises(EquipoiseError, match="images"):
        augment(torch.zeros(shape))


@pytest.mark.parametrize("operations", [[], "color", ["color", "color"], None, ["colour"]])
def test_bad_operations_are_refused(operations):
    with pytest.raises(EquipoiseError, match="`operations` must be"):
        build_penalty("diffaugment", operations=operations)
