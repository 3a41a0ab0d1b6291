"""Remedies that several checks prescribe, so that one cure has one name and one text.

`safe` keeps the mathematics of the loop, `unsafe` changes the game that is played, `display-only` needs the
user (data or architecture). Sources of the numbers are given in the checks that prescribe them.
"""

from __future__ import annotations

from typing import NamedTuple

from equipoise.checks.finding import Cure, Remedy, Safety


class _Row(NamedTuple):
    name: str
    safety: Safety
    text: str


_ROWS = (
    _Row(
        "non-saturating-loss",
        "unsafe",
        "Train the generator to maximise log D(G(z)), that is to minimise softplus(-logit) (BCE with target "
        '"real"), instead of minimising log(1 - D(G(z))): its slope tends to 1, not to 0, when the '
        "discriminator wins.",
    ),
    _Row(
        "fused-logit-loss",
        "safe",
        "Let the discriminator return logits and use the fused loss (BCEWithLogitsLoss or softplus) in "
        "place of a sigmoid followed by a logarithm: same value, but no clamp at which the gradient is "
        "zero.",
    ),
    _Row(
        "r1-penalty",
        "unsafe",
        "Add the R1 penalty (gamma / 2) E|dD/dx|^2 at real samples to the discriminator's loss: start "
        "with gamma = 0.0002 * resolution^2 / batch size for images, 1 for 2-D or tabular data; double "
        "it while the finding stays.",
    ),
    _Row(
        "r1-and-r2-penalty",
        "unsafe",
        "Add R1 at the reals and R2 at the fakes, (gamma / 2) E|dD/dx|^2 each with gamma 0.1 to 1, and "
        "anneal gamma tenfold once all modes are there.",
    ),
    _Row(
        "wasserstein-gradient-penalty",
        "unsafe",
        "Use the Wasserstein loss with a gradient penalty: lambda = 10 at per-sample U(0, 1) "
        "interpolates, five critic steps per generator step, Adam with betas (0, 0.9), no batch norm "
        "in the critic.",
    ),
    _Row(
        "instance-noise",
        "unsafe",
        "Add Gaussian noise to reals and fakes before the discriminator, in both players' steps: standard "
        "deviation 0.1 to 0.5 of the data's, annealed to 0, so that the supports overlap.",
    ),
    _Row(
        "spectral-normalisation",
        "unsafe",
        "Put spectral normalisation on every weight layer of the discriminator (torch.nn.utils."
        "parametrizations.spectral_norm, one power iteration).",
    ),
    _Row(
        "weight-clipping",
        "unsafe",
        "Clip the critic's weights to [-0.01, 0.01] after each of its steps, with RMSprop at 5e-5; a "
        "gradient penalty is usually better.",
    ),
    _Row(
        "one-sided-label-smoothing",
        "unsafe",
        "Use 0.9 instead of 1 as the target of real samples (fakes stay at 0).",
    ),
    _Row(
        "noisy-labels",
        "unsafe",
        "Swap the discriminator's targets for a random 5 % of the samples.",
    ),
    _Row(
        "fewer-discriminator-steps",
        "unsafe",
        "Update the discriminator less often: one step for each generator step, or one for every two.",
    ),
    _Row(
        "lower-discriminator-learning-rate",
        "unsafe",
        "Lower the discriminator's learning rate by a factor of 4, the generator's stays.",
    ),
    _Row(
        "higher-discriminator-learning-rate",
        "unsafe",
        "Raise the discriminator's learning rate to 2 to 4 times the generator's (two time-scale rule).",
    ),
    _Row(
        "lower-learning-rates",
        "unsafe",
        "Divide both learning rates by 10 and start again from a checkpoint before the trouble began; Adam "
        "with 1e-4 to 2e-4 and beta1 0 to 0.5 is the field's usual range.",
    ),
    _Row(
        "lower-first-moment",
        "unsafe",
        "Lower Adam's beta1 to 0 or 0.5: momentum drives the rotation of two players.",
    ),
    _Row(
        "initialise-weights",
        "display-only",
        "Start again with an initialisation that keeps the signal's size from layer to layer: N(0, "
        "0.02) with batch norm (DCGAN), He initialisation otherwise.",
    ),
    _Row(
        "leaky-activation",
        "display-only",
        "Replace ReLU and sigmoid inside the network by LeakyReLU with slope 0.2, which always passes "
        "a gradient.",
    ),
    _Row(
        "shorter-gradient-path",
        "display-only",
        "Give the generator residual or skip connections, or normalisation between its layers, so that the "
        "gradient reaches the first ones.",
    ),
    _Row(
        "minibatch-standard-deviation",
        "unsafe",
        "Give the discriminator a minibatch standard deviation map (groups of 4) before its last block.",
    ),
    _Row(
        "minibatch-discrimination",
        "unsafe",
        "Give the discriminator a minibatch discrimination layer on its features (100 kernels of 5 "
        "dimensions for 32-pixel images); with zero outgoing weights it can join a trained "
        "discriminator without a jump.",
    ),
    _Row(
        "packing",
        "unsafe",
        "Let the discriminator judge packs of 2 to 4 samples concatenated along the channels (PacGAN); "
        "only its first layer grows.",
    ),
    _Row(
        "microbatch-discrimination",
        "unsafe",
        "Use several discriminators, each judging its own part of the batch as real or fake and, with "
        "a growing weight alpha, the other parts as outside (microbatchGAN).",
    ),
    _Row(
        "relativistic-loss",
        "unsafe",
        "Use the relativistic pairing loss softplus(-(D(real) - D(fake))) with R1 and R2: it has no "
        "basin in which dropping modes pays.",
    ),
    _Row(
        "feature-matching",
        "unsafe",
        "Add to the generator's loss the squared distance between the mean discriminator features of "
        "reals and fakes.",
    ),
    _Row(
        "mode-seeking-loss",
        "unsafe",
        "Add the mode-seeking term: reward the distance of two outputs over the distance of their "
        "latents at the same condition.",
    ),
    _Row(
        "generator-average",
        "safe",
        "Sample from an exponential moving average of the generator (half-life 500 to 10,000 steps, "
        "batch norm buffers copied too): it stands in the middle of the rotation.",
    ),
    _Row(
        "clip-gradients",
        "unsafe",
        "Clip the gradient by norm at ten times its running median. This contains the spikes, it does not "
        "remove what makes them.",
    ),
    _Row(
        "roll-back",
        "unsafe",
        "Go back to the last checkpoint before the collapse and go on with both learning rates halved, "
        "or stop there. This contains the collapse, it does not remove its cause.",
    ),
    _Row(
        "differentiable-augmentation",
        "unsafe",
        "Augment reals and fakes alike before the discriminator, in both players' steps and differentiably "
        "(DiffAugment: colour, translation 1/8, cutout 1/2).",
    ),
    _Row(
        "more-data",
        "display-only",
        "Get more real samples, or start from a model trained on a larger, similar data set.",
    ),
    _Row(
        "normalise-data",
        "display-only",
        "Normalise the data to [-1, 1] or to mean 0 and standard deviation 1 before both players see it.",
    ),
    _Row(
        "train-discriminator",
        "display-only",
        "Make sure that the discriminator is really trained: its parameters in its own optimizer, "
        "learning rate above 0, zero_grad before its backward, requires_grad restored after the "
        "generator's step.",
    ),
    _Row(
        "larger-discriminator",
        "display-only",
        "Give the discriminator more capacity: twice the channels, or one more layer.",
    ),
)
_CURES = {row.name: row for row in _ROWS}


def root(*names: str) -> tuple[Remedy, ...]:
    """The named remedies where they remove the cause.

    Example:
        >>> root("r1-penalty")[0].cure
        'root'
    """
    return _remedies("root", names)


def symptomatic(*names: str) -> tuple[Remedy, ...]:
    """The named remedies where they hide or delay the fault."""
    return _remedies("symptomatic", names)


def _remedies(cure: Cure, names: tuple[str, ...]) -> tuple[Remedy, ...]:
    return tuple(Remedy(name, _CURES[name].text, cure, _CURES[name].safety) for name in names)
