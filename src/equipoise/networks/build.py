"""One way to a pair of networks that fit the data and each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError, parameter_error, unknown_name
from equipoise.layers.microbatch import MicrobatchDiscriminator
from equipoise.layers.packing import Packed
from equipoise.layers.virtual_batch_norm import VirtualBatchNorm, WithReferenceBatch
from equipoise.networks.base import ARCHITECTURES, Architecture, Generator, NetworkPlan
from equipoise.validation import Interval, OneOf, Optional, check_parameter

BATCH_LAYERS = ("minibatch-discrimination", "minibatch-standard-deviation")
# Smaller than the layer's own defaults, which are meant for wide features; the mean instead of the sum
# keeps the appended values at the scale of the other features whatever the batch size.
_BATCH_LAYER_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "minibatch-discrimination": {"kernels": 32, "kernel_dimensions": 8, "reduction": "mean"},
    "minibatch-standard-deviation": {},
}


def build_networks(
    name: str,
    specification: SampleSpecification,
    *,
    latent_dim: int = 128,
    base_channels: int | None = None,
    conditional: bool = False,
    conditioning: str = "default",
    batch_layer: str | None = None,
    batch_layer_options: Mapping[str, Any] | None = None,
    pack: int = 1,
    microbatch: int = 1,
    microbatch_options: Mapping[str, Any] | None = None,
    discriminator_normalisation: str = "default",
    output_activation: str = "default",
    **options: Any,
) -> tuple[Generator, nn.Module]:
    """A generator and a discriminator of one architecture for one kind of sample.

    Args:
        name: an entry of `ARCHITECTURES`: conv1d, dcgan, mlp, r3gan, resnet.
        specification: what one sample is.
        latent_dim: the length of the generator's input.
        base_channels: the width next to the sample; None takes the architecture's default.
        conditional: whether both networks are given labels; needs a specification with classes.
        conditioning: how the discriminator uses labels: "projection", "concatenation" (a plane or vector
            beside the sample) or "default".
        batch_layer: a layer before the head that looks across the batch, or None.
        batch_layer_options: its options, such as `kernels` or `group_size`.
        pack: how many samples the discriminator judges at once (PacGAN).
        microbatch: how many discriminators share the batch (microbatchGAN); its losses are its own.
        microbatch_options: `final_alpha` and `growth`.
        discriminator_normalisation: "default", "none", "batch", "layer", "instance" or "virtual-batch".
        output_activation: "tanh", "sigmoid", "none", or "default": tanh for images, else none.
        **options: what only this architecture has.

    Returns:
        `(generator, discriminator)`; the discriminator gives logits of shape (N,), packed (N / pack,).

    Raises:
        EquipoiseError: for an unknown name or option, a kind of sample that the architecture cannot make,
            a conditional request for unlabelled data, or parts that exclude each other.

    Example:
        >>> import torch
        >>> digits = SampleSpecification("image", (1, 8, 8), classes=10)
        >>> generator, discriminator = build_networks("dcgan", digits, latent_dim=16, base_channels=8)
        >>> discriminator(generator(torch.randn(4, 16))).shape
        torch.Size([4])
    """
    architecture = ARCHITECTURES.get(name)()
    if specification.kind not in architecture.kinds:
        able = [other for other, entry in ARCHITECTURES.items() if specification.kind in entry.kinds]
        raise EquipoiseError(
            f"The architecture `{name}` makes samples of kind {' or '.join(architecture.kinds)}, but the "
            f"data are of kind {specification.kind}; use {' or '.join(f'`{other}`' for other in able)}."
        )
    check_parameter("latent_dim", latent_dim, Interval(int, 1))
    check_parameter("base_channels", base_channels, Optional(Interval(int, 1)))
    check_parameter("conditional", conditional, OneOf((True, False)))
    check_parameter("conditioning", conditioning, OneOf(("default", "projection", "concatenation")))
    check_parameter("batch_layer", batch_layer, OneOf((None, *BATCH_LAYERS)))
    check_parameter("pack", pack, Interval(int, 1))
    check_parameter("microbatch", microbatch, Interval(int, 1))
    check_parameter("output_activation", output_activation, OneOf(("default", "tanh", "sigmoid", "none")))
    check_parameter(
        "discriminator_normalisation",
        discriminator_normalisation,
        OneOf(("default", *architecture.normalisations)),
        f"the architecture is `{name}`",
    )
    if conditional and not specification.classes:
        raise parameter_error(
            "conditional", "False for data without labels", conditional, "use data that have labels"
        )
    if pack > 1 and microbatch > 1:
        raise EquipoiseError(
            f"Packing and microbatches exclude each other, but `pack` is {pack} and `microbatch` is "
            f"{microbatch}; set one of them to 1."
        )
    if microbatch > 1 and discriminator_normalisation == "virtual-batch":
        raise EquipoiseError(
            "Microbatches have no virtual batch normalisation: each discriminator would need a reference "
            "batch of its own; choose another `discriminator_normalisation`."
        )
    if output_activation == "default":
        output_activation = "tanh" if specification.kind == "image" else "none"
    plan = NetworkPlan(
        specification=specification,
        latent_dim=latent_dim,
        base_channels=base_channels or architecture.default_base_channels,
        conditional=conditional,
        conditioning=architecture.default_conditioning if conditioning == "default" else conditioning,
        batch_layer=batch_layer,
        batch_layer_options=_batch_layer_options(batch_layer, batch_layer_options),
        pack=pack,
        discriminator_normalisation=(
            architecture.default_normalisation
            if discriminator_normalisation == "default"
            else discriminator_normalisation
        ),
        output_activation=output_activation,
        options=_checked_options(name, architecture, options),
    )
    generator = architecture.generator(plan)
    return generator, _discriminator(architecture, plan, microbatch, microbatch_options or {})


def _discriminator(
    architecture: Architecture, plan: NetworkPlan, microbatch: int, microbatch_options: Mapping[str, Any]
) -> nn.Module:
    def single(specification: SampleSpecification = plan.specification) -> nn.Module:
        return architecture.discriminator(replace(plan, specification=specification))

    discriminator: nn.Module
    if microbatch > 1:
        factory: Callable[[], nn.Module] = single
        discriminator = MicrobatchDiscriminator(factory, microbatch, **microbatch_options)
    elif plan.pack > 1:
        discriminator = Packed(single, plan.specification, plan.pack)
    else:
        discriminator = single()
    # The shallowest networks have nothing to normalise: their first layer stays as it is.
    if any(isinstance(module, VirtualBatchNorm) for module in discriminator.modules()):
        discriminator = WithReferenceBatch(discriminator)
    return discriminator


def _batch_layer_options(name: str | None, options: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if name is None:
        if options:
            raise parameter_error(
                "batch_layer_options", "empty without a `batch_layer`", dict(options), "name a `batch_layer`"
            )
        return {}
    return {**_BATCH_LAYER_DEFAULTS[name], **(options or {})}


def _checked_options(name: str, architecture: Architecture, options: Mapping[str, Any]) -> dict[str, Any]:
    for option, value in options.items():
        if option not in architecture.options:
            if not architecture.options:
                raise EquipoiseError(
                    f"The architecture `{name}` has no options of its own; remove `{option}`."
                )
            raise unknown_name(f"option of the architecture `{name}`", option, architecture.options)
        check_parameter(option, value, architecture.options[option][1])
    return {option: options.get(option, default) for option, (default, _) in architecture.options.items()}
