"""Which networks a configuration means for the data at hand, and how they are built again from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from equipoise.data.specification import SampleSpecification
from equipoise.networks import ARCHITECTURES, build_networks
from equipoise.training.configuration import NetworksSection

DEFAULT_ARCHITECTURE = {"image": "dcgan", "vector": "mlp", "sequence": "conv1d"}


@dataclass(frozen=True)
class NetworkSettings:
    """All that `build_networks` needs, as plain values.

    Attributes:
        architecture: its name, resolved for the kind of sample.
        specification: of a sample.
        options: the arguments that the configuration sets.
    """

    architecture: str
    specification: SampleSpecification
    options: dict[str, Any]

    @property
    def conditional(self) -> bool:
        """Whether both networks take labels."""
        return bool(self.options.get("conditional"))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"architecture": self.architecture, "options": self.options}

    @classmethod
    def from_json(cls, values: dict[str, Any], specification: SampleSpecification) -> NetworkSettings:
        """What `to_json` gave, with the specification that is saved beside it."""
        return cls(values["architecture"], specification, values["options"])


def resolve_architecture(name: str, specification: SampleSpecification) -> str:
    """The architecture for a kind of sample.

    `auto`, and any architecture that cannot make this kind of sample, becomes `dcgan` for images, `mlp` for
    vectors and `conv1d` for sequences; so every recipe works on every kind of data.

    Raises:
        EquipoiseError: there is no architecture of that name.

    Example:
        >>> resolve_architecture("resnet", SampleSpecification("vector", (2,)))
        'mlp'
    """
    if name != "auto" and specification.kind in ARCHITECTURES.get(name).kinds:
        return name
    return DEFAULT_ARCHITECTURE[specification.kind]


def plan_networks(settings: NetworksSection, specification: SampleSpecification) -> NetworkSettings:
    """The arguments for `build_networks` that the settings mean; what is None is left to the architecture.

    Where another architecture takes the place of one that cannot make this kind of sample, the width and the
    options that were meant for the first are left to the second, too.
    """
    name = resolve_architecture(settings.architecture, specification)
    chosen = settings.model_dump(exclude={"architecture", "options"}, exclude_none=True)
    if settings.architecture in ("auto", name):
        return NetworkSettings(name, specification, chosen | settings.options)
    chosen.pop("base_channels", None)
    if chosen.get("discriminator_normalisation") not in ARCHITECTURES.get(name).normalisations:
        chosen.pop("discriminator_normalisation", None)
    return NetworkSettings(name, specification, chosen)


def networks_for(plan: NetworkSettings, seed: int) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator with the initial weights of that seed; the global random state is kept."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_networks(plan.architecture, plan.specification, **plan.options)
