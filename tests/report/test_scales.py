"""Where values are placed, and which scale is taken."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.report.scales import Scale, fitting


def test_places_of_each_kind():
    assert Scale("linear", 2.0, 4.0).place(np.array([2.0, 3.0, 4.0, 9.0])).tolist() == [0.0, 0.5, 1.0, 1.0]
    assert Scale("logarithmic", 1e-4, 1.0).place(np.array([1e-2, 0.0, -5.0])) == pytest.approx(
        [0.5, 0.0, 0.0]
    )
    both = Scale("both-sided", -100.0, 100.0, unit=0.1)
    assert both.place(np.array([0.0]))[0] == pytest.approx(0.5)
    assert both.place(-7.0) + both.place(7.0) == pytest.approx(1.0)


def test_a_dying_gradient_is_logarithmic_and_zero_has_a_place():
    scale = fitting(np.array([1.0, 1e-3, 1e-6, 0.0]))
    assert scale.kind == "logarithmic"
    assert scale.zero
    places = scale.place(np.array([0.0, 1e-6, 1.0]))
    assert places[0] == 0.0
    assert 0.0 < places[1] < 0.1 < places[2]
    assert scale.ticks()[0] == (0.0, "0")


def test_decades_are_bounded():
    assert fitting(np.array([1.0, 1e-300])).low > 1e-14


@pytest.mark.parametrize(
    "values", [[], [0.0], [3.0], [-2.0, -2.0], [np.nan, np.inf], [0.0, 0.0], [1e-300], [-1e300, 1e300]]
)
def test_every_set_of_values_has_a_scale(values):
    scale = fitting(np.array(values, dtype=float))
    assert scale.high > scale.low
    assert np.all(np.isfinite(scale.place(np.array([0.0, 1.0, -1.0]))))
    assert all(0.0 <= place <= 1.0 for place, _ in scale.ticks())


def test_spikes_on_both_sides_do_not_flatten_the_rest():
    values = np.concatenate([np.linspace(-1, 1, 101), [1e4, -1e4]])
    scale = fitting(values)
    assert scale.kind == "both-sided"
    assert float(scale.place(1.0) - scale.place(-1.0)) > 0.1


def test_bounds_are_kept():
    scale = fitting(np.array([0.4, 0.6]), low=0.0, high=1.0)
    assert (scale.low, scale.high) == (0.0, 1.0)
    assert fitting(np.array([0.4, 1.5]), low=0.0, high=1.0).high == 1.5
