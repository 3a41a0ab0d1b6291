"""Losses that stand still at a constant."""

from __future__ import annotations

import math

import numpy as np
import pytest
from observe import found, healthy_ns_gan, healthy_relativistic_gan, observe

from equipoise.checks.fingerprints import FINGERPRINTS

NAME = "loss-fingerprint"


def test_a_clamp_alone_is_info_and_with_a_dead_slope_a_warning() -> None:
    clamp = {"loss.generator": 16.118}
    alone = found(NAME, observe(clamp, base=healthy_ns_gan()))
    assert alone.severity == "info"
    assert "1e-07" in alone.message
    dead = found(NAME, observe({**clamp, "slope.generator.size": 1e-9}, base=healthy_ns_gan()))
    assert dead.severity == "warning"


def test_in_a_log_the_other_loss_at_zero_is_the_second_signal() -> None:
    run = observe({"loss.generator": 27.631, "loss.discriminator": 1e-9}, step=1000, source="log")
    assert found(NAME, run).severity == "warning"


def test_ln_2_stays_info_and_names_the_probe() -> None:
    finding = found(NAME, observe({"loss.generator": math.log(2)}, base=healthy_ns_gan()))
    assert finding.severity == "info"
    assert finding.because[0].verdict == "open"
    assert "fresh-discriminator" in finding.because[0].reason


def test_a_penalty_at_its_weight() -> None:
    run = observe({"loss.penalty": 10.0, "penalty.gradient": 0.001}, base=healthy_ns_gan())
    assert found(NAME, run).severity == "warning"
    healthy = observe({"loss.penalty": 10.0, "penalty.gradient": 1.0}, base=healthy_ns_gan())
    assert found(NAME, healthy).severity == "info"


@pytest.mark.parametrize(
    "loss",
    [
        lambda t: 16.118 + 0.01 * np.sin(500 * t),  # it moves
        lambda t: np.where(t > 0.95, 16.118, 1.0),  # 15 of 20 records
        lambda t: 0.0 * t + 15.9,  # no constant of the table
    ],
)
def test_what_moves_or_is_short_or_elsewhere_is_no_fingerprint(loss) -> None:
    assert found(NAME, observe({"loss.generator": loss}, base=healthy_ns_gan())) is None


def test_a_relativistic_hinge_at_zero_is_normal() -> None:
    assert found(NAME, healthy_relativistic_gan()) is None


def test_since_is_where_it_began_to_stand_still() -> None:
    run = observe({"loss.generator": lambda t: np.where(t >= 0.5, 16.118, 1.0)}, base=healthy_ns_gan())
    assert found(NAME, run).since == 1500


def test_constants_against_their_definition() -> None:
    values = {round(fingerprint.value, 3) for fingerprint in FINGERPRINTS}
    # Of the failure collection: 13.816, 16.118, 27.631 were reported; 0.325 is the floor at targets of 0.9.
    assert {0.693, 1.386, 9.21, 11.513, 13.816, 16.118, 18.421, 20.723, 27.631, 0.325, 0.5} <= values
