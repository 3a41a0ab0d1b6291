from __future__ import annotations

import json

import numpy as np

from equipoise.data import load_data


def test_facts_of_images_equal_numpy() -> None:
    samples = np.random.default_rng(0).integers(0, 256, size=(30, 3, 4, 5), dtype=np.uint8)
    facts = load_data(samples, labels=np.arange(30) % 3).describe()
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["kind"], facts["shape"], facts["dtype"], facts["count"]) == (
        "image",
        [3, 4, 5],
        "uint8",
        30,
    )
    assert facts["range"] == [int(samples.min()), int(samples.max())]
    for channel in range(3):
        exact = samples[:, channel].astype(np.float64)
        assert np.isclose(facts["channels"][channel]["mean"], exact.mean(), rtol=1e-12)
        assert np.isclose(facts["channels"][channel]["standard_deviation"], exact.std(), rtol=1e-12)
    assert facts["classes"] == {
        "count": 3,
        "smallest": 10,
        "largest": 10,
        "samples": {"0": 10, "1": 10, "2": 10},
    }
    assert "127.5" in facts["normalisation"]
    assert facts["warnings"] == []


def test_unlabelled_data_has_no_classes() -> None:
    assert load_data(np.random.default_rng(0).normal(size=(20, 2))).describe()["classes"] is None


def test_imbalanced_and_empty_classes_are_told() -> None:
    labels = np.array([0] * 30 + [1] * 3 + [3] * 30)
    data = load_data(np.random.default_rng(0).normal(size=(63, 2)), labels=labels)
    empty, imbalanced = data.describe()["warnings"]
    assert "class 2 of 4 has no sample" in empty
    assert "0 has 30 samples and 1 has 3" in imbalanced
    nearly = load_data(np.zeros((63, 2)) + np.arange(63)[:, None], labels=np.array([0] * 54 + [1] * 9))
    assert nearly.describe()["warnings"] == []


def test_constant_columns_are_told_when_kept() -> None:
    samples = np.random.default_rng(0).normal(size=(20, 3))
    samples[:, 1] = 4
    (warning,) = load_data(samples, constant_columns="keep").describe()["warnings"]
    assert warning.startswith("feature 1 of 3 is constant (4)")


def test_images_in_a_corner_of_the_range_are_told() -> None:
    samples = np.random.default_rng(0).integers(0, 17, size=(20, 1, 8, 8), dtype=np.uint8)
    (warning,) = load_data(samples).describe()["warnings"]
    assert "only 0..16 of 0..255" in warning


def test_a_far_outlier_is_told() -> None:
    samples = np.random.default_rng(0).normal(size=(2000, 2))
    samples[5, 1] = 1e4
    (warning,) = load_data(samples).describe()["warnings"]
    assert warning.startswith("feature 1 has a value 4")
