"""Terms beside the adversarial one."""

from __future__ import annotations

from benchmarks.failures.faults.base import discriminator_unchanged, measured
from benchmarks.failures.fourth.filed import fourth_fault
from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.parts import Case
from benchmarks.failures.third.planted.terms import _ADVERSARIAL, term_ratio


@fourth_fault(
    "feature-matching-times-ten-thousand",
    source="krasserm/super-resolution#45 (a term x 1000); HiFi-GAN's lambda_fm",
    expected=("adversarial-weight-imbalance",),
    severity="info",
    equivalents={"uninformative-discriminator": "the generator does not follow its question any more"},
    kind="dynamics",
    cases=(Case("periods", "lsgan", "tides"),),
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v < 0.01),
)
def feature_weight(parts: FourthParts) -> None:
    """The feature term has ten thousand times its weight: the adversarial one does nothing."""
    parts.feature_weight *= 10_000.0


@fourth_fault(
    "cycle-term-times-ten-thousand",
    source="CompVis/latent-diffusion#350 (weights of terms); StarGAN's lambda_rec",
    expected=("adversarial-weight-imbalance",),
    severity="info",
    equivalents={"condition-ignored": "the least cycle error is made by changing nothing"},
    kind="dynamics",
    cases=(Case("star", "lsgan", "pinwheel"),),
    proof=measured(_ADVERSARIAL, term_ratio, lambda v: v < 0.01),
)
def cycle_weight(parts: FourthParts) -> None:
    """The cycle term has ten thousand times its weight."""
    parts.cycle_weight *= 10_000.0


@fourth_fault(
    "discriminator-start-beyond-the-run",
    source="CompVis/taming-transformers#44: disc_start counts steps, and the run is shorter",
    b5=("D started late",),
    expected=("frozen-network", "adversarial-weight-imbalance"),
    equivalents={
        "generator-graph-cut": "the adversarial gradient is exactly zero all run long",
        "uninformative-discriminator": "a network that never learned tells nothing",
        "constant-discriminator": "it never changes its answer",
        "vanishing-generator-gradient": "the adversarial gradient is exactly zero all run long",
    },
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(Case("vaegan", "bce", "tiles"),),
    proof=discriminator_unchanged,
)
def never_started(parts: FourthParts) -> None:
    """`disc_start` is later than the last step: both adversarial terms are multiplied by zero for ever."""
    parts.discriminator_start = 10**9
