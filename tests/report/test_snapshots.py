"""Samples of every shape: pixels where they belong, points where they are, nothing where nothing can be."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from equipoise.report.contact_sheet import Range, as_images, contact_sheet, shown_range
from equipoise.report.snapshots import samples_view


def pixels(address: str) -> np.ndarray:
    data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


def test_tiles_are_the_samples_on_the_given_range():
    images = np.linspace(-1, 1, 16).reshape(4, 1, 2, 2)
    sheet = contact_sheet(images, Range(-1.0, 1.0), most=4)
    grid = pixels(sheet.address)
    assert sheet.count == 4
    for index in range(4):
        tile = grid[0:2, 3 * index : 3 * index + 2]
        assert tile == pytest.approx((images[index, 0] + 1) / 2 * 255, abs=0.51)


def test_colours_clipping_and_what_is_not_finite():
    images = np.zeros((2, 3, 1, 1))
    images[0, :, 0, 0] = [2.0, 0.5, -1.0]
    images[1, 1, 0, 0] = np.nan
    grid = pixels(contact_sheet(images, Range(0.0, 1.0), most=2).address)
    assert grid[0, 0].tolist() == [255, 128, 0]
    assert grid[0, 2].tolist() == [255, 0, 255]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, (0.0, 1.0)),
        (-1.0, 1.0, (-1.0, 1.0)),
        (0.0, 255.0, (0.0, 255.0)),
        (0.0, 16.0, (0.0, 16.0)),
        (-2.1, 2.6, (-2.1, 2.6)),
        (0.2, 0.2, (0.2, 1.2)),
    ],
)
def test_range_is_that_of_the_reals(low, high, expected):
    found = shown_range(np.array([low, high]), np.array([-9.0, 900.0]))
    assert (found.low, found.high) == pytest.approx(expected)


def test_images_now_and_earlier(image_samples):
    view = samples_view(image_samples)
    assert view is not None
    assert [picture.caption for picture in view.now] == ["Reals, step 1,000", "Fakes, step 1,000"]
    assert [picture.caption for picture in view.earlier] == ["Fakes, step 10", "Fakes, step 100"]
    assert view.now[0].sheet is not None
    assert view.now[0].sheet.count == 32
    assert "black is -1, white 1" in view.note


def test_at_most_five_earlier_steps_and_the_first_among_them():
    samples = [(step, "fake", np.zeros((4, 1, 4, 4))) for step in range(12)]
    view = samples_view(samples)
    assert view is not None
    assert len(view.earlier) == 5
    assert view.earlier[0].caption == "Fakes, step 0"


def test_points_are_where_they_are():
    real = np.array([[0.0, 0.0], [10.0, 10.0]])
    fake = np.array([[5.0, 5.0], [np.nan, 1.0]])
    view = samples_view([(3, "real", real), (3, "fake", fake)])
    assert view is not None
    assert view.form == "points"
    picture = str(view.now[0].svg)
    rings = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', picture)]
    assert len(rings) == 2
    assert rings[0][0] < rings[1][0]
    assert rings[0][1] > rings[1][1]
    crosses = re.search(r'class="cross fake" d="([^"]*)"', picture)
    assert crosses is not None
    assert crosses.group(1).count("M") == 1
    x, y = map(float, re.match(r"M([\d.]+),([\d.]+)", crosses.group(1)).groups())
    assert (x + 3, y + 3) == pytest.approx(
        ((rings[0][0] + rings[1][0]) / 2, (rings[0][1] + rings[1][1]) / 2), abs=0.2
    )


def test_sequences_are_curves():
    wave = np.sin(np.linspace(0, 6, 50))[None, None, :].repeat(7, axis=0)
    view = samples_view([(1, "real", wave), (1, "fake", 2 * wave)])
    assert view is not None
    assert view.form == "curves"
    assert str(view.now[0].svg).count("line solid real") == 5


def test_tables_are_histograms_of_their_columns():
    chance = np.random.default_rng(0)
    view = samples_view([(1, "real", chance.normal(size=(64, 9))), (1, "fake", chance.normal(size=(64, 9)))])
    assert view is not None
    assert view.form == "histograms"
    assert len(view.now) == 6
    assert "The first 6 of 9 values are shown." in view.note


def test_flattened_digits_are_drawn_as_images():
    samples = np.random.default_rng(0).uniform(size=(8, 784))
    images = as_images(samples)
    assert images is not None
    assert np.array_equal(images[3, 0].ravel(), samples[3])
    view = samples_view([(1, "fake", samples)])
    assert view is not None
    assert "784 numbers is drawn as a square" in view.note


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [(1, "other", np.ones((2, 2)))],
        [(1, "fake", np.zeros((0, 2)))],
        [(1, "fake", np.ones((2, 1, 3, 3, 3)))],
    ],
)
def test_what_cannot_be_shown_is_left_out(samples):
    assert samples_view(samples) is None


@pytest.mark.parametrize(
    "shape", [(5,), (5, 1), (5, 2), (5, 3, 7), (5, 2, 6, 6), (5, 5, 6, 6), (5, 3, 200, 300), (1, 1, 1, 1)]
)
def test_every_usual_shape_has_a_view(shape):
    array = np.random.default_rng(0).normal(size=shape)
    assert samples_view([(1, "real", array), (1, "fake", array), (2, "fake", array)]) is not None


def test_reals_and_fakes_of_different_shapes_do_not_fail():
    view = samples_view([(1, "real", np.ones((4, 6, 8, 8))), (1, "fake", np.ones((4, 3, 8, 8)))])
    assert view is not None
    assert [picture.caption for picture in view.now] == ["Fakes, step 1"]
    assert samples_view([(1, "real", np.ones((4, 6))), (1, "fake", np.ones((4, 3)))]) is None
