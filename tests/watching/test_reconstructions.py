"""Discriminators that answer with a reconstruction: its pixels are no scores of a usual family."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from small_pair import adam, observed
from torch import Tensor, nn

from equipoise.history.store import History
from equipoise.watching.statistics import spread_rows
from equipoise.watching.watcher import Watcher

_SIDE, _ROWS, _LATENT = 28, 32, 8


def framed() -> Tensor:
    """Pictures like handwritten digits: a bright middle in a margin that is always black."""
    pictures = torch.zeros(_ROWS, 1, _SIDE, _SIDE)
    pictures[:, :, 6:22, 6:22] = torch.rand(_ROWS, 1, 16, 16).round()
    return pictures


def test_rows_are_taken_from_every_column_of_a_map() -> None:
    columns = torch.arange(_SIDE).repeat(_ROWS * _SIDE)
    taken = spread_rows(columns, 128)
    assert len(taken) == 128
    assert len(taken.unique()) == _SIDE  # an even stride of 196 would meet one
    assert len(spread_rows(columns[:100], 128)) == 100


def test_an_energy_of_reconstructions_is_no_cross_entropy() -> None:
    """EBGAN: the margin's pixels alone would fit labels of one half."""
    torch.manual_seed(0)
    pixels = _SIDE * _SIDE
    generator = nn.Sequential(nn.Linear(_LATENT, pixels), nn.Sigmoid(), nn.Unflatten(1, (1, _SIDE, _SIDE)))
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Linear(pixels, 16), nn.Linear(16, pixels), nn.Unflatten(1, (1, _SIDE, _SIDE))
    )
    for weight in discriminator.parameters():
        nn.init.normal_(weight, 0.0, 0.02)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_g, update_d = adam(generator), adam(discriminator)
    for _ in range(12):
        real, fake = framed(), generator(torch.rand(_ROWS, _LATENT))
        update_d.zero_grad()
        energy = F.mse_loss(discriminator(fake), fake.detach())
        (F.mse_loss(discriminator(real), real) + (1 - energy)).backward()
        update_d.step()
        update_g.zero_grad()
        fake = generator(torch.rand(_ROWS, _LATENT))
        F.mse_loss(discriminator(fake), fake.detach()).backward()
        update_g.step()
    watcher.facts.refit()
    facts = observed(watcher).facts
    assert facts["score.found"] is False
    assert facts.get("objective.discriminator") is None


def test_a_map_of_scores_of_the_samples_shape_has_its_family() -> None:
    """A U-Net's score for each pixel of a grey picture has the picture's shape, and one target."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(_LATENT, _SIDE * _SIDE), nn.Unflatten(1, (1, _SIDE, _SIDE)))
    discriminator = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.LeakyReLU(), nn.Conv2d(4, 1, 3, padding=1)
    )
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_g, update_d = adam(generator), adam(discriminator)
    judge = F.binary_cross_entropy_with_logits
    for _ in range(12):
        real, fake = framed(), generator(torch.rand(_ROWS, _LATENT))
        update_d.zero_grad()
        scores = discriminator(real), discriminator(fake.detach())
        (judge(scores[0], torch.ones_like(real)) + judge(scores[1], torch.zeros_like(real))).backward()
        update_d.step()
        update_g.zero_grad()
        judge(discriminator(fake), torch.ones_like(fake)).backward()
        update_g.step()
    watcher.facts.refit()
    assert observed(watcher).facts["objective.discriminator"] == "logistic"
