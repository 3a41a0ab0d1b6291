"""The laws of the latents of the generator's steps, of the discriminator's, and of calls for samples."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equipoise.history.observations import Observations
from equipoise.history.store import History
from equipoise.watching.watcher import Watcher

BATCH, STEPS = 64, 130


def normal(count: int) -> Tensor:
    return torch.randn(count, 4)


def cube(count: int) -> Tensor:
    return torch.rand(count, 4)


def watched(
    played: Callable[[int], Tensor],
    sampled: Callable[[int], Tensor],
    which: str,
    shown: str = "generator",
    graph: bool = False,
) -> Observations:
    """A loop with an average; `which` network draws the samples, `shown` makes the discriminator's fakes."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6))
    discriminator = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    update_g = torch.optim.Adam(generator.parameters(), 1e-2)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    average, twin = (copy.deepcopy(generator).requires_grad_(False) for _ in range(2))
    networks = {"generator": generator, "average": average, "twin": twin}
    for step in range(STEPS):
        with torch.set_grad_enabled(graph):
            fake = networks[shown](played(BATCH)).detach()
        update_d.zero_grad()
        real = torch.randn(BATCH, 6) + 1
        (F.softplus(-discriminator(real)) + F.softplus(discriminator(fake))).mean().backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(generator(normal(BATCH)))).mean().backward()
        update_g.step()
        with torch.no_grad():
            for mean, value in zip(average.parameters(), generator.parameters(), strict=True):
                mean.lerp_(value, 0.1)
        if step % 5 == 0:
            with torch.set_grad_enabled(graph):
                networks[which](sampled(BATCH)).detach()
    seen = watcher.history.observations()
    watcher.close()
    assert watcher.problems.sentences == []
    return seen


def means(seen: Observations, which: str = "generator") -> tuple[float, float, float]:
    place = "average" if which == "average" else "sampling"
    names = ("latent.mean", "latent.discriminator.mean", f"latent.{place}.mean")
    return tuple(seen.series(name).median() for name in names)  # type: ignore[return-value]


def test_the_two_players_may_be_shown_latents_of_two_laws() -> None:
    seen = watched(cube, normal, "generator")
    own, played, sampled = means(seen)
    assert (own, sampled) == pytest.approx((0.0, 0.0), abs=0.1)
    assert played == pytest.approx(0.5, abs=0.05)
    assert seen.series("latent.discriminator.std").median() == pytest.approx(12**-0.5, abs=0.02)
    assert seen.last("latent.discriminator.count") == BATCH * 4


@pytest.mark.parametrize("which", ["generator", "average"])
def test_samples_are_drawn_from_the_generator_or_from_its_average(which: str) -> None:
    own, played, sampled = means(watched(normal, cube, which), which)
    assert (own, played) == pytest.approx((0.0, 0.0), abs=0.1)
    assert sampled == pytest.approx(0.5, abs=0.05)


def test_samples_may_be_detached_after_they_are_drawn() -> None:
    """As tutorials do that draw their grids without `no_grad`; what a discriminator is given is no grid."""
    own, played, sampled = means(watched(normal, cube, "generator", graph=True))
    assert (own, played) == pytest.approx((0.0, 0.0), abs=0.1)
    assert sampled == pytest.approx(0.5, abs=0.05)
    own, played, sampled = means(watched(cube, normal, "generator", graph=True))
    assert (own, sampled) == pytest.approx((0.0, 0.0), abs=0.1)
    assert played == pytest.approx(0.5, abs=0.05)


def test_a_copy_that_follows_nothing_is_no_average() -> None:
    seen = watched(normal, cube, "twin")
    assert not len(seen.series("latent.sampling.mean")) + len(seen.series("latent.average.mean"))


def test_what_the_discriminator_is_shown_of_an_average_is_no_sample() -> None:
    seen = watched(cube, normal, "average", shown="average")
    assert seen.series("latent.average.mean").median() == pytest.approx(0.0, abs=0.1)


def test_a_few_samples_at_a_time_are_enough_together() -> None:
    """Six samples of four numbers each are drawn at a time: 24 values, and 72 after three times."""
    seen = watched(normal, lambda count: 3 * normal(6), "generator")
    assert seen.series("latent.sampling.std").median() == pytest.approx(3, rel=0.15)
    assert seen.last("latent.sampling.count") == 72


def test_the_same_few_samples_again_are_no_law() -> None:
    fixed = normal(6)
    assert len(watched(normal, lambda count: fixed, "generator").series("latent.sampling.std")) == 0


@pytest.mark.parametrize("mapped", [True, False])
def test_styles_of_a_mapping_network_keep_to_no_law(mapped: bool) -> None:
    """Two networks give styles in turn (StarGAN v2), for fakes without a graph; or they are drawn."""
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(4, 6), nn.Linear(6, 1)
    mappings = [nn.Linear(4, 4), nn.Linear(4, 4)]
    mappings[1].weight.data.mul_(5)
    update_g = torch.optim.Adam([*generator.parameters(), *mappings[0].parameters()], 1e-2)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    watcher = Watcher(generator, discriminator, History(None), every=1)

    def styles(kind: int) -> Tensor:
        return mappings[kind](normal(BATCH)) if mapped else (1 + 4 * kind) * normal(BATCH)

    for step in range(STEPS):
        with torch.no_grad():
            fake = generator(styles(1))
        update_d.zero_grad()
        real = torch.randn(BATCH, 6) + 1
        (F.softplus(-discriminator(real)) + F.softplus(discriminator(fake))).mean().backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(generator(styles(0)))).mean().backward()
        update_g.step()
        if step % 5 == 0:
            with torch.no_grad():
                generator(styles(1))
    seen = watcher.history.observations()
    watcher.close()
    assert watcher.problems.sentences == []
    assert len(seen.series("latent.std").finite()) == STEPS
    for place in ("discriminator", "sampling"):
        assert bool(len(seen.series(f"latent.{place}.std").finite())) == (not mapped)


@pytest.mark.parametrize("graph", [True, False])
def test_classes_that_the_loop_embeds_leave_the_latents_law_to_be_compared(graph: bool) -> None:
    """BigGAN's shared embedding: the class comes with a graph, the latent beside it is drawn."""
    torch.manual_seed(0)

    class Given(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared, self.body = nn.Embedding(3, 2), nn.Linear(6, 6)

        def forward(self, latent: Tensor, embedded: Tensor) -> Tensor:
            made: Tensor = self.body(torch.cat([latent, embedded], 1))
            return made

    generator, discriminator = Given(), nn.Linear(6, 1)
    update_g = torch.optim.Adam(generator.parameters(), 1e-2)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    for _ in range(12):
        update_d.zero_grad()
        with torch.set_grad_enabled(graph):
            fake = generator(0.5 * normal(BATCH), generator.shared(torch.randint(3, (BATCH,)))).detach()
        real = torch.randn(BATCH, 6) + 1
        (F.softplus(-discriminator(real)) + F.softplus(discriminator(fake))).mean().backward()
        update_d.step()
        update_g.zero_grad()
        made = generator(normal(BATCH), generator.shared(torch.randint(3, (BATCH,))))
        F.softplus(-discriminator(made)).mean().backward()
        update_g.step()
    seen = watcher.history.observations()
    watcher.close()
    assert watcher.problems.sentences == []
    assert seen.series("latent.std").median() == pytest.approx(1, abs=0.1)
    assert seen.series("latent.discriminator.std").median() == pytest.approx(0.5, abs=0.05)
