"""Every signal that watching may record over time.

Words used in the formulas: a *score* s is the number that the discriminator gives a sample, taken before
a final sigmoid where there is one; it is *oriented* when multiplied by the fact `score.orientation` (+1 if
higher means real, -1 otherwise). x are samples, L_D and L_G the two players' losses, N the number of scores
in the batch (patches count). AUC is the probability that a random real scores above a random fake (ties
one half). "RMS" is the root of the mean square. All statistics are of one batch at one step.
"""

from __future__ import annotations

from equipoise.history.entries import Kind, Signal


def _signals(*rows: tuple[str, str, str] | tuple[str, str, str, Kind]) -> dict[str, Signal]:
    return {row[0]: Signal(*row) for row in rows}


_ENERGIES = {
    "real": "reals",
    "fake": "fakes in the discriminator's step",
    "generator": "fakes in the generator's step",
}

SIGNALS: dict[str, Signal] = _signals(
    # ---- scores in the discriminator's step
    ("score.real.mean", "score", "mean of s over real samples, as the discriminator gave them"),
    ("score.real.std", "score", "standard deviation of s over real samples"),
    ("score.fake.mean", "score", "mean of s over fakes in the discriminator's step"),
    ("score.fake.std", "score", "standard deviation of s over fakes in the discriminator's step"),
    ("score.generator.mean", "score", "mean of s over fakes in the generator's step"),
    ("score.generator.std", "score", "standard deviation of s over fakes in the generator's step"),
    ("score.auc", "probability", "AUC of the oriented scores, real against fake"),
    (
        "score.gap",
        "standard deviations",
        "(mean real - mean fake) / sqrt((var real + var fake) / 2), oriented",
    ),
    ("score.accuracy.real", "share", "share of reals on the real side of the decision boundary"),
    ("score.accuracy.fake", "share", "share of fakes on the fake side of the decision boundary"),
    ("score.real.histogram", "count", "counts of s(real) in 32 bins from the edges signal", "vector"),
    ("score.fake.histogram", "count", "counts of s(fake) in the same bins", "vector"),
    ("score.histogram.edges", "score", "lowest and highest edge of the 32 equal bins", "vector"),
    ("score.output.low", "output", "smallest raw output of the discriminator (after a final sigmoid)"),
    ("score.output.high", "output", "largest raw output of the discriminator (after a final sigmoid)"),
    # ---- a discriminator that returns a reconstruction r of its sample x (EBGAN, BEGAN)
    *((f"energy.{role}", "value", f"mean of |r - x| over {which}") for role, which in _ENERGIES.items()),
    *(
        (
            f"energy.pull.{role}",
            "share",
            f"mean of sign(dL/dr) sign(r - x) over the places that dL reaches at {which}: 1 if L lowers the"
            " energy everywhere, -1 if it raises it, 0 if nothing is sent back",
        )
        for role, which in _ENERGIES.items()
    ),
    # ---- derivative of the loss at the scores: the objective's fingerprint
    ("slope.real.mean", "loss/score", "N * mean of dL_D/ds over reals"),
    ("slope.fake.mean", "loss/score", "N * mean of dL_D/ds over fakes"),
    ("slope.generator.mean", "loss/score", "N * mean of dL_G/ds over fakes in the generator's step"),
    ("slope.real.size", "loss/score", "N * RMS of dL_D/ds over reals"),
    ("slope.fake.size", "loss/score", "N * RMS of dL_D/ds over fakes"),
    ("slope.generator.size", "loss/score", "N * RMS of dL_G/ds over fakes in the generator's step"),
    (
        "slope.real.positive",
        "share",
        "share of non-zero dL_D/ds over reals that are positive; nan if all are zero",
    ),
    (
        "slope.fake.positive",
        "share",
        "share of non-zero dL_D/ds over fakes that are positive; nan if all are zero",
    ),
    (
        "slope.generator.positive",
        "share",
        "share of non-zero dL_G/ds over fakes that are positive; nan if all zero",
    ),
    ("slope.generator.zero", "share", "share of fakes whose dL_G/ds is exactly zero"),
    ("slope.fake.zero", "share", "share of fakes whose dL_D/ds is exactly zero"),
    ("slope.real.zero", "share", "share of reals whose dL_D/ds is exactly zero"),
    (
        "objective.fit",
        "relative error",
        "RMS error of the best-fitting loss family's slope, over the slope's RMS",
    ),
    (
        "loss.discriminator",
        "loss",
        "L_D without penalties, reconstructed from the family and the scores; or logged",
    ),
    ("loss.generator", "loss", "adversarial L_G, reconstructed from the family and the scores; or logged"),
    ("loss.discriminator.real", "loss", "the real half of L_D, reconstructed; or logged"),
    ("loss.discriminator.fake", "loss", "the fake half of L_D, reconstructed; or logged"),
    ("loss.penalty", "loss", "a gradient penalty's value, where a log has it"),
    (
        "loss.reconstruction",
        "loss",
        "a non-adversarial generator term (L1, mel, perceptual), where a log has it",
    ),
    # ---- the way of the generator's gradient back
    (
        "gradient.samples",
        "loss/sample",
        "N_x * RMS over samples of |dL_G/dx|, adversarial part, at the fakes",
    ),
    (
        "gradient.matched",
        "share",
        "|dL_f/dx| / (|dL_f/dx| + |dL_G/dx - dL_f/dx|) at the fakes, where L_f reaches the discriminator's"
        " features only and nothing is sent to its scores",
    ),
    ("gradient.samples.total", "loss/sample", "the same for the whole L_G, other terms (L1, cycle) included"),
    ("gradient.samples.zero", "share", "share of fakes at which the adversarial dL_G/dx is exactly zero"),
    ("gradient.samples.relative", "ratio", "gradient.samples divided by the largest value it has had"),
    (
        "discriminator.slope",
        "score/sample",
        "RMS over fakes of |ds/dx|: how steep the discriminator is at them",
    ),
    ("discriminator.slope.real", "score/sample", "RMS over reals of |ds/dx|"),
    ("gradient.generator", "norm", "norm of dL_G/dtheta over the generator, as its optimizer sees it"),
    (
        "gradient.discriminator",
        "norm",
        "norm of dL_D/dtheta over the discriminator, as its optimizer sees it",
    ),
    ("gradient.generator.mean", "mean", "mean of |dL_G/dtheta| over all generator parameters"),
    ("gradient.discriminator.mean", "mean", "mean of |dL_D/dtheta| over all discriminator parameters"),
    ("gradient.generator.layers", "norm", "norm of dL_G/dtheta layer by layer, input side first", "vector"),
    (
        "gradient.discriminator.layers",
        "norm",
        "norm of dL_D/dtheta layer by layer, input side first",
        "vector",
    ),
    ("gradient.generator.largest", "value", "largest |dL_G/dtheta| of a single parameter"),
    ("gradient.discriminator.largest", "value", "largest |dL_D/dtheta| of a single parameter"),
    (
        "gradient.discriminator.stale",
        "ratio",
        "norm of D's gradient present before its own step's backward, over after",
    ),
    (
        "gradient.generator.stale",
        "ratio",
        "norm of G's gradient present before its own step's backward, over after",
    ),
    (
        "gradient.discriminator.foreign",
        "ratio",
        "|what G's loss added last to dL/dtheta of one D layer| over its norm then; 0 if D's loss added last",
    ),
    ("gradient.generator.leak", "norm", "norm of G's gradient that the discriminator's backward left behind"),
    ("update.generator", "ratio", "|theta after - theta before| / |theta before| of one generator step"),
    (
        "update.discriminator",
        "ratio",
        "|theta after - theta before| / |theta before| of one discriminator step",
    ),
    ("weights.generator", "norm", "norm of all generator parameters"),
    ("weights.discriminator", "norm", "norm of all discriminator parameters"),
    ("weights.discriminator.largest", "value", "largest |theta| of the discriminator"),
    ("spectral.generator", "singular value", "largest singular value over the selected generator layers"),
    (
        "spectral.discriminator",
        "singular value",
        "largest singular value over the selected discriminator layers",
    ),
    # ---- penalties that were really applied
    (
        "penalty.applied",
        "count",
        "backward passes through dD/dx in a discriminator step (0: none), the most of the steps in this record",
    ),
    (
        "penalty.sent",
        "count",
        "batches whose dD/dx a loss was sent back to in a discriminator step, the most of the steps in this"
        " record",
    ),
    (
        "penalty.without_graph",
        "count",
        "batches whose dD/dx was asked for without create_graph, and not to move samples along it; the most of"
        " the steps in this record",
    ),
    (
        "penalty.gradient",
        "score/sample",
        "mean over samples of |ds/dx| at the inputs the loop differentiated at",
    ),
    (
        "penalty.parallel",
        "cosine",
        "mean over samples of |cos(dL/dg, g)|, g = ds/dx where the loop differentiated: 1 for a norm per sample",
    ),
    (
        "penalty.pull",
        "loss/score",
        "mean over samples of c in dL/dg = c g: how the penalty pulls at the slope",
    ),
    ("penalty.pull.spread", "ratio", "standard deviation of c over samples, over its root mean square"),
    (
        "penalty.weight",
        "loss",
        "w of the penalty w (|ds/dx| - t)^2 that the samples' c lie on, as a line over 1 / |g|; nan if on none",
    ),
    ("penalty.target", "score/sample", "t of the same"),
    ("penalty.gradient.std", "score/sample", "standard deviation of the same"),
    # ---- the fake batch against the real batch, values as the discriminator is given them
    ("sample.real.low", "value", "smallest value in the real batch"),
    ("sample.real.high", "value", "largest value in the real batch"),
    ("sample.real.mean", "value", "mean of the real batch"),
    ("sample.real.std", "value", "standard deviation over all values of the real batch"),
    ("sample.fake.low", "value", "smallest value in the fake batch"),
    ("sample.fake.high", "value", "largest value in the fake batch"),
    ("sample.fake.mean", "value", "mean of the fake batch"),
    ("sample.fake.std", "value", "standard deviation over all values of the fake batch"),
    (
        "sample.real.lattice",
        "share",
        "share of real values on the best of the lattices k/255, 2k/255-1, k/15, ..., integers, or on one that they show",
    ),
    ("sample.fake.lattice", "share", "share of fake values on the lattice found for the reals"),
    (
        "sample.fake.elsewhere",
        "0 or 1",
        "whether fakes add up to one along another axis than the one-hot reals do, and not along theirs",
    ),
    ("sample.fake.saturated", "share", "share of fake values beyond 0.99 of the output activation's bounds"),
    ("sample.real.saturated", "share", "share of real values beyond the same bounds"),
    ("sample.real.distance", "distance", "mean Euclidean distance between two samples of the real batch"),
    ("sample.fake.distance", "distance", "mean Euclidean distance between two samples of the fake batch"),
    ("sample.distance.ratio", "ratio", "sample.fake.distance / sample.real.distance"),
    ("sample.spread.ratio", "ratio", "RMS over values of the across-batch std, fake over real"),
    (
        "sample.fake.duplicates",
        "share",
        "share of fakes whose nearest other fake is nearer than 2 % of the mean real distance",
    ),
    ("sample.real.duplicates", "share", "the same share among the reals"),
    (
        "sample.nearest.ratio",
        "ratio",
        "median distance of a fake to its nearest real, over a real's to its nearest other real",
    ),
    (
        "sample.coverage",
        "share",
        "share of reals with a fake within the distance to their 3rd nearest other real",
    ),
    ("feature.distance.ratio", "ratio", "sample.distance.ratio in the discriminator's penultimate features"),
    (
        "feature.real.distance",
        "distance",
        "mean distance between reals in the discriminator's penultimate features",
    ),
    (
        "feature.fake.distance",
        "distance",
        "mean distance between fakes in the discriminator's penultimate features",
    ),
    (
        "batch.real.repeated",
        "share",
        "share of real samples of this batch seen before within the last 20,000 reals",
    ),
    ("batch.real.distinct", "count", "distinct real samples seen so far (exact up to 20,000)"),
    ("batch.real.same", "share", "share of the last real batches that equal an earlier batch as a set"),
    (
        "batch.real.drift",
        "ratio",
        "squared distance of the batch's mean from earlier batches', over that of batches drawn at random; not"
        " where another network makes the reals",
    ),
    (
        "batch.fake.repeated",
        "share",
        "share of the fakes in the discriminator's step that came before an earlier step of the generator",
    ),
    (
        "batch.fake.real",
        "0 or 1",
        "whether no fake of the discriminator's step is the generator's, and all are the step's own reals, with"
        " all that is given beside them",
    ),
    # ---- conditions
    (
        "condition.agreement.fake",
        "share",
        "share of fakes whose condition (class, picture) in the discriminator's call, in its own step, is the"
        " generator's",
    ),
    (
        "condition.agreement.generator",
        "share",
        "the same in the generator's step",
    ),
    (
        "condition.named",
        "share",
        "share of the reals whose class the discriminator names as its own loss asks, where it names classes",
    ),
    ("condition.named.guess", "share", "the same for always naming the commonest class of these reals"),
    (
        "condition.kin",
        "share",
        "share of the reals whose nearest other real of the batch has the class that the discriminator's loss asks for",
    ),
    ("condition.kin.chance", "share", "the same for any other real of the batch instead of the nearest"),
    (
        "condition.asked",
        "0 or 1",
        "whether the generator's loss asks for a class, where the discriminator's names those of the reals",
    ),
    (
        "condition.alike",
        "0 or 1",
        "0 if the picture beside the fakes, in the discriminator's step, is the one beside the reals, altered"
        " (blanked in parts, scaled), or if one of the two is blank and the other one is not",
    ),
    (
        "condition.place",
        "0 or 1",
        "whether the fakes stand in the same argument, or channels, beside the condition in both players' steps",
    ),
    # ---- latents
    ("latent.mean", "value", "mean of the latent batch"),
    ("latent.std", "value", "standard deviation of the latent batch"),
    ("latent.kurtosis", "value", "fourth standardised moment: 3 normal, 1.8 uniform"),
    (
        "latent.repeated",
        "share",
        "share of latent rows seen at an earlier step, or twice in this batch, within the last 20,000; of"
        " several inputs the one with the least; 1 where all rows of the batch are the same",
    ),
    ("latent.same", "0 or 1", "whether the latent batch equals one of an earlier step as a set"),
    (
        "latent.possible",
        "count",
        "different latents that values like these can make: distinct values to the power of the places, at most"
        " 1e12; of several inputs the one with the most",
    ),
    *(
        (
            f"mode.{player}",
            "share",
            f"share of the {player}'s layers that differ between train and eval mode (batch norm, dropout,"
            " spectral norm) in train mode, in the forward passes of its own update",
        )
        for player in ("generator", "discriminator")
    ),
    ("latent.low", "value", "smallest value of the latent batch"),
    ("latent.high", "value", "largest value of the latent batch"),
    (
        "latent.sampling.mean",
        "value",
        "latent.mean of generator calls whose output no discriminator was given (grids, sampling)",
    ),
    ("latent.sampling.count", "count", "number of latent values in the same calls"),
    ("latent.sampling.std", "value", "latent.std of the same calls"),
    ("latent.sampling.kurtosis", "value", "latent.kurtosis of the same calls"),
    (
        "latent.average.mean",
        "value",
        "latent.mean of calls of a moving average of the generator whose output no discriminator was given",
    ),
    ("latent.average.count", "count", "number of latent values in the same calls"),
    ("latent.average.std", "value", "latent.std of the same calls"),
    ("latent.average.kurtosis", "value", "latent.kurtosis of the same calls"),
    (
        "latent.discriminator.mean",
        "value",
        "latent.mean of the generator call that made the fakes of the discriminator's step",
    ),
    ("latent.discriminator.count", "count", "number of latent values in that call"),
    ("latent.discriminator.std", "value", "latent.std of that call"),
    ("latent.discriminator.kurtosis", "value", "latent.kurtosis of that call"),
    # ---- numerics and time
    (
        "finite",
        "flag",
        "1 if all scores, slopes and gradients of the players were finite since the last record, else 0",
    ),
    (
        "activation.dead",
        "share",
        "largest share of ReLU-like units of one generator layer that are zero for a whole batch, though what they"
        " are given differs",
    ),
    ("activation.dead.discriminator", "share", "the same in the discriminator"),
    ("time.step", "seconds", "wall time per step since the last record"),
    ("time.watching", "share", "share of that time spent in the hooks"),
    (
        "augmentation.probability",
        "probability",
        "an adaptive augmentation's p, where a log or the user gives it",
    ),
    ("quality", "lower is better", "a quality metric (FID or the like), where a log or the user gives it"),
)
