"""What every registered metric keeps, whoever wrote it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.metrics.base import METRICS, STREAMS, Metric
from equipoise.metrics.floors import BAD_CASES, ceiling, floor

COUNT, CLASSES = 120, 3


def batch(seed: int) -> dict[str, torch.Tensor]:
    """A batch of every stream there is."""
    random = torch.Generator().manual_seed(seed)
    features = {
        name: torch.randn(COUNT, 4, generator=random) for name in ("fake", "real", "held_out", "real_samples")
    }
    labels = {
        name: torch.arange(COUNT) % CLASSES for name in ("fake_labels", "requested_labels", "real_labels")
    }
    logits = torch.randn(COUNT, CLASSES, generator=random)
    return features | labels | {"fake_probabilities": logits.softmax(1)}


def fed(metric: Metric, *seeds: int) -> Metric:
    for seed in seeds:
        metric.update(**{k: v for k, v in batch(seed).items() if k in metric.streams})
    return metric


@pytest.fixture(params=METRICS.names())
def kind(request: pytest.FixtureRequest) -> type[Metric]:
    return METRICS.get(request.param)


def test_the_issue_s_metrics_are_all_there() -> None:
    wanted = """frechet-distance frechet-distance-infinity kernel-distance classifier-score precision-recall
    density-coverage number-of-different-bins birthday-paradox mixture-modes labelled-modes vendi authenticity
    data-copying duality-gap label-accuracy per-class-coverage sliced-wasserstein"""
    assert set(wanted.split()) <= set(METRICS.names())


def test_declares_name_streams_state_and_bad_case(kind: type[Metric]) -> None:
    assert METRICS.get(kind.name) is kind
    assert kind.streams
    assert set(kind.streams + kind.optional_streams) <= set(STREAMS)
    assert kind.sum_state or kind.row_state
    assert kind.bad_case in BAD_CASES


def test_is_documented(kind: type[Metric]) -> None:
    page = kind.__doc__ or ""
    assert "Source:" in page
    assert ">>>" in page
    assert len(page.split("\n\n")) >= 3


def test_scores_are_finite_and_named(kind: type[Metric]) -> None:
    scores = fed(kind.example(), 0, 1).compute()
    assert len({score.name for score in scores}) == len(scores) > 0
    for score in scores:
        assert not math.isnan(score.value)
        assert score.better in ("lower", "higher", "zero", "one")
        assert re.fullmatch(r"[a-z0-9-]+", score.name)
        assert score.standard_error is None or score.standard_error >= 0


def test_merged_accumulators_equal_a_single_one(kind: type[Metric]) -> None:
    single = fed(kind.example(), 0, 1).compute()
    first, second = fed(kind.example(), 0), fed(kind.example(), 1)
    first.merge(second)
    for one, merged in zip(single, first.compute()):
        assert merged.name == one.name
        assert merged.value == pytest.approx(one.value, rel=1e-9, abs=1e-12)


def test_state_goes_through_a_dictionary(kind: type[Metric]) -> None:
    metric = fed(kind.example(), 0)
    state = metric.state()
    assert set(state) <= set(kind.sum_state + kind.row_state)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    other = kind.example()
    other.load_state(state)
    assert [s.value for s in other.compute()] == [s.value for s in metric.compute()]


def test_compute_changes_nothing_and_draws_no_random_number(kind: type[Metric]) -> None:
    metric = fed(kind.example(), 0)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    first, second = metric.compute(), metric.compute()
    assert [s.value for s in first] == [s.value for s in second]
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()


def test_reset_forgets_and_an_empty_metric_is_refused(kind: type[Metric]) -> None:
    metric = fed(kind.example(), 0)
    metric.reset()
    with pytest.raises(EquipoiseError, match="update"):
        metric.compute()


def test_an_unknown_stream_is_refused(kind: type[Metric]) -> None:
    with pytest.raises(EquipoiseError, match="streams of"):
        kind.example().update(nonsense=torch.zeros(3, 4))


def test_values_that_are_not_finite_are_refused(kind: type[Metric]) -> None:
    stream = kind.streams[0]
    rows = batch(0)[stream].double()
    rows[1] = math.nan
    with pytest.raises(EquipoiseError, match="finite"):
        kind.example().update(**{stream: rows})


def test_numpy_and_torch_give_the_same(kind: type[Metric]) -> None:
    arrays = kind.example()
    arrays.update(**{k: v.numpy() for k, v in batch(0).items() if k in kind.streams})
    assert [s.value for s in arrays.compute()] == [s.value for s in fed(kind.example(), 0).compute()]


def test_other_kinds_do_not_merge(kind: type[Metric]) -> None:
    class Other(Metric):
        name = "other"

    with pytest.raises(EquipoiseError, match="other"):
        kind.example().merge(Other())


def test_the_bad_case_is_worse_than_the_floor(kind: type[Metric]) -> None:
    if kind.bad_case == "none":
        pytest.skip("no bad case")
    streams = batch(0)
    if kind.name == "labelled-modes":
        del streams["real_labels"]
    rows = batch(1)
    streams["held_out_probabilities"] = torch.eye(CLASSES)[rows["fake_labels"]] * 0.97 + 0.01
    streams["held_out_labels"] = streams["held_out_predictions"] = rows["fake_labels"]
    metric = kind.example()
    floors = {score.name: score for score in floor(metric, streams)}
    worse = 0
    for bad in ceiling(metric, streams):
        if bad.name not in floors:
            continue
        good = floors[bad.name].value
        away = {
            "lower": bad.value - good,
            "higher": good - bad.value,
            "zero": abs(bad.value) - abs(good),
            "one": abs(bad.value - 1) - abs(good - 1),
        }
        # One repeated real is a sample of high quality, so quality scores may not suffer.
        worse += away[bad.better] > 0
    assert worse >= 1
