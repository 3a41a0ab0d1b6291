"""Fakes that come again and reals that come in an order, in small real loops."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import equipoise
from equipoise.watching import statistics
from equipoise.watching.batches import Order

BATCH = 32


def _drawn(latents: str) -> Tensor:
    return torch.randn(BATCH, 4) if latents == "normal" else torch.randint(0, 2, (BATCH, 4)).float()


def play(
    *,
    fakes: str = "fresh",
    reals: str = "shuffled",
    critic_steps: int = 1,
    autoencoder: bool = False,
    steps: int = 80,
    latents: str = "normal",
) -> equipoise.Monitor:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 6))
    discriminator = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator)
    labels = torch.arange(4).repeat_interleave(8 * BATCH)
    data = torch.randn(len(labels), 6) + 3 * F.one_hot(labels, 6)
    order = torch.arange(len(data)) if reals == "sorted" else torch.randperm(len(data))
    encoder = nn.Linear(6, 6)
    update_e = torch.optim.SGD(encoder.parameters(), 1e-3)
    pool: list[Tensor] = []
    fixed = _drawn(latents)
    for step in range(steps):
        fake = generator(fixed if latents == "fixed bits" else _drawn(latents))
        shown = fake.detach()
        if fakes == "old" and len(pool) >= 3:
            shown = pool[step % 3]
        elif fakes == "pool" and pool:
            # As CycleGAN's: half of the batch from before.
            shown = torch.cat([shown[: BATCH // 2], pool[step % len(pool)][BATCH // 2 :]])
        if len(pool) < 3 or fakes == "pool":
            pool.append(fake.detach().clone())
        for turn in range(critic_steps):
            start = (step * critic_steps + turn) * BATCH % len(data)
            real = data[order[start : start + BATCH]]
            if autoencoder:
                update_e.zero_grad()
                (encoder(real) - real).square().mean().backward()
                update_e.step()
            if reals in ("encoded", "detached"):
                # Codes of an encoder that is trained meanwhile: they move from step to step.
                real = encoder(real) + step
            if reals == "detached":
                real = real.detach()
            update_d.zero_grad()
            (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(shown)).mean()).backward()
            update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        update_g.step()
    monitor.close()
    return monitor


def values(monitor: equipoise.Monitor, name: str) -> list[float]:
    return [float(value) for value in monitor.observations().series(name).values]


def named(monitor: equipoise.Monitor) -> set[str]:
    return {finding.name for finding in monitor.diagnose().findings}


def test_old_fakes_come_again() -> None:
    monitor = play(fakes="old")
    assert set(values(monitor, "batch.fake.repeated")[5:]) == {1.0}
    finding = next(one for one in monitor.diagnose().findings if one.name == "batch-repeat")
    assert finding.severity == "error"
    assert "hardly shown" in finding.message


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_fresh_fakes_do_not_nor_one_batch_for_several_steps(critic_steps: int) -> None:
    monitor = play(critic_steps=critic_steps)
    assert set(values(monitor, "batch.fake.repeated")) == {0.0}
    assert "batch-repeat" not in named(monitor)


def test_a_pool_that_mixes_new_ones_in_is_fine() -> None:
    monitor = play(fakes="pool")
    assert max(values(monitor, "batch.fake.repeated")) <= 0.5
    assert "batch-repeat" not in named(monitor)


def test_sorted_reals_are_told_and_shuffled_ones_are_not() -> None:
    monitor = play(reals="sorted")
    drift = sorted(values(monitor, "batch.real.drift"))
    assert drift[len(drift) // 2] > 4
    finding = next(one for one in monitor.diagnose().findings if one.name == "batch-repeat")
    assert finding.severity == "warning"
    assert "in an order" in finding.message
    assert max(values(play(), "batch.real.drift")) < 4


@pytest.mark.parametrize("kind", [{"reals": "encoded"}, {"reals": "detached", "autoencoder": True}])
def test_what_an_encoder_makes_of_the_reals_moves_while_that_is_trained(kind: dict[str, Any]) -> None:
    monitor = play(**kind)
    assert "batch.real.drift" not in monitor.observations().signals
    assert "batch-repeat" not in named(monitor)


def test_sorted_reals_beside_another_network_are_told_once_they_come_again() -> None:
    assert "batch-repeat" in named(play(reals="sorted", autoencoder=True, steps=160))


def test_the_drift_of_random_batches_has_expectation_one() -> None:
    random = torch.Generator().manual_seed(0)
    order, found = Order(), []
    for _ in range(400):
        drift = order.drift(5 + 2 * torch.randn(16, 3, generator=random))
        if drift is not None:
            found.append(float(drift))
    # The expectation of a ratio with a batch's own variance below: k / (k - 2) with k = (B - 1) d = 45.
    assert sum(found) / len(found) == pytest.approx(45 / 43, abs=0.15)
    assert order.drift(torch.zeros(4, 3)) is None


def pictures(rows: int) -> Tensor:
    """Waves of random phase: neighbouring values go together."""
    places = torch.linspace(0, 6.28, 64)
    return torch.sin(places + 6.28 * torch.rand(rows, 1)) + 0.1 * torch.randn(rows, 64)


@pytest.mark.parametrize("shape", [(64,), (1, 8, 8)])
@pytest.mark.parametrize("given", ["pictures", "grey levels", "noise"])
def test_pictures_that_an_encoder_is_given_again_are_no_fixed_latents(
    given: str, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.LeakyReLU(0.2), nn.Linear(16, 6))
    discriminator = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    update_g = torch.optim.Adam(encoder.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(encoder, discriminator)
    data = pictures(2 * BATCH) if given == "pictures" else torch.randn(2 * BATCH, 64)
    if given == "grey levels":
        if len(shape) == 1:
            pytest.skip("flat and rough: nothing tells it from noise")
        data = data.round()
    for _ in range(30):
        codes = encoder(data[torch.randperm(2 * BATCH)[:BATCH]].reshape(BATCH, *shape))
        update_d.zero_grad()
        scores = discriminator(torch.randn(BATCH, 6))
        F.softplus(-scores).mean().backward()
        F.softplus(discriminator(codes.detach())).mean().backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(codes)).mean().backward()
        update_g.step()
    repeated = values(monitor, "latent.repeated")
    assert (repeated[-1] == 1.0) if given == "noise" else (repeated == [])
    assert monitor.observations().fact("generator.input") == ("latent" if given == "noise" else "image")
    monitor.close()


@pytest.mark.parametrize(("latents", "said"), [("bits", False), ("fixed bits", True)])
def test_of_few_possible_latents_only_whole_batches_tell(latents: str, said: bool) -> None:
    monitor = play(latents=latents)
    assert monitor.history.observations().series("latent.possible").median() == 2.0**4
    codes = {finding.code for finding in monitor.diagnose().findings}
    assert ("EQ403" in codes) is said


@pytest.mark.parametrize("rows", [1, 8])
def test_one_latent_for_a_whole_small_batch(rows: int) -> None:
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(12, 6), nn.Linear(6, 1)
    update_g = torch.optim.SGD(generator.parameters(), 1e-3)
    update_d = torch.optim.SGD(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator, every=2)
    for _ in range(60):
        fake = generator(torch.randn(1, 12).repeat(rows, 1))
        update_d.zero_grad()
        real = discriminator(torch.randn(rows, 6))
        (F.softplus(-real) + F.softplus(discriminator(fake.detach()))).mean().backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        update_g.step()
    monitor.close()
    assert set(values(monitor, "latent.repeated")) == {1.0 if rows > 1 else 0.0}
    assert ("batch-repeat" in named(monitor)) == (rows > 1)


def test_one_small_latent_for_a_whole_batch_shows_no_levels() -> None:
    alike = torch.randn(1, 3).repeat(16, 1)
    assert statistics.possible_rows(alike) == 1e12
    assert statistics.possible_rows(torch.randint(0, 2, (64, 3)).float()) == 8.0
