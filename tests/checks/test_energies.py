"""Which way the losses push the energies of a discriminator that reconstructs."""

from __future__ import annotations

import pytest
from observe import found, observe

D, G, RACE = "d-objective-sign", "g-objective-sign", "critic-magnitude-race"
# BEGAN: k starts at zero, so that the first records send nothing to the fakes.
K = [0.0, 0.0, *[-1.0] * 40]
HEALTHY = {"energy.pull.real": 1.0, "energy.pull.fake": K, "energy.pull.generator": 1.0}


def test_a_healthy_energy_has_no_finding() -> None:
    run = observe(HEALTHY)
    assert found(D, run) is None
    assert found(G, run) is None


def test_a_discriminator_that_lowers_the_energy_of_both() -> None:
    run = observe({**HEALTHY, "energy.pull.fake": [-one for one in K]})
    finding = found(D, run)
    assert finding.severity == "error"
    assert finding.details["case"] == "energies"
    assert found(G, run) is None


@pytest.mark.parametrize(("real", "fake", "own"), [(1.0, -1.0, -1.0), (-1.0, 1.0, 1.0)])
def test_a_generator_against_the_reals(real: float, fake: float, own: float) -> None:
    run = observe({"energy.pull.real": real, "energy.pull.fake": fake, "energy.pull.generator": own})
    assert found(G, run).severity == "error"
    assert found(D, run) is None


def test_a_reversed_convention_is_none() -> None:
    run = observe({"energy.pull.real": -1.0, "energy.pull.fake": 1.0, "energy.pull.generator": -1.0})
    assert found(D, run) is None
    assert found(G, run) is None


def test_a_weight_that_never_leaves_zero() -> None:
    assert found(D, observe({**HEALTHY, "energy.pull.fake": 0.0})).severity == "warning"
    young = {"generator": 100, "discriminator": 100}
    assert found(D, observe({**HEALTHY, "energy.pull.fake": 0.0}, step=250, updates=young)) is None


def test_signs_that_change_are_no_energy() -> None:
    mixed = [1.0, -1.0] * 20
    assert found(D, observe({**HEALTHY, "energy.pull.real": mixed, "energy.pull.fake": mixed})) is None
    assert found(G, observe({**HEALTHY, "energy.pull.generator": mixed})) is None


def test_energies_without_a_margin_run_away() -> None:
    scale = {"sample.real.mean": -0.2, "sample.real.std": 0.7}
    away = {**HEALTHY, **scale, "energy.real": lambda t: 0.6 + 6 * t**4, "energy.fake": 8.0}
    assert found(RACE, observe(away)).severity == "error"
    assert found(RACE, observe({**away, "energy.real": lambda t: 0.6 + 2 * t**4})).severity == "warning"
    for healthy in (
        {"energy.real": lambda t: 0.8 - 0.5 * t},  # learns
        {"energy.real": lambda t: 8 - 4 * t},  # a wild start that calms
        {"energy.pull.fake": [-1.0] * 40 + [0.0] * 20},  # the margin is passed now
        {"sample.real.std": 60.0},  # data of that scale
    ):
        assert found(RACE, observe({**away, **healthy})) is None
