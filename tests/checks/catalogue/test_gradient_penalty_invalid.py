"""EQ305: the penalty's axes and points; not another family, not patches on purpose."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from observe import HEALTHY, healthy_ns_gan, healthy_wasserstein_gp, observe

from equipoise.checks.base import CHECKS
from equipoise.history.observations import Observations, Series


def check():
    return CHECKS.get("gradient-penalty-invalid")()


def penalised(**numbers: float) -> Observations:
    right = {"norm": 0.96, "norm.std": 0.1, "norm.pixel": 0.03, "applied": 0.97, "applied.outside": 0.0}
    return observe(probes={"gradient-penalty": {**right, **numbers}}, base=healthy_wasserstein_gp())


def test_a_pull_that_is_nearly_along_the_slope_is_still_another_norm() -> None:
    """A nearly linear critic has alike slopes everywhere: a norm over the batch comes near."""
    over_the_batch = observe({"penalty.parallel": 0.996}, base=penalised())
    assert check().run(over_the_batch).details["case"] == "axes"
    # Per sample it is 1 up to rounding, also in half precision.
    assert check().run(observe({"penalty.parallel": 0.9999}, base=penalised())) is None


def test_the_norm_over_the_channels() -> None:
    """A critic whose every pixel has slope 1 has slope 28 per sample: the root of 784 pixels."""
    gradient = np.ones((4, 1, 28, 28))
    pixel = np.linalg.norm(gradient, axis=1).mean()
    sample = np.linalg.norm(gradient.reshape(4, -1), axis=1).mean()
    assert (pixel, sample) == (1.0, 28.0)
    finding = check().run(penalised(**{"norm": sample, "norm.pixel": pixel}))
    assert finding.severity == "error"
    assert finding.details["case"] == "axes"
    assert finding.remedies[0].name == "penalise-per-sample"


def test_a_normal_alpha_leaves_the_segment() -> None:
    outside = 1 - 0.5 * math.erf(1 / math.sqrt(2))
    assert outside == pytest.approx(0.66, abs=0.01)
    finding = check().run(penalised(**{"applied.outside": outside}))
    assert finding.severity == "error"
    assert finding.remedies[0].name == "uniform-interpolation"


def test_a_critic_that_is_too_steep_is_a_warning_a_flat_one_a_remark() -> None:
    """A one-sided penalty, and R1, allow a slope below one."""
    assert check().run(penalised(norm=0.2)).severity == "info"
    assert check().run(penalised(norm=40.0)).severity == "warning"
    assert check().run(penalised(norm=40.0)).details["case"] == "steepness"


def test_data_in_the_hundreds_are_no_fault_of_the_penalty() -> None:
    steep = penalised(norm=40.0)
    assert check().run(observe({"sample.real.std": 500.0}, base=steep)) is None
    assert check().run(observe({"sample.real.std": 1.0}, base=steep)).severity == "warning"


def test_one_score_of_shape_one_is_no_patch() -> None:
    single = observe(facts={"score.shape": [[1]]}, base=penalised(norm=40.0))
    assert check().run(single).severity == "warning"
    patches = observe(facts={"score.shape": [[1, 14, 14]]}, base=penalised(norm=40.0))
    assert check().run(patches).severity == "info"


def test_no_slope_at_all_points_to_normalisation() -> None:
    """Instance norm in the critic (wgan-gp issue 16)."""
    finding = check().run(observe(facts={"discriminator.instance_norm": 1}, base=penalised(norm=1e-6)))
    assert finding.details["case"] == "zero"
    assert finding.remedies[0].name == "no-normalisation-across-the-penalised-axes"
    assert finding.because[-1].verdict == "open"


def test_a_right_penalty() -> None:
    for norm in (0.4, 1.0, 2.5):
        assert check().run(penalised(norm=norm)) is None


def test_the_first_steps_of_a_critic() -> None:
    observations = observe(updates={"discriminator": 300, "generator": 60}, base=penalised(norm=0.05))
    assert check().run(observations) is None


def test_r1_has_no_target_of_one() -> None:
    probe = {"gradient-penalty": {"norm": 0.05, "norm.pixel": 0.01, "applied": 0.05, "applied.outside": 0.0}}
    regularised = observe({"penalty.applied": 1.0}, probes=probe, base=healthy_ns_gan())
    assert check().run(regularised) is None


def test_a_penalty_per_patch_is_information() -> None:
    patches = observe(facts={"score.shape": [[1, 14, 14]]}, base=penalised(norm=14.0))
    assert check().run(patches).severity == "info"


def test_no_penalty_no_finding() -> None:
    assert check().run(observe({"penalty.applied": 0.0}, base=penalised(norm=40.0))) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None


def test_a_right_penalty_that_is_too_weak() -> None:
    """The toy script of the WGAN-GP paper with lambda 0.1: a slope of 6, and the samples get better."""
    weak = observe({"penalty.parallel": 1.0}, base=penalised(norm=6.0))
    finding = check().run(weak)
    assert finding.severity == "warning"
    assert finding.details["case"] == "weak"
    assert finding.remedies[0].name == "raise-penalty-weight"
    better = observe({"sample.nearest.ratio": lambda t: 3.0 - 1.5 * t}, base=weak)
    assert check().run(better).severity == "info"
    steeper = observe(
        {"penalty.parallel": 1.0, "sample.nearest.ratio": lambda t: 3.0 - 1.5 * t}, base=penalised(norm=12.0)
    )
    assert check().run(steeper).severity == "warning"


def pulled(norms: np.ndarray, factor: np.ndarray, spread: float = 0.0) -> Observations:
    base = healthy_ns_gan()
    steps = np.linspace(10, base.step, len(norms))
    series = {
        "penalty.gradient": norms,
        "penalty.pull": factor,
        "penalty.pull.spread": np.full(len(norms), spread),
        "penalty.gradient.std": 0.2 * norms,
        "penalty.parallel": np.ones(len(norms)),
    }
    signals = {**base.signals, **{name: Series(steps, values) for name, values in series.items()}}
    return dataclasses.replace(base, signals=signals)


NORMS = np.linspace(0.2, 3.0, 12)


@pytest.mark.parametrize(
    ("factor", "spread"),
    [(-5.0 + 0 * NORMS, 0.0), (-6 * NORMS**4, 0.5)],  # R1, Wasserstein divergence; both subtracted
)
def test_a_penalty_of_the_wrong_sign(factor: np.ndarray, spread: float) -> None:
    finding = check().run(pulled(NORMS, factor, spread))
    assert finding.severity == "error"
    assert finding.details["case"] == "sign"
    right = check().run(pulled(NORMS, -factor, spread))
    assert right is None


@pytest.mark.parametrize("target", [1.0, 750.0])
def test_a_target_that_is_not_reached_yet_pulls_outwards_rightly(target: float) -> None:
    norms = NORMS / 3.1 if target == 1 else NORMS
    assert check().run(pulled(norms, 20 * (1 - target / norms), 0.3)) is None


def test_slopes_that_change_by_a_third_tell_a_squared_norm_from_one_of_the_batch() -> None:
    norms = np.linspace(0.27, 0.36, 8)
    assert check().run(pulled(norms, -1.0 + 1e-4 * norms)).details["case"] == "sign"
    assert check().run(pulled(norms, 10 * (1 - 1 / norms))).details["case"] == "batch"
    assert check().run(pulled(norms, 10 * (1 - 750 / norms))).details["case"] == "batch"
    # A tenth is too little to tell.
    assert check().run(pulled(np.linspace(0.27, 0.3, 8), -np.ones(8))).details["case"] == "batch"


def test_three_lazy_records_of_one_factor_are_enough() -> None:
    norms = np.array([0.003, 0.4, 0.5])
    assert check().run(pulled(norms, -160.0 + 0 * norms)).details["case"] == "sign"
    # A norm of the whole batch has one factor for all samples too, but another one in each record.
    assert check().run(pulled(norms, 20 * (1 - 1 / norms))).details["case"] == "batch"


def test_a_penalty_towards_a_target_with_the_wrong_sign() -> None:
    """WGAN-GP, lambda * penalty subtracted: flatter below a slope of one, ever steeper above it."""
    law = 20 * (1 - 1 / NORMS)
    finding = check().run(pulled(NORMS, -law, 0.05))
    assert (finding.severity, finding.details["case"]) == ("error", "sign")
    assert "flatter at slopes up to" in finding.message
    assert check().run(pulled(NORMS, law, 0.05)) is None
    # A target that is followed (a moving one, or noise) may be met from both sides.
    mixed = np.where(np.arange(len(NORMS)) % 2 == 0, law, -law)
    assert check().run(pulled(NORMS, mixed, 0.05)) is None
