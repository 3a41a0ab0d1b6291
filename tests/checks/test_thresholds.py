"""Thresholds of the wiring and data checks from both sides: a row has one just short, one just beyond."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from observe import found, healthy_ns_gan, healthy_ring_gan, healthy_wasserstein_gp, observe

from equipoise.history.observations import Observations, Series

NS, RING, WASSERSTEIN = healthy_ns_gan, healthy_ring_gan, healthy_wasserstein_gp
CLAMP = {"loss.generator": 16.118}
SIGMOID = {"discriminator.output_activation": "sigmoid"}
UNIT = {"score.output.low": 0.1, "score.output.high": 0.9}
OVERLAP = {"generator.overlap": ["main.3"]}
MIXED = {"discriminator.batch_norm": 3, "concatenated": True}
BUFFERS = {"ema": [{"decay": None, "buffers_copied": False}]}


def _last(value: float, steps: int, records: int, before: float, until: int = 3000) -> Series:
    """`before` until `steps` before the end, then `records` records of `value`."""
    early = np.arange(0, until - steps - 10, 10.0)
    late = np.linspace(until - steps, until, records)
    return Series(np.concatenate([early, late]), np.array([before] * len(early) + [value] * records))


def _optimizers(rate: float, kind: str = "Adam", epsilon: float = 1e-8) -> list[dict[str, Any]]:
    return [
        {"type": kind, "player": p, "learning_rate": rate, "betas": [0.5, 0.999], "epsilon": epsilon}
        for p in ("generator", "discriminator")
    ]


def _share(generator: float, discriminator: float) -> dict[str, Any]:
    held = {"player": "generator", "generator_share": generator, "discriminator_share": discriminator}
    other = {"player": "discriminator", "generator_share": 0.0, "discriminator_share": 1.0}
    return {"optimizers": [held, other]}


def _layer(std: float, expected: float = 0.02) -> dict[str, Any]:
    layer = {"name": "0", "type": "Conv2d", "std": std, "expected_std": expected, "weight_mean": 0.0}
    return {"generator.initialisation": [layer]}


def _feature(auc: float, dequantised: float = 0.6) -> dict[str, dict[str, float]]:
    return {"one-feature": {"auc": auc, "feature": 3.0, "auc.matched": auc, "auc.dequantised": dequantised}}


def _row(check: str, short: dict, beyond: dict, severities: tuple, base=NS) -> Any:
    identity = f"{check}: {next(iter(beyond.values()))}"[:70]
    return pytest.param(
        check, observe(**short, base=base()), observe(**beyond, base=base()), severities, id=identity
    )


def _signals(check: str, short: dict, beyond: dict, severities: tuple, base=NS, **more) -> Any:
    return _row(check, {"signals": short, **more}, {"signals": beyond, **more}, severities, base)


ROWS = [
    _signals(
        "g-objective-sign",
        {"slope.generator.positive": 0.94},
        {"slope.generator.positive": 0.96},
        (None, "error"),
    ),
    _signals(
        "d-objective-sign", {"slope.fake.positive": 0.06}, {"slope.fake.positive": 0.04}, (None, "error")
    ),
    _signals(
        "d-objective-sign",
        {"slope.fake.positive": [0.0] * 2},
        {"slope.fake.positive": [0.0] * 3},
        (None, "error"),
    ),
    _row(
        "d-objective-sign",
        {"facts": {"objective.target.fake": 0.94}},
        {"facts": {"objective.target.fake": 0.96}},
        (None, "error"),
    ),
    _signals(
        "d-objective-sign",
        {"score.fake.mean": None, "slope.fake.positive": None, "score.generator.mean": [0.0] * 19},
        {"score.fake.mean": None, "slope.fake.positive": None, "score.generator.mean": [0.0] * 20},
        (None, "warning"),
        facts={"objective.target.fake": None},
    ),
    _signals(
        "logit-loss-mismatch",
        {"score.output.low": _last(0.1, 40, 9, -1.0), "score.output.high": 0.9},
        {"score.output.low": _last(0.1, 60, 9, -1.0), "score.output.high": 0.9},
        (None, "error"),
    ),
    _signals(
        "logit-loss-mismatch",
        {"score.output.low": _last(0.1, 100, 4, -1.0), "score.output.high": 0.9},
        {"score.output.low": _last(0.1, 100, 5, -1.0), "score.output.high": 0.9},
        (None, "error"),
    ),
    _signals(
        "logit-loss-mismatch",
        {**UNIT, "objective.fit": 0.11},
        {**UNIT, "objective.fit": 0.09},
        (None, "error"),
    ),
    _signals(
        "unfused-bce",
        {"slope.generator.zero": 0.09},
        {"slope.generator.zero": 0.11},
        ("info", "warning"),
        facts=SIGMOID,
    ),
    _signals(
        "loss-fingerprint",
        {**CLAMP, "slope.generator.size": 2e-6},
        {**CLAMP, "slope.generator.size": 5e-7},
        ("info", "warning"),
    ),
    _signals(
        "loss-fingerprint",
        {**CLAMP, "slope.generator.zero": 0.49},
        {**CLAMP, "slope.generator.zero": 0.51},
        ("info", "warning"),
    ),
    _signals(
        "loss-fingerprint",
        {"loss.generator": 16.118 * 1.0015},
        {"loss.generator": 16.118 * 1.0005},
        (None, "info"),
    ),
    _signals(
        "loss-fingerprint",
        {"loss.generator": lambda t: 16.118 + 3e-4 * np.sin(1e4 * t)},
        {"loss.generator": lambda t: 16.118 + 5e-5 * np.sin(1e4 * t)},
        (None, "info"),
    ),
    _signals(
        "loss-fingerprint",
        {"loss.generator": _last(16.118, 100, 19, 1.0)},
        {"loss.generator": _last(16.118, 100, 20, 1.0)},
        (None, "info"),
    ),
    _signals("frozen-network", {"update.generator": 2e-8}, {"update.generator": 5e-9}, (None, "error")),
    _signals(
        "frozen-network",
        {"update.generator": _last(0.0, 90, 10, 1e-3)},
        {"update.generator": _last(0.0, 110, 10, 1e-3)},
        (None, "error"),
    ),
    _row(
        "frozen-network",
        {"updates": {"generator": 499, "discriminator": 0}, "signals": {"update.discriminator": None}},
        {"updates": {"generator": 500, "discriminator": 0}, "signals": {"update.discriminator": None}},
        ("warning", "error"),
    ),
    _signals(
        "stale-gradients",
        {"gradient.generator.stale": 0.009},
        {"gradient.generator.stale": 0.011},
        (None, "warning"),
    ),
    _signals(
        "stale-gradients",
        {"gradient.generator.stale": 0.09},
        {"gradient.generator.stale": 0.11},
        ("warning", "error"),
    ),
    _signals(
        "stale-gradients",
        {"gradient.generator.stale": _last(0.5, 18, 6, 0.0)},
        {"gradient.generator.stale": _last(0.5, 22, 6, 0.0)},
        (None, "error"),
    ),
    _signals(
        "stale-gradients",
        {"gradient.generator.stale": _last(0.5, 50, 4, 0.0)},
        {"gradient.generator.stale": _last(0.5, 50, 5, 0.0)},
        (None, "error"),
    ),
    _signals(
        "undetached-fakes",
        {"gradient.generator.leak": 1.0, "gradient.generator.stale": _last(0.5, 18, 6, 0.0)},
        {"gradient.generator.leak": 1.0, "gradient.generator.stale": _last(0.5, 22, 6, 0.0)},
        ("info", "error"),
        facts={"detached": False},
    ),
    _row("optimizer-scope", {"facts": _share(1.0, 0.009)}, {"facts": _share(1.0, 0.011)}, (None, "error")),
    _row("optimizer-scope", {"facts": _share(0.991, 0.0)}, {"facts": _share(0.989, 0.0)}, (None, "warning")),
    _row(
        "role-undecided",
        {"facts": {"roles.decided": 0.91}},
        {"facts": {"roles.decided": 0.89}},
        (None, "info"),
    ),
    _row(
        "role-undecided",
        {"facts": {"roles.decided": 0.5}, "step": 19},
        {"facts": {"roles.decided": 0.5}, "step": 20},
        (None, "info"),
    ),
    _row(
        "batch-coupling",
        {"facts": MIXED, "probes": {"batch-coupling": {"change": 9e-4, "leak": 0.0}}},
        {"facts": MIXED, "probes": {"batch-coupling": {"change": 2e-3, "leak": 0.0}}},
        (None, "warning"),
    ),
    _row(
        "batch-coupling",
        {"facts": MIXED, "probes": {"batch-coupling": {"change": 0.1, "leak": -0.09}}},
        {"facts": MIXED, "probes": {"batch-coupling": {"change": 0.1, "leak": -0.11}}},
        ("warning", "error"),
    ),
    _row(
        "eval-drift",
        {"probes": {"eval-drift": {"distance": 2.9, "change": 2.0}}},
        {"probes": {"eval-drift": {"distance": 3.1, "change": 2.0}}},
        (None, "warning"),
    ),
    _row(
        "eval-drift",
        {"probes": {"eval-drift": {"distance": 9.0, "change": 0.49}}},
        {"probes": {"eval-drift": {"distance": 9.0, "change": 0.51}}},
        (None, "warning"),
    ),
    _row(
        "ema-stale",
        {"facts": BUFFERS, "probes": {"eval-drift": {"ema": 2.9}}},
        {"facts": BUFFERS, "probes": {"eval-drift": {"ema": 3.1}}},
        ("warning", "error"),
    ),
    _row(
        "ema-stale",
        {"facts": {"ema": [{"decay": 0.9999}]}, "updates": {"generator": 99}},
        {"facts": {"ema": [{"decay": 0.9999}]}, "updates": {"generator": 100}},
        (None, "info"),
    ),
    _row(
        "ema-stale",
        {"facts": {"ema": [{"decay": 0.9999}]}, "updates": {"generator": 499}},
        {"facts": {"ema": [{"decay": 0.9999}]}, "updates": {"generator": 500}},
        ("info", "warning"),
    ),
    _row(
        "deconv-overlap",
        {"facts": OVERLAP, "probes": {"upsampling-spectrum": {"peak": 2.9, "peak.real": 1.0}}},
        {"facts": OVERLAP, "probes": {"upsampling-spectrum": {"peak": 3.1, "peak.real": 1.0}}},
        ("info", "warning"),
    ),
    _row("init-sanity", {"facts": _layer(1e-7, 1e-6)}, {"facts": _layer(1e-9, 1e-6)}, (None, "error")),
    _signals(
        "init-sanity",
        {"gradient.generator": 99.0, "sample.fake.saturated": 0.0},
        {"gradient.generator": 101.0, "sample.fake.saturated": 0.0},
        (None, "warning"),
        facts=_layer(0.5),
    ),
    _row(
        "init-sanity",
        {"facts": _layer(2.2e-4), "signals": {"gradient.generator": 200.0}},
        {"facts": _layer(1.8e-4), "signals": {"gradient.generator": 200.0}},
        (None, "warning"),
    ),
    _row(
        "optimizer-hparams",
        {"facts": {"optimizers": _optimizers(0.9, "SGD")}},
        {"facts": {"optimizers": _optimizers(1.1, "SGD")}},
        (None, "info"),
    ),
    _row(
        "optimizer-hparams",
        {"facts": {"optimizers": _optimizers(1.1e-6)}},
        {"facts": {"optimizers": _optimizers(0.9e-6)}},
        (None, "info"),
    ),
    _row(
        "optimizer-hparams",
        {"facts": {"optimizers": _optimizers(1e-7)}, "signals": {"update.generator": 1.1e-6}},
        {"facts": {"optimizers": _optimizers(1e-7)}, "signals": {"update.generator": 0.9e-6}},
        ("info", "warning"),
    ),
    _row(
        "optimizer-hparams",
        {"facts": {"optimizers": _optimizers(2e-4, epsilon=1.1e-7), "precision": "float16"}},
        {"facts": {"optimizers": _optimizers(2e-4, epsilon=0.9e-7), "precision": "float16"}},
        (None, "info"),
    ),
    _signals("range-mismatch", {"sample.real.low": -0.03}, {"sample.real.low": -0.01}, (None, "warning")),
    _signals("range-mismatch", {"sample.real.high": 1.19}, {"sample.real.high": 1.21}, (None, "error")),
    _signals(
        "range-mismatch",
        {"sample.real.low": [0.0, 0.0]},
        {"sample.real.low": [0.0, 0.0, 0.0]},
        (None, "warning"),
    ),
    _signals(
        "range-mismatch",
        {"sample.real.low": 0.0, "score.auc": 0.99, "sample.fake.low": -0.19},
        {"sample.real.low": 0.0, "score.auc": 0.99, "sample.fake.low": -0.21},
        ("warning", "error"),
    ),
    _signals(
        "range-mismatch",
        {"sample.real.low": 0.0, "score.auc": 0.949},
        {"sample.real.low": 0.0, "score.auc": 0.951},
        ("warning", "error"),
    ),
    _row(
        "range-mismatch",
        {"signals": {"sample.real.low": 0.0}, "probes": _feature(0.949)},
        {"signals": {"sample.real.low": 0.0}, "probes": _feature(0.951)},
        ("warning", "error"),
    ),
    _signals(
        "range-mismatch",
        {"sample.fake.low": 0.0, "sample.fake.std": 0.049},
        {"sample.fake.low": 0.0, "sample.fake.std": 0.051},
        (None, "warning"),
    ),
    _signals(
        "range-mismatch",
        {"sample.real.std": 9.9, "sample.spread.ratio": 0.01, "score.auc": 1.0},
        {"sample.real.std": 10.1, "sample.spread.ratio": 0.01, "score.auc": 1.0},
        (None, "warning"),
        RING,
    ),
    _signals(
        "range-mismatch",
        {"sample.real.std": 20.0, "sample.spread.ratio": 0.11, "score.auc": 1.0},
        {"sample.real.std": 20.0, "sample.spread.ratio": 0.09, "score.auc": 1.0},
        (None, "warning"),
        RING,
    ),
    _signals(
        "quantized-reals",
        {"sample.real.lattice": 0.989},
        {"sample.real.lattice": 0.991},
        (None, "info"),
        RING,
    ),
    _signals(
        "quantized-reals",
        {"sample.real.lattice": 1.0, "sample.fake.lattice": 0.51},
        {"sample.real.lattice": 1.0, "sample.fake.lattice": 0.49},
        (None, "info"),
        RING,
    ),
    _row(
        "quantized-reals",
        {"signals": {"score.auc": 0.99}, "probes": _feature(0.8, 0.71)},
        {"signals": {"score.auc": 0.99}, "probes": _feature(0.8, 0.69)},
        ("info", "warning"),
    ),
    _signals("batch-repeat", {"latent.repeated": 0.89}, {"latent.repeated": 0.91}, (None, "error")),
    _signals("batch-repeat", {"latent.std": 2e-6}, {"latent.std": 5e-7}, (None, "error")),
    _signals(
        "batch-repeat",
        {"latent.repeated": _last(1.0, 18, 6, 0.0)},
        {"latent.repeated": _last(1.0, 22, 6, 0.0)},
        (None, "error"),
    ),
    _signals(
        "batch-repeat",
        {"latent.repeated": _last(1.0, 40, 4, 0.0)},
        {"latent.repeated": _last(1.0, 40, 5, 0.0)},
        (None, "error"),
    ),
    _signals(
        "batch-repeat",
        {"batch.real.same": 0.9, "batch.real.distinct": lambda t: 1000 * (1 + 0.04 * t)},
        {"batch.real.same": 0.9, "batch.real.distinct": lambda t: 1000 * (1 + 0.01 * t)},
        ("info", "warning"),
    ),
    _signals(
        "batch-repeat",
        {"batch.real.same": 0.49, "batch.real.distinct": 500.0},
        {"batch.real.same": 0.51, "batch.real.distinct": 500.0},
        (None, "warning"),
    ),
    _signals(
        "latent-mismatch", {"latent.sampling.std": 1.09}, {"latent.sampling.std": 1.11}, (None, "warning")
    ),
    _signals(
        "latent-mismatch", {"latent.sampling.mean": 0.19}, {"latent.sampling.mean": 0.21}, (None, "warning")
    ),
    _signals(
        "latent-mismatch",
        {"latent.sampling.kurtosis": 2.41},
        {"latent.sampling.kurtosis": 2.39},
        (None, "warning"),
    ),
]


@pytest.mark.parametrize(
    ("check", "short", "beyond", "severities"),
    [pytest.param(*row.values, id=f"{row.values[0]}-{number}") for number, row in enumerate(ROWS)],
)
def test_both_sides_of_a_threshold(
    check: str, short: Observations, beyond: Observations, severities: tuple[str | None, str]
) -> None:
    before, after = found(check, short), found(check, beyond)
    assert (before and before.severity, after and after.severity) == severities
    assert after is not None
    assert all(math.isfinite(m.value) for m in after.evidence)
