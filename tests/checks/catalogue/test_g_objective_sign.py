"""The generator that is trained to look fake, and conventions that only look like it."""

from __future__ import annotations

from observe import found, healthy_least_squares_gan, healthy_ns_gan, healthy_reversed_gan, observe

NAME = "g-objective-sign"


def test_a_generator_pushed_away_from_real_is_an_error() -> None:
    finding = found(NAME, observe({"slope.generator.positive": 1.0}, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert finding.evidence[0].value == 1.0
    assert finding.evidence[0].threshold == 0.0


def test_it_is_found_under_a_reversed_convention_too() -> None:
    finding = found(NAME, observe({"slope.generator.positive": 0.0}, base=healthy_reversed_gan()))
    assert finding.severity == "error"
    assert "down" in finding.message


def test_reversed_but_consistent_labels_are_fine() -> None:
    assert found(NAME, healthy_reversed_gan()) is None


def test_least_squares_towards_the_fake_target_is_found_by_the_target() -> None:
    # At the fake target the slopes take both signs, so the sign alone says nothing.
    mixed = observe({"slope.generator.positive": 0.5}, base=healthy_least_squares_gan())
    assert found(NAME, mixed) is None
    finding = found(NAME, observe(facts={"objective.target.generator": 0.03}, base=mixed))
    assert finding.severity == "error"
    assert finding.evidence[0].name == "objective.target.generator"


def test_smoothed_targets_are_fine() -> None:
    facts = {
        "objective.target.real": 0.9,
        "objective.target.fake": 0.1,
        "objective.target.generator": 0.85,
    }
    assert found(NAME, observe(facts=facts, base=healthy_ns_gan())) is None


def test_the_saturating_loss_with_its_target_of_fakes_is_fine() -> None:
    facts = {"objective.generator": "minimax", "objective.target.generator": 0.0}
    assert found(NAME, observe(facts=facts, base=healthy_ns_gan())) is None


def test_a_discriminator_with_one_target_is_left_to_the_other_check() -> None:
    assert found(NAME, observe({"slope.fake.positive": 0.0}, base=healthy_ns_gan())) is None


def test_one_half_without_slopes_is_enough() -> None:
    # Relativistic margins met on reals: only the fakes' slopes are left to tell the direction.
    signals = {"slope.real.positive": float("nan"), "slope.generator.positive": 1.0}
    assert found(NAME, observe(signals, base=healthy_ns_gan())).severity == "error"


def test_four_records_are_too_few() -> None:
    assert found(NAME, observe({"slope.generator.positive": [1.0] * 4}, base=healthy_ns_gan())) is None


def test_a_target_on_the_fakes_side_where_the_discriminators_are_not_known() -> None:
    """Patches of a pool of fakes: the fit of the discriminator's side fails, the generator's does not."""

    def run(target: float, fake: float, down: float, real: float = 0.96, orientation: int = 1):
        facts = {
            "score.orientation": orientation,
            "objective.target.generator": target,
            "objective.target.real": None,
            "objective.target.fake": None,
            "objective.generator": "least-squares",
        }
        signals = {
            "score.real.mean": real,
            "score.fake.mean": fake,
            "slope.generator.positive": down,
            "slope.real.positive": 0.4,
            "slope.fake.positive": 0.6,
        }
        return found(NAME, observe(signals, facts=facts, base=healthy_least_squares_gan()))

    assert run(0.0, 0.1, 0.7).severity == "error"
    assert run(1.0, 0.1, 0.0) is None
    # Least squares with 0 between -1 and 1: most fakes are pushed up, or both are near it.
    assert run(0.0, -0.2, 0.3, real=0.8) is None
    assert run(0.0, 0.05, 0.7, real=0.1) is None
    # Reversed labels (reals at 0, fakes at 1): targets face the reals, scores and slopes are as they are.
    assert run(-1.0, 0.9, 0.3, real=0.04, orientation=-1).severity == "error"
    assert run(0.0, 0.9, 1.0, real=0.04, orientation=-1) is None
    assert run(-1.0, 0.9, 0.7, real=0.04, orientation=-1) is None


def test_behind_noisy_labels_what_the_discriminator_has_learnt_decides() -> None:
    noisy = {"slope.real.positive": 0.4, "slope.fake.positive": 0.6, "score.auc": 0.99}
    scores = {"score.real.mean": 2.0, "score.fake.mean": -1.5, "score.generator.mean": -1.5}
    facts = {f"objective.target.{role}": None for role in ("real", "fake", "generator")}

    def run(**changed):
        return found(NAME, observe({**noisy, **scores, **changed}, facts=facts, base=healthy_ns_gan()))

    away = {"slope.generator.positive": 1.0}
    assert run(**away).severity == "error"
    assert run(**{"slope.generator.positive": 0.0}) is None
    # Fakes beyond the reals are pushed back by a loss with a target, and a guess shows no side.
    assert run(**away, **{"score.generator.mean": 2.5}) is None
    assert run(**away, **{"score.auc": 0.6}) is None


def test_where_lower_means_real_the_discriminator_may_be_the_one_mixed_up() -> None:
    assert (
        "targets are exchanged"
        not in found(NAME, observe({"slope.generator.positive": 1.0}, base=healthy_ns_gan())).message
    )
    assert (
        "targets are exchanged"
        in found(NAME, observe({"slope.generator.positive": 0.0}, base=healthy_reversed_gan())).message
    )


def _subtracted(score: float, pushed: float, reversed_scores: bool = False, **facts: object):
    """Least squares whose adversarial term fits nothing, beside reals whose slopes take both signs."""
    sign = -1.0 if reversed_scores else 1.0
    signals = {
        "score.generator.mean": sign * score,
        "score.auc": 0.7,
        "slope.real.positive": 0.45,
        "slope.generator.positive": 1.0 - pushed if reversed_scores else pushed,
    }
    told = {
        "objective.target.generator": None,
        "objective.target.real": 1.0,
        "objective.target.fake": 0.0,
        "objective.discriminator": "least-squares",
        "score.orientation": int(sign),
        **facts,
    }
    return found(NAME, observe(signals, facts=told, base=healthy_least_squares_gan()))


def test_a_least_squares_term_that_is_subtracted_drives_away_from_the_reals() -> None:
    finding = _subtracted(0.1, 1.0)
    assert finding.severity == "error"
    assert finding.evidence[1].threshold == 1.0
    assert _subtracted(0.1, 1.0, reversed_scores=True).severity == "error"


def test_scores_that_are_pulled_to_a_target_are_not_driven_away() -> None:
    assert _subtracted(0.1, 0.0) is None
    # Beyond the half, a target of one half would push down as well.
    assert _subtracted(0.6, 1.0) is None
    # The targets of cross entropy are probabilities, the scores are logits.
    assert _subtracted(0.1, 1.0, **{"objective.discriminator": "non-saturating"}) is None


def test_players_who_push_the_places_of_one_sample_the_same_way() -> None:
    def places(opposite: int, same: int):
        return found(NAME, observe(facts={"roles.places": [opposite, same]}, base=healthy_ns_gan()))

    finding = places(0, 12)
    assert finding.severity == "error"
    assert finding.evidence[0].name == "roles.places"
    assert places(12, 0) is None
    # Masks of another batch agree now and then.
    assert places(3, 12) is None
    assert places(0, 9) is None
