"""Every operator of the earlier halves in the fifth half's plain and labelled loops, on its data.

Those of the first corpus in two cases, those of the later halves in one. What each does, its expected names,
its equivalents and its proof are the operator's own; where a network or a proof is made for other shapes, it
is built anew here. Operators that stand beside a distance are in `restored.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.failures.faults.base import measured
from benchmarks.failures.fifth.filed import replant
from benchmarks.failures.fifth.parts import FifthParts, first
from benchmarks.failures.fourth.replanted import _dead, _few_images, _noise_without_gradient
from benchmarks.failures.parts import Case
from benchmarks.failures.third.replanted import _batch_norm, _too_weak, _uneven

# -- first corpus: balance -------------------------------------------------------------------------
replant("perfect-discriminator-saturating-loss", "lightning minimax ellipses", "notebook minimax heart")
replant("perfect-discriminator-tiny-generator-step", "accelerated lsgan shoes", "agent bce stripes")
replant("gradient-dies-in-generator", "gradients bce heart", "runner bce linnerud")
replant("discriminator-too-weak", "notebook bce blobs", "lightning hinge heart", apply=_too_weak)
replant("rotation", "gradients bce heart dirac", "notebook bce blobs dirac")
replant("late-collapse", "accelerated bce heart", "lightning bce helix")

# -- first corpus: data ----------------------------------------------------------------------------
replant("unit-range-reals", "accelerated bce shoes", "runner hinge stripes")
replant("unscaled-reals", "notebook lsgan ellipses", "lightning bce sines")
replant("unstandardised-table", "condvec bce linnerud", "gradients wgan-gp orders")
replant("mean-and-deviation-normalised-reals", "agent lsgan shoes", "gradients hinge ellipses")
replant("lattice", "notebook bce stripes", "lightning hinge shoes")
replant("sampling-from-another-law", "gradients bce blobs", "agent lsgan sines")
replant("sampling-three-times-as-wide", "lightning bce helix", "accelerated hinge heart")
replant("constant-latent", "runner bce heart", "notebook lsgan sines")
replant("first-batch-for-ever", "agent bce ellipses", "gradients wgan-gp heart")
replant("sorted-and-unshuffled", "accelerated bce shoes", "runner lsgan blobs")
replant("duplicated-reals", "notebook hinge helix", "accelerated lsgan sines")
replant("labels-shuffled", "condvec bce blobs", "projection hinge shoes")
replant("missing-values", "agent bce helix", "condvec wgan-gp orders")
replant("corrupt-records", "gradients lsgan linnerud", "runner wgan-gp orders")


def _label_matters(run: Any) -> float:
    """Largest change of the scores when every label is exchanged."""
    network, samples = run.parts.discriminator.eval(), run.parts.source.samples[:64]
    labels = run.parts.source.labels[:64]
    other = (labels + 1) % run.parts.source.classes
    with torch.no_grad():
        return float((network(samples, labels) - network(samples, other)).abs().max())


replant(
    "label-not-used-by-discriminator",
    "projection hinge heart",
    "condvec lsgan linnerud",
    proof=measured("change of the scores when every label is exchanged", _label_matters, lambda v: v == 0.0),
)

# -- first corpus: constraint ----------------------------------------------------------------------
replant("penalty-over-wrong-axis", "runner wgan-gp shoes", "accelerated wgan-gp stripes")
replant("penalty-over-whole-batch", "gradients wgan-gp blobs", "runner wgan-gp orders")
replant("penalty-alpha-normal", "lightning wgan-gp heart", "agent wgan-gp stripes")
replant("penalty-root-of-zero", "notebook wgan-gp blobs", "accelerated wgan-gp ellipses")
replant("penalty-never-due", "gradients wgan-gp heart", "runner wgan-gp ellipses")
replant("weights-not-clipped", "notebook wgan-clip heart", "accelerated wgan-clip shoes")
replant("critic-magnitude-race", "gradients wgan-gp orders", "lightning wgan-gp shoes")
replant("gradient-clipped-to-nothing", "notebook bce blobs", "agent lsgan heart")
replant("wasserstein-with-large-rate", "runner wgan-clip sines", "lightning wgan-clip stripes")

# -- first corpus: diversity -----------------------------------------------------------------------
replant("collapse-to-one", "notebook bce heart", "accelerated bce shoes flat")
replant("collapse-to-three", "lightning bce blobs", "agent rahinge ellipses flat")
replant("collapsed-and-blind", "notebook lsgan heart", "gradients bce helix")
replant(
    "tiny-data",
    Case("runner", "bce", "shoes", steps=1000, network="flat"),
    Case("lightning", "bce", "stripes", steps=1100, network="flat"),
    apply=_few_images,
)
replant(
    "tiny-table",
    Case("lightning", "bce", "linnerud", steps=1000),
    Case("agent", "lsgan", "orders", steps=1100),
)


# -- first corpus: normalisation -------------------------------------------------------------------
def _batch_norm_anywhere(parts: FifthParts) -> None:
    """Real and fake go through the discriminator's BatchNorm in one batch."""
    if parts.case.style != "projection":
        _batch_norm(parts)
        return
    layers: list[nn.Module] = []
    for layer in parts.discriminator.trunk:
        layers.append(layer)
        if isinstance(layer, nn.Linear):
            layers.append(nn.BatchNorm1d(layer.out_features))
    parts.discriminator.trunk = nn.Sequential(*layers)


def _mates_matter(run: Any) -> float:
    """Change of the reals' scores with other batch mates, over the deviation of the scores."""
    network, real = run.parts.discriminator.train(), run.parts.source.samples[:96]
    other = torch.cat([real[:48], 0.3 * real[48:]])
    with torch.no_grad():
        alone, together = first(network(real))[:48], first(network(other))[:48]
    return float((alone - together).abs().mean() / alone.std().clamp_min(1e-6))


replant(
    "concatenated-batch-through-batchnorm",
    "agent bce ellipses",
    "projection hinge heart",
    apply=_batch_norm_anywhere,
    proof=measured(
        "change of a score by its batch mates, over the scores' deviation", _mates_matter, lambda v: v > 0.05
    ),
)
replant(
    "batchnorm-in-penalised-critic", "lightning wgan-gp blobs", "gradients wgan-gp sines", apply=_batch_norm
)
replant("normalisation-erases-latent", "agent lsgan blobs", "notebook wgan-gp ellipses")
replant("batchnorm-before-first-activation", "lightning bce heart", "accelerated bce linnerud")
replant("average-without-buffers", "agent hinge shoes", "runner lsgan stripes")
replant("average-too-slow", "agent hinge heart", "runner bce ellipses")
replant("stale-running-statistics", "notebook bce shoes", "accelerated lsgan stripes")
replant("deconvolution-overlap", "lightning lsgan shoes", "gradients bce stripes", apply=_uneven)
replant("init-misses-layers", "notebook lsgan ellipses", "lightning bce stripes")
replant("batchnorm-scale-near-zero", "runner bce shoes", "accelerated hinge ellipses")
replant("dead-relu-generator", "gradients bce helix", "lightning bce orders")
replant("saturated-tanh", "agent bce shoes flat", "notebook lsgan sines")

# -- first corpus: numerics ------------------------------------------------------------------------
replant("half-precision-overflow", "accelerated wgan-clip ellipses", "runner hinge heart")
replant("logarithm-of-zero", "lightning bce sines", "agent bce blobs")
replant("learning-rates-times-hundred", "gradients bce blobs", "agent hinge linnerud")
replant("discriminator-rate-times-thousand", "runner bce ellipses", "accelerated lsgan heart")
replant("discriminator-rate-starved", "notebook hinge heart", "lightning bce sines")
replant("momentum-without-regulariser", "notebook bce blobs", "accelerated bce helix")
replant("schedule-stepped-every-batch", "agent bce ellipses", "gradients rpgan heart")

# -- first corpus: plumbing ------------------------------------------------------------------------
replant("detached-in-generator-step", "gradients hinge blobs", "projection hinge shoes")
replant("discriminator-never-zeroed", "notebook lsgan helix", "gradients bce heart")
replant("generator-never-zeroed", "accelerated bce blobs", "lightning bce linnerud")
replant("zeroed-only-after-own-step", "notebook bce heart", "accelerated lsgan stripes")
replant("optimizer-holds-both", "runner bce helix", "lightning lsgan shoes")
replant("optimizer-misses-layers", "notebook bce ellipses", "accelerated bce orders")
replant("frozen-discriminator", "gradients lsgan linnerud", "agent bce heart")
replant("frozen-generator", "accelerated lsgan ellipses", "projection hinge orders")

# -- first corpus: wiring --------------------------------------------------------------------------
replant("double-sigmoid", "notebook bce helix", "runner bce shoes")
replant("sigmoid-on-critic", "lightning wgan-gp heart", "accelerated hinge stripes")
replant("sigmoid-and-bce-loss", "agent bce-sigmoid blobs", "notebook bce-sigmoid ellipses")
replant("clamped-logarithm", "gradients bce-sigmoid heart", "lightning bce-sigmoid shoes flat")
replant("generator-target-is-fake-label", "lightning bce ellipses", "condvec lsgan blobs")
replant("generator-sign-flipped", "runner wgan-clip heart", "gradients wgan-gp orders")
replant("relativistic-generator-arguments-swapped", "gradients rpgan blobs", "accelerated rpgan sines")
replant("discriminator-fake-target-is-real", "agent lsgan helix", "notebook bce orders")
replant("hinge-fake-term-copied", "projection hinge blobs", "accelerated hinge shoes")
replant("targets-broadcast", "notebook lsgan blobs", "runner lsgan ellipses")

# -- what the second half introduced ---------------------------------------------------------------
replant("other-labels-for-the-fakes", "projection hinge stripes")
replant("label-not-used-by-generator", "condvec bce heart")
replant("penalty-without-graph", "runner wgan-gp blobs")
replant("r1-times-ten-thousand", "runner bce heart")
replant("weights-clipped-to-nothing", "notebook wgan-clip blobs")
replant("dropout-nine-tenths", "accelerated bce heart")
replant("hinge-without-margin", "agent hinge blobs")
replant("normalised-twice", "gradients hinge stripes")
replant("integer-division", "lightning bce ellipses")
replant("constant-column-standardised", "accelerated bce linnerud")
replant("sampling-much-narrower", "notebook bce heart")
replant("latent-overwritten", "runner lsgan sines")
replant("signals-constant-in-time", "accelerated bce sines")
replant("same-latent-for-every-sample", "agent hinge helix")
replant("discriminator-rate-zero", "gradients bce shoes")
replant("generator-weight-decay-fifty", "notebook hinge orders")
replant("momentum-point-nine-nine", "runner lsgan heart")
replant("discriminator-gradient-clipped-to-nothing", "agent bce blobs")
replant("optimizer-of-the-other-network", "lightning bce helix")
replant("zeroed-between-backward-and-step", "accelerated hinge blobs")
replant("replayed-fakes", "agent lsgan heart")
replant("rounded-fakes", "notebook hinge ellipses")
replant("augmentation-without-gradient", "runner bce helix", apply=_noise_without_gradient)
replant("reals-term-with-wrong-sign", "condvec hinge linnerud")
replant("tanh-before-logit-loss", "lightning bce sines")
replant("softmax-over-one-score", "gradients bce orders")
replant("dead-last-layer", "notebook hinge linnerud")
replant("random-real-and-fake-labels", "accelerated bce blobs")
replant("fakes-in-the-reals-term", "notebook bce helix")
replant("constant-initialisation", "gradients lsgan orders")
replant("dead-relu-discriminator", "lightning bce heart", apply=_dead)
replant("norm-epsilon-for-momentum", "agent bce ellipses")
replant("generator-ends-in-relu", "notebook bce linnerud")
replant("generator-clamped-to-unit-range", "accelerated lsgan shoes")

# -- what the third half introduced ----------------------------------------------------------------
replant("average-never-updated", "agent bce heart")
replant("average-copied-back", "runner hinge blobs")
replant("discriminator-sees-averaged-fakes", "agent hinge helix")
replant("judged-with-another-batch's-labels", "condvec bce heart")
replant("labels-embedded-alike", "projection hinge shoes")
replant("fakes-in-pixels", "gradients lsgan ellipses")
replant("reals-augmented-out-of-range", "lightning bce shoes")
replant("tanh-for-standardised-data", "notebook bce helix")
replant("logarithm-of-zero-in-the-data", "runner bce linnerud")
replant("seed-in-the-loop", "accelerated bce blobs")
replant("latents-differ-between-players", "gradients bce helix")
replant("sampling-from-the-unit-cube", "agent bce orders")
replant("latents-a-ten-thousandth", "lightning lsgan blobs")
replant("reals-rounded-to-tenths", "notebook wgan-gp linnerud")
replant(
    "prior-of-another-scale",
    "accelerated lsgan heart",
    description="The generator is trained with latents from N(0, 25), samples are drawn from N(0, 1).",
)
replant("deviation-of-a-single-sample", "lightning bce heart std")
replant("reshape-mixes-samples", "runner bce sines")
replant("instance-norm-at-one-pixel", "gradients bce sines")
replant("styles-not-applied", "runner logistic heart style")
replant("noise-that-grows", "notebook bce heart")
replant("penalty-subtracted", "accelerated wgan-gp heart")
replant("penalty-of-the-mean-score", "lightning wgan-gp blobs")
replant("penalty-of-a-copy", "notebook wgan-gp orders")
replant("generator-weights-clipped", "gradients wgan-clip heart")
replant("head-replaced-after-optimizer", "accelerated bce ellipses")
replant("mapping-not-in-optimizer", "runner logistic helix style")
replant("blocks-in-a-plain-list", "notebook lsgan heart")
replant("optimizer-of-the-twin", "agent lsgan blobs twins")
replant("embedding-shared-by-both", "projection hinge heart")
replant("zeroed-under-the-print", "accelerated lsgan heart")
replant("discriminator-never-thawed", "runner bce blobs")
replant("wrong-network-frozen", "runner lsgan orders")
replant("gradients-clipped-before-backward", "accelerated lsgan helix")
replant("linear-decay-over-in-fifty-steps", "notebook bce ellipses")
replant("warm-up-without-end", "lightning hinge shoes")
replant("adam-epsilon-one", "agent bce helix")
replant("auxiliary-term-times-hundred", "condvec bce orders blind")
replant("auxiliary-term-forgotten", "condvec hinge orders blind")
replant("reals-term-overwritten", "runner bce stripes")
replant("fakes-term-forgotten", "agent hinge orders")
replant("both-sides-smoothed", "lightning lsgan helix")
replant("generator-judges-reals", "accelerated bce heart")
replant("no-grad-over-generator", "gradients bce orders")
replant("labels-reversed-for-one-player", "notebook bce shoes")
replant("generator-copies-fake-term", "projection hinge heart")
replant("chunks-exchanged", "projection hinge blobs")
replant("optimizer-maximises-generator", "agent bce heart")
replant("targets-twice-as-far-from-scores", "gradients lsgan helix")

# -- what the fourth half introduced ---------------------------------------------------------------
replant("reals-clamped-at-zero", "agent lsgan ellipses")
replant("one-channel-left-in-pixels", "gradients lsgan stripes")
replant("one-column-in-other-units", "lightning bce linnerud")
replant("missing-images-as-black", "accelerated bce stripes")
replant("workers-draw-the-same-batches", "runner bce blobs")
replant("latents-from-a-small-table", "notebook bce heart")
replant("sampling-with-an-offset", "agent hinge blobs")
replant("hard-one-hot-reals", "gradients bce orders")
replant("images-standardised-by-themselves", "notebook lsgan shoes")
replant("packs-of-one-row", "lightning bce linnerud packed")
replant("dropout-after-the-output", "accelerated lsgan shoes")
replant("discriminator-weights-times-fifty", "notebook bce helix")
replant("generator-weights-near-zero", "gradients lsgan heart")
replant("first-latent-for-the-batch", "agent bce blobs")
replant("latent-through-one-number", "accelerated bce linnerud")
replant("one-sided-penalty-reversed", "runner wgan-gp heart")
replant("clamp-without-assignment", "notebook wgan-clip orders")
replant("clipping-bound-that-shrinks", "lightning wgan-clip heart")
replant("closure-without-backward", "lightning bce blobs")
replant("generator-trained-through-a-copy", "notebook bce heart")
replant("rule-of-thumb-inverted", "agent hinge heart")
replant("critic-steps-exchanged", "agent bce heart")
replant("grown-after-the-optimizer", "runner logistic ellipses growing")
replant("fade-in-never-starts", "runner logistic shoes growing")
replant("average-updated-every-thousandth-step", "runner bce shoes")
replant("weights-reloaded-now-and-then", "accelerated bce blobs")
replant("rates-that-grow", "gradients bce heart")
replant("discriminator-weight-decay-fifty", "notebook bce heart")
replant("second-moment-forgotten", "lightning lsgan helix")
replant("discriminator-on-slow-sgd", "agent lsgan blobs")
replant("generator-on-slow-sgd", "notebook lsgan linnerud")
replant("restart-at-a-thousand-times-the-rate", "condvec hinge heart")
replant("criterion-arguments-exchanged", "runner bce heart")
replant("hinge-behind-sigmoid", "gradients hinge helix")
replant("discriminator-loss-negated", "accelerated hinge blobs")
replant("optimizer-maximises-discriminator", "notebook bce blobs")
replant("softmax-over-the-batch", "agent bce linnerud")
replant("scores-standardised-over-the-batch", "lightning bce linnerud")
replant("argmax-in-generator", "notebook lsgan strands")
replant("fakes-through-numpy", "runner lsgan shoes")
replant("loss-remade-as-a-tensor", "accelerated bce stripes")
replant("mean-over-an-empty-mask", "lightning bce blobs")
replant("tanh-twice", "agent lsgan shoes")
replant("generator-ends-in-sigmoid", "gradients hinge ellipses")


def _never_due(parts: FifthParts) -> None:
    """`if step % n_critic == n_critic:` stands in front of the generator's step: it is never true."""
    parts.generator_due = lambda step: step % 5 == 5


replant("generator-step-never-due", "accelerated bce helix", apply=_never_due)


def _step_first(parts: FifthParts) -> None:
    """zero_grad, step, backward: every step is taken without a gradient."""
    parts.step_before_backward, parts.accumulate = True, 1


replant("step-before-backward", "accelerated bce linnerud", apply=_step_first)
