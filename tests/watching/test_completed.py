"""Samples that the generator only completes (GAIN): real in parts, and given to it in every epoch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import equipoise

BATCH, SIZE = 32, 6


class Completes(nn.Module):
    """The generator: a sample with gaps, noise to start from, and where the gaps are."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2 * SIZE, 16), nn.ReLU(), nn.Linear(16, SIZE), nn.Sigmoid())

    def forward(self, samples: Tensor, noise: Tensor, mask: Tensor) -> Tensor:
        return self.body(torch.cat([mask * samples + (1 - mask) * noise, mask], 1))


class Judges(nn.Module):
    """The discriminator: which values were observed, value by value, with a hint."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2 * SIZE, 16), nn.ReLU(), nn.Linear(16, SIZE))

    def forward(self, samples: Tensor, mask: Tensor, made: Tensor, hint: Tensor) -> Tensor:
        return self.body(torch.cat([mask * samples + (1 - mask) * made, hint], 1))


def impute(*, noise: str = "fresh", fault: str = "") -> equipoise.Monitor:
    torch.manual_seed(0)
    generator, discriminator = Completes(), Judges()
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator, every=1)
    data = torch.rand(4 * BATCH, SIZE)
    observed = (torch.rand_like(data) > 0.2).float()
    kept = 0.01 * torch.rand(BATCH, SIZE)
    for _ in range(40):
        chosen = torch.randperm(len(data))[:BATCH]
        samples, mask = data[chosen], observed[chosen]
        latent = 0.01 * torch.rand(BATCH, SIZE) if noise == "fresh" else kept
        told = (torch.rand_like(mask) < 0.9).float()
        hint = mask * told + 0.5 * (1 - told)
        update_d.zero_grad()
        made = generator(samples, latent, mask)
        scores = discriminator(samples, mask, made.detach(), hint)
        F.binary_cross_entropy_with_logits(scores, 1 - mask if fault == "mask" else mask).backward()
        update_d.step()
        update_g.zero_grad()
        if fault == "other batch":
            chosen = torch.randperm(len(data))[:BATCH]
            samples, mask = data[chosen], observed[chosen]
        made = generator(samples, latent, mask)
        scores = discriminator(samples, mask, made, hint)
        sign = 1 if fault == "sign" else -1
        loss = (
            sign * ((1 - mask) * F.logsigmoid(scores)).mean() + 10 * (mask * (made - samples)).square().mean()
        )
        loss.backward()
        update_g.step()
    monitor.close()
    return monitor


def test_a_sample_that_is_real_in_parts_needs_no_batch_of_reals() -> None:
    monitor = impute()
    observations = monitor.observations()
    assert observations.fact("roles.divided") == 1.0
    assert observations.series("latent.repeated").largest() == 0
    said = {finding.name for finding in monitor.diagnose().findings if finding.severity != "info"}
    assert not said & {"d-objective-sign", "batch-repeat"}


def test_noise_that_comes_again_beside_samples_that_do_is_told() -> None:
    monitor = impute(noise="kept")
    assert monitor.observations().series("latent.repeated").last == 1
    assert "batch-repeat" in {finding.name for finding in monitor.diagnose().findings}


@pytest.mark.parametrize(
    ("fault", "said"), [("sign", True), ("mask", True), ("other batch", False), ("", False)]
)
def test_players_that_push_the_same_places_one_way_do_not_play_against_each_other(
    fault: str, said: bool
) -> None:
    monitor = impute(fault=fault)
    opposite, same = monitor.observations().fact("roles.places")
    assert (same >= 30) == said
    assert (opposite >= 30) == (fault == "")
    findings = {finding.name: finding.severity for finding in monitor.diagnose().findings}
    assert findings.get("g-objective-sign") == ("error" if said else None)


class Values(nn.Module):
    """Two layers for samples beside a second half: a mask for the generator, a hint for the discriminator."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2 * SIZE, 16), nn.ReLU(), nn.Linear(16, SIZE))

    def forward(self, both: Tensor) -> Tensor:
        return self.body(both)


@pytest.mark.parametrize("hint_first", [False, True])
@pytest.mark.parametrize("fault", ["", "sign", "mask", "shuffled"])
def test_completed_outside_and_a_new_batch_for_each_player(fault: str, hint_first: bool) -> None:
    """The generator's values are told by what they are; the players' batches are not the same."""
    torch.manual_seed(0)
    generator, discriminator = Values(), Values()
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator, every=1)

    def judged() -> tuple[Tensor, Tensor]:
        mask = (torch.rand(BATCH, SIZE) > 0.3).float()
        samples = torch.rand(BATCH, SIZE)
        made = generator(torch.cat([mask * samples, mask], 1))
        whole = [mask * samples + (1 - mask) * made, mask * (torch.rand(BATCH, SIZE) < 0.9)]
        return discriminator(torch.cat(whole[::-1] if hint_first else whole, 1)), mask

    for _ in range(40):
        scores, mask = judged()
        target = 1 - mask if fault == "mask" else mask[torch.randperm(BATCH)] if fault == "shuffled" else mask
        update_d.zero_grad()
        F.binary_cross_entropy_with_logits(scores, target).backward()
        update_d.step()
        scores, mask = judged()
        update_g.zero_grad()
        ((1 if fault == "sign" else -1) * ((1 - mask) * F.logsigmoid(scores)).mean()).backward()
        update_g.step()
    monitor.close()
    opposite, same = monitor.observations().fact("roles.places")
    assert (same >= 30) == (fault in ("sign", "mask"))
    assert (opposite >= 30) == (fault == "")
    findings = {finding.name: finding.severity for finding in monitor.diagnose().findings}
    assert findings.get("g-objective-sign") == ("error" if fault in ("sign", "mask") else None)


@pytest.mark.parametrize("shown", ["fakes", "reals"])
def test_fakes_given_in_the_place_of_reals_are_pushed_one_way_a_call(shown: str) -> None:
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(4, SIZE), nn.Linear(SIZE, 1)
    update_g = torch.optim.SGD(generator.parameters(), 1e-2)
    update_d = torch.optim.SGD(discriminator.parameters(), 1e-2)
    monitor = equipoise.watch(generator, discriminator, every=1)
    for _ in range(40):
        fake = generator(torch.randn(BATCH, 4)).detach()
        real = fake if shown == "fakes" else torch.randn(BATCH, SIZE)
        update_d.zero_grad()
        (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(generator(torch.randn(BATCH, 4)))).mean().backward()
        update_g.step()
    monitor.close()
    assert monitor.observations().fact("roles.divided") == (0.0 if shown == "fakes" else None)
    said = {finding.name for finding in monitor.diagnose().findings}
    assert ("d-objective-sign" in said) == (shown == "fakes")
