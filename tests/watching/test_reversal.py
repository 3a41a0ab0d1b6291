"""Gradient reversal: one loss and one optimizer for both players."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equipoise.checks import judge
from equipoise.history.observations import Observations
from equipoise.history.store import History
from equipoise.watching.watcher import Watcher

SIZE, LATENT, ROWS = 12, 8, 32


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return -0.5 * gradient


class Negated(torch.autograd.Function):
    """Turns the values, and with them the gradient: no gradient reversal."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return -values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return -gradient


def detached_twice(values: Tensor) -> Tensor:
    return 2 * values.detach() - values


class Behind(nn.Module):
    def __init__(self, layer: Any, network: nn.Module) -> None:
        super().__init__()
        self.layer, self.network = layer, network

    def forward(self, values: Tensor) -> Any:
        return self.network(self.layer(values))


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(LATENT, 32), nn.ReLU(), nn.Linear(32, SIZE), nn.Tanh())
    return generator, nn.Sequential(nn.Linear(SIZE, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))


def observed(watcher: Watcher) -> Observations:
    watcher.history.set_facts(watcher.facts.collect())
    seen: Observations = watcher.history.observations()
    seen.updates, seen.source = dict(watcher.updates), "live"
    assert watcher.problems.sentences == []
    watcher.close()
    return seen


def names(seen: Observations) -> list[str]:
    return [finding.name for finding in judge(seen).findings if finding.severity != "info"]


def one_optimizer(layer: Any, inside: bool = False) -> Observations:
    """A GAN of one loss, sent back once and stepped by one optimizer of both networks."""
    generator, discriminator = networks()
    if inside:
        discriminator, layer = Behind(layer, discriminator), lambda values: values
    both = torch.optim.Adam([*generator.parameters(), *discriminator.parameters()], 1e-3, betas=(0.5, 0.9))
    watcher = Watcher(generator, discriminator, History())
    for _ in range(60):
        both.zero_grad()
        real = torch.tanh(torch.randn(ROWS, SIZE) * 0.5 + 0.4)
        fake = layer(generator(torch.randn(ROWS, LATENT)))
        (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()).backward()
        both.step()
    return observed(watcher)


@pytest.mark.parametrize("layer", [Reversed.apply, detached_twice])
def test_one_optimizer_is_right_behind_a_reversed_gradient(layer: Any) -> None:
    seen = one_optimizer(layer)
    assert seen.fact("generator.gradient_reversed") is True
    # The generator climbs what the discriminator descends: its slopes are those of its own loss.
    assert seen.recent("slope.generator.positive").median() == 0
    assert seen.recent("slope.fake.positive").median() == 1
    assert names(seen) == []


def test_a_reversal_inside_the_discriminator_is_seen() -> None:
    seen = one_optimizer(Reversed.apply, inside=True)
    assert seen.fact("generator.gradient_reversed") is True
    assert "optimizer-scope" not in names(seen)


@pytest.mark.parametrize("layer", [lambda values: values, Negated.apply, lambda values: 1 - values])
def test_without_a_reversal_one_optimizer_is_named(layer: Any) -> None:
    seen = one_optimizer(layer)
    assert seen.fact("generator.gradient_reversed") is False
    assert "optimizer-scope" in names(seen)


def test_two_losses_of_opposite_slopes_are_no_reversal() -> None:
    """Wasserstein's two losses send exactly opposite gradients, with fakes that were not detached."""
    generator, discriminator = networks()
    one = torch.optim.RMSprop(generator.parameters(), 1e-3)
    other = torch.optim.RMSprop(discriminator.parameters(), 1e-3)
    watcher = Watcher(generator, discriminator, History())
    for _ in range(30):
        fake, real = generator(torch.randn(ROWS, LATENT)), torch.randn(ROWS, SIZE)
        other.zero_grad()
        (discriminator(fake).mean() - discriminator(real).mean()).backward(retain_graph=True)
        other.step()
        one.zero_grad()
        (-0.5 * discriminator(fake).mean()).backward()
        one.step()
    assert observed(watcher).fact("generator.gradient_reversed") is False


def test_two_domains_of_one_network_have_no_real_one() -> None:
    """DANN: a classifier on the labelled domain, the domains told apart behind the reversed gradient."""
    features, domains = networks()
    classifier = nn.Linear(SIZE, 4)
    everything = [*features.parameters(), *classifier.parameters(), *domains.parameters()]
    both = torch.optim.Adam(everything, 1e-3)
    watcher = Watcher(features, domains, History())
    for _ in range(60):
        both.zero_grad()
        source, target = features(torch.randn(ROWS, LATENT)), features(torch.randn(ROWS, LATENT) + 0.3)
        loss = F.cross_entropy(classifier(source), torch.randint(0, 4, (ROWS,)))
        loss = loss + F.softplus(domains(Reversed.apply(source))).mean()
        (loss + F.softplus(-domains(Reversed.apply(target))).mean()).backward()
        both.step()
    seen = observed(watcher)
    assert seen.fact("generator.gradient_reversed") is True
    assert names(seen) == []


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        return -ctx.strength * gradient, None


def two_domains(strength: Any, steps: int = 60) -> Observations:
    """DANN: features of labelled and of other data, told apart behind a reversal of some strength."""
    torch.manual_seed(0)
    features, domains = networks()
    classes = nn.Linear(SIZE, 3)
    parameters = [*features.parameters(), *domains.parameters(), *classes.parameters()]
    both = torch.optim.Adam(parameters, 1e-3)
    watcher = Watcher(features, domains, History())
    for step in range(steps):
        both.zero_grad()
        first = features(torch.randn(ROWS, LATENT))
        loss = F.cross_entropy(classes(first), torch.randint(0, 3, (ROWS,)))
        second = features(torch.randn(ROWS, LATENT) + 1)
        told = [domains(Scaled.apply(one, strength(step))) for one in (first, second)]
        (loss + F.softplus(-told[0]).mean() + F.softplus(told[1]).mean()).backward()
        both.step()
    return observed(watcher)


def test_a_reversal_of_strength_zero_is_a_cut() -> None:
    assert names(two_domains(lambda step: 0.0))[0] == "generator-graph-cut"
    for healthy in (lambda step: 0.5, lambda step: step / 60, lambda step: max(0.0, step / 30 - 1)):
        assert "generator-graph-cut" not in names(two_domains(healthy))
