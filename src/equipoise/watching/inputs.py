"""What networks that have never been called might take: guesses from their attributes and layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching.structure import leaves

_LATENT_NAMES = (
    "latent_dim", "latent_size", "latent_dimension", "nz", "z_dim", "dim_z", "z_size", "noise_dim", "nlatent",
)  # fmt: skip
_CLASS_NAMES = ("classes", "num_classes", "n_classes", "n_class")
Call = tuple[Tensor, ...]


def attribute(network: nn.Module, names: tuple[str, ...]) -> int | None:
    """The first whole number of at least one that the network or a part of it has under one of the names."""
    for part in network.modules():
        for name in names:
            value = getattr(part, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def class_counts(network: nn.Module) -> list[int]:
    """How many classes it may be asked for: an attribute, or the size of an embedding."""
    known = attribute(network, _CLASS_NAMES)
    found = [] if known is None else [known]
    found += [part.num_embeddings for part in network.modules() if isinstance(part, nn.Embedding)]
    return list(dict.fromkeys(found))


def latent_widths(network: nn.Module) -> list[int]:
    """How wide its latent may be: an attribute, or the first layer's input without what conditions take."""
    found = []
    known = attribute(network, _LATENT_NAMES)
    if known is not None:
        found.append(known)
    embeddings = [part for _, part in leaves(network) if isinstance(part, nn.Embedding)]
    for _, part in leaves(network):
        width = None
        if isinstance(part, nn.Linear):
            width = part.in_features
        elif isinstance(part, (nn.ConvTranspose1d, nn.ConvTranspose2d)):
            width = part.in_channels
        elif isinstance(part, nn.modules.batchnorm._BatchNorm):
            width = part.num_features
        elif isinstance(part, nn.modules.conv._ConvNd):
            break
        if width is None:
            continue
        beside = [0]
        beside += [embedding.embedding_dim for embedding in embeddings]
        beside += class_counts(network)
        found += [width - taken for taken in beside if width > taken]
        break
    return list(dict.fromkeys(found))


def generator_inputs(network: nn.Module, rows: int, random: torch.Generator) -> Iterator[Call]:
    """Calls that a generator might take, likely ones first."""
    widths, classes = latent_widths(network), class_counts(network)
    for width in widths:
        for extra in ((), (1, 1), (1,)):
            latent = torch.randn(rows, width, *extra, generator=random)
            # A network with an embedding wants labels; called without them it might do something else.
            for count in classes:
                labels = torch.randint(0, count, (rows,), generator=random)
                one_hot = nn.functional.one_hot(labels, count).float()
                yield (latent, labels)
                yield (labels, latent)
                yield (latent, one_hot)
            yield (latent,)


def discriminator_inputs(
    network: nn.Module, samples: Tensor, labels: Tensor | None, random: torch.Generator
) -> Iterator[Call]:
    """Calls that a discriminator might take with these samples."""
    if labels is not None:
        yield (samples, labels)
        yield (labels, samples)
    for count in class_counts(network):
        drawn = torch.randint(0, count, (len(samples),), generator=random)
        yield (samples, drawn)
        yield (drawn, samples)
        yield (samples, nn.functional.one_hot(drawn, count).float())
    yield (samples,)


def first_that_works(
    network: nn.Module, calls: Iterator[Call], accepts: Callable[[Any], bool]
) -> tuple[Call, Any] | None:
    """The first call that the network takes and whose answer is accepted, with that answer."""
    for call in calls:
        try:
            output = network(*call)
        except Exception:  # noqa: BLE001  a guess that the network refuses is what we are here for
            continue
        if accepts(output):
            return call, output
    return None
