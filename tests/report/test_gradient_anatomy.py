"""The drawn way back: the first dead station is marked, and bars and layers show what was measured."""

from __future__ import annotations

import re

import numpy as np
import pytest
from observe import observe

from equipoise.history.observations import Observations, Series
from equipoise.report.gradient_anatomy import gradient_view


def test_healthy_run_has_no_dead_station(healthy_run):
    view = gradient_view(healthy_run)
    assert view is not None
    assert [station.title for station in view.stations] == ["The loss", "The discriminator", "The generator"]
    assert not any(station.dead or station.first for station in view.stations)
    assert view.words.startswith("No station is below its threshold")


def test_first_dead_station_is_marked_once(healthy_run):
    dying = observe(
        {
            "slope.generator.size": lambda t: np.where(t < 0.4, 0.5, 1e-4),
            "discriminator.slope": lambda t: np.where(t < 0.4, 0.1, 1e-5),
        },
        probes={"gradient-anatomy": {}},
        base=healthy_run,
    )
    view = gradient_view(dying)
    assert view is not None
    assert [station.first for station in view.stations] == [True, False, False]
    assert [station.dead for station in view.stations][:2] == [True, True]
    assert view.words == "First station below its threshold on the way back: the loss."


def test_bar_is_as_long_as_the_share(healthy_run):
    weak = observe(
        {"discriminator.slope": lambda t: np.where(t < 0.4, 0.1, 0.1 * 1e-3)},
        probes={"gradient-anatomy": {}},
        base=healthy_run,
    )
    view = gradient_view(weak)
    assert view is not None
    length = re.search(r'class="bar dead"[^>]*width="([\d.]+)"', str(view.stations[1].bar))
    assert length is not None
    # The weaker of: 1e-3 of its largest, and its rise over the reals' distance of 14 against the gap.
    gap = weak.last("score.real.mean") - weak.last("score.fake.mean")
    share = min(1e-3, 0.1 * 1e-3 * 14.0 / gap)
    # A logarithmic bar of 356 pixels from 1e-6 to 1.
    assert float(length.group(1)) == pytest.approx(356 * (1 + np.log10(share) / 6), abs=0.5)


def test_layers_are_named_where_the_count_fits(healthy_run):
    view = gradient_view(healthy_run)
    assert view is not None
    picture = str(view.layers[0].svg)
    assert "0 ConvTranspose2d" in picture
    assert "3 ConvTranspose2d" in picture
    healthy_run.signals["gradient.generator.layers"] = Series(np.array([1.0]), np.ones((1, 5)))
    view = gradient_view(healthy_run)
    assert view is not None
    assert "weight 5" in str(view.layers[0].svg)


def test_many_layers_are_thinned_to_the_first_and_last():
    layers = Series(np.array([10.0]), np.geomspace(1e-9, 1.0, 200)[None, :])
    view = gradient_view(Observations({"gradient.generator.layers": layers}, step=10))
    assert view is not None
    picture = str(view.layers[0].svg)
    assert picture.count('class="bar generator"') <= 24
    assert "weight 1:" in picture
    assert "weight 200:" in picture


def test_nothing_measured_nothing_drawn():
    assert gradient_view(Observations()) is None
