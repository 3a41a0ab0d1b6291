"""Losses and terms that are not what their author thinks, in forms that the first two halves do not have."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.faults.base import (
    Finished,
    generator_unchanged,
    measured,
    noted,
    quality_failed,
    quality_not_good,
)
from benchmarks.failures.faults.wiring import _GENERATOR_WRONG_WAY
from benchmarks.failures.parts import Case
from benchmarks.failures.third.filed import third_fault
from benchmarks.failures.third.parts import ThirdParts

_ONE_ANSWER = {
    "d-objective-sign": "only one answer is ever asked for, whatever is shown",
    "constant-discriminator": "it always gives the one answer that it is asked for",
    "loss-fingerprint": "the loss of one term alone goes to zero and stays there",
    "role-undecided": "one kind of batch never takes part in a loss",
    "vanishing-generator-gradient": "a constant passes hardly any gradient",
    "mode-collapse": "nothing stops the generator from running to one point",
    "instability": "nothing holds the players to each other",
    "critic-magnitude-race": "nothing stops the score of the one term",
}


@third_fault(
    "reals-term-overwritten",
    source="liutaocode/LivePortrait-Train#7 (a term that never arrives in the loss)",
    expected=("uninformative-discriminator",),
    equivalents=_ONE_ANSWER,
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(
        Case("valid", "bce", "rings"),
        Case("model", "bce", "waves"),
    ),
    proof=quality_not_good,
)
def reals_term_overwritten(parts: ThirdParts) -> None:
    """`d_loss = real_loss` and on the next line `d_loss = fake_loss`: only "everything is fake" is learnt."""
    parts.kept_term = "fake"


@third_fault(
    "fakes-term-forgotten",
    source="SerezD/vqvae-vqgan-pytorch-lightning#3 (a discriminator that calls all real)",
    expected=("uninformative-discriminator",),
    equivalents=_ONE_ANSWER,
    forbidden=("perfect-discriminator",),
    kind="wiring",
    cases=(
        Case("auxiliary", "bce", "swissroll"),
        Case("phases", "logistic", "rings"),
    ),
    proof=quality_not_good,
)
def fakes_term_forgotten(parts: ThirdParts) -> None:
    """Only the reals' term is in the loss: everything is real."""
    parts.kept_term = "real"


@third_fault(
    "both-sides-smoothed",
    source="Salimans et al. 2016, section 3.4: smoothing must be one-sided; soumith/ganhacks",
    b5=("D fake target = real",),
    expected=("d-objective-sign",),
    equivalents={
        "uninformative-discriminator": "a discriminator that calls everything 0.9 tells nothing",
        "constant-discriminator": "its answer is 0.9 for every sample",
        "loss-fingerprint": "the loss stands at the entropy of 0.9",
    },
    forbidden=("g-objective-sign",),
    kind="wiring",
    cases=(
        Case("valid", "bce", "swissroll"),
        Case("model", "lsgan", "survey"),
    ),
    proof=noted("target of the fakes minus target of the reals", "difference", lambda v: v == 0.0),
)
def both_smoothed(parts: ThirdParts) -> None:
    """`smooth(labels)` was copied to the fakes: both sides are asked for 0.9."""
    parts.loss.real_label, parts.loss.fake_label, parts.loss.generator_label = 0.9, 0.9, 1.0
    parts.notes["difference"] = parts.loss.fake_label - parts.loss.real_label


@third_fault(
    "generator-judges-reals",
    source="nikhilsinghmus/image2reverb#37 (the same effect); a copied line with the wrong variable",
    b5=("detach in G step",),
    expected=("generator-graph-cut",),
    equivalents={"frozen-network": "without any other loss the generator's weights never move"},
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(
        Case("valid", "lsgan", "swissroll"),
        Case("model", "hinge", "rings"),
    ),
    proof=generator_unchanged,
)
def judges_reals(parts: ThirdParts) -> None:
    """`g_loss = criterion(D(real), valid)`: the reals are scored in the generator's step."""
    parts.generator_judges_reals = True


class _WithoutGradient(nn.Module):
    """A generator whose forward carries @torch.no_grad()."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    @torch.no_grad()
    def forward(self, *inputs: Tensor) -> Tensor:
        return self.body(*inputs)


@third_fault(
    "no-grad-over-generator",
    source="wangle53/CSA-CDGAN#5 (no gradient reaches the generator); a decorator meant for sampling",
    b5=("detach in G step",),
    expected=("generator-graph-cut",),
    equivalents={"frozen-network": "without any other loss the generator's weights never move"},
    forbidden=("mode-collapse",),
    kind="wiring",
    cases=(
        Case("valid", "bce", "survey"),
        Case("auxiliary", "lsgan", "rings"),
    ),
    proof=generator_unchanged,
)
def no_grad_forward(parts: ThirdParts) -> None:
    """@torch.no_grad() was left over the generator's forward."""
    parts.generator = _WithoutGradient(parts.generator)


@third_fault(
    "labels-reversed-for-one-player",
    source="keras-team/keras-io#361 (reversed labels), done in one function and not in the other",
    b5=("G target = fake label",),
    expected=("g-objective-sign",),
    forbidden=("d-objective-sign",),
    kind="wiring",
    cases=(
        Case("valid", "bce", "shapes"),
        Case("model", "lsgan", "swissroll"),
    ),
    proof=_GENERATOR_WRONG_WAY,
)
def reversed_for_one(parts: ThirdParts) -> None:
    """The discriminator was changed to real 0 and fake 1; the generator still aims at 1."""
    parts.loss.real_label, parts.loss.fake_label, parts.loss.generator_label = 0.0, 1.0, 1.0


@third_fault(
    "generator-copies-fake-term",
    source="Zeleni9/pytorch-wgan PR#53 (the sign); the discriminator's line for fakes copied",
    b5=("flipped WGAN sign",),
    expected=("g-objective-sign",),
    forbidden=("d-objective-sign",),
    kind="wiring",
    cases=(
        Case("wrapper", "hinge", "rings"),
        Case("phases", "logistic", "survey"),
    ),
    proof=_GENERATOR_WRONG_WAY,
)
def copies_fake_term(parts: ThirdParts) -> None:
    """The generator minimises the discriminator's term for fakes."""
    if hasattr(parts.loss, "generated"):
        parts.loss.generated = parts.loss.fake
    else:
        parts.loss.generator_label = parts.loss.fake_label


def _auc(run: Finished) -> float:
    parts = run.parts
    labels = parts.source.labels[:256]
    with torch.no_grad():
        fake = parts.generator(parts.latent(256), labels)

    def scores(x: Tensor) -> Tensor:
        return parts.discriminator(x, labels)

    with torch.no_grad():
        r, f = scores(parts.source.samples[:256]).flatten(), scores(fake).flatten()
    return float((r[:, None] > f[None, :]).float().mean())


@third_fault(
    "chunks-exchanged",
    source="BigGAN-PyTorch's cat(fake, real) read as cat(real, fake)",
    b5=("G target = fake label",),
    expected=("g-objective-sign",),
    equivalents={"d-objective-sign": "its answers are exchanged: the same fact, told of the other player"},
    kind="wiring",
    cases=(Case("wrapper", "hinge", "survey"),),
    proof=measured("probability that a real one scores above a fake one", _auc, lambda v: v < 0.3),
)
def chunks_exchanged(parts: ThirdParts) -> None:
    """Fakes and reals are concatenated, and the scores are split as if the reals came first: the
    discriminator learns the opposite of what the generator asks for."""
    parts.chunks_exchanged = True


@third_fault(
    "optimizer-maximises-generator",
    source="the `maximize=True` of a rewritten value function; Zeleni9/pytorch-wgan PR#53 (the sign)",
    b5=("flipped WGAN sign",),
    expected=("g-objective-sign",),
    equivalents={"optimizer-hparams": "the setting that does it"},
    forbidden=("d-objective-sign",),
    kind="wiring",
    cases=(
        Case("valid", "bce", "rings"),
        Case("model", "hinge", "swissroll"),
    ),
    proof=quality_failed,
)
def maximises(parts: ThirdParts) -> None:
    """The generator's loss is to be minimised and its optimizer has maximize=True."""
    make = parts.optimizers

    def climbing(generator: nn.Module, discriminator: nn.Module) -> Any:
        opt_g, opt_d = make(generator, discriminator)
        for group in opt_g.param_groups:
            group["maximize"] = True
        return opt_g, opt_d

    parts.optimizers = climbing


@third_fault(
    "targets-twice-as-far-from-scores",
    source="LSGAN's labels with a sigmoid kept at the end of the discriminator; soumith/ganhacks#36",
    expected=("logit-loss-mismatch",),
    equivalents={
        "perfect-discriminator": "behind a saturated sigmoid the squares stand still",
        "vanishing-generator-gradient": "a saturated sigmoid passes hardly any gradient",
    },
    kind="wiring",
    cases=(Case("valid", "lsgan", "rings"),),
    proof=measured(
        "largest possible score over the target of the reals",
        lambda run: 1.0 / run.parts.loss.real_label,
        lambda v: v <= 0.5,
    ),
)
def targets_out_of_reach(parts: ThirdParts) -> None:
    """Least squares with the targets 2 and -2, and a discriminator that still ends in a sigmoid: its bound
    is half of what it is asked for."""
    parts.discriminator = nn.Sequential(*parts.discriminator, nn.Sigmoid())
    parts.loss.real_label, parts.loss.fake_label, parts.loss.generator_label = 2.0, -2.0, 2.0
