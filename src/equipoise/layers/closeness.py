"""How close each sample is to the others: sums of exp(-L1 distance), fast and twice differentiable.

The naive form holds several tensors of N x N x kernels x dimensions. Nothing here is larger than
N x N x kernels, and on the CPU only one triangle of it is held. The derivatives are closed forms, because
`torch.cdist` and `torch.pdist` have no second derivative on torch 2.13.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Elements of one block in the second-order pass: 256 KiB in float32, which stays in a core's cache.
_BLOCK = 65536
# Up to so many threads, one thread over one triangle beats all threads over the full matrix.
_THREADS_FOR_TRIANGLE = 4
# Up to so many pairs in all kernels, one thread does everything: its operations take less than a millisecond.
_PAIRS_FOR_ONE_THREAD = 1 << 20


def sum_of_closeness(points: Tensor) -> Tensor:
    """For each kernel and sample, the sum over the *other* samples of exp(-L1 distance).

    ``output[b, i] = sum over j != i of exp(-sum over c of |points[b, i, c] - points[b, j, c]|)``

    Where two coordinates are equal the derivative of the absolute value is taken as 0. A third derivative
    is not available.

    Args:
        points: shape (kernels, N, dimensions), float32 or float64.

    Returns:
        Shape (kernels, N), between 0 and N - 1.

    Example:
        >>> clones = torch.zeros(2, 5, 3)
        >>> sum_of_closeness(clones)[0].tolist()
        [4.0, 4.0, 4.0, 4.0, 4.0]
    """
    few_threads = torch.get_num_threads() <= _THREADS_FOR_TRIANGLE
    layout = _Triangle if points.device.type == "cpu" and few_threads else _Square
    return _Closeness.apply(points.contiguous(), layout)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Many operations of microseconds: handing each to several threads costs more than it gains.

    On a busy machine the threads' meeting after each operation can cost milliseconds. Only this thread's
    setting changes.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _threads_for(points: Tensor) -> AbstractContextManager[None]:
    pairs = points.shape[0] * points.shape[1] * (points.shape[1] - 1) // 2
    few = points.device.type == "cpu" and pairs <= _PAIRS_FOR_ONE_THREAD
    return _one_thread() if few else nullcontext()


class _Triangle:
    """Symmetric N x N matrices as the N (N - 1) / 2 entries above the diagonal: half the work and memory."""

    @staticmethod
    def pairs(points: Tensor) -> tuple[Tensor, Tensor]:
        first, second = torch.triu_indices(points.shape[1], points.shape[1], 1, device=points.device)
        return first, second

    @staticmethod
    def distances(points: Tensor) -> Tensor:
        kernels, samples, _ = points.shape
        result = points.new_empty(kernels, samples * (samples - 1) // 2)
        with _one_thread():
            for row, kernel in zip(result.unbind(), points.unbind()):
                row.copy_(torch.pdist(kernel, p=1.0))
        return result

    @staticmethod
    def row_sums(matrix: Tensor, points: Tensor) -> Tensor:
        first, second = _Triangle.pairs(points)
        sums = points.new_zeros(points.shape[:2])
        return sums.index_add_(1, first, matrix).index_add_(1, second, matrix)

    @staticmethod
    def pair_sums(values: Tensor) -> Tensor:
        first, second = torch.triu_indices(values.shape[1], values.shape[1], 1, device=values.device)
        return values.index_select(1, first).add_(values.index_select(1, second))

    @staticmethod
    def signed_sums(weights: Tensor, points: Tensor) -> Tensor:
        result = torch.empty_like(points)
        with _one_thread():
            for row, weight, kernel in zip(result.unbind(), weights.unbind(), points.unbind()):
                # For p = 1 the distances themselves are not used, only their shape.
                row.copy_(torch.ops.aten._pdist_backward(weight, kernel, 1.0, weight))
        return result

    @staticmethod
    def from_square(square: Tensor) -> Tensor:
        samples = square.shape[1]
        first, second = torch.triu_indices(samples, samples, 1, device=square.device)
        return square.flatten(1).index_select(1, first * samples + second)


class _Square:
    """Symmetric N x N matrices in full: few, large operations, for accelerators."""

    @staticmethod
    def distances(points: Tensor) -> Tensor:
        return torch.cdist(points, points, p=1.0)

    @staticmethod
    def row_sums(matrix: Tensor, points: Tensor) -> Tensor:
        return matrix.sum(-1) - matrix.diagonal(dim1=1, dim2=2)

    @staticmethod
    def pair_sums(values: Tensor) -> Tensor:
        return values.unsqueeze(2) + values.unsqueeze(1)

    @staticmethod
    def signed_sums(weights: Tensor, points: Tensor) -> Tensor:
        return torch.ops.aten._cdist_backward(weights.contiguous(), points, points, 1.0, weights.contiguous())

    @staticmethod
    def from_square(square: Tensor) -> Tensor:
        return square


_Layout = type[_Triangle] | type[_Square]


class _Closeness(torch.autograd.Function):
    """points -> sums of exp(-distance)."""

    @staticmethod
    def forward(context: Any, points: Tensor, layout: _Layout) -> Tensor:
        context.layout = layout
        with _threads_for(points):
            closeness = layout.distances(points).neg_().exp_()
            sums = layout.row_sums(closeness, points)
        context.save_for_backward(points, closeness)
        return sums

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        points, closeness = context.saved_tensors
        return _ClosenessGradient.apply(points, gradients[0], closeness, context.layout), None


class _ClosenessGradient(torch.autograd.Function):
    """points, g -> -sum over j of closeness_ij (g_i + g_j) sign(points_i - points_j)."""

    @staticmethod
    def forward(context: Any, points: Tensor, outgoing: Tensor, closeness: Tensor, layout: _Layout) -> Tensor:
        context.layout = layout
        context.save_for_backward(points, outgoing, closeness)
        with _threads_for(points):
            weights = layout.pair_sums(outgoing).mul_(closeness).neg_()
            return layout.signed_sums(weights, points)

    @staticmethod
    @once_differentiable
    def backward(context: Any, *gradients: Tensor) -> Any:
        points, outgoing, closeness = context.saved_tensors
        layout = context.layout
        # With u_ij = sum over c of (v_i - v_j) sign(points_i - points_j), for the incoming gradient v:
        # towards g_i it is -sum_j closeness_ij u_ij; towards points_i it is
        # sum_j closeness_ij (g_i + g_j) u_ij sign(points_i - points_j).
        weights = layout.from_square(_directional_distances(points, gradients[0])).mul_(closeness)
        towards_outgoing = layout.row_sums(weights, points).neg_() if context.needs_input_grad[1] else None
        towards_points = None
        if context.needs_input_grad[0]:
            towards_points = layout.signed_sums(weights.mul_(layout.pair_sums(outgoing)), points)
        return towards_points, towards_outgoing, None, None


def _directional_distances(points: Tensor, directions: Tensor) -> Tensor:
    """The derivative of all L1 distances when the points move along the directions: (kernels, N, N).

    ``u[b, i, j] = sum over c of (directions_i - directions_j) sign(points_i - points_j)``
    """
    kernels, samples, _ = points.shape
    result = points.new_empty(kernels, samples, samples)
    # A device with its own memory is served by few large operations, a core by blocks that fit its cache.
    block = _BLOCK if points.device.type == "cpu" else 64 * _BLOCK
    size = max(1, block // (samples * samples))
    by_dimension = points.permute(2, 0, 1).contiguous()
    moves = directions.permute(2, 0, 1).contiguous()
    half = points.new_empty(size, samples, samples)
    signs = points.new_empty(size, samples, samples)
    with _one_thread():
        for start in range(0, kernels, size):
            kept = slice(start, start + size)
            count = min(size, kernels - start)
            part, sign = half[:count].zero_(), signs[:count]
            for values, move in zip(by_dimension[:, kept].unbind(), moves[:, kept].unbind()):
                torch.sub(values.unsqueeze(2), values.unsqueeze(1), out=sign).sign_()
                part.addcmul_(sign, move.unsqueeze(2))
            torch.add(part, part.mT, out=result[kept])
    return result
