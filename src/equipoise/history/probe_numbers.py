"""Every number that an active probe may measure. The words are those of `signals`."""

from __future__ import annotations

from equipoise.history.entries import ProbeNumbers

PROBES: dict[str, ProbeNumbers] = {
    probe.name: probe
    for probe in (
        ProbeNumbers(
            "batch-blindness",
            "Does the discriminator's score of a fake change when the rest of the batch becomes clones of it?",
            {
                "shift": "RMS change of s of a fake when the batch is clones of it, over the std of s among diverse fakes"
                " and reals",
                "shift.real": "the same with reals in place of fakes",
                "clones": "mean oriented s of clone batches",
                "diverse": "mean oriented s of the diverse batch they were drawn from",
            },
        ),
        ProbeNumbers(
            "batch-coupling",
            "Does the score of sample i depend on its neighbours in the batch?",
            {
                "change": "RMS change of s_i when the others are replaced by reals, over the std of s",
                "leak": "AUC, by the discriminator, of reals in mixed batches minus AUC in separate batches",
                "elsewhere": "share of single samples that move another sample's s ten times as much as their own",
            },
        ),
        ProbeNumbers(
            "fresh-discriminator",
            "Can a small discriminator trained from scratch tell the cached reals from fresh fakes?",
            {
                "auc": "AUC on held-out cached samples after at most 200 steps",
                "auc.own": "AUC of the loop's own discriminator on the same held-out samples, oriented",
                "steps": "steps used",
            },
        ),
        ProbeNumbers(
            "one-feature",
            "Does one trivial number tell real from fake?",
            {
                "auc": "largest |AUC - 1/2| + 1/2 over min, max, mean, std, lattice share, share of negatives",
                "feature": "index of that feature in the order above",
                "auc.matched": "the same AUC after fakes were mapped to the reals' mean and std",
                "auc.dequantised": "the same AUC after uniform noise of one lattice step on both",
                "auc.own.dequantised": "AUC of the loop's own discriminator under that noise; nan if unknown",
            },
        ),
        ProbeNumbers(
            "gradient-anatomy",
            "At which station does the generator's gradient die?",
            {
                "slope": "N * RMS of dL_G/ds at fresh fakes, by the fitted family",
                "slope.reference": "the same at the family's decision boundary",
                "steepness": "RMS of |ds/dx| at fresh fakes",
                "steepness.real": "RMS of |ds/dx| at reals",
                "steepness.between": "RMS of |ds/dx| half way between",
                "jacobian.first": "norm of the gradient at the generator's first weight layer, per unit |dL/dx|",
                "jacobian.last": "the same at its last weight layer",
            },
        ),
        ProbeNumbers(
            "generator-response",
            "What does the generator's output depend on?",
            {
                "latent": "RMS across-latent std of the output at a fixed condition, over the across-batch std of reals",
                "latent.connected": "1 if the output has a derivative by a latent, 0 if it has a graph and none; nan if it has no graph",
                "latent.real": "RMS across-batch std of reals that share a condition, over that of all reals",
                "condition": "RMS change of the output when only the condition is swapped, over the mean distance of reals",
                "condition.neighbours": "share of reals whose nearest other real has the same condition",
                "condition.neighbours.chance": "the same of any two reals",
                "condition.neighbours.error": "its standard error if conditions were drawn by lot",
                "discriminator.condition.fall": "mean fall of s of reals (towards fake) when their condition is swapped, over its standard error",
                "discriminator.condition": "RMS change of s of reals when their condition is swapped, over the std of s",
                "noise": "RMS change of the output when only the latent is redrawn at a fixed condition, over distance of reals",
            },
        ),
        ProbeNumbers(
            "layer-variance",
            "At which generator layer does the variance across the batch disappear?",
            {
                "first": "across-batch variance share after the first layer: var over batch / mean square",
                "smallest": "smallest share along the layers",
                "smallest.depth": "relative depth (0 first, 1 last) of that layer",
                "last": "share at the output",
            },
        ),
        ProbeNumbers(
            "eval-drift",
            "Does the generator give the same from the same latent in eval mode as in train mode?",
            {
                "distance": "Frechet-like distance of means of the outputs, train against eval mode, over its bootstrap",
                "change": "RMS change of the output, over the across-batch std in train mode",
                "ema": "the distance of an averaged copy in eval mode from train mode, if one was seen; nan otherwise",
            },
        ),
        ProbeNumbers(
            "gradient-penalty",
            "How steep is the critic at interpolates, measured right?",
            {
                "norm": "mean over samples of |ds/dx| at U(0,1) interpolates, all axes but the batch",
                "norm.std": "standard deviation of the same",
                "norm.pixel": "mean of the norm over the channel axis only: the common mistake",
                "applied": "mean of the norms at the inputs where the loop itself differentiated; nan if it did not",
                "applied.outside": "share of those inputs outside the segment between a real and a fake",
            },
        ),
        ProbeNumbers(
            "diversity",
            "Are many fresh fakes as diverse as as many reals?",
            {
                "samples": "number of fresh fakes",
                "distance.ratio": "mean pairwise distance, fakes over reals",
                "feature.ratio": "the same in fixed random convolutional features",
                "spread.ratio": "RMS across-batch std, fakes over reals",
                "duplicates": "share of fakes with another fake nearer than the reals' 1st percentile nearest distance and a tenth of its median",
                "duplicates.low": "lower 95 % confidence bound of that share",
                "support.low": "lower 95 % bound of the support by the birthday paradox",
                "support.high": "upper 95 % bound of the same; inf if no duplicates",
                "coverage": "share of reals with a fake within the distance of their 5th nearest real",
                "coverage.expected": "the same for reals against other reals",
                "clusters": "share of k-means cells of the reals that hold significantly fewer fakes (z-test, 5 %)",
                "clusters.expected": "the same share for held-out reals",
            },
        ),
        ProbeNumbers(
            "memorisation",
            "Does the discriminator know its training reals by heart?",
            {
                "seen": "mean oriented s of reals from the reservoir",
                "unseen": "mean oriented s of held-out reals; nan if there are none",
                "perturbed": "mean oriented s of reals after a perturbation far smaller than the distance between reals",
                "fake": "mean oriented s of fresh fakes",
                "gap": "(seen - unseen) / (seen - fake): 0 none, 1 complete (r_v of ADA); nan without held-out reals",
                "gap.perturbed": "(seen - perturbed) / (seen - fake)",
                "sign": "mean sign of s(real) against the boundary (r_t of ADA)",
                "accuracy.unseen": "share of held-out reals on the real side; nan if there are none",
            },
        ),
        ProbeNumbers(
            "upsampling-spectrum",
            "Does the generator have an energy peak at the upsampling frequency?",
            {
                "peak": "energy at the Nyquist frequency of the radial spectrum over its neighbours, fakes",
                "peak.real": "the same for reals",
            },
        ),
        ProbeNumbers(
            "duality-gap",
            "How much could each player still gain if the other stood still?",
            {
                "gap": "best discriminator's value minus best generator's value after k steps on copies, fitted family",
                "discriminator.gain": "what the discriminator gained",
                "generator.gain": "what the generator gained",
                "steps": "k",
            },
        ),
    )
}
