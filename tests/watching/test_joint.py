"""A latent beside a sample, as in a BiGAN, against a condition beside it, in small real loops."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import equipoise

BATCH, LATENT = 16, 3


class Pairs(nn.Module):
    """Judges (sample, code), given as two tensors or as one."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2 + LATENT, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

    def forward(self, sample: Tensor, code: Tensor | None = None) -> Tensor:
        return self.body(sample if code is None else torch.cat([sample, code], 1))


def play(kind: str, concatenated: bool, steps: int = 12, way: float = 1.0) -> equipoise.Monitor:
    """A few steps of a loop; with `way` -1 the generator's and the encoder's loss has the wrong sign.

    `joint` shows pairs with the latent or with an encoder's code; `data` conditions that are given with the
    reals, beside a latent that is not shown; `mapped` no latent at all, only such conditions.
    """
    torch.manual_seed(0)
    generator = nn.Linear(LATENT if kind != "data" else 2 * LATENT, 2)
    encoder, discriminator = nn.Linear(2, LATENT), Pairs()
    update_g = torch.optim.Adam([*generator.parameters(), *encoder.parameters()], 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator)

    def judge(sample: Tensor, code: Tensor) -> Tensor:
        return discriminator(torch.cat([sample, code], 1)) if concatenated else discriminator(sample, code)

    for _ in range(steps):
        real, given = torch.randn(BATCH, 2) + 1, torch.randn(BATCH, LATENT)
        fake = generator(torch.cat([torch.randn(BATCH, LATENT), given], 1) if kind == "data" else given)
        code = encoder(real) if kind == "joint" else real.sum(1, keepdim=True).repeat(1, LATENT)
        update_d.zero_grad()
        (F.softplus(-judge(real, code)) + F.softplus(judge(fake, given))).mean().backward(retain_graph=True)
        update_d.step()
        update_g.zero_grad()
        (F.softplus(way * judge(real, code)) + F.softplus(-way * judge(fake, given))).mean().backward()
        update_g.step()
    monitor.close()
    return monitor


@pytest.mark.parametrize("concatenated", [True, False])
@pytest.mark.parametrize(("kind", "expected"), [("joint", False), ("data", True), ("mapped", True)])
def test_a_latent_beside_a_sample_is_no_condition(kind: str, expected: bool, concatenated: bool) -> None:
    assert play(kind, concatenated).observations().fact("discriminator.conditional") == expected


@pytest.mark.parametrize(("way", "severity"), [(1.0, None), (-1.0, "error")])
def test_in_the_generators_step_only_its_own_samples_count(way: float, severity: str | None) -> None:
    """The encoder's loss pushes the scores of the reals the other way."""
    monitor = play("joint", True, steps=60, way=way)
    observations = monitor.observations()
    assert observations.fact("generator.input") == "latent"
    assert observations.series("slope.generator.positive").median() == (0.0 if way > 0 else 1.0)
    said = {finding.name: finding.severity for finding in monitor.diagnose().findings}
    assert said.get("g-objective-sign") == severity
