"""The Dirac-GAN: its methods as exact velocities of two numbers, how they are played, and eigenvalues."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from equipoise.lab.outcome import Role

RATE = 0.2
START = (1.0, -1.0)
# Slope of log sigmoid at 0, and the size of its curvature there.
SLOPE = 0.5
CURVATURE = 0.25

# The velocities (generator's, discriminator's) at (theta, psi): the direction in which each wants to go.
Field = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Method:
    """One way of playing: velocities, and how they are followed."""

    name: str
    role: Role
    description: str
    field: Field
    update: str = "simultaneous"
    inner: int = 1
    clip: float = math.inf


def sigmoid(value: float) -> float:
    return 0.5 * (1 + math.tanh(value / 2))


def minimax(theta: float, psi: float) -> tuple[float, float]:
    """Both descend the original game: G the loss log(1 - D), D the cross-entropy."""
    weight = sigmoid(psi * theta)
    return psi * weight, -theta * weight


def non_saturating(theta: float, psi: float) -> tuple[float, float]:
    return psi * sigmoid(-psi * theta), -theta * sigmoid(psi * theta)


def wasserstein(theta: float, psi: float) -> tuple[float, float]:
    return psi, -theta


def penalised(gamma: float) -> Field:
    """R1 or R2: the slope of D is psi at every point, so both add gamma/2 psi^2."""

    def field(theta: float, psi: float) -> tuple[float, float]:
        generator, discriminator = minimax(theta, psi)
        return generator, discriminator - gamma * psi

    return field


def unit_slope(weight: float, base: Field) -> Field:
    """A penalty weight (|psi| - 1)^2, as of WGAN-GP and DRAGAN."""

    def field(theta: float, psi: float) -> tuple[float, float]:
        generator, discriminator = base(theta, psi)
        return generator, discriminator - 2 * weight * (abs(psi) - 1) * math.copysign(1, psi)

    return field


def noisy(deviation: float) -> Field:
    """Instance noise on real and fake, averaged exactly: Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    noise, weights = deviation * nodes, weights / weights.sum()

    def field(theta: float, psi: float) -> tuple[float, float]:
        fake = 0.5 * (1 + np.tanh(psi * (theta + noise) / 2))
        real = 0.5 * (1 + np.tanh(-psi * noise / 2))
        return psi * float(weights @ fake), float(
            weights @ (real * noise) - weights @ (fake * (theta + noise))
        )

    return field


def consensus(weight: float) -> Field:
    """Each player also descends half the squared norm of both velocities (the gradient is exact)."""

    def field(theta: float, psi: float) -> tuple[float, float]:
        generator, discriminator = minimax(theta, psi)
        value = sigmoid(psi * theta)
        rise = value * (1 - value)
        # |v|^2 / 2 = s^2 (theta^2 + psi^2) / 2 with s = sigmoid(psi theta).
        square = theta**2 + psi**2
        return (
            generator - weight * (value**2 * theta + value * rise * psi * square),
            discriminator - weight * (value**2 * psi + value * rise * theta * square),
        )

    return field


def r1(gamma: float) -> Method:
    return Method(f"R1, gamma {gamma:g}", "cure", f"R1 with gamma {gamma:g}, simultaneous", penalised(gamma))


def methods() -> list[Method]:
    """Every method, in the order of the table."""
    both = "both players at once"
    return [
        Method("plain, simultaneous", "failure", f"the original game, {both}", minimax),
        Method("plain, alternating", "failure", "the original game, D first, then G", minimax, "alternating"),
        Method("non-saturating, simultaneous", "failure", f"-log D for G, {both}", non_saturating),
        Method("non-saturating, alternating", "mask", "-log D for G, D first", non_saturating, "alternating"),
        Method("Wasserstein", "failure", f"a critic without constraint, {both}", wasserstein),
        Method(
            "Wasserstein, clip 1", "failure", "psi clipped to [-1, 1] after each step", wasserstein, clip=1.0
        ),
        Method("WGAN-GP", "failure", "penalty 0.35 (|psi| - 1)^2", unit_slope(0.35, wasserstein)),
        Method(
            "WGAN-GP, 5 critic steps",
            "failure",
            "the same, five critic steps a generator step",
            unit_slope(0.35, wasserstein),
            "alternating",
            inner=5,
        ),
        Method("unit-slope penalty", "failure", "as DRAGAN, on the original game", unit_slope(0.35, minimax)),
        Method("R1, gamma 0.01 (too weak)", "failure", "R1 with gamma below h/4 = 0.05", penalised(0.01)),
        r1(0.3),
        Method("R1, alternating", "cure", "R1 with gamma 0.3, D first", penalised(0.3), "alternating"),
        Method("R2, gamma 0.3", "cure", "R2 with gamma 0.3, simultaneous", penalised(0.3)),
        Method("R1, gamma 1 (critical)", "cure", "R1 with gamma 1: critically damped", penalised(1.0)),
        Method("R1, gamma 3 (over-damped)", "cure", "R1 with gamma 3: D hardly answers", penalised(3.0)),
        Method("instance noise 0.7", "cure", "noise of deviation 0.7 on real and fake", noisy(0.7)),
        Method("consensus optimisation", "cure", "weight 1 on half the squared velocity", consensus(1.0)),
        Method("optimistic descent", "cure", "twice this gradient minus the last one", minimax, "optimistic"),
        Method("extragradient", "cure", "the gradient at a step ahead", minimax, "extragradient"),
    ]


def play(method: Method, steps: int, rate: float = RATE, start: tuple[float, float] = START) -> np.ndarray:
    """The path (steps + 1, 2) of (theta, psi); step 0 is the start."""
    theta, psi = start
    field, path = method.field, [start]
    before = field(theta, psi)
    for _ in range(steps):
        if method.update == "alternating":
            for _ in range(method.inner):
                psi = clipped(psi + rate * field(theta, psi)[1], method.clip)
            theta += rate * field(theta, psi)[0]
        else:
            ahead = now = field(theta, psi)
            if method.update == "extragradient":
                ahead = field(theta + rate * now[0], psi + rate * now[1])
            elif method.update == "optimistic":
                ahead = (2 * now[0] - before[0], 2 * now[1] - before[1])
                before = now
            theta, psi = theta + rate * ahead[0], clipped(psi + rate * ahead[1], method.clip)
        path.append((theta, psi))
    return np.array(path)


def clipped(value: float, bound: float) -> float:
    return min(max(value, -bound), bound)


def distance(path: np.ndarray) -> np.ndarray:
    """From the equilibrium (0, 0)."""
    return np.hypot(path[:, 0], path[:, 1])


def decay(distances: np.ndarray, begin: int, end: int) -> float:
    """Slope of log distance over the steps, by least squares: the rate, averaged over the turns."""
    at = np.arange(begin, end + 1)
    return float(np.polyfit(at, np.log(np.maximum(distances[at], 1e-300)), 1)[0])


def predicted_growth(theta: float, psi: float) -> float:
    """log of the factor by which the distance grows: the step has length h s |w| and is orthogonal to w."""
    return 0.5 * math.log1p((RATE * sigmoid(psi * theta)) ** 2)


def modulus(rate: float, gamma: float) -> float:
    """The largest modulus of the eigenvalues of the simultaneous step with R1, near the equilibrium.

    Example:
        >>> round(modulus(0.2, 0.3) ** 2, 4), round(modulus(0.2, 1.0), 4)
        (0.95, 0.9)
    """
    step = np.array([[1.0, rate * SLOPE], [-rate * SLOPE, 1 - rate * gamma]])
    return float(np.abs(np.linalg.eigvals(step)).max())


def noise_modulus(rate: float, deviation: float) -> float:
    """The same for instance noise, which acts as gamma = 2 sigma^2 / 4 on psi near the equilibrium."""
    return modulus(rate, 2 * CURVATURE * deviation**2)
