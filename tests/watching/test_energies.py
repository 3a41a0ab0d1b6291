"""Discriminators that return a reconstruction (EBGAN, BEGAN), and maps of scores of a sample's own shape."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import equipoise
from equipoise.watching.energies import reconstructs

SHAPE = (1, 6, 6)


def part(answers: Tensor, slopes: Tensor | None, samples: Tensor) -> SimpleNamespace:
    return SimpleNamespace(raw=answers.flatten(1), raw_slope=slopes, samples=samples)


def sent(answers: Tensor, loss) -> Tensor:
    answers = answers.clone().requires_grad_()
    return torch.autograd.grad(loss(answers), answers)[0].flatten(1)


def test_energies_send_along_the_error_or_against_it() -> None:
    torch.manual_seed(0)
    x, r = torch.randn(8, *SHAPE), torch.randn(8, *SHAPE)
    for way in (
        lambda r: F.mse_loss(r, x),
        lambda r: F.l1_loss(r, x),
        lambda r: 1 - 0.3 * F.mse_loss(r, x),
        lambda r: -0.1 * F.l1_loss(r, x),
    ):
        assert reconstructs(part(r, sent(r, way), x))


def test_losses_of_scores_do_not() -> None:
    torch.manual_seed(0)
    x, r = torch.randn(8, *SHAPE), torch.randn(8, *SHAPE)
    for loss in (
        lambda r: F.binary_cross_entropy_with_logits(r, torch.ones_like(r)),
        lambda r: (r - 1).square().mean(),
        lambda r: r.mean(),
        lambda r: (r - (torch.rand_like(r) > 0.5).float()).square().mean(),  # CutMix: real in parts
    ):
        assert not reconstructs(part(r, sent(r, loss), x))
    assert not reconstructs(part(r, None, x))
    assert not reconstructs(part(r[:, :, :2], sent(r[:, :, :2], lambda r: r.mean()), x))
    one = torch.randn(8, 1)
    assert not reconstructs(part(one, sent(one, lambda r: (r - 1).square().mean()), x))


class Codes(nn.Module):
    """An autoencoder that returns the reconstruction and its code, as EBGAN's discriminator."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(36, 8), nn.Linear(8, 36)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.down(x.flatten(1))
        return self.up(code.relu()).view(-1, *SHAPE), code


def play(discriminator: nn.Module, energy: bool) -> equipoise.Monitor:
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 36), nn.Tanh(), nn.Unflatten(1, SHAPE)
    )
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator)
    data = torch.tanh(torch.randn(256, *SHAPE) * 0.5 + 0.3)
    for _ in range(80):
        real, fake = data[torch.randint(0, 256, (32,))], generator(torch.randn(32, 4))
        update_g.zero_grad()
        if energy:
            made, code = discriminator(fake)
            unit = F.normalize(code, dim=1)
            loss = F.mse_loss(made, fake.detach()) + 0.1 * (unit @ unit.T).mean()
        else:
            loss = (discriminator(fake) - 1).square().mean()
        loss.backward()
        update_g.step()
        update_d.zero_grad()
        if energy:
            loss = F.mse_loss(discriminator(real)[0], real)
            judged = F.mse_loss(discriminator(fake.detach())[0], fake.detach())
            if judged.item() < 1:
                loss = loss + 1 - judged
        else:
            loss = (discriminator(real) - 1).square().mean() + discriminator(fake.detach()).square().mean()
        loss.backward()
        update_d.step()
    return monitor


def test_a_reconstruction_has_no_family_and_no_targets() -> None:
    monitor = play(Codes(), energy=True)
    observed = monitor.observations()
    assert observed.fact("objective.family") is None
    assert observed.fact("objective.target.generator", default=None) is None
    assert [one.code for one in monitor.diagnose().findings if one.severity == "error"] == []


def test_a_score_at_every_pixel_keeps_its_family() -> None:
    pixels = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, padding=1))
    observed = play(pixels, energy=False).observations()
    assert observed.fact("objective.family") == "least-squares"
    assert observed.fact("objective.target.real") == pytest.approx(1.0, abs=0.05)


def began(fakes: float = 1.0, own: float = 1.0, exchanged: bool = False) -> equipoise.Monitor:
    """A loop with BEGAN's balance, whose energies are computed outside of the discriminator."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 36), nn.Unflatten(1, SHAPE))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Linear(8, 36), nn.Unflatten(1, SHAPE))
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator, every=2)
    data, k = torch.tanh(torch.randn(256, *SHAPE) * 0.5 + 0.3), 0.0
    for _ in range(40):
        real, fake = data[torch.randint(0, 256, (32,))], generator(torch.randn(32, 4))
        update_g.zero_grad()
        (own * (discriminator(fake) - fake).abs().mean()).backward()
        update_g.step()
        update_d.zero_grad()
        shown = fake.detach()
        energies = [(discriminator(x) - x).abs().mean() for x in (real, shown)]
        low, high = reversed(energies) if exchanged else energies
        (low - fakes * k * high).backward()
        update_d.step()
        k = min(max(k + 0.01 * (0.75 * energies[0] - energies[1]).item(), 0), 1) or 0.01
    monitor.close()
    return monitor


def energy_verdict(monitor: equipoise.Monitor) -> list[str]:
    return [one.code for one in monitor.diagnose().findings if one.details.get("case") == "energies"]


def test_what_each_loss_does_to_the_energies() -> None:
    healthy = began()
    assert energy_verdict(healthy) == []
    observed = healthy.observations()
    assert set(observed.series("energy.pull.real").values) == {1.0}
    assert observed.series("energy.pull.fake").last == -1.0
    assert set(observed.series("energy.pull.generator").values) == {1.0}
    assert energy_verdict(began(fakes=-1.0)) == ["EQ005"]
    assert energy_verdict(began(own=-1.0)) == ["EQ004"]
    assert energy_verdict(began(exchanged=True)) == ["EQ004"]
