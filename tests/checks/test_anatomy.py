"""The three stations of the generator's gradient."""

from __future__ import annotations

import numpy as np
import pytest
from observe import healthy_minimax_gan, healthy_ns_gan, healthy_wasserstein_gp, observe

from equipoise.checks.anatomy import anatomy


@pytest.mark.parametrize("healthy", [healthy_ns_gan, healthy_minimax_gan, healthy_wasserstein_gp])
def test_no_station_is_dead_in_a_healthy_run(healthy) -> None:
    assert anatomy(healthy()).first_dead is None


def test_the_loss_dies_first() -> None:
    ways = anatomy(
        observe({"slope.generator.size": lambda t: 0.5 * 10 ** (-4 * t)}, base=healthy_minimax_gan())
    )
    assert ways.first_dead.name == "loss"
    assert ways.saturating
    # The probe's reference is the slope at the boundary; the recorded median is over the last 200 of
    # 3000 steps.
    assert ways.loss.share < 1e-3


def test_the_discriminator_is_flat() -> None:
    ways = anatomy(observe({"discriminator.slope": lambda t: 0.1 * 10 ** (-4 * t)}, base=healthy_ns_gan()))
    assert ways.first_dead.name == "discriminator"


def test_flat_from_the_start_shows_against_the_rise_of_the_score() -> None:
    flat = {"discriminator.slope": 1e-4, "score.real.mean": 5.0, "score.fake.mean": -5.0}
    ways = anatomy(observe(flat, base=healthy_ns_gan()))
    assert ways.first_dead.name == "discriminator"
    # 1e-4 * distance 14 / gap 10.
    assert ways.discriminator.share == pytest.approx(1.4e-4)


def test_the_generator_does_not_pass_it_on() -> None:
    steps = np.arange(0, 3001, 10.0)
    layers = np.tile([1e-6, 1e-3, 0.5], (len(steps), 1))
    base = healthy_ns_gan()
    base.signals["gradient.generator.layers"] = type(base.series("score.auc"))(steps, layers)
    ways = anatomy(base)
    assert ways.first_dead.name == "generator"
    assert ways.generator.share == pytest.approx(2e-6)


def test_the_passage_is_the_quotient_of_what_leaves_and_arrives() -> None:
    ways = anatomy(observe({"gradient.samples.total": 0.5, "gradient.generator": 2.0}))
    assert ways.generator.value == pytest.approx(4.0)
    assert ways.generator.share == pytest.approx(1.0)


def test_all_zero_slopes_are_dead_without_a_size() -> None:
    ways = anatomy(observe({"slope.generator.zero": 1.0}))
    assert ways.first_dead.name == "loss"


def test_one_spike_is_no_reference() -> None:
    spike = np.full(301, 0.075)
    spike[5] = 1e6
    assert anatomy(observe({"discriminator.slope": spike}, base=healthy_ns_gan())).first_dead is None
