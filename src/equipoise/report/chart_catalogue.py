"""Which signals the page draws together, section by section."""

from __future__ import annotations

from equipoise.report.line_chart import Chart, Line

SCORES = (
    Chart(
        "Do the scores tell real from fake?",
        (Line("score.auc", "AUC of the scores", "third"),),
        "The chance that a random real scores above a random fake: 0.5 is a coin, 1 a complete separation.",
        low=0.0,
        high=1.0,
        reference=(0.5, "coin"),
    ),
    Chart(
        "Mean scores",
        (
            Line("score.real.mean", "reals", "real"),
            Line("score.fake.mean", "fakes", "fake"),
            Line("score.generator.mean", "fakes in the generator's step", "third"),
        ),
        "As the discriminator gives them, before a final sigmoid where there is one.",
    ),
    Chart(
        "Standardised gap",
        (Line("score.gap", "gap in standard deviations", "third"),),
        "Mean of the reals less mean of the fakes, over their pooled spread.",
        reference=(0.0, "no gap"),
    ),
    Chart(
        "On the right side of the boundary",
        (Line("score.accuracy.real", "reals", "real"), Line("score.accuracy.fake", "fakes", "fake")),
        low=0.0,
        high=1.0,
        reference=(0.5, "half"),
    ),
)

GRADIENT = (
    Chart(
        "Stations of the gradient",
        (
            Line("slope.generator.size", "loss: |dL/ds|", "third"),
            Line("discriminator.slope", "discriminator: |ds/dx| at the fakes", "discriminator"),
            Line("gradient.samples", "arrives at the samples: |dL/dx|", "fake"),
            Line("gradient.generator", "generator: |dL/dθ|", "generator"),
        ),
        "Each has its own unit: look at which of them falls away, and first.",
    ),
    Chart(
        "Share of fakes with no gradient at all",
        (
            Line("slope.generator.zero", "slope of the loss exactly zero", "third"),
            Line("gradient.samples.zero", "gradient at the sample exactly zero", "fake"),
        ),
        low=0.0,
        high=1.0,
    ),
)

LOSSES = (
    Chart(
        "Losses",
        (
            Line("loss.generator", "generator", "generator"),
            Line("loss.discriminator", "discriminator", "discriminator"),
        ),
        "Without penalties, reconstructed from the loss family and the scores, or as logged. "
        "A level alone proves nothing.",
    ),
    Chart(
        "The two halves of the discriminator's loss",
        (Line("loss.discriminator.real", "reals", "real"), Line("loss.discriminator.fake", "fakes", "fake")),
    ),
    Chart(
        "Other terms in the log",
        (
            Line("loss.reconstruction", "reconstruction", "generator"),
            Line("loss.penalty", "penalty", "discriminator"),
        ),
    ),
)

PARAMETERS = (
    Chart(
        "Gradient norms",
        (
            Line("gradient.generator", "generator", "generator"),
            Line("gradient.discriminator", "discriminator", "discriminator"),
        ),
        "Over all parameters, as the optimizer sees them.",
    ),
    Chart(
        "Size of an update against the weights",
        (
            Line("update.generator", "generator", "generator"),
            Line("update.discriminator", "discriminator", "discriminator"),
        ),
        "A rule of thumb is 0.001; 0 is a network that does not move.",
    ),
    Chart(
        "Largest singular value",
        (
            Line("spectral.generator", "generator", "generator"),
            Line("spectral.discriminator", "discriminator", "discriminator"),
        ),
        "Over the selected layers; a steady climb goes before some collapses.",
    ),
    Chart(
        "Gradient left over from elsewhere",
        (
            Line("gradient.generator.stale", "generator, before its own backward pass", "generator"),
            Line("gradient.discriminator.stale", "discriminator, before its own", "discriminator"),
        ),
        "Over the gradient after it; 0 where every step starts clean.",
    ),
    Chart(
        "Units that are zero for a whole batch",
        (
            Line("activation.dead", "generator's worst layer", "generator"),
            Line("activation.dead.discriminator", "discriminator's worst layer", "discriminator"),
        ),
        low=0.0,
        high=1.0,
    ),
)

DIVERSITY = (
    Chart(
        "Spread of the fakes against the reals'",
        (
            Line("sample.distance.ratio", "mean distance, values", "fake"),
            Line("feature.distance.ratio", "mean distance, discriminator's features", "discriminator"),
            Line("sample.spread.ratio", "standard deviation across the batch", "third"),
        ),
        "1 is as diverse as the reals, near 0 is a collapse.",
        reference=(1.0, "as the reals"),
    ),
    Chart(
        "Coverage and duplicates",
        (
            Line("sample.coverage", "reals that have a fake nearby", "real"),
            Line("sample.fake.duplicates", "fakes with a twin", "fake"),
            Line("sample.real.duplicates", "reals with a twin", "third"),
        ),
        low=0.0,
        high=1.0,
    ),
    Chart(
        "Distance of a fake to its nearest real",
        (Line("sample.nearest.ratio", "over a real's to its nearest other real", "fake"),),
        "1 where fakes are as close to the reals as reals are to each other.",
        reference=(1.0, "as the reals"),
    ),
    Chart("Quality metric", (Line("quality", "lower is better", "third"),)),
)

DATA = (
    Chart(
        "Range of the values",
        (
            Line("sample.real.low", "reals, smallest", "real"),
            Line("sample.real.high", "reals, largest", "real"),
            Line("sample.fake.low", "fakes, smallest", "fake"),
            Line("sample.fake.high", "fakes, largest", "fake"),
        ),
        "As the discriminator is given them.",
    ),
    Chart(
        "Values on the reals' lattice",
        (Line("sample.real.lattice", "reals", "real"), Line("sample.fake.lattice", "fakes", "fake")),
        "Reals that are all whole 255ths give themselves away where fakes are not.",
        low=0.0,
        high=1.0,
    ),
    Chart(
        "Spread of the latents",
        (
            Line("latent.std", "while training", "third"),
            Line("latent.sampling.std", "in calls for samples", "fake"),
        ),
    ),
    Chart(
        "Batches seen before",
        (
            Line("batch.real.repeated", "reals seen before", "real"),
            Line("latent.repeated", "latents seen before", "fake"),
        ),
        low=0.0,
        high=1.0,
    ),
)

PENALTIES = (
    Chart(
        "Steepness where the loop measured it",
        (Line("penalty.gradient", "mean |ds/dx| at its points", "discriminator"),),
        "At the inputs at which the loop itself differentiated it; a gradient penalty of WGAN-GP wants 1.",
        reference=(1.0, "1"),
    ),
    Chart(
        "Steepness at reals and fakes",
        (
            Line("discriminator.slope.real", "|ds/dx| at reals", "real"),
            Line("discriminator.slope", "|ds/dx| at fakes", "fake"),
        ),
    ),
    Chart(
        "Probability of augmentation", (Line("augmentation.probability", "p", "third"),), low=0.0, high=1.0
    ),
)

COST = (
    Chart("Time of a step", (Line("time.step", "seconds", "third"),)),
    Chart(
        "Share of it spent watching", (Line("time.watching", "in the hooks of this record's step", "third"),)
    ),
)
