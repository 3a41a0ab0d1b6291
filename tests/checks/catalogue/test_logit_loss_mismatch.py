"""A last activation that does not fit the loss."""

from __future__ import annotations

import numpy as np
import pytest
from observe import found, healthy_least_squares_gan, healthy_ns_gan, healthy_wasserstein_gp, observe

from equipoise.checks.fingerprints import ENVELOPE_FAKE_LOW, ENVELOPE_REAL_LOW

NAME = "logit-loss-mismatch"


def test_a_double_sigmoid_is_an_error() -> None:
    finding = found(NAME, observe(facts={"objective.double_sigmoid": True}, base=healthy_ns_gan()))
    assert finding.severity == "error"


def test_probabilities_under_a_loss_of_logits_need_both_signals() -> None:
    inside = {"score.output.low": 0.02, "score.output.high": 0.97}
    assert found(NAME, observe(inside, base=healthy_ns_gan())).severity == "error"
    # A loss on probabilities, which is right, does not fit the slopes of logits.
    assert found(NAME, observe({**inside, "objective.fit": 0.6}, base=healthy_ns_gan())) is None
    # A discriminator that cannot tell has logits on both sides of zero.
    around = {"score.output.low": -0.05, "score.output.high": 0.05}
    assert found(NAME, observe(around, base=healthy_ns_gan())) is None


def test_least_squares_between_zero_and_one_is_fine() -> None:
    inside = {"score.output.low": 0.02, "score.output.high": 0.97}
    assert found(NAME, observe(inside, base=healthy_least_squares_gan())) is None


SQUASHED = [("wasserstein", "error"), ("hinge", "warning"), ("relativistic-average", "warning")]


@pytest.mark.parametrize(("family", "severity"), SQUASHED)
def test_a_squashed_critic(family: str, severity: str) -> None:
    facts = {"discriminator.output_activation": "sigmoid", "objective.declared": family}
    assert found(NAME, observe(facts=facts, base=healthy_wasserstein_gp())).severity == severity
    fitted = {"discriminator.output_activation": "tanh", "objective.family.output": family}
    assert found(NAME, observe(facts=fitted, base=healthy_wasserstein_gp())).severity == severity


def test_the_mean_of_a_probability_beside_other_terms_is_information_unless_something_else_bounds_it() -> (
    None
):
    free = {
        "discriminator.output_activation": "sigmoid",
        "objective.declared": None,
        "objective.family.output": "wasserstein",
        "objective.composite": 0.9,
        "weight.clipping": None,
        "discriminator.spectral_norm": 0.0,
    }
    none = {"penalty.applied": 0.0}
    assert found(NAME, observe(none, facts=free, base=healthy_ns_gan())).severity == "info"
    for bound in (
        {"weight.clipping": 0.01},
        {"discriminator.spectral_norm": 1.0},
        {"objective.composite": 0.0},
        {"objective.composite": None},
        {"objective.declared": "wasserstein"},
    ):
        assert found(NAME, observe(none, facts=free | bound, base=healthy_ns_gan())).severity == "error"
    penalised = observe({"penalty.applied": 1.0}, facts=free, base=healthy_ns_gan())
    assert found(NAME, penalised).severity == "error"


def test_a_squashed_critic_whose_penalty_hides_the_family() -> None:
    facts = {
        "discriminator.output_activation": "sigmoid",
        "objective.declared": None,
        "objective.family.output": None,
        "objective.generator": "wasserstein",
    }
    assert found(NAME, observe(facts=facts, base=healthy_wasserstein_gp())).severity == "warning"
    logistic = {**facts, "objective.generator": "logistic"}
    assert found(NAME, observe(facts=logistic, base=healthy_ns_gan())) is None


def test_a_sigmoid_under_cross_entropy_or_least_squares_is_no_mismatch() -> None:
    for family in ("non-saturating", "least-squares", "cross-entropy"):
        facts = {"discriminator.output_activation": "sigmoid", "objective.family.output": family}
        assert found(NAME, observe(facts=facts, base=healthy_ns_gan())) is None


def _log(fake, real):
    return observe(
        {"loss.discriminator.fake": fake, "loss.discriminator.real": real}, step=1000, source="log"
    )


def test_a_log_inside_the_envelope_is_a_warning() -> None:
    # p falls from 0.9 to 0.1 on fakes and rises on reals; the losses are those of a second sigmoid.
    run = _log(lambda t: np.log1p(np.exp(0.9 - 0.8 * t)), lambda t: np.log1p(np.exp(-(0.2 + 0.7 * t))))
    assert found(NAME, run).severity == "warning"


def test_a_log_of_logits_leaves_the_envelope() -> None:
    run = _log(lambda t: np.log1p(np.exp(1 - 3 * t)), lambda t: np.log1p(np.exp(-3 * t)))
    assert found(NAME, run) is None


def test_a_plateau_at_ln_2_is_no_envelope() -> None:
    assert found(NAME, _log(np.log(2), np.log(2))) is None


def test_the_bounds_of_the_envelope() -> None:
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    logits = np.linspace(-40, 40, 1001)
    real = -np.log(sigmoid(sigmoid(logits)))
    fake = -np.log(1 - sigmoid(sigmoid(logits)))
    assert pytest.approx(real.min(), abs=1e-9) == ENVELOPE_REAL_LOW
    assert pytest.approx(fake.min(), abs=1e-9) == ENVELOPE_FAKE_LOW


def test_logits_that_nothing_moves_stay_near_zero_not_near_one_half() -> None:
    still = {"score.output.low": 0.18, "score.output.high": 0.36}
    assert found(NAME, observe(still, base=healthy_ns_gan())) is None
    probabilities = {"score.output.low": 0.4, "score.output.high": 0.6}
    assert found(NAME, observe(probabilities, base=healthy_ns_gan())) is not None


def test_a_tanh_before_a_loss_of_logits() -> None:
    facts = {"discriminator.output_activation": "tanh", "objective.family.output": "logistic"}
    assert found(NAME, observe(facts=facts, base=healthy_ns_gan())).severity == "error"
    for change in (
        {"discriminator.output_activation": None},
        {"objective.family.output": "least-squares", "objective.family": "least-squares"},
    ):
        assert found(NAME, observe(facts={**facts, **change}, base=healthy_ns_gan())) is None
    # Where a penalty hides the family at the discriminator's scores, the generator's own slopes tell.
    hidden = {"discriminator.output_activation": "tanh", "objective.family.output": None}
    for generated, severity in (("logistic", "warning"), ("least-squares", None)):
        run = observe(facts={**hidden, "objective.generator": generated}, base=healthy_ns_gan())
        finding = found(NAME, run)
        assert (finding and finding.severity) == severity


def ends(chain: list[str], low: float | None, high: float | None, base=None, **facts):
    facts = {name.replace("_", "."): value for name, value in facts.items()} | {
        "discriminator.output_activation": chain[0],
        "discriminator.output_activations": chain,
        "discriminator.output_range": [low, high],
    }
    return found(NAME, observe(facts=facts, base=base or healthy_ns_gan()))


def test_what_the_last_activations_leave_possible() -> None:
    """Zero as the lowest score is no fault under least squares, and a slope lost under Wasserstein."""
    assert ends(["sigmoid", "relu"], 0.5, 1.0).severity == "error"
    assert ends(["sigmoid", "leaky-relu"], 0.0, 1.0) is None
    assert ends(["relu"], 0.0, None).severity == "error"
    assert ends(["leaky-relu"], None, None) is None
    assert ends(["relu"], 0.0, None, base=healthy_wasserstein_gp()).severity == "warning"
    assert ends(["softplus"], 0.0, None, base=healthy_wasserstein_gp()) is None
    assert ends(["relu"], 0.0, None, base=healthy_least_squares_gan()) is None


def test_a_softmax_of_one_answer_is_told_from_one_of_two_and_from_a_sure_sigmoid() -> None:
    one = {"score.output.low": 1.0, "score.output.high": 1.0}
    two = {"score.output.low": 0.3, "score.output.high": 1.0}
    softmax = {"discriminator.output_activation": "softmax"}
    assert "a single answer" in found(NAME, observe(one, facts=softmax, base=healthy_ns_gan())).message
    assert found(NAME, observe(two, facts=softmax, base=healthy_ns_gan())) is None
    sure = {"discriminator.output_activation": "sigmoid"}
    assert found(NAME, observe(one, facts=sure, base=healthy_ns_gan())) is None
