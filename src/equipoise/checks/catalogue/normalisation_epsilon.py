"""EQ020: a normalisation whose epsilon is as large as the variance it should divide by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.history.observations import Observations

LARGEST = 0.01
SOURCE = "PyTorch's default 1e-5, Keras's 1e-3; ours: ten times the larger one"
NORMALISATIONS = ("BatchNorm", "SyncBatchNorm", "InstanceNorm", "LayerNorm", "GroupNorm", "RMSNorm")


@CHECKS.register("normalisation-epsilon")
class NormalisationEpsilon(Check):
    """A normalisation layer's epsilon is so large that it hardly normalises.

    What it does
        Reads the epsilon of every batch, instance, layer and group normalisation of both networks.

    Why it is bad
        The layer divides by the root of the variance plus epsilon. With an epsilon of 0.8 and activations of
        variance 0.01, usual behind weights of N(0, 0.02), it shrinks them ninefold instead of bringing them
        to one: the signal fades from layer to layer.

    Evidence and threshold
        An epsilon above 0.01, ten times the largest default in use (Keras: 1e-3): info, an exact reading.
        It is a frequent slip: the second argument of `nn.BatchNorm2d(64, 0.8)` is epsilon, not momentum,
        which is what 0.8 was in Keras.

    What else it could be
        - A momentum of 0.8, given by name: it is no epsilon and is not reported.
        - A large epsilon on purpose, against noise in tiny batches: rare, and said to be open.

    Remedies
        Leave epsilon at its default and give the momentum by its name; Keras's momentum m is 1 - m in
        PyTorch.

    References
        - https://github.com/eriklindernoren/PyTorch-GAN (implementations/dcgan: BatchNorm2d(128, 0.8))
        - Ioffe, Szegedy, "Batch Normalization", 2015, algorithm 1: epsilon is there for numerical stability.
    """

    code = "EQ020"
    name = "normalisation-epsilon"
    kinds = ("preflight", "passive")
    facts = ("generator.layers", "discriminator.layers")
    stage = "advice"
    explains = ()
    remedies = (
        Remedy(
            "default-epsilon",
            "Write `nn.BatchNorm2d(channels, momentum=0.2)` (or no second argument): epsilon then is 1e-5.",
            "root",
            "unsafe",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        found = list(_large(observations))
        if not found:
            return None
        player, layer, epsilon = max(found, key=lambda entry: entry[2])
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return self.finding(
            "info",
            0.9,
            f"The {player}'s {layer.get('type')} `{layer.get('name', '?')}`{others} divides by the root of "
            f"the variance plus {epsilon:g}: it hardly normalises. Probably a momentum was meant.",
            evidence=(
                Measurement(
                    f"{player}.layers",
                    epsilon,
                    LARGEST,
                    "above",
                    SOURCE,
                    f"largest epsilon among {len(found)} normalisation layers",
                ),
            ),
            because=(
                Alternative("a momentum given by its name", "ruled out", "the layer's own epsilon was read"),
                Alternative("a large epsilon on purpose", "open", "published networks use 1e-3 or less"),
            ),
        )


def _large(observations: Observations) -> Iterator[tuple[str, dict[str, Any], float]]:
    for player in ("generator", "discriminator"):
        for layer in observations.fact(f"{player}.layers", []):
            epsilon = layer.get("epsilon")
            if str(layer.get("type", "")).startswith(NORMALISATIONS) and epsilon and epsilon > LARGEST:
                yield player, layer, float(epsilon)
