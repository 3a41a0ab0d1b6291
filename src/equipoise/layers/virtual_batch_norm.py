"""Virtual batch normalisation: every sample is normalised by a reference batch, chosen once and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from equipoise.errors import EquipoiseError
from equipoise.layers.base import LAYERS, Layer, LayerFacts
from equipoise.layers.gather import gather_with_gradient
from equipoise.validation import Interval, validated


@LAYERS.register("virtual-batch-normalisation")
class VirtualBatchNorm(Layer):
    """Normalises by the statistics of a reference batch of n samples and of the sample itself.

    The sample enters with weight 1 / (n + 1), the reference with n / (n + 1):
    ``mean_i = (n mean + mean(x_i)) / (n + 1)``, likewise for the mean of squares, and
    ``output = gain (x_i - mean_i) / sqrt(mean of squares_i - mean_i^2 + epsilon) + shift``,
    per channel, over positions too. The output for a sample does not depend on the rest of its batch.

    The reference is the first batch that comes through (of all processes), or what `set_reference` is
    given. Its statistics are part of the state dict and are not changed by anything after that; the same in
    training and evaluation. Alone, the layer keeps the statistics as they were when the network was young;
    `WithReferenceBatch` sends the reference through the network anew in each pass, as the paper does.

    Args:
        features: the number of channels (or features of a vector).
        epsilon: added to the variance.

    Shapes: (N, C), (N, C, T) or (N, C, H, W); the output has the input's shape.

    Source: Salimans et al. 2016 (1606.03498), section 3.5; the paper does not give the weights, 1 / (n + 1)
    is what counting the sample as one more member of the reference batch gives.

    Example:
        >>> layer = VirtualBatchNorm(2)
        >>> first = layer(torch.randn(16, 2))
        >>> int(layer.reference_count)
        16
    """

    name = "virtual-batch-normalisation"
    facts: ClassVar = LayerFacts(
        across_batch=False, needs_labels=False, wraps_network=False, source="1606.03498, section 3.5"
    )
    reference_mean: Tensor
    reference_variance: Tensor
    reference_count: Tensor

    @validated(features=Interval(int, 1), epsilon=Interval(float, 0, low_open=True))
    def __init__(self, features: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("reference_mean", torch.zeros(features))
        self.register_buffer("reference_variance", torch.ones(features))
        self.register_buffer("reference_count", torch.zeros((), dtype=torch.int64))
        self._known_count = 0
        self._collecting = False
        self._current: tuple[Tensor, Tensor, int] | None = None

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        return cls(shape[0], **options)

    @torch.no_grad()
    def set_reference(self, activations: Tensor) -> None:
        """Fix the statistics from these activations, in place of any earlier ones."""
        gathered = gather_with_gradient(activations)
        mean, variance = _channel_statistics(gathered)
        self.reference_mean.copy_(mean)
        self.reference_variance.copy_(variance)
        self.reference_count.fill_(gathered.shape[0])
        self._known_count = gathered.shape[0]

    def forward(self, activations: Tensor) -> Tensor:
        if self._collecting:
            mean, variance = _channel_statistics(activations)
            self._current = (mean, variance, activations.shape[0])
            return self._normalise(activations, mean.unsqueeze(0), variance.unsqueeze(0))
        if self._current is not None:
            mean, variance, count = self._current
        else:
            count = self._count()
            if count == 0:
                self.set_reference(activations)
                count = self._count()
            mean, variance = self.reference_mean, self.reference_variance
        own_mean, own_variance = _sample_statistics(activations)
        share = 1.0 / (count + 1)
        # The variance of a mixture: both variances by weight, and the distance of the means.
        distance = (mean - own_mean).square()
        variance = (1 - share) * variance + share * own_variance + share * (1 - share) * distance
        return self._normalise(activations, (1 - share) * mean + share * own_mean, variance)

    def _count(self) -> int:
        # Kept as a plain number too, so that a pass does not wait for the device.
        if self._known_count == 0:
            self._known_count = int(self.reference_count)
        return self._known_count

    def _normalise(self, activations: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        tail = [1] * (activations.dim() - 2)
        scale = self.weight * (variance + self.epsilon).rsqrt()
        shift = self.bias - mean * scale
        scale, shift = (value.reshape(*value.shape, *tail) for value in (scale, shift))
        return (activations * scale + shift).to(activations.dtype)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._known_count = 0


def _channel_statistics(activations: Tensor) -> tuple[Tensor, Tensor]:
    others = [0, *range(2, activations.dim())]
    return activations.mean(others), activations.var(others, correction=0)


def _sample_statistics(activations: Tensor) -> tuple[Tensor, Tensor]:
    if activations.dim() == 2:
        return activations, torch.zeros_like(activations)
    flat = activations.flatten(2)
    return flat.mean(2), flat.var(2, correction=0)


class WithReferenceBatch(nn.Module):
    """A network that sends its reference batch through itself before each pass, for `VirtualBatchNorm`.

    The layers' reference statistics then belong to the present weights, and gradients flow through them. A
    pass costs the reference batch more. The reference samples are part of the state dict.

    Args:
        network: a module that holds `VirtualBatchNorm` layers and is called with samples (and labels).
        reference: samples of shape (n, ...); None takes the first batch that comes (of all processes).
        reference_labels: their labels, for a conditional network.

    Raises:
        EquipoiseError: when the network holds no `VirtualBatchNorm`.

    Source: Salimans et al. 2016 (1606.03498), section 3.5.

    Example:
        >>> network = WithReferenceBatch(nn.Sequential(nn.Linear(3, 4), VirtualBatchNorm(4)))
        >>> samples = torch.randn(8, 3)
        >>> _ = network(samples)
        >>> torch.equal(network.reference, samples)
        True
    """

    reference: Tensor | None
    reference_labels: Tensor | None

    def __init__(
        self, network: nn.Module, reference: Tensor | None = None, reference_labels: Tensor | None = None
    ) -> None:
        super().__init__()
        self.layers = [module for module in network.modules() if isinstance(module, VirtualBatchNorm)]
        if not self.layers:
            raise EquipoiseError(
                "A reference batch must serve at least one `VirtualBatchNorm`, but the network holds none; "
                "use the network without it."
            )
        self.network = network
        self.register_buffer("reference", reference)
        self.register_buffer("reference_labels", reference_labels)

    def __getattr__(self, name: str) -> Any:
        # What else the network carries (classes, pack, specification) is asked of it.
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "network":
                raise
            return getattr(super().__getattr__("network"), name)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Any:
        with self._reference_in_place(samples, labels):
            return self.network(*_arguments(samples, labels))

    def features(self, samples: Tensor, labels: Tensor | None = None) -> Any:
        """The network's penultimate features, with the same normalisation."""
        with self._reference_in_place(samples, labels):
            features: Any = self.network.features
            return features(*_arguments(samples, labels))

    @contextmanager
    def _reference_in_place(self, samples: Tensor, labels: Tensor | None) -> Iterator[None]:
        if self.reference is None:
            with torch.no_grad():
                self.reference = gather_with_gradient(samples).detach().clone()
                if labels is not None:
                    self.reference_labels = gather_with_gradient(labels).detach().clone()
        try:
            for layer in self.layers:
                layer._collecting = True
            self.network(*_arguments(self.reference, self.reference_labels))
            for layer in self.layers:
                layer._collecting = False
            yield
        finally:
            for layer in self.layers:
                layer._collecting, layer._current = False, None

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any, **kwargs: Any) -> None:
        # The saved reference has a size that this module cannot know beforehand.
        for name in ("reference", "reference_labels"):
            saved = state_dict.get(prefix + name)
            present = getattr(self, name)
            if saved is not None and (present is None or present.shape != saved.shape):
                device = next(self.network.parameters()).device
                setattr(self, name, torch.empty_like(saved, device=device))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _arguments(samples: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
    return (samples,) if labels is None else (samples, labels)
