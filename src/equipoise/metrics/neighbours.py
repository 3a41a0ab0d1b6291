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
_MOST_EXACT = 1 << 28  # values of one block that the exact pass takes, about a second's work


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

        The rounding errors of a product of d terms add like a random walk, hence the root of d; the constants
        keep the bound at least twice above the largest error met for widths from 33 to 32,768 and normal,
        rectified, heavy-tailed and shifted rows (9 units in the last place;
        `tests/metrics/test_neighbours.py`).
        """
        return torch.finfo(self.rows.dtype).eps * (math.sqrt(self.rows.shape[1]) / 2 + 16)


def prepare(*sets: Tensor, precise: bool = False) -> list[Prepared]:
    """The sets centred at the mean of the last one; `precise` asks for double precision at once."""
    narrow = sets[-1].shape[1] <= _NARROW
    # TF32 and bfloat16 products are far outside the screen's error.
    coarse = torch.get_float32_matmul_precision() != "highest"
    dtype = torch.float64 if precise or narrow or coarse else torch.float32
    centre = column_mean(sets[-1])
    prepared = []
    for rows in sets:
        # In the wider of the two precisions: centring in single would spoil a screen in double.
        wide = torch.promote_types(rows.dtype, dtype)
        centred = (rows.to(wide) - centre.to(wide)).to(dtype)
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


def column_mean(rows: Tensor) -> Tensor:
    """The mean of each column in float64, without a copy of all rows in that precision.

    Example:
        >>> column_mean(torch.tensor([[1.0], [2.0]])).item()
        1.5
    """
    total = torch.zeros(rows.shape[1], dtype=torch.float64, device=rows.device)
    for part in blocks(len(rows)):
        total += rows[part].double().sum(0)
    return total / len(rows)


def nearest(queries: Tensor, references: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The distance from each query to its k-th nearest reference, and that reference's index.

    Args:
        queries: (N, d). references: (M, d). k: from 1 to M.

    Returns:
        Euclidean distances (N,) in float64 and indices (N,).

    Example:
        >>> nearest(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]), 2)[0].tolist()
        [5.0]
    """
    _check_neighbour(k, len(references))
    left, right = prepare(queries, references)
    squares, indices = _nearest(left, right, k, itself=False)
    return squares.sqrt(), indices


def nearest_others(features: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Like `nearest` among the rows of one set; a row is not its own neighbour (a duplicate of it is).

    Example:
        >>> nearest_others(torch.tensor([[0.0], [1.0], [3.0]]))[0].tolist()
        [1.0, 1.0, 2.0]
    """
    squares, indices = squared_radii(features, k)
    return squares.sqrt(), indices


def squared_radii(features: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Like `nearest_others`, the distances squared: a root and a square would break exact ties by rounding.

    Example:
        >>> squared_radii(torch.tensor([[0.0], [1.0], [3.0]]))[0].tolist()
        [1.0, 1.0, 4.0]
    """
    _check_neighbour(k, len(features) - 1)
    (prepared,) = prepare(features)
    return _nearest(prepared, prepared, k, itself=True)


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
    if doubtful * left.rows.shape[1] > _MOST_EXACT:
        # Many near-ties: clones, or data much tighter than its distance from the mean.
        if block.dtype == torch.float32:
            fine = prepare(left.original[rows], right.original[columns], precise=True)
            everything = slice(None)
            fine_block = screened(fine[0], fine[1], everything, everything)
            return within(fine[0], fine[1], everything, everything, fine_block, squares)
        # Within the rounding of double precision so many pairs are ties of duplicates; a tie is outside.
        return sure
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


def _check_neighbour(k: int, available: int) -> None:
    if not 1 <= k <= available:
        raise parameter_error("k", f"of at least 1 and of at most {available}, the neighbours there are", k)


def _nearest(left: Prepared, right: Prepared, k: int, itself: bool) -> tuple[Tensor, Tensor]:
    available = len(right) - int(itself)
    keep = min(k + _SPARE, available)
    values, indices = _candidates(left, right, keep, itself)
    error = left.relative_error * (left.squares.double() + right.squares.double().max())
    squares, found = _decide(left, right, values, indices, k, error)
    if left.rows.dtype == torch.float32 and keep < available:
        # What was not kept is no nearer than the last candidate, up to the screen's error.
        doubtful = (values.amax(1).double() - error < squares).nonzero().flatten()
        if len(doubtful):
            fine = prepare(left.original[doubtful], right.original, precise=True)
            error = fine[0].relative_error * (fine[0].squares + fine[1].squares.max())
            candidates = _fine_candidates(fine[0], fine[1], keep, doubtful if itself else None)
            squares[doubtful], found[doubtful] = _decide(fine[0], fine[1], *candidates, k, error)
    return squares, found


def _decide(
    left: Prepared, right: Prepared, values: Tensor, indices: Tensor, k: int, error: Tensor
) -> tuple[Tensor, Tensor]:
    """The k-th nearest of each row's candidates: only those that could be it are computed exactly."""
    kth = values.kthvalue(k, dim=1, keepdim=True).values
    offset = (values - kth).double()
    possible = offset.abs() <= 2 * error[:, None]
    squares = offset.sign() * math.inf
    rows, columns = possible.nonzero(as_tuple=True)
    squares[rows, columns] = exact(left.original, right.original, rows, indices[rows, columns])
    kth_square, place = squares.kthvalue(k, dim=1)
    return kth_square, indices.gather(1, place[:, None])[:, 0]


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


def _fine_candidates(
    left: Prepared, right: Prepared, keep: int, skip: Tensor | None
) -> tuple[Tensor, Tensor]:
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
    return best, where


def _keep_smallest(best: Tensor, where: Tensor, rows: slice, block: Tensor, offset: int) -> None:
    keep = best.shape[1]
    values, indices = block.topk(min(keep, block.shape[1]), dim=1, largest=False, sorted=False)
    values = torch.cat([best[rows], values], 1)
    indices = torch.cat([where[rows], indices + offset], 1)
    best[rows], order = values.topk(keep, dim=1, largest=False, sorted=False)
    where[rows] = indices.gather(1, order)
