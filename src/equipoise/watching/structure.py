"""Facts of the networks' structure: what can be known before a single step."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
_CONVOLUTIONS = (nn.modules.conv._ConvNd,)
_TRANSPOSED = (nn.modules.conv._ConvTransposeNd,)
_NONLINEAR = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh,
    nn.Sigmoid, nn.Softplus, nn.Hardtanh, nn.CELU,
)  # fmt: skip
_ACTIVATION_NAMES = {
    nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.ReLU: "relu", nn.Softplus: "softplus", nn.Hardtanh: "hardtanh",
    nn.Softmax: "softmax", nn.LogSoftmax: "log-softmax", nn.LogSigmoid: "log-sigmoid",
    nn.LeakyReLU: "leaky-relu", nn.Hardsigmoid: "sigmoid",
}  # fmt: skip
# Layers that look across the batch on purpose are recognised by their names, whoever wrote them.
_BATCH_LAYER_WORDS = (
    "minibatch",
    "stddev",
    "standarddeviation",
    "mbstd",
    "packed",
    "pacgan",
    "batchdiscrimination",
)


def leaves(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules without children, in the order of registration, usually the order of use."""
    return [(name, part) for name, part in network.named_modules() if not list(part.children())]


def layer_entries(network: nn.Module) -> list[dict[str, Any]]:
    """One entry a leaf module: name, type, and the settings that checks ask for."""
    entries = []
    for name, part in leaves(network):
        entry: dict[str, Any] = {
            "name": name,
            "type": type(part).__name__,
            "parameters": sum(parameter.numel() for parameter in part.parameters(recurse=False)),
        }
        for setting in ("kernel_size", "stride", "padding", "dilation", "negative_slope", "num_features"):
            value = getattr(part, setting, None)
            if isinstance(value, (int, float, tuple, list)):
                entry[setting.removesuffix("_size")] = (
                    list(value) if isinstance(value, (tuple, list)) else value
                )
        if isinstance(epsilon := getattr(part, "eps", None), float):
            entry["epsilon"] = epsilon
        if isinstance(part, nn.modules.batchnorm._NormBase) and isinstance(part.weight, Tensor):
            entry["weight_mean"] = float(part.weight.detach().float().mean())
        entries.append(entry)
    return entries


def last_activation(network: nn.Module) -> str | None:
    """The activation module registered last, if nothing with weights comes after it."""
    for _, part in reversed(leaves(network)):
        if isinstance(part, (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout)):
            continue
        for kind, name in _ACTIVATION_NAMES.items():
            if type(part) is kind:
                return name
        return None
    return None


def norm_before_nonlinearity(network: nn.Module) -> bool:
    """Whether the very first module that does anything is a batch norm: it sees the latent itself.

    A batch norm that follows a linear layer is the usual design and is not meant: it keeps the differences
    between latents, only their common scale goes.
    """
    for _, part in leaves(network):
        if isinstance(part, (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Embedding)):
            continue
        return isinstance(part, nn.modules.batchnorm._BatchNorm)
    return False


def initialisation_entries(network: nn.Module) -> list[dict[str, Any]]:
    """Standard deviation and mean of each weight against that of He's initialisation for its fan-in."""
    entries = []
    for name, part in leaves(network):
        weight = getattr(part, "weight", None)
        if not isinstance(weight, Tensor) or not weight.is_floating_point() or weight.numel() < 2:
            continue
        value = weight.detach().float()
        entry = {
            "name": name,
            "type": type(part).__name__,
            "std": float(value.std()),
            "mean": float(value.mean()),
            "weight_mean": float(value.mean()) if isinstance(part, _NORMS) else None,
            "expected_std": None,
        }
        if isinstance(part, (nn.Linear, *_CONVOLUTIONS)):
            fan = value[0].numel()
            if isinstance(part, _TRANSPOSED):
                fan = value.shape[0] * value[0, 0].numel() // max(math.prod(part.stride), 1)
            entry["expected_std"] = math.sqrt(2.0 / max(fan, 1))
        entries.append(entry)
    return entries


def overlapping(network: nn.Module) -> list[str]:
    """Transposed convolutions whose kernel is not a multiple of the stride (uneven overlap)."""
    return [
        name
        for name, part in leaves(network)
        if isinstance(part, _TRANSPOSED)
        and any(stride > 1 and kernel % stride for kernel, stride in zip(part.kernel_size, part.stride))
    ]


def spectral_share(network: nn.Module) -> float:
    """The share of weight layers under spectral normalisation, of either of torch's two kinds."""
    layers = [part for part in network.modules() if isinstance(part, (nn.Linear, *_CONVOLUTIONS))]
    if not layers:
        return 0.0
    return sum(_spectral(part) for part in layers) / len(layers)


def _spectral(part: nn.Module) -> bool:
    if hasattr(part, "weight_u") and hasattr(part, "weight_orig"):
        return True
    parametrizations = getattr(part, "parametrizations", None)
    if parametrizations is None or "weight" not in parametrizations:
        return False
    return any("spectral" in type(one).__name__.lower() for one in parametrizations["weight"])


def has_batch_layer(network: nn.Module) -> bool:
    """Whether a module's name says that it looks across the batch on purpose."""
    return (
        any(word in type(part).__name__.lower() for part in network.modules() for word in _BATCH_LAYER_WORDS)
        or int(getattr(network, "pack", 1) or 1) > 1
    )


def structure_facts(generator: nn.Module, discriminator: nn.Module) -> dict[str, Any]:
    """All structural facts of the catalogue."""
    own = {id(parameter) for parameter in generator.parameters()}
    facts: dict[str, Any] = {}
    with torch.no_grad():
        for player, network in (("generator", generator), ("discriminator", discriminator)):
            facts[f"{player}.layers"] = layer_entries(network)
            facts[f"{player}.output_activation"] = last_activation(network)
            facts[f"{player}.initialisation"] = initialisation_entries(network)
            facts[f"{player}.parameters"] = sum(p.numel() for p in network.parameters() if p.requires_grad)
    facts["generator.batch_norm_before_nonlinearity"] = norm_before_nonlinearity(generator)
    facts["generator.overlap"] = overlapping(generator)
    modules = list(discriminator.modules())
    facts["discriminator.batch_norm"] = sum(isinstance(p, nn.modules.batchnorm._BatchNorm) for p in modules)
    facts["discriminator.instance_norm"] = sum(
        isinstance(p, nn.modules.instancenorm._InstanceNorm) for p in modules
    )
    facts["discriminator.spectral_norm"] = spectral_share(discriminator)
    facts["discriminator.batch_layer"] = has_batch_layer(discriminator)
    facts["shared.parameters"] = sum(id(parameter) in own for parameter in discriminator.parameters())
    return facts
