"""What the generator's loss leaves in the discriminator's gradient, in loops that send both back at once."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import equipoise

BATCH, STEPS = 16, 30


def play(order: str) -> tuple[equipoise.Monitor, list[float]]:
    """Play in one of several orders; also what the generator's loss added, over what there was then."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    update_g = torch.optim.SGD(generator.parameters(), 1e-2)
    update_d = torch.optim.SGD(discriminator.parameters(), 1e-2)
    monitor = equipoise.watch(generator, discriminator, every=1)
    added = []
    first = next(discriminator.parameters())

    def own(fake: Tensor) -> Tensor:
        real = torch.randn(BATCH, 2) + 1
        return F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()

    def others(fake: Tensor) -> Tensor:
        if order == "frozen":
            discriminator.requires_grad_(False)
        return F.softplus(-discriminator(fake)).mean()

    for _ in range(STEPS):
        update_d.zero_grad()
        update_g.zero_grad()
        fake = generator(torch.randn(BATCH, 4))
        if order == "one pass, cleared":
            # The generator's loss is the negative of the whole, both of the same passes (pythae's VAE-GAN).
            loss = own(fake)
            (-loss).backward(retain_graph=True)
            update_d.zero_grad()
            kept = [one.grad.clone() for one in generator.parameters()]
            loss.backward()
            for one, gradient in zip(generator.parameters(), kept, strict=True):
                one.grad = gradient
            update_g.step()
            update_d.step()
            continue
        if order == "generator first":
            others(fake).backward()
            update_g.step()
            update_d.zero_grad()
            own(fake.detach()).backward()
            update_d.step()
            continue
        own(fake.detach()).backward()
        if order == "right":
            update_d.step()
            others(fake).backward()
            update_g.step()
            continue
        before = copy.deepcopy(first.grad)
        loss = others(fake)
        if order == "inputs":
            loss.backward(inputs=list(generator.parameters()))
        else:
            loss.backward()
        discriminator.requires_grad_(True)
        added.append(float((first.grad - before).norm() / first.grad.norm()))
        if order == "clipped":
            nn.utils.clip_grad_norm_(discriminator.parameters(), 1e-3)
        for update in (update_d, update_g) if order == "discriminator first" else (update_g, update_d):
            update.step()
    monitor.close()
    return monitor, added


@pytest.mark.parametrize("order", ["discriminator first", "both at once", "clipped"])
def test_what_the_generators_loss_added_is_measured(order: str) -> None:
    monitor, added = play(order)
    seen = monitor.observations().series("gradient.discriminator.foreign").finite()
    assert len(seen) >= STEPS - 2
    assert list(seen.values) == pytest.approx(added[-len(seen) :], rel=1e-4)
    findings = {finding.name: finding.severity for finding in monitor.diagnose().findings}
    assert findings.get("stale-gradients") == "error"


@pytest.mark.parametrize("order", ["right", "generator first", "frozen", "inputs", "one pass, cleared"])
def test_a_gradient_of_its_own_is_not_foreign(order: str) -> None:
    monitor, added = play(order)
    assert sum(added) == 0
    seen = monitor.observations().series("gradient.discriminator.foreign").finite()
    assert len(seen) >= STEPS - 2 or order == "one pass, cleared"  # there the roles are open
    assert not (seen.values > 0).any()
    assert "stale-gradients" not in {finding.name for finding in monitor.diagnose().findings}


def test_a_member_that_judges_something_else_leaves_nothing_over() -> None:
    """Of two discriminators in a list the second is given other samples (a patch), and is reached first."""
    torch.manual_seed(0)
    generator = nn.Linear(4, 6)
    whole = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
    discriminators = nn.ModuleList([nn.Linear(2, 1), whole])
    update_g = torch.optim.SGD(generator.parameters(), 1e-2)
    update_d = torch.optim.SGD(discriminators.parameters(), 1e-2)
    monitor = equipoise.watch(generator, discriminators, every=1)

    def judge(samples: Tensor, way: Tensor) -> Tensor:
        first, second = discriminators
        scores = first(samples[:, :2].clone()), second(samples)
        return sum(F.softplus(way * one).mean() for one in scores)  # type: ignore[return-value]

    for _ in range(STEPS):
        fake = generator(torch.randn(BATCH, 4))
        update_d.zero_grad()
        both = torch.cat([torch.randn(BATCH, 6), fake.detach()])
        judge(both, torch.tensor([[-1.0]] * BATCH + [[1.0]] * BATCH)).backward()
        update_d.step()
        update_g.zero_grad()
        judge(fake, -torch.ones(BATCH, 1)).backward()
        update_g.step()
    monitor.close()
    assert monitor.observations().series("gradient.discriminator.stale").finite().largest() == 0
    assert "stale-gradients" not in {finding.name for finding in monitor.diagnose().findings}
