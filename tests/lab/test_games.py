"""The small games: the trainer's step, reproducible, and what is measured of them against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from equipoise.lab.games import Game, moments, seeded, twin
from equipoise.lab.measures import (
    first_below,
    fresh_discriminator,
    generator_gradient,
    gradient_at_fakes,
    separation,
)
from equipoise.lab.toys import ToyDiscriminator, ToyGenerator, ring_sampler
from equipoise.penalties import build_penalty


class Shift(nn.Module):
    """z to z + theta."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([1.5], dtype=torch.float64))

    def forward(self, latent: Tensor) -> Tensor:
        return latent.double() + self.theta


class Slope(nn.Module):
    """x to psi x."""

    def __init__(self, psi: float) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi, dtype=torch.float64))

    def forward(self, samples: Tensor) -> Tensor:
        return (samples * self.psi).squeeze(1)


def make_game(seed: int = 0, **options: object) -> Game:
    return Game(
        seeded(seed, lambda: ToyGenerator(2, (2,), width=8)),
        seeded(seed, lambda: ToyDiscriminator(2, width=8)),
        ring_sampler(),
        2,
        steps=5,
        batch=8,
        seed=seed,
        **options,
    )


def test_the_gradients_are_those_of_the_formulas() -> None:
    generator, discriminator = Shift(), Slope(-0.7)
    latent = torch.linspace(-1, 1, 5)[:, None]
    logits = -0.7 * (latent.double() + 1.5)
    # d/dtheta mean(-softplus(psi (z + theta))) = -psi mean(sigmoid)
    saturating = abs(-0.7) * torch.sigmoid(logits).mean()
    assert generator_gradient(generator, discriminator, latent, "minimax") == pytest.approx(float(saturating))
    other = abs(-0.7) * torch.sigmoid(-logits).mean()
    assert generator_gradient(generator, discriminator, latent, "non-saturating") == pytest.approx(
        float(other)
    )
    assert generator_gradient(generator, discriminator, latent, "wasserstein") == pytest.approx(0.7)
    assert generator.theta.grad is None
    fakes = generator(latent)
    assert torch.allclose(
        gradient_at_fakes(discriminator, fakes, "minimax"), 0.7 * torch.sigmoid(logits), atol=1e-12
    )


def test_separation_reaches_log_two_and_starts_at_zero() -> None:
    reals, fakes = torch.full((4, 1), 9.0), torch.full((4, 1), -9.0)
    perfect = separation(Slope(9.0), reals, fakes)
    assert perfect["accuracy"] == 1.0
    assert perfect["divergence"] == pytest.approx(math.log(2), abs=1e-9)
    undecided = separation(Slope(0.0), reals, fakes)
    assert undecided["divergence"] == pytest.approx(0.0, abs=1e-12)
    assert undecided["real"] == undecided["fake"] == 0.5


def test_a_game_repeats_itself_and_depends_on_its_seed() -> None:
    first, second, other = make_game(), make_game(), make_game(1)
    for game in (first, second, other):
        game.play()
    assert torch.equal(first.samples(4), second.samples(4))
    assert not torch.equal(first.samples(4), other.samples(4))


def test_observing_changes_nothing_and_comes_when_it_is_asked_for() -> None:
    seen: list[int] = []
    quiet, observed = make_game(), make_game()
    quiet.play()

    def observe(step: int) -> None:
        seen.append(step)
        observed.samples(16)
        observed.reals(16)

    observed.play(2, observe=observe, at=[0, 2, 5])
    observed.play(observe=observe, at=[0, 2, 5])
    assert seen == [0, 2, 5]
    assert torch.equal(quiet.samples(4), observed.samples(4))


def test_a_fixed_generator_stands_still_while_the_discriminator_learns() -> None:
    generator = seeded(0, lambda: ToyGenerator(2, (2,), width=8))
    discriminator = seeded(0, lambda: ToyDiscriminator(2, width=8))
    before, old = twin(generator), twin(discriminator)
    seen: list[int] = []
    fresh_discriminator(
        generator,
        discriminator,
        ring_sampler(),
        2,
        steps=3,
        measure=lambda step, network: seen.append(step),
        at=[0, 3],
        penalties=[build_penalty("r1", gamma=1.0)],
        batch=8,
    )
    assert seen == [0, 3]
    for one, other in zip(generator.parameters(), before.parameters(), strict=True):
        assert torch.equal(one, other)
    assert any(
        not torch.equal(one, other)
        for one, other in zip(discriminator.parameters(), old.parameters(), strict=True)
    )


def test_labels_reach_both_networks() -> None:
    shapes: list[tuple[int, ...]] = []

    class Labelled(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, values: Tensor, labels: Tensor) -> Tensor:
            shapes.append(tuple(labels.shape))
            return self.inner(values)

    def sampler(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.randn(count, 2, generator=random), torch.randint(3, (count,), generator=random)

    game = Game(
        Labelled(ToyGenerator(2, (2,), width=4)),
        Labelled(ToyDiscriminator(2, width=4)),
        sampler,
        2,
        steps=1,
        batch=4,
        classes=3,
    )
    game.play()
    assert set(shapes) == {(4,)}


def test_when_a_series_stays_below() -> None:
    assert first_below([0, 1, 2], [3.0, 0.1, 0.2], 1.0) == 1
    assert first_below([0, 1, 2], [3.0, 0.1, 2.0], 1.0) == math.inf
    assert first_below([0, 1], [0.1, float("nan")], 1.0) == math.inf
    assert moments(4000)[0] == 0
    assert moments(4000)[-1] == 4000
    assert moments(2) == [0, 1, 2]
