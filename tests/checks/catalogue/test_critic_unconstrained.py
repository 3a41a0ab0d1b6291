"""EQ304: a Wasserstein critic that nothing bounds; not hinge, not a clipped or penalised one."""

from __future__ import annotations

import pytest
from observe import HEALTHY, healthy_hinge_gan, healthy_wasserstein_gp, observe

from equipoise.checks.base import CHECKS
from equipoise.history.observations import Observations


def check():
    return CHECKS.get("critic-unconstrained")()


def free(**signals) -> Observations:
    return observe({"penalty.applied": 0.0, **signals}, base=healthy_wasserstein_gp())


GROWING = {"score.real.mean": lambda t: 2 + 500 * t**2, "score.fake.mean": lambda t: -2 - 500 * t**2}


def test_nothing_bounds_the_critic() -> None:
    assert check().run(free()).severity == "warning"


def test_a_gap_that_grows_makes_it_an_error() -> None:
    finding = check().run(free(**GROWING))
    assert finding.severity == "error"
    assert finding.remedies[0].name == "wasserstein-gradient-penalty"


@pytest.mark.parametrize(
    ("signals", "facts"),
    [
        ({}, {"weight.clipping": 0.01}),
        ({}, {"discriminator.spectral_norm": 1.0}),
        ({"penalty.applied": 1.0}, {}),
    ],
)
def test_what_bounds_it_is_recognised(signals, facts) -> None:
    assert check().run(observe(signals, facts=facts, base=free(**GROWING))) is None


def test_a_lazy_penalty_shows_in_some_records() -> None:
    assert check().run(free(**{"penalty.applied": lambda t: (t * 300 % 16 < 1) * 1.0})) is None


def test_a_penalty_whose_interval_is_longer_than_the_run_is_none() -> None:
    """d_reg_every = 1e10 (stylegan2-pytorch issue 97)."""
    assert check().run(free()) is not None


def test_hinge_within_its_margin_has_the_same_slopes() -> None:
    inside = {"score.real.mean": 0.4, "score.fake.mean": -0.4}
    assert check().run(free(**inside)) is None


def test_hinge_on_the_wrong_side_of_its_margin_has_the_same_slopes() -> None:
    """A discriminator with a starved rate: max(0, 1 + s) keeps its slope at every s > -1."""
    score = 900.0
    assert max(0.0, 1 + score) - max(0.0, 1 + score - 1) == 1.0
    assert check().run(free(**{"score.real.mean": 0.15, "score.fake.mean": score})) is None
    # Wasserstein's fakes may lie anywhere, as long as the reals lie higher.
    assert check().run(free(**{"score.real.mean": score + 1, "score.fake.mean": score})) is not None


def test_a_generators_slopes_do_not_tell_a_relativistic_hinge_from_wasserstein() -> None:
    """The scores of a relativistic hinge drift as a whole, and no slope of it is ever zero."""
    drifted = free(**{"score.real.mean": -1.9, "score.fake.mean": -2.3})
    assert check().run(drifted).severity == "warning"
    unknown = {"objective.discriminator": None, "objective.generator": "wasserstein"}
    assert check().run(observe(facts=unknown, base=drifted)) is None


def test_a_declared_family_needs_no_margin() -> None:
    inside = free(**{"score.real.mean": 0.4, "score.fake.mean": -0.4})
    assert check().run(observe(facts={"objective.declared": "wasserstein"}, base=inside)) is not None


def test_hinge_needs_no_constraint() -> None:
    assert check().run(observe({"penalty.applied": 0.0, **GROWING}, base=healthy_hinge_gan())) is None


def test_a_gap_that_a_flat_critic_cannot_have_needs_few_records() -> None:
    """Samples of 64 values in [-1, 1] are at most 16 apart."""
    box = {
        "sample.real.low": -1.0, "sample.real.high": 1.0, "sample.fake.low": -1.0, "sample.fake.high": 1.0,
    }  # fmt: skip

    def young(gap: float, every: int, **facts: object) -> Observations:
        scores = {"score.real.mean": gap / 2, "score.fake.mean": -gap / 2}
        run = free(**box, **scores)
        return observe(
            {"penalty.applied": 0.0, **box, **scores},
            facts={"data.shape": [1, 8, 8], **facts},
            base=run,
            step=300,
            every=every,
        )

    found = check().run(young(40, 25))
    assert found.severity == "warning"
    assert found.evidence[-1].value == pytest.approx(40 / 16)
    assert check().run(young(20, 25)) is None  # a slope of 1.25: a lazy penalty may have been missed
    assert check().run(young(20, 12)) is not None
    assert check().run(young(40, 60)) is None
    assert check().run(young(40, 25, **{"weight.clipping": 0.01})) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
