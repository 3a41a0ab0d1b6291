"""K-means cells of features, the same on every machine for one seed."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.errors import parameter_error
from equipoise.metrics.neighbours import blocks, prepare, screened

_MOST_ROWS = 20_000


def cluster_centres(features: Tensor, cells: int, *, seed: int = 0, iterations: int = 30) -> Tensor:
    """K-means centres by Lloyd's algorithm from k-means++ starts, in float64; of more than 20,000 rows a
    random 20,000 are used.

    Args:
        features: (N, d), N at least `cells`.

    Returns:
        (cells, d). A cell that loses all its rows keeps its centre.

    Source: Arthur & Vassilvitskii 2007 for the starts.

    Example:
        >>> centres = cluster_centres(torch.tensor([[0.0], [0.2], [9.0], [9.2]]), 2)
        >>> centres.sort(0).values.flatten().round(decimals=4).tolist()
        [0.1, 9.1]
    """
    if len(features) < cells:
        raise parameter_error("cells", f"at most the number of rows, {len(features)}", cells)
    generator = torch.Generator().manual_seed(seed)
    if len(features) > _MOST_ROWS:
        chosen_rows = torch.randperm(len(features), generator=generator)[:_MOST_ROWS]
        features = features[chosen_rows.to(features.device)]
    rows = features.double()
    first = int(torch.randint(len(rows), (), generator=generator))
    chosen = [first]
    squares = (rows - rows[first]).square().sum(1)
    for _ in range(cells - 1):
        # Inverse transform of the cumulated weights; all zero (only duplicates left) falls to a uniform draw.
        weights = squares.cumsum(0)
        draw = torch.rand((), generator=generator, dtype=torch.float64).to(rows.device)
        if float(weights[-1]) > 0:
            pick = min(int(torch.searchsorted(weights, draw * weights[-1])), len(rows) - 1)
        else:
            pick = int(draw * len(rows))
        chosen.append(pick)
        squares = torch.minimum(squares, (rows - rows[pick]).square().sum(1))
    centres = rows[torch.tensor(chosen, device=rows.device)]
    before = None
    for _ in range(iterations):
        cell = assign(features, centres)
        if before is not None and torch.equal(cell, before):
            break
        before = cell
        counts = torch.bincount(cell, minlength=cells).double()
        sums = torch.zeros_like(centres).index_add_(0, cell, rows)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp_min(1)[:, None], centres)
    return centres


def assign(features: Tensor, centres: Tensor) -> Tensor:
    """The index of the nearest centre of each row, (N,).

    Example:
        >>> assign(torch.tensor([[0.0], [5.0]]), torch.tensor([[4.0], [1.0]])).tolist()
        [1, 0]
    """
    rows, cells = prepare(features, centres.to(features.dtype))
    everything = slice(0, len(cells))
    parts = [screened(rows, cells, part, everything).argmin(1) for part in blocks(len(rows))]
    return torch.cat(parts)
