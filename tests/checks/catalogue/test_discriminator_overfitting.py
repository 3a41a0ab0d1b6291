"""EQ501: by heart, not simply good."""

from __future__ import annotations

import pytest
from observe import HEALTHY, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS
from equipoise.history.observations import Observations

NAN = float("nan")


def check():
    return CHECKS.get("discriminator-overfitting")()


def probed(signals=None, **numbers: float) -> Observations:
    known = {
        "seen": 3.0,
        "unseen": -1.0,
        "perturbed": 2.5,
        "fake": -3.0,
        "gap": 4 / 6,
        "gap.perturbed": 0.08,
        "sign": 0.98,
        "accuracy.unseen": 0.3,
    }
    return observe(signals or {}, probes={"memorisation": {**known, **numbers}}, base=healthy_ns_gan())


def test_unseen_reals_taken_for_fakes_are_an_error() -> None:
    """BigGAN: 98 % on training reals, 50 to 55 % on held-out ones."""
    finding = check().run(probed({"score.accuracy.real": 0.98}, **{"accuracy.unseen": 0.52}))
    assert finding.severity == "error"
    assert finding.because[0].verdict == "ruled out"


def test_a_large_gap_alone_is_a_warning() -> None:
    assert check().run(probed(**{"accuracy.unseen": 0.8})).severity == "warning"


def test_a_discriminator_that_is_simply_good() -> None:
    good = {"unseen": 2.8, "gap": 0.2 / 6, "accuracy.unseen": 0.97}
    assert check().run(probed({"score.accuracy.real": 1.0, "score.auc": 1.0}, **good)) is None


def few_reals(
    distinct: float = 40.0, repeated: float = 1.0, own: float = 1.0, fresh: float = 0.5, kind: str = "vector"
) -> Observations:
    numbers = {"auc": fresh, "auc.own": own, "steps": 100.0}
    memorisation = {
        "seen": 1.3,
        "unseen": NAN,
        "perturbed": 1.3,
        "fake": -3.0,
        "gap": NAN,
        "gap.perturbed": 0.01,
    }
    return observe(
        {"batch.real.distinct": distinct, "batch.real.repeated": repeated},
        facts={"data.kind": kind},
        probes={
            "memorisation": {**memorisation, "sign": 0.7, "accuracy.unseen": NAN},
            "fresh-discriminator": numbers,
        },
        base=healthy_ns_gan(),
    )


def test_a_handful_of_reals_that_only_their_own_discriminator_knows() -> None:
    finding = check().run(few_reals())
    assert finding.severity == "warning"
    assert "40" in finding.message


def test_what_a_fresh_discriminator_finds_too_is_not_learnt_by_heart() -> None:
    assert check().run(few_reals(fresh=0.99)) is None
    assert check().run(few_reals(own=0.8)) is None
    assert check().run(few_reals(distinct=1500.0)) is None
    assert check().run(few_reals(repeated=0.0)) is None


def test_fewer_images_than_any_method_learns_from() -> None:
    finding = check().run(few_reals(fresh=0.99, kind="image"))
    assert finding.severity == "warning"
    assert "40 different real images" in finding.message
    assert check().run(few_reals(fresh=0.99, kind="image", distinct=150.0)) is None
    assert check().run(few_reals(fresh=0.99, kind="image").at(250)) is None


def test_a_discriminator_that_is_not_sure_of_reals() -> None:
    assert check().run(probed(sign=0.3)) is None


def test_without_held_out_reals_the_perturbation_decides() -> None:
    blind = {"unseen": NAN, "gap": NAN, "accuracy.unseen": NAN, "gap.perturbed": 0.8}
    few = {"batch.real.distinct": 200.0, "batch.real.repeated": 1.0}
    finding = check().run(probed(few, **blind))
    assert finding.severity == "warning"
    assert finding.because[0].verdict == "open"
    assert check().run(probed({"batch.real.distinct": 20_000.0}, **blind)) is None


def test_few_reals_without_a_probe_are_undecided() -> None:
    signals = {"batch.real.distinct": 200.0, "batch.real.repeated": 1.0, "score.accuracy.real": 1.0}
    observations = observe(signals, step=2000)
    assert check().run(observations) is None
    assert "memorisation" in check().undecided(observations)


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None
