"""Samples from a generator, in the units of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from equipoise.data.normalisation import Normalisation
from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError, parameter_error
from equipoise.layers.gather import local_batch_only
from equipoise.validation import Interval, check_parameter


class SavedGenerator(nn.Module):
    """A trained generator with what is needed to use it: call it, or ask it for samples.

    It is in evaluation mode: batch normalisation uses its running statistics, which for the moving average
    are averaged like its weights. Samples then do not depend on each other or on how many are drawn at once.

    Args:
        network: the generator; called as ``network(latent, labels)``.
        specification: what a sample is.
        normalisation: how to get back to the data's units.
        conditional: whether it takes labels.
        step: the training step that it is from.
    """

    def __init__(
        self,
        network: nn.Module,
        specification: SampleSpecification,
        normalisation: Normalisation,
        conditional: bool,
        step: int = 0,
    ) -> None:
        super().__init__()
        self.network = network.eval()
        self.specification = specification
        self.normalisation = normalisation
        self.conditional = conditional
        self.step = step
        self.latent_dim: int = int(getattr(network, "latent_dim"))  # noqa: B009 (nn.Module types it as Tensor)
        self.classes = specification.classes if conditional else None

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Normalised samples for latents of shape (N, latent_dim)."""
        result: Tensor = self.network(latent, labels)
        return result

    @torch.no_grad()
    def sample(
        self,
        n: int,
        labels: int | Sequence[int] | Tensor | None = None,
        seed: int = 0,
        batch_size: int = 256,
    ) -> np.ndarray:
        """Samples in the units of the data, shape (n, ...).

        Args:
            n: how many.
            labels: one class for all, or n classes; None draws them uniformly (a conditional generator only).
            seed: the same seed gives the same samples; the global random state is left alone.
            batch_size: how many are computed at once.

        Raises:
            EquipoiseError: labels for a generator without classes, or a class that does not exist.
        """
        check_parameter("n", n, Interval(int, 1))
        random = torch.Generator().manual_seed(seed)
        latents = torch.randn(n, self.latent_dim, generator=random)
        chosen = self._labels(n, labels, random)
        device = next(self.network.parameters()).device
        pieces = []
        with local_batch_only():
            for start in range(0, n, batch_size):
                some = slice(start, start + batch_size)
                part = None if chosen is None else chosen[some].to(device)
                pieces.append(self.network(latents[some].to(device), part).float().cpu())
        samples: np.ndarray = self.normalisation.invert(torch.cat(pieces)).numpy()
        return samples

    def _labels(self, n: int, labels: Any, random: torch.Generator) -> Tensor | None:
        if self.classes is None:
            if labels is not None:
                raise EquipoiseError(
                    "`labels` must be None, because this generator was trained without classes; train a "
                    "conditional recipe such as cgan."
                )
            return None
        if labels is None:
            return torch.randint(self.classes, (n,), generator=random)
        chosen = torch.as_tensor(labels, dtype=torch.int64)
        chosen = chosen.expand(n) if chosen.dim() == 0 else chosen
        if chosen.shape != (n,):
            raise parameter_error("labels", f"one class or {n} of them", labels)
        if bool((chosen < 0).any()) or bool((chosen >= self.classes).any()):
            raise parameter_error("labels", f"classes of 0 to {self.classes - 1}", labels)
        return chosen
