"""Whether the layers that differ between train and eval mode are in train mode while a network is trained."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm


class ModalLayers:
    """The layers of a network that do something else in eval mode."""

    def __init__(self, network: nn.Module) -> None:
        self._layers = [part for part in network.modules() if _differs(part)]

    def share(self) -> float | None:
        """The share of them in train mode now; None if there are none, or only such as are frozen."""
        counted = [layer.training for layer in self._layers if not _frozen(layer)]
        return sum(counted) / len(counted) if counted else None

    def kinds(self) -> dict[str, int]:
        """How many there are of each type."""
        found: dict[str, int] = {}
        for layer in self._layers:
            name = _name(layer)
            found[name] = found.get(name, 0) + 1
        return found


def _differs(part: nn.Module) -> bool:
    if isinstance(part, _NormBase):
        return part.running_mean is not None
    if isinstance(part, _DropoutNd):
        return part.p > 0
    # Its estimate of the largest singular value is renewed in train mode only.
    return isinstance(part, _SpectralNorm) or _hooked(part)


def _hooked(part: nn.Module) -> bool:
    hooks: Any = part._forward_pre_hooks.values()
    return any(isinstance(hook, SpectralNorm) for hook in hooks)


def _frozen(layer: nn.Module) -> bool:
    """A pretrained normalisation that is kept as it is: its own weights are not trained either."""
    own = list(layer.parameters(recurse=False)) if isinstance(layer, _NormBase) else []
    return bool(own) and not any(parameter.requires_grad for parameter in own)


def _name(layer: nn.Module) -> str:
    return "spectral norm" if isinstance(layer, _SpectralNorm) or _hooked(layer) else type(layer).__name__
