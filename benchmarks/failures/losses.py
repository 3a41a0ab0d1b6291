"""Adversarial losses in plain PyTorch, in the three ways that scripts write them.

`LabelLoss`: a criterion and target labels (BCE, least squares). `TermLoss`: one function for each of the
three terms (hinge, Wasserstein, minimax). `PairLoss`: losses of the difference between real and fake
(relativistic). All have ``discriminator(real, fake)`` and ``generator(fake, real)``; the first two also
offer their terms one by one, because a loop with separate passes needs them so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

Term = Callable[[Tensor], Tensor]


@dataclass
class LabelLoss:
    criterion: Callable[[Tensor, Tensor], Tensor]
    real_label: float = 1.0
    fake_label: float = 0.0
    generator_label: float | None = None  # None: the label of the reals, as it must be

    @property
    def generator_target(self) -> float:
        return self.real_label if self.generator_label is None else self.generator_label

    def real(self, scores: Tensor) -> Tensor:
        return self.criterion(scores, torch.full_like(scores, self.real_label))

    def fake(self, scores: Tensor) -> Tensor:
        return self.criterion(scores, torch.full_like(scores, self.fake_label))

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.real(real) + self.fake(fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return self.criterion(fake, torch.full_like(fake, self.generator_target))


@dataclass
class TermLoss:
    real: Term
    fake: Term
    generated: Term

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.real(real) + self.fake(fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return self.generated(fake)


@dataclass
class PairLoss:
    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor | None], Tensor]


def make_loss(family: str) -> LabelLoss | TermLoss | PairLoss:
    """The loss of a family name; ``bce-sigmoid`` expects a discriminator that ends in a sigmoid."""
    if family == "bce":
        return LabelLoss(nn.BCEWithLogitsLoss())
    if family == "bce-sigmoid":
        return LabelLoss(nn.BCELoss())
    if family == "lsgan":
        return LabelLoss(nn.MSELoss())
    if family == "minimax":
        return TermLoss(
            real=lambda s: functional.softplus(-s).mean(),
            fake=lambda s: functional.softplus(s).mean(),
            generated=lambda s: -functional.softplus(s).mean(),
        )
    if family == "hinge":
        return TermLoss(
            real=lambda s: functional.relu(1 - s).mean(),
            fake=lambda s: functional.relu(1 + s).mean(),
            generated=lambda s: -s.mean(),
        )
    if family in ("wgan-clip", "wgan-gp"):
        return TermLoss(real=lambda s: -s.mean(), fake=lambda s: s.mean(), generated=lambda s: -s.mean())
    if family == "rahinge":

        def hinged(up: Tensor, down: Tensor) -> Tensor:
            return (
                functional.relu(1 - (up - down.mean())).mean()
                + functional.relu(1 + (down - up.mean())).mean()
            )

        return PairLoss(discriminator=hinged, generator=lambda fake, real: hinged(fake, real))
    if family == "rpgan":
        return PairLoss(
            discriminator=lambda real, fake: functional.softplus(fake - real).mean(),
            generator=lambda fake, real: functional.softplus(real - fake).mean(),
        )
    raise ValueError(f"there is no loss family {family!r} in the corpus")


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """One-centred penalty of WGAN-GP at uniform interpolates, norm over each whole sample."""
    alpha = torch.rand(real.size(0), *[1] * (real.dim() - 1))
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    grads = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
    return ((grads.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


def zero_centred_penalty(critic: nn.Module, at: Tensor) -> Tensor:
    """R1 (at reals) or R2 (at fakes): half the mean squared norm of the critic's input gradient."""
    at = at.detach().requires_grad_(True)
    out = critic(at)
    if isinstance(out, dict):
        out = out["score"]
    elif isinstance(out, tuple):
        out = out[0]
    grads = torch.autograd.grad(out.sum(), at, create_graph=True)[0]
    return 0.5 * grads.flatten(1).pow(2).sum(dim=1).mean()
