"""Gradients that were not cleared."""

from __future__ import annotations

import numpy as np
import pytest
from observe import found, healthy_ns_gan, observe

NAME = "stale-gradients"


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize(("share", "severity"), [(0.9, "error"), (0.05, "warning")])
def test_stale_gradients(player: str, share: float, severity: str) -> None:
    finding = found(NAME, observe({f"gradient.{player}.stale": share}, base=healthy_ns_gan()))
    assert finding.severity == severity
    assert player in finding.message


def test_accumulation_that_shows_in_some_records_only_is_fine() -> None:
    run = observe(
        {"gradient.discriminator.stale": lambda t: np.where(np.arange(len(t)) % 4 == 0, 0.0, 0.7)},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run) is None


def test_a_player_that_is_never_updated_leaves_it_unknown() -> None:
    """Its backward pass then falls into the other player's step, before that clears its gradients."""
    run = observe(
        {"gradient.generator.stale": 0.9},
        updates={"generator": 1000, "discriminator": 0},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run) is None


def test_rounding_is_fine() -> None:
    assert found(NAME, observe({"gradient.discriminator.stale": 1e-7}, base=healthy_ns_gan())) is None


@pytest.mark.parametrize(("share", "severity"), [(0.5, "error"), (0.03, "warning"), (0.0, None)])
def test_what_the_generators_loss_added_behind_the_own_pass(share: float, severity: str | None) -> None:
    finding = found(NAME, observe({"gradient.discriminator.foreign": share}, base=healthy_ns_gan()))
    assert (finding and finding.severity) == severity
    if finding is not None:
        assert "generator's loss" in finding.message
