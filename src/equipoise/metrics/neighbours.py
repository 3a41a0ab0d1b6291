"""Nearest neighbours of many wide vectors: exact answers, bounded memory, matrix-product speed.

Squared distances of a block come from one matrix product, ||x||^2 + ||y||^2 - 2 x.y, in single precision
where the rows are wide. That product is only a screen: it carries a rounding error, and whatever lies within
that error of a decision is computed again from the differences in double precision. So the result is that of
double precision, at the speed of single precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from equipoise.errors import parameter_error

BLOCK = 2048
_SPARE = 4  # candidates kept beyond those asked for, so that few rows need a second look
_NARROW = 32  # up to this width the product costs nothing and double precision is used at once
_PAIRS = 1 << 22  # values per chunk of the exact pass


@dataclass
class Prepared:
    """Rows ready for screening: centred, in the screening precision, with their squared lengths."""

    original: Tensor
    rows: Tensor
    squares: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def relative_error(self) -> float:
        """Of a screened squared distance, relative to ||x||^2 + ||y||^2.

        The rounding errors of a product of d terms add like a random walk, sqrt(d) units in the last place;
        eight more stand for the centring and for small d, and a factor of two for safety.
        """
        return 2 * torch.finfo(self.rows.dtype).eps * (math.sqrt(self.rows.shape[1]) + 8)


def prepare(*sets: Tensor, precise: bool = False) -> list[Prepared]:
    """The sets centred at the mean of the last one; `precise` asks for double precision at once."""
    narrow = precise or sets[-1].shape[1] <= _NARROW
    dtype = torch.float64 if narrow else torch.float32
    centre = sets[-1].mean(0, dtype=torch.float64).to(sets[-1].dtype)
    prepared = []
    for rows in sets:
        centred = (rows - centre).to(dtype)
        prepared.append(Prepared(rows, centred, torch.linalg.vecdot(centred, centred)))
    return prepared


def screened(left: Prepared, right: Prepared, rows: slice, columns: slice) -> Tensor:
    """The block of screened squared distances; in double precision with rounding noise set to zero."""
    block = torch.addmm(right.squares[None, columns], left.rows[rows], right.rows[columns].T, alpha=-2)
    block += left.squares[rows, None]
    if block.dtype == torch.float64:
        noise = left.relative_error * (left.squares[rows, None] + right.squares[None, columns])
        block[block <= noise] = 0
    return block


def exact(left: Tensor, right: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The squared distances of pairs (rows[i], columns[i]) from the differences, in double precision."""
    step = max(1, _PAIRS // left.shape[1])
    parts = []
    for start in range(0, len(rows), step):
        pick = slice(start, start + step)
        difference = left[rows[pick]].double() - right[columns[pick]].double()
        parts.append(difference.square_().sum(1))
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64, device=left.device)


def blocks(length: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices of at most `size` that cover `length` rows."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def nearest(queries: Tensor, references: Tensor, count: int = 1) -> tuple[Tensor, Tensor]:
    """Distances to the `count` nearest references of each query, ascending, and their indices.

    Args:
        queries: (N, d). references: (M, d). count: at most M.

    Returns:
        Euclidean distances (N, count) in float64 and indices (N, count).

    Example:
        >>> nearest(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]), 2)[0].tolist()
        [[1.0, 5.0]]
    """
    _check_count(count, len(references))
    left, right = prepare(queries, references)
    return _nearest(left, right, count, itself=False)


def nearest_others(features: Tensor, count: int = 1) -> tuple[Tensor, Tensor]:
    """Like `nearest` among the rows of one set; a row is not its own neighbour (a duplicate of it is).

    Example:
        >>> nearest_others(torch.tensor([[0.0], [1.0], [3.0]]))[0].flatten().tolist()
        [1.0, 1.0, 2.0]
    """
    _check_count(count, len(features) - 1)
    (prepared,) = prepare(features)
    return _nearest(prepared, prepared, count, itself=True)


def within(
    left: Prepared, right: Prepared, rows: slice, columns: slice, block: Tensor, squares: Tensor
) -> Tensor:
    """Which pairs of a screened block are strictly nearer than a squared radius, decided exactly.

    Args:
        block: from `screened` of the same slices.
        squares: squared radii in float64, of shape (rows, 1) or (1, columns).

    Returns:
        Boolean of the block's shape.
    """
    scale = left.squares[rows].max() + right.squares[columns].max()
    margin = float(left.relative_error * scale)
    sure = block < (squares - margin).to(block.dtype)
    possible = block < (squares + margin).to(block.dtype) if margin else sure
    doubtful = int(possible.count_nonzero()) - int(sure.count_nonzero())
    if not doubtful:
        return sure
    if doubtful > block.numel() // 50:
        # Many near-ties: clones, or data much tighter than its distance from the mean.
        if block.dtype == torch.float32:
            fine = prepare(left.original[rows], right.original[columns], precise=True)
            everything = slice(None)
            fine_block = screened(fine[0], fine[1], everything, everything)
            return within(fine[0], fine[1], everything, everything, fine_block, squares)
        return block < squares
    i, j = (possible ^ sure).nonzero(as_tuple=True)
    distances = exact(left.original[rows], right.original[columns], i, j)
    radii = squares.expand(block.shape)[i, j]
    sure[i, j] = distances < radii
    return sure


def pairs_within(features: Tensor, distance: float) -> int:
    """How many unordered pairs of rows are at most `distance` apart.

    Example:
        >>> pairs_within(torch.tensor([[0.0], [0.0], [1.0]]), 0.5)
        1
    """
    (prepared,) = prepare(features)
    # "At most" is "below the next number", which keeps exact duplicates at distance 0.
    square = torch.tensor([[math.nextafter(distance**2, math.inf)]], dtype=torch.float64)
    square = square.to(features.device)
    total = 0
    for rows in blocks(len(prepared)):
        for columns in blocks(len(prepared)):
            if columns.start < rows.start:
                continue
            block = screened(prepared, prepared, rows, columns)
            inside = within(prepared, prepared, rows, columns, block, square)
            total += int((inside.triu(1) if columns == rows else inside).count_nonzero())
    return total


def _check_count(count: int, available: int) -> None:
    if not 1 <= count <= available:
        raise parameter_error(
            "count", f"of at least 1 and of at most {available}, the neighbours there are", count
        )


def _nearest(left: Prepared, right: Prepared, count: int, itself: bool) -> tuple[Tensor, Tensor]:
    keep = min(count + _SPARE, len(right) - int(itself))
    values, indices = _candidates(left, right, keep, itself)
    rows = torch.arange(len(left), device=indices.device).repeat_interleave(keep)
    squares = exact(left.original, right.original, rows, indices.flatten()).view(-1, keep)
    squares, order = squares.sort(1)
    indices = indices.gather(1, order)
    if left.rows.dtype == torch.float32 and keep < len(right) - int(itself):
        margin = left.relative_error * (left.squares.double() + right.squares.max().double())
        doubtful = (values.amax(1).double() - margin < squares[:, count - 1]).nonzero().flatten()
        if len(doubtful):
            fine = prepare(left.original[doubtful], right.original, precise=True)
            skip = doubtful if itself else None
            again = _fine_candidates(fine[0], fine[1], keep, skip)
            pick = torch.arange(len(doubtful), device=again.device).repeat_interleave(keep)
            better = exact(fine[0].original, right.original, pick, again.flatten()).view(-1, keep)
            better, order = better.sort(1)
            squares[doubtful], indices[doubtful] = better, again.gather(1, order)
    return squares[:, :count].sqrt(), indices[:, :count]


def _candidates(left: Prepared, right: Prepared, keep: int, itself: bool) -> tuple[Tensor, Tensor]:
    """The `keep` nearest by the screen; within one set every product serves both ways."""
    best = torch.full((len(left), keep), math.inf, dtype=left.rows.dtype, device=left.rows.device)
    where = torch.zeros((len(left), keep), dtype=torch.long, device=left.rows.device)
    for rows in blocks(len(left)):
        for columns in blocks(len(right)):
            if itself and columns.start < rows.start:
                continue
            block = screened(left, right, rows, columns)
            if itself and columns == rows:
                block.fill_diagonal_(math.inf)
            _keep_smallest(best, where, rows, block, columns.start)
            if itself and columns.start > rows.start:
                _keep_smallest(best, where, columns, block.T.contiguous(), rows.start)
    return best, where


def _fine_candidates(left: Prepared, right: Prepared, keep: int, skip: Tensor | None) -> Tensor:
    best = torch.full((len(left), keep), math.inf, dtype=torch.float64, device=left.rows.device)
    where = torch.zeros((len(left), keep), dtype=torch.long, device=left.rows.device)
    for rows in blocks(len(left)):
        for columns in blocks(len(right)):
            block = screened(left, right, rows, columns)
            if skip is not None:
                own = skip[rows]
                inside = ((own >= columns.start) & (own < columns.stop)).nonzero().flatten()
                block[inside, own[inside] - columns.start] = math.inf
            _keep_smallest(best, where, rows, block, columns.start)
    return where


def _keep_smallest(best: Tensor, where: Tensor, rows: slice, block: Tensor, offset: int) -> None:
    keep = best.shape[1]
    values, indices = block.topk(min(keep, block.shape[1]), dim=1, largest=False, sorted=False)
    values = torch.cat([best[rows], values], 1)
    indices = torch.cat([where[rows], indices + offset], 1)
    best[rows], order = values.topk(keep, dim=1, largest=False, sorted=False)
    where[rows] = indices.gather(1, order)
