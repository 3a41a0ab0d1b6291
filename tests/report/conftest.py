"""A run with everything a page can show, and a reader of pages."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "checks"))
sys.path.insert(0, str(Path(__file__).parent))

from observe import healthy_ns_gan, observe

from equipoise.history.observations import Observations, Series

SCORE_BINS = 32


def histograms(steps: np.ndarray) -> dict[str, Series]:
    """Reals that stay at 1 and fakes that move from 1 to -1, in counts of 64."""
    centres = np.linspace(-4, 4, SCORE_BINS + 1)
    centres = (centres[1:] + centres[:-1]) / 2

    def counts(means: np.ndarray) -> np.ndarray:
        weights = np.exp(-2 * (centres[None, :] - means[:, None]) ** 2)
        return np.round(64 * weights / weights.sum(axis=1, keepdims=True))

    moves = 1 - 2 * steps / max(steps[-1], 1)
    return {
        "score.histogram.edges": Series(steps, np.tile([-4.0, 4.0], (len(steps), 1))),
        "score.real.histogram": Series(steps, counts(np.ones(len(steps)))),
        "score.fake.histogram": Series(steps, counts(moves)),
    }


@pytest.fixture
def healthy_run() -> Observations:
    observations = healthy_ns_gan(2000)
    steps = observations.signals["score.auc"].steps
    observations.signals |= histograms(steps)
    observations.signals["gradient.generator.layers"] = Series(steps, np.tile([0.5, 1.0], (len(steps), 1)))
    return observations


@pytest.fixture
def broken_run(healthy_run: Observations) -> Observations:
    """Reals in 0 to 255 against a tanh: a root cause with consequences."""
    return observe(
        {
            "sample.real.low": 0.0,
            "sample.real.high": 255.0,
            "sample.real.mean": 120.0,
            "sample.real.std": 60.0,
            "score.auc": 1.0,
            "score.accuracy.real": 1.0,
            "score.accuracy.fake": 1.0,
            "score.gap": 30.0,
            "sample.distance.ratio": 0.004,
        },
        base=healthy_run,
    )


@pytest.fixture
def image_samples() -> list[tuple[int, str, np.ndarray]]:
    chance = np.random.default_rng(0)
    return [
        (step, kind, chance.uniform(-1, 1, (64, 1, 8, 8)).astype(np.float32))
        for step in (10, 100, 1000)
        for kind in ("fake", "real")
    ]
