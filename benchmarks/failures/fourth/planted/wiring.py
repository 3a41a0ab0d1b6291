"""Losses, signs and activations that are not what their author thinks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    Finished,
    current_fakes,
    generator_unchanged,
    measured,
    not_finite,
    quality_not_good,
    separation,
)
from benchmarks.failures.faults.normalisation import _COUPLED
from benchmarks.failures.faults.wiring import _IN_UNIT_RANGE
from benchmarks.failures.fourth.filed import fourth_fault
from benchmarks.failures.fourth.parts import FourthParts
from benchmarks.failures.parts import Case

_USELESS = {
    "uninformative-discriminator": "a discriminator that was taught nonsense tells nothing",
    "constant-discriminator": "its answer is the same for every sample",
}
_RUNAWAY = {
    "critic-magnitude-race": "nothing stops the scores",
    "exploding-gradient": "the gradient grows with the scores",
    "instability": "nothing holds the players to each other",
    "non-finite": "the end of a divergence",
}
_REVERSED = measured(
    "probability that a real one scores above a fake one",
    lambda run: separation(run.parts, run.parts.source.samples[:256], current_fakes(run.parts)),
    lambda v: v < 0.3,
)


@fourth_fault(
    "criterion-arguments-exchanged",
    source="PyTorch forum reports of criterion(labels, output) (recalled); pytorch/pytorch#1939",
    expected=("uninformative-discriminator", "d-objective-sign"),
    equivalents={
        "logit-loss-mismatch": "as the loss reads it, the targets are the logits",
        "constant-discriminator": "of the fakes nothing is asked: it says real to everything",
        "vanishing-generator-gradient": "a discriminator of everything real passes hardly any gradient",
        "mode-collapse": "the generator runs to what has the largest score",
        "role-undecided": "the fakes' batch has no gradient in the loss",
        **_RUNAWAY,
    },
    kind="wiring",
    cases=(Case("combined", "bce", "grid"),),
    proof=quality_not_good,
)
def arguments_exchanged(parts: FourthParts) -> None:
    """`criterion(target, output)`: the loss on logits is linear in the scores of the reals and constant for
    the fakes."""
    right = parts.loss.criterion
    parts.loss.criterion = lambda scores, targets: right(targets, scores)


@fourth_fault(
    "hinge-behind-sigmoid",
    source="ozanciga/gans-with-pytorch#2 (a sigmoid left on a critic), under a hinge",
    expected=("logit-loss-mismatch",),
    equivalents={"loss-fingerprint": "scores within one keep the hinge between one and two"},
    kind="wiring",
    cases=(Case("switcher", "hinge", "grid"),),
    proof=_IN_UNIT_RANGE,
)
def hinge_behind_sigmoid(parts: FourthParts) -> None:
    """The discriminator ends in a sigmoid and is trained with the hinge loss: the fakes' margin of minus one
    cannot be reached."""
    parts.discriminator = nn.Sequential(parts.discriminator, nn.Sigmoid())


@fourth_fault(
    "discriminator-loss-negated",
    source="Zeleni9/pytorch-wgan PR#53 (the sign), at the discriminator; ascent turned to descent and back",
    b5=("flipped WGAN sign",),
    expected=("g-objective-sign", "d-objective-sign"),
    equivalents=_RUNAWAY
    | {
        "mode-collapse": "the generator runs to what the reversed discriminator likes best",
        "range-mismatch": "nobody stops the generator's samples from running away",
        "optimizer-hparams": "a sign of the step that is not the usual one",
    },
    kind="wiring",
    cases=(
        Case("stepping", "hinge", "pinwheel"),
        Case("diters", "hinge", "diabetes"),
    ),
    proof=_REVERSED,
)
def discriminator_negated(parts: FourthParts) -> None:
    """`loss_d = -(real + fake)`: the discriminator learns to call fakes real, and the generator aims at
    real."""
    real, fake = parts.loss.real, parts.loss.fake
    parts.loss.real, parts.loss.fake = lambda s: -real(s), lambda s: -fake(s)


@fourth_fault(
    "optimizer-maximises-discriminator",
    source="the `maximize=True` of a value function that was rewritten as a loss",
    b5=("flipped WGAN sign",),
    expected=("g-objective-sign", "d-objective-sign"),
    equivalents=_RUNAWAY
    | {
        "mode-collapse": "the generator runs to what the reversed discriminator likes best",
        "range-mismatch": "nobody stops the generator's samples from running away",
        "optimizer-hparams": "the setting that does it",
    },
    kind="wiring",
    cases=(Case("combined", "bce", "scurve"),),
    proof=_REVERSED,
)
def maximises(parts: FourthParts) -> None:
    """The discriminator's loss is to be minimised and its optimizer has maximize=True."""
    make = parts.optimizers

    def climbing(generator: nn.Module, discriminator: nn.Module) -> Any:
        opt_g, opt_d = make(generator, discriminator)
        for group in opt_d.param_groups:
            group["maximize"] = True
        return opt_g, opt_d

    parts.optimizers = climbing


@fourth_fault(
    "softmax-over-the-batch",
    source="Softmax(dim=0), or Softmax() with its old implicit axis, at the end (recalled)",
    expected=("batch-coupling", "logit-loss-mismatch"),
    equivalents=_USELESS | {"loss-fingerprint": "scores near zero hold the loss near a constant"},
    kind="wiring",
    cases=(Case("stepping", "bce", "grid"),),
    proof=_COUPLED,
)
def softmax_over_batch(parts: FourthParts) -> None:
    """The discriminator ends in a softmax over the batch: the scores of a batch add up to one."""
    parts.discriminator = nn.Sequential(*parts.discriminator, nn.Softmax(dim=0))


class _Standardised(nn.Module):
    def forward(self, scores: Tensor) -> Tensor:
        return (scores - scores.mean()) / (scores.std() + 1e-5)


@fourth_fault(
    "scores-standardised-over-the-batch",
    source="'normalise the rewards' in adversarial imitation scripts, kept for images (recalled)",
    expected=("batch-coupling",),
    equivalents=_USELESS
    | {
        "loss-fingerprint": "both batches have mean zero, so that the loss cannot move",
        "vanishing-generator-gradient": "the mean of the scores has no gradient",
        "generator-graph-cut": "the mean of the scores has no gradient: exactly zero",
        "frozen-network": "the mean of the scores has no gradient, so hardly anything moves",
    },
    kind="wiring",
    cases=(Case("stepping", "bce", "pinwheel"),),
    proof=_COUPLED,
)
def scores_standardised(parts: FourthParts) -> None:
    """Scores are standardised within their batch before the loss: reals and fakes have the same mean."""
    parts.discriminator = nn.Sequential(*parts.discriminator, _Standardised())


class _Argmax(nn.Module):
    def forward(self, soft: Tensor) -> Tensor:
        return nn.functional.one_hot(soft.argmax(dim=1), soft.shape[1]).transpose(1, 2).float()


_CUT = {"frozen-network": "without any other loss the generator's weights never move"}


@fourth_fault(
    "argmax-in-generator",
    source="text GANs that feed the argmax to the discriminator (Goodfellow on Reddit, recalled)",
    b5=("detach in G step",),
    expected=("generator-graph-cut",),
    equivalents=_CUT,
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(
        Case("stepping", "lsgan", "tokens"),
        Case("diters", "wgan-gp", "tokens"),
    ),
    proof=generator_unchanged,
)
def argmax(parts: FourthParts) -> None:
    """The generator returns the one-hot vector of its largest letter: no gradient passes an argmax."""
    parts.generator = nn.Sequential(*parts.generator, _Argmax())
    _keep_graph(parts)


def _keep_graph(parts: FourthParts) -> None:
    """What makes `backward` run although nothing is behind it: the answer to an error message."""
    right = parts.loss.generator

    def with_leaf(fake: Tensor, real: Tensor | None = None) -> Tensor:
        loss = right(fake, real)
        return loss if loss.requires_grad else loss.detach().requires_grad_(True)

    parts.loss.generator = with_leaf


class _ThroughNumpy(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, z: Tensor) -> Tensor:
        made = self.body(z).detach().numpy()
        return torch.from_numpy(made.copy())


@fourth_fault(
    "fakes-through-numpy",
    source="wangle53/CSA-CDGAN#5; post-processing in NumPy or OpenCV inside forward",
    b5=("detach in G step",),
    expected=("generator-graph-cut",),
    equivalents=_CUT,
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(Case("combined", "lsgan", "tiles"),),
    proof=generator_unchanged,
)
def through_numpy(parts: FourthParts) -> None:
    """The samples are post-processed in NumPy and made a tensor again, before they are judged."""
    parts.generator = _ThroughNumpy(parts.generator)
    _keep_graph(parts)


@fourth_fault(
    "loss-remade-as-a-tensor",
    source="PyTorch forum: `loss = torch.tensor(loss, requires_grad=True)` as the answer to an error",
    b5=("detach in G step",),
    expected=("generator-graph-cut",),
    equivalents=_CUT,
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(
        Case("stepping", "bce", "scurve"),
        Case("committee", "bce", "pinwheel"),
    ),
    proof=generator_unchanged,
)
def loss_remade(parts: FourthParts) -> None:
    """The generator's loss is made a new tensor with requires_grad=True: backward runs and reaches
    nothing."""
    parts.remake_loss = True


@fourth_fault(
    "mean-over-an-empty-mask",
    source="segmentation GANs: the mean over the pixels of a class that a batch does not have (recalled)",
    expected=("non-finite",),
    kind="wiring",
    cases=(Case("combined", "bce", "grid"),),
    proof=not_finite,
)
def empty_mask(parts: FourthParts) -> None:
    """A term for the rare class is the mean over its samples in the batch; the first batch without one gives
    zero over zero."""
    calls = [0]

    def term(scores: Tensor, labels: Tensor) -> Tensor:
        calls[0] += 1
        rare = (labels == 0 if calls[0] % (parts.steps // 2) else labels < 0).float().unsqueeze(1)
        return 0.1 * (rare * (1 - scores).square()).sum() / rare.sum()

    parts.extra_term = term


def _extremes(run: Finished) -> float:
    with torch.no_grad():
        made = run.parts.generator(run.parts.latent(128))
    real = run.parts.source.samples[:500]
    return float(((real < made.min() - 1e-3) | (real > made.max() + 1e-3)).float().mean())


_UNREACHED = measured("share of real values that no generated one reaches", _extremes, lambda v: v > 0.1)


@fourth_fault(
    "tanh-twice",
    source="yxgeee/FD-GAN#5 (normalisation that does not fit tanh); tanh in the network and in its forward",
    expected=("range-mismatch",),
    equivalents={"dead-or-saturated": "the inner tanh is pulled to its ends"},
    kind="wiring",
    cases=(Case("stepping", "lsgan", "digits16"),),
    proof=_UNREACHED,
)
def tanh_twice(parts: FourthParts) -> None:
    """tanh stands in the network and again in forward: nothing beyond 0.76 can be made."""
    parts.generator = nn.Sequential(*parts.generator, nn.Tanh())


@fourth_fault(
    "generator-ends-in-sigmoid",
    source="voletiv/self-attention-GAN-pytorch#6 (the other way round); khalooei/ALOCC-CVPR2018#3",
    b5=("range [0,1] vs [-1,1]",),
    expected=("range-mismatch",),
    equivalents={"dead-or-saturated": "a sigmoid that is pulled to zero saturates"},
    kind="wiring",
    cases=(Case("switcher", "hinge", "digits16"),),
    proof=_UNREACHED,
)
def ends_in_sigmoid(parts: FourthParts) -> None:
    """The generator ends in a sigmoid, the reals are in [-1, 1]."""
    layers = [nn.Sigmoid() if isinstance(m, nn.Tanh) else m for m in parts.generator]
    parts.generator = nn.Sequential(*layers)
