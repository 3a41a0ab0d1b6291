"""Optimizers with the wrong parameters."""

from __future__ import annotations

from observe import found, healthy_ns_gan, observe

NAME = "optimizer-scope"


def _run(*optimizers, **facts):
    return observe(facts={"optimizers": list(optimizers), **facts}, base=healthy_ns_gan())


def _optimizer(player, generator, discriminator, **more):
    return {
        "type": "Adam",
        "player": player,
        "generator_share": generator,
        "discriminator_share": discriminator,
        **more,
    }


DISCRIMINATOR = _optimizer("discriminator", 0.0, 1.0)


def test_a_generator_optimizer_with_both_networks_is_an_error() -> None:
    finding = found(NAME, _run(_optimizer("generator", 1.0, 1.0), DISCRIMINATOR))
    assert finding.severity == "error"
    assert "100%" in finding.message


def test_a_shared_encoder_is_allowed() -> None:
    shared = {"shared.parameters": 30_000, "discriminator.parameters": 100_000}
    assert found(NAME, _run(_optimizer("generator", 1.0, 0.3), DISCRIMINATOR, **shared)) is None
    assert found(NAME, _run(_optimizer("generator", 1.0, 0.6), DISCRIMINATOR, **shared)) is not None


def test_one_optimizer_over_several_generators_is_allowed() -> None:
    assert found(NAME, _run(_optimizer("generator", 1.0, 0.0, foreign=50), DISCRIMINATOR)) is None


def test_one_optimizer_for_both_is_a_warning() -> None:
    assert found(NAME, _run(_optimizer(None, 1.0, 1.0))).severity == "warning"
    assert found(NAME, _run(_optimizer("generator", 1.0, 1.0))).severity == "warning"


def test_missing_parameters_are_a_warning() -> None:
    finding = found(NAME, _run(_optimizer("generator", 0.6, 0.0), DISCRIMINATOR))
    assert finding.severity == "warning"
    assert "40%" in finding.message


def test_parameters_spread_over_two_optimizers_are_all_there() -> None:
    two = (_optimizer("generator", 0.6, 0.0), _optimizer("generator", 0.4, 0.0))
    assert found(NAME, _run(*two, DISCRIMINATOR)) is None


def test_an_optimizer_that_is_not_made_yet_is_no_fault() -> None:
    assert found(NAME, _run(DISCRIMINATOR)) is None
    assert found(NAME, _run()) is None


def test_two_optimizers_of_one_network_and_none_of_the_other() -> None:
    def run(generator: int, discriminator: int, *optimizers):
        return observe(
            facts={"optimizers": list(optimizers)},
            updates={"generator": generator, "discriminator": discriminator},
            base=healthy_ns_gan(),
        )

    finding = found(NAME, run(0, 200, DISCRIMINATOR, DISCRIMINATOR))
    assert finding.severity == "error"
    assert "the generator's optimizer was given the discriminator's" in finding.message
    # Too early; the other's optimizer is only late; two optimizers for two parts of a network.
    assert found(NAME, run(0, 40, DISCRIMINATOR, DISCRIMINATOR)) is None
    assert found(NAME, run(0, 200, DISCRIMINATOR)) is None
    assert found(NAME, run(200, 200, DISCRIMINATOR, DISCRIMINATOR)) is None
    halves = (_optimizer("discriminator", 0.0, 0.5), _optimizer("discriminator", 0.0, 0.5))
    assert found(NAME, run(0, 200, *halves)) is None
