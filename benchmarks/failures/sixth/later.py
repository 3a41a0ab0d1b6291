"""The operators that the second, third and fourth half introduced, each in one published loop.

What each does, its expected names, its equivalents and its proof are the operator's own. Operators that stand
beside a distance are in `beside.py`.
"""

from __future__ import annotations

from benchmarks.failures.fifth.replanted import _never_due
from benchmarks.failures.fourth.replanted import _dead, _noise_without_gradient
from benchmarks.failures.sixth.filed import replant
from benchmarks.failures.sixth.parts import SixthParts

# -- what the second half introduced -----------------------------------------------------------------
replant("other-labels-for-the-fakes", "stability bce discs")
replant("label-not-used-by-generator", "stability bce lissajous")
replant("penalty-without-graph", "mimicry wgan-gp clover")
replant("r1-times-ten-thousand", "lazyreg logistic sphere")
replant("weights-clipped-to-nothing", "collection wgan-clip lissajous")
replant("dropout-nine-tenths", "ignite bce components")
replant("hinge-without-margin", "mimicry hinge clover")
replant("normalised-twice", "diffaug hinge discs")
replant("integer-division", "collection bce bars")
replant("constant-column-standardised", "stability bce components")
replant("sampling-much-narrower", "diffaug hinge lissajous")
replant("latent-overwritten", "lazyreg logistic sawtooth")
replant("signals-constant-in-time", "collection bce bursts")
replant("same-latent-for-every-sample", "mimicry hinge sphere")
replant("discriminator-rate-zero", "mutual bce bars")
replant("generator-weight-decay-fifty", "collection bce components")
replant("momentum-point-nine-nine", "ignite lsgan lissajous")
replant("discriminator-gradient-clipped-to-nothing", "mimicry bce clover")
replant("optimizer-of-the-other-network", "labelmaps bce sphere")
replant("zeroed-between-backward-and-step", "mimicry hinge clover")
replant("replayed-fakes", "ignite lsgan clover")
replant("rounded-fakes", "collection lsgan bars")
replant("augmentation-without-gradient", "diffaug hinge sphere", apply=_noise_without_gradient)
replant("reals-term-with-wrong-sign", "mimicry hinge components")
replant("tanh-before-logit-loss", "ignite bce sawtooth")
replant("softmax-over-one-score", "collection bce weather")
replant("dead-last-layer", "ignite bce components")
replant("random-real-and-fake-labels", "lazyreg bce clover")
replant("fakes-in-the-reals-term", "collection bce sphere")
replant("constant-initialisation", "mimicry lsgan weather")
replant("dead-relu-discriminator", "ignite bce lissajous", apply=_dead)
replant("norm-epsilon-for-momentum", "mutual bce bars")
replant("generator-ends-in-relu", "collection bce components")
replant("generator-clamped-to-unit-range", "lazyreg logistic clothes")

# -- what the third half introduced ------------------------------------------------------------------
replant("average-never-updated", "diffaug hinge bars")
replant("average-copied-back", "lazyreg logistic clover")
replant("discriminator-sees-averaged-fakes", "lazyreg logistic sphere")
replant("judged-with-another-batch's-labels", "labelmaps bce lissajous")
replant("labels-embedded-alike", "stability bce clothes")
replant("fakes-in-pixels", "ignite lsgan bars")
replant("reals-augmented-out-of-range", "collection bce clothes")
replant("tanh-for-standardised-data", "mimicry hinge sphere")
replant("logarithm-of-zero-in-the-data", "ignite bce components")
replant("seed-in-the-loop", "mimicry bce clover")
replant("latents-differ-between-players", "lazyreg bce lissajous")
replant("sampling-from-the-unit-cube", "collection bce weather")
replant("latents-a-ten-thousandth", "diffaug hinge lissajous")
replant("reals-rounded-to-tenths", "collection wgan-gp components")
replant(
    "prior-of-another-scale",
    "collection lsgan clover",
    description="The generator is trained with latents from N(0, 25), samples are drawn from N(0, 1).",
)
replant("deviation-of-a-single-sample", "ignite bce sphere std")
replant("reshape-mixes-samples", "mimicry bce bursts")
replant("instance-norm-at-one-pixel", "ignite bce discs")
replant("styles-not-applied", "lazyreg logistic bars style")
replant("noise-that-grows", "ignite bce sphere")
replant("penalty-subtracted", "collection wgan-gp weather")
replant("penalty-of-the-mean-score", "mimicry wgan-gp lissajous")
replant("penalty-of-a-copy", "collection wgan-gp sphere")
replant("generator-weights-clipped", "collection wgan-clip clover")
replant("head-replaced-after-optimizer", "ignite bce clothes")
replant("mapping-not-in-optimizer", "lazyreg logistic lissajous style")
replant("blocks-in-a-plain-list", "mimicry bce sphere")
replant("zeroed-under-the-print", "labelmaps bce clover")
replant("discriminator-never-thawed", "lazyreg logistic clover")
replant("wrong-network-frozen", "lazyreg logistic weather")
replant("gradients-clipped-before-backward", "collection lsgan lissajous")
replant("linear-decay-over-in-fifty-steps", "diffaug hinge clothes")
replant("warm-up-without-end", "mimicry hinge discs")
replant("adam-epsilon-one", "stability bce sphere")
replant("auxiliary-term-times-hundred", "mutual bce clover")
replant("reals-term-overwritten", "collection bce discs")
replant("fakes-term-forgotten", "diffaug hinge clover")
replant("both-sides-smoothed", "ignite lsgan sphere")
replant("generator-judges-reals", "mimicry bce lissajous")
replant("no-grad-over-generator", "labelmaps lsgan weather")
replant("labels-reversed-for-one-player", "mutual bce discs")
replant("generator-copies-fake-term", "stability logistic clover")
replant("optimizer-maximises-generator", "collection bce sphere")
replant("targets-twice-as-far-from-scores", "ignite lsgan clover")

# -- what the fourth half introduced -----------------------------------------------------------------
replant("reals-clamped-at-zero", "mutual lsgan clothes")
replant("one-channel-left-in-pixels", "mimicry lsgan discs")
replant("one-column-in-other-units", "collection bce weather")
replant("missing-images-as-black", "ignite bce discs")
replant("workers-draw-the-same-batches", "lazyreg logistic sphere")
replant("latents-from-a-small-table", "collection bce lissajous")
replant("sampling-with-an-offset", "mimicry hinge clover")
replant("hard-one-hot-reals", "ignite bce weather")
replant("images-standardised-by-themselves", "collection lsgan bars")
replant("dropout-after-the-output", "ignite lsgan clothes")
replant("discriminator-weights-times-fifty", "collection bce clover")
replant("generator-weights-near-zero", "mimicry lsgan lissajous")
replant("first-latent-for-the-batch", "lazyreg logistic clover")
replant("latent-through-one-number", "ignite bce components")
replant("one-sided-penalty-reversed", "mimicry wgan-gp components")
replant("clamp-without-assignment", "collection wgan-clip weather")
replant("clipping-bound-that-shrinks", "collection wgan-clip sphere")
replant("generator-trained-through-a-copy", "mimicry hinge lissajous")
replant("rule-of-thumb-inverted", "ignite bce clover")
replant("generator-step-never-due", "collection bce sphere", apply=_never_due)
replant("critic-steps-exchanged", "ignite bce sphere")
replant("average-updated-every-thousandth-step", "stability bce bars")
replant("weights-reloaded-now-and-then", "collection bce components")
replant("rates-that-grow", "ignite bce lissajous")
replant("discriminator-weight-decay-fifty", "mimicry bce sphere")
replant("second-moment-forgotten", "collection lsgan lissajous")
replant("discriminator-on-slow-sgd", "labelmaps lsgan clover")
replant("generator-on-slow-sgd", "ignite lsgan weather")
replant("restart-at-a-thousand-times-the-rate", "lazyreg logistic lissajous")
replant("criterion-arguments-exchanged", "collection bce clover")
replant("hinge-behind-sigmoid", "mimicry hinge lissajous")
replant("discriminator-loss-negated", "ignite hinge sphere")
replant("optimizer-maximises-discriminator", "collection bce lissajous")
replant("softmax-over-the-batch", "mimicry bce weather")
replant("scores-standardised-over-the-batch", "ignite bce clover")
replant("fakes-through-numpy", "collection lsgan discs")
replant("loss-remade-as-a-tensor", "mutual bce lissajous")
replant("mean-over-an-empty-mask", "mimicry bce lissajous")
replant("tanh-twice", "collection lsgan bars")
replant("generator-ends-in-sigmoid", "diffaug hinge bars")


def _step_first(parts: SixthParts) -> None:
    """zero_grad, step, backward: every step is taken without a gradient."""
    parts.step_before_backward = True
    parts.detach_for_discriminator = True


replant("step-before-backward", "collection bce components", apply=_step_first)
