"""Scores and targets of different shapes."""

from __future__ import annotations

from observe import found, healthy_composite_gan, healthy_ns_gan, observe

NAME = "target-shape-broadcast"


def test_a_broadcast_is_an_error_that_shows_the_shape() -> None:
    run = observe(facts={"shape.broadcast": True, "score.shape": [[1]]}, base=healthy_ns_gan())
    finding = found(NAME, run)
    assert finding.severity == "error"
    assert "score: 1)" in finding.message


def test_patches_and_scalars_are_fine() -> None:
    assert found(NAME, healthy_composite_gan()) is None
    assert found(NAME, healthy_ns_gan()) is None
