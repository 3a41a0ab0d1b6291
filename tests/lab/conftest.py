"""An experiment that takes no time, for what surrounds experiments."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.lab import Arm, Expectation, Outcome
from equipoise.lab.panels import (
    Bar,
    BarPanel,
    Curve,
    HistogramPanel,
    ImagePanel,
    ImageRow,
    LinePanel,
    Points,
    Reference,
    ScatterPanel,
    Values,
)


def make_outcome(measured: float = 2.0) -> Outcome:
    broken = Arm("broken", "failure", "as published")
    broken.number("gradient", 1e-6)
    broken.curve("gradient", [0, 1, 2], [1.0, 0.1, float("inf")])
    broken.state = "failing"
    mended = Arm("mended", "cure", "with <the> penalty")
    mended.number("gradient", 0.5, "per step")
    mended.curve("gradient", [0, 1, 2], [1.0, 0.9, 0.5])
    mended.state = "cured"
    rng = np.random.default_rng(0)
    panels = [
        LinePanel(
            "The gradient falls in one arm only.",
            "step",
            "norm",
            (Curve("broken", "gradient"), Curve("mended", "gradient", "with penalty", "points")),
            y_scale="log",
            references=(Reference(0.1, "a tenth"), Reference(1.0, "now", "x")),
        ),
        ScatterPanel(
            "Fakes leave the data.",
            "x",
            "y",
            (
                Points("real", "data", rng.normal(size=(50, 2))),
                Points("field", "failure", rng.normal(size=(9, 2)), directions=rng.normal(size=(9, 2))),
                Points("path", "cure", rng.normal(size=(9, 2)), path=True),
            ),
        ),
        ImagePanel(
            "All alike.",
            (
                ImageRow("real", "data", rng.integers(0, 255, (4, 1, 8, 8)).astype(np.uint8)),
                ImageRow("fake", "failure", np.zeros((4, 3, 8, 8), np.uint8)),
            ),
        ),
        HistogramPanel("Scores part.", "score", (Values("real", "data", rng.normal(size=99)),)),
        BarPanel(
            "The second is shorter.",
            "modes",
            (Bar("a", "cure", 8.0), Bar("b", "failure", float("nan"))),
            references=(Reference(4.0, "half"),),
        ),
    ]
    expectations = [Expectation("It is at least one.", measured, ">=", 1.0, "by definition", "units")]
    return Outcome([broken, mended], expectations, ["A toy."], panels, "gradient")


@pytest.fixture
def outcome() -> Outcome:
    return make_outcome()
