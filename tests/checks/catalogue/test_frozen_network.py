"""A network that does not move."""

from __future__ import annotations

import numpy as np
import pytest
from observe import found, healthy_ns_gan, healthy_relativistic_gan, healthy_wasserstein_gp, observe, verdicts

NAME = "frozen-network"


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_player_that_never_moved_is_an_error(player: str) -> None:
    finding = found(NAME, observe({f"update.{player}": 0.0}, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert player in finding.message
    assert finding.since == 0


def test_a_gradient_makes_it_surer() -> None:
    base = healthy_ns_gan()
    with_gradient = found(NAME, observe({"update.generator": 0.0}, base=base))
    without = found(NAME, observe({"update.generator": 0.0, "gradient.generator": None}, base=base))
    assert with_gradient.confidence > without.confidence


def test_met_margins_need_no_update() -> None:
    assert found(NAME, observe({"update.discriminator": 0.0}, base=healthy_relativistic_gan())) is None


def test_five_critic_steps_are_no_freeze() -> None:
    assert found(NAME, healthy_wasserstein_gp()) is None


def test_a_few_steps_skipped_by_a_scaler_are_no_freeze() -> None:
    skipped = {"update.generator": lambda t: np.where(t < 0.03, 0.0, 1e-3)}
    run = observe(skipped, facts={"precision": "float16"}, base=healthy_ns_gan())
    assert found(NAME, run) is None
    now = {"update.generator": lambda t: np.where(t > 0.98, 0.0, 1e-3)}
    assert found(NAME, observe(now, facts={"precision": "float16"}, base=healthy_ns_gan())) is None


def test_a_schedule_that_ended_at_zero_is_info() -> None:
    optimizers = [{"player": "generator", "learning_rate": 0.0}]
    ended = {"update.generator": lambda t: np.where(t > 0.8, 0.0, 1e-3)}
    finding = found(NAME, observe(ended, facts={"optimizers": optimizers}, base=healthy_ns_gan()))
    assert finding.severity == "info"
    assert "learning rate is 0" in finding.message


def test_a_player_without_any_update() -> None:
    run = observe(
        {"update.discriminator": None},
        updates={"generator": 600, "discriminator": 0},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run).severity == "error"
    early = observe(updates={"generator": 100, "discriminator": 0}, base=run)
    assert found(NAME, early) is None


def test_the_ruled_out_alternatives_hold_numbers() -> None:
    finding = found(NAME, observe({"update.generator": 0.0}, base=healthy_ns_gan()))
    assert set(verdicts(finding).values()) == {"ruled out"}
    assert "301 records" in finding.because[0].reason


def test_two_hundred_steps_of_the_other_are_suspect_five_hundred_certain() -> None:
    nothing = {"update.generator": None, "gradient.generator": None}
    for steps, severity in ((150, None), (250, "warning"), (600, "error")):
        run = observe(
            nothing, step=steps, updates={"generator": 0, "discriminator": steps}, base=healthy_ns_gan()
        )
        finding = found(NAME, run)
        assert (finding and finding.severity) == severity


def test_a_generator_that_is_trained_alone_first_has_no_frozen_discriminator() -> None:
    """Super-resolution: hundreds of steps on pixels before the discriminator is called at all."""
    names = ("update.discriminator", "gradient.discriminator", "score.real.mean", "score.fake.mean")
    alone = dict.fromkeys((*names, "score.generator.mean"))
    run = observe(alone, step=2000, updates={"generator": 2000, "discriminator": 0}, base=healthy_ns_gan())
    assert found(NAME, run) is None


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_loss_that_is_sent_back_and_never_stepped_is_certain_early(player: str) -> None:
    other = "generator" if player == "discriminator" else "discriminator"
    base = healthy_ns_gan(150)
    signals = {f"update.{player}": None}
    updates = {player: 0, other: 150}
    lost = observe(signals, facts={f"loss.unused.{player}": 20}, step=150, updates=updates, base=base)
    assert found(NAME, lost).severity == "error"
    assert "sent back" in found(NAME, lost).message
    # Without it a long turn of the other is the nearest reading, and 99 steps are a published one.
    silent = observe(signals, facts={f"loss.unused.{player}": 0}, step=150, updates=updates, base=base)
    assert found(NAME, silent) is None
    early = observe(
        signals, facts={f"loss.unused.{player}": 20}, step=99, updates={player: 0, other: 99}, base=base
    )
    assert found(NAME, early) is None
