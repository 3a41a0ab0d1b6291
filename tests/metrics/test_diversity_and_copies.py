from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from equipoise.errors import EquipoiseError
from equipoise.metrics.classifier_score import ClassifierScore, classifier_score
from equipoise.metrics.conditional import PerClassCoverage, label_accuracy, per_class_coverage
from equipoise.metrics.memorisation import _rank_statistic, authenticity, data_copying
from equipoise.metrics.sliced_wasserstein import sliced_wasserstein
from equipoise.metrics.vendi import vendi_score


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_vendi_is_the_entropy_of_the_similarity_matrix() -> None:
    rows = noise(40, 7)
    unit = (rows / rows.norm(dim=1, keepdim=True)).numpy()
    values = np.linalg.eigvalsh(unit @ unit.T / 40).clip(1e-300)
    assert vendi_score(rows) == pytest.approx(np.exp(-(values * np.log(values)).sum()), rel=1e-9)


def test_vendi_counts_clones_and_orthogonal_samples() -> None:
    assert vendi_score(torch.eye(6)) == pytest.approx(6)
    assert vendi_score(torch.eye(6).repeat(4, 1)) == pytest.approx(6)
    assert vendi_score(torch.ones(50, 4)) == pytest.approx(1)
    assert vendi_score(torch.zeros(3, 4)) == pytest.approx(3)


def test_the_classifier_score_stays_between_one_and_the_classes() -> None:
    for scale in (0.0, 1.0, 30.0):
        value, error = classifier_score((scale * noise(500, 5)).softmax(1))
        assert 1 - 1e-9 <= value <= 5 + 1e-9
        assert error is not None
    assert classifier_score(torch.full((50, 4), 0.25))[0] == pytest.approx(1)
    assert classifier_score(torch.eye(4).repeat(25, 1))[0] == pytest.approx(4)


def test_the_classifier_score_by_its_definition() -> None:
    p = noise(200, 6).softmax(1)
    divergences = (p * (p / p.mean(0)).log()).sum(1)
    assert classifier_score(p)[0] == pytest.approx(float(divergences.mean().exp()), rel=1e-12)


def test_an_order_that_repeats_the_classes_does_not_deceive_the_splits() -> None:
    metric = ClassifierScore(splits=10)
    metric.update(fake_probabilities=torch.eye(10).repeat(100, 1))
    (score,) = metric.compute()
    assert score.value == pytest.approx(10)
    assert score.standard_error is not None
    assert score.standard_error < 0.2


def test_logits_are_no_probabilities() -> None:
    with pytest.raises(EquipoiseError, match="softmax"):
        classifier_score(noise(30, 4))


def test_copies_have_no_authenticity() -> None:
    train = noise(200, 40)
    assert authenticity(train[:50], train) == 0
    assert authenticity(train[:50].float() + 1e-5, train) == 0
    assert authenticity(noise(50, 40, seed=1) * 30, train) == 1


def test_authenticity_against_loops() -> None:
    fake, train = noise(60, 5, seed=3), noise(80, 5)
    authentic = 0
    for sample in fake:
        distances = (train - sample).norm(dim=1)
        owner = int(distances.argmin())
        others = (train - train[owner]).norm(dim=1)
        others[owner] = math.inf
        authentic += float(distances[owner]) > float(others.min())
    assert authenticity(fake, train) == authentic / 60


def test_the_rank_statistic_is_mann_whitney_s() -> None:
    ours, others = noise(70).round(decimals=1), noise(90, seed=1).round(decimals=1) + 0.3
    u = stats.mannwhitneyu(ours, others).statistic
    z = (u - 70 * 90 / 2) / math.sqrt(70 * 90 * 161 / 12)
    assert _rank_statistic(ours, others) == pytest.approx(z)


def test_data_copying_is_about_zero_for_fresh_and_far_below_for_copies() -> None:
    values = []
    for seed in range(20):
        train, held_out, fresh = noise(3, 400, 4, seed=seed)
        values.append(data_copying(fresh, train, held_out, cells=1)[0])
    # The same training set enters both sides, so the values are not quite unit normal.
    assert abs(np.mean(values)) < 0.7
    assert np.std(values) < 2
    train, held_out, fresh = noise(3, 400, 4, seed=99)
    assert data_copying(train + 0.01 * fresh, train, held_out)[0] < -8
    assert data_copying(3 * fresh, train, held_out)[0] > 5


def test_data_copying_says_which_cells_it_left_out() -> None:
    train = torch.cat([noise(200, 2), noise(200, 2, seed=1) + 60])
    held_out = torch.cat([noise(100, 2, seed=2), noise(100, 2, seed=3) + 60])
    _, note = data_copying(noise(100, 2, seed=4), train, held_out, cells=2)
    assert "1 of 2 cells" in note
    with pytest.raises(EquipoiseError, match="more samples"):
        data_copying(noise(10, 2), train, held_out)


@pytest.mark.parametrize("width", [1, 3, 50])
def test_the_sliced_distance_of_a_shift_is_its_length_over_the_root_of_the_width(width: int) -> None:
    points, shift = noise(500, width), noise(width, seed=1)
    value, error = sliced_wasserstein(points + shift, points, projections=4000)
    assert value == pytest.approx(float(shift.norm()) / math.sqrt(width), abs=4 * error + 1e-9)


def test_on_a_line_it_is_the_wasserstein_distance() -> None:
    one, two = noise(300, 1), noise(300, 1, seed=1) * 2 + 1
    expected = stats.wasserstein_distance(one[:, 0].numpy(), two[:, 0].numpy())
    assert sliced_wasserstein(one, two, order=1, projections=2)[0] == pytest.approx(expected, rel=1e-9)


def test_sets_of_different_size_compare_at_quantiles() -> None:
    even = torch.linspace(0, 1, 1001, dtype=torch.float64)[:, None]
    assert sliced_wasserstein(even, even[::7] + 5, projections=8)[0] == pytest.approx(5, abs=0.01)


def test_label_accuracy_and_the_coverage_it_does_not_see() -> None:
    labels = torch.arange(3).repeat_interleave(100)
    centres = 20 * torch.eye(3, dtype=torch.float64)
    real = centres[labels] + noise(300, 3)
    clones = centres[labels] + 0.001 * noise(300, 3, seed=1)
    fresh = centres[labels] + noise(300, 3, seed=2)
    assert label_accuracy(labels, labels) == 1
    good = per_class_coverage(fresh, labels, real, labels)
    bad = per_class_coverage(clones, labels, real, labels)
    assert min(good.values()) > 0.9
    assert max(bad.values()) < 0.4
    # A sample of the right kind under the wrong label covers nothing.
    assert max(per_class_coverage(fresh, (labels + 1) % 3, real, labels).values()) == 0


def test_a_class_with_one_sample_is_counted() -> None:
    labels = torch.arange(2).repeat_interleave(20)
    points = torch.arange(40.0)[:, None]
    metric = PerClassCoverage(k=2)
    metric.update(fake=[[5.2]], requested_labels=[0], real=points, real_labels=labels)
    mean, worst = metric.compute()
    assert mean.value == pytest.approx((4 / 20 + 0) / 2, abs=0.051)
    assert worst.value == 0
    assert worst.note == "class 1"


def test_conditional_metrics_refuse_what_does_not_fit() -> None:
    with pytest.raises(EquipoiseError, match="same number of rows"):
        label_accuracy([0, 1], [0])
    with pytest.raises(EquipoiseError, match="every class"):
        per_class_coverage(noise(9, 2), [0] * 9, noise(9, 2), [0] * 8 + [1])
