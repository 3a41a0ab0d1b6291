"""A collapse on sequences: which frequencies a generator of waves gives, and what brings the others back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.games import Game, every, random_numbers, seeded
from equipoise.lab.measures import watched
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role
from equipoise.lab.panels import Curve, HistogramPanel, LinePanel, Panel, Reference, Values
from equipoise.metrics.modes import mode_shares

STEPS = 450
LENGTH = 16
FREQUENCIES = 6
LATENT = 16
WIDTH = 32
BATCH = 64
COUNT = 1000
SHOWN = 4


def waves(count: int, random: torch.Generator) -> Tensor:
    """Sines with 1 to 6 whole periods, phases within half a radian, amplitudes 0.8 to 1.2: (N, 1, 16)."""
    periods = torch.randint(1, FREQUENCIES + 1, (count, 1), generator=random)
    phase = torch.rand(count, 1, generator=random) - 0.5
    amplitude = 0.8 + 0.4 * torch.rand(count, 1, generator=random)
    time = torch.arange(LENGTH) / LENGTH
    return (amplitude * torch.sin(2 * math.pi * periods * time + phase)).unsqueeze(1)


def strongest_frequency(samples: Tensor) -> tuple[Tensor, Tensor]:
    """The strongest of the frequencies 1 to 6 of sequences (N, 1, T), from 0, and its share of the energy.

    By Parseval's theorem the squares of the Fourier coefficients are shares of the energy; a sine of whole
    periods has all of it in one.

    Example:
        >>> place, share = strongest_frequency(waves(4, torch.Generator().manual_seed(0)))
        >>> bool((share > 0.999).all())
        True
    """
    energy = torch.fft.rfft(samples.double()[:, 0]).abs().square()
    # Both halves of the spectrum: all but the constant and the highest are there twice.
    energy[:, 1:-1] *= 2
    largest, place = energy[:, 1 : FREQUENCIES + 1].max(dim=1)
    return place, largest / energy.sum(dim=1).clamp_min(1e-12)


class WaveGenerator(nn.Module):
    """From a latent to (N, 1, 16) by transposed convolutions along time."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(LATENT, 2 * WIDTH * 4),
            nn.Unflatten(1, (2 * WIDTH, 4)),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose1d(2 * WIDTH, WIDTH, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose1d(WIDTH, WIDTH, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(WIDTH, 1, 5, padding=2),
        )

    def forward(self, latent: Tensor) -> Tensor:
        samples: Tensor = self.body(latent)
        return samples


class WaveDiscriminator(nn.Module):
    """From (N, 1, 16) to logits (N,) by strided convolutions along time."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, WIDTH, 5, padding=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(WIDTH, WIDTH, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(WIDTH, 2 * WIDTH, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(8 * WIDTH, 64),
            nn.LeakyReLU(0.2),
            nn.Linear(64, 1),
        )

    def forward(self, samples: Tensor) -> Tensor:
        logits: Tensor = self.body(samples)
        return logits.squeeze(1)


@dataclass(frozen=True)
class Way:
    """How the game is played."""

    name: str
    role: Role
    description: str
    gamma: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)


WAYS = (
    Way("plain", "failure", "non-saturating loss, Adam with its own betas (0.9, 0.999), no penalty"),
    Way("weak R1", "variant", "R1, gamma 0.1, and Adam with betas (0, 0.99)", gamma=0.1, betas=(0.0, 0.99)),
    Way("R1", "cure", "R1, gamma 1, and Adam with betas (0, 0.99)", gamma=1.0, betas=(0.0, 0.99)),
)  # fmt: skip


@EXPERIMENTS.register("time-series")
class TimeSeries(Experiment):
    """A game on sequences gives a few of six waves and jumps between them, until a penalty holds it.

    What it shows
        Mode collapse is no matter of pictures. The data are short waves of six frequencies, equally often.
        A plain game with Adam as it comes gives a few of them at a time: the discriminator learns that these
        are fakes, the generator moves on to others. With R1 on the discriminator, and an optimizer without
        momentum, all six stay, if the penalty is strong enough.

    Setting
        Sequences of 16 values: sines of 1 to 6 whole periods, phases within half a radian, amplitudes 0.8 to
        1.2. One-dimensional convolutions in both networks (32 and 64 channels), latents of 16, Adam at 0.001,
        batches of 64, 450 steps. A sample is of the frequency that is strongest in its Fourier transform; the
        share of its energy in that frequency says how pure it is. 1,000 samples each time; a frequency counts
        as given if it has at least a fifth of its share of them.

    What to look at
        The number of frequencies on the way: few in the plain game, and not always the same ones. Weak R1
        finds all six early and loses some again, so a look at the right moment would call it cured. The
        waves themselves: the plain game's are alike.

    Where the textbook says more than this shows
        The cure brings all frequencies, not perfect waves: within this minute a part of the energy still is
        in the wrong place, and the share of pure waves says so. What collapses here is a choice of one
        out of six discrete frequencies; collapse in real series (of regimes, of seasons) needs other
        measures than a Fourier transform.

    References
        Donahue et al. 2019 (1802.04208): one-dimensional DCGAN for audio. Mescheder et al. 2018 (1801.04406):
        R1, and why momentum makes the rotation worse. Srivastava et al. 2017 (1705.07761): counting modes and
        the reverse KL divergence of their histogram.
    """

    name = "time-series"
    title = "A collapse on sequences"
    claim = (
        "A plain game on waves of six frequencies lacks two or more of them at a time; strong enough R1, "
        "without momentum, gives all six."
    )
    question = "All my generated time series look the same: is that mode collapse too?"
    minutes = 0.7

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        steps = scaled(STEPS, budget)
        arms, peaks = [], []
        panels: list[Panel] = []
        for place, way in enumerate(WAYS):
            if progress is not None:
                progress(way.name, place / len(WAYS))
            arm = Arm(way.name, way.role, way.description)
            game = _game(way, steps, seed)
            _play(game, arm)
            fakes = game.samples(COUNT)
            for number in range(SHOWN):
                arm.curve(f"wave {number}", range(LENGTH), fakes[number, 0].tolist())
            peaks.append(Values(way.name, way.role, strongest_frequency(fakes)[0].numpy() + 1))
            arms.append(arm)
        reals = waves(COUNT, random_numbers(seed, "evaluation reals"))
        peaks.insert(0, Values("data", "data", strongest_frequency(reals)[0].numpy() + 1))
        panels += _panels(peaks)
        return Outcome(arms, _expectations(arms), _doubts(arms), panels, "frequencies")


def _game(way: Way, steps: int, seed: int) -> Game:
    from equipoise.penalties import build_penalty

    generator, discriminator = seeded(seed, lambda: (WaveGenerator(), WaveDiscriminator()))
    return Game(
        generator,
        discriminator,
        waves,
        LATENT,
        steps=steps,
        batch=BATCH,
        betas=way.betas,
        penalties=[build_penalty("r1", gamma=way.gamma)] if way.gamma else [],
        seed=seed,
    )


def _play(game: Game, arm: Arm) -> None:
    seen: dict[str, list[float]] = {"step": [], "frequencies": [], "reverse KL": [], "pure": []}
    looks = set(every(game.steps, 24)[1:])
    with watched(game, arm, at=[game.steps]) as verdict:

        def observe(step: int) -> None:
            if step in looks:
                place, share = strongest_frequency(game.samples(COUNT))
                found = mode_shares(torch.bincount(place, minlength=FREQUENCIES).numpy())
                seen["step"].append(step)
                seen["frequencies"].append(float(found.with_share))
                seen["reverse KL"].append(found.reverse_kl)
                seen["pure"].append(float(share.mean()))
            verdict(step)

        game.play(observe=observe)
    for name, values in seen.items():
        if name != "step":
            arm.curve(name, seen["step"], values)
            # The second half of the run: a single moment may be a lucky one.
            arm.number(name, float(np.mean(values[-max(1, len(values) // 2) :])))
    frequencies = arm.value("frequencies")
    if frequencies <= FREQUENCIES - 2:
        arm.state = "failing"
    elif arm.role == "cure" and frequencies > FREQUENCIES - 0.5:
        arm.state = "cured"


def _expectations(arms: list[Arm]) -> list[Expectation]:
    plain, _, cured = ({name: number.value for name, number in arm.numbers.items()} for arm in arms)
    return [
        Expectation(
            "The plain game lacks at least two of the six frequencies: mean over the second half of the run.",
            plain["frequencies"], "<=", FREQUENCIES - 2, "two of six missing", "frequencies",
        ),
        Expectation(
            "In reverse KL it has lost at least what two missing frequencies lose.",
            plain["reverse KL"], ">=", math.log(6 / 4), "log(6/4): two of six equal modes missing", "nats",
        ),
        Expectation(
            "R1 with gamma 1 and no momentum gives all six.",
            cured["frequencies"], ">=", FREQUENCIES - 0.5, "all six, with one missing at one moment in two",
            "frequencies",
        ),
        Expectation(
            "The cure's reverse KL is below what the loss of a single frequency would give.",
            cured["reverse KL"], "<", math.log(6 / 5), "log(6/5): one of six equal modes missing", "nats",
        ),
    ]  # fmt: skip


def _doubts(arms: list[Arm]) -> list[str]:
    plain, weak, cured = (arm.numbers for arm in arms)
    return [
        "The waves of the cure are not pure: on average "
        f"{cured['pure'].value:.0%} of a sample's energy is in its strongest frequency (data: all of it; the "
        f"plain game: {plain['pure'].value:.0%}).",
        f"R1 with a tenth of the strength gives {weak['frequencies'].value:.1f} frequencies on average. The "
        "cure is R1 and an optimizer without momentum together; which of the two does the work was not "
        "taken apart.",
        "The plain game is not stuck: it moves from frequency to frequency. With other learning rates, wider "
        "networks or more steps it may find more of them.",
    ]


def _panels(peaks: list[Values]) -> list[Panel]:
    names = [way.name for way in WAYS]
    return [
        LinePanel(
            "The plain game gives a few of the six frequencies at a time.",
            "step",
            "frequencies with a fifth of their share",
            tuple(Curve(name, "frequencies") for name in names),
            references=(Reference(FREQUENCIES, "data"),),
            y_range=(0.0, FREQUENCIES + 0.6),
        ),
        HistogramPanel(
            "At the end: how often each frequency is the strongest.",
            "strongest frequency (whole periods)",
            tuple(peaks),
            bins=20,
        ),
        _shown("Four samples of the plain game are much alike.", "plain"),
        _shown("Four samples with R1 and no momentum differ.", "R1"),
    ]


def _shown(title: str, arm: str) -> LinePanel:
    # A label that begins with an underscore stays out of the legend.
    curves = [Curve(arm, f"wave {number}", f"_{number}" if number else arm) for number in range(SHOWN)]
    return LinePanel(title, "time", "value", tuple(curves), y_range=(-2.0, 2.0))
