"""Observations for tests of checks: `observe` builds or overlays them, `healthy_*` have nothing wrong.

    from observe import healthy_hinge_gan, observe

    observe({"score.auc": 0.8}, step=2000)                           # constant from step 0 on, every 10 steps
    observe({"score.auc": [0.5, 0.7, 1.0]})                           # spread evenly over the run
    observe({"score.auc": 1.0}, base=healthy_hinge_gan())             # a healthy run with one thing changed
    observe({"score.auc": lambda t: 0.5 + 0.5 * t})                   # t from 0 (start) to 1 (end)

A value of None removes a signal or fact of the base. Probe numbers replace the base's result of that probe.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from equipoise.checks.base import CHECKS
from equipoise.checks.finding import Finding
from equipoise.history.catalogue import check_fact, check_probe, check_signal
from equipoise.history.observations import Observations, ProbeResult, Series

Values = float | Sequence[float] | np.ndarray | Series | Callable[[np.ndarray], np.ndarray] | None


def observe(
    signals: Mapping[str, Values] | None = None,
    *,
    step: int | None = None,
    facts: Mapping[str, Any] | None = None,
    probes: Mapping[str, Mapping[str, float]] | None = None,
    updates: Mapping[str, int] | None = None,
    every: int = 10,
    noise: float = 0.0,
    source: str | None = None,
    base: Observations | None = None,
) -> Observations:
    """Observations with these signals, facts and probe numbers, on top of `base`.

    Args:
        noise: standard deviation of seeded noise added to constant signals.
        every: steps between two records.
    """
    start = base or Observations(step=1000, updates={"generator": 1000, "discriminator": 1000})
    last = start.step if step is None else step
    chance = np.random.default_rng(0)
    steps = np.arange(0, last + 1, every, dtype=np.float64)
    new_signals = dict(start.signals)
    for name, values in (signals or {}).items():
        check_signal(name)
        if values is None:
            new_signals.pop(name, None)
            continue
        new_signals[name] = _series(values, steps, noise, chance)
    new_facts = dict(start.facts)
    for name, value in (facts or {}).items():
        check_fact(name)
        new_facts[name] = value
    results = [result for result in start.probe_results if result.name not in (probes or {})]
    for name, numbers in (probes or {}).items():
        unknown = set(numbers) - set(check_probe(name).numbers)
        assert not unknown, f"{name} has no {unknown}"
        results.append(ProbeResult(name, last, dict(numbers)))
    new_updates = {**start.updates, **(updates or {})}
    if step is not None and updates is None:
        new_updates = {"generator": step, "discriminator": step}
    return dataclasses.replace(
        start,
        signals=new_signals,
        facts=new_facts,
        probe_results=results,
        step=last,
        updates=new_updates,
        source=source or start.source,
    )


def found(name: str, observations: Observations) -> Finding | None:
    """What the registered check of that name finds."""
    return CHECKS.get(name)().run(observations)


def verdicts(finding: Finding) -> dict[str, str]:
    """The alternatives of a finding and what became of them."""
    return {alternative.cause: alternative.verdict for alternative in finding.because}


def _series(values: Values, steps: np.ndarray, noise: float, chance: np.random.Generator) -> Series:
    if isinstance(values, Series):
        return values
    if callable(values):
        return Series(steps, np.asarray(values(steps / max(steps[-1], 1.0)), dtype=np.float64))
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0:
        constant = np.full(len(steps), float(array))
        return Series(steps, constant + (noise * chance.standard_normal(len(steps)) if noise else 0.0))
    return Series(np.linspace(0, steps[-1], len(array)), array)


def _image_facts(**more: Any) -> dict[str, Any]:
    convolution = {"type": "ConvTranspose2d", "kernel": [4, 4], "stride": [2, 2], "parameters": 100_000}
    optimizer = {
        "type": "Adam",
        "learning_rate": 2e-4,
        "betas": [0.5, 0.999],
        "epsilon": 1e-8,
        "momentum": None,
        "weight_decay": 0.0,
        "foreign": 0,
        "missing": 0,
    }
    return {
        "score.orientation": 1,
        "score.found": True,
        "score.shape": [[]],
        "objective.declared": None,
        "objective.family": "non-saturating",
        "objective.discriminator": "non-saturating",
        "objective.generator": "non-saturating",
        "objective.target.real": 1.0,
        "objective.target.fake": 0.0,
        "objective.target.generator": 1.0,
        "objective.family.output": None,
        "objective.double_sigmoid": False,
        "objective.flipped": False,
        "objective.clamped": None,
        "objective.composite": 0.0,
        "objective.bounded_scores": False,
        "generator.layers": [
            {"name": "0", **convolution},
            {"name": "1", "type": "BatchNorm2d", "kernel": None, "stride": None, "parameters": 256},
            {"name": "2", "type": "ReLU", "kernel": None, "stride": None, "parameters": 0},
            {"name": "3", **convolution},
            {"name": "4", "type": "Tanh", "kernel": None, "stride": None, "parameters": 0},
        ],
        "discriminator.layers": [
            {"name": "0", "type": "Conv2d", "kernel": [4, 4], "stride": [2, 2], "parameters": 50_000},
            {"name": "1", "type": "LeakyReLU", "kernel": None, "stride": None, "parameters": 0},
            {"name": "2", "type": "Conv2d", "kernel": [4, 4], "stride": [2, 2], "parameters": 50_000},
        ],
        "generator.output_activation": "tanh",
        "discriminator.output_activation": None,
        "generator.batch_norm_before_nonlinearity": False,
        "discriminator.batch_norm": 0,
        "discriminator.instance_norm": 0,
        "discriminator.spectral_norm": 0.0,
        "discriminator.batch_layer": False,
        "discriminator.conditional": False,
        "generator.conditional": False,
        "generator.input": "latent",
        "generator.overlap": [],
        "generator.initialisation": [
            {
                "name": "0",
                "type": "ConvTranspose2d",
                "std": 0.02,
                "expected_std": 0.02,
                "mean": 0.0,
                "weight_mean": 0.0,
            },
            {
                "name": "3",
                "type": "ConvTranspose2d",
                "std": 0.02,
                "expected_std": 0.02,
                "mean": 0.0,
                "weight_mean": 0.0,
            },
        ],
        "discriminator.initialisation": [
            {
                "name": "0",
                "type": "Conv2d",
                "std": 0.02,
                "expected_std": 0.02,
                "mean": 0.0,
                "weight_mean": 0.0,
            },
            {
                "name": "2",
                "type": "Conv2d",
                "std": 0.02,
                "expected_std": 0.02,
                "mean": 0.0,
                "weight_mean": 0.0,
            },
        ],
        "generator.parameters": 200_000,
        "discriminator.parameters": 100_000,
        "shared.parameters": 0,
        "optimizers": [
            {**optimizer, "player": "generator", "generator_share": 1.0, "discriminator_share": 0.0},
            {**optimizer, "player": "discriminator", "generator_share": 0.0, "discriminator_share": 1.0},
        ],
        "modes": {"generator_training": 1.0, "discriminator_training": 1.0},
        "precision": "float32",
        "concatenated": False,
        "detached": True,
        "steps.ratio": 1.0,
        "weight.clipping": None,
        "gradient.clipping": None,
        "shape.broadcast": False,
        "data.real.dtype": "float32",
        "data.kind": "image",
        "data.shape": [1, 28, 28],
        "data.batch": 64,
        "ema": [],
        "roles.decided": 1.0,
        "roles.tagged": False,
        "problems": [],
        "generator.graph_cut": False,
        **more,
    }


def _image_signals() -> dict[str, Values]:
    """A small image GAN that goes well; the discriminator's lead and the gradients settle early."""
    return {
        "score.real.mean": lambda t: 0.9 * (1 - np.exp(-20 * t)),
        "score.real.std": 0.8,
        "score.fake.mean": lambda t: -0.9 * (1 - np.exp(-20 * t)),
        "score.fake.std": 0.8,
        "score.generator.mean": lambda t: -0.85 * (1 - np.exp(-20 * t)),
        "score.generator.std": 0.8,
        "score.auc": lambda t: 0.5 + 0.33 * (1 - np.exp(-20 * t)) + 0.02 * np.sin(40 * t),
        "score.gap": lambda t: 1.4 * (1 - np.exp(-20 * t)) + 0.1 * np.sin(40 * t),
        "score.accuracy.real": 0.78,
        "score.accuracy.fake": 0.77,
        "score.output.low": -3.2,
        "score.output.high": 3.1,
        "slope.real.mean": -0.33,
        "slope.fake.mean": 0.33,
        "slope.generator.mean": -0.67,
        "slope.real.size": 0.37,
        "slope.fake.size": 0.37,
        "slope.generator.size": 0.69,
        "slope.real.positive": 0.0,
        "slope.fake.positive": 1.0,
        "slope.generator.positive": 0.0,
        "slope.generator.zero": 0.0,
        "slope.fake.zero": 0.0,
        "slope.real.zero": 0.0,
        "objective.fit": 0.002,
        "loss.discriminator": lambda t: 1.386 - 0.45 * (1 - np.exp(-20 * t)) + 0.05 * np.sin(90 * t),
        "loss.generator": lambda t: 0.693 + 0.55 * (1 - np.exp(-20 * t)) + 0.08 * np.cos(70 * t),
        "loss.discriminator.real": lambda t: 0.693 - 0.22 * (1 - np.exp(-20 * t)) + 0.03 * np.sin(90 * t),
        "loss.discriminator.fake": lambda t: 0.693 - 0.23 * (1 - np.exp(-20 * t)) + 0.03 * np.sin(80 * t),
        "gradient.samples": lambda t: 0.05 + 0.01 * np.sin(60 * t),
        "gradient.samples.total": lambda t: 0.05 + 0.01 * np.sin(60 * t),
        "gradient.samples.zero": 0.0,
        "gradient.samples.relative": lambda t: 0.8 + 0.1 * np.sin(60 * t),
        "discriminator.slope": 0.075,
        "discriminator.slope.real": 0.07,
        "gradient.generator": lambda t: 1.2 + 0.3 * np.sin(50 * t),
        "gradient.discriminator": lambda t: 0.9 + 0.2 * np.sin(45 * t),
        "gradient.generator.mean": 1e-3,
        "gradient.discriminator.mean": 1e-3,
        "gradient.generator.largest": 0.05,
        "gradient.discriminator.largest": 0.05,
        "gradient.discriminator.stale": 0.0,
        "gradient.generator.stale": 0.0,
        "gradient.generator.leak": 0.0,
        "update.generator": 1.2e-3,
        "update.discriminator": 1.1e-3,
        "weights.generator": 20.0,
        "weights.discriminator": 15.0,
        "weights.discriminator.largest": 0.2,
        "spectral.generator": lambda t: 1.5 + 0.3 * t,
        "spectral.discriminator": lambda t: 1.4 + 0.4 * t,
        "penalty.applied": 0.0,
        "sample.real.low": -1.0,
        "sample.real.high": 1.0,
        "sample.real.mean": -0.6,
        "sample.real.std": 0.6,
        "sample.fake.low": lambda t: -0.4 - 0.6 * (1 - np.exp(-20 * t)),
        "sample.fake.high": lambda t: 0.4 + 0.6 * (1 - np.exp(-20 * t)),
        "sample.fake.mean": lambda t: -0.58 * (1 - np.exp(-20 * t)),
        "sample.fake.std": lambda t: 0.1 + 0.48 * (1 - np.exp(-20 * t)),
        "sample.real.lattice": 1.0,
        "sample.fake.lattice": 0.02,
        "sample.fake.saturated": 0.6,
        "sample.real.saturated": 0.7,
        "sample.real.distance": 14.0,
        "sample.fake.distance": lambda t: 1.0 + 12.0 * (1 - np.exp(-20 * t)),
        "sample.distance.ratio": lambda t: 0.07 + 0.86 * (1 - np.exp(-20 * t)),
        "sample.spread.ratio": lambda t: 0.07 + 0.86 * (1 - np.exp(-20 * t)),
        "sample.fake.duplicates": 0.0,
        "sample.real.duplicates": 0.0,
        "sample.nearest.ratio": lambda t: 1.6 - 0.5 * (1 - np.exp(-20 * t)),
        "sample.coverage": lambda t: 0.7 * (1 - np.exp(-20 * t)),
        "feature.distance.ratio": lambda t: 0.1 + 0.8 * (1 - np.exp(-20 * t)),
        "feature.real.distance": 5.0,
        "feature.fake.distance": lambda t: 0.5 + 4.0 * (1 - np.exp(-20 * t)),
        "batch.real.repeated": lambda t: np.minimum(1.0, 0.0 + 1.0 * (t > 0.6)),
        "batch.real.distinct": lambda t: np.minimum(10_000.0, 64_000.0 * t),
        "batch.real.same": 0.0,
        "latent.mean": 0.0,
        "latent.std": 1.0,
        "latent.kurtosis": 3.0,
        "latent.repeated": 0.0,
        "latent.low": -3.8,
        "latent.high": 3.8,
        "latent.sampling.mean": 0.01,
        "latent.sampling.std": 0.99,
        "latent.sampling.kurtosis": 2.95,
        "finite": 1.0,
        "activation.dead": 0.05,
        "activation.dead.discriminator": 0.0,
        "time.step": 0.02,
        "time.watching": 0.01,
    }


def _healthy_probes() -> dict[str, dict[str, float]]:
    return {
        "batch-blindness": {"shift": 0.0, "shift.real": 0.0, "clones": -0.9, "diverse": -0.9},
        "batch-coupling": {"change": 0.0, "leak": 0.0},
        "fresh-discriminator": {"auc": 0.85, "auc.own": 0.83, "steps": 200.0},
        "one-feature": {"auc": 0.7, "feature": 3.0, "auc.matched": 0.65, "auc.dequantised": 0.7},
        "gradient-anatomy": {
            "slope": 0.69,
            "slope.reference": 0.5,
            "steepness": 0.075,
            "steepness.real": 0.07,
            "steepness.between": 0.08,
            "jacobian.first": 8.0,
            "jacobian.last": 12.0,
        },
        "generator-response": {
            "latent": 0.9,
            "condition": float("nan"),
            "discriminator.condition": float("nan"),
            "noise": 0.9,
        },
        "layer-variance": {"first": 0.9, "smallest": 0.3, "smallest.depth": 0.8, "last": 0.4},
        "eval-drift": {"distance": 1.1, "change": 0.15, "ema": float("nan")},
        "gradient-penalty": {},
        "diversity": {
            "samples": 512.0,
            "distance.ratio": 0.95,
            "feature.ratio": 0.93,
            "spread.ratio": 0.95,
            "duplicates": 0.01,
            "duplicates.low": 0.002,
            "support.low": 5_000.0,
            "support.high": float("inf"),
            "coverage": 0.85,
            "coverage.expected": 0.95,
            "clusters": 0.12,
            "clusters.expected": 0.06,
        },
        "memorisation": {
            "seen": 0.92,
            "unseen": 0.88,
            "perturbed": 0.91,
            "fake": -0.9,
            "gap": 0.02,
            "gap.perturbed": 0.005,
            "sign": 0.5,
            "accuracy.unseen": 0.76,
        },
        "upsampling-spectrum": {"peak": 1.2, "peak.real": 1.0},
        "duality-gap": {"gap": 0.2, "discriminator.gain": 0.1, "generator.gain": 0.1, "steps": 100.0},
    }


def healthy_ns_gan(step: int = 3000) -> Observations:
    """DCGAN on small images, non-saturating loss, separate batches, detached fakes."""
    return observe(_image_signals(), step=step, facts=_image_facts(), probes=_healthy_probes())


def healthy_minimax_gan(step: int = 3000) -> Observations:
    """The same with the saturating loss: the generator's slope is small but alive."""
    return observe(
        {"slope.generator.mean": -0.33, "slope.generator.size": 0.37, "loss.generator": -0.5},
        facts={
            "objective.family": "minimax",
            "objective.discriminator": "non-saturating",
            "objective.generator": "minimax",
        },
        base=healthy_ns_gan(step),
    )


def healthy_hinge_gan(step: int = 3000) -> Observations:
    """Hinge loss: a third of the slopes are exactly zero because the margin is met."""
    return observe(
        {
            "slope.real.mean": -0.65,
            "slope.fake.mean": 0.65,
            "slope.generator.mean": -1.0,
            "slope.real.size": 0.8,
            "slope.fake.size": 0.8,
            "slope.generator.size": 1.0,
            "slope.real.zero": 0.35,
            "slope.fake.zero": 0.35,
            "loss.discriminator": lambda t: 1.1 + 0.1 * np.sin(90 * t),
            "loss.generator": lambda t: 0.85 + 0.1 * np.cos(70 * t),
        },
        facts={
            "objective.family": "hinge",
            "objective.discriminator": "hinge",
            "objective.generator": "hinge",
            "objective.target.real": None,
            "objective.target.fake": None,
            "objective.target.generator": None,
            "discriminator.spectral_norm": 1.0,
        },
        base=healthy_ns_gan(step),
    )


def healthy_least_squares_gan(step: int = 3000) -> Observations:
    """Least squares: outputs beyond their target turn the sign of a part of the slopes; losses oscillate."""
    return observe(
        {
            "score.real.mean": 0.75,
            "score.real.std": 0.3,
            "score.fake.mean": 0.25,
            "score.fake.std": 0.3,
            "score.generator.mean": 0.25,
            "score.generator.std": 0.3,
            "score.output.low": -0.6,
            "score.output.high": 1.6,
            "slope.real.mean": -0.25,
            "slope.fake.mean": 0.25,
            "slope.generator.mean": -0.75,
            "slope.real.size": 0.39,
            "slope.fake.size": 0.39,
            "slope.generator.size": 0.8,
            "slope.real.positive": 0.2,
            "slope.fake.positive": 0.8,
            "slope.generator.positive": 0.05,
            "loss.discriminator": lambda t: 0.16 + 0.06 * np.sin(60 * t),
            "loss.generator": lambda t: 0.45 + 0.15 * np.sin(60 * t + 1.5),
        },
        facts={
            "objective.family": "least-squares",
            "objective.discriminator": "least-squares",
            "objective.generator": "least-squares",
        },
        base=healthy_ns_gan(step),
    )


def healthy_wasserstein_gp(step: int = 3000) -> Observations:
    """WGAN-GP: five critic steps, a large negative critic loss that rises to zero, slope near one."""
    return observe(
        {
            "score.real.mean": lambda t: 40.0 + 60.0 * np.exp(-5 * t),
            "score.real.std": 4.0,
            "score.fake.mean": lambda t: 30.0 - 60.0 * np.exp(-5 * t),
            "score.fake.std": 4.0,
            "score.generator.mean": lambda t: 30.5 - 60.0 * np.exp(-5 * t),
            "score.generator.std": 4.0,
            "score.gap": lambda t: 2.0 + 6.0 * np.exp(-5 * t),
            "score.auc": lambda t: np.minimum(1.0, 0.92 + 0.08 * np.exp(-5 * t)),
            "score.accuracy.real": None,
            "score.accuracy.fake": None,
            "score.output.low": -60.0,
            "score.output.high": 130.0,
            "slope.real.mean": -1.0,
            "slope.fake.mean": 1.0,
            "slope.generator.mean": -1.0,
            "slope.real.size": 1.0,
            "slope.fake.size": 1.0,
            "slope.generator.size": 1.0,
            "loss.discriminator": lambda t: -10.0 - 120.0 * np.exp(-5 * t),
            "loss.generator": lambda t: -30.0 + 60.0 * np.exp(-5 * t),
            "loss.discriminator.real": None,
            "loss.discriminator.fake": None,
            "penalty.applied": 1.0,
            "penalty.gradient": 0.97,
            "penalty.gradient.std": 0.1,
            "discriminator.slope": 0.95,
            "discriminator.slope.real": 0.95,
            "gradient.samples": 0.95,
            "gradient.samples.total": 0.95,
        },
        facts={
            "objective.family": "wasserstein",
            "objective.discriminator": "wasserstein",
            "objective.generator": "wasserstein",
            "objective.target.real": None,
            "objective.target.fake": None,
            "objective.target.generator": None,
            "steps.ratio": 5.0,
        },
        probes={
            "gradient-penalty": {
                "norm": 0.96,
                "norm.std": 0.1,
                "norm.pixel": 0.03,
                "applied": 0.97,
                "applied.outside": 0.0,
            }
        },
        updates={"generator": step // 5, "discriminator": step},
        base=healthy_ns_gan(step),
    )


def healthy_relativistic_gan(step: int = 3000) -> Observations:
    """Relativistic average hinge: the discriminator's slopes are all zero most of the time."""
    return observe(
        {
            "slope.real.positive": float("nan"),
            "slope.fake.positive": float("nan"),
            "slope.generator.positive": 0.0,
            "slope.real.zero": 1.0,
            "slope.fake.zero": 1.0,
            "slope.real.mean": 0.0,
            "slope.fake.mean": 0.0,
            "slope.real.size": 0.0,
            "slope.fake.size": 0.0,
            "slope.generator.mean": -1.0,
            "slope.generator.size": 1.0,
            "loss.discriminator": 0.0,
            "loss.generator": lambda t: 20.0 + 5.0 * np.sin(60 * t),
            "score.accuracy.real": None,
            "score.accuracy.fake": None,
            "score.auc": 0.97,
            "score.gap": 3.0,
        },
        facts={
            "objective.family": "relativistic-average-hinge",
            "objective.discriminator": "relativistic-average-hinge",
            "objective.generator": "relativistic-average-hinge",
            "objective.target.real": None,
            "objective.target.fake": None,
            "objective.target.generator": None,
        },
        base=healthy_ns_gan(step),
    )


def healthy_reversed_gan(step: int = 3000) -> Observations:
    """Real = 0 and fake = 1, in both players: every sign is turned, and all is well."""
    return observe(
        {
            "score.real.mean": -0.9,
            "score.fake.mean": 0.9,
            "score.generator.mean": 0.85,
            "slope.real.mean": 0.33,
            "slope.fake.mean": -0.33,
            "slope.generator.mean": 0.67,
            "slope.real.positive": 1.0,
            "slope.fake.positive": 0.0,
            "slope.generator.positive": 1.0,
        },
        facts={
            "score.orientation": -1,
            "objective.flipped": True,
            "objective.target.real": 0.0,
            "objective.target.fake": 1.0,
            "objective.target.generator": 0.0,
        },
        base=healthy_ns_gan(step),
    )


def healthy_conditional_gan(step: int = 3000) -> Observations:
    """A generator and a discriminator given labels, both of which use them."""
    return observe(
        facts={"generator.conditional": True, "discriminator.conditional": True},
        probes={
            "generator-response": {
                "latent": 0.6,
                "condition": 0.7,
                "discriminator.condition": 0.8,
                "noise": 0.55,
            }
        },
        base=healthy_ns_gan(step),
    )


def healthy_composite_gan(step: int = 3000) -> Observations:
    """pix2pix: an image in, an L1 term that dominates, patch scores, a strong discriminator, no latent."""
    return observe(
        {
            "score.auc": 0.985,
            "score.gap": 3.5,
            "score.accuracy.real": 0.95,
            "score.accuracy.fake": 0.95,
            "slope.real.mean": -0.06,
            "slope.fake.mean": 0.06,
            "slope.real.size": 0.1,
            "slope.fake.size": 0.1,
            "slope.generator.mean": -0.94,
            "slope.generator.size": 0.95,
            "loss.discriminator": lambda t: 0.2 + 0.03 * np.sin(60 * t),
            "loss.generator": lambda t: 6.0 + 0.5 * np.sin(60 * t),
            "gradient.samples.total": 0.4,
            "latent.mean": None,
            "latent.std": None,
            "latent.kurtosis": None,
            "latent.repeated": None,
            "latent.low": None,
            "latent.high": None,
            "latent.sampling.mean": None,
            "latent.sampling.std": None,
            "latent.sampling.kurtosis": None,
        },
        facts={
            "objective.composite": 0.88,
            "generator.input": "image",
            "generator.conditional": True,
            "discriminator.conditional": True,
            "score.shape": [[1, 14, 14]],
            "data.shape": [3, 64, 64],
        },
        probes={
            "generator-response": {
                "latent": float("nan"),
                "condition": 0.8,
                "discriminator.condition": 0.7,
                "noise": float("nan"),
            }
        },
        base=healthy_ns_gan(step),
    )


def healthy_ring_gan(step: int = 3000) -> Observations:
    """A two-dimensional ring, multilayer perceptrons: no activation at the end, fresh data all the time."""
    return observe(
        {
            "sample.real.low": -2.1,
            "sample.real.high": 2.1,
            "sample.real.mean": 0.0,
            "sample.real.std": 1.41,
            "sample.fake.low": -2.2,
            "sample.fake.high": 2.2,
            "sample.fake.mean": 0.02,
            "sample.fake.std": 1.38,
            "sample.real.lattice": 0.0,
            "sample.fake.lattice": 0.0,
            "sample.fake.saturated": None,
            "sample.real.saturated": None,
            "sample.real.distance": 2.5,
            "sample.fake.distance": 2.4,
            "sample.distance.ratio": 0.96,
            "sample.spread.ratio": 0.97,
            "batch.real.repeated": 0.0,
            "batch.real.distinct": 20_000.0,
            # Eight narrow modes: duplicates are natural, as among the reals.
            "sample.fake.duplicates": 0.7,
            "sample.real.duplicates": 0.75,
        },
        facts={
            "data.kind": "vector",
            "data.shape": [2],
            "generator.output_activation": None,
            "generator.layers": [
                {"name": "0", "type": "Linear", "kernel": None, "stride": None, "parameters": 5000},
                {"name": "1", "type": "ReLU", "kernel": None, "stride": None, "parameters": 0},
                {"name": "2", "type": "Linear", "kernel": None, "stride": None, "parameters": 300},
            ],
            "discriminator.layers": [
                {"name": "0", "type": "Linear", "kernel": None, "stride": None, "parameters": 300},
                {"name": "1", "type": "LeakyReLU", "kernel": None, "stride": None, "parameters": 0},
                {"name": "2", "type": "Linear", "kernel": None, "stride": None, "parameters": 129},
            ],
            "generator.initialisation": [
                {
                    "name": "0",
                    "type": "Linear",
                    "std": 0.2,
                    "expected_std": 0.2,
                    "mean": 0.0,
                    "weight_mean": 0.0,
                },
                {
                    "name": "2",
                    "type": "Linear",
                    "std": 0.05,
                    "expected_std": 0.05,
                    "mean": 0.0,
                    "weight_mean": 0.0,
                },
            ],
            "discriminator.initialisation": [
                {
                    "name": "0",
                    "type": "Linear",
                    "std": 0.4,
                    "expected_std": 0.4,
                    "mean": 0.0,
                    "weight_mean": 0.0,
                },
                {
                    "name": "2",
                    "type": "Linear",
                    "std": 0.05,
                    "expected_std": 0.05,
                    "mean": 0.0,
                    "weight_mean": 0.0,
                },
            ],
        },
        probes={"one-feature": {"auc": 0.6, "feature": 3.0, "auc.matched": 0.6, "auc.dequantised": 0.6}},
        base=healthy_ns_gan(step),
    )


HEALTHY: dict[str, Callable[[], Observations]] = {
    "non-saturating": healthy_ns_gan,
    "minimax": healthy_minimax_gan,
    "hinge": healthy_hinge_gan,
    "least-squares": healthy_least_squares_gan,
    "wasserstein": healthy_wasserstein_gp,
    "relativistic": healthy_relativistic_gan,
    "reversed": healthy_reversed_gan,
    "conditional": healthy_conditional_gan,
    "composite": healthy_composite_gan,
    "ring": healthy_ring_gan,
}
