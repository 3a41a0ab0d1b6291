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
