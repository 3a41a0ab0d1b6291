"""The activations that an output came out of, and the values that they leave possible."""

from __future__ import annotations

import math

from torch import Tensor

_ACTIVATIONS = {
    "TanhBackward0": "tanh",
    "SigmoidBackward0": "sigmoid",
    "ReluBackward0": "relu",
    "LeakyReluBackward0": "leaky-relu",
    "SoftmaxBackward0": "softmax",
    "LogSoftmaxBackward0": "log-softmax",
    "SoftplusBackward0": "softplus",
    "HardtanhBackward0": "hardtanh",
    "ClampBackward1": "clamp",
    "ClampBackward0": "clamp",
}
BOUNDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "hardtanh": (-1.0, 1.0), "softmax": (0.0, 1.0)}
_REARRANGING = ("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Alias", "T", "Transpose",
                "Permute", "Clone")  # fmt: skip
_OPEN = (-math.inf, math.inf)
# Of a clamp's bounds nothing is known; the shares of softmax depend on each other.
_WHATEVER = {"clamp": _OPEN, "softmax": BOUNDS["softmax"], "log-softmax": (-math.inf, 0.0)}
_MOST = 3


def activation_chain(value: Tensor) -> list[str]:
    """The activations that a tensor came out of one behind another, the last one first, from its graph.

    Example:
        >>> import torch
        >>> activation_chain(torch.zeros(2, requires_grad=True).exp().relu().view(-1, 1).sigmoid())
        ['sigmoid', 'relu']
    """
    chain: list[str] = []
    node = value.grad_fn
    for _ in range(6 * _MOST):
        if node is None or len(chain) == _MOST:
            break
        name = node.name()
        parents = [parent for parent, _ in node.next_functions if parent is not None]
        if name in _ACTIVATIONS:
            chain.append(_ACTIVATIONS[name])
        elif not name.startswith(_REARRANGING):
            break
        if len(parents) != 1:
            break
        node = parents[0]
    return chain


def output_activation(value: Tensor) -> str | None:
    """The last activation that a tensor came out of; None if it is another operation."""
    return next(iter(activation_chain(value)), None)


def output_range(chain: list[str]) -> tuple[float, float]:
    """The smallest and largest value that activations behind one another can give.

    The range of the last of f1, f2, ... on the range of those before it, beginning with all numbers; all
    but softmax grow with what they are given. An end is never reached where that one is infinite.

    Args:
        chain: as `activation_chain` gives it, the last one first.

    Example:
        >>> output_range(["sigmoid", "relu"])
        (0.5, 1.0)
        >>> [round(end, 3) for end in output_range(["tanh", "tanh"])]
        [-0.762, 0.762]
    """
    low, high = _OPEN
    for name in reversed(chain):
        if name in _WHATEVER:
            low, high = _WHATEVER[name]
        else:
            low, high = _apply(name, low), _apply(name, high)
    return low, high


def _apply(name: str, end: float) -> float:
    if name == "tanh":
        return math.tanh(end)
    if name == "sigmoid":
        return 0.0 if end == -math.inf else 1 / (1 + math.exp(-end))
    if name == "relu":
        return max(0.0, end)
    if name == "leaky-relu":
        return end if end > 0 or math.isinf(end) else 0.0  # its slope below zero is not known
    if name == "softplus":
        return end if end > 30 else math.log1p(math.exp(end))
    if name == "hardtanh":
        return min(max(end, -1.0), 1.0)
    return end
