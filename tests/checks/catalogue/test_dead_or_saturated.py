"""EQ309: dead units and outputs at their bounds; not data that lie there themselves."""

from __future__ import annotations

import pytest
from observe import HEALTHY, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS


def check():
    return CHECKS.get("dead-or-saturated")()


@pytest.mark.parametrize("signal", ["activation.dead", "activation.dead.discriminator"])
def test_dead_units(signal: str) -> None:
    finding = check().run(observe({signal: 0.8}, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert finding.remedies[0].name == "leaky-activation"


def test_nearly_all_dead_and_fakes_alike_is_an_error() -> None:
    signals = {"activation.dead": 0.99, "sample.distance.ratio": 0.01}
    assert check().run(observe(signals, base=healthy_ns_gan())).severity == "error"


def test_units_that_are_left_can_carry_diversity() -> None:
    part = check().run(observe({"activation.dead": 0.8}, base=healthy_ns_gan()))
    assert "mode-collapse" not in part.explains
    most = check().run(observe({"activation.dead": 0.99}, base=healthy_ns_gan()))
    assert "mode-collapse" in most.explains


def test_outputs_at_their_bounds() -> None:
    signals = {"sample.fake.saturated": 0.9, "sample.real.saturated": 0.02}
    assert check().run(observe(signals, base=healthy_ns_gan())).severity == "warning"


def test_black_and_white_data_are_at_their_bounds_too() -> None:
    signals = {"sample.fake.saturated": 0.9, "sample.real.saturated": 0.8}
    assert check().run(observe(signals, base=healthy_ns_gan())) is None


def test_a_half_idle_layer_is_healthy() -> None:
    assert check().run(observe({"activation.dead": 0.5}, base=healthy_ns_gan())) is None


def test_a_short_spell_is_healthy() -> None:
    spell = {"activation.dead": lambda t: (t > 0.98) * 0.9}
    assert check().run(observe(spell, base=healthy_ns_gan())) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
