"""What all generators and discriminators have in common, and the registry of their pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from torch import Tensor, nn

from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError, parameter_error
from equipoise.layers.base import build_layer
from equipoise.layers.label_embedding import LabelPlane, check_labels
from equipoise.layers.projection import ProjectionHead
from equipoise.registry import Registry
from equipoise.validation import Constraint


@dataclass(frozen=True)
class NetworkPlan:
    """What a pair of networks is to be, after all checks; the arguments of `build_networks`.

    Attributes:
        specification: what one sample is.
        latent_dim: the length of the generator's input.
        base_channels: the width of the layers nearest to the sample (of all layers in an MLP).
        conditional: whether both networks are given labels.
        conditioning: how the discriminator uses them: "projection" or "concatenation".
        batch_layer: the layer before the discriminator's head that looks across the batch, or None.
        batch_layer_options: its options.
        pack: how many samples the discriminator judges at once.
        discriminator_normalisation: none, batch, layer, instance or virtual-batch.
        output_activation: tanh, sigmoid or none.
        options: what only this architecture has.
    """

    specification: SampleSpecification
    latent_dim: int
    base_channels: int
    conditional: bool
    conditioning: str
    batch_layer: str | None
    batch_layer_options: Mapping[str, Any]
    pack: int
    discriminator_normalisation: str
    output_activation: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> int | None:
        """The number of classes, or None when the networks are given no labels."""
        return self.specification.classes if self.conditional else None


class Generator(nn.Module):
    """Latent vectors to samples.

    Attributes:
        latent_dim: the length of a latent vector, drawn from the standard normal distribution.
        specification: what it makes.
        classes: how many classes it can be asked for, or None.

    Called with a latent of shape (N, latent_dim), and labels of shape (N,) if `classes` is not None.
    """

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self.latent_dim = plan.latent_dim
        self.specification = plan.specification
        self.classes = plan.classes
        self.output_activation = _activation(plan.output_activation)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        if latent.dim() != 2 or latent.shape[1] != self.latent_dim:
            raise parameter_error("latent", f"of shape (N, {self.latent_dim})", tuple(latent.shape))
        _check_presence("generator", self.classes, labels)
        if labels is not None and self.classes is not None:
            check_labels(labels, latent.shape[0], self.classes)
        return self.output_activation(self.generate(latent, labels))

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        """The samples before the last activation."""
        raise NotImplementedError


class Discriminator(nn.Module):
    """Samples to logits, high for real.

    Attributes:
        specification: what it judges; of a pack, when it is packed.
        classes: how many classes it knows, or None.
        pack: 1; a packed discriminator wraps one of these.

    Called with samples of the specification's shape, and labels if `classes` is not None. A subclass makes
    `body`, which turns samples into a vector of `width` features; the batch layer and the head follow.
    """

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self.specification = plan.specification
        self.classes = plan.classes
        self.pack = 1
        self.label_positions = plan.pack
        concatenates = plan.conditional and plan.conditioning == "concatenation"
        self.label_plane: LabelPlane | None = None
        if concatenates and plan.classes is not None:
            self.label_plane = LabelPlane(plan.specification.shape, plan.classes, plan.pack)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of what the body is given: a sample, with its label plane if it has one."""
        shape = self.specification.shape
        if self.label_plane is None:
            return shape
        return (2 * shape[0],) if len(shape) == 1 else (shape[0] + 1, *shape[1:])

    def add_head(self, plan: NetworkPlan, width: int) -> None:
        """Make the batch layer and the head, for a body that gives `width` features."""
        self.batch_layer: nn.Module | None = None
        if plan.batch_layer is not None:
            layer = build_layer(plan.batch_layer, (width,), **plan.batch_layer_options)
            width += cast(int, layer.appended)
            self.batch_layer = layer
        self.width = width
        projects = plan.conditional and plan.conditioning == "projection" and plan.classes is not None
        self.head: nn.Module = nn.Linear(width, 1)
        if projects and plan.classes is not None:
            self.head = ProjectionHead(width, plan.classes, plan.pack)

    @property
    def last_linear(self) -> nn.Linear:
        """The head's linear layer, inside a projection or alone."""
        layer = self.head.linear if isinstance(self.head, ProjectionHead) else self.head
        return cast(nn.Linear, layer)

    def body(self, samples: Tensor) -> Tensor:
        """Features of shape (N, width) from samples of `input_shape`."""
        raise NotImplementedError

    def features(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """The penultimate features, what the head is given: shape (N, width)."""
        self._check(samples, labels)
        if self.label_plane is not None:
            samples = self.label_plane(samples, labels)
        features = self.body(samples)
        return features if self.batch_layer is None else self.batch_layer(features)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.features(samples, labels)
        if isinstance(self.head, ProjectionHead):
            return self.head(features, labels)
        return self.head(features).squeeze(1)

    def _check(self, samples: Tensor, labels: Tensor | None) -> None:
        shape = self.specification.shape
        if tuple(samples.shape[1:]) != shape:
            expected = f"of shape (N, {', '.join(map(str, shape))})"
            raise parameter_error("samples", expected, tuple(samples.shape))
        _check_presence("discriminator", self.classes, labels)
        if labels is not None and self.classes is not None:
            check_labels(labels, samples.shape[0], self.classes, self.label_positions)


class Architecture:
    """How to make one family of generator and discriminator; its docstring says what it is and its source.

    Attributes:
        kinds: the kinds of samples it can make.
        default_base_channels: the width when none is asked for.
        default_normalisation: what "default" means for the discriminator's normalisation.
        normalisations: what the discriminator can be normalised with.
        default_conditioning: what "default" means for the discriminator's use of labels.
        options: name, default and constraint of what only this architecture has.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    default_base_channels: ClassVar[int] = 32
    default_normalisation: ClassVar[str] = "none"
    normalisations: ClassVar[tuple[str, ...]] = ("none", "batch", "layer", "instance", "virtual-batch")
    default_conditioning: ClassVar[str] = "projection"
    options: ClassVar[Mapping[str, tuple[Any, Constraint]]] = {}

    def generator(self, plan: NetworkPlan) -> Generator:
        raise NotImplementedError

    def discriminator(self, plan: NetworkPlan) -> nn.Module:
        raise NotImplementedError


ARCHITECTURES: Registry[type[Architecture]] = Registry("architecture", "equipoise.networks")


def _activation(name: str) -> nn.Module:
    kinds: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "none": nn.Identity}
    return kinds[name]()


def _check_presence(network: str, classes: int | None, labels: Tensor | None) -> None:
    if classes is None and labels is not None:
        raise EquipoiseError(
            f"This {network} was built without labels but was given some; leave them out or build it with "
            f"`conditional=True`."
        )
    if classes is not None and labels is None:
        raise EquipoiseError(
            f"This {network} is conditional on {classes} classes but was given no labels; pass `labels`."
        )
