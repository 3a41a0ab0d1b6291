"""Whether what stands beside a sample in the discriminator's input is its latent, and no condition.

A discriminator of pairs (BiGAN, ALI, ALAD) is given (G(z), z) and (x, E(x)): each pair is one sample of a
joint law. The code beside the reals is made by an encoder, and the one beside the fakes is all that they were
made from. A condition is data in both.
"""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.watching.passes import DiscriminatorPass
from equipoise.watching.tree import floating_tensors


class Joint:
    """Decides it from the passes of a run; `False` until both signs were seen.

    Attributes:
        latents_beside: whether fakes come with all latents that they were made from; None while unknown.
        codes_beside: whether something with a graph was given beside samples that are not the generator's.
    """

    def __init__(self) -> None:
        self.latents_beside: bool | None = None
        self.codes_beside = False

    def __bool__(self) -> bool:
        return bool(self.latents_beside) and self.codes_beside

    def seen(self, one: DiscriminatorPass) -> None:
        """A pass of the discriminator."""
        if self.latents_beside is False:
            return
        given = others(one)
        if one.link is None and not one.attached:
            self.codes_beside |= one.grown or any(value.grad_fn is not None for value in given)
        elif self.latents_beside is None and one.call is not None:
            beside = [*given, *beside_samples(one)]
            if beside:
                _, latents = one.call.images_and_latents()
                self.latents_beside = bool(latents) and all(_among(latent, beside) for latent in latents)


def others(one: DiscriminatorPass) -> list[Tensor]:
    """What else of floating numbers the discriminator was given than its samples, of pairs both."""
    given = floating_tensors({"args": one.args, "kwargs": one.kwargs})
    return [value for path, value in given if path != one.path and path not in one.pairs]


def beside_samples(one: DiscriminatorPass) -> list[Tensor]:
    """The other channels of a sample with which something is concatenated."""
    if one.channels is None:
        return []
    return [other_channels(one.samples if one.rows is None else one.samples[one.rows], one.channels)]


def other_channels(samples: Tensor, channels: slice) -> Tensor:
    """All but these channels."""
    start, stop, _ = channels.indices(samples.shape[1])
    return torch.cat([samples[:, :start], samples[:, stop:]], dim=1)


def _among(latent: Tensor, values: list[Tensor]) -> bool:
    return any(
        value.numel() == latent.numel()
        and len(value) == len(latent)
        and bool((value.detach().reshape(len(latent), -1) == latent.detach().reshape(len(latent), -1)).all())
        for value in values
    )
