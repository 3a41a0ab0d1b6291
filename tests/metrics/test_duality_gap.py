from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from equipoise.errors import EquipoiseError
from equipoise.metrics.duality_gap import DualityGap, duality_gap


class Logistic:
    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return nn.functional.softplus(-real_logits).mean() + nn.functional.softplus(fake_logits).mean()


class Shift(nn.Module):
    """G(z) = z + a."""

    latent_dim = 1

    def __init__(self, start: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor([start]))

    def forward(self, latent: Tensor) -> Tensor:
        return latent + self.a


class Slope(nn.Module):
    """D(x) = w x + c."""

    def __init__(self, w: float) -> None:
        super().__init__()
        self.w, self.c = nn.Parameter(torch.tensor(w)), nn.Parameter(torch.tensor(0.0))

    def forward(self, samples: Tensor) -> Tensor:
        return self.w * samples[:, 0] + self.c


REALS = torch.randn(2000, 1, generator=torch.Generator().manual_seed(0))


def test_the_gap_is_near_zero_at_the_equilibrium_and_large_away_from_it() -> None:
    settled = duality_gap(Shift(0.0), Slope(0.0), Logistic(), REALS, steps=50, learning_rate=0.05)
    shifted = duality_gap(Shift(3.0), Slope(0.0), Logistic(), REALS, steps=50, learning_rate=0.05)
    exploited = duality_gap(Shift(0.0), Slope(2.0), Logistic(), REALS, steps=50, learning_rate=0.05)
    assert 0 <= settled.gap < 0.02
    # An untrained discriminator is worth -2 log 2; a trained one tells a shift of three deviations.
    assert shifted.value == pytest.approx(-2 * 0.6931, abs=0.001)
    assert shifted.against_generator > -0.7
    assert shifted.gap > 0.5
    assert exploited.gap > 0.5
    assert exploited.against_discriminator < exploited.value


def test_networks_and_random_state_stay_as_they_are() -> None:
    generator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))
    discriminator = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Linear(8, 1), nn.Flatten(0))
    discriminator.eval()
    calls = []
    discriminator.register_forward_hook(lambda *_: calls.append(1))
    before = [copy.deepcopy(net.state_dict()) for net in (generator, discriminator)]
    state = torch.random.get_rng_state()
    found = duality_gap(
        generator,
        discriminator,
        Logistic(),
        REALS[:100],
        latent=lambda count, random: torch.randn(count, 2, generator=random),
        steps=12,
        perturbation=0.01,
    )
    assert found.gap >= 0
    assert torch.equal(state, torch.random.get_rng_state())
    assert generator.training
    assert not discriminator.training
    assert not calls
    for net, old in zip((generator, discriminator), before):
        assert all(torch.equal(value, old[key]) for key, value in net.state_dict().items())
        assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())


def test_the_same_seed_gives_the_same_gap() -> None:
    one, two = (duality_gap(Shift(1.0), Slope(0.1), Logistic(), REALS[:200], steps=10) for _ in range(2))
    assert one == two


def test_it_needs_a_latent_and_samples() -> None:
    with pytest.raises(EquipoiseError, match="latent"):
        duality_gap(nn.Linear(1, 1), Slope(1.0), Logistic(), REALS)
    with pytest.raises(EquipoiseError, match="at least 4"):
        duality_gap(Shift(0.0), Slope(1.0), Logistic(), REALS[:3])
    with pytest.raises(EquipoiseError, match="steps"):
        duality_gap(Shift(0.0), Slope(1.0), Logistic(), REALS, steps=0)


def test_the_metric_passes_its_options_on() -> None:
    metric = DualityGap(Shift(3.0), Slope(0.0), Logistic(), steps=30, learning_rate=0.05)
    metric.update(real_samples=REALS[:500])
    (score,) = metric.compute()
    assert score.value > 0.5
    assert "could gain" in score.note
