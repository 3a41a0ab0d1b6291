"""Healthy variants of the fifth half: its loops as they are, and every false-alarm trap of the earlier
halves in them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.failures.fifth.filed import replant
from benchmarks.failures.fifth.parts import FifthParts
from benchmarks.failures.parts import Case, r1_penalty
from benchmarks.failures.third.replanted import _batch_norm

replant(
    "ordinary",
    "lightning bce heart",
    "lightning lsgan blobs",
    "lightning bce shoes",
    "lightning wgan-gp orders",
    "lightning bce helix std",
    "lightning bce linnerud packed",
    "agent bce blobs",
    "agent hinge ellipses",
    "agent lsgan blobs twins",
    "notebook bce heart",
    "notebook lsgan stripes",
    Case("notebook", "wgan-clip", "helix", steps=1000),
    "notebook bce strands",
    "notebook bce-sigmoid ellipses",
    "runner hinge heart",
    Case("runner", "logistic", "helix", steps=1000, network="style"),
    "runner logistic ellipses growing",
    "gradients bce blobs",
    "gradients rpgan heart",
    "gradients lsgan orders",
    "accelerated bce helix",
    "accelerated ragan blobs",
    "accelerated bce sines",
    "projection hinge blobs",
    "projection bce shoes",
    "condvec bce orders",
    Case("condvec", "bce", "orders", steps=900, network="blind"),
    "condvec bce linnerud",
    "inpaint lsgan shoes",
    "denoise lsgan sines",
)

# -- the traps of the first corpus ------------------------------------------------------------------
replant("relativistic-hinge-at-zero", "accelerated rahinge heart", "agent rahinge ellipses")
replant("large-negative-wasserstein-loss", "gradients wgan-gp linnerud", "runner wgan-gp sines")
replant("composite-with-strong-discriminator", "inpaint bce ellipses")
replant("composite-ordinary", "inpaint hinge shoes")
replant("reversed-labels", "notebook bce heart", "lightning lsgan ellipses", "condvec bce blobs")
replant("reversed-critic-sign", "gradients wgan-gp heart", "projection hinge helix")
replant("undetached-but-zeroed", "notebook bce blobs", "notebook bce shoes")
replant("least-squares-that-oscillates", "accelerated lsgan stripes")
replant("similar-at-first", "gradients bce helix", "agent bce shoes flat")
replant("clip-before-step", Case("notebook", "wgan-clip", "helix", steps=700, network="before"))
replant(
    "slow-but-fine",
    Case("agent", "bce", "heart", steps=1300, network="slow"),
    Case("lightning", "lsgan", "helix", steps=1200, network="slow"),
)
replant("score-in-a-dictionary", "runner bce shoes dict", "lightning hinge heart tuple")
replant("gradient-accumulation", "accelerated lsgan heart")
replant("optimizers-after-watch", "gradients lsgan blobs", "runner bce helix")
replant("one-sided-smoothing", "notebook bce heart smooth")
replant("minimax-that-works", "gradients minimax heart")


def _linear_end(parts: FifthParts) -> None:
    """The generator's output is linear and the reals are in [-1, 1]."""
    parts.generator = nn.Sequential(*[m for m in parts.generator if not isinstance(m, nn.Tanh)])


replant("no-tanh-by-design", "runner hinge shoes linear", apply=_linear_end)
replant("batchnorm-in-critic-that-works", "runner wgan-gp helix bn", apply=_batch_norm)

# -- the traps of the second half -------------------------------------------------------------------
replant("strong-discriminator-beside-pixel-term", "denoise bce sines")
replant("instance-noise", "lightning bce heart", "runner bce shoes")
replant("two-time-scales", "accelerated hinge blobs")
replant("dropout-in-discriminator", "notebook bce helix")
replant("two-generator-steps", "agent bce heart")
replant("small-learning-rates", Case("runner", "hinge", "shoes", steps=500, network="small"))
replant("rare-class", "projection bce heart")
replant("saturating-that-works", "runner minimax heart")
replant("r1-at-every-step", "lightning bce blobs")

# -- the traps of the third half --------------------------------------------------------------------
replant("hinge-beside-reconstruction", "denoise hinge sines")
replant("strong-discriminator-beside-distance", "inpaint lsgan stripes")
replant("warm-up-without-adversary", "denoise lsgan sines warm")
replant("summed-losses", "lightning bce heart")
replant("small-batches", Case("accelerated", "lsgan", "helix", steps=900, network="small"))
replant("large-penalty-at-reals", "gradients bce blobs")
replant("discriminator-with-dropout", "agent bce blobs")
replant("decay-to-zero-at-the-end", "condvec bce blobs", "agent lsgan ellipses")
replant("pretrained-generator", "lightning lsgan heart")
replant("frozen-feature-extractor", "notebook bce blobs")
replant("data-with-duplicates", "runner logistic helix")
replant("three-critic-steps", "projection hinge ellipses thrice")
replant("clipping-that-never-acts", "accelerated bce blobs")
replant("augmented-reals-and-fakes", "lightning bce sines")
replant("average-of-long-memory", Case("agent", "bce", "blobs", steps=1000))


def _slow_mapping(parts: FifthParts) -> None:
    """The mapping network's learning rate is a hundredth of the synthesis network's."""
    make = parts.optimizers

    def grouped(generator: Any, discriminator: nn.Module) -> tuple[torch.optim.Optimizer, ...]:
        opt_g, opt_d = make(generator.synthesis, discriminator)
        rate = 0.01 * opt_g.param_groups[0]["lr"]
        opt_g.add_param_group({"params": list(generator.mapping.parameters()), "lr": rate})
        return opt_g, opt_d

    parts.optimizers = grouped


replant(
    "slow-mapping-network",
    Case("runner", "logistic", "heart", steps=1000, network="style"),
    apply=_slow_mapping,
)


def _lazy(parts: FifthParts) -> None:
    """R1 every eighth step, with eight times its weight (the loop multiplies it)."""
    parts.penalty, parts.penalty_every, parts.penalty_weight = r1_penalty, 8, 0.05


replant("lazy-penalty-at-reals", "agent bce linnerud", apply=_lazy)

# -- the traps of the fourth half -------------------------------------------------------------------
replant("labels-flipped-now-and-then", "gradients bce helix")
replant("soft-random-labels", "accelerated bce heart")
replant("clipping-that-acts", "runner hinge blobs")
replant("rule-that-skips-the-stronger-player", "notebook lsgan heart")
replant("latents-on-the-sphere", "lightning lsgan blobs")
replant("uniform-latents", "agent bce heart")
replant("discriminator-warmed-up-first", "notebook bce blobs warm")
replant("discriminator-from-a-warm-up-of-reconstruction", "inpaint hinge ellipses late")
replant("weight-decay-as-usual", "accelerated lsgan ellipses")
replant("batches-that-lean-to-one-class", "runner bce helix classes")
replant("larger-second-network", "notebook bce heart wide")
replant("momentum-with-penalty", "lightning wgan-gp linnerud")
