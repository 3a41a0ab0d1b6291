"""Training loops as people write them, tiny; each calls `attach(generator, discriminator)` once and trains.

Every loop is a function `(attach, steps) -> modules`, deterministic from its own seed, so that it can be run
with and without watching and compared bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Attach = Callable[[nn.Module, nn.Module], Any]
Loop = Callable[[Attach, int], list[nn.Module]]
LOOPS: dict[str, Loop] = {}
# What the fingerprint must say of each loop: None where no family applies.
FAMILIES: dict[str, str | None] = {}
BATCH, LATENT, SIZE = 32, 8, 12


def loop(name: str, family: str | None) -> Callable[[Loop], Loop]:
    def add(function: Loop) -> Loop:
        LOOPS[name], FAMILIES[name] = function, family
        return function

    return add


def mlp_pair(sigmoid: bool = False, size: int = SIZE) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(LATENT, 32), nn.ReLU(), nn.Linear(32, size), nn.Tanh())
    head = [nn.Sigmoid()] if sigmoid else []
    discriminator = nn.Sequential(nn.Linear(size, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), *head)
    return generator, discriminator


def conv_pair() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.ConvTranspose2d(LATENT, 16, 4, 1, 0), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 16, 3, 1, 1), nn.BatchNorm2d(16),
        nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Conv2d(16, 1, 4),
    )  # fmt: skip
    return generator, discriminator


def adam(*networks: nn.Module, rate: float = 1e-3) -> torch.optim.Adam:
    return torch.optim.Adam(
        [parameter for network in networks for parameter in network.parameters()], rate, betas=(0.5, 0.9)
    )


def reals(size: int = SIZE) -> Tensor:
    return torch.tanh(torch.randn(512, size, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.4)


def images() -> Tensor:
    return torch.tanh(torch.randn(256, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.4)


def pick(data: Tensor) -> Tensor:
    return data[torch.randint(0, len(data), (BATCH,))]


@loop("tutorial", "non-saturating")
def tutorial(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = conv_pair()
    update_d, update_g = adam(discriminator), adam(generator)
    attach(generator, discriminator)
    data, criterion = images(), nn.BCEWithLogitsLoss()
    for _ in range(steps):
        discriminator.zero_grad()
        output = discriminator(pick(data)).view(-1)
        criterion(output, torch.full((BATCH,), 1.0)).backward()
        fake = generator(torch.randn(BATCH, LATENT, 1, 1))
        output = discriminator(fake.detach()).view(-1)
        criterion(output, torch.full((BATCH,), 0.0)).backward()
        update_d.step()
        generator.zero_grad()
        criterion(discriminator(fake).view(-1), torch.full((BATCH,), 1.0)).backward()
        update_g.step()
    return [generator, discriminator]


@loop("sigmoid-module", "non-saturating")
def sigmoid_module(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair(sigmoid=True)
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data, criterion = reals(), nn.BCELoss()
    for _ in range(steps):
        fake = generator(torch.randn(BATCH, LATENT))
        update_g.zero_grad()
        criterion(discriminator(fake), torch.ones(BATCH, 1)).backward()
        update_g.step()
        update_d.zero_grad()
        loss = criterion(discriminator(pick(data)), torch.ones(BATCH, 1) * 0.9)
        loss = loss + criterion(discriminator(fake.detach()), torch.zeros(BATCH, 1))
        (loss / 2).backward()
        update_d.step()
    return [generator, discriminator]


class FunctionalSigmoid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = mlp_pair()[1]

    def forward(self, samples: Tensor) -> Tensor:
        return torch.sigmoid(self.body(samples)).squeeze(1)


@loop("saturating", "minimax")
def saturating(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair()[0], FunctionalSigmoid()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        with torch.no_grad():
            fake = generator(torch.randn(BATCH, LATENT))
        update_d.zero_grad(set_to_none=True)
        loss = -(torch.log(discriminator(pick(data))) + torch.log(1 - discriminator(fake))).mean()
        loss.backward()
        update_d.step()
        update_g.zero_grad(set_to_none=True)
        torch.log(1 - discriminator(generator(torch.randn(BATCH, LATENT)))).mean().backward()
        update_g.step()
    return [generator, discriminator]


@loop("concatenated", "hinge")
def concatenated(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator, rate=4e-3), adam(generator)
    data = reals()
    for _ in range(steps):
        fake = generator(torch.randn(BATCH, LATENT)).detach()
        update_d.zero_grad()
        real_score, fake_score = discriminator(torch.cat([pick(data), fake])).chunk(2)
        (F.relu(1 - real_score).mean() + F.relu(1 + fake_score).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        (-discriminator(generator(torch.randn(BATCH, LATENT))).mean()).backward()
        update_g.step()
    return [generator, discriminator]


@loop("wgan-gp", "wasserstein")
def wgan_gp(attach: Attach, steps: int) -> list[nn.Module]:
    generator, critic = mlp_pair()
    attach(generator, critic)
    update_d, update_g = adam(critic), adam(generator)
    data = reals()
    for _ in range(steps):
        for _ in range(3):
            update_d.zero_grad()
            real, fake = pick(data), generator(torch.randn(BATCH, LATENT)).detach()
            share = torch.rand(BATCH, 1)
            between = (share * real + (1 - share) * fake).requires_grad_(True)
            (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            penalty = 10 * ((slope.norm(2, dim=1) - 1) ** 2).mean()
            (critic(fake).mean() - critic(real).mean() + penalty).backward()
            update_d.step()
        update_g.zero_grad()
        (-critic(generator(torch.randn(BATCH, LATENT))).mean()).backward()
        update_g.step()
    return [generator, critic]


@loop("wgan-clip-reversed", "wasserstein")
def wgan_clip_reversed(attach: Attach, steps: int) -> list[nn.Module]:
    generator, critic = mlp_pair()
    attach(generator, critic)
    update_d = torch.optim.RMSprop(critic.parameters(), 5e-4)
    update_g = torch.optim.RMSprop(generator.parameters(), 5e-4)
    data, one = reals(), torch.tensor(1.0)
    for _ in range(steps):
        for _ in range(2):
            critic.zero_grad()
            critic(pick(data)).mean().backward(one)
            critic(generator(torch.randn(BATCH, LATENT)).detach()).mean().backward(-one)
            update_d.step()
            with torch.no_grad():
                for parameter in critic.parameters():
                    parameter.clamp_(-0.05, 0.05)
        generator.zero_grad()
        critic(generator(torch.randn(BATCH, LATENT))).mean().backward(one)
        update_g.step()
    return [generator, critic]


@loop("r1-simultaneous", "non-saturating")
def r1_simultaneous(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for step in range(steps):
        update_d.zero_grad()
        update_g.zero_grad()
        real = pick(data).requires_grad_(step % 4 == 0)
        fake = generator(torch.randn(BATCH, LATENT))
        real_score = discriminator(real)
        loss = F.softplus(-real_score).mean() + F.softplus(discriminator(fake.detach())).mean()
        if step % 4 == 0:
            (slope,) = torch.autograd.grad(real_score.sum(), real, create_graph=True)
            loss = loss + 4 * 0.5 * slope.square().sum(1).mean()
        loss.backward()
        discriminator.requires_grad_(False)
        F.softplus(-discriminator(fake)).mean().backward()
        discriminator.requires_grad_(True)
        update_d.step()
        update_g.step()
    return [generator, discriminator]


@loop("undetached-zeroed", "least-squares")
def undetached_zeroed(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        fake = generator(torch.randn(BATCH, LATENT))
        update_d.zero_grad()
        loss = 0.5 * ((discriminator(pick(data)) - 1) ** 2).mean() + 0.5 * (discriminator(fake) ** 2).mean()
        loss.backward()
        update_d.step()
        update_g.zero_grad()
        (0.5 * ((discriminator(generator(torch.randn(BATCH, LATENT))) - 1) ** 2).mean()).backward()
        update_g.step()
    return [generator, discriminator]


@loop("augmented", "non-saturating")
def augmented(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = conv_pair()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = images()

    def augment(samples: Tensor) -> Tensor:
        shift = int(torch.randint(-1, 2, (1,)))
        return torch.roll(samples, shift, 3) * (0.8 + 0.4 * torch.rand(len(samples), 1, 1, 1))

    for _ in range(steps):
        fake = generator(torch.randn(BATCH, LATENT, 1, 1))
        update_d.zero_grad()
        loss = F.softplus(-discriminator(augment(pick(data)))).mean()
        loss = loss + F.softplus(discriminator(augment(fake.detach()))).mean()
        loss.backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(augment(fake))).mean().backward()
        update_g.step()
    return [generator, discriminator]


@loop("relativistic-pairing", "relativistic-pairing")
def relativistic_pairing(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        real, fake = pick(data), generator(torch.randn(BATCH, LATENT))
        update_d.zero_grad()
        F.softplus(-(discriminator(real) - discriminator(fake.detach()))).mean().backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-(discriminator(fake) - discriminator(real).detach())).mean().backward()
        update_g.step()
    return [generator, discriminator]


@loop("relativistic-average-hinge", "relativistic-average-hinge")
def relativistic_average_hinge(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator, rate=4e-3), adam(generator)
    data = reals()

    def both(first: Tensor, second: Tensor) -> Tensor:
        return F.relu(1 - (first - second.mean())).mean() + F.relu(1 + (second - first.mean())).mean()

    for _ in range(steps):
        real, fake = pick(data), generator(torch.randn(BATCH, LATENT))
        update_d.zero_grad()
        both(discriminator(real), discriminator(fake.detach())).backward()
        update_d.step()
        update_g.zero_grad()
        both(discriminator(fake), discriminator(real)).backward()
        update_g.step()
    return [generator, discriminator]


class Conditional(nn.Module):
    def __init__(self, first: int, out: int, last: nn.Module | None) -> None:
        super().__init__()
        self.embedding = nn.Embedding(4, 6)
        self.body = nn.Sequential(nn.Linear(first + 6, 32), nn.LeakyReLU(0.2), nn.Linear(32, out))
        self.last = last or nn.Identity()

    def forward(self, labels: Tensor, values: Tensor) -> Tensor:
        return self.last(self.body(torch.cat([values, self.embedding(labels)], 1)))


@loop("conditional-accumulated", "non-saturating")
def conditional_accumulated(attach: Attach, steps: int) -> list[nn.Module]:
    torch.manual_seed(0)
    generator, discriminator = Conditional(LATENT, SIZE, nn.Tanh()), Conditional(SIZE, 1, None)
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        update_d.zero_grad()
        for _ in range(2):
            labels = torch.randint(0, 4, (BATCH,))
            fake = generator(labels, torch.randn(BATCH, LATENT)).detach()
            loss = F.softplus(-discriminator(labels, pick(data))).mean()
            loss = loss + F.softplus(discriminator(labels, values=fake)).mean()
            (loss / 2).backward()
        update_d.step()
        update_g.zero_grad()
        for _ in range(2):
            labels = torch.randint(0, 4, (BATCH,))
            score = discriminator(labels, generator(labels, torch.randn(BATCH, LATENT)))
            (F.softplus(-score).mean() / 2).backward()
        update_g.step()
    return [generator, discriminator]


class Translator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 1, 3, 1, 1), nn.Tanh())

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        return {"picture": self.body(picture)}


class Patches(nn.Module):
    """A patch discriminator at two scales that returns its features beside the scores."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, 8, 3, 2, 1), nn.LeakyReLU(0.2))
        self.head = nn.Conv2d(8, 1, 3, 1, 1)
        self.coarse = nn.Conv2d(8, 1, 3, 2, 1)

    def forward(self, picture: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        features = self.first(picture)
        return [(self.head(features), [features]), (self.coarse(features), [features])]


@loop("pix2pix", "least-squares")
def pix2pix(attach: Attach, steps: int) -> list[nn.Module]:
    torch.manual_seed(0)
    generator, discriminator = Translator(), Patches(2)
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = images()
    for _ in range(steps):
        target = pick(data)
        given = F.avg_pool2d(target, 3, 1, 1)
        fake = generator(given)["picture"]
        update_d.zero_grad()
        loss = torch.zeros(())
        for (real_score, _), (fake_score, _) in zip(
            discriminator(torch.cat([given, target], 1)), discriminator(torch.cat([given, fake.detach()], 1))
        ):
            loss = loss + ((real_score - 1) ** 2).mean() + (fake_score**2).mean()
        loss.backward()
        update_d.step()
        update_g.zero_grad()
        adversarial = sum(
            ((score - 1) ** 2).mean() for score, _ in discriminator(torch.cat([given, fake], 1))
        )
        (adversarial + 10 * F.l1_loss(fake, target)).backward()
        update_g.step()
    return [generator, discriminator]


class Vocoder(nn.Module):
    """Scores the original and the generated signal in one call, with feature maps, as vocoders do."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Sequential(nn.Conv1d(1, 8, 5, 2, 2), nn.LeakyReLU(0.1), nn.Conv1d(8, 1, 3, 1, 1))
            for _ in range(2)
        )

    def forward(self, signal: Tensor, generated: Tensor) -> tuple[list[Tensor], ...]:
        reals, fakes, real_maps, fake_maps = [], [], [], []
        for part in self.parts:
            for value, scores, maps in ((signal, reals, real_maps), (generated, fakes, fake_maps)):
                features = part[1](part[0](value))
                score = part[2](features)
                maps += [features, score]
                scores.append(score.flatten(1))
        return reals, fakes, real_maps, fake_maps


@loop("vocoder", "least-squares")
def vocoder(attach: Attach, steps: int) -> list[nn.Module]:
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 8, 5, 1, 2)),
        nn.LeakyReLU(0.1),
        nn.Conv1d(8, 1, 5, 1, 2),
        nn.Tanh(),
    )
    discriminator = Vocoder()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = torch.sin(torch.linspace(0, 60, 4096)).unfold(0, 64, 8)[:256].unsqueeze(1)
    for _ in range(steps):
        signal = pick(data)
        generated = generator(signal + 0.3 * torch.randn_like(signal))
        update_d.zero_grad()
        real_scores, fake_scores, _, _ = discriminator(signal, generated.detach())
        sum(((1 - r) ** 2).mean() + (f**2).mean() for r, f in zip(real_scores, fake_scores)).backward()
        update_d.step()
        update_g.zero_grad()
        _, fake_scores, real_maps, fake_maps = discriminator(signal, generated)
        loss = sum(((1 - score) ** 2).mean() for score in fake_scores)
        loss = loss + 2 * sum(F.l1_loss(f, r.detach()) for r, f in zip(real_maps, fake_maps))
        (loss + 45 * F.l1_loss(generated, signal)).backward()
        update_g.step()
    return [generator, discriminator]


@loop("amp", "non-saturating")
def amp(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        update_d.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            real_score = discriminator(pick(data))
            fake_score = discriminator(generator(torch.randn(BATCH, LATENT)).detach())
            loss = F.softplus(-real_score.float()).mean() + F.softplus(fake_score.float()).mean()
        (1024 * loss).backward()
        for parameter in discriminator.parameters():
            parameter.grad.div_(1024)
        update_d.step()
        update_g.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.softplus(-discriminator(generator(torch.randn(BATCH, LATENT))).float()).mean()
        loss.backward()
        update_g.step()
    return [generator, discriminator]


@loop("cyclegan", "least-squares")
def cyclegan(attach: Attach, steps: int) -> list[nn.Module]:
    torch.manual_seed(0)

    def translate() -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 1, 3, 1, 1), nn.Tanh())

    def judge() -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, 1, 1))

    to_b, to_a, judge_a, judge_b = translate(), translate(), judge(), judge()
    attach(to_b, judge_b)
    attach(to_a, judge_a)
    update_g, update_d = adam(to_b, to_a), adam(judge_a, judge_b)
    first, second = images(), images().flip(3) * 0.7
    pool: list[Tensor] = []
    for _ in range(steps):
        a, b = pick(first), pick(second)
        fake_b, fake_a = to_b(a), to_a(b)
        judge_a.requires_grad_(False)
        judge_b.requires_grad_(False)
        update_g.zero_grad()
        loss = ((judge_b(fake_b) - 1) ** 2).mean() + ((judge_a(fake_a) - 1) ** 2).mean()
        loss = loss + 10 * F.l1_loss(to_a(fake_b), a) + 10 * F.l1_loss(to_b(fake_a), b)
        loss = loss + 5 * F.l1_loss(to_b(b), b) + 5 * F.l1_loss(to_a(a), a)
        loss.backward()
        update_g.step()
        judge_a.requires_grad_(True)
        judge_b.requires_grad_(True)
        update_d.zero_grad()
        pool = [*pool, fake_b.detach()][-3:]
        old = pool[int(torch.randint(0, len(pool), (1,)))].clone()
        (0.5 * ((judge_b(b) - 1) ** 2).mean() + 0.5 * (judge_b(old) ** 2).mean()).backward()
        (0.5 * ((judge_a(a) - 1) ** 2).mean() + 0.5 * (judge_a(fake_a.detach()) ** 2).mean()).backward()
        update_d.step()
    return [to_b, to_a, judge_a, judge_b]


@loop("spectral-hinge", "hinge")
def spectral_hinge(attach: Attach, steps: int) -> list[nn.Module]:
    torch.manual_seed(0)
    generator = mlp_pair()[0]
    normed = nn.utils.spectral_norm
    discriminator = nn.Sequential(
        normed(nn.Linear(SIZE, 32)), nn.ReLU(), nn.utils.parametrizations.spectral_norm(nn.Linear(32, 1))
    )
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator, rate=2e-2), adam(generator)
    data = reals() * 3
    for _ in range(steps):
        update_d.zero_grad()
        fake = generator(torch.randn(BATCH, LATENT)).detach()
        (F.relu(1 - discriminator(pick(data))).mean() + F.relu(1 + discriminator(fake)).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        (-discriminator(generator(torch.randn(BATCH, LATENT))).mean()).backward()
        update_g.step()
    return [generator, discriminator]


@loop("one-graph-two-losses", "wasserstein")
def one_graph_two_losses(attach: Attach, steps: int) -> list[nn.Module]:
    generator, critic = mlp_pair()
    attach(generator, critic)
    update_d, update_g = adam(critic), adam(generator)
    data = reals()
    for _ in range(steps):
        fake_score = critic(generator(torch.randn(BATCH, LATENT)))
        update_d.zero_grad()
        (fake_score.mean() - critic(pick(data)).mean()).backward(retain_graph=True)
        kept = [parameter.grad.clone() for parameter in critic.parameters()]
        update_g.zero_grad()
        (-fake_score.mean()).backward()
        for parameter, gradient in zip(critic.parameters(), kept):
            parameter.grad = gradient
        update_d.step()
        update_g.step()
    return [generator, critic]


class TwoHeads(nn.Module):
    """A discriminator that also says which code a sample was made from."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(SIZE, 32), nn.LeakyReLU(0.2))
        self.score, self.code = nn.Linear(32, 1), nn.Linear(32, 2)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        body = self.body(samples)
        return self.score(body), self.code(body)


@loop("information", "least-squares")
def information(attach: Attach, steps: int) -> list[nn.Module]:
    # A third optimizer of both networks learns to read the code back; that step sends nothing to the score.
    generator = mlp_pair()[0]
    discriminator = TwoHeads()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    update_both = adam(generator, discriminator)
    data = reals()
    for _ in range(steps):
        update_g.zero_grad()
        latent = torch.randn(BATCH, LATENT)
        fake = generator(latent)
        ((discriminator(fake)[0] - 1) ** 2).mean().backward()
        update_g.step()
        update_d.zero_grad()
        real_loss = ((discriminator(pick(data))[0] - 1) ** 2).mean()
        (real_loss + (discriminator(fake.detach())[0] ** 2).mean()).backward()
        update_d.step()
        update_both.zero_grad()
        latent = torch.randn(BATCH, LATENT)
        F.mse_loss(discriminator(generator(latent))[1], latent[:, :2]).backward()
        update_both.step()
    return [generator, discriminator]


class Translation(nn.Module):
    """A discriminator of an image and its translation, given apart; on one scale or on two."""

    def __init__(self, scales: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            nn.Conv2d(2, 1, 3, stride=scale + 1, padding=1) for scale in range(scales)
        )

    def forward(self, source: Tensor, target: Tensor) -> Tensor | list[Tensor]:
        both = torch.cat([source, target], dim=1)
        scores = [scale(both) for scale in self.scales]
        return scores[0] if len(scores) == 1 else scores


def translation(attach: Attach, steps: int, scales: int) -> list[nn.Module]:
    # Source and target have one shape: two samples in one call, but no pair of a real and a fake.
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 1, 3, 1, 1), nn.Tanh())
    discriminator = Translation(scales)
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)

    def loss(scores: Tensor | list[Tensor], target: float) -> Tensor:
        parts = scores if isinstance(scores, list) else [scores]
        return torch.stack(
            [F.binary_cross_entropy_with_logits(part, torch.full_like(part, target)) for part in parts]
        ).mean()

    for _ in range(steps):
        source = torch.randn(8, 1, 8, 8)
        target = torch.tanh(source.flip(3) + 0.1)
        fake = generator(source)
        update_d.zero_grad()
        real_loss = loss(discriminator(source, target), 1.0)
        (real_loss + loss(discriminator(source, fake.detach()), 0.0)).backward()
        update_d.step()
        update_g.zero_grad()
        (loss(discriminator(source, fake), 1.0) + 10 * F.l1_loss(fake, target)).backward()
        update_g.step()
    return [generator, discriminator]


@loop("source-and-target", "non-saturating")
def source_and_target(attach: Attach, steps: int) -> list[nn.Module]:
    return translation(attach, steps, 1)


@loop("source-and-target-two-scales", "non-saturating")
def source_and_target_two_scales(attach: Attach, steps: int) -> list[nn.Module]:
    return translation(attach, steps, 2)


class Packed(nn.Module):
    """Judges three samples together and refuses batches that are no whole packs."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3 * SIZE, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    def forward(self, samples: Tensor) -> Tensor:
        if len(samples) % 3:
            raise ValueError("no whole packs")
        return self.net(samples.reshape(-1, 3 * SIZE))


@loop("packed", "least-squares")
def packed(attach: Attach, steps: int) -> list[nn.Module]:
    generator, discriminator = mlp_pair()[0], Packed()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        fake = generator(torch.randn(150, LATENT))
        update_d.zero_grad()
        real = data[torch.randint(0, len(data), (150,))]
        (((discriminator(real) - 1) ** 2).mean() + (discriminator(fake.detach()) ** 2).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        ((discriminator(fake) - 1) ** 2).mean().backward()
        update_g.step()
    return [generator, discriminator]


class InParts(nn.Module):
    """A generator whose parts the loop calls one after the other, never the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(LATENT, 16), nn.ReLU())
        self.synthesis = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, SIZE), nn.Tanh())


def in_parts(attach: Attach, steps: int, sign: float = 1.0) -> list[nn.Module]:
    torch.manual_seed(0)
    generator, discriminator = InParts(), mlp_pair()[1]
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        generator.requires_grad_(True)
        discriminator.requires_grad_(False)
        update_g.zero_grad()
        fake = generator.synthesis(generator.mapping(torch.randn(BATCH, LATENT)))
        F.softplus(-sign * discriminator(fake)).mean().backward()
        update_g.step()
        generator.requires_grad_(False)
        discriminator.requires_grad_(True)
        update_d.zero_grad()
        fake = generator.synthesis(generator.mapping(torch.randn(BATCH, LATENT)))
        F.softplus(discriminator(fake)).mean().backward()
        F.softplus(-discriminator(pick(data))).mean().backward()
        update_d.step()
    return [generator, discriminator]


@loop("in-parts", "non-saturating")
def called_in_parts(attach: Attach, steps: int) -> list[nn.Module]:
    return in_parts(attach, steps)


@loop("penalty-without-graph", "wasserstein")
def penalty_without_graph(attach: Attach, steps: int) -> list[nn.Module]:
    # A fault: the gradient penalty lacks create_graph and moves nothing; its points are no reals.
    generator, critic = mlp_pair()
    attach(generator, critic)
    update_d, update_g = adam(critic), adam(generator)
    data = reals()
    for _ in range(steps):
        real, fake = pick(data), generator(torch.randn(BATCH, LATENT)).detach()
        update_d.zero_grad()
        share = torch.rand(BATCH, 1)
        between = (share * real + (1 - share) * fake).requires_grad_()
        score = critic(between)
        (slope,) = torch.autograd.grad(score, between, torch.ones_like(score))
        penalty = 10 * ((slope.norm(dim=1) - 1) ** 2).mean()
        (critic(fake).mean() - critic(real).mean() + penalty).backward()
        update_d.step()
        update_g.zero_grad()
        (-critic(generator(torch.randn(BATCH, LATENT))).mean()).backward()
        update_g.step()
    return [generator, critic]


@loop("penalty-first", "wasserstein")
def penalty_first(attach: Attach, steps: int) -> list[nn.Module]:
    # The penalty is computed before the gradients are cleared and sent back before the loss, as CTGAN does.
    generator, critic = mlp_pair()
    attach(generator, critic)
    update_d, update_g = adam(critic), adam(generator)
    data = reals()
    for _ in range(steps):
        real, fake = pick(data), generator(torch.randn(BATCH, LATENT))
        share = torch.rand(BATCH, 1)
        fake_score, real_score = critic(fake), critic(real)
        between = share * real + (1 - share) * fake
        score = critic(between)
        (slope,) = torch.autograd.grad(
            score, between, torch.ones_like(score), create_graph=True, retain_graph=True
        )
        penalty = 10 * ((slope.norm(dim=1) - 1) ** 2).mean()
        update_d.zero_grad(set_to_none=False)
        penalty.backward(retain_graph=True)
        (fake_score.mean() - real_score.mean()).backward()
        update_d.step()
        update_g.zero_grad(set_to_none=False)
        (-critic(generator(torch.randn(BATCH, LATENT))).mean()).backward()
        update_g.step()
    return [generator, critic]


class Direct(nn.Module):
    """A network of a class of its own, so that `forward` is a method of the user's."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, samples: Tensor) -> Tensor:
        return self.net(samples)


@loop("forward-called-directly", "non-saturating")
def forward_called_directly(attach: Attach, steps: int) -> list[nn.Module]:
    # Networks with a training step of their own call `self.forward`, which torch's forward hooks do not see.
    generator, discriminator = (Direct(one) for one in mlp_pair())
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        discriminator.zero_grad()
        fake = generator.forward(torch.randn(BATCH, LATENT)).detach()
        real_score, fake_score = discriminator.forward(pick(data)), discriminator.forward(fake)
        (F.softplus(-real_score).mean() + F.softplus(fake_score).mean()).backward()
        update_d.step()
        generator.zero_grad()
        F.softplus(-discriminator(generator.forward(torch.randn(BATCH, LATENT)))).mean().backward()
        update_g.step()
    return [generator, discriminator]


@loop("discriminators-in-a-list", "least-squares")
def discriminators_in_a_list(attach: Attach, steps: int) -> list[nn.Module]:
    # Two discriminators of the same samples, in a list that cannot be called itself.
    generator, first = mlp_pair()
    second = nn.Sequential(nn.Linear(SIZE, 16), nn.LeakyReLU(0.2), nn.Linear(16, 3))
    both = nn.ModuleList([first, second])
    attach(generator, both)
    update_d, update_g = adam(both), adam(generator)
    data = reals()
    for _ in range(steps):
        real, fake = pick(data), generator(torch.randn(BATCH, LATENT))
        update_d.zero_grad()
        loss = torch.zeros(())
        for one in both:
            loss = loss + ((one(real) - 1) ** 2).mean() + (one(fake.detach()) ** 2).mean()
        loss.backward()
        update_d.step()
        update_g.zero_grad()
        sum(((one(fake) - 1) ** 2).mean() for one in both).backward()
        update_g.step()
    return [generator, both]


class AskedForFeatures(nn.Module):
    """Returns its features instead of the score when it is asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(SIZE, 24), nn.LeakyReLU(0.2))
        self.head = nn.Linear(24, 1)

    def forward(self, samples: Tensor, features: bool = False) -> dict[str, Tensor]:
        known = self.body(samples)
        return {"features": known} if features else {"score": self.head(known)}


@loop("features-asked-for", "non-saturating")
def features_asked_for(attach: Attach, steps: int) -> list[nn.Module]:
    # Feature matching by calls of their own, sent back before the gradients of the loss itself are cleared.
    generator, discriminator = mlp_pair()[0], AskedForFeatures()
    attach(generator, discriminator)
    update_d, update_g = adam(discriminator), adam(generator)
    data = reals()
    for _ in range(steps):
        real, fake = pick(data), generator(torch.randn(BATCH, LATENT))
        scores = [discriminator(given)["score"] for given in (real, fake.detach())]
        discriminator.zero_grad()
        (F.softplus(-scores[0]).mean() + F.softplus(scores[1]).mean()).backward()
        update_d.step()
        generator.zero_grad()
        wanted = discriminator(real, features=True)["features"].mean(dim=0).detach()
        given = discriminator(fake, features=True)["features"].mean(dim=0)
        (F.softplus(-discriminator(fake)["score"]).mean() + 3 * F.mse_loss(given, wanted)).backward()
        update_g.step()
    return [generator, discriminator]
