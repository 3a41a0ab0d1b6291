"""The measures that experiments define themselves, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.lab.digits import digit_game, digits, draws_of, follow_quality
from equipoise.lab.experiments.conditional import _shuffled
from equipoise.lab.experiments.latent_size import intrinsic_dimension
from equipoise.lab.experiments.overfitting_discriminator import lost_lead
from equipoise.lab.experiments.time_series import strongest_frequency, waves
from equipoise.lab.experiments.unnormalised_data import WAYS, range_rule
from equipoise.lab.outcome import Arm


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_dimension_of_a_cube_in_a_subspace_of_a_larger_space(dimension: int) -> None:
    random = torch.Generator().manual_seed(dimension)
    inside = torch.rand(1500, dimension, generator=random, dtype=torch.float64)
    basis = torch.linalg.qr(torch.randn(20, dimension, generator=random, dtype=torch.float64)).Q
    assert intrinsic_dimension(inside @ basis.T) == pytest.approx(dimension, rel=0.08)


def test_the_dimension_does_not_change_with_scale_or_with_repeated_samples() -> None:
    points = torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    plain = intrinsic_dimension(points)
    assert intrinsic_dimension(1000 * points) == pytest.approx(plain, rel=1e-6)
    assert intrinsic_dimension(torch.zeros(50, 4)) == 0.0


def test_a_sum_of_two_sines_has_the_energy_of_the_larger_one() -> None:
    time = torch.arange(16, dtype=torch.float64) / 16
    two = 2.0 * torch.sin(2 * math.pi * 3 * time + 0.4) + 1.0 * torch.cos(2 * math.pi * 6 * time)
    place, share = strongest_frequency(two[None, None])
    assert place.tolist() == [2]
    assert float(share) == pytest.approx(4 / 5, abs=1e-9)


def test_a_constant_is_no_wave() -> None:
    _, share = strongest_frequency(torch.full((1, 1, 16), 3.0))
    assert float(share) == pytest.approx(0.0, abs=1e-12)


def test_waves_have_every_frequency_equally_often() -> None:
    place, share = strongest_frequency(waves(6000, torch.Generator().manual_seed(0)))
    assert float(share.min()) > 1 - 1e-6
    counts = torch.bincount(place, minlength=6)
    # Five deviations of a binomial with p = 1/6.
    assert int((counts - 1000).abs().max()) < 5 * math.sqrt(6000 * 5 / 36)


def test_nothing_is_lost_when_unseen_reals_score_as_known_ones_and_all_when_as_fakes() -> None:
    known, fake = torch.tensor([2.0, 4.0]), torch.tensor([-1.0, -3.0])
    assert lost_lead(known, torch.tensor([3.0]), fake) == 0.0
    assert lost_lead(known, torch.tensor([-2.0]), fake) == 1.0


def test_the_rule_of_one_line_needs_values_out_of_range() -> None:
    reals = torch.rand(50, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    reals[:, 0, 0, 0] = 1.0
    darker = reals.clone()
    darker[:25, 0, 1, 1] = -0.03
    assert range_rule(reals, reals, 0, 1) == 0.5
    assert range_rule(reals, darker, 0, 1) == 0.75
    assert range_rule(reals, reals * 0.4, 0, 1) == 1.0


def test_scaling_to_a_range_and_back_gives_the_pictures() -> None:
    images = digits(0, train=5).train
    for way in WAYS:
        there = way.scaled(images)
        assert float(there.min()) == pytest.approx(way.low)
        assert float(there.max()) == pytest.approx(way.high)
        assert torch.allclose(way.back(there), images, atol=1e-5)


def test_held_out_digits_are_in_no_training_set_and_the_same_for_every_size() -> None:
    few, many = digits(3, train=20), digits(3)
    assert torch.equal(few.held_out, many.held_out)
    assert torch.equal(few.train, many.train[:20])
    assert len(many.train) + len(many.held_out) == 1797
    distances = torch.cdist(many.held_out.flatten(1), many.train.flatten(1))
    # scikit-learn's digits hold no image twice.
    assert float(distances.min()) > 0


def test_shuffled_labels_are_the_batchs_labels_in_another_order() -> None:
    data = digits(0)
    sampler = draws_of(data.train, data.train_labels)
    samples, labels = sampler(200, torch.Generator().manual_seed(1))
    other, mixed = _shuffled(sampler)(200, torch.Generator().manual_seed(1))
    assert torch.equal(samples, other)
    assert torch.equal(labels.sort().values, mixed.sort().values)
    assert 0 < int((labels == mixed).sum()) < 60


class _FirstPixels:
    """In place of the classifier: features that can be computed by hand."""

    def features(self, samples: torch.Tensor) -> torch.Tensor:
        return samples.flatten(1)[:, 26:29]


def test_quality_is_followed_to_the_end_and_the_last_measurement_is_kept() -> None:
    data = digits(0, train=50)
    goal = _FirstPixels().features(data.held_out)
    arm, game = Arm("plain", "failure", "two steps"), digit_game(data.train, 4, 2, seed=3)
    follow_quality(game, arm, _FirstPixels(), goal, count=200, at=[1, 2])  # type: ignore[arg-type]
    assert game.step == 2
    assert arm.series["distance"].x == arm.series["coverage"].x == (1.0, 2.0)
    fake, real = _FirstPixels().features(game.samples(200)).double().numpy(), goal.double().numpy()
    # The Frechet distance by the eigenvalues of the product of the covariances.
    first, second = np.cov(fake.T), np.cov(real.T)
    roots = np.sqrt(np.linalg.eigvals(first @ second).real.clip(0)).sum()
    shift = float(((fake.mean(0) - real.mean(0)) ** 2).sum())
    expected = shift + np.trace(first) + np.trace(second) - 2 * roots
    assert arm.value("distance") == arm.series["distance"].y[-1] == pytest.approx(expected, rel=1e-4)
    # A real one is covered when a fake lies within the distance to its fifth neighbour.
    between = np.linalg.norm(real[:, None] - fake[None], axis=2)
    radius = np.sort(np.linalg.norm(real[:, None] - real[None], axis=2), axis=1)[:, 5]
    covered = float((between.min(1) <= radius).mean())
    assert arm.value("coverage") == arm.series["coverage"].y[-1] == pytest.approx(covered, abs=0.01)


def test_a_number_that_was_not_kept_is_refused_by_name() -> None:
    arm = Arm("plain", "failure", "as published")
    arm.number("distance", 2.0)
    with pytest.raises(EquipoiseError, match="distance"):
        arm.value("distanse")
