"""Heads, terms and initialisations that do not fit, in forms that the first corpus does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    Finished,
    current_fakes,
    discriminator_unchanged,
    measured,
    noted,
    quality_not_good,
    real_batch,
    score,
)
from benchmarks.failures.faults.wiring import _BOTH_THE_SAME
from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.parts import Case, Parts
from benchmarks.failures.second.filed import second_fault

_USELESS = {
    "uninformative-discriminator": "a discriminator that was taught nonsense tells nothing",
    "constant-discriminator": "its answer is the same for every sample: the symptom by its own name",
}


@second_fault(
    "reals-term-with-wrong-sign",
    source="PrashanthaTP/wav2mov#6 (the same slip at the reals' term); Zeleni9/pytorch-wgan PR#53",
    expected=("d-objective-sign",),
    equivalents=_USELESS
    | {"critic-magnitude-race": "both terms push a critic's scores the same way, for ever"},
    forbidden=("g-objective-sign",),
    kind="wiring",
    cases=(
        Case("critic", "wgan-gp", "moons"),
        Case("summed", "hinge", "mnist"),
    ),
    proof=_BOTH_THE_SAME,
)
def reals_term_sign(parts: Parts) -> None:
    """The reals' term of the discriminator's loss has the sign of the fakes' term."""
    parts.loss.real = parts.loss.fake


@second_fault(
    "tanh-before-logit-loss",
    source="igul222/improved_wgan_training#72 (tanh on a critic); PaddlePaddle/Paddle#22085 (its sibling)",
    expected=("logit-loss-mismatch",),
    equivalents={"loss-fingerprint": "the bounds of a loss of scores within one are a fingerprint of it"},
    kind="wiring",
    cases=(Case("mixed", "bce", "mnist"),),
    proof=measured(
        "largest absolute score",
        lambda run: float(score(run.parts, real_batch(run.parts)).detach().abs().max()),
        lambda v: v <= 1.0,
    ),
)
def tanh_before_loss(parts: Parts) -> None:
    """The discriminator ends in tanh and its scores go into a loss that expects logits."""
    parts.discriminator = nn.Sequential(parts.discriminator, nn.Tanh())


@second_fault(
    "softmax-over-one-score",
    source="DS.SE and forum reports of 'discriminator always says 1' (recalled, unverified); D-FLAT class",
    expected=("constant-discriminator",),
    equivalents={
        "logit-loss-mismatch": "the cause: the discriminator ends in an activation that does not fit",
        "uninformative-discriminator": "a score that is one for everything tells nothing",
        "vanishing-generator-gradient": "a constant passes no gradient",
        "generator-graph-cut": "the adversarial gradient is exactly zero, as if cut",
        "frozen-network": "neither network gets a gradient, so neither moves",
        "loss-fingerprint": "its loss stands still at a constant",
    },
    forbidden=("mode-collapse", "perfect-discriminator"),
    kind="wiring",
    cases=(Case("closures", "bce", "cancer"), Case("epochs", "lsgan", "colour")),
    proof=measured(
        "spread of the scores",
        lambda run: float(score(run.parts, real_batch(run.parts)).detach().std()),
        lambda v: v == 0.0,
    ),
)
def softmax_over_one(parts: Parts) -> None:
    """A softmax over the single output: one for every sample, with gradient zero."""
    parts.discriminator = nn.Sequential(parts.discriminator, nn.Softmax(dim=1))


@second_fault(
    "dead-last-layer",
    source="keras-team/keras#4943 (a discriminator that does not move); failures research check 22",
    expected=("constant-discriminator", "init-sanity"),
    equivalents={
        "uninformative-discriminator": "a score of zero for everything tells nothing",
        "vanishing-generator-gradient": "weights of zero pass no gradient",
        "generator-graph-cut": "the adversarial gradient is exactly zero, as if cut",
        "frozen-network": "nothing before a frozen zero layer gets a gradient",
        "optimizer-scope": "the last layer is in no optimizer's reach",
        "loss-fingerprint": "its loss stands still at a constant",
    },
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(Case("summed", "hinge", "spirals"),),
    proof=discriminator_unchanged,
)
def dead_last_layer(parts: Parts) -> None:
    """The discriminator's last layer is initialised with zero and frozen (a head meant for fine tuning)."""
    last = [m for m in parts.discriminator.modules() if isinstance(m, nn.Linear)][-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    last.requires_grad_(False)

    # The loop that toggles `requires_grad` for all parameters would thaw it; a script that
    # freezes leaves it out of the optimizer as well.
    make = parts.optimizers
    frozen = {id(last.weight), id(last.bias)}

    def without(generator: nn.Module, discriminator: nn.Module) -> Any:
        opt_g, opt_d = make(generator, discriminator)
        for group in opt_d.param_groups:
            group["params"] = [p for p in group["params"] if id(p) not in frozen]
        return opt_g, opt_d

    parts.optimizers = without


@second_fault(
    "random-real-and-fake-labels",
    source="soumith/ganhacks (noisy labels, taken too far); eriklindernoren/Keras-GAN#5",
    expected=("uninformative-discriminator",),
    equivalents={
        "d-objective-sign": "on average reals and fakes are asked for the same answer",
        "constant-discriminator": "it settles at one half for everything",
        "loss-fingerprint": "its loss stands at ln 2",
    },
    forbidden=("frozen-network", "perfect-discriminator"),
    kind="dynamics",
    cases=(Case("epochs", "bce", "spirals"), Case("closures", "bce", "moons")),
    proof=quality_not_good,
)
def random_labels(parts: Parts) -> None:
    """Each discriminator label is flipped with probability one half instead of one in twenty."""
    loss = parts.loss
    assert isinstance(loss, LabelLoss)

    def flipped(scores: Tensor) -> Tensor:
        return loss.criterion(scores, torch.randint(0, 2, scores.shape).float())

    right = loss.generator
    parts.loss = _Terms(flipped, flipped, right)


class _Terms:
    """Three terms as plain functions."""

    def __init__(
        self,
        real: Callable[[Tensor], Tensor],
        fake: Callable[[Tensor], Tensor],
        generated: Callable[[Tensor], Tensor],
    ) -> None:
        self.real, self.fake, self.generated = real, fake, generated

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.real(real) + self.fake(fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return self.generated(fake)


@second_fault(
    "fakes-in-the-reals-term",
    source="liutaocode/LivePortrait-Train#7 (a term fed with another prediction), udacity/deep-learning#135",
    expected=("uninformative-discriminator",),
    equivalents={
        "d-objective-sign": "fakes are asked to be real and fake at once",
        "constant-discriminator": "it settles at one half for everything",
        "role-undecided": "no batch of reals is ever shown to it",
        "loss-fingerprint": "its loss stands at 2 ln 2",
    },
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(Case("closures", "bce", "moons"),),
    proof=quality_not_good,
)
def fakes_as_reals(parts: Any) -> None:
    """Copied line: the reals' term is computed on the fakes, the reals are never shown."""
    parts.fakes_as_reals = True


@second_fault(
    "constant-initialisation",
    source="PacktPublishing/Hands-On-Generative-Adversarial-Networks-with-PyTorch-1.x#1; init not as meant",
    expected=("init-sanity",),
    equivalents={
        "z-ignored": "with equal weights every unit is the same sum of the latent",
        "dead-or-saturated": "units that are all alike are dead together",
        "mode-collapse": "a generator of equal units can only draw a line",
        "bn-erases-latent": "behind equal units one latent is like another",
    },
    kind="wiring",
    cases=(Case("closures", "bce", "moons"), Case("summed", "lsgan", "cancer")),
    proof=noted("different values among the generator's weights at the start", "values", lambda v: v <= 4),
)
def constant_initialisation(parts: Parts) -> None:
    """Every weight of both networks starts at 0.02 and every bias at zero."""
    for network in (parts.generator, parts.discriminator):
        for module in network.modules():
            if isinstance(module, nn.Linear):
                nn.init.constant_(module.weight, 0.02)
                nn.init.zeros_(module.bias)
    values = torch.cat([p.detach().flatten() for p in parts.generator.parameters()])
    parts.notes["values"] = len(torch.unique(values))


@second_fault(
    "dead-relu-discriminator",
    source="AutoTrainer's dying ReLU at the other network, failures research check 29",
    expected=("dead-or-saturated", "init-sanity"),
    equivalents={
        "constant-discriminator": "behind a dead layer the answer is the same for every sample",
        "uninformative-discriminator": "behind a dead layer nothing is known of the sample",
        "vanishing-generator-gradient": "a dead layer passes no gradient",
        "generator-graph-cut": "the adversarial gradient is exactly zero, as if cut",
        "frozen-network": "nothing before a dead layer moves, nor does the generator",
    },
    kind="wiring",
    cases=(Case("epochs", "bce", "moons"),),
    proof=measured(
        "spread of the scores",
        lambda run: float(score(run.parts, real_batch(run.parts)).detach().std()),
        lambda v: v < 1e-4,
    ),
)
def dead_discriminator(parts: Parts) -> None:
    """Biases of -30 before a ReLU of the discriminator: it is dead from the start."""
    layers = [nn.ReLU() if isinstance(m, nn.LeakyReLU) else m for m in parts.discriminator]
    parts.discriminator = nn.Sequential(*layers)
    with torch.no_grad():
        layers[0].bias.fill_(-30.0)


@second_fault(
    "norm-epsilon-for-momentum",
    source="eriklindernoren/PyTorch-GAN: BatchNorm2d(n, 0.8), whose second argument is epsilon (recalled)",
    expected=("normalisation-epsilon",),
    severity="info",
    kind="wiring",
    cases=(Case("epochs", "bce", "mnist"),),
    proof=measured(
        "largest epsilon of a normalisation layer",
        lambda run: max(m.eps for m in run.parts.generator.modules() if isinstance(m, nn.BatchNorm2d)),
        lambda v: v >= 0.5,
    ),
)
def norm_epsilon(parts: Parts) -> None:
    """BatchNorm2d(channels, 0.8): meant as momentum, taken as epsilon."""
    for module in parts.generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.8


def _share_outside(run: Finished) -> float:
    low = float(current_fakes(run.parts).min())
    return float((real_batch(run.parts) < low - 1e-3).float().mean())


@second_fault(
    "generator-ends-in-relu",
    source="failures research DATA class: an output activation that cannot reach the data",
    expected=("range-mismatch",),
    equivalents={"dead-or-saturated": "most outputs stick to zero, the bound of the activation"},
    kind="wiring",
    cases=(Case("closures", "bce", "cancer"), Case("mixed", "hinge", "gaussians")),
    proof=measured("share of real values below every generated one", _share_outside, lambda v: v > 0.3),
)
def ends_in_relu(parts: Parts) -> None:
    """The generator of a standardised table ends in ReLU: it cannot make a negative value."""
    parts.generator = nn.Sequential(*parts.generator, nn.ReLU())


class _Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(0.0, 1.0)


@second_fault(
    "generator-clamped-to-unit-range",
    source="voletiv/self-attention-GAN-pytorch#6 (the other way round)",
    expected=("range-mismatch",),
    equivalents={"dead-or-saturated": "a clamp at zero passes no gradient where pixels are dark"},
    kind="wiring",
    cases=(Case("epochs", "bce", "cifar"),),
    proof=measured("share of real values below every generated one", _share_outside, lambda v: v > 0.3),
)
def clamped_to_unit(parts: Parts) -> None:
    """The generator's output is clamped to [0, 1], as if it were for display; the reals are in [-1, 1]."""
    parts.generator = nn.Sequential(*parts.generator, _Clamp())
