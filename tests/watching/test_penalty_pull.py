"""What a gradient penalty sends back to the slope tells over which axes its norm was taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from equipoise.checks import judge
from equipoise.checks.catalogue.gradient_penalty_invalid import PARALLEL
from equipoise.history.store import History
from equipoise.watching.probes.gradient_penalty import outside_segment
from equipoise.watching.statistics import penalty_law, penalty_pull
from equipoise.watching.watcher import Watcher


def pulled(penalty: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    (back,) = torch.autograd.grad(penalty, slope)
    return penalty_pull(slope.detach(), back)


def test_a_norm_per_sample_pulls_along_the_slope_by_a_known_factor() -> None:
    slope = torch.randn(6, 2, 3, 3, dtype=torch.float64).requires_grad_()
    norm = slope.flatten(1).norm(dim=1)
    cosine, factor = pulled((10 * (norm - 1) ** 2).mean(), slope)
    assert cosine == pytest.approx(1.0, abs=1e-6)
    # d/dg of (|g| - 1)^2 is 2 (1 - 1/|g|) g.
    expected = (20 / 6 * (1 - 1 / norm)).detach().float()
    assert torch.allclose(factor, expected, rtol=1e-5)


def test_a_norm_per_pixel_does_not_and_a_norm_of_the_batch_pulls_all_alike() -> None:
    slope = torch.randn(6, 2, 3, 3, dtype=torch.float64).requires_grad_()
    cosine, _ = pulled(((slope.norm(dim=1) - 1) ** 2).mean(), slope)
    assert float(cosine.max()) < 0.99
    cosine, factor = pulled((slope.norm() - 1) ** 2, slope)
    assert cosine == pytest.approx(1.0, abs=1e-6)
    assert float(factor.std()) == pytest.approx(0.0, abs=1e-6)


def test_places_that_the_discriminator_does_not_look_at_leave_the_cosine_known() -> None:
    """A norm over the batch is zero there, and its root gives 0 * inf (MolGAN's edges of no bond)."""
    slope = torch.randn(6, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    slope[..., 0] = 0
    slope.requires_grad_()
    cosine, _ = pulled(((slope.square().sum(dim=0).sqrt() - 1) ** 2).mean(), slope)
    assert bool(cosine.isfinite().all())
    assert float(cosine.median()) < PARALLEL
    cosine, _ = pulled(((slope.square().sum(dim=(1, 2)).sqrt() - 1) ** 2).mean(), slope)
    assert cosine == pytest.approx(1.0, abs=1e-6)


def train(kind: str, steps: int = 40, told: str = "") -> list[str]:
    """The names of the errors; with `told`, what the finding of that code says."""
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Unflatten(1, (1, 4, 4))
    )
    critic = nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128, 1))
    watcher = Watcher(generator, critic, History(None), every=1)
    update_c = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.0, 0.9))
    update_g = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.0, 0.9))
    for _ in range(steps):
        real, fake = torch.randn(16, 1, 4, 4).tanh(), generator(torch.randn(16, 4)).detach()
        share = torch.rand(16, 1, 1, 1)
        between = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = {
            "sample": lambda g: 10 * ((g.flatten(1).norm(dim=1) - 1) ** 2).mean(),
            "pixel": lambda g: 10 * ((g.norm(2, dim=1) - 1) ** 2).mean(),
            "batch": lambda g: 10 * (g.norm() - 1) ** 2,
            "turned": lambda g: -10 * ((g.flatten(1).norm(dim=1) - 1) ** 2).mean(),
            "huge": lambda g: 1e4 * ((g.flatten(1).norm(dim=1) - 1) ** 2).mean(),
            "one-sided": lambda g: 10 * ((g.flatten(1).norm(dim=1) - 1).clamp(min=0) ** 2).mean(),
            "r1": lambda g: 5 * g.square().sum((1, 2, 3)).mean(),
        }[kind](slope)
        update_c.zero_grad()
        (critic(fake).mean() - critic(real).mean() + penalty).backward()
        update_c.step()
        update_g.zero_grad()
        (-critic(generator(torch.randn(16, 4))).mean()).backward()
        update_g.step()
    watcher.close()
    watcher.history.set_facts(watcher.facts.collect())
    assert watcher.problems.sentences == []
    findings = judge(watcher.history.observations()).findings
    if told:
        return [found.message for found in findings if found.code == told]
    return [found.name for found in findings if found.severity == "error"]


@pytest.mark.parametrize("kind", ["pixel", "batch"])
def test_wrong_axes_are_named(kind: str) -> None:
    assert train(kind)[0] == "gradient-penalty-invalid"


@pytest.mark.parametrize("kind", ["sample", "r1"])
def test_right_axes_are_not(kind: str) -> None:
    assert "gradient-penalty-invalid" not in train(kind)


def test_with_accumulated_gradients_a_penalty_is_seen_beside_its_own_part() -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    critic = nn.Sequential(nn.Linear(3, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    watcher = Watcher(generator, critic, History(None), every=1)
    update_c, update_g = (torch.optim.Adam(one.parameters(), 1e-3) for one in (critic, generator))
    for _ in range(4):
        update_c.zero_grad()
        for _part in range(3):
            real, fake = torch.randn(16, 3) + 1, generator(torch.randn(16, 4)).detach()
            between = torch.rand(16, 1)
            between = (between * real + (1 - between) * fake).requires_grad_()
            loss = critic(fake).mean() - critic(real).mean()
            (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            ((loss + 10 * (slope.norm(dim=1) - 1).square().mean()) / 3).backward()
        update_c.step()
        update_g.zero_grad()
        (-critic(generator(torch.randn(16, 4))).mean()).backward()
        update_g.step()
    watcher.close()
    kept = watcher.reservoir.penalties
    assert kept
    for one in kept:
        assert not outside_segment(one.points, one.reals, one.fakes).any()


@pytest.mark.parametrize(("weight", "target"), [(10.0, 1.0), (-10.0, 1.0), (0.5, 3.0)])
def test_weight_and_target_are_read_off_the_factors(weight: float, target: float) -> None:
    norms = torch.rand(8, generator=torch.Generator().manual_seed(0)) + 0.2
    found = penalty_law(norms, 2 * weight * (1 - target / norms))
    assert [float(one) for one in found] == pytest.approx([weight, target], rel=1e-4)


def test_other_penalties_have_no_such_law() -> None:
    norms = torch.linspace(0.3, 1.8, 8)
    for factors in (
        torch.full_like(norms, 10.0),  # R1: one factor
        1 / norms,  # the norm itself
        (2 * (1 - 1 / norms)).clamp(min=0),  # one-sided, and some below the target
        6 * norms**4,  # WGAN-div
        2 / (1 + norms**2),  # a logarithm
    ):
        assert all(bool(one.isnan()) for one in penalty_law(norms, factors))
    assert all(bool(one.isnan()) for one in penalty_law(norms[:3], 2 * (1 - 1 / norms[:3])))
    alike = torch.full_like(norms, 0.7)
    assert all(bool(one.isnan()) for one in penalty_law(alike, 2 * (1 - 1 / alike)))


@pytest.mark.parametrize("kind", ["turned", "huge"])
def test_a_penalty_below_its_target_of_the_wrong_sign_or_weight_is_told(kind: str) -> None:
    (message,) = train(kind, steps=12, told="EQ305")
    assert ("wrong sign" if kind == "turned" else "hardly counts") in message


@pytest.mark.parametrize("kind", ["sample", "r1", "one-sided"])
def test_right_weights_are_clean(kind: str) -> None:
    assert train(kind, steps=12, told="EQ305") == []
