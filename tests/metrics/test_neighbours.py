from __future__ import annotations

import numpy as np
import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.metrics import neighbours
from equipoise.metrics.birthday_paradox import BirthdayParadox, birthday_paradox, support_from_collisions
from equipoise.metrics.neighbours import (
    exact,
    nearest,
    nearest_others,
    pairs_within,
    prepare,
    screened,
    within,
)
from equipoise.metrics.prdc import DensityCoverage, PrecisionRecall, precision_recall_density_coverage


def rows(kind: str, count: int, width: int, seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    base = torch.randn(count, width, generator=random)
    if kind == "rectified":
        return base.relu()
    if kind == "heavy":
        return (2 * base).exp()
    if kind == "far":
        return base + 1000
    if kind == "clones":
        return base[:3].repeat(count // 3 + 1, 1)[:count] + 1e-4 * base
    if kind == "copies":
        return base[:3].repeat(count // 3 + 1, 1)[:count]
    return base


def slow_distances(left: torch.Tensor, right: torch.Tensor) -> np.ndarray:
    """From the differences, one row at a time, in double precision."""
    x, y = left.double().numpy(), right.double().numpy()
    return np.stack([np.sqrt(np.square(row - y).sum(1)) for row in x])


def slow_scores(fake: torch.Tensor, real: torch.Tensor, k: int) -> tuple[float, float, float, float]:
    def radii(points: torch.Tensor) -> np.ndarray:
        distances = slow_distances(points, points)
        np.fill_diagonal(distances, np.inf)
        return np.sort(distances, 1)[:, k - 1]

    across = slow_distances(real, fake)
    inside = across < radii(real)[:, None]
    recall = (across < radii(fake)[None]).any(1).mean()
    return inside.any(0).mean(), recall, inside.sum(0).mean() / k, inside.any(1).mean()


KINDS = ["normal", "rectified", "heavy", "far", "clones", "copies"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [2, 40, 300])
def test_prdc_equals_the_slow_double_precision_one(
    kind: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "BLOCK", 64)
    monkeypatch.setattr(neighbours.blocks, "__defaults__", (64,))
    fake, real = rows(kind, 150, width, 1), rows(kind, 170, width, 2)
    found = precision_recall_density_coverage(fake, real, k=4)
    expected = slow_scores(fake, real, 4)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
def test_nearest_equals_the_slow_one(kind: str) -> None:
    left, right = rows(kind, 90, 70, 1), rows(kind, 110, 70, 2)
    distances, indices = nearest(left, right, 3)
    expected = slow_distances(left, right)
    np.testing.assert_allclose(distances, np.sort(expected, 1)[:, 2], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(expected[np.arange(90), indices], distances, rtol=1e-9, atol=1e-6)
    own = slow_distances(left, left)
    np.fill_diagonal(own, np.inf)
    np.testing.assert_allclose(nearest_others(left)[0], own.min(1), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("width", [33, 256, 2048])
@pytest.mark.parametrize("kind", ["normal", "rectified", "heavy", "far"])
def test_the_screen_s_error_is_below_half_of_its_bound(kind: str, width: int) -> None:
    left, right = prepare(rows(kind, 60, width, 1), rows(kind, 60, width, 2))
    block = screened(left, right, slice(None), slice(None))
    assert block.dtype == torch.float32
    pairs = torch.cartesian_prod(torch.arange(60), torch.arange(60))
    truth = exact(left.original, right.original, pairs[:, 0], pairs[:, 1]).view(60, 60)
    relative = (block.double() - truth).abs() / (left.squares[:, None] + right.squares[None]).double()
    assert float(relative.max()) < left.relative_error / 2


def test_near_ties_are_decided_in_double_precision() -> None:
    real = torch.zeros(1, 500)
    fake = torch.randn(400, 500, generator=torch.Generator().manual_seed(0))
    fake = fake / fake.double().norm(dim=1, keepdim=True).float()
    left, right = prepare(real, fake)
    block = screened(left, right, slice(None), slice(None))
    truth = fake.double().square().sum(1)
    radius = truth.median()
    inside = within(left, right, slice(0, 1), slice(0, 400), block, radius.view(1, 1))
    assert torch.equal(inside[0], truth < radius)


def test_tf32_settings_do_not_reach_the_screen() -> None:
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("high")
        assert prepare(torch.zeros(3, 100))[0].rows.dtype == torch.float64
    finally:
        torch.set_float32_matmul_precision(before)


def test_reals_against_reals_cover_as_expected() -> None:
    random = torch.Generator().manual_seed(0)
    one, two = torch.randn(2, 3000, 8, generator=random)
    found = precision_recall_density_coverage(one, two, k=5)
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.012)
    assert found.density == pytest.approx(1, abs=0.08)


def test_prdc_package_agrees() -> None:
    prdc = pytest.importorskip("prdc")
    random = torch.Generator().manual_seed(0)
    fake, real = torch.randn(2, 600, 64, generator=random)
    expected = prdc.compute_prdc(real.double().numpy(), fake.double().numpy(), 5)
    found = precision_recall_density_coverage(fake, real, k=5)
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, abs=1e-6)


def test_a_collapsed_generator_keeps_precision_and_loses_recall() -> None:
    real = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    fake = real.mean(0).repeat(400, 1)
    found = precision_recall_density_coverage(fake, real, k=5)
    assert found.recall == 0
    assert found.precision == 1
    assert found.coverage < 0.2


def test_precision_is_of_the_samples_and_recall_of_the_reals() -> None:
    real = torch.cat([torch.randn(200, 2), torch.randn(200, 2) + 50])
    metric = PrecisionRecall()
    metric.update(fake=torch.randn(300, 2), real=real)
    precision, recall = metric.compute()
    assert precision.value > 0.9
    assert recall.value < 0.55


def test_coverage_note_says_what_reals_reach() -> None:
    metric = DensityCoverage(k=3)
    metric.update(fake=torch.randn(30, 2), real=torch.randn(30, 2))
    assert "0.875" in metric.compute()[1].note


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(EquipoiseError, match="at least 6 rows"):
        precision_recall_density_coverage(torch.zeros(5, 2), torch.zeros(9, 2), k=5)
    with pytest.raises(EquipoiseError, match="`k`"):
        nearest(torch.zeros(5, 2), torch.zeros(3, 2), 4)
    with pytest.raises(EquipoiseError, match="`k`"):
        precision_recall_density_coverage(torch.zeros(5, 2), torch.zeros(9, 2), k=0)


def test_pairs_within_against_loops() -> None:
    for width in (3, 80):
        points = rows("clones", 130, width, 3)
        distances = slow_distances(points, points)[np.triu_indices(130, 1)]
        for limit in (0.0, float(np.median(distances)), 1e-3):
            assert pairs_within(points, limit) == int((distances <= limit).sum())


@pytest.mark.parametrize("support", [200, 5000])
def test_birthday_finds_a_uniform_support(support: int) -> None:
    random = torch.Generator().manual_seed(0)
    values = torch.randn(support, 40, generator=random)
    inside = 0
    for _ in range(20):
        fake = values[torch.randint(support, (600,), generator=random)]
        found = birthday_paradox(fake, distance=0.0)
        inside += found.low <= support <= found.high
        assert found.support == pytest.approx(support, rel=0.7)
    assert inside >= 17


def test_collisions_arithmetic() -> None:
    none = support_from_collisions(1000, 0)
    assert none.support == np.inf
    # No event among n pairs: the 95 % limit of a Poisson mean is -log 0.05.
    assert none.low == pytest.approx(499_500 / -np.log(0.05))
    many = support_from_collisions(1000, 400)
    assert many.low < 499_500 / 400 < many.high
    assert many.low == pytest.approx(499_500 / 400 * 0.91, rel=0.02)


def test_birthday_criterion_comes_from_the_reals() -> None:
    random = torch.Generator().manual_seed(0)
    real = torch.randn(300, 5, generator=random)
    metric = BirthdayParadox()
    metric.update(fake=torch.randn(10, 5, generator=random).repeat(30, 1), real=real)
    support, low = metric.compute()
    assert support.value == pytest.approx(10.3, abs=0.2)
    assert low.value < support.value
    assert "pairs within" in support.note
