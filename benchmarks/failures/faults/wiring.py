"""Loss, label and activation wiring: exact faults, present from the first step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.faults.base import Finished, fault, measured, quality_not_good, real_batch, score
from benchmarks.failures.losses import LabelLoss, PairLoss, TermLoss
from benchmarks.failures.parts import Case, Parts, adam


def _largest_output(run: Finished) -> float:
    with torch.no_grad():
        out = score(run.parts, real_batch(run.parts))
    return float(out.max() - out.min()) if bool(((out >= 0) & (out <= 1)).all()) else 2.0


_IN_UNIT_RANGE = measured("width of the score's range inside [0, 1]", _largest_output, lambda v: v <= 1.0)


def _push(loss: LabelLoss | TermLoss | PairLoss, player: str) -> float:
    """Slope of one term of the loss by its score, near the boundary."""
    at = torch.full((4, 1), 0.25, requires_grad=True)
    other = torch.full((4, 1), 0.25)
    if player == "generator":
        value = loss.generator(at, other)
    elif player == "real":
        value = loss.discriminator(at, other)
    else:
        value = loss.discriminator(other, at)
    return float(torch.autograd.grad(value, at)[0].sum())


_GENERATOR_WRONG_WAY = measured(
    "slope of the generator's term times slope of the reals' term (healthy: positive)",
    lambda run: _push(run.parts.loss, "generator") * _push(run.parts.loss, "real"),
    lambda v: v < 0,
)
_BOTH_THE_SAME = measured(
    "slope of the fakes' term times slope of the reals' term (healthy: negative)",
    lambda run: _push(run.parts.loss, "fake") * _push(run.parts.loss, "real"),
    lambda v: v > 0,
)


def _end_in_sigmoid(parts: Parts) -> None:
    parts.discriminator = nn.Sequential(parts.discriminator, nn.Sigmoid())


@fault(
    "double-sigmoid",
    source="PaddlePaddle/Paddle#22085, torchgan/torchgan#116",
    b5=("double-sigmoid",),
    expected=("logit-loss-mismatch",),
    equivalents={
        "loss-fingerprint": "the bounds 0.313 and 0.693 of the double sigmoid are a fingerprint of it"
    },
    kind="wiring",
    cases=(
        Case("tutorial", "bce", "ring"),
        Case("tutorial", "bce", "digits"),
        Case("concatenated", "bce", "fashion"),
    ),
    proof=_IN_UNIT_RANGE,
)
def double_sigmoid(parts: Parts) -> None:
    """The discriminator ends in a sigmoid and the loss applies another one."""
    _end_in_sigmoid(parts)


@fault(
    "sigmoid-on-critic",
    source="ozanciga/gans-with-pytorch#2, bojone/T-GANs#3",
    b5=("sigmoid-on-critic",),
    expected=("logit-loss-mismatch",),
    kind="wiring",
    cases=(Case("wasserstein", "wgan-gp", "ring"), Case("class-trainer", "hinge", "digits")),
    proof=_IN_UNIT_RANGE,
)
def sigmoid_on_critic(parts: Parts) -> None:
    """A critic with a Wasserstein or hinge loss ends in a sigmoid."""
    _end_in_sigmoid(parts)


@fault(
    "sigmoid-and-bce-loss",
    source="soumith/ganhacks#36",
    b5=("unfused BCE",),
    expected=("unfused-bce",),
    severity="info",
    kind="wiring",
    cases=(Case("tutorial", "bce-sigmoid", "ring"), Case("tutorial", "bce-sigmoid", "digits")),
    proof=_IN_UNIT_RANGE,
)
def sigmoid_and_bce_loss(parts: Parts) -> None:
    """A sigmoid module and BCELoss instead of the fused loss on logits: trains, but saturates in float32."""


@fault(
    "clamped-logarithm",
    source="POSTECH-CVLab/PyTorch-StudioGAN#112, platonovsimeon/dcgan-facegenerator#1",
    expected=("unfused-bce", "loss-fingerprint"),
    equivalents={
        "perfect-discriminator": "the clamp is reached because the discriminator is perfect",
        "vanishing-generator-gradient": "beyond the clamp the generator's gradient is exactly zero",
        "generator-graph-cut": "beyond the clamp the adversarial gradient is exactly zero, as if cut",
    },
    kind="wiring",
    cases=(
        Case("concatenated", "bce-sigmoid", "digits", network="flat"),
        Case("concatenated", "bce-sigmoid", "ring"),
    ),
    proof=quality_not_good,
)
def clamped_logarithm(parts: Parts) -> None:
    """Cross entropy written by hand on probabilities clamped to [1e-4, 1 - 1e-4], with a strong
    discriminator: beyond the clamp the gradient is exactly zero."""

    def log(p: Tensor) -> Tensor:
        return p.clamp(1e-4, 1 - 1e-4).log()

    parts.loss = TermLoss(
        real=lambda p: -log(p).mean(), fake=lambda p: -log(1 - p).mean(), generated=lambda p: -log(p).mean()
    )
    parts.optimizers = adam(5e-5, 5e-3)


@fault(
    "generator-target-is-fake-label",
    source="https-deeplearning-ai/GANs-Public#1",
    b5=("G target = fake label",),
    expected=("g-objective-sign",),
    forbidden=("d-objective-sign",),
    kind="wiring",
    cases=(
        Case("tutorial", "bce", "digits"),
        Case("concatenated", "lsgan", "ring"),
        Case("conditional", "bce", "digits"),
    ),
    proof=_GENERATOR_WRONG_WAY,
)
def generator_target_is_fake_label(parts: Parts) -> None:
    """The generator's target is the discriminator's label for fakes: it is trained to look fake."""
    parts.loss.generator_label = parts.loss.fake_label


@fault(
    "generator-sign-flipped",
    source="Zeleni9/pytorch-wgan PR#53",
    b5=("flipped WGAN sign",),
    expected=("g-objective-sign",),
    forbidden=("d-objective-sign",),
    kind="wiring",
    cases=(Case("wasserstein", "wgan-clip", "ring"), Case("wasserstein", "wgan-gp", "digits")),
    proof=_GENERATOR_WRONG_WAY,
)
def generator_sign_flipped(parts: Parts) -> None:
    """The sign of the generator's Wasserstein or hinge term is wrong."""
    right = parts.loss.generated
    parts.loss.generated = lambda scores: -right(scores)


@fault(
    "relativistic-generator-arguments-swapped",
    source="Zeleni9/pytorch-wgan PR#53 (same fault in another family)",
    b5=("flipped WGAN sign",),
    expected=("g-objective-sign",),
    kind="wiring",
    cases=(Case("relativistic", "rpgan", "ring"), Case("relativistic", "rpgan", "digits", network="flat")),
    proof=_GENERATOR_WRONG_WAY,
)
def relativistic_arguments_swapped(parts: Parts) -> None:
    """The generator's relativistic loss gets real and fake exchanged: it minimises its own score."""
    right = parts.loss.generator
    parts.loss.generator = lambda fake, real: right(real, fake)


@fault(
    "discriminator-fake-target-is-real",
    source="SerezD/vqvae-vqgan-pytorch-lightning#3, eriklindernoren/Keras-GAN#5",
    b5=("D fake target = real",),
    expected=("d-objective-sign",),
    equivalents={
        "uninformative-discriminator": "a discriminator that calls everything real tells nothing",
        "constant-discriminator": "it always says 1: the symptom by its own name",
    },
    forbidden=("g-objective-sign",),
    kind="wiring",
    cases=(Case("tutorial", "bce", "ring"), Case("tabular", "bce", "table")),
    proof=_BOTH_THE_SAME,
)
def discriminator_fake_target_is_real(parts: Parts) -> None:
    """The discriminator is trained to answer "real" for the fakes too: it always says 1."""
    parts.loss.fake_label = parts.loss.real_label


@fault(
    "hinge-fake-term-copied",
    source="PrashanthaTP/wav2mov#6",
    b5=("D fake target = real",),
    expected=("d-objective-sign",),
    equivalents={
        "uninformative-discriminator": "a discriminator that calls everything real tells nothing",
        "constant-discriminator": "it always says 1: the symptom by its own name",
    },
    forbidden=("g-objective-sign",),
    kind="wiring",
    cases=(Case("class-trainer", "hinge", "digits", network="flat"), Case("conditional", "hinge", "ring")),
    proof=_BOTH_THE_SAME,
)
def hinge_fake_term_copied(parts: Parts) -> None:
    """The reals' hinge term was copied for the fakes and its sign left as it was."""
    parts.loss.fake = parts.loss.real


@fault(
    "targets-broadcast",
    source="pytorch/pytorch#1939, DEVILENMO/Unsupervised-Defect-Detection#3",
    b5=("shape broadcast",),
    expected=("target-shape-broadcast",),
    equivalents={
        "d-objective-sign": "after the broadcast reals and fakes have the same mean target",
        "uninformative-discriminator": "trained on the mean target of all samples it can learn nothing",
        "constant-discriminator": "it settles at the mean target for every sample",
    },
    kind="wiring",
    cases=(Case("concatenated", "lsgan", "ring"), Case("concatenated", "lsgan", "digits")),
    proof=quality_not_good,
)
def targets_broadcast(parts: Parts) -> None:
    """Scores (N, 1) meet targets (N,): the loss is taken over N x N pairs and every sample gets the mean
    target."""
    parts.flat_targets = True
    if (
        parts.case.family == "bce"
    ):  # BCEWithLogitsLoss refuses the shapes; the same loss written by hand does not
        parts.loss.criterion = lambda s, t: (
            -(t * functional.logsigmoid(s) + (1 - t) * functional.logsigmoid(-s)).mean()
        )
