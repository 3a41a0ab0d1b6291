"""Observations for the checks' contract: nothing, nothing but nan, and random values of the right types."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from equipoise.history.catalogue import FACTS, PROBES, SIGNALS
from equipoise.history.observations import Observations, ProbeResult, Series

_FAMILIES = [
    "non-saturating",
    "minimax",
    "least-squares",
    "hinge",
    "wasserstein",
    "relativistic-average-hinge",
    "relativistic-pairing",
]
_LAYER = {"name": "0", "type": "Conv2d", "kernel": [3, 3], "stride": [2, 2], "parameters": 100}
_INITIAL = {
    "name": "0",
    "type": "Conv2d",
    "std": 0.3,
    "expected_std": 0.02,
    "mean": 0.0,
    "weight_mean": 0.0,
}
_OPTIMIZER = {
    "type": "Adam",
    "player": "generator",
    "learning_rate": 0.05,
    "betas": [0.9, 0.999],
    "epsilon": 1e-8,
    "momentum": 0.0,
    "weight_decay": 0.0,
    "generator_share": 1.0,
    "discriminator_share": 0.5,
    "foreign": 0,
    "missing": 3,
}
# Values that these facts may have; those of the other facts follow from `_ANY`.
_VALUES: dict[str, list[Any]] = {
    "score.orientation": [1, -1, 0],
    "score.shape": [[[]], [[1, 14, 14]], [[1, 14, 14], [1, 7, 7]], []],
    "objective.declared": _FAMILIES,
    "objective.family": _FAMILIES,
    "objective.discriminator": _FAMILIES,
    "objective.generator": _FAMILIES,
    "objective.target.real": [1.0, 0.9, 0.0],
    "objective.target.fake": [0.0, 0.1, 1.0],
    "objective.clamped": [1e-12, 1e-7],
    "objective.composite": [0.0, 0.5, 0.99],
    "objective.composite.all": [0.0, 0.5, 0.99],
    "generator.layers": [[_LAYER, {**_LAYER, "type": "Tanh"}], [{"name": "0", "type": "Linear"}], []],
    "discriminator.layers": [[_LAYER, {**_LAYER, "type": "Sigmoid"}], [{"name": "0", "type": "Linear"}], []],
    "generator.output_activation": ["tanh", "sigmoid", "relu"],
    "discriminator.output_activation": ["sigmoid", "tanh", "softmax"],
    "discriminator.batch_norm": [0, 3],
    "discriminator.instance_norm": [0, 1],
    "discriminator.spectral_norm": [0.0, 0.5, 1.0],
    "generator.input": ["latent", "image", "both"],
    "generator.overlap": [[], ["main.3"]],
    "generator.initialisation": [[_INITIAL, {**_INITIAL, "std": 0.001}], [{"name": "0"}], []],
    "discriminator.initialisation": [[_INITIAL], [{**_INITIAL, "std": None}], []],
    "generator.parameters": [0, 10_000],
    "discriminator.parameters": [0, 10_000],
    "shared.parameters": [0, 50],
    "generator.unregistered": [None, {"places": ["blocks"], "parameters": 5_000}, {}],
    "discriminator.unregistered": [None, {"places": ["blocks"], "parameters": 5_000}, {}],
    "optimizers": [
        [_OPTIMIZER],
        [_OPTIMIZER, {**_OPTIMIZER, "player": "discriminator", "betas": None, "learning_rate": 1e-9}],
        [{"type": "SGD"}],
        [],
    ],
    "modes": [{"generator_training": 0.0, "discriminator_training": 1.0}, {}],
    "precision": ["float32", "float16", "bfloat16"],
    "steps.ratio": [1.0, 5.0, 0.2],
    "weight.clipping": [0.01],
    "gradient.clipping": [{"player": "generator", "kind": "value", "bound": 0.01}, {}],
    "data.real.dtype": ["float32", "uint8"],
    "data.kind": ["image", "vector", "sequence"],
    "data.shape": [[1, 28, 28], [2], [3, 64]],
    "ema": [
        [],
        [{"decay": 0.9999, "buffers_copied": False}],
        [{"decay": None, "buffers_copied": None}],
        [{}],
    ],
    "ema.untouched": [[], [{"calls": 3, "updates": 5_000, "moved": 0.5}], [{}]],
    "roles.decided": [0.0, 0.5, 1.0],
    "problems": [[], ["The sensor of scores was switched off: RuntimeError."]],
    "log.columns": [{}, {"loss.discriminator": "D_loss"}],
    "log.missing": [[], ["scores"]],
}
_ANY: list[Any] = [True, False]
# Where random values come from: shares, sizes, exact values that thresholds meet, huge, tiny, not finite.
_LEVELS = [0.0, 1.0, 0.5, -1.0, 0.02, 0.999, 2.0, 10.0, 1e-9, 1e6, -1e6, math.inf, math.nan]


class Recorded(Observations):
    """Observations that note what is asked of them."""

    asked_signals: set[str]
    asked_facts: set[str]
    asked_probes: set[str]

    @classmethod
    def of(cls, other: Observations) -> Recorded:
        recorded = cls(**{name: getattr(other, name) for name in other.__dataclass_fields__})
        recorded.asked_signals, recorded.asked_facts, recorded.asked_probes = set(), set(), set()
        return recorded

    def series(self, name: str) -> Series:
        self.asked_signals.add(name)
        return super().series(name)

    def fact(self, name: str, default: Any = None) -> Any:
        self.asked_facts.add(name)
        return super().fact(name, default)

    def probe(self, name: str) -> ProbeResult | None:
        self.asked_probes.add(name)
        return super().probe(name)

    def probes(self, name: str) -> list[ProbeResult]:
        self.asked_probes.add(name)
        return super().probes(name)

    def at(self, step: int) -> Recorded:
        earlier = Recorded.of(super().at(step))
        earlier.asked_signals = self.asked_signals
        earlier.asked_facts = self.asked_facts
        earlier.asked_probes = self.asked_probes
        return earlier


@functools.cache
def inputs(fuzz: int) -> tuple[tuple[str, Observations], ...]:
    """Each observation with a label that says what it holds; made once, since many checks are run on them."""
    chance = ((f"random values (seed {seed})", _random(seed)) for seed in range(fuzz))
    made = (("nothing", Observations()), ("nothing but nan", _only_nan()), *chance)
    for _, observations in made:
        for series in observations.signals.values():
            series.values.setflags(write=False)
            series.steps.setflags(write=False)
    return made


def _only_nan() -> Observations:
    steps = np.arange(0, 1000, 10, dtype=np.float64)
    return Observations(
        signals={
            name: Series(steps, np.full((len(steps), 3) if signal.kind == "vector" else len(steps), math.nan))
            for name, signal in SIGNALS.items()
        },
        probe_results=[
            ProbeResult(name, 1000, dict.fromkeys(probe.numbers, math.nan)) for name, probe in PROBES.items()
        ],
        step=1000,
        updates={"generator": 1000, "discriminator": 1000},
    )


def _random(seed: int) -> Observations:
    """Random walks and plateaus in every signal, random facts and probe numbers, some of all left out."""
    chance = np.random.default_rng(seed)
    last = int(chance.choice([0, 5, 150, 1000, 20_000]))
    signals = {}
    for name, signal in SIGNALS.items():
        if chance.random() < 0.15:
            continue
        count = int(chance.choice([1, 2, 30, 120]))
        steps = np.sort(chance.integers(0, last + 1, count)).astype(np.float64)
        shape = (count, 4) if signal.kind == "vector" else (count,)
        values = np.full(shape, chance.choice(_LEVELS))
        if chance.random() < 0.6:
            with np.errstate(all="ignore"):
                values = values + chance.choice([1e-6, 0.1, 10.0]) * chance.standard_normal(shape).cumsum(0)
        if chance.random() < 0.2:
            values[chance.random(count) < 0.3] = math.nan
        signals[name] = Series(steps, values)
    facts = {}
    for name in FACTS:
        if chance.random() < 0.8:
            options = [*_VALUES.get(name, _ANY), None]
            facts[name] = options[int(chance.integers(len(options)))]
    results = [
        ProbeResult(name, last, {number: float(chance.choice(_LEVELS)) for number in probe.numbers})
        for name, probe in PROBES.items()
        if chance.random() < 0.7
    ]
    return Observations(
        signals=signals,
        facts=facts,
        probe_results=results,
        step=last,
        updates={"generator": int(chance.integers(0, last + 1)), "discriminator": last},
    )
