"""Which of the generator's inputs are noise, and fresh noise of the same law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from equipoise.watching.statistics import kurtosis, smooth
from equipoise.watching.tree import Path, map_tensors, tensors

Law = Literal["normal", "uniform", "rows"]
# Sampling error of the kurtosis of a few hundred values and more is well below these margins.
_NORMAL, _UNIFORM = (2.7, 3.3), (1.7, 1.9)
# A column with at most so many different values (one-hot labels, classes) is a condition.
_LEVELS = 12


@dataclass(frozen=True)
class Latent:
    """One noise input.

    Attributes:
        path: where it stands in the generator's call.
        pool: all remembered rows.
        noise: which columns are noise; the others (one-hot labels, classes) belong to the condition. Flat.
        law: how fresh values are drawn: by the law the values follow, or from the remembered rows.
    """

    path: Path
    pool: Tensor
    noise: Tensor
    law: Law
    norm: float | None

    def draw(self, rows: int, random: torch.Generator, start: int) -> Tensor:
        """Fresh noise columns, shape (rows, number of noise columns)."""
        flat = self.pool.flatten(1)[:, self.noise]
        mean, std = flat.mean(), flat.std()
        if self.law == "rows":
            # One fixed order, walked through from call to call, so that no row comes twice before all have
            # come.
            order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))
            return flat[order[(torch.arange(rows) + start) % len(flat)]]
        if self.law == "uniform":
            low, high = flat.min(), flat.max()
            return low + (high - low) * torch.rand(rows, flat.shape[1], generator=random)
        fresh = mean + std * torch.randn(rows, flat.shape[1], generator=random)
        if self.norm is not None:
            fresh = fresh * self.norm / fresh.norm(dim=1, keepdim=True)
        return fresh

    def redrawn(self, stored: Tensor, random: torch.Generator, start: int = 0) -> Tensor:
        """The stored tensor with fresh values in its noise columns."""
        flat = stored.detach().cpu().float().flatten(1).clone()
        flat[:, self.noise] = self.draw(len(flat), random, start)
        return flat.reshape(stored.shape).to(stored.device, stored.dtype)


def find_latents(calls: Sequence[tuple[Any, Any]], sample: tuple[int, ...]) -> list[Latent]:
    """The noise inputs among the generator's, from remembered calls.

    A floating tensor that is no picture is noise; where there are several, those are that follow a normal or
    a uniform law around zero. A picture-shaped tensor is noise only if it follows such a law; none is whose
    neighbouring values are correlated, whatever its law (an encoder is given pictures and returns codes).

    Args:
        calls: remembered calls as (args, kwargs).
        sample: shape of one of the generator's samples.
    """
    pools: dict[Path, list[Tensor]] = {}
    for args, kwargs in calls:
        for path, value in tensors({"args": args, "kwargs": kwargs}):
            if value.is_floating_point() and value.ndim >= 2 and value.numel():
                pools.setdefault(path, []).append(value.detach().cpu().float())
    candidates = []
    for path, batches in pools.items():
        shape = batches[-1].shape[1:]
        pool = torch.cat([batch for batch in batches if batch.shape[1:] == shape])
        flat = pool.flatten(1)
        noise = _continuous(flat)
        if not bool(noise.any()):
            continue
        law = _law(flat[:, noise])
        picture = len(shape) > 1 and shape[1:].numel() > 1
        if picture and ((len(shape) == len(sample) and law == "rows") or _correlated(pool)):
            continue
        if law != "rows" and len(shape) == 1 and smooth(flat[:, noise]):
            law = "rows"  # a flat picture: its values are not drawn one by one
        candidates.append(Latent(path, pool, noise, law, _norm(flat[:, noise])))
    known = [latent for latent in candidates if latent.law != "rows"]
    return known or candidates[:1]


def redraw(tree: Any, latents: Sequence[Latent], random: torch.Generator, start: int = 0) -> Any:
    """A call's tree {"args", "kwargs"} with fresh noise."""
    by_path = {latent.path: latent for latent in latents}

    def fresh(path: Path, value: Tensor) -> Tensor:
        return by_path[path].redrawn(value, random, start) if path in by_path else value

    return map_tensors(tree, fresh)


def _continuous(flat: Tensor) -> Tensor:
    levels = min(_LEVELS, max(2, len(flat) // 4))
    ordered = flat.sort(dim=0).values
    distinct = (ordered[1:] != ordered[:-1]).sum(dim=0) + 1
    return distinct > levels


def _law(values: Tensor) -> Law:
    if values.numel() < 64:
        return "rows"
    mean, std = values.mean(), values.std()
    if float(mean.abs()) > 0.15 * float(std):
        # Noise on [0, 1] is uniform too; a condition of a lopsided law is not.
        return "uniform" if _UNIFORM[0] < float(kurtosis(values)) < _UNIFORM[1] else "rows"
    fourth = float(kurtosis(values))
    if _NORMAL[0] < fourth < _NORMAL[1]:
        return "normal"
    return "uniform" if _UNIFORM[0] < fourth < _UNIFORM[1] else "rows"


def _norm(values: Tensor) -> float | None:
    # Latents on a sphere: drawn as normal ones, brought back to its radius.
    norms = values.norm(dim=1)
    return float(norms.mean()) if float(norms.std()) < 1e-3 * float(norms.mean()) else None


def _correlated(pool: Tensor) -> bool:
    left, right = pool[..., :-1].flatten(), pool[..., 1:].flatten()
    if len(left) < 64:
        return True
    return abs(float(torch.corrcoef(torch.stack([left, right]))[0, 1])) > 0.1
