from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from equipoise.data import load_data
from equipoise.errors import EquipoiseError
from equipoise.metrics.clusters import assign, cluster_centres
from equipoise.metrics.different_bins import NumberOfDifferentBins, different_bins
from equipoise.metrics.modes import (
    LabelledModes,
    MixtureModes,
    high_quality_ceiling,
    mode_shares,
    reverse_kl,
    reverse_kl_floor,
)

GRID = torch.cartesian_prod(torch.arange(-4.0, 5, 2), torch.arange(-4.0, 5, 2))


def mixture(means: torch.Tensor, deviation: float, count: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    which = torch.randint(len(means), (count,), generator=random)
    return means[which] + deviation * torch.randn(count, means.shape[1], generator=random)


def scores(metric: MixtureModes | LabelledModes, **streams: object) -> dict[str, float]:
    metric.update(**streams)
    return {score.name: score.value for score in metric.compute()}


def test_the_true_mixture_reaches_every_floor_and_ceiling() -> None:
    found = scores(MixtureModes(GRID, 0.05), fake=mixture(GRID, 0.05, 10_000))
    assert found["modes-covered"] == found["modes-with-share"] == 25
    mean, high = reverse_kl_floor(10_000, 25)
    assert 0 < found["reverse-kl"] < high
    assert mean == pytest.approx(24 / 20_000, rel=0.1)
    assert found["high-quality-share"] == pytest.approx(0.9889, abs=0.004)
    assert found["within-mode-spread"] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_the_spread_is_one_in_any_dimension_and_follows_the_deviation(dimensions: int) -> None:
    means = torch.stack([torch.zeros(dimensions), torch.full((dimensions,), 50.0)])
    true = scores(MixtureModes(means, 1.0), fake=mixture(means, 1.0, 20_000))
    shrunken = scores(MixtureModes(means, 1.0), fake=mixture(means, 0.5, 20_000))
    assert true["within-mode-spread"] == pytest.approx(1, abs=0.02)
    # Half the deviation, of which nothing is cut off.
    uncut = 0.5 / math.sqrt(high_quality_ceiling(dimensions + 2) / high_quality_ceiling(dimensions))
    assert shrunken["within-mode-spread"] == pytest.approx(uncut, abs=0.02)
    assert shrunken["high-quality-share"] > high_quality_ceiling(dimensions)


def test_ceilings_are_those_of_the_chi_square_distribution() -> None:
    assert high_quality_ceiling(1) == pytest.approx(math.erf(3 / math.sqrt(2)))
    assert high_quality_ceiling(2) == pytest.approx(1 - math.exp(-4.5))


def test_a_lenient_count_and_a_strict_one_differ() -> None:
    # All of one mode, and one sample of each other: "covered" by the letter.
    fake = torch.cat([mixture(GRID[:1], 0.05, 2000), GRID])
    found = scores(MixtureModes(GRID, 0.05), fake=fake)
    assert found["modes-covered"] == 25
    assert found["modes-with-share"] == 1
    assert found["reverse-kl"] > 3


def test_a_point_per_mode_has_no_spread() -> None:
    assert scores(MixtureModes(GRID, 0.05), fake=GRID.repeat(20, 1))["within-mode-spread"] == 0


def test_samples_between_modes_are_of_low_quality() -> None:
    found = scores(MixtureModes(GRID, 0.05), fake=GRID + 0.9)
    assert found["high-quality-share"] == 0
    assert found["modes-covered"] == 0
    assert "within-mode-spread" not in found


def test_modes_of_a_data_set_are_in_its_normalised_scale() -> None:
    data = load_data("ring")
    samples, _ = data.batch(np.arange(4000))
    found = scores(MixtureModes.of_dataset(data), fake=samples)
    assert found["modes-covered"] == 8
    assert found["high-quality-share"] == pytest.approx(0.9889, abs=0.008)
    assert found["within-mode-spread"] == pytest.approx(1, abs=0.05)
    with pytest.raises(EquipoiseError, match="mixture"):
        MixtureModes.of_dataset(load_data("digits"))


def test_reverse_kl_by_hand() -> None:
    assert reverse_kl([1, 3], [0.5, 0.5]) == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))
    assert reverse_kl([1, 1], [1, 0]) == math.inf
    assert reverse_kl([5, 5, 5]) == 0


@pytest.mark.parametrize(("samples", "modes"), [(26_000, 1000), (10_000, 1000), (2500, 25)])
def test_the_simulated_floor_is_the_asymptotic_one(samples: int, modes: int) -> None:
    # (K - 1) / 2N, and the next term of the expansion, (K^2 - 1) / 12 N^2 for equal shares.
    expected = (modes - 1) / (2 * samples) + (modes**2 - 1) / (12 * samples**2)
    mean, high = reverse_kl_floor(samples, modes)
    # The simulated mean of 400 chi-squared values has this standard error.
    error = np.sqrt((modes - 1) / 2) / samples / np.sqrt(400)
    assert mean == pytest.approx(expected, abs=4 * error)
    assert high > mean


def test_labelled_modes_of_a_uniform_sampler_reach_the_floor() -> None:
    labels = torch.randint(1000, (26_000,), generator=torch.Generator().manual_seed(0))
    found = scores(LabelledModes(modes=1000), fake_labels=labels)
    assert found["modes-covered"] == 1000
    assert found["reverse-kl"] < reverse_kl_floor(26_000, 1000)[1]
    collapsed = scores(LabelledModes(modes=1000), fake_labels=labels % 100)
    assert collapsed["modes-covered"] == 100
    assert collapsed["reverse-kl"] == pytest.approx(math.log(10), abs=0.01)


def test_shares_of_the_reals_are_the_target() -> None:
    found = scores(LabelledModes(), fake_labels=[0] * 90 + [1] * 10, real_labels=[0] * 9 + [1])
    assert found["reverse-kl"] == pytest.approx(0, abs=1e-12)


def test_wrong_targets_and_labels_are_refused() -> None:
    with pytest.raises(EquipoiseError, match="2 shares"):
        mode_shares([1, 2], [1.0])
    with pytest.raises(EquipoiseError, match="number of modes"):
        scores(LabelledModes(modes=2), fake_labels=[0, 5])
    with pytest.raises(EquipoiseError, match="whole numbers"):
        scores(LabelledModes(), fake_labels=[0.5, 1.0])
    with pytest.raises(EquipoiseError, match="standard_deviation"):
        MixtureModes(GRID, 0.0)
    with pytest.raises(EquipoiseError, match="like the means"):
        scores(MixtureModes(GRID, 0.1), fake=torch.zeros(4, 3))


def test_the_null_expectation_of_different_bins_is_the_level_times_the_bins() -> None:
    counts = []
    for seed in range(8):
        random = torch.Generator().manual_seed(seed)
        real = torch.randn(4000, 3, generator=random)
        fake = torch.randn(2000, 3, generator=random)
        metric = NumberOfDifferentBins()
        metric.update(fake=fake, real=real)
        different, divergence = metric.compute()
        counts.append(different.value)
        assert divergence.value < 0.03
        assert "5 +- 2.2 by chance" in different.note
    assert np.mean(counts) == pytest.approx(5, abs=2.3)


def test_different_bins_by_hand() -> None:
    # 60 of 100 against 40 of 100: z = 0.2 / sqrt(0.5 * 0.5 * 0.02) = 2.83.
    found = different_bins(torch.tensor([60, 40, 0]), torch.tensor([40, 60, 0]))
    assert (found.different, found.bins, found.expected) == (2, 2, 0.1)
    assert different_bins(torch.tensor([60, 40]), torch.tensor([40, 60]), level=0.004).different == 0
    apart = different_bins(torch.tensor([10, 0]), torch.tensor([0, 10]))
    assert apart.jensen_shannon == pytest.approx(math.log(2))


def test_a_missing_mode_shows_in_the_bins() -> None:
    metric = NumberOfDifferentBins(bins=25)
    metric.update(fake=mixture(GRID[:15], 0.05, 2500), real=mixture(GRID, 0.05, 5000, seed=1))
    # Ten modes are empty, which at most halves to five cells where K-means joined two; 1.25 by chance.
    assert metric.compute()[0].value >= 5


def test_clusters_find_separated_groups_and_stand_duplicates() -> None:
    points = mixture(GRID, 0.05, 3000)
    centres = cluster_centres(points, 25)
    gaps = torch.cdist(centres, GRID.double()).min(1).values
    assert (gaps < 0.1).sum() >= 20
    assert torch.equal(assign(GRID, GRID.double()), torch.arange(25))
    assert cluster_centres(torch.ones(5, 2), 3).shape == (3, 2)
    with pytest.raises(EquipoiseError, match="cells"):
        cluster_centres(torch.ones(2, 2), 3)
