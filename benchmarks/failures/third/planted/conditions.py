"""Labels that do not belong to what is judged, or that nobody can tell apart."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.failures.faults.base import (
    Finished,
    measured,
)
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts


def _agreement(run: Finished) -> float:
    labels = run.parts.source.labels[:1000]
    return float((run.parts.generator_labels(labels) == labels).float().mean())


@third_fault(
    "judged-with-another-batch's-labels",
    source="amoodie/StratGAN#3; opendp/smartnoise-sdk PR#288",
    b5=("label permutation",),
    expected=("condition-ignored",),
    kind="data",
    cases=(
        Case("wrapper", "hinge", "rings"),
        Case("auxiliary", "bce", "swissroll"),
    ),
    proof=measured("share of the fakes that are judged with their own label", _agreement, lambda v: v < 0.7),
)
def other_batch(parts: ThirdParts) -> None:
    """In the generator's step samples are made for the labels of one batch and judged with those of another;
    the discriminator's step is right."""
    known = parts.source.labels
    parts.generator_labels = lambda y: known[torch.randint(0, len(known), (len(y),))]


def _embedded(run: Finished) -> float:
    network = run.parts.generator
    table = next(m for m in network.modules() if isinstance(m, nn.Embedding))
    return float(table.weight.detach().std(dim=0).max())


@third_fault(
    "labels-embedded-alike",
    source="martinarjovsky/WassersteinGAN#16 (conditioning ignored); an embedding of zeros that is frozen",
    expected=("condition-ignored",),
    equivalents={
        "frozen-network": "the embedding never moves",
        "init-sanity": "the embedding starts at zero",
    },
    kind="wiring",
    cases=(
        Case("wrapper", "hinge", "shapes"),
        Case("wrapper", "hinge", "swissroll"),
    ),
    proof=measured("spread of the label embeddings", _embedded, lambda v: v == 0.0),
)
def embedded_alike(parts: ThirdParts) -> None:
    """The generator's embedding has a padding index for every class but one, and starts at zero: every label
    is looked up as zeros."""
    network = parts.generator
    nn.init.zeros_(network.shared.weight)
    network.shared.weight.register_hook(torch.zeros_like)
