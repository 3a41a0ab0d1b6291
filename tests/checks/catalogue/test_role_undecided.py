"""Roles that could not be told."""

from __future__ import annotations

from observe import found, healthy_ns_gan, observe

NAME = "role-undecided"


def test_few_decided_roles_are_said_and_tags_asked_for() -> None:
    finding = found(NAME, observe(facts={"roles.decided": 0.6}, base=healthy_ns_gan()))
    assert finding.severity == "info"
    assert "monitor.real" in finding.message


def test_decided_roles_unknown_roles_and_the_first_steps_say_nothing() -> None:
    assert found(NAME, observe(facts={"roles.decided": 0.98}, base=healthy_ns_gan())) is None
    assert found(NAME, observe(facts={"roles.decided": None}, base=healthy_ns_gan())) is None
    assert found(NAME, observe(facts={"roles.decided": 0.0}, step=5)) is None


def test_updates_without_a_single_forward_pass_are_no_clean_bill() -> None:
    unseen = observe({"update.discriminator": 1e-3, "update.generator": 1e-3}, step=300)
    finding = found(NAME, unseen)
    assert finding.severity == "warning"
    assert [remedy.name for remedy in finding.remedies] == ["watch-what-is-called"]


def test_a_log_without_updates_or_a_run_with_scores_is_not_called_unseen() -> None:
    assert found(NAME, observe({"loss.discriminator": 0.7}, step=300)) is None
    seen = observe({"update.discriminator": 1e-3, "score.real.mean": 0.2}, step=300)
    assert found(NAME, seen) is None


def test_a_discriminator_of_tokens_is_no_stranger() -> None:
    unseen = {"update.discriminator": 1e-3, "update.generator": 1e-3}
    finding = found(NAME, observe(unseen, facts={"discriminator.discrete": True}, step=300))
    assert finding.severity == "info"
    assert "tokens" in finding.message
