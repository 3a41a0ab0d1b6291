"""Spectral normalisation: every weight divided by its largest singular value."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from equipoise.errors import EquipoiseError
from equipoise.penalties.base import PENALTIES, Penalty
from equipoise.penalties.gradients import unwrapped
from equipoise.validation import Interval, OneOf, validated

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMALISED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Embedding, *_TRANSPOSED)


class UnitSpectralNorm(nn.Module):
    """A parametrization ``W / sigma(W)`` with sigma from power iteration, one step a forward in training.

    sigma = u' W v with u and v held constant, so its gradient is the exact one of the singular value once u
    and v have converged. It differs from torch's own in three points that GANs need: the matrix products are
    kept out of autocast (sigma in bfloat16 is off by up to half a percent); a weight that is all zero stays
    zero instead of becoming NaN (layers inserted without effect start so); and the starting vectors come
    from a generator of their own, so that the caller's random numbers stay where they were.

    Args:
        weight: the parameter; for a transposed convolution the output axis is `axis` 1.
        axis: the output axis, first axis of the matrix.
        iterations: power iterations a forward pass.
    """

    left: Tensor
    right: Tensor

    def __init__(self, weight: Tensor, axis: int = 0, iterations: int = 1) -> None:
        super().__init__()
        self.axis = axis
        self.iterations = iterations
        matrix = self._matrix(weight.detach())
        random = torch.Generator().manual_seed(0)
        for name, size in zip(("left", "right"), matrix.shape):
            start = torch.randn(size, generator=random).to(matrix.device, matrix.dtype)
            self.register_buffer(name, normalize(start, dim=0))
        self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        matrix = weight.transpose(0, self.axis).flatten(1)
        return matrix if matrix.dtype.itemsize >= 4 else matrix.float()

    @torch.no_grad()
    def _iterate(self, matrix: Tensor, iterations: int) -> None:
        for _ in range(iterations):
            left = matrix @ self.right
            right = matrix.T @ normalize(left, dim=0)
            # A zero matrix keeps its vectors: from zero they could never grow again.
            alive = right.norm() > 0
            self.left.copy_(torch.where(alive, normalize(left, dim=0), self.left))
            self.right.copy_(torch.where(alive, normalize(right, dim=0), self.right))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = self._matrix(weight)
            if self.training:
                self._iterate(matrix.detach(), self.iterations)
            # Copies, because the next forward pass changes the buffers before this one's backward pass.
            left, right = self.left.clone(), self.right.clone()
            sigma = left @ (matrix @ right)
            sigma = torch.where(sigma > 1e-12, sigma, 1.0)
            return weight / sigma.to(weight.dtype)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Assigning a weight stores it as it is; the forward pass normalises it."""
        return weight


@PENALTIES.register("spectral-normalisation")
class SpectralNormalisation(Penalty):
    """Each linear, convolution and embedding weight of the discriminator has spectral norm 1.

    With 1-Lipschitz activations the discriminator is then about 1-Lipschitz. For a convolution the norm is
    that of the weight reshaped to (outputs, the rest), as in the paper, which bounds the operator's norm only
    up to a factor. Parameters of other layers (a minibatch discrimination's tensor) are left alone.
    It is registered by `prepare`, before the optimizers, and acts in every pass from then on.

    Args:
        player: whose weights; `discriminator`, `generator` or `both`.
        iterations: power iterations a forward pass; 1 in the paper.

    Raises:
        EquipoiseError: when the network has no weight to normalise, or one that is still lazy.

    Source: Miyato et al. 2018, "Spectral normalization for generative adversarial networks", section 2 and
    algorithm 1; embeddings as in Miyato and Koyama 2018, "cGANs with projection discriminator".

    Example:
        >>> critic = nn.Linear(8, 8)
        >>> SpectralNormalisation(iterations=50).prepare(nn.Linear(1, 1), critic)
        >>> round(torch.linalg.matrix_norm(critic.weight, 2).item(), 3)
        1.0
    """

    name = "spectral-normalisation"
    provides_lipschitz = True

    @validated(player=OneOf(("discriminator", "generator", "both")), iterations=Interval(int, 1))
    def __init__(self, player: str = "discriminator", iterations: int = 1) -> None:
        super().__init__()
        self.player = player
        self.iterations = iterations
        self.provides_lipschitz = player != "generator"

    def prepare(self, generator: nn.Module, discriminator: nn.Module) -> None:
        if self.player != "generator":
            self._register(unwrapped(discriminator), "discriminator")
        if self.player != "discriminator":
            self._register(unwrapped(generator), "generator")

    def _register(self, network: nn.Module, player: str) -> None:
        modules = [module for module in network.modules() if isinstance(module, _NORMALISED)]
        if not modules:
            raise EquipoiseError(
                f"`{player}` must have a linear or convolution layer for spectral normalisation, but it has "
                "none; remove the penalty `spectral-normalisation` or choose another network."
            )
        for module in modules:
            weight = module.weight
            if isinstance(weight, nn.parameter.UninitializedParameter):
                raise EquipoiseError(
                    f"`{player}` must have initialised weights for spectral normalisation, but it holds a "
                    f"lazy {type(module).__name__}; call the network once on a batch first."
                )
            if parametrize.is_parametrized(module, "weight"):
                continue  # normalised already, by the network itself or by an earlier call
            axis = 1 if isinstance(module, _TRANSPOSED) else 0
            parametrize.register_parametrization(
                module, "weight", UnitSpectralNorm(weight, axis, self.iterations)
            )
            cast(nn.Module, module.parametrizations).train(module.training)
