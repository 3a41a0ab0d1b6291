"""Shared remedies."""

from __future__ import annotations

import pytest

from equipoise.checks.base import CHECKS
from equipoise.checks.cures import root, symptomatic


def test_the_cure_is_what_was_asked_for() -> None:
    assert [r.cure for r in root("r1-penalty", "packing")] == ["root", "root"]
    assert symptomatic("roll-back")[0].cure == "symptomatic"


def test_an_unknown_remedy_is_an_error() -> None:
    with pytest.raises(KeyError):
        root("magic")


def test_label_tricks_are_never_a_root_cure() -> None:
    """They hide a perfect discriminator (design, "what a remedy must be")."""
    tricks = {"one-sided-label-smoothing", "noisy-labels", "fewer-discriminator-steps"}
    tricks |= {"lower-discriminator-learning-rate"}
    for _, check in CHECKS.items():
        assert not [r.name for r in check.remedies if r.name in tricks and r.cure == "root"]


def test_root_cures_come_first() -> None:
    for name in ("vanishing-generator-gradient", "perfect-discriminator", "mode-collapse", "oscillation"):
        cures = [remedy.cure for remedy in CHECKS.get(name).remedies]
        assert cures[0] == "root"
