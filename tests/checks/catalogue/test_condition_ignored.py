"""Conditions that make no difference."""

from __future__ import annotations

import numpy as np
from observe import found, healthy_composite_gan, healthy_conditional_gan, healthy_ns_gan, observe, verdicts

from equipoise.checks.base import CHECKS

NAME = "condition-ignored"


def _run(condition: float, score: float, noise: float = 0.5, base=None, **more):
    numbers = {"latent": 0.6, "condition": condition, "discriminator.condition": score, "noise": noise}
    signals = more.pop("signals", None)
    base = base or healthy_conditional_gan()
    return observe(signals, probes={"generator-response": numbers}, base=base, **more)


def test_one_network_that_ignores_it_is_a_warning_both_are_an_error() -> None:
    assert found(NAME, _run(0.01, 0.8)).severity == "warning"
    assert found(NAME, _run(0.7, 0.01)).severity == "warning"
    assert found(NAME, _run(0.01, 0.01)).severity == "error"


def test_a_collapse_is_left_to_the_other_check_and_said_to_be_undecided() -> None:
    run = _run(0.01, 0.8, noise=0.01)
    assert found(NAME, run) is None
    assert "collapse" in CHECKS.get(NAME)().undecided(run)


def test_a_condition_that_moves_a_young_generators_samples_as_far_as_its_latent_does_is_heeded() -> None:
    """All samples are near each other yet: 0.11 by the condition, 0.08 by the latent (an ACGAN, step 200)."""
    assert found(NAME, _run(0.11, 0.8, noise=0.08, step=300)) is None
    assert found(NAME, _run(0.11, 0.8, noise=0.6, step=300)).severity == "warning"
    assert found(NAME, _run(0.11, 0.01, noise=0.08, step=300)).severity == "warning"  # the discriminator's
    assert found(NAME, _run(0.11, 0.8, noise=0.08, step=3000)).severity == "warning"


def test_a_generator_without_latent_leaves_the_collapse_open() -> None:
    nan = float("nan")
    finding = found(NAME, _run(0.01, 0.8, noise=nan, base=healthy_composite_gan()))
    assert verdicts(finding)["mode collapse"] == "open"


def test_without_a_latent_samples_that_are_still_near_each_other_are_no_deaf_ear() -> None:
    young = _run(0.1, 0.8, noise=float("nan"), base=healthy_composite_gan())
    assert found(NAME, young) is None
    assert found(NAME, _run(0.1, 0.8)).severity == "warning"


def test_samples_of_a_young_generator_answer_by_less() -> None:
    """ACGAN as published, 252 updates: 0.29 of the reals' distance, when its fakes are half as far apart."""
    half = {"sample.distance.ratio": 0.5}
    assert found(NAME, _run(0.29, 0.8, step=300, signals=half)) is None
    assert found(NAME, _run(0.1, 0.8, step=300, signals=half)).severity == "warning"
    assert found(NAME, _run(0.29, 0.8, step=3000, signals=half)).severity == "warning"
    spread = {"sample.distance.ratio": 1.0}
    assert found(NAME, _run(0.29, 0.8, noise=1.0, step=300, signals=spread)) is not None


def test_unconditional_networks_and_early_steps_are_not_judged() -> None:
    assert found(NAME, _run(0.0, 0.0, base=healthy_ns_gan())) is None
    assert found(NAME, _run(0.0, 0.0, step=100)) is None


def test_a_discriminator_that_predicts_the_class_is_not_judged() -> None:
    run = _run(0.7, 0.0, facts={"discriminator.conditional": False})
    assert found(NAME, run) is None


def test_without_the_probe_it_is_undecided() -> None:
    import dataclasses

    run = dataclasses.replace(healthy_conditional_gan(), probe_results=[])
    assert found(NAME, run) is None
    assert "generator-response" in CHECKS.get(NAME)().undecided(run)


def _shown(share, role: str = "fake", **more):
    return _run(0.7, 0.8, signals={f"condition.agreement.{role}": share}, **more)


def test_fakes_judged_with_other_classes_are_an_error_from_the_first_records() -> None:
    for role, step in (("fake", "discriminator"), ("generator", "generator")):
        finding = found(NAME, _shown(0.25, role))
        assert finding.severity == "error"
        assert f"In the {step}'s step only 25%" in finding.message
    assert found(NAME, _shown(0.1, step=50)).severity == "error"


def test_classes_that_agree_or_were_changed_in_a_few_fakes_are_none() -> None:
    assert found(NAME, _shown(1.0)) is None
    assert found(NAME, _shown(0.9)) is None  # a tenth of the labels is noise
    assert found(NAME, _shown(0.25, step=30)) is None  # four records
    assert found(NAME, _shown([1.0, 1.0, 0.2])) is None  # every third batch is meant to be wrong


def _belonging(neighbours: float, fall: float):
    numbers = {
        "latent": 0.6, "condition": 0.7, "discriminator.condition": 0.8, "noise": 0.5,
        "condition.neighbours": neighbours, "condition.neighbours.chance": 0.1,
        "condition.neighbours.error": 0.013, "discriminator.condition.fall": fall,
    }  # fmt: skip
    return found(NAME, observe(probes={"generator-response": numbers}, base=healthy_conditional_gan()))


def test_labels_that_have_nothing_to_do_with_the_reals() -> None:
    finding = _belonging(0.1, 0.3)
    assert finding.severity == "warning"
    assert [remedy.name for remedy in finding.remedies] == ["check-label-alignment"]
    # CIFAR-10's classes show in one neighbour of five; and what hardly shows in a neighbour the discriminator
    # may know all the same.
    assert _belonging(0.2, 0.3) is None
    assert _belonging(0.1, 6.0) is None


def _naming(asked: float, named: float = 0.9, base=None, **options: object):
    signals = {"condition.asked": asked, "condition.named": named, "condition.named.guess": 0.2}
    facts = {"generator.conditional": True, "discriminator.conditional": False, **options}
    return found(NAME, observe(signals, facts=facts, base=base or healthy_conditional_gan()))


def test_a_class_that_nobody_asks_the_generator_for() -> None:
    finding = _naming(0.0)
    assert finding.severity == "warning"
    assert [remedy.name for remedy in finding.remedies] == ["ask-for-the-class"]
    assert _naming(1.0) is None
    # A discriminator that is given the class asks by its score; a generator without one has none to follow.
    assert _naming(0.0, **{"discriminator.conditional": True}) is None
    assert _naming(0.0, **{"generator.conditional": False}) is None


def test_classes_that_are_never_learnt() -> None:
    finding = _naming(1.0, named=0.12)
    assert [remedy.name for remedy in finding.remedies] == ["check-label-alignment"]
    assert _naming(1.0, named=0.5) is None
    young = observe(step=250, base=healthy_conditional_gan())
    assert _naming(1.0, named=0.12, base=young) is None


def test_classes_that_show_among_neighbours_are_learnt_slowly() -> None:
    def slow(kin: float):
        signals = {
            "condition.asked": 1.0, "condition.named": 0.12, "condition.named.guess": 0.2,
            "condition.kin": lambda t: kin + 0.1 * np.sin(400 * t), "condition.kin.chance": 0.1,
        }  # fmt: skip
        facts = {"generator.conditional": True, "discriminator.conditional": False}
        return found(NAME, observe(signals, facts=facts, base=healthy_conditional_gan()))

    assert slow(0.5) is None
    assert slow(0.1).severity == "warning"


def test_sample_and_condition_in_each_others_channels_are_an_error() -> None:
    def placed(share: float, every: int = 10):
        """Where so many of the records found the fakes in the same channels in both steps."""
        place = lambda t: (t < share).astype(np.float64)  # noqa: E731
        return found(NAME, observe({"condition.place": place}, base=healthy_conditional_gan(), every=every))

    finding = placed(0.0)
    assert finding.severity == "error"
    assert [remedy.name for remedy in finding.remedies] == ["concatenate-in-one-order"]
    assert placed(1.1) is None
    # Several pairs in one step may be matched by chance; four records are too few.
    assert placed(0.6) is None
    assert placed(0.0, every=1000) is None


def test_a_condition_that_is_treated_otherwise_beside_fakes_is_an_error() -> None:
    def shown(share: float, every: int = 10):
        """Where in so many of the records the pictures beside reals and fakes are not alike."""
        alike = lambda t: (t >= share).astype(np.float64)  # noqa: E731
        return found(NAME, observe({"condition.alike": alike}, base=healthy_conditional_gan(), every=every))

    finding = shown(1.1)
    assert finding.severity == "error"
    assert [remedy.name for remedy in finding.remedies] == ["same-condition-beside-both"]
    assert shown(0.0) is None
    assert shown(0.8) is None  # a picture that was blank by chance
    assert shown(1.1, every=1000) is None
