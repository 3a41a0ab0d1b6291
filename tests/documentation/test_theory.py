"""The numbers of the theory pages are what the code gives, and agree with closed forms."""

from __future__ import annotations

import json
import math

import pytest
import torch

from equipoise.lab import dirac
from tools.documentation import theory

KEPT = json.loads((theory.FOLDER / "theory.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["slopes", "distances", "critics", "rotation", "clones"])
def test_committed_numbers_are_what_the_script_gives(name: str, monkeypatch) -> None:
    monkeypatch.setattr(theory, "_save", lambda figure, name: theory.pyplot.close(figure))
    assert flat(json.loads(json.dumps(theory.FIGURES[name]()))) == pytest.approx(
        flat(KEPT[name]),
        rel=1e-3,
        abs=1e-6,  # single precision: the last bit is the processor's
    )


def flat(value, prefix: str = "") -> dict[str, float]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {k: v for key, part in value.items() for k, v in flat(part, f"{prefix}/{key}").items()}


def test_slopes_are_those_of_the_formulas() -> None:
    score = torch.tensor([-6.0, 0.0, 2.0], dtype=torch.float64)
    sigma = torch.sigmoid(score)
    for name, slope in {
        "minimax": -sigma,
        "non-saturating": sigma - 1,
        "least-squares": score - 1,
        "hinge": -torch.ones(3, dtype=torch.float64),
        "wasserstein": -torch.ones(3, dtype=torch.float64),
    }.items():
        torch.testing.assert_close(theory.generator_slope(name, score), slope)


def test_the_divergence_is_log_two_apart_and_zero_together() -> None:
    assert theory.jensen_shannon(0.0, 0.1) == pytest.approx(0.0, abs=1e-12)
    assert theory.jensen_shannon(3.0, 0.1) == pytest.approx(math.log(2), abs=1e-9)
    # Independent: JS = H(1/2) - E[H(posterior)], here by sampling.
    draws = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.3
    posterior = torch.sigmoid(-(draws * 1.0 - 0.5) / 0.09)
    entropy = -(posterior * posterior.log() + (1 - posterior) * torch.log1p(-posterior))
    assert theory.jensen_shannon(1.0, 0.3) == pytest.approx(math.log(2) - entropy.nanmean().item(), abs=2e-3)


def test_the_starved_gradient_and_the_kept_one_are_orders_apart() -> None:
    numbers = KEPT["starvation"]
    assert numbers["minimax"]["ratio"] < 0.1
    assert numbers["non-saturating"]["ratio"] > 1
    for kept in ("minimax with R1 and R2", "Wasserstein with gradient penalty"):
        assert 0.3 < numbers[kept]["ratio"] < 10
        assert numbers[kept]["accuracy"] > 0.95


def test_r1_converges_above_a_quarter_of_the_step_and_diverges_below() -> None:
    bound = dirac.RATE / 4
    for gamma, grows in ((0.5 * bound, True), (2 * bound, False)):
        away = dirac.distance(dirac.play(dirac.r1(gamma), 400))
        assert (away[400] > away[200]) == grows
