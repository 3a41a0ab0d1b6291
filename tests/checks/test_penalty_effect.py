"""EQ305, a penalty without effect: three cases; not one that works, a one-sided one, old runs."""

from __future__ import annotations

import numpy as np
import pytest
from observe import healthy_ns_gan, healthy_wasserstein_gp, observe

from equipoise.checks.base import CHECKS
from equipoise.checks.finding import Finding
from equipoise.history.observations import Observations


def judged(observations: Observations) -> Finding | None:
    return CHECKS.get("gradient-penalty-invalid")().run(observations)


NONE = {"penalty.applied": 0.0, "penalty.sent": 0.0, "penalty.without_graph": 0.0}


def test_a_slope_without_a_graph() -> None:
    asked = {**NONE, "penalty.without_graph": 1.0}
    critic = judged(observe(asked, base=healthy_wasserstein_gp()))
    assert critic is not None
    assert (critic.severity, critic.details["case"]) == ("error", "effect")
    assert critic.remedies[0].name == "create-graph"
    # A loss that is bounded without it can do without it.
    other = judged(observe(asked, base=healthy_ns_gan()))
    assert other is not None
    assert other.severity == "warning"
    normalised = observe(asked, facts={"discriminator.spectral_norm": 1.0}, base=healthy_wasserstein_gp())
    assert judged(normalised).severity == "warning"  # type: ignore[union-attr]


def test_a_slope_that_enters_no_loss() -> None:
    finding = judged(observe({**NONE, "penalty.applied": 1.0}, base=healthy_ns_gan()))
    assert finding is not None
    assert finding.remedies[0].name == "add-penalty-to-loss"
    assert "nothing is sent back" in finding.message


def test_a_penalty_that_works_or_none_at_all() -> None:
    assert judged(observe(NONE, base=healthy_ns_gan())) is None
    works = {"penalty.applied": 1.0, "penalty.sent": 1.0, "penalty.pull": 0.5}
    assert judged(observe({**NONE, **works}, base=healthy_ns_gan())) is None
    # Applied in every fourth record, and no graph elsewhere: what is asked for beside it is looked at.
    both = {**works, "penalty.without_graph": 1.0}
    assert judged(observe({**NONE, **both}, base=healthy_ns_gan())) is None


def test_a_run_of_before_this_was_recorded_says_nothing() -> None:
    assert judged(observe({"penalty.applied": 1.0}, base=healthy_ns_gan())) is None


@pytest.mark.parametrize(("norm", "fires"), [(4.0, True), (0.8, False)])
def test_a_weight_of_zero_is_told_from_a_one_sided_penalty_below_its_target(norm: float, fires: bool) -> None:
    slope = np.full(40, norm)
    # (max(0, |g| - 1))^2 sends nothing back below a slope of one, lambda = 0 nothing anywhere.
    one_sided = np.maximum(0, slope - 1)
    pull = 0.0 if fires else float(one_sided.max())
    signals = {"penalty.applied": 1.0, "penalty.sent": 1.0, "penalty.pull": pull, "penalty.gradient": norm}
    finding = judged(observe({**NONE, **signals}, base=healthy_ns_gan()))
    assert (finding is not None) is fires
    if finding is not None:
        assert "weight is zero" in finding.message
