from __future__ import annotations

import math

import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.metrics.rejection import acceptance_probabilities, percentile_shift, rejection_sample


def test_without_a_shift_it_is_plain_rejection_sampling() -> None:
    logits = torch.linspace(-12, 0, 50, dtype=torch.float64)
    found = acceptance_probabilities(logits, 0.0, epsilon=1e-15)
    torch.testing.assert_close(found, logits.exp(), rtol=1e-9, atol=1e-12)


def test_the_formula_in_plain_numbers() -> None:
    t, m, e, gamma = -1.3, 0.4, 1e-3, 0.7
    f = (t - m) - math.log(1 - math.exp(t - m - e)) - gamma
    found = acceptance_probabilities(torch.tensor([t], dtype=torch.float64), m, shift=gamma, epsilon=e)
    assert float(found) == pytest.approx(1 / (1 + math.exp(-f)), rel=1e-12)


def test_logits_far_and_above_are_no_trouble() -> None:
    found = acceptance_probabilities(torch.tensor([-1e5, 0.0, 3.0]), 0.0)
    assert found.tolist() == pytest.approx([0, 1, 1], abs=1e-6)


def test_an_optimal_discriminator_restores_the_shares() -> None:
    # The generator makes mode 0 nine times as often as mode 1; the data has them equally often.
    random = torch.Generator().manual_seed(0)

    def draw(count: int) -> torch.Tensor:
        return (torch.rand(count, generator=random) < 0.1).float()

    def score(samples: torch.Tensor) -> torch.Tensor:
        return torch.where(samples == 1, math.log(0.5 / 0.1), math.log(0.5 / 0.9))

    found = rejection_sample(draw, score, 4000, burn_in=2000, percentile=None)
    assert len(found.samples) == 4000
    assert float(found.samples.mean()) == pytest.approx(0.5, abs=0.03)
    # Plain rejection sampling accepts one in M = 5.
    assert found.acceptance_rate == pytest.approx(0.2, abs=0.02)


def test_a_higher_percentile_is_stricter() -> None:
    rates = []
    for percentile in (10.0, 50.0, 90.0):
        random = torch.Generator().manual_seed(0)
        found = rejection_sample(
            lambda count, random=random: torch.randn(count, generator=random),
            lambda samples: 3 * samples,
            500,
            burn_in=2000,
            percentile=percentile,
        )
        rates.append(found.acceptance_rate)
    assert rates[0] > rates[1] > rates[2]
    assert rates[1] == pytest.approx(0.5, abs=0.1)


def test_samples_with_labels_stay_together() -> None:
    random = torch.Generator().manual_seed(0)

    def draw(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.randint(3, (count,), generator=random)
        return labels.float() * 10, labels

    found = rejection_sample(draw, lambda samples, labels: -labels.float(), 100, burn_in=300)
    samples, labels = found.samples
    assert torch.equal(samples, labels.float() * 10)
    assert len(labels) == 100


def test_the_shift_is_a_percentile() -> None:
    logits = torch.randn(5001, generator=torch.Generator().manual_seed(0)) * 4
    shift = percentile_shift(logits, float(logits.max()), 80)
    kept = acceptance_probabilities(logits, float(logits.max()), shift=shift) >= 0.5
    assert float(kept.double().mean()) == pytest.approx(0.2, abs=0.001)


def test_hopeless_and_malformed_requests_are_refused() -> None:
    def draw(count: int) -> torch.Tensor:
        return torch.randn(count)

    class Rare:
        calls = 0

        def __call__(self, samples: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return torch.full_like(samples, 0.0 if self.calls == 1 else -80.0)

    with pytest.raises(EquipoiseError, match="percentile"):
        rejection_sample(draw, Rare(), 5, burn_in=200, percentile=None, most_draws_per_sample=100)
    with pytest.raises(EquipoiseError, match="shape"):
        rejection_sample(draw, lambda samples: samples[:, None], 5)
    with pytest.raises(EquipoiseError, match="finite"):
        rejection_sample(draw, lambda samples: samples * math.nan, 5)
    with pytest.raises(EquipoiseError, match="count"):
        rejection_sample(draw, lambda samples: samples, 0)
