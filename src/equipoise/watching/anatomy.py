"""Measurements that need passes of their own; they run through copies of the two networks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching import statistics
from equipoise.watching.classes import read_values
from equipoise.watching.isolation import isolated_copy, module_device, plain_numbers, preserved_randomness
from equipoise.watching.passes import DiscriminatorPass, Part
from equipoise.watching.scores import Score
from equipoise.watching.tree import at_path, float32, map_tensors

_ROWS = 32
_BATCH_NORMS = (nn.modules.batchnorm._BatchNorm,)
_SPECTRAL_LAYERS = 4
# Values of a unit this near to each other, or this small, are one value up to rounding.
_ONE_VALUE = 1e-3
_NOTHING = 1e-6


class Copies:
    """Copies of the networks, refreshed in place as long as the structure stays the same."""

    def __init__(self) -> None:
        self._copies: dict[str, nn.Module] = {}

    def get(self, player: str, network: nn.Module) -> nn.Module:
        known = self._copies.get(player)
        if known is not None and _refresh(known, network):
            return known
        with preserved_randomness():
            self._copies[player] = isolated_copy(network)
        return self._copies[player]


def _refresh(copied: nn.Module, network: nn.Module) -> bool:
    own, other = dict(copied.named_parameters()), dict(network.named_parameters())
    own_buffers, other_buffers = dict(copied.named_buffers()), dict(network.named_buffers())
    if own.keys() != other.keys() or own_buffers.keys() != other_buffers.keys():
        return False
    pairs = [(own[name], other[name]) for name in own]
    pairs += [(own_buffers[name], other_buffers[name]) for name in own_buffers]  # type: ignore[misc]
    if any(a.shape != b.shape or a.dtype != b.dtype or a.device != b.device for a, b in pairs):
        return False
    with torch.no_grad():
        for a, b in pairs:
            a.copy_(b)
    for a_part, b_part in zip(copied.modules(), network.modules()):
        a_part.training = b_part.training
    return True


def batch_bound(network: nn.Module) -> bool:
    """Whether a part of a batch would be judged differently from the whole (batch norm in train mode)."""
    return any(isinstance(part, _BATCH_NORMS) and part.training for part in network.modules())


def replay(network: nn.Module, one: DiscriminatorPass, samples: Tensor) -> Any:
    """Call a discriminator as it was called, with other samples in the place of the sample argument."""

    kind = next((parameter.dtype for parameter in network.parameters()), torch.float32)

    def exchange(path: Any, value: Tensor) -> Tensor:
        if path == one.path:
            return samples.to(kind)
        # Under autocast the user's tensors may be of lower precision than the weights.
        value = value.detach().to(kind) if value.is_floating_point() else value.detach()
        if value.ndim and len(value) == len(one.samples) and len(samples) < len(value):
            return value[: len(samples)]
        return value

    tree = map_tensors({"args": one.args, "kwargs": one.kwargs}, exchange)
    return network(*tree["args"], **tree["kwargs"])


def call_again(network: nn.Module, args: Any, kwargs: Any) -> Any:
    """Call a generator as it was called, in the precision of its weights."""
    kind = next((parameter.dtype for parameter in network.parameters()), torch.float32)

    def match(_: Any, value: Tensor) -> Tensor:
        return value.detach().to(kind) if value.is_floating_point() else value.detach()

    return network(*map_tensors(args, match), **map_tensors(kwargs, match))


def _few(one: DiscriminatorPass) -> int:
    """A few rows, whole packs."""
    return max(_ROWS // one.pack, 1) * one.pack


def steepness(discriminator: nn.Module, part: Part) -> dict[str, Any]:
    """How steep the discriminator is at the generator's samples: RMS over samples of |ds/dx|."""
    one = part.owner
    rows = one.rows or slice(0, len(one.samples))
    samples = one.samples[rows]
    if not batch_bound(discriminator):
        samples = statistics.first_rows(samples, _few(one))
    samples = samples.detach().clone()
    if not samples.is_floating_point():
        return {}
    with preserved_randomness(0), plain_numbers(samples.device):
        samples = samples.float().requires_grad_()
        output = replay(discriminator, one, samples)
        terms = [_read(score, float32_graph(at_path(output, score.path))).sum() for score in one.scores]
        (slope,) = torch.autograd.grad(torch.stack(terms).sum(), samples)
    return {"discriminator.slope": statistics.root_mean_square(statistics.sample_norms(slope))}


def _read(score: Score, value: Tensor) -> Tensor:
    """An answer as the score that the loss makes of it."""
    if score.reading is None:
        return value
    return read_values(value.reshape(len(value), -1), score.shape, score.reading)


def float32_graph(value: Tensor) -> Tensor:
    """In float32 with its graph."""
    return value if value.dtype in (torch.float32, torch.float64) else value.float()


class _LastInput:
    """Remembers what the last weight layer of a network was given: its penultimate features."""

    def __init__(self, network: nn.Module) -> None:
        self.value: Tensor | None = None
        layers = (nn.Linear, nn.modules.conv._ConvNd)
        self._handles = [
            part.register_forward_pre_hook(self._keep)
            for part in network.modules()
            if isinstance(part, layers)
        ]

    def _keep(self, _: nn.Module, args: tuple[Any, ...]) -> None:
        if args and isinstance(args[0], Tensor):
            self.value = args[0].detach()

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()


def feature_signals(
    discriminator: nn.Module,
    real: DiscriminatorPass,
    real_samples: Tensor,
    fake: DiscriminatorPass,
    fakes: Tensor,
) -> dict[str, Any]:
    """Mean pairwise distances in the discriminator's penultimate features; its slope at reals."""
    values: dict[str, Any] = {}
    with preserved_randomness(0), plain_numbers(module_device(discriminator)):
        watcher = _LastInput(discriminator)
        try:
            features = []
            for one, batch in ((real, real_samples), (fake, fakes)):
                if batch.shape[1:] != one.samples.shape[1:]:
                    return {}
                rows = statistics.first_rows(batch, _few(one)).detach().clone().requires_grad_(one is real)
                output = replay(discriminator, one, rows)
                if one is real:
                    terms = [
                        _read(score, float32_graph(at_path(output, score.path))).sum() for score in one.scores
                    ]
                    (steepness,) = torch.autograd.grad(torch.stack(terms).sum(), rows)
                    values["discriminator.slope.real"] = statistics.root_mean_square(
                        statistics.sample_norms(steepness)
                    )
                if watcher.value is None or len(watcher.value) != len(rows):
                    return values
                features.append(float32(watcher.value).flatten(1))
        finally:
            watcher.close()
    distances = [statistics.mean_distance(statistics.pairwise_distances(batch, batch)) for batch in features]
    values["feature.real.distance"], values["feature.fake.distance"] = distances
    values["feature.distance.ratio"] = distances[1] / distances[0].clamp(min=1e-12)
    return values


def dead_share(network: nn.Module, call: Any) -> Tensor | None:
    """The largest share of one ReLU layer's units that are zero for a whole batch; None without any.

    Of units that are given one and the same value half are zero by chance: a batch of one vector, the bottom
    of a deep U-Net at its start. They are not counted.
    """
    shares: list[Tensor] = []

    def count(_: nn.Module, given: Any) -> None:
        value = given[0] if given else None
        if isinstance(value, Tensor) and value.ndim >= 2:
            units = value.detach().transpose(0, 1).flatten(1)
            low, high = units.amin(1), units.amax(1)
            size = torch.maximum(low.abs(), high.abs())
            differs = (high - low > _ONE_VALUE * size) & (size > _NOTHING)
            shares.append(((high <= 0) & differs).float().mean())

    kinds = (nn.ReLU, nn.ReLU6)
    handles = [part.register_forward_pre_hook(count) for part in network.modules() if isinstance(part, kinds)]
    if not handles:
        return None
    try:
        with preserved_randomness(0), plain_numbers(module_device(network)), torch.no_grad():
            call(network)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack(shares).max() if shares else None


def largest_singular_values(network: nn.Module) -> Tensor | None:
    """The largest singular value over the few largest weight layers."""
    weights = [
        weight
        for part in network.modules()
        if isinstance(part, (nn.Linear, nn.modules.conv._ConvNd))
        # A weight that a hook computes in the forward pass is not there before the layer's first one.
        and isinstance(weight := getattr(part, "weight", None), Tensor)
    ]
    if not weights:
        return None
    weights.sort(key=lambda weight: weight.numel(), reverse=True)
    values = [statistics.largest_singular_value(weight) for weight in weights[:_SPECTRAL_LAYERS]]
    return torch.stack(values).max()
