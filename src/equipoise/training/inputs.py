"""What a training step is fed: real samples, latents and labels, each part of a batch in its turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

RealSource = Callable[[], tuple[Tensor, "Tensor | None"]]


@dataclass
class Part:
    """The inputs of one forward pass of each network; a batch has several where gradients are accumulated."""

    latent: Tensor
    fake_labels: Tensor | None
    real: Tensor
    labels: Tensor | None


class Inputs:
    """Draws the inputs of a step.

    Latents are N(0, I). Labels of fakes are labels of random real samples, so that the generator is asked for
    the classes as often as the data has them; a discriminator with labels compares within a class then.

    Args:
        next_real: gives this process's next real batch, on the device.
        latent_dim: numbers in a latent.
        label_pool: all labels of the data on the CPU, or None for an unconditional pair.
        batch_size: samples of one process and part.
        parts: how many parts a step accumulates.
        rank, processes: which process this is, of how many.
        random: a CPU generator, in the same state in every process.
        device: where latents and labels go.
        channels_last: whether real images are laid out with the channel innermost.
    """

    def __init__(
        self,
        next_real: RealSource,
        latent_dim: int,
        label_pool: Tensor | None,
        batch_size: int,
        parts: int,
        rank: int,
        processes: int,
        random: torch.Generator,
        device: torch.device,
        channels_last: bool = False,
    ) -> None:
        self.next_real = next_real
        self.latent_dim = latent_dim
        self.label_pool = label_pool
        self.batch_size = batch_size
        self.parts = parts
        self.rank = rank
        self.processes = processes
        self.random = random
        self.device = device
        self.channels_last = channels_last

    @property
    def samples_per_step(self) -> int:
        """Samples of all processes and parts."""
        return self.batch_size * self.parts * self.processes

    def draw(self, reals: list[Part] | None = None) -> list[Part]:
        """New latents and labels for a step; new real samples unless those of earlier parts are to be used.

        The numbers are drawn for the whole batch of all parts and processes at once, so that neither changes
        them.
        """
        latents = torch.randn(self.samples_per_step, self.latent_dim, generator=self.random)
        labels = None
        if self.label_pool is not None:
            chosen = torch.randint(len(self.label_pool), (self.samples_per_step,), generator=self.random)
            labels = self.label_pool[chosen]
        parts = []
        for number in range(self.parts):
            start = (number * self.processes + self.rank) * self.batch_size
            own = slice(start, start + self.batch_size)
            real, real_labels = self._real() if reals is None else (reals[number].real, reals[number].labels)
            parts.append(
                Part(
                    latent=latents[own].to(self.device, non_blocking=True),
                    fake_labels=None if labels is None else labels[own].to(self.device, non_blocking=True),
                    real=real,
                    labels=real_labels,
                )
            )
        return parts

    def _real(self) -> tuple[Tensor, Tensor | None]:
        real, labels = self.next_real()
        real = real.to(self.device, non_blocking=True)
        if self.channels_last and real.dim() == 4:
            real = real.contiguous(memory_format=torch.channels_last)
        if self.label_pool is None or labels is None:
            return real, None
        return real, labels.to(self.device, non_blocking=True)
