"""What distances are measured in: pixels, a fixed random network, a trained classifier, or any module."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.metrics.base import as_tensor
from equipoise.registry import Registry
from equipoise.validation import Interval, validated


@runtime_checkable
class Feature(Protocol):
    """A named map from normalised samples (N, ...) to features (N, d).

    The name stands in every result: "frechet-distance (random-convolution)". Only Inception gives an FID.
    """

    @property
    def feature_name(self) -> str: ...

    def features(self, samples: Tensor) -> Tensor: ...


FEATURES: Registry[Callable[[tuple[int, ...]], Feature]] = Registry("feature", "equipoise.metrics")


class Pixels:
    """The samples' own values, flattened: the right feature for points and tables, a crude one for images.

    Example:
        >>> Pixels().features(torch.zeros(5, 3, 4, 4)).shape
        torch.Size([5, 48])
    """

    feature_name = "pixels"

    def features(self, samples: Tensor) -> Tensor:
        return samples.flatten(1)


class RandomConvolution(nn.Module):
    """A convolutional network with fixed random weights: the same features everywhere, nothing to download.

    Three stages of 3-wide convolution, leaky ReLU and halving; after each, the mean and the standard
    deviation of every channel over the positions are features. Random features see textures and shapes far
    better than pixels do and know nothing of meaning. Images (C, H, W) and sequences (C, T).

    Args:
        shape: of one sample, without the batch dimension. width: channels of the first stage, doubled at
            each.
        seed: of the weights.

    Source: that random convolutional features serve for such distances: Naeem et al. 2020 (2002.09797),
    section 5. The network is our own.

    Example:
        >>> RandomConvolution((1, 8, 8)).features(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 224])
    """

    feature_name = "random-convolution"

    @validated(width=Interval(int, 1, None), seed=Interval(int, 0, None))
    def __init__(self, shape: tuple[int, ...], width: int = 16, seed: int = 0) -> None:
        super().__init__()
        if len(shape) not in (2, 3):
            raise parameter_error(
                "shape",
                "that of an image (channels, height, width) or a sequence (channels, length)",
                tuple(shape),
                "use the feature `pixels` for vectors",
            )
        self.shape = tuple(shape)
        flat = len(shape) == 3
        convolution: Callable[..., nn.Module] = nn.Conv2d if flat else nn.Conv1d
        self.pool = nn.AvgPool2d(2, ceil_mode=True) if flat else nn.AvgPool1d(2, ceil_mode=True)
        generator = torch.Generator().manual_seed(seed)
        self.stages = nn.ModuleList()
        channels = shape[0]
        with torch.random.fork_rng(devices=[]):  # the layers' own initialisation draws from the global state
            for stage in range(3):
                layer: Any = convolution(channels, width * 2**stage, 3, padding=1)
                fan_in = channels * 3 ** (len(shape) - 1)
                with torch.no_grad():
                    layer.weight.copy_(
                        torch.randn(layer.weight.shape, generator=generator) * math.sqrt(2 / fan_in)
                    )
                    layer.bias.copy_(torch.randn(layer.bias.shape, generator=generator) * 0.1)
                self.stages.append(layer)
                channels = width * 2**stage
        self.requires_grad_(False).eval()

    def features(self, samples: Tensor) -> Tensor:
        if tuple(samples.shape[1:]) != self.shape:
            raise parameter_error(
                "samples", f"of shape (N, {', '.join(map(str, self.shape))})", samples.shape
            )
        parts = []
        signal = samples
        for stage in self.stages:
            signal = nn.functional.leaky_relu(stage(signal), 0.2)
            positions = signal.flatten(2)
            parts += [positions.mean(2), positions.std(2, correction=0)]
            signal = self.pool(signal)
        return torch.cat(parts, 1)

    def forward(self, samples: Tensor) -> Tensor:
        return self.features(samples)


class ModuleFeatures:
    """Any module or function of the user's as a feature; its output is flattened.

    Args:
        module: from samples (N, ...) to (N, ...). name: how results call it.

    Example:
        >>> ModuleFeatures(nn.Flatten(), "mine").features(torch.zeros(2, 3, 4)).shape
        torch.Size([2, 12])
    """

    def __init__(self, module: Callable[[Tensor], Tensor], name: str | None = None) -> None:
        if not callable(module):
            raise parameter_error("module", "a module or a function from samples to features", module)
        self.module = module
        self.feature_name: str = name or str(getattr(module, "__name__", type(module).__name__))

    def features(self, samples: Tensor) -> Tensor:
        output = self.module(samples)
        if not isinstance(output, Tensor) or len(output) != len(samples):
            raise parameter_error(
                "module", f"one that gives a tensor of {len(samples)} rows", type(output).__name__
            )
        return output.flatten(1)


class InceptionFeatures:
    """The 2048 pool features of the TensorFlow Inception network, in which the Fréchet distance is the FID.

    Uses torch-fidelity from the extra `[fid]`, which downloads the weights at first use. Samples in [-1, 1]
    with one or three channels; they become bytes, as the FID's definition asks.

    Raises:
        EquipoiseError: when torch-fidelity or torchvision cannot be imported.
    """

    feature_name = "inception"

    def __init__(self) -> None:
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        # torchvision fails with RuntimeError where its build does not match that of torch.
        except (ImportError, RuntimeError) as error:
            raise EquipoiseError(
                "The feature `inception` needs torch-fidelity and a torchvision that matches torch, but "
                f"importing them failed ({error}); run `pip install 'equipoise[fid]'` or choose "
                "`random-convolution`."
            ) from error
        self._network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])

    def features(self, samples: Tensor) -> Tensor:
        if samples.ndim != 4 or samples.shape[1] not in (1, 3):
            raise parameter_error("samples", "images of 1 or 3 channels", tuple(samples.shape))
        pixels = ((samples.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        return self._network(pixels.expand(-1, 3, -1, -1))[0]


@FEATURES.register("pixels")
def _pixels(shape: tuple[int, ...]) -> Feature:
    return Pixels()


@FEATURES.register("random-convolution")
def _random_convolution(shape: tuple[int, ...]) -> Feature:
    return RandomConvolution(shape)


@FEATURES.register("inception")
def _inception(shape: tuple[int, ...]) -> Feature:
    return InceptionFeatures()


def resolve_feature(feature: object, shape: tuple[int, ...]) -> Feature:
    """A feature from its name, from a feature, or from any module or function.

    Args:
        feature: a name of `FEATURES`, `auto` (random-convolution for images and sequences, pixels for
            vectors), an object with `features` and `feature_name`, or a module or function.
        shape: of one sample.

    Example:
        >>> resolve_feature("auto", (2,)).feature_name
        'pixels'
    """
    if feature == "auto":
        feature = "pixels" if len(shape) == 1 else "random-convolution"
    if isinstance(feature, str):
        return FEATURES.get(feature)(tuple(shape))
    if isinstance(feature, Feature):
        return feature
    if callable(feature):
        return ModuleFeatures(feature)
    raise parameter_error("feature", f"a name ({', '.join(FEATURES)}), a feature or a module", feature)


@validated(batch_size=Interval(int, 1, None))
def extract(feature: Feature, samples: object, batch_size: int = 256) -> Tensor:
    """Features (N, d) of all samples, batch by batch, in evaluation mode and without gradients.

    Modes of a network are put back afterwards, and the global random state is not touched.

    Example:
        >>> extract(Pixels(), torch.zeros(5, 1, 2, 2), batch_size=2).shape
        torch.Size([5, 4])
    """
    tensor = as_tensor("samples", samples)
    if tensor.ndim < 2:
        raise parameter_error("samples", "of shape (N, ...)", tuple(tensor.shape))
    network = _network_of(feature)
    with torch.no_grad(), evaluating(network), torch.random.fork_rng():
        if network is None:
            return torch.cat([feature.features(part) for part in tensor.split(batch_size)])
        like = next(network.parameters(), tensor)
        parts = [feature.features(part.to(like.device, like.dtype)) for part in tensor.split(batch_size)]
        return torch.cat(parts).to(tensor.device)


def _network_of(feature: object) -> nn.Module | None:
    if isinstance(feature, nn.Module):
        return feature
    inner = getattr(feature, "module", None)
    return inner if isinstance(inner, nn.Module) else None


@contextlib.contextmanager
def evaluating(*modules: nn.Module | None) -> Iterator[None]:
    """Evaluation mode inside the `with`; every submodule has its own mode again after it."""
    modes = [(part, part.training) for module in modules if module is not None for part in module.modules()]
    for module in modules:
        if module is not None:
            module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
