"""A cheap distance between samples and data, by which the best checkpoint is chosen."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.errors import parameter_error


@torch.no_grad()
def sliced_wasserstein_distance(
    samples: Tensor, reals: Tensor, projections: int = 128, seed: int = 0
) -> float:
    """The mean over random directions of the 1-Wasserstein distance between the projected sets.

    ``mean_k mean_i | sort(samples u_k)_i - sort(reals u_k)_i |`` with unit directions u_k. A shift of all
    values by 1 counts about ``sqrt(2 / pi)`` in any dimension.

    It compares raw values, pixel by pixel: cheap, and monotone enough to tell a collapsed or diverged network
    from a working one, but it does not see what a person sees. Use the metrics of `equipoise evaluate` for a
    figure to publish.

    Args:
        samples, reals: shape (N, ...) with the same N.
        projections: how many directions.
        seed: of the directions, so that two calls can be compared.

    Raises:
        EquipoiseError: for different shapes.

    Source: Rabin et al. 2011; Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures".

    Example:
        >>> points = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
        >>> round(sliced_wasserstein_distance(points, points.flip(0)), 9)
        0.0
    """
    if samples.shape != reals.shape:
        raise parameter_error("samples", f"of the reals' shape {tuple(reals.shape)}", tuple(samples.shape))
    one = samples.detach().cpu().double().flatten(1)
    other = reals.detach().cpu().double().flatten(1)
    random = torch.Generator().manual_seed(seed)
    directions = torch.randn(one.shape[1], projections, generator=random, dtype=torch.float64)
    directions /= directions.norm(dim=0)
    difference = (one @ directions).sort(dim=0).values - (other @ directions).sort(dim=0).values
    return float(difference.abs().mean())
