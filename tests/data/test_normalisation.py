from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from equipoise.data.normalisation import Normalisation, fit_normalisation
from equipoise.errors import EquipoiseError


def test_every_byte_comes_back_exactly() -> None:
    samples = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    bytes_ = Normalisation.of_bytes()
    seen = bytes_.apply(torch.from_numpy(samples))
    assert seen.dtype == torch.float32
    assert (seen.min().item(), seen.max().item()) == (-1.0, 1.0)
    np.testing.assert_allclose(seen.numpy(), samples.astype(np.float64) / 127.5 - 1, atol=1e-7)
    assert torch.equal(bytes_.invert(seen), torch.from_numpy(samples))
    np.testing.assert_array_equal(bytes_.invert(bytes_.apply(samples)), samples)


def test_bytes_are_clipped_and_rounded_on_the_way_back() -> None:
    values = torch.tensor([[[[-3.0, 3.0, 0.0029, -0.0001]]]])
    # 0.0029 * 127.5 + 127.5 = 127.87 and 127.49: to the nearest.
    assert Normalisation.of_bytes().invert(values).flatten().tolist() == [0, 255, 128, 127]
    assert Normalisation.of_bytes().invert(values.numpy()).reshape(-1).tolist() == [0, 255, 128, 127]


def test_a_power_of_two_is_inverted_bit_for_bit() -> None:
    points = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    quarter = Normalisation.divided_by(4.0)
    np.testing.assert_array_equal(quarter.invert(quarter.apply(points)), points)
    np.testing.assert_array_equal(quarter.apply(points) * 4, points)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_standardised_features_have_mean_zero_and_deviation_one(kind: type) -> None:
    generator = np.random.default_rng(1)
    samples = (generator.normal(size=(500, 3)) * [1, 100, 0.01] + [5, -1000, 0]).astype(kind)
    found = fit_normalisation("vector", samples)
    seen = found.apply(samples).astype(np.float64)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(seen.std(axis=0), 1, atol=1e-5)
    back = found.invert(found.apply(samples))
    assert back.dtype == kind
    np.testing.assert_array_less(np.abs(back - samples), 1e-6 * (np.abs(samples) + samples.std(axis=0)))


def test_large_offsets_keep_their_digits_in_float64() -> None:
    # Seconds since 1970, an hour apart: float32 would merge neighbours (its spacing there is 128 s).
    samples = 1.7e9 + 3600.0 * np.arange(100)[:, None]
    found = fit_normalisation("vector", samples)
    back = found.invert(torch.from_numpy(found.apply(samples)))
    assert back.dtype == torch.float64
    np.testing.assert_allclose(back.numpy(), samples, atol=0.1)


def test_sequences_are_scaled_per_channel() -> None:
    samples = np.stack(
        [np.linspace(-5, 3, 40).reshape(4, 10), np.linspace(0, 1e-3, 40).reshape(4, 10)], axis=1
    )
    seen = fit_normalisation("sequence", samples).apply(samples)
    for channel in range(2):
        assert (seen[:, channel].min(), seen[:, channel].max()) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("low", "high", "taken"),
    [(0.1, 0.9, (0, 1)), (-0.5, 0.9, (-1, 1)), (3.0, 200.0, (0, 255)), (-7.0, 300.0, (-7, 300))],
)
def test_range_of_float_images_is_detected(low: float, high: float, taken: tuple[int, int]) -> None:
    samples = np.linspace(low, high, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    found = fit_normalisation("image", samples)
    expected = (samples.astype(np.float64) - taken[0]) / (taken[1] - taken[0]) * 2 - 1
    np.testing.assert_allclose(found.apply(samples), expected, atol=1e-6)
    assert f"{taken[0]}..{taken[1]}" in found.words


def test_array_and_tensor_give_the_same_numbers() -> None:
    samples = np.random.default_rng(2).normal(size=(10, 3, 8))
    found = fit_normalisation("sequence", samples)
    np.testing.assert_array_equal(found.apply(samples), found.apply(torch.from_numpy(samples)).numpy())
    values = np.random.default_rng(3).normal(size=(10, 3, 8)).astype(np.float32)
    np.testing.assert_array_equal(found.invert(values), found.invert(torch.from_numpy(values)).numpy())


def test_inversion_lets_gradients_through() -> None:
    values = torch.zeros(2, 3, requires_grad=True)
    scale = np.array([2.0, 3.0, 4.0])
    Normalisation.standardising(np.zeros(3), scale, "float32").invert(values).sum().backward()
    assert values.grad is not None
    assert values.grad[0].tolist() == scale.tolist()


def test_json_round_trip_is_equal() -> None:
    found = fit_normalisation("vector", np.random.default_rng(4).normal(size=(20, 3)))
    assert Normalisation.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_constant_column_is_named_or_kept() -> None:
    samples = np.array([[1.0, 7.0, 2.0], [2.0, 7.0, 2.0]])
    with pytest.raises(EquipoiseError, match=r"`width` and 1 more columns? \(`depth`\)"):
        fit_normalisation("vector", samples, ("height", "width", "depth"))
    kept = fit_normalisation("vector", samples, constant="keep")
    assert kept.apply(samples)[:, 1:].tolist() == [[0, 0], [0, 0]]
    np.testing.assert_array_equal(kept.invert(kept.apply(samples)), samples)
    sequence = np.full((2, 1, 3), 5.0)
    with pytest.raises(EquipoiseError, match="channel `0`"):
        fit_normalisation("sequence", sequence)
    flat = fit_normalisation("sequence", sequence, constant="keep")
    np.testing.assert_array_equal(flat.invert(flat.apply(sequence)), sequence)


def test_images_of_one_value_outside_every_range_are_refused() -> None:
    with pytest.raises(EquipoiseError, match="same value"):
        fit_normalisation("image", np.full((2, 1, 2, 2), 400.0, dtype=np.float32))


def test_wrong_number_of_channels_is_refused() -> None:
    found = Normalisation.standardising(np.zeros(3), np.ones(3), "float32")
    for samples in (np.zeros((5, 2)), torch.zeros(5, 2)):
        with pytest.raises(EquipoiseError, match="`samples` must be of shape"):
            found.apply(samples)
        with pytest.raises(EquipoiseError, match="`samples` must be of shape"):
            found.invert(samples)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"method": "magic", "shift": [0], "scale": [1], "dtype": "uint8"},
        {"method": "bytes", "shift": [0], "scale": [0], "dtype": "uint8"},
        {"method": "bytes", "shift": [0], "scale": [1, 2], "dtype": "uint8"},
        {"method": "bytes", "shift": [float("nan")], "scale": [1], "dtype": "uint8"},
        {"method": "bytes", "shift": [0], "scale": [1], "dtype": "int32"},
        {"method": "bytes", "shift": "x", "scale": [1], "dtype": "uint8"},
    ],
)
def test_bad_json_is_refused(values: dict) -> None:
    with pytest.raises(EquipoiseError):
        Normalisation.from_json(values)
