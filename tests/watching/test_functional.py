"""Loops that ask for all gradients and write them into `.grad` themselves: nothing is left over there."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from small_pair import LATENT, SIZE, adam, data, names, noise, observed
from torch import nn
from torch.func import functional_call

from equipoise.history.store import History
from equipoise.watching.watcher import Watcher


@pytest.mark.parametrize("way", ["written", "sent back"])
def test_gradients_that_replace_those_before_are_not_stale(way: str) -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(LATENT, 16), nn.LeakyReLU(0.2), nn.Linear(16, SIZE))
    discriminator = nn.Sequential(nn.Linear(SIZE, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    watcher = Watcher(generator, discriminator, History(None))
    update_d, update_g = adam(discriminator), adam(generator)

    def step(loss: torch.Tensor, network: nn.Module, update: torch.optim.Optimizer) -> None:
        weights = list(network.parameters())
        if way == "written":
            for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                weight.grad = gradient
        else:
            update.zero_grad()
            loss.backward()
        update.step()

    for _ in range(80):
        with torch.no_grad():
            fake = generator(noise())
        weights = dict(discriminator.named_parameters())
        real_score = functional_call(discriminator, weights, (data(),))
        fake_score = functional_call(discriminator, weights, (fake,))
        step(F.softplus(-real_score).mean() + F.softplus(fake_score).mean(), discriminator, update_d)
        held = {name: weight.detach() for name, weight in weights.items()}
        score = functional_call(discriminator, held, (generator(noise()),))
        step(F.softplus(-score).mean(), generator, update_g)
    seen = observed(watcher)
    stale = seen.series("gradient.discriminator.stale")
    if way == "written":
        assert stale.largest() == 0
        assert seen.series("gradient.generator.stale").largest() == 0
    assert len(seen.series("slope.real.size").finite()) > 10
    assert len(seen.series("slope.generator.size").finite()) > 10
    assert "stale-gradients" not in names(seen)


def test_a_step_that_adds_to_what_was_there_still_is() -> None:
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(LATENT, SIZE), nn.Linear(SIZE, 1)
    watcher = Watcher(generator, discriminator, History(None))
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(80):
        (
            F.softplus(-discriminator(data())).mean()
            + F.softplus(discriminator(generator(noise()).detach())).mean()
        ).backward()
        update_d.step()
        update_g.zero_grad()
        weights = list(generator.parameters())
        loss = F.softplus(-discriminator(generator(noise()))).mean()
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        update_g.step()
    assert "stale-gradients" in names(observed(watcher))


def test_a_generator_of_one_weight_is_asked_for_whole() -> None:
    """Dirac-GAN by `autograd.grad`: one weight of five is few, but it is all that the generator has."""

    class Point(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.place = nn.Parameter(torch.ones(SIZE))

        def forward(self, latent: torch.Tensor) -> torch.Tensor:
            return self.place + 0.1 * latent[:, :1]

    torch.manual_seed(0)
    generator, discriminator = Point(), nn.Sequential(nn.Linear(SIZE, 8), nn.Tanh(), nn.Linear(8, 1))
    watcher = Watcher(generator, discriminator, History(None))
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(40):
        update_d.zero_grad()
        fake = generator(noise())
        (F.softplus(-discriminator(data())) + F.softplus(discriminator(fake.detach()))).mean().backward()
        update_d.step()
        loss = F.softplus(-discriminator(fake)).mean()
        (generator.place.grad,) = torch.autograd.grad(loss, [generator.place])
        update_g.step()
    seen = observed(watcher)
    assert len(seen.series("slope.generator.size").finite()) > 10
    assert seen.series("gradient.samples").smallest() > 0
