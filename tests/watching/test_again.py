"""Steps of the discriminator's optimizer behind the generator's loss alone."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from small_pair import LATENT, SIZE, adam, data, names, noise, observed
from torch import nn

from equipoise.history.store import History
from equipoise.watching.watcher import Watcher

ITERATIONS = 60


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return (
        nn.Sequential(nn.Linear(LATENT, 32), nn.ReLU(), nn.Linear(32, SIZE), nn.Tanh()),
        nn.Sequential(nn.Linear(SIZE, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)),
    )


def watched(step, critic_steps: int = 1, every: int | None = None):
    """A run of `step(generator, discriminator, update_g, update_d)` behind the discriminator's own steps."""
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=every)
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(ITERATIONS):
        for _ in range(critic_steps):
            update_d.zero_grad()
            made = generator(noise()).detach()
            (F.softplus(-discriminator(data())) + F.softplus(discriminator(made))).mean().backward()
            update_d.step()
        step(generator, discriminator, update_g, update_d)
    return observed(watcher)


def fooled(generator: nn.Module, discriminator: nn.Module, update_g) -> None:
    update_g.zero_grad()
    F.softplus(-discriminator(generator(noise()))).mean().backward()
    update_g.step()


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_a_second_step_behind_the_generators_loss_is_an_error(critic_steps: int) -> None:
    def step(generator, discriminator, update_g, update_d) -> None:
        fooled(generator, discriminator, update_g)
        update_d.step()

    seen = watched(step, critic_steps)
    own, foreign = seen.fact("discriminator.steps")
    assert foreign >= 2
    assert own >= foreign
    # In the densely recorded start three steps of a critic leave room for two rounds only.
    assert ("stale-gradients" in names(seen)) is (critic_steps == 1)
    assert names(watched(step, critic_steps, every=1))[0] == "stale-gradients"


def test_the_generators_step_alone_is_none() -> None:
    def step(generator, discriminator, update_g, update_d) -> None:
        fooled(generator, discriminator, update_g)

    seen = watched(step, every=1)
    assert seen.fact("discriminator.steps")[1] == 0
    assert names(seen) == []


def test_a_second_step_of_a_discriminator_whose_gradients_are_cleared_is_none() -> None:
    def step(generator, discriminator, update_g, update_d) -> None:
        fooled(generator, discriminator, update_g)
        update_d.zero_grad()
        update_d.step()

    assert watched(step, every=1).fact("discriminator.steps")[1] == 0


def test_a_second_step_with_a_loss_of_its_own_is_none() -> None:
    """A class loss behind the generator's step, as some conditional loops have it."""

    def step(generator, discriminator, update_g, update_d) -> None:
        fooled(generator, discriminator, update_g)
        update_d.zero_grad()
        discriminator(data()).square().mean().backward()
        update_d.step()

    assert watched(step, every=1).fact("discriminator.steps")[1] == 0


def test_both_losses_before_both_steps_and_an_optimizer_for_each_part_are_none() -> None:
    generator, discriminator = networks()
    parts = [part for part in discriminator.modules() if isinstance(part, nn.Linear)]
    watcher = Watcher(generator, discriminator, History(None), every=1)
    updates_d, update_g = [adam(part) for part in parts], adam(generator)
    for _ in range(ITERATIONS):
        for one in (*updates_d, update_g):
            one.zero_grad()
        made = generator(noise())
        weights = list(discriminator.parameters())
        for weight in weights:
            weight.requires_grad_(False)
        F.softplus(-discriminator(made)).mean().backward()
        for weight in weights:
            weight.requires_grad_(True)
        (F.softplus(-discriminator(data())) + F.softplus(discriminator(made.detach()))).mean().backward()
        for one in itertools.chain([update_g], updates_d):
            one.step()
    assert len(parts) > 1
    seen = observed(watcher)
    assert seen.fact("discriminator.steps")[1] == 0
    assert "stale-gradients" not in names(seen)
    assert torch.isfinite(next(iter(generator.parameters()))).all()
