from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from equipoise.data import load_data
from equipoise.errors import EquipoiseError


def test_digits_give_back_the_original_values() -> None:
    original = load_digits()
    data = load_data("digits")
    assert data.samples.dtype == np.uint8
    assert (data.samples.min(), data.samples.max()) == (0, 255)
    np.testing.assert_array_equal(np.rint(data.samples[:, 0] * 16.0 / 255), original.images)
    np.testing.assert_array_equal(data.labels, original.target)
    assert data.specification.class_names == tuple("0123456789")


def test_each_channel_of_a_stack_is_the_digit_that_its_label_says() -> None:
    digits = load_data("digits")
    known = {image.tobytes(): label for image, label in zip(digits.samples[:, 0], digits.labels, strict=True)}
    stacked = load_data("stacked-digits", count=3000)
    assert stacked.specification.shape == (3, 8, 8)
    for image, label in zip(stacked.samples, stacked.labels, strict=True):
        a, b, c = (int(known[channel.tobytes()]) for channel in image)
        assert label == 100 * a + 10 * b + c
        assert stacked.specification.class_names[label] == f"{a}{b}{c}"


def test_modes_of_the_stack_are_equally_likely() -> None:
    labels = load_data("stacked-digits").labels
    counts = np.bincount(labels, minlength=1000)
    assert counts.min() > 0
    # Chi-square with 999 degrees of freedom: mean 999, standard deviation sqrt(2 * 999) = 44.7.
    assert abs(np.square(counts - 50).sum() / 50 - 999) < 5 * np.sqrt(2 * 999)


def test_every_digit_image_is_used_and_channels_are_independent() -> None:
    stacked = load_data("stacked-digits")
    used = {image.tobytes() for image in stacked.samples[:, 0]}
    distinct = {image.tobytes() for image in load_data("digits").samples[:, 0]}
    assert used == distinct
    digits = np.stack([stacked.labels // 100, stacked.labels // 10 % 10, stacked.labels % 10])
    # Correlation of independent variables over 50,000 draws: standard deviation 1 / sqrt(50,000) = 0.0045.
    assert np.abs(np.corrcoef(digits)[np.triu_indices(3, 1)]).max() < 5 * 0.0045


def test_the_seed_decides_the_draw() -> None:
    first, again, other = (load_data("stacked-digits", count=50, seed=seed).labels for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", ["digits", "stacked-digits"])
def test_there_is_one_split(name: str) -> None:
    with pytest.raises(EquipoiseError, match="`split` must be 'train'"):
        load_data(name, split="test")
