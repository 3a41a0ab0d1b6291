"""What a fault operator declares, and the proofs that a run really carries its fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.parts import Case, Parts

KINDS = ("wiring", "data", "dynamics")


@dataclass
class Finished:
    """A run after its last step, as a proof sees it."""

    parts: Parts
    outcome: dict[str, Any]
    sample: Callable[..., Tensor]
    generator_change: float  # |theta_end - theta_start| / |theta_start|
    discriminator_change: float
    losses: list[tuple[float, float]]


Proof = Callable[[Finished], tuple[str, float, bool]]


@dataclass(frozen=True)
class Fault:
    """One planted failure.

    Args:
        name: the operator's name.
        description: what the script does wrong.
        source: the report or paper that it comes from.
        expected: names of the checks that are right; the first one is the root cause.
        equivalents: further names that count as right, each with the reason; fixed before any result was
            seen.
        forbidden: names that would be a wrong verdict on this fault.
        kind: "wiring" (an exact test can prove it), "data" or "dynamics" (needs evidence over time).
        severity: the least severity that counts as a detection; "info" where the catalogue itself says info.
        b5: which operators of the failure research this one plants.
        cases: the scripts in which it is planted.
        apply: changes the ingredients.
        proof: a number, independent of equipoise, which shows that the finished run carries or suffers the
            fault.
    """

    name: str
    description: str
    source: str
    expected: tuple[str, ...]
    equivalents: dict[str, str]
    forbidden: tuple[str, ...]
    kind: str
    severity: str
    b5: tuple[str, ...]
    cases: tuple[Case, ...]
    apply: Callable[[Parts], None]
    proof: Proof

    @property
    def right(self) -> frozenset[str]:
        return frozenset(self.expected) | frozenset(self.equivalents)


FAULTS: dict[str, Fault] = {}


def fault(
    name: str,
    *,
    source: str,
    expected: tuple[str, ...],
    kind: str,
    cases: tuple[Case, ...],
    proof: Proof,
    equivalents: dict[str, str] | None = None,
    forbidden: tuple[str, ...] = (),
    severity: str = "warning",
    b5: tuple[str, ...] = (),
    registry: dict[str, Fault] = FAULTS,
) -> Callable[[Callable[[Parts], None]], Callable[[Parts], None]]:
    """Files the decorated function as a fault operator; its docstring is the description."""

    def add(apply: Callable[[Parts], None]) -> Callable[[Parts], None]:
        assert name not in registry, name
        assert kind in KINDS, kind
        description = " ".join((apply.__doc__ or "").split())
        registry[name] = Fault(
            name,
            description,
            source,
            expected,
            equivalents or {},
            forbidden,
            kind,
            severity,
            b5,
            cases,
            apply,
            proof,
        )
        return apply

    return add


# -- proofs ----------------------------------------------------------------------------------------


def quality_failed(run: Finished) -> tuple[str, float, bool]:
    """The training failed by the independent outcome measure."""
    return "quality", float(run.outcome["quality"]), bool(run.outcome["failed"])


def quality_not_good(run: Finished) -> tuple[str, float, bool]:
    """The training did not reach what its healthy counterpart reaches."""
    return "quality", float(run.outcome["quality"]), not run.outcome["good"]


def not_finite(run: Finished) -> tuple[str, float, bool]:
    finite = all(bool(torch.isfinite(p).all()) for p in run.parts.discriminator.parameters())
    return "discriminator weights finite", float(finite), not finite


def generator_unchanged(run: Finished) -> tuple[str, float, bool]:
    return "relative change of the generator", run.generator_change, run.generator_change < 1e-6


def discriminator_unchanged(run: Finished) -> tuple[str, float, bool]:
    return "relative change of the discriminator", run.discriminator_change, run.discriminator_change < 1e-6


def spread_collapsed(below: float) -> Proof:
    def proof(run: Finished) -> tuple[str, float, bool]:
        spread = float(run.outcome.get("spread", 0.0))
        return "spread of the samples over the reals'", spread, spread < below

    return proof


def measured(label: str, value: Callable[[Finished], float], holds: Callable[[float], bool]) -> Proof:
    """Any other number: `holds` says whether it shows the fault."""

    def proof(run: Finished) -> tuple[str, float, bool]:
        number = float(value(run))
        return label, number, bool(holds(number))

    return proof


def noted(label: str, key: str, holds: Callable[[float], bool]) -> Proof:
    """A number that the operator itself wrote down while the loop ran (`parts.notes`)."""
    return measured(label, lambda run: run.parts.notes.get(key, float("nan")), holds)


# -- helpers for operators and proofs --------------------------------------------------------------


def real_batch(parts: Parts) -> Tensor:
    return next(parts.batches)[0]


def score(parts: Parts, x: Tensor) -> Tensor:
    out = parts.discriminator(x)
    if isinstance(out, dict):
        return out["score"]
    return out[0] if isinstance(out, tuple) else out


def input_gradient_norm(parts: Parts) -> float:
    """Mean over interpolates of the norm of the discriminator's gradient by its whole input sample."""
    real = real_batch(parts)
    with torch.no_grad():
        fake = parts.generator(parts.latent(len(real)))
    alpha = torch.rand(len(real), *[1] * (real.dim() - 1))
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    grads = torch.autograd.grad(score(parts, mixed).sum(), mixed)[0]
    return float(grads.flatten(1).norm(dim=1).mean())


def separation(parts: Parts, real: Tensor, fake: Tensor) -> float:
    """Probability that a real one scores above a fake one (area under the curve)."""
    with torch.no_grad():
        r, f = score(parts, real).flatten(), score(parts, fake).flatten()
    difference = r[:, None] - f[None, :]
    return float((difference > 0).float().mean() + 0.5 * (difference == 0).float().mean())


def current_fakes(parts: Parts, count: int = 256) -> Tensor:
    with torch.no_grad():
        return parts.generator(parts.latent(count))


def replace_layers(network: nn.Sequential, exchange: Callable[[nn.Module], nn.Module]) -> nn.Sequential:
    return nn.Sequential(*[exchange(layer) for layer in network])
