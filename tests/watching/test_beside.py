"""Pictures as conditions: the one that a fake was made from, and the same kind of it beside a real."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import equipoise

BATCH, SIDE, STEPS = 6, 8, 14
Change = Callable[[Tensor], Tensor]


def as_it_is(picture: Tensor) -> Tensor:
    return picture


def blank(picture: Tensor) -> Tensor:
    return torch.zeros_like(picture)


def masked(picture: Tensor) -> Tensor:
    hidden = picture.clone()
    hidden[:, :, 2:6, 2:6] = 0
    return hidden


def scaled(picture: Tensor) -> Tensor:
    return picture * 0.5 + 0.5


def next_row(picture: Tensor) -> Tensor:
    return picture.roll(1, 0)


class Two(nn.Module):
    """A discriminator of two arguments."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, condition: Tensor, sample: Tensor) -> Tensor:
        score: Tensor = self.body(torch.cat([condition, sample], 1))
        return score


def translate(
    real: Change = as_it_is,
    fake: Change = as_it_is,
    *,
    arguments: bool = False,
    levels: int = 0,
    apart: bool = False,
    wrong_pairs: bool = False,
) -> equipoise.Monitor:
    """Pairs of pictures; `real` and `fake` change what the discriminator is given beside each.

    `levels`: pictures on a grid; `apart`: other pictures beside the reals; `wrong_pairs`: as further fakes.
    """
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), nn.ELU(), nn.Conv2d(8, 3, 3, 1, 1), nn.Tanh())
    body = nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, 2, 1))
    discriminator = Two(body) if arguments else body

    def judge(condition: Tensor, sample: Tensor) -> Tensor:
        score: Tensor = (
            discriminator(condition, sample)
            if arguments
            else discriminator(torch.cat([condition, sample], 1))
        )
        return score

    monitor = equipoise.watch(generator, discriminator, every=1)
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    for _ in range(STEPS):
        given, other = (torch.rand(2, BATCH, 3, SIDE, SIDE) * 2 - 1).unbind()
        if levels:
            given, other = ((one * levels).round() / levels for one in (given, other))
        made = generator(given)
        beside = other if apart else given
        update_d.zero_grad()
        loss = torch.relu(1 - judge(real(beside), -beside)).mean()
        loss = loss + torch.relu(1 + judge(fake(given), made.detach())).mean()
        if wrong_pairs:
            loss = loss + torch.relu(1 + judge(next_row(given), made.detach())).mean()
        loss.backward()
        update_d.step()
        update_g.zero_grad()
        ((made + given).abs().mean() - judge(given, made).mean()).backward()
        update_g.step()
    monitor.close()
    return monitor


def told(monitor: equipoise.Monitor) -> list[str]:
    return [one.message for one in monitor.diagnose().findings if one.code == "EQ405"]


@pytest.mark.parametrize("arguments", [False, True])
def test_a_condition_that_is_treated_otherwise_beside_one_of_the_two_is_told(arguments: bool) -> None:
    for change in (blank, masked, scaled):
        (message,) = told(translate(fake=change, arguments=arguments))
        assert "not like the one beside the reals" in message
    (message,) = told(translate(real=masked, arguments=arguments))
    assert "not like the one beside the reals" in message


def test_a_masked_condition_on_a_grid_is_told() -> None:
    assert len(told(translate(real=masked, levels=100))) == 1


@pytest.mark.parametrize("arguments", [False, True])
def test_fakes_judged_beside_the_picture_of_another_are_told(arguments: bool) -> None:
    (message,) = told(translate(fake=next_row, arguments=arguments))
    assert "only 0% of the fakes" in message


@pytest.mark.parametrize("arguments", [False, True])
def test_conditions_that_are_alike_are_clean(arguments: bool) -> None:
    assert told(translate(arguments=arguments)) == []
    # Drawn apart, on a grid too, where values meet by chance.
    assert told(translate(apart=True, arguments=arguments)) == []
    assert told(translate(apart=True, arguments=arguments, levels=4)) == []
    # Both are treated, and alike: an inpainting loop's masked picture.
    assert told(translate(real=masked, fake=masked, arguments=arguments)) == []
    # Wrong pairs as further fakes.
    assert told(translate(wrong_pairs=True, arguments=arguments)) == []


def test_no_other_pictures_beside_no_verdict() -> None:
    series = translate().observations().series("condition.alike").finite()
    assert len(series) > 5
    assert series.smallest() == 1
