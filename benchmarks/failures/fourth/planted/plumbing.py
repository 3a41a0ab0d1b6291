"""Steps that are not taken, or are taken by the wrong network."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from benchmarks.failures.faults.base import (
    Finished,
    discriminator_unchanged,
    generator_unchanged,
    measured,
    quality_failed,
    quality_not_good,
)
from benchmarks.failures.fourth.filed import fourth_fault
from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.parts import Case
from benchmarks.failures.third.planted.plumbing import _FROZEN_D, _remember, _unmoved


@fourth_fault(
    "closure-without-backward",
    source="PyTorch's documentation of optimizer.step(closure); forum reports of closures without backward",
    b5=("frozen D/G",),
    expected=("frozen-network",),
    equivalents={"generator-graph-cut": "no gradient is there when the generator's optimizer steps"},
    kind="wiring",
    cases=(Case("stepping", "bce", "grid"),),
    proof=generator_unchanged,
)
def without_backward(parts: FourthParts) -> None:
    """The closures compute and return their losses and never call backward."""
    parts.closure_backward = False


@fourth_fault(
    "generator-trained-through-a-copy",
    source="Keras' combined model built from a saved discriminator; eriklindernoren/Keras-GAN#91",
    expected=("generator-graph-cut", "perfect-discriminator"),
    equivalents={
        "mode-collapse": "the generator runs to what the untrained copy likes best",
        "role-undecided": "the generator's own batches are never judged by the discriminator that is trained",
        "vanishing-generator-gradient": "of what the discriminator knows nothing reaches the generator",
        "range-mismatch": "the generator runs away where the untrained copy has its largest score",
        "frozen-network": "the copy that the generator follows never moves",
    },
    kind="wiring",
    cases=(Case("combined", "bce", "pinwheel"),),
    proof=quality_failed,
)
def through_a_copy(parts: FourthParts) -> None:
    """The combined model was made with a copy of the discriminator, which is never trained: the generator
    follows a network of the first step."""
    parts.stale_copy = True


@fourth_fault(
    "rule-of-thumb-inverted",
    source="soumith/ganhacks#14 (rules that balance by the losses) with the comparison the wrong way round",
    b5=("frozen D/G",),
    expected=("frozen-network",),
    equivalents={k: v for k, v in _FROZEN_D.items() if k != "optimizer-scope"}
    | {"stale-gradients": "gradients add up where the step is left out"},
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(Case("switcher", "hinge", "grid"),),
    proof=discriminator_unchanged,
)
def rule_inverted(parts: FourthParts) -> None:
    """The discriminator is to be trained unless it is too good (a loss below 0.3); written the other way
    round it is never trained at all."""
    parts.train_discriminator_if = lambda loss: loss < 0.3


@fourth_fault(
    "generator-step-never-due",
    source="tomguluson92/StyleGAN_PyTorch#5 (every n-th step); `if i % n_critic == n_critic`",
    b5=("frozen D/G",),
    expected=("frozen-network",),
    equivalents={
        "generator-graph-cut": "no adversarial gradient ever arrives at the generator",
        "perfect-discriminator": "the discriminator alone is trained",
    },
    kind="wiring",
    cases=(Case("stepping", "lsgan", "pinwheel"),),
    proof=generator_unchanged,
)
def never_due(parts: FourthParts) -> None:
    """`if i % n_critic == n_critic:` stands in front of the generator's step: it is never true."""
    parts.critic_steps = 10**9


@fourth_fault(
    "critic-steps-exchanged",
    source="Arjovsky et al. 2017 (n_critic), with the `if` in front of the other player's step",
    expected=("uninformative-discriminator", "instability"),
    equivalents={
        "mode-collapse": "the generator runs to where the old discriminator has its largest score",
        "oscillation": "the generator runs from one old answer to the next one",
        "frozen-network": "the discriminator moves once in a hundred steps",
        "constant-discriminator": "an untrained discriminator answers nearly the same for all",
        "late-collapse": "what was right for a moment is lost before the next step",
        "range-mismatch": "nobody stops the generator from running away",
        "g-objective-sign": "the generator goes past what it is asked for",
    },
    forbidden=("perfect-discriminator",),
    kind="dynamics",
    cases=(Case("stepping", "bce", "pinwheel"),),
    proof=quality_not_good,
)
def exchanged(parts: FourthParts) -> None:
    """The discriminator is trained in every hundredth step, the generator in all of them."""
    parts.discriminator_every = 100


@fourth_fault(
    "grown-after-the-optimizer",
    source="ports of progressive growing: new blocks, and the optimizer of before (recalled)",
    expected=("optimizer-scope",),
    equivalents={"frozen-network": "the new blocks never move"},
    kind="wiring",
    cases=(
        Case("growing", "logistic", "tiles"),
        Case("growing", "logistic", "digits16"),
    ),
    proof=measured("share of the generator's weights that never moved", _unmoved, lambda v: v > 0.1),
)
def grown_after(parts: FourthParts) -> None:
    """The optimizers were made for the small networks; the blocks that came later are in none of them."""
    make = parts.optimizers
    _remember(parts, parts.generator)

    class Early(nn.Module):
        def __init__(self, *modules: nn.Module) -> None:
            super().__init__()
            self.kept = nn.ModuleList(modules)

    def early(generator: Any, discriminator: Any) -> Any:
        return make(
            Early(generator.start, generator.small, generator.to_rgb_small),
            Early(discriminator.small, discriminator.from_rgb_small),
        )

    parts.optimizers = early


@fourth_fault(
    "fade-in-never-starts",
    source="ports of progressive growing: alpha is counted in epochs and there is one (recalled)",
    expected=("frozen-network",),
    equivalents={
        "optimizer-scope": "the new blocks get no gradient",
        "perfect-discriminator": "the reals show what the small images cannot have",
        "generator-graph-cut": "the gradient of the new blocks is exactly zero",
        "vanishing-generator-gradient": "the gradient of the new blocks is exactly zero",
    },
    kind="wiring",
    cases=(Case("growing", "logistic", "digits16"),),
    proof=measured("share of the generator's weights that never moved", _unmoved, lambda v: v > 0.1),
)
def never_fades(parts: FourthParts) -> None:
    """The weight of the new blocks stays at zero: they are there, in the optimizer, and do nothing."""
    _remember(parts, parts.generator)
    parts.fade = lambda step: 0.0


@fourth_fault(
    "average-updated-every-thousandth-step",
    source="konpatp/diffae#16 (a stale average); the update under the `if` that saves",
    b5=("decay too long",),
    expected=("ema-stale",),
    equivalents={
        "eval-drift": "what is sampled from differs from what is trained: the same fact from the output",
        "frozen-network": "the averaged generator hardly ever moves",
    },
    kind="wiring",
    cases=(Case("growing", "logistic", "tiles"),),
    proof=quality_failed,
)
def average_seldom(parts: FourthParts) -> None:
    """The averaged generator is updated under the `if` that saves a checkpoint, every thousandth step."""
    parts.average_every = 1000


@fourth_fault(
    "weights-reloaded-now-and-then",
    source="lucidrains/lightweight-gan PR#91 (a reload loop that never progresses)",
    expected=("instability",),
    equivalents={
        "late-collapse": "what was learnt is lost at every reload",
        "oscillation": "the run repeats itself with the period of the reload",
        "exploding-gradient": "the gradient jumps at every reload",
        "optimizer-hparams": "the optimizer's memory belongs to other weights",
        "perfect-discriminator": "each time the generator starts again far away",
        "mode-collapse": "the generator's first samples lie close together",
    },
    kind="dynamics",
    cases=(Case("stepping", "bce", "grid"),),
    proof=quality_failed,
)
def reloaded(parts: FourthParts) -> None:
    """An automatic restart loads the first checkpoint of both networks every eighty steps."""
    pair = parts.generator, parts.discriminator
    kept = [copy.deepcopy(network.state_dict()) for network in pair]

    def reload(step: int) -> None:
        if step % 80 == 79:
            with torch.no_grad():
                for network, state in zip(pair, kept, strict=True):
                    network.load_state_dict(state)

    parts.end_of_step = reload


def _similar(run: Finished) -> float:
    return float(run.outcome.get("label_agreement", 1.0))


@fourth_fault(
    "targets-never-permuted",
    source="StarGAN ports that lost `rand_idx = torch.randperm(...)`; amoodie/StratGAN#3",
    b5=("label permutation",),
    expected=("condition-ignored",),
    kind="data",
    cases=(
        Case("star", "lsgan", "pinwheel"),
        Case("star", "hinge", "tiles"),
    ),
    proof=measured("share of the samples that have the wanted class", _similar, lambda v: v < 0.6),
)
def never_permuted(parts: FourthParts) -> None:
    """The wanted class is always the class that the sample has: nobody is ever translated."""
    parts.targets_permuted = False
