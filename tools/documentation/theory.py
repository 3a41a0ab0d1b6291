"""The figures of the theory pages and the numbers they quote, computed with equipoise's own parts.

python -m tools.documentation.theory [NAME ...]   # writes docs/figures/theory/*.svg and theory.json
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from torch import Tensor, nn

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

from equipoise.lab import dirac
from equipoise.layers.base import build_layer
from equipoise.objectives import build_objective
from equipoise.penalties import StepContext, build_penalty

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "figures" / "theory"
BLUE, ORANGE, GREEN, RED, GREY = "#2563a8", "#d9730d", "#2a8a57", "#b3261e", "#6b7280"
LINES: dict[str, tuple[str, str]] = {
    "minimax": (RED, "-"),
    "non-saturating": (BLUE, "-"),
    "least-squares": (GREEN, "-"),
    "hinge": (ORANGE, "-"),
    "wasserstein": (GREY, "--"),
}
Numbers = dict[str, Any]


def main(names: list[str]) -> None:
    """Write the named figures, or all, and their numbers into theory.json."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    pyplot.rcParams.update({"svg.hashsalt": "equipoise", "font.size": 9, "axes.spines.top": False})
    pyplot.rcParams.update({"axes.spines.right": False, "legend.frameon": False, "axes.titlesize": 9.5})
    kept = FOLDER / "theory.json"
    numbers = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    numbers |= {name: FIGURES[name]() for name in names or FIGURES}
    kept.write_text(json.dumps(dict(sorted(numbers.items())), indent=1) + "\n", encoding="utf-8")


def slopes() -> Numbers:
    """|dL_G/ds| against the score s of a fake, for each objective."""
    scores = torch.linspace(-8, 4, 241, dtype=torch.float64)
    figure, axes = pyplot.subplots(figsize=(5.6, 3.2))
    at: Numbers = {}
    for name, (colour, style) in LINES.items():
        slope = generator_slope(name, scores).abs()
        axes.plot(scores, slope, style, color=colour, label=name)
        at[name] = {"-6": float(generator_slope(name, torch.tensor([-6.0], dtype=torch.float64)).abs())}
    axes.set(xlabel="score s that the discriminator gives a fake")
    axes.set_ylabel("slope of the generator's loss, |dL/ds|")
    axes.set_ylim(0, 2.2)
    axes.axvline(0, color="#ddd", zorder=0)
    axes.annotate("sure that\nit is fake", (-7.8, 2.0), va="top", color=GREY)
    axes.annotate("taken\nfor real", (2.4, 2.0), va="top", color=GREY)
    axes.legend(loc="upper left", bbox_to_anchor=(0.2, 1.0))
    _save(figure, "slopes")
    return at


def generator_slope(objective: str, scores: Tensor) -> Tensor:
    """dL_G/ds of a single fake with that score, for each score.

    Example:
        >>> generator_slope("non-saturating", torch.zeros(1)).item()
        -0.5
    """
    scores = scores.clone().requires_grad_()
    game = build_objective(objective)
    loss = torch.stack([game.generator_loss(score.view(1)) for score in scores]).sum()
    return torch.autograd.grad(loss, scores)[0]


def starvation(steps: int = 2000) -> Numbers:
    """The generator stands still; what it would be taught while the discriminator trains on."""
    arms = {
        "minimax": ("minimax", None, RED),
        "non-saturating": ("non-saturating", None, BLUE),
        "minimax with R1 and R2": ("minimax", ("r1", "r2"), GREEN),
        "Wasserstein with gradient penalty": ("wasserstein", ("gradient-penalty",), ORANGE),
    }
    figure, axes = pyplot.subplots(figsize=(5.6, 3.2))
    told: Numbers = {"steps": steps}
    for name, (objective, penalties, colour) in arms.items():
        at, norms, right = _taught(objective, penalties or (), steps)
        axes.loglog(at, norms, color=colour, label=name, marker=".")
        told[name] = {"first": norms[0], "last": norms[-1], "accuracy": right, "ratio": norms[-1] / norms[0]}
    axes.set(xlabel="training steps of the discriminator", ylabel="norm of the generator's gradient")
    axes.legend(loc="lower left")
    _save(figure, "starvation")
    return told


def _taught(objective: str, penalties: tuple[str, ...], steps: int) -> tuple[list[int], list[float], float]:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 2)).double()
    discriminator = nn.Sequential(
        nn.Linear(2, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1)
    ).double()
    game = build_objective(objective)
    terms = [build_penalty(name, **({"gamma": 1.0} if name[0] == "r" else {})) for name in penalties]
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-3)
    random = torch.Generator().manual_seed(1)
    when = sorted({round(steps ** (i / 16)) for i in range(17)})
    norms = []

    def batch() -> tuple[Tensor, Tensor]:
        angles = torch.rand(256, generator=random, dtype=torch.float64) * 2 * math.pi
        real = 2 * torch.stack([angles.cos(), angles.sin()], dim=1)
        return real, generator(torch.randn(256, 1, generator=random, dtype=torch.float64))

    for step in range(1, steps + 1):
        real, fake = batch()
        fake = fake.detach()
        loss = game.discriminator_loss(discriminator(real)[:, 0], discriminator(fake)[:, 0])
        flat = nn.Sequential(discriminator, nn.Flatten(0))
        context = StepContext(step, steps, generator, flat, real, fake, random=random)
        for term in terms:
            added = term.discriminator_term(context)
            loss = loss if added is None else loss + added
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in when:
            taught = game.generator_loss(discriminator(batch()[1])[:, 0], discriminator(real)[:, 0])
            gradient = torch.autograd.grad(taught, list(generator.parameters()))
            norms.append(math.sqrt(sum(float(part.square().sum()) for part in gradient)))
    real, fake = batch()
    with torch.no_grad():
        middle = (discriminator(real).mean() + discriminator(fake).mean()) / 2
        right = (
            (discriminator(real) > middle).double().mean() + (discriminator(fake) < middle).double().mean()
        ) / 2
    return when, norms, float(right)


def clones() -> Numbers:
    """Batches from 128 clones of one good sample to 128 different ones: what each discriminator is shown."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    angles = torch.rand(128, generator=random) * 2 * math.pi
    diverse = torch.stack([angles.cos(), angles.sin()], dim=1)
    chosen = diverse[:1]
    spreads = np.linspace(0, 1, 21)
    single = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    deviation = build_layer("minibatch-standard-deviation", (2,), group_size=128)
    discrimination = build_layer("minibatch-discrimination", (2,), reduction="mean")
    rows: dict[str, list[float]] = {"single": [], "deviation": [], "discrimination": []}
    with torch.no_grad():
        for spread in spreads:
            share = angles[:1] + float(spread) * (angles - angles[:1])
            batch = torch.stack([share.cos(), share.sin()], dim=1)
            rows["single"].append(float((single(batch)[:1] - single(chosen)).abs().max()))
            rows["deviation"].append(float(deviation(batch)[0, 2]))
            rows["discrimination"].append(float(discrimination(batch)[:, 2:].mean()))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(7.6, 3.0))
    _arrows(left, single, chosen)
    for name, colour, words in (
        ("single", GREY, "judges one sample: change of its score"),
        ("deviation", BLUE, "minibatch standard deviation"),
        ("discrimination", ORANGE, "minibatch discrimination (closeness)"),
    ):
        right.plot(spreads, rows[name], color=colour, label=words)
    right.set(
        xlabel="spread of the batch: 0 is clones, 1 the whole ring", ylabel="what the discriminator is shown"
    )
    right.legend(fontsize=7.5)
    right.set_ylim(-0.05, 1.35)
    figure.tight_layout()
    _save(figure, "clones")
    return {name: {"clones": values[0], "diverse": values[-1]} for name, values in rows.items()}


def _arrows(axes: Axes, single: nn.Module, chosen: Tensor) -> None:
    """Where a per-sample discriminator sends a batch of near clones: all the same way."""
    random = torch.Generator().manual_seed(2)
    batch = (chosen + 0.03 * torch.randn(12, 2, generator=random)).requires_grad_()
    gradient = torch.autograd.grad(
        build_objective("non-saturating").generator_loss(single(batch)[:, 0]), batch
    )[0]
    points, way = batch.detach().numpy(), -gradient.numpy()
    way = way / np.linalg.norm(way, axis=1, keepdims=True)
    circle = np.linspace(0, 2 * math.pi, 200)
    axes.plot(np.cos(circle), np.sin(circle), color="#ccc", zorder=0)
    axes.quiver(*points.T, *way.T, color=RED, width=0.008, scale=6)
    axes.plot(*points.T, "o", color=RED, markersize=3)
    middle = chosen[0].tolist()
    axes.set(xlim=(middle[0] - 0.25, middle[0] + 0.25), ylim=(middle[1] - 0.25, middle[1] + 0.25))
    axes.set(title="12 near clones and where each is sent", aspect="equal", xticks=[], yticks=[])


def distances() -> Numbers:
    """Jensen-Shannon divergence and Wasserstein distance of two narrow Gaussians, against their distance."""
    gaps = np.linspace(0, 3, 121)
    figure, axes = pyplot.subplots(figsize=(5.6, 3.0))
    found: Numbers = {}
    for width, style in ((0.3, "-"), (0.1, "--"), (0.03, ":")):
        values = [jensen_shannon(gap, width) for gap in gaps]
        axes.plot(gaps, values, style, color=RED, label=f"Jensen-Shannon divergence, width {width:g}")
        found[f"{width:g}"] = {"gap 1": jensen_shannon(1.0, width), "gap 2": jensen_shannon(2.0, width)}
    axes.plot(gaps, gaps, color=BLUE, label="Wasserstein-1 distance, any width")
    axes.axhline(math.log(2), color="#ccc", zorder=0)
    axes.annotate("log 2", (2.75, math.log(2) + 0.04), color=GREY)
    axes.set(xlabel="distance between data and generator", ylabel="value (nats; distance)", ylim=(0, 2))
    axes.legend(loc="lower right", fontsize=7.5)
    _save(figure, "distances")
    return found


def jensen_shannon(gap: float, width: float) -> float:
    """Jensen-Shannon divergence of N(0, width) and N(gap, width) in nats, by integration on a fine grid.

    Example:
        >>> jensen_shannon(0.0, 0.1), round(jensen_shannon(5.0, 0.1), 9) == round(math.log(2), 9)
        (0.0, True)
    """
    grid = np.linspace(-10 * width, gap + 10 * width, 40001)
    first, second = (_density(grid, centre, width) for centre in (0.0, gap))
    middle = (first + second) / 2
    total = _integral(grid, _relative(first, middle)) + _integral(grid, _relative(second, middle))
    return float(total / 2)


def _density(grid: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((grid - centre) / width) ** 2) / (width * math.sqrt(2 * math.pi))


def _relative(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.where(first > 0, first * np.log(np.maximum(first, 1e-300) / np.maximum(second, 1e-300)), 0.0)


def _integral(grid: np.ndarray, values: np.ndarray) -> float:
    return float(np.sum((values[1:] + values[:-1]) / 2 * np.diff(grid)))


def critics() -> Numbers:
    """The best discriminator and the best critic between two narrow Gaussians, in closed form."""
    grid = np.linspace(-1, 3, 401)
    gap, width = 2.0, 0.3
    score = (0.5 * gap**2 - gap * grid) / width**2  # log p_data / p_generator
    share = 1 / (1 + np.exp(-score))
    figure, axes = pyplot.subplots(figsize=(5.6, 3.0))
    for centre, colour, words in ((0.0, GREEN, "data"), (gap, ORANGE, "generator")):
        density = _density(grid, centre, width)
        axes.fill_between(
            grid, density / density.max() * 0.4 - 1.6, -1.6, color=colour, alpha=0.3, label=words
        )
    axes.plot(grid, share, color=RED, label="best discriminator, D(x)")
    axes.plot(grid, gap / 2 - grid, color=BLUE, label="best critic, slope 1")
    axes.set(xlabel="x", ylim=(-1.6, 2.1))
    axes.legend(fontsize=7.5, loc="upper right")
    _save(figure, "critics")
    at = np.exp(-score[np.argmin(abs(grid - gap))])
    return {
        "slope of D at the generator": float((gap / width**2) * at / (1 + at) ** 2),
        "score": float(-np.log(at)),
    }


def rotation() -> Numbers:
    """The Dirac-GAN: where each method goes, and how far from the equilibrium it ends."""
    critic = dirac.unit_slope(0.35, dirac.wasserstein)
    methods = (
        _method("minimax, both at once", dirac.minimax, "simultaneous"),
        _method("minimax, in turn", dirac.minimax),
        _method("non-saturating, in turn", dirac.non_saturating),
        _method("Wasserstein, weights clipped at 1", dirac.wasserstein, clip=1.0),
        _method("Wasserstein, gradient penalty, 5 critic steps", critic, inner=5),
        _method("minimax, R1 with gamma 0.01", dirac.penalised(0.01), "simultaneous"),
        _method("minimax, R1 with gamma 0.3", dirac.penalised(0.3)),
        _method("minimax, R1 with gamma 1", dirac.penalised(1.0)),
    )
    figure, axes = pyplot.subplots(2, 4, figsize=(8.4, 4.7))
    found: Numbers = {}
    for method, panel in zip(methods, axes.flat, strict=True):
        path = dirac.play(method, 500)
        away = dirac.distance(path)
        found[method.name] = {str(step): float(away[step]) for step in (100, 300, 500)}
        panel.plot(*path.T, color=BLUE, linewidth=0.7)
        panel.plot(*path[0], "o", color=GREY, markersize=4)
        panel.plot(*path[-1], "s", color=RED, markersize=4)
        panel.plot(0, 0, "+", color="black", markersize=9)
        panel.set(xlim=(-3.3, 3.3), ylim=(-3.3, 3.3), aspect="equal", xticks=[], yticks=[])
        panel.set_title(method.name.replace(", ", ",\n", 1), fontsize=8)
    axes[1, 0].set(xlabel="generator θ", ylabel="discriminator ψ")
    figure.tight_layout(h_pad=2.0)
    _save(figure, "rotation")
    return found


def _method(
    name: str, field: dirac.Field, update: str = "alternating", inner: int = 1, clip: float = math.inf
) -> dirac.Method:
    return dirac.Method(name, "variant", name, field, update, inner, clip)


def _save(figure: Any, name: str) -> None:
    figure.savefig(FOLDER / f"{name}.svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


FIGURES: dict[str, Callable[[], Numbers]] = {
    make.__name__: make for make in (slopes, starvation, clones, distances, critics, rotation)
}

if __name__ == "__main__":
    main(sys.argv[1:])
