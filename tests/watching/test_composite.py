"""The weight of the adversarial term beside others, where these are easily overlooked."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_pair import LATENT, ROWS, SIZE, adam, data, noise, observed
from torch import Tensor, nn

from equipoise.history.store import History
from equipoise.watching.watcher import Watcher


class Featured(nn.Module):
    """A discriminator that returns its score and its inner layer."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = nn.Linear(SIZE, 16), nn.Linear(16, 1)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        inner = F.leaky_relu(self.inner(samples), 0.2)
        return self.last(inner), inner


def generator(inputs: int = LATENT) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 16), nn.LeakyReLU(0.2), nn.Linear(16, SIZE), nn.Tanh())


def towards(scores: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


def at(samples: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """The gradient of a loss at samples, apart from the graph that is watched."""
    leaf = samples.detach().requires_grad_()
    return torch.autograd.grad(loss(leaf), leaf)[0]


def share(other: list[Tensor], adversarial: Tensor) -> float:
    rest = torch.stack([gradient.square().sum() for gradient in other]).sum().sqrt()
    return float(rest / (rest + adversarial.norm()))


def train(step: Any, steps: int = 3) -> tuple[dict[str, Any], float]:
    """Facts after a few steps, and the share of the last one as `step` computed it."""
    torch.manual_seed(0)
    watcher = Watcher(step.generator, step.discriminator, History(None), every=1)
    watcher.schedule.heavy = lambda: True  # type: ignore[method-assign]
    for _ in range(steps):
        expected = step()
    return observed(watcher).facts, expected


class OwnCall:
    """A reconstruction from codes beside judged samples of the prior; `judged` puts it at those instead."""

    def __init__(self, weight: float = 5.0) -> None:
        torch.manual_seed(1)
        self.weight = weight
        self.generator, self.discriminator, self.encoder = generator(), Featured(), nn.Linear(SIZE, LATENT)
        self.update_g, self.update_d = adam(self.generator), adam(self.discriminator)

    def apart(self) -> nn.Module:
        return copy.deepcopy(self.discriminator)

    def __call__(self) -> float:
        real = data()
        recovered, made = self.generator(self.encoder(real)), self.generator(noise())
        self.update_d.zero_grad()
        (
            towards(self.discriminator(real)[0], 1.0) + towards(self.discriminator(made.detach())[0], 0.0)
        ).backward()
        self.update_d.step()
        adversarial = towards(self.discriminator(made)[0], 1.0)
        other = self.weight * (recovered - real).square().mean()
        sent = at(made, lambda x: towards(self.apart()(x)[0], 1.0))
        rest = at(recovered, lambda x: self.weight * (x - real).square().mean())
        self.update_g.zero_grad()
        (adversarial + other).backward()
        self.update_g.step()
        return share([rest], sent)


class FeatureMatching(OwnCall):
    """A term of the discriminator's inner layer, at the samples that it judges."""

    def __call__(self) -> float:
        real, made = data(), self.generator(noise())
        self.update_d.zero_grad()
        (
            towards(self.discriminator(real)[0], 1.0) + towards(self.discriminator(made.detach())[0], 0.0)
        ).backward()
        self.update_d.step()
        scores, inner = self.discriminator(made)
        adversarial = towards(scores, 1.0)
        goal = self.discriminator(real)[1].detach()
        other = self.weight * (inner - goal).square().mean()
        sent = at(made, lambda x: towards(self.apart()(x)[0], 1.0))
        rest = at(made, lambda x: self.weight * (self.apart()(x)[1] - goal).square().mean())
        self.update_g.zero_grad()
        (adversarial + other).backward()
        self.update_g.step()
        return share([rest], sent)


class Chain(OwnCall):
    """A generator that is given its own answer; only the last one is judged, and there is no other term."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = generator(SIZE)
        self.update_g = adam(self.generator)

    def __call__(self) -> float:
        made = self.generator(self.generator(torch.randn(ROWS, SIZE)))
        self.update_d.zero_grad()
        (
            towards(self.discriminator(data())[0], 1.0) + towards(self.discriminator(made.detach())[0], 0.0)
        ).backward()
        self.update_d.step()
        self.update_g.zero_grad()
        towards(self.discriminator(made)[0], 1.0).backward()
        self.update_g.step()
        return 0.0


class Undetached(OwnCall):
    """The discriminator's step sends its loss on to a call of its own; the generator's has no other term."""

    def __call__(self) -> float:
        self.update_d.zero_grad()
        made = self.generator(noise())
        (towards(self.discriminator(data())[0], 1.0) + towards(self.discriminator(made)[0], 0.0)).backward()
        self.update_d.step()
        self.update_g.zero_grad()
        towards(self.discriminator(self.generator(noise()))[0], 1.0).backward()
        self.update_g.step()
        return 0.0


class TwoBatches(OwnCall):
    """Both batches in one call of the generator; the discriminator is given the second one only."""

    def __call__(self) -> float:
        real = data()
        output = self.generator(torch.cat([self.encoder(real), noise()]))
        recovered, made = output[:ROWS], output[ROWS:]
        self.update_d.zero_grad()
        scores = self.discriminator(made.detach())[0]
        (towards(self.discriminator(real)[0], 1.0) + towards(scores, 0.0)).backward()
        self.update_d.step()
        sent = at(made, lambda x: towards(self.apart()(x)[0], 1.0))
        rest = at(recovered, lambda x: self.weight * (x - real).square().mean())
        self.update_g.zero_grad()
        other = self.weight * (recovered - real).square().mean()
        (towards(self.discriminator(made)[0], 1.0) + other).backward()
        self.update_g.step()
        return share([rest], sent)


def test_a_term_at_other_rows_of_the_same_call_is_weighed() -> None:
    facts, expected = train(TwoBatches())
    assert facts["objective.composite"] == pytest.approx(expected, rel=1e-4)


def test_a_term_with_a_call_of_its_own_is_weighed() -> None:
    facts, expected = train(OwnCall())
    assert facts["objective.composite"] == pytest.approx(0.0, abs=1e-5)
    assert facts["objective.composite.all"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("weight", [0.1, 1e4])
def test_feature_matching_is_no_adversarial_term(weight: float) -> None:
    facts, expected = train(FeatureMatching(weight))
    assert facts["objective.composite"] == pytest.approx(0.0, abs=1e-5)  # it comes through the discriminator
    assert facts["objective.composite.all"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("step", [Chain, Undetached])
def test_an_adversarial_gradient_is_no_other_term(step: Any) -> None:
    facts, _ = train(step())
    assert facts["objective.composite.all"] == pytest.approx(0.0, abs=1e-5)


def test_codes_of_an_encoder_are_no_drawn_latents() -> None:
    step = OwnCall()
    watcher = Watcher(step.generator, step.discriminator, History(None), every=1)
    for _ in range(3):
        step.update_d.zero_grad()
        made = step.generator(3 * step.encoder(data()))
        (
            towards(step.discriminator(data())[0], 1.0) + towards(step.discriminator(made.detach())[0], 0.0)
        ).backward()
        step.update_d.step()
        step.update_g.zero_grad()
        towards(step.discriminator(step.generator(noise()))[0], 1.0).backward()
        step.update_g.step()
    seen = observed(watcher)
    assert len(seen.series("latent.std").finite()) == 3
    assert len(seen.series("latent.discriminator.std").finite()) == 0
