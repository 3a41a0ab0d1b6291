"""What reaches the discriminator's scores in its own step, and what is a penalty's alone."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import equipoise

BATCH = 16


class Scorer(nn.Module):
    """A probability and three classes beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 16), nn.Softplus())
        self.score = nn.Sequential(nn.Linear(16, 1), nn.Sigmoid())
        self.classes = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.body(x)
        return self.score(hidden), self.classes(hidden)


def train(sent: str, steps: int = 40) -> equipoise.Monitor:
    """`sent`: both, class (without the adversarial term), penalty (alone), fake (without the reals)."""
    torch.manual_seed(0)
    generator, scorer = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6), nn.Tanh()), Scorer()
    update_g, update_d = (torch.optim.Adam(one.parameters(), 1e-3) for one in (generator, scorer))
    one, zero = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    monitor = equipoise.watch(generator, scorer, every=1)
    for _ in range(steps):
        update_g.zero_grad()
        fake = generator(torch.randn(BATCH, 4))
        F.binary_cross_entropy(scorer(fake)[0], one).backward()
        update_g.step()
        update_d.zero_grad()
        real, labels = (0.3 * torch.randn(BATCH, 6)).tanh(), torch.randint(0, 3, (BATCH,))
        (of_real, classes), (of_fake, _) = scorer(real), scorer(fake.detach())
        on_real, on_fake = F.binary_cross_entropy(of_real, one), F.binary_cross_entropy(of_fake, zero)
        noised = (real + 2 * torch.rand_like(real)).requires_grad_()
        (slope,) = torch.autograd.grad(scorer(noised)[0].sum(), noised, create_graph=True)
        penalty = 10 * (slope.norm(dim=1) - 1).square().mean()
        loss = {
            "both": on_real + on_fake + penalty,
            "class": F.cross_entropy(classes, labels),
            "penalty": penalty,
            "fake": on_fake + penalty,
        }[sent]
        loss.backward()
        update_d.step()
    monitor.close()
    return monitor


@pytest.mark.parametrize("sent", ["class", "penalty"])
def test_scores_that_the_discriminator_never_learns_are_told(sent: str) -> None:
    monitor = train(sent)
    reached, missed = monitor.observations().fact("loss.reaches_scores")
    assert (reached, missed) == (0, 40)
    first = monitor.diagnose().findings[0]
    assert (first.name, first.severity) == ("d-objective-sign", "error")
    assert "never" in first.message or "none" in first.message


def test_a_loss_beside_a_penalty_reaches_them() -> None:
    monitor = train("both")
    assert monitor.observations().fact("loss.reaches_scores") == [40, 0]
    assert "d-objective-sign" not in {one.name for one in monitor.diagnose().findings}


def test_the_points_of_a_penalty_on_a_sigmoid_are_not_the_reals() -> None:
    # Noise of up to 2 was added to them: their highest value would be far beyond the reals'.
    assert train("both").observations().series("sample.real.high").largest() < 1.0
    forgotten = train("fake")
    assert len(forgotten.observations().series("score.real.mean")) == 0
    first = forgotten.diagnose().findings[0]
    assert first.name == "d-objective-sign"
    assert "no real" in first.message


def test_reals_with_a_penalty_of_their_own_stay_the_reals() -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6), nn.Tanh())
    scorer = Scorer()
    update_g, update_d = (torch.optim.Adam(one.parameters(), 1e-3) for one in (generator, scorer))
    monitor = equipoise.watch(generator, scorer, every=1)
    for _ in range(10):
        real, fake = (0.3 * torch.randn(BATCH, 6)).tanh(), generator(torch.randn(BATCH, 4))
        scorer(real)  # scored once more, for a log
        real = real.clone().requires_grad_()
        of_real = scorer(real)[0]
        (slope,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
        update_d.zero_grad()
        loss = F.binary_cross_entropy(of_real, torch.ones(BATCH, 1)) + slope.square().sum(1).mean()
        (loss + F.binary_cross_entropy(scorer(fake.detach())[0], torch.zeros(BATCH, 1))).backward()
        update_d.step()
        update_g.zero_grad()
        F.binary_cross_entropy(scorer(fake)[0], torch.ones(BATCH, 1)).backward()
        update_g.step()
    monitor.close()
    assert len(monitor.observations().series("score.real.mean")) == 10
    assert monitor.observations().fact("loss.reaches_scores") == [10, 0]


def judged(what: str, *, detach: bool = True) -> equipoise.Monitor:
    """Both terms on the scores of reals, fakes left out, or other ones in the loss than in the log."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    update_g, update_d = (torch.optim.Adam(one.parameters(), 1e-3) for one in (generator, discriminator))
    one, zero = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    loss = F.binary_cross_entropy_with_logits
    monitor = equipoise.watch(generator, discriminator, every=1)
    for _ in range(30):
        fake = generator(torch.randn(BATCH, 4))
        update_g.zero_grad()
        loss(discriminator(fake), one).backward()
        update_g.step()
        update_d.zero_grad()
        real = (0.3 * torch.randn(BATCH, 6)).tanh()
        of_real = discriminator(real) if what not in ("both in one", "reals doubled") else None
        if not detach:
            fake = generator(torch.randn(BATCH, 4))
        of_fake = discriminator(fake.detach() if detach else fake)
        if what == "same reals":
            of_fake = discriminator(real)
        if of_real is None:  # those above are for a log only
            noised = torch.cat([real, fake.detach()]) + 0.1 * torch.randn(2 * BATCH, 6)
            doubled = torch.cat([real, real])
            of_real, of_fake = discriminator(doubled if what == "reals doubled" else noised).chunk(2)
        if what == "other fakes":
            of_fake = discriminator(fake.detach() + 0.1 * torch.randn(BATCH, 6))
        second = {"reals twice": loss(of_real, zero), "left out": 0.0}.get(what, loss(of_fake, zero))
        (loss(of_real, one) + second).backward()
        update_d.step()
    monitor.close()
    return monitor


@pytest.mark.parametrize("what", ["reals twice", "left out"])
def test_scores_of_fakes_that_enter_no_loss_are_told(what: str) -> None:
    monitor = judged(what)
    assert monitor.observations().fact("loss.uses_fakes") == [0, 30]
    first = monitor.diagnose().findings[0]
    assert (first.name, first.severity) == ("d-objective-sign", "error")
    assert "nothing is sent back to these scores" in " ".join(first.message.split())


def test_scores_of_fakes_that_were_not_detached_enter_no_loss_either() -> None:
    assert judged("left out", detach=False).observations().fact("loss.uses_fakes") == [0, 30]
    used, unused = judged("right", detach=False).observations().fact("loss.uses_fakes")
    assert (used, unused) == (30, 0)


@pytest.mark.parametrize("what", ["same reals", "reals doubled"])
def test_reals_that_are_judged_a_second_time_as_fakes_are_told(what: str) -> None:
    monitor = judged(what)
    assert monitor.observations().series("batch.fake.real").median() == 1
    first = monitor.diagnose().findings[0]
    assert (first.name, first.severity) == ("d-objective-sign", "error")
    assert "one batch of reals twice" in first.message


@pytest.mark.parametrize("what", ["right", "other fakes", "both in one"])
def test_what_is_judged_as_fake_is_mostly_no_batch_of_reals(what: str) -> None:
    assert judged(what).observations().series("batch.fake.real").largest() == 0


def test_a_buffer_that_is_filled_with_reals_and_then_with_fakes_holds_two_batches() -> None:
    """Written through `.data`, as old scripts do; and noise hides where the fakes came from."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    update_g, update_d = (torch.optim.Adam(one.parameters(), 1e-3) for one in (generator, discriminator))
    loss, buffer = F.binary_cross_entropy_with_logits, torch.zeros(BATCH, 6)
    monitor = equipoise.watch(generator, discriminator, every=1)
    for _ in range(20):
        update_d.zero_grad()
        for target in (1.0, 0.0):
            fake = generator(torch.randn(BATCH, 4)).detach()
            given = (0.3 * torch.randn(BATCH, 6)).tanh() if target else fake + 0.1 * torch.randn(BATCH, 6)
            buffer.data.copy_(given)
            loss(discriminator(buffer), torch.full((BATCH, 1), target)).backward()
        update_d.step()
        update_g.zero_grad()
        loss(discriminator(generator(torch.randn(BATCH, 4))), torch.ones(BATCH, 1)).backward()
        update_g.step()
    monitor.close()
    assert monitor.observations().series("batch.fake.real").largest() == 0
    assert "d-objective-sign" not in {one.name for one in monitor.diagnose().findings}


@pytest.mark.parametrize("what", ["right", "other fakes", "both in one"])
def test_fakes_in_the_loss_and_others_for_a_log_are_not(what: str) -> None:
    monitor = judged(what)
    assert monitor.observations().fact("loss.uses_fakes")[1] == 0
    assert "d-objective-sign" not in {one.name for one in monitor.diagnose().findings}
