"""Sensors that were switched off."""

from __future__ import annotations

from observe import found, healthy_ns_gan, observe

NAME = "sensor-failure"


def test_problems_are_repeated() -> None:
    problems = ["The sensor of scores failed.", "The sensor of latents failed."]
    finding = found(NAME, observe(facts={"problems": problems}, base=healthy_ns_gan()))
    assert finding.severity == "info"
    assert problems[0] in finding.message
    assert "1 more" in finding.message
    assert finding.details["problems"] == problems


def test_no_problem_no_finding() -> None:
    assert found(NAME, healthy_ns_gan()) is None
