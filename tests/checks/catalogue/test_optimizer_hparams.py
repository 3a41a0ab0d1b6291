"""Optimizer settings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from observe import found, healthy_hinge_gan, healthy_ns_gan, observe

from equipoise.history.observations import Series

NAME = "optimizer-hparams"


def _optimizers(generator=2e-4, discriminator=2e-4, kind="Adam", betas=(0.5, 0.999)):
    return [
        {"type": kind, "player": player, "learning_rate": rate, "betas": list(betas), "epsilon": 1e-8}
        for player, rate in (("generator", generator), ("discriminator", discriminator))
    ]


def _run(signals=None, base=None, clipping=None, precision="float32", **options):
    facts = {
        "optimizers": _optimizers(**options),
        "gradient.clipping": clipping,
        "precision": precision,
    }
    return observe(signals, facts=facts, base=base or healthy_ns_gan())


@pytest.mark.parametrize(
    ("rates", "signals", "severity"),
    [
        ({"generator": 0.02, "discriminator": 0.02}, {}, "info"),
        ({"generator": 0.02, "discriminator": 0.02}, {"update.generator": 0.5}, "warning"),
        ({"generator": 1e-7, "discriminator": 1e-7}, {}, "info"),
        ({"generator": 1e-7, "discriminator": 1e-7}, {"update.generator": 5e-7}, "warning"),
        ({"generator": 0.1, "discriminator": 0.1}, {}, "warning"),
        ({"discriminator": 4e-3}, {}, "info"),
        ({"discriminator": 2e-2}, {}, "warning"),
    ],
)
def test_learning_rates(rates, signals, severity: str) -> None:
    assert found(NAME, _run(signals, **rates)).severity == severity


def test_two_time_scales_and_plain_gradient_descent_are_fine() -> None:
    assert found(NAME, _run(generator=1e-4, discriminator=4e-4)) is None
    assert found(NAME, _run(generator=0.1, discriminator=0.1, kind="SGD")) is None
    assert found(NAME, _run(generator=1.0, discriminator=1.0, kind="Adadelta")) is None
    assert found(NAME, _run(generator=1.0, discriminator=1.0, kind="Adagrad")).severity == "warning"


def test_a_high_beta_is_info_without_a_regularizer_only() -> None:
    finding = found(NAME, _run(betas=(0.9, 0.999)))
    assert finding.severity == "info"
    assert found(NAME, _run(betas=(0.9, 0.999), base=healthy_hinge_gan())) is None


def test_clipping() -> None:
    by_value = {"player": "generator", "kind": "value", "bound": 0.01}
    assert found(NAME, _run(clipping=by_value)).severity == "warning"
    assert found(NAME, _run(clipping={**by_value, "kind": "norm"})).severity == "info"
    assert found(NAME, _run(clipping={**by_value, "bound": 1.0})) is None


def test_a_bound_on_the_norm_that_stops_plain_gradient_descent() -> None:
    """Under Adam the same bound is harmless; so it is where it is not reached or the steps are large."""
    clipping = {"player": "generator", "kind": "norm", "bound": 0.01}
    stopped = {"gradient.generator": 0.01, "update.generator": 1e-5}
    rates = {"generator": 0.02, "discriminator": 0.02, "kind": "SGD"}
    assert found(NAME, _run(stopped, clipping=clipping, **rates)).severity == "warning"
    assert found(NAME, _run(stopped, clipping=clipping)).severity == "info"
    far = {**stopped, "gradient.generator": 0.002}
    assert found(NAME, _run(far, clipping=clipping, **rates)).severity == "info"
    moving = {**stopped, "update.generator": 1e-4}
    assert found(NAME, _run(moving, clipping=clipping, **rates)).severity == "info"


def test_a_small_epsilon_in_half_precision_is_info() -> None:
    assert found(NAME, _run(precision="float16")).severity == "info"


def test_all_remarks_are_in_one_finding_and_the_serious_one_first() -> None:
    finding = found(NAME, _run({"update.generator": 0.5}, generator=0.02, betas=(0.9, 0.999)))
    assert finding.severity == "warning"
    assert finding.message.index("learning rate 0.02") < finding.message.index("first beta")


def test_a_first_beta_beyond_the_usual_is_a_mistake_by_itself() -> None:
    assert found(NAME, _run(betas=(0.9, 0.999))).severity == "info"
    assert found(NAME, _run(betas=(0.99, 0.999))).severity == "warning"


def test_weight_decay() -> None:
    def decayed(decay: float):
        optimizers = [{**one, "weight_decay": decay} for one in _optimizers()]
        return found(NAME, observe(facts={"optimizers": optimizers}, base=healthy_ns_gan()))

    assert decayed(0.01) is None
    assert decayed(0.5).severity == "info"
    assert decayed(50.0).severity == "warning"


def test_an_epsilon_beyond_the_gradients() -> None:
    def with_epsilon(epsilon: float):
        optimizers = [{**one, "epsilon": epsilon} for one in _optimizers()]
        return found(NAME, observe(facts={"optimizers": optimizers}, base=healthy_ns_gan()))

    assert with_epsilon(1e-8) is None
    assert with_epsilon(1e-4) is None
    assert with_epsilon(0.01).severity == "info"
    assert with_epsilon(1.0).severity == "warning"
    # Something else of that name, in an optimizer without betas (RMSprop), is not judged.
    plain = [{**one, "epsilon": 1.0, "betas": None} for one in _optimizers()]
    assert found(NAME, observe(facts={"optimizers": plain}, base=healthy_ns_gan())) is None


def test_rates_of_unlike_optimizers_are_no_ratio() -> None:
    adam, sgd = _optimizers(2e-4, 2e-2)
    sgd["type"] = "SGD"
    mixed = observe(facts={"optimizers": [adam, sgd], "gradient.clipping": None}, base=healthy_ns_gan())
    assert found(NAME, mixed) is None
    adam["type"] = "Adadelta"
    assert found(NAME, mixed) is None
    alike = observe(
        facts={"optimizers": _optimizers(2e-4, 2e-2), "gradient.clipping": None}, base=healthy_ns_gan()
    )
    assert "100 times" in found(NAME, alike).message


def _ended(until: int, total: int, rate: float = 0.0, rest: float = 0.0):
    steps = np.arange(1, total, 10)
    size = np.where(steps < until, 1e-3, rest)
    both = {
        f"update.{player}": Series(steps.astype(float), size) for player in ("generator", "discriminator")
    }
    run = _run(generator=rate, discriminator=rate)
    return dataclasses.replace(run, step=total, signals={**run.signals, **both})


def test_a_schedule_that_is_over_too_soon() -> None:
    finding = found(NAME, _ended(50, 1200))
    assert finding.severity == "warning"
    assert finding.since == 51
    assert finding.explains is None  # all that the check may explain, also that nothing moves
    assert [remedy.name for remedy in finding.remedies] == ["schedule-as-long-as-the-run"]


def test_a_schedule_that_ends_with_the_run_is_fine() -> None:
    assert found(NAME, _ended(1190, 1200)) is None
    assert found(NAME, _ended(800, 1200)) is None
    assert found(NAME, _ended(30, 100)) is None  # too short to tell
    assert found(NAME, _ended(0, 1200)) is None  # never above zero: see frozen-network
    # Updates go on, by another optimizer of the same player; or the rate is above zero again.
    assert found(NAME, _ended(50, 1200, rest=1e-4)) is None
    assert found(NAME, _ended(50, 1200, rate=2e-4)) is None


def test_a_huge_rate_explains_a_network_that_moved_and_rests() -> None:
    """Thrown to where no gradient is; one that never moved has another cause, such as a missing step."""
    rests = [3.0, 0.5, 0.0, 0.0, 0.0, 0.0]
    for thrown in (
        {"update.discriminator": rests},
        {"update.discriminator": [3.0, 0.5], "update.generator": rests},
    ):
        assert "frozen-network" in found(NAME, _run(thrown, discriminator=1.0)).explains
    for updates in ([0.0, 0.0], [3.0, 0.5]):
        other = found(NAME, _run({"update.discriminator": updates}, discriminator=1.0))
        assert "frozen-network" not in other.explains


def test_a_rate_is_large_next_to_the_weights_that_are_usual_for_a_layer() -> None:
    """With two to five inputs (a published tutorial on points, rate 0.05) weights are of the order of one."""

    def run(usual: float):
        layers = [{"name": "0", "type": "Linear", "std": 0.02, "expected_std": usual}] * 3
        base = observe(facts={"discriminator.initialisation": layers}, base=healthy_ns_gan())
        return found(
            NAME, _run({"update.discriminator": [2.4, 0.01]}, base, discriminator=0.05, generator=0.005)
        )

    assert run(0.8).severity == "info"
    assert run(0.1).severity == "warning"
