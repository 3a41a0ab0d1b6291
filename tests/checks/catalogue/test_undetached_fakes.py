"""Fakes that carry a graph into the discriminator's step."""

from __future__ import annotations

from observe import found, healthy_ns_gan, observe

NAME = "undetached-fakes"


def test_undetached_but_zeroed_is_info() -> None:
    run = observe({"gradient.generator.leak": 0.4}, facts={"detached": False}, base=healthy_ns_gan())
    assert found(NAME, run).severity == "info"


def test_undetached_and_kept_is_an_error() -> None:
    run = observe(
        {"gradient.generator.leak": 0.4, "gradient.generator.stale": 0.5},
        facts={"detached": False},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run).severity == "error"


def test_detached_fakes_are_fine_whatever_else_is_stale() -> None:
    assert found(NAME, observe({"gradient.generator.stale": 0.5}, base=healthy_ns_gan())) is None
