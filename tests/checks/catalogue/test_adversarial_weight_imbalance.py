"""EQ105: composite losses in and out of balance, and a discriminator that starts late."""

from __future__ import annotations

import numpy as np
import pytest
from observe import HEALTHY, healthy_composite_gan, healthy_ns_gan, observe

from equipoise.checks.base import CHECKS
from equipoise.history.observations import Observations, Series


def check():
    return CHECKS.get("adversarial-weight-imbalance")()


def late(taught_from: float, ratio: float = 3.0) -> Observations:
    """The adversarial gradient begins at step 2000 of 2400; lessons begin at `taught_from`."""
    base = observe({}, facts={"objective.composite": 0.5}, step=2400, base=healthy_composite_gan())
    steps = np.arange(0, 2401, 10.0)
    heard = steps >= 2000
    others = np.full(len(steps), 0.1)
    base.signals["gradient.samples"] = Series(steps, np.where(heard, ratio * others, 0.0))
    base.signals["gradient.samples.total"] = Series(steps, np.where(heard, (1 + ratio) * others, others))
    base.signals["gradient.discriminator"] = Series(steps, np.where(steps >= taught_from, 1.0, 0.0))
    return base


def test_an_adversarial_term_that_drowns_the_others() -> None:
    finding = check().run(observe(facts={"objective.composite": 0.02}, base=healthy_composite_gan()))
    assert finding.severity == "warning"
    assert finding.details["case"] == "too-large"


def test_terms_that_are_drowned_ten_thousandfold_are_more_than_rounding() -> None:
    def shown(share: float, precision: str = "float32"):
        facts = {"objective.composite": share, "precision": precision}
        return check().run(observe(facts=facts, base=healthy_composite_gan()))

    assert shown(3e-5).details["case"] == "too-large"
    assert shown(1e-7) is None  # a sum of several discriminators' gradients
    assert shown(3e-5, "float16") is None


def test_with_a_worsened_reconstruction_it_is_an_error() -> None:
    finding = check().run(
        observe(
            {"loss.reconstruction": lambda t: 0.15 + 0.25 * t},
            facts={"objective.composite": 0.02},
            base=healthy_composite_gan(),
        )
    )
    assert finding.severity == "error"


def test_a_content_term_that_leads_is_information() -> None:
    """Super-resolution with a content loss 1000 times as heavy still learns."""
    finding = check().run(observe(facts={"objective.composite": 0.999}, base=healthy_composite_gan()))
    assert finding.severity == "info"


def test_an_adversarial_term_of_no_effect_is_a_warning() -> None:
    finding = check().run(observe(facts={"objective.composite": 0.999999}, base=healthy_composite_gan()))
    assert finding.severity == "warning"


def test_a_discriminator_that_starts_untrained() -> None:
    finding = check().run(late(2000))
    assert finding.severity == "warning"
    assert finding.details["case"] == "late-start"
    assert finding.since == 2000
    assert finding.remedies[0].name == "train-discriminator-first"


def test_a_discriminator_that_was_trained_before_it_is_heard() -> None:
    assert check().run(late(500, ratio=1.0)) is None


def test_a_late_start_with_little_weight_is_harmless() -> None:
    assert check().run(late(2000, ratio=0.05)) is None


def test_a_purely_adversarial_loss_has_nothing_to_balance() -> None:
    assert check().run(healthy_ns_gan()) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None


def test_a_discriminator_that_reconstructs_reaches_the_sample_directly() -> None:
    """BEGAN: the energy |D(x) - x| has the sample's own shape, and -x is part of the adversarial loss."""
    facts = {"objective.composite": 0.02, "data.shape": [1, 16, 16]}
    energy = observe(facts={**facts, "score.shape": [[1, 16, 16]]}, base=healthy_composite_gan())
    assert check().run(energy) is None
    patches = observe(facts={**facts, "score.shape": [[1, 4, 4]]}, base=healthy_composite_gan())
    assert check().run(patches) is not None


def test_a_slope_of_zero_from_the_first_step_on_is_a_weight_of_zero() -> None:
    silent = {"slope.generator.size": 0.0, "gradient.generator": 3.0}
    young = {"generator": 120, "discriminator": 120}

    def run(signals, updates=young, step=120):
        return check().run(
            observe(
                {"slope.real.size": 0.4, "slope.fake.size": 0.4, **silent, **signals},
                facts={"objective.composite": 1.0},
                every=5,
                step=step,
                updates=updates,
                base=healthy_composite_gan(),
            )
        )

    assert run({}).severity == "warning"
    assert run({}, {"generator": 900, "discriminator": 900}, 900).severity == "error"
    assert run({}).details["case"] == "switched-off"
    # A loss that lost its slope later, a warm-up of both, a loss that is alone: each is something else.
    assert run({"slope.generator.size": lambda t: np.where(t < 0.2, 0.3, 0.0)}) is None
    assert run({"slope.real.size": 0.0, "slope.fake.size": 0.0}) is None
    assert run({"gradient.generator": 0.0}) is None


def test_a_term_with_calls_of_its_own_that_drowns_the_adversarial_one() -> None:
    facts = {"objective.composite": 0.0, "objective.composite.all": 0.99999}
    finding = check().run(observe(facts=facts, base=healthy_composite_gan()))
    assert finding.severity == "warning"
    assert finding.details["case"] == "too-small"


def test_a_small_term_with_calls_of_its_own_is_not_drowned() -> None:
    facts = {"objective.composite": 0.0, "objective.composite.all": 0.02}
    assert check().run(observe(facts=facts, base=healthy_composite_gan())) is None


def test_a_class_term_makes_up_for_a_small_direct_one() -> None:
    facts = {"objective.composite": 0.02, "objective.composite.all": 0.4}
    assert check().run(observe(facts=facts, base=healthy_composite_gan())) is None
    facts["objective.composite.all"] = 0.02
    assert check().run(observe(facts=facts, base=healthy_composite_gan())).details["case"] == "too-large"


def test_matched_features_without_weight() -> None:
    base = {"gradient.matched": 0.0, "gradient.generator": 1.0}
    old, young = ({"generator": count, "discriminator": count} for count in (1000, 300))
    assert check().run(observe(base, updates=old)).severity == "error"
    assert check().run(observe(base, updates=young)).severity == "warning"
    assert check().run(observe({**base, "gradient.matched": 1e-6}, updates=old)).severity == "warning"
    for healthy in (0.01, 1.0, [0.0] * 5 + [0.3] * 40):
        assert check().run(observe({**base, "gradient.matched": healthy}, updates=old)) is None
    assert check().run(observe({**base, "gradient.generator": 0.0}, updates=old)) is None
