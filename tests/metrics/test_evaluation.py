from __future__ import annotations

import builtins
import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from equipoise.data import Dataset, load_data
from equipoise.errors import EquipoiseError
from equipoise.metrics import (
    Classifier,
    MixtureModes,
    RandomConvolution,
    channel_modes,
    evaluate,
    extract,
    train_classifier,
)
from equipoise.metrics.base import METRICS
from equipoise.metrics.evaluation import write_report
from equipoise.metrics.features import InceptionFeatures, resolve_feature
from equipoise.metrics.frechet import frechet_distance


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_data("digits")


@pytest.fixture(scope="module")
def classifier(digits: Dataset) -> Classifier:
    return train_classifier(digits, epochs=8)


@pytest.fixture(scope="module")
def parts(digits: Dataset) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
    order = np.random.default_rng(0).permutation(len(digits))
    return tuple(digits.batch(part) for part in (order[:400], order[400:1200], order[1200:1600]))


def test_the_classifier_is_good_and_reproducible(digits: Dataset, classifier: Classifier) -> None:
    assert classifier.held_out_accuracy > 0.97
    state = torch.random.get_rng_state()
    again = train_classifier(digits, epochs=1)
    assert torch.equal(state, torch.random.get_rng_state())
    twice = train_classifier(digits, epochs=1)
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), twice.state_dict().values()))
    assert not classifier.training


def test_unlabelled_data_has_no_classifier(digits: Dataset) -> None:
    plain = Dataset(digits.samples, None, digits.specification, digits.normalisation)
    with pytest.raises(EquipoiseError, match="labels"):
        train_classifier(plain)


@pytest.mark.parametrize("shape", [(5,), (2, 16), (1, 28, 28), (3, 32, 32), (1, 5, 7)])
def test_the_classifier_takes_every_kind_of_sample(shape: tuple[int, ...]) -> None:
    network = Classifier(shape, classes=4)
    assert network.features(torch.zeros(3, *shape)).shape == (3, 128)
    assert network.probabilities(torch.zeros(3, *shape)).sum(1).tolist() == pytest.approx([1, 1, 1])


def test_stacked_digits_are_read_channel_by_channel(digits: Dataset, classifier: Classifier) -> None:
    samples, labels = digits.batch(np.arange(300))
    stacked = samples.view(100, 3, 8, 8)
    expected = labels.view(100, 3) @ torch.tensor([100, 10, 1])
    found = channel_modes(classifier, stacked)
    assert float((found == expected).double().mean()) > 0.95


def test_random_features_are_fixed_and_leave_no_trace() -> None:
    state = torch.random.get_rng_state()
    one, two = RandomConvolution((3, 16, 16)), RandomConvolution((3, 16, 16))
    assert torch.equal(state, torch.random.get_rng_state())
    images = torch.randn(4, 3, 16, 16)
    assert torch.equal(one(images), two(images))
    assert not torch.equal(one(images), RandomConvolution((3, 16, 16), seed=1)(images))
    assert RandomConvolution((2, 50))(torch.randn(4, 2, 50)).shape == (4, 224)
    with pytest.raises(EquipoiseError, match="pixels"):
        RandomConvolution((7,))
    with pytest.raises(EquipoiseError, match="shape"):
        one.features(torch.zeros(4, 1, 16, 16))


def test_extraction_restores_modes_and_random_state() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 3))
    network[0].eval()
    state = torch.random.get_rng_state()
    features = extract(resolve_feature(network, (4,)), torch.ones(7, 4), batch_size=3)
    assert torch.equal(features[0], features[6])
    assert [part.training for part in network] == [False, True, True]
    assert torch.equal(state, torch.random.get_rng_state())


def test_inception_asks_for_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import: Callable[..., object] = builtins.__import__

    def refuse(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("torch_fidelity"):
            raise ImportError("No module named 'torch_fidelity'")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EquipoiseError, match=r"equipoise\[fid\]"):
        InceptionFeatures()


def test_an_unknown_feature_is_refused_with_the_nearest() -> None:
    with pytest.raises(EquipoiseError, match="random-convolution"):
        resolve_feature("random-convolutions", (1, 8, 8))
    with pytest.raises(EquipoiseError, match="module"):
        resolve_feature(3, (1, 8, 8))


def test_a_full_report_of_digits(
    parts: tuple[tuple[torch.Tensor, torch.Tensor], ...], classifier: Classifier
) -> None:
    (fake, requested), (train, train_labels), (held_out, held_out_labels) = parts
    report = evaluate(
        fake,
        train,
        held_out,
        feature=classifier,
        requested_labels=requested,
        train_labels=train_labels,
        held_out_labels=held_out_labels,
    )
    assert set(report.skipped) == {"duality-gap", "mixture-modes"}
    computed = {row.metric for row in report.rows}
    assert computed | set(report.skipped) == set(METRICS.names())
    # Real samples in the place of generated ones: every score is near its floor.
    assert report["frechet-distance"].value == pytest.approx(report["frechet-distance"].floor, rel=0.5)
    assert report["coverage"].value == pytest.approx(report["coverage"].floor, abs=0.06)
    assert report["label-accuracy"].value > 0.97
    assert report["label-accuracy"].ceiling < 0.2
    assert abs(report["data-copying"].value) < 4
    assert report["data-copying"].ceiling < -8
    assert report["authenticity"].ceiling == 0
    for row in report.rows:
        assert row.floor is not None, row.name
        assert row.ceiling is not None, row.name
        assert "fid" not in row.name.lower()
    names = {row.name for row in report.rows}
    assert "frechet-distance (classifier)" in names
    assert "label-accuracy" in names
    text = str(report)
    assert "frechet-distance" in text
    assert "real data" in text
    assert "Broken: copies of the training samples, for authenticity, data-copying." in text


def test_a_report_is_json_even_with_infinite_values(tmp_path: object) -> None:
    points = torch.randn(3, 60, 2, generator=torch.Generator().manual_seed(0))
    report = evaluate(*points, metrics=["birthday-paradox", "vendi"])
    assert report["support"].value == math.inf
    path = f"{tmp_path}/report.json"
    write_report(report, path)
    with open(path, encoding="utf-8") as file:
        values = json.load(file)
    assert values["rows"][0]["value"] is None
    assert values["feature"] == "pixels"


def test_a_collapsed_generator_is_told_from_a_real_one(
    parts: tuple[tuple[torch.Tensor, torch.Tensor], ...],
) -> None:
    (fake, _), (train, _), (held_out, _) = parts
    names = ["frechet-distance", "kernel-distance", "density-coverage", "birthday-paradox", "vendi"]
    good = evaluate(fake, train, held_out, metrics=names)
    bad = evaluate(fake[:1].repeat(400, 1, 1, 1), train, held_out, metrics=names)
    assert bad["frechet-distance"].value > 5 * good["frechet-distance"].value
    assert bad["kernel-distance"].value > 10 * bad["kernel-distance"].standard_error
    assert bad["coverage"].value < 0.3 < good["coverage"].value
    assert bad["support"].value == 1
    assert bad["vendi"].value == pytest.approx(1)


def test_samples_are_cut_to_equal_numbers_and_labels_follow() -> None:
    points = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    labels = (points[:, 0] > 0).long()
    report = evaluate(
        points[:300],
        points[300:],
        points[:50],
        metrics=["per-class-coverage", "frechet-distance"],
        requested_labels=labels[:300],
        train_labels=labels[300:],
        held_out_labels=labels[:50],
        reference_limit=100,
    )
    assert dict(report.counts) == {"fake": 50, "real": 100, "held_out": 50}
    assert len(report.notes) == 2
    assert report["class-coverage"].value > 0.5


def test_what_cannot_be_computed_is_skipped_with_the_reason() -> None:
    points = torch.randn(3, 30, 2, generator=torch.Generator().manual_seed(0))
    report = evaluate(*points)
    assert "fake_probabilities" in report.skipped["classifier-score"]
    assert "instance" in report.skipped["duality-gap"]
    assert "frechet-distance-infinity (pixels)" in {row.name for row in report.rows}


def test_instances_of_metrics_are_taken() -> None:
    data = load_data("ring")
    samples = [data.batch(np.arange(i, i + 900))[0] for i in (0, 900, 1800)]
    report = evaluate(*samples, metrics=[MixtureModes.of_dataset(data)])
    assert report["modes-covered"].value == 8
    assert report["modes-covered"].ceiling == 1
    assert report["high-quality-share"].floor > 0.97


def test_bad_requests_are_refused() -> None:
    points = torch.zeros(9, 2)
    with pytest.raises(EquipoiseError, match="frechet-distance"):
        evaluate(points, points, points, metrics=["frechet"])
    with pytest.raises(EquipoiseError, match="shape"):
        evaluate(points, points, torch.zeros(9, 3))
    with pytest.raises(EquipoiseError, match="finite"):
        evaluate(points * math.nan, points, points)
    with pytest.raises(EquipoiseError, match="batch"):
        evaluate(points, points.numpy().astype(np.uint8), points)
    with pytest.raises(EquipoiseError, match="same number"):
        evaluate(points, points, points, requested_labels=[0])
    with pytest.raises(EquipoiseError, match="one of"):
        evaluate(points, points, points, metrics=[])["frechet-distance"]


def test_streaming_through_extraction_equals_the_whole(
    parts: tuple[tuple[torch.Tensor, torch.Tensor], ...],
) -> None:
    (fake, _), (train, _), _ = parts
    feature = resolve_feature("random-convolution", (1, 8, 8))
    whole = frechet_distance(extract(feature, fake, 1000), extract(feature, train, 1000))
    pieces = frechet_distance(extract(feature, fake, 37), extract(feature, train, 51))
    assert pieces == pytest.approx(whole, rel=1e-4)
