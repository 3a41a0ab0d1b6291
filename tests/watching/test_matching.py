"""Feature matching as the only adversarial term (GANomaly): its share of the generator's gradient."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import equipoise


class Judge(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features, self.score = nn.Sequential(nn.Linear(6, 16), nn.ReLU()), nn.Linear(16, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        return self.score(features), features


def play(weight: float, distance: float = 1.0, *, scores: float = 0.0, steps: int = 80) -> equipoise.Monitor:
    torch.manual_seed(0)
    generator, discriminator = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 6)), Judge()
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator, every=2)
    for _ in range(steps):
        real = torch.randn(16, 6) + 1
        fake = generator(real)
        judged, features = discriminator(fake)
        loss = weight * F.mse_loss(features, discriminator(real)[1]) + distance * F.l1_loss(fake, real)
        if scores:
            loss = loss + scores * F.softplus(-judged).mean()
        update_g.zero_grad()
        loss.backward()
        update_g.step()
        update_d.zero_grad()
        loss = F.softplus(-discriminator(real)[0]) + F.softplus(discriminator(fake.detach())[0])
        loss.mean().backward()
        update_d.step()
    monitor.close()
    return monitor


def said(monitor: equipoise.Monitor) -> list[str]:
    return [one.code for one in monitor.diagnose().findings if one.severity != "info"]


def test_its_share_of_the_gradient() -> None:
    values = play(1.0).observations().series("gradient.matched").values
    assert len(values) > 20
    assert 0 < values.min() <= values.max() < 1
    assert play(1.0, 0.0).observations().series("gradient.matched").values == pytest.approx(1.0)


def test_without_a_weight_and_with_far_too_small_a_one() -> None:
    assert "EQ105" not in said(play(1.0))
    off = play(0.0)
    assert set(off.observations().series("gradient.matched").values) == {0.0}
    assert said(off)[0] == "EQ105"
    assert said(play(1.0, 1e6))[0] == "EQ105"


def test_beside_scores_it_is_not_judged() -> None:
    assert "gradient.matched" not in play(0.0, scores=1.0).observations().signals
