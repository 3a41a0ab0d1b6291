"""Fully connected networks, for vectors and for anything flattened."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from equipoise.errors import EquipoiseError
from equipoise.networks.base import ARCHITECTURES, Architecture, Discriminator, Generator, NetworkPlan
from equipoise.networks.blocks import ClassNorm, LatentInput, normalisation
from equipoise.validation import Interval, OneOf

# What is left of a separated number's own spread; its sides are 2 apart.
_WITHIN = 0.1


def separate(latent: Tensor, count: int) -> Tensor:
    """The latents with the first `count` numbers z drawn apart into two sides, sign(z) + z / 10.

    A generator is continuous: what it makes of a connected latent is connected, so that some of its samples
    lie between clusters of data that have nothing between them (Tanielian et al. 2020, 2006.04596).
    With n numbers drawn apart the latent falls into 2^n pieces; a slope is left in every number.

    Args:
        latent: N x d.
        count: so many of the d numbers.

    Returns:
        N x d.

    Example:
        >>> separate(torch.tensor([[0.5, -2.0, 0.5]]), 2)
        tensor([[ 1.0500, -1.2000,  0.5000]])
    """
    if not count:
        return latent
    own = latent[:, :count]
    return torch.cat([own.sign() + _WITHIN * own, latent[:, count:]], dim=1)


class MLPGenerator(Generator):
    """Linear layers of one width with LeakyReLU of slope 0.2; labels are embedded beside the latent."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__(plan)
        self.entry = LatentInput(plan)
        self.separated = int(plan.options["separated_latents"])
        if self.separated > plan.latent_dim:
            raise EquipoiseError(
                "`networks.options.separated_latents` must be at most `networks.latent_dim`, which is "
                f"{plan.latent_dim}; got {self.separated}. Use a wider latent."
            )
        hidden = int(plan.options["hidden_layers"])
        normalised = plan.options["generator_normalisation"] == "batch"
        sizes = [self.entry.width, *[plan.base_channels] * hidden]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in itertools.pairwise(sizes))
        self.norms = nn.ModuleList(
            ClassNorm(size, None, 0) if normalised else nn.Identity() for size in sizes[1:]
        )
        self.last = nn.Linear(plan.base_channels, plan.specification.size)
        _initialise(self, plan.options["initial_biases"])

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        features = self.entry(separate(latent, self.separated), labels)
        for layer, norm in zip(self.layers, self.norms):
            features = layer(features)
            features = leaky_relu(norm(features, None) if isinstance(norm, ClassNorm) else features, 0.2)
        return self.last(features).reshape(-1, *self.specification.shape)


class MLPDiscriminator(Discriminator):
    """Linear layers of one width with LeakyReLU of slope 0.2, then the head."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__(plan)
        hidden = int(plan.options["hidden_layers"])
        sizes = [math.prod(self.input_shape), *[plan.base_channels] * hidden]
        names = ["none", *[plan.discriminator_normalisation] * (hidden - 1)]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in itertools.pairwise(sizes))
        self.norms = nn.ModuleList(normalisation(name, plan.base_channels, 0) for name in names)
        self.add_head(plan, plan.base_channels)
        _initialise(self, plan.options["initial_biases"])

    def body(self, samples: Tensor) -> Tensor:
        features = samples.flatten(1)
        for layer, norm in zip(self.layers, self.norms):
            features = leaky_relu(norm(layer(features)), 0.2)
        return features


def _initialise(network: nn.Module, biases: object) -> None:
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, a=0.2, nonlinearity="leaky_relu")
            if biases == "uniform":
                bound = module.in_features**-0.5
                nn.init.uniform_(module.bias, -bound, bound)
            else:
                nn.init.zeros_(module.bias)


@ARCHITECTURES.register("mlp")
class MLP(Architecture):
    """Fully connected layers of one width, for vectors, and for flattened images and sequences.

    `hidden_layers` (3 unless told) of width `base_channels` with LeakyReLU of slope 0.2 in both networks;
    He initialisation; no normalisation unless asked for (`generator_normalisation="batch"`). Labels: an
    embedding beside the latent, projection (or an embedding beside the sample) in the discriminator.
    Biases start at 0, or with `initial_biases="uniform"` within 1 / sqrt(inputs) of it: with few inputs
    (points in the plane, a latent of two) zero makes all units bend at the origin, and it takes thousands of
    steps to move them apart. `separated_latents` of the latent's numbers (0 unless told) are drawn apart into
    two sides, for data in clusters with nothing between them (`separate`).

    Source: the fully connected networks of Goodfellow et al. 2014 (1406.2661), section 5, with LeakyReLU
    for maxout and He et al.'s initialisation (1502.01852).
    """

    name = "mlp"
    kinds = ("vector", "image", "sequence")
    default_base_channels = 128
    normalisations = ("none", "batch", "layer", "virtual-batch")
    options = {
        "hidden_layers": (3, Interval(int, 1)),
        "separated_latents": (0, Interval(int, 0)),
        "generator_normalisation": ("none", OneOf(("none", "batch"))),
        "initial_biases": ("zero", OneOf(("zero", "uniform"))),
    }

    def generator(self, plan: NetworkPlan) -> MLPGenerator:
        return MLPGenerator(plan)

    def discriminator(self, plan: NetworkPlan) -> MLPDiscriminator:
        return MLPDiscriminator(plan)
