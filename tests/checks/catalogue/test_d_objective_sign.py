"""The same target for reals and fakes."""

from __future__ import annotations

import numpy as np
from observe import found, healthy_hinge_gan, healthy_least_squares_gan, healthy_ns_gan, observe

NAME = "d-objective-sign"


def test_both_pushed_the_same_way_is_an_error() -> None:
    finding = found(NAME, observe({"slope.fake.positive": 0.0}, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert "(up)" in finding.message


def test_equal_targets_under_least_squares_are_found_though_signs_are_mixed() -> None:
    run = observe(
        {"slope.fake.positive": 0.5, "slope.real.positive": 0.5},
        facts={"objective.target.fake": 0.98},
        base=healthy_least_squares_gan(),
    )
    assert found(NAME, run).severity == "error"


def test_met_margins_have_no_sign() -> None:
    nan = float("nan")
    run = observe({"slope.fake.positive": nan, "slope.real.positive": nan}, base=healthy_hinge_gan())
    assert found(NAME, run) is None


def test_five_percent_noisy_labels_and_smoothing_are_fine() -> None:
    run = observe(
        {"slope.fake.positive": 0.95, "slope.real.positive": 0.05},
        facts={"objective.target.real": 0.7, "objective.target.fake": 0.2},
        base=healthy_ns_gan(),
    )
    assert found(NAME, run) is None


def test_a_step_without_fakes_is_a_warning_if_roles_are_sure() -> None:
    signals = {"score.fake.mean": None, "slope.fake.positive": None}
    run = observe(signals, facts={"objective.target.fake": None}, base=healthy_ns_gan())
    assert found(NAME, run).severity == "warning"
    assert found(NAME, observe(facts={"roles.decided": 0.8}, base=run)) is None


def test_signs_that_agree_now_and_then_are_no_fault() -> None:
    run = observe({"slope.fake.positive": lambda t: (t > 0.5).astype(np.float64)}, base=healthy_ns_gan())
    assert found(NAME, run) is None


def test_a_step_that_sends_back_its_penalty_only_is_an_error() -> None:
    slopes = dict.fromkeys(
        ("slope.real.size", "slope.fake.size", "slope.real.positive", "slope.fake.positive")
    )
    penalty_only = observe({**slopes, "penalty.applied": 1.0}, base=healthy_ns_gan())
    finding = found(NAME, penalty_only)
    assert finding.severity == "error"
    assert "penalty" in finding.message
    unseen = observe({**slopes, "penalty.applied": 0.0}, base=healthy_ns_gan())
    assert found(NAME, unseen) is None
    one_half = {**slopes, "penalty.applied": 1.0, "slope.fake.size": 0.5}
    assert found(NAME, observe(one_half, base=healthy_ns_gan())) is None


def test_targets_are_named_as_the_loop_writes_them() -> None:
    """With reversed labels the record's targets are turned; the sentence turns them back."""
    facts = {"objective.target.fake": -1.0, "objective.target.real": -1.0, "score.orientation": -1}
    mixed = {"slope.fake.positive": 0.5, "slope.real.positive": 0.5}
    finding = found(NAME, observe(mixed, facts=facts, base=healthy_least_squares_gan()))
    assert "towards 1 on reals and 1 on fakes" in finding.message


def test_a_step_without_reals() -> None:
    signals = {"score.real.mean": None, "slope.real.positive": None}
    run = observe(signals, facts={"objective.target.real": None}, base=healthy_ns_gan())
    finding = found(NAME, run)
    assert finding.severity == "warning"
    assert [remedy.name for remedy in finding.remedies] == ["pass-reals"]
    assert found(NAME, observe(facts={"roles.decided": 0.8}, base=run)) is None
    assert found(NAME, observe({"score.fake.mean": [0.0] * 19}, base=run)) is None  # it may yet come


def test_targets_that_are_a_coins_toss() -> None:
    def verdict(real: float, fake: float, size: float, target: float | None = None) -> str | None:
        signals = {"slope.real.positive": real, "slope.fake.positive": fake}
        signals |= {"slope.real.size": size, "slope.fake.size": size}
        facts = {"objective.generator": "logistic", "objective.target.real": target}
        facts["objective.target.fake"] = None
        finding = found(NAME, observe(signals, facts=facts, base=healthy_ns_gan()))
        return finding and finding.severity

    assert verdict(0.52, 0.47, 0.5) == "error"
    # A third of the labels flipped still tells reals from fakes.
    assert verdict(0.33, 0.67, 0.5) is None
    # Soft targets that the scores have reached: both signs, but hardly any push.
    assert verdict(0.52, 0.47, 0.05) is None
    assert verdict(0.52, 0.47, 0.5, target=0.9) is None


def test_scores_that_no_loss_reaches_are_an_error() -> None:
    def reached(*counts: int):
        return found(NAME, observe(facts={"loss.reaches_scores": list(counts)}, base=healthy_ns_gan()))

    finding = reached(0, 30)
    assert finding.severity == "error"
    assert finding.evidence[0].name == "loss.reaches_scores"
    assert reached(30, 0) is None
    # A class term or a lazy penalty may have a step of its own; ten steps are too few to say so.
    assert reached(1, 30) is None
    assert reached(0, 10) is None


def test_scores_of_fakes_that_enter_no_loss_are_an_error() -> None:
    def used(*counts: int):
        return found(NAME, observe(facts={"loss.uses_fakes": list(counts)}, base=healthy_ns_gan()))

    finding = used(0, 30)
    assert finding.severity == "error"
    assert finding.evidence[0].name == "loss.uses_fakes"
    assert used(30, 0) is None
    assert used(1, 30) is None  # scored for a log in most steps, and judged in some


def test_samples_that_are_real_in_parts_are_no_step_without_reals() -> None:
    alone = observe({"score.real.mean": None, "slope.real.positive": None}, base=healthy_ns_gan())

    def divided(share: float | None):
        return found(NAME, observe(facts={"roles.divided": share}, base=alone))

    assert divided(0.0).severity == "warning"
    assert divided(None).severity == "warning"
    assert divided(0.9) is None


def test_reals_that_are_judged_a_second_time_as_fakes_are_an_error() -> None:
    def again(share: float, every: int = 10):
        same = lambda t: (t < share).astype(np.float64)  # noqa: E731
        return found(NAME, observe({"batch.fake.real": same}, base=healthy_ns_gan(), every=every))

    finding = again(1.1)
    assert finding.severity == "error"
    assert finding.evidence[0].name == "batch.fake.real"
    assert again(0.0) is None
    # A batch that meets itself now and then is chance; four records are too few.
    assert again(0.6) is None
    assert again(1.1, every=1000) is None
