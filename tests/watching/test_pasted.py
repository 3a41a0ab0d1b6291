"""Samples that hold the generator's values pasted into known ones (inpainting)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import equipoise
from equipoise.watching.completed import completed_rows, own_values

BATCH, SIDE = 8, 8


def box() -> Tensor:
    mask = torch.zeros(BATCH, 1, SIDE, SIDE)
    mask[:, :, 2:6, 2:6] = 1
    return mask


class Fills(nn.Module):
    """The generator: a picture with a hole, and where the hole is."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, 8, 3, 1, 1), nn.ELU(), nn.Conv2d(8, 3, 3, 1, 1), nn.Tanh())

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        filled: Tensor = self.body(torch.cat([picture * (1 - mask), mask], 1))
        return filled


def inpaint(*, weight: float = 0.1, fault: str = "", steps: int = 40) -> equipoise.Monitor:
    torch.manual_seed(0)
    generator = Fills()
    discriminator = nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, 2, 1))
    monitor = equipoise.watch(generator, discriminator, every=1)
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    for _ in range(steps):
        picture, mask = torch.rand(BATCH, 3, SIDE, SIDE) * 2 - 1, box()
        made = generator(picture, mask)
        whole = made * mask + picture * (1 - mask)
        update_d.zero_grad()
        real = discriminator(torch.cat([picture, mask], 1))
        fake = discriminator(torch.cat([whole.detach(), mask], 1))
        (torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        judged = whole.detach() if fault == "detached" else whole
        loss = -weight * discriminator(torch.cat([judged, mask], 1)).mean() + (made - picture).abs().mean()
        loss.backward()
        update_g.step()
    monitor.close()
    return monitor


def test_the_roles_of_both_steps_are_known_without_any_slope() -> None:
    observations = inpaint(weight=0.0).observations()
    assert observations.fact("roles.decided") == 1.0
    assert observations.series("slope.generator.size").largest() == 0
    assert observations.series("score.fake.mean").finite().values.size > 30


@pytest.mark.parametrize(
    ("weight", "low", "high"), [(0.1, 0.5, 0.999), (1e4, 0.0, 0.01), (1e-5, 0.9999, 1.0)]
)
def test_the_share_of_the_other_terms_is_known(weight: float, low: float, high: float) -> None:
    share = inpaint(weight=weight, steps=12).observations().fact("objective.composite")
    assert low <= share <= high


def test_an_adversarial_term_of_pasted_samples_that_does_not_reach_the_generator_is_told() -> None:
    found = [one.name for one in inpaint(fault="detached").diagnose().findings if one.severity != "info"]
    assert found[:1] == ["generator-graph-cut"]
    healthy = [one.name for one in inpaint().diagnose().findings if one.severity != "info"]
    assert "generator-graph-cut" not in healthy


def test_values_on_a_grid_and_equal_margins_meet_by_chance() -> None:
    torch.manual_seed(0)
    grid = [torch.randint(0, 256, (16, 3, 8, 8)).float() for _ in range(2)]
    assert own_values(*grid, []) is None
    reals, fakes = torch.rand(2, 16, 1, 8, 8).unbind()
    for batch in (reals, fakes):
        batch[:, :, :2] = -1  # the black margin of digits, and a saturated tanh
    assert own_values(reals, fakes, []) is None


def test_what_the_generator_hands_on_is_not_its_own() -> None:
    torch.manual_seed(0)
    picture, mask = torch.rand(BATCH, 3, SIDE, SIDE), box()
    pasted_inside = torch.where(mask > 0, torch.rand_like(picture), picture)
    assert own_values(picture, pasted_inside, []) is not None
    assert own_values(picture, pasted_inside, [picture]) is None
    assert own_values(picture, pasted_inside, [picture * (1 - mask), mask]) is None


def test_pasted_samples_are_found_among_the_channels_and_behind_the_reals() -> None:
    torch.manual_seed(0)
    made, picture, mask = torch.rand(BATCH, 3, SIDE, SIDE), torch.rand(BATCH, 3, SIDE, SIDE), box()
    whole = torch.where(mask > 0, made, picture)
    given = torch.cat([torch.cat([picture, whole]), torch.cat([mask, mask])], 1)
    assert completed_rows(given, made, [picture]) == (slice(BATCH, 2 * BATCH), slice(0, 3))
    assert completed_rows(picture, made, [picture]) is None
