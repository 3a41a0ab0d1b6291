"""EQ011: a sample's score depends on its neighbours in the batch."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.checks.windows import sustained
from equipoise.history.observations import Observations

CHANGE = 1e-3  # of the scores' spread
LEAK = 0.1  # of AUC
ELSEWHERE = 0.5  # of the samples; a statistic of the batch holds each sample itself
CHANGE_SOURCE = "float32 rounding changes scores by 1e-6 of their spread; 1e-3 is far above it"
LEAK_SOURCE = "ours: an AUC of 0.6 instead of 0.5 (PyTorch-GAN issue 135 describes the effect)"
STRUCTURE = "exact: batch norm layers that see reals and fakes in one batch (PyTorch-GAN issue 135)"
MIXED_ROWS = "ours: more than half of the samples, each ten times as much as its own score"
PENALTY = "Gulrajani et al. 2017, section 4: the penalty is per sample, so batch norm is excluded"
# Rows that are made of several samples explain more than that.
EXPLAINED = (
    "gradient-penalty-invalid",
    "perfect-discriminator",
    "uninformative-discriminator",
    "constant-discriminator",
    "instability",
)
SEPARATE_BATCHES = Remedy(
    "separate-batches",
    "Call the discriminator once with reals and once with fakes instead of on their concatenation.",
    "root",
    "safe",
)
REPLACE_BATCH_NORM = Remedy(
    "replace-batch-norm",
    "Replace batch norm in the discriminator by layer, group (8 groups) or spectral normalisation.",
    "root",
    "unsafe",
)
KEEP_THE_BATCH_FIRST = Remedy(
    "keep-the-batch-first",
    "Look in the discriminator for a view or reshape after a transpose or permute; flatten with "
    "`x.flatten(1)` while the batch is the first axis.",
    "root",
    "display-only",
)


@CHECKS.register("batch-coupling")
class BatchCoupling(Check):
    """The discriminator's score of a sample depends on the other samples, where it should not.

    What it does
        Looks for batch normalisation in a discriminator that is given reals and fakes in one batch, or that
        is trained with a gradient penalty; the probe measures how much a score moves when its neighbours
        are replaced.

    Why it is bad
        In a mixed batch the batch statistics tell a sample how many reals there are around it. A gradient
        penalty constrains the slope of each sample's own score; with batch norm there is no such function
        of one sample.

    Evidence and threshold
        Warning: batch norm in the discriminator and mixed batches (`concatenated`), or batch norm and a
        penalty that is applied in 3 records over 100 steps. Error: in addition the probe finds that an AUC
        changes by more than 0.1 between mixed and separate batches. Warning, whatever the layers: of single
        samples that are replaced more than half move the score of one other sample more than ten times as
        much as their own: rows are made of several samples. Info: the probe finds that scores move by more
        than 1e-3 of their spread though no batch norm and no layer that looks across the batch on purpose
        is known.

    What else it could be
        - Layers that compare samples on purpose (minibatch standard deviation, packing):
          `discriminator.batch_layer`. A sample moves its own score through them as well.
        - Batch norm with separate batches of reals and fakes: the usual DCGAN, no fault.
        - Batch norm under a penalty that works nevertheless: reported once (3dbraingen issue 6), hence no
          error.

    Remedies
        Score reals and fakes in separate calls, or use layer, group or spectral normalisation in the
        discriminator. For rows that are made of several samples: flatten with `x.flatten(1)`, and after a
        transpose or permute keep the batch first.

    References
        - https://github.com/eriklindernoren/PyTorch-GAN/issues/135
        - https://github.com/kongyanye/cwgan-gp/issues/6
        - https://github.com/cyclomon/3dbraingen/issues/6 (a counter-example)
        - Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, section 4.
    """

    code = "EQ011"
    name = "batch-coupling"
    kinds = ("preflight", "passive", "probe")
    signals = ("penalty.applied",)
    facts = ("discriminator.batch_norm", "discriminator.batch_layer", "concatenated")
    probes = ("batch-coupling",)
    stage = "wiring"
    explains = (*EXPLAINED, "batch-blindness", "mode-collapse")
    remedies = (SEPARATE_BATCHES, REPLACE_BATCH_NORM, KEEP_THE_BATCH_FIRST)

    def run(self, observations: Observations) -> Finding | None:
        probe = observations.probe("batch-coupling")
        change = probe["change"] if probe else math.nan
        leak = abs(probe["leak"]) if probe else math.nan
        norms = int(observations.fact("discriminator.batch_norm", 0))
        on_purpose = observations.fact("discriminator.batch_layer") is True
        mixed = observations.fact("concatenated") is True
        penalty = sustained(observations, "penalty.applied", lambda v: v > 0)
        if change <= CHANGE:  # the probe saw no coupling (batch norm in eval mode, for example)
            return None
        measured = (
            Measurement(
                "batch-coupling.change",
                change,
                CHANGE,
                "above",
                CHANGE_SOURCE,
                "change of a score when its neighbours are replaced",
            ),
        ) * (change > CHANGE)
        elsewhere = probe["elsewhere"] if probe else math.nan
        if measured and elsewhere > ELSEWHERE:
            return self._rows_of_several(elsewhere, measured)
        if norms and mixed:
            return self._mixed(norms, leak, measured)
        if norms and penalty is not None:
            return self.finding(
                "warning",
                0.8,
                f"The discriminator has {norms} batch norm layers and is trained with a gradient penalty: "
                "the penalty "
                "holds the slope of each sample's own score, which does not exist here.",
                evidence=(
                    Measurement(
                        "discriminator.batch_norm", float(norms), 0.0, "above", PENALTY, "batch norm layers"
                    ),
                    *measured,
                ),
                because=(
                    Alternative(
                        "a run in which it works nevertheless",
                        "open",
                        "one such report exists; the probe gradient-penalty tells whether the slope is "
                        "held near 1",
                    ),
                ),
                since=penalty.since,
                remedies=(REPLACE_BATCH_NORM,),
                explains=EXPLAINED,
            )
        if measured and not norms and not on_purpose:
            return self.finding(
                "info",
                0.7,
                f"A score changes by {change:.2g} of the scores' spread when the sample's neighbours are "
                "replaced, though "
                "no layer is known to look across the batch. If it is not on purpose, look for a reshape "
                "that mixes the "
                "batch into another axis.",
                evidence=measured,
                because=(
                    Alternative(
                        "a layer that compares samples on purpose",
                        "open",
                        "equipoise knows such layers by type; a function of one's own is not recognised",
                    ),
                ),
                remedies=(),
                explains=EXPLAINED,
            )
        return None

    def _rows_of_several(self, elsewhere: float, measured: tuple[Measurement, ...]) -> Finding:
        return self.finding(
            "warning",
            0.9,
            f"The discriminator mixes the samples of a batch: {elsewhere:.0%} of the samples that were "
            "replaced one at a time move the score of another sample far more than their own. A reshape "
            "makes rows of several samples, and a score says nothing about its sample.",
            evidence=(
                Measurement(
                    "batch-coupling.elsewhere",
                    elsewhere,
                    ELSEWHERE,
                    "above",
                    MIXED_ROWS,
                    "share of samples that move another one's score ten times as much as their own",
                ),
                *measured,
            ),
            because=(
                Alternative(
                    "batch norm, a batch deviation, packs, or a comparison with all others",
                    "ruled out",
                    "through them a sample moves its own score at least as much as another's",
                ),
            ),
            since=0,
            remedies=(KEEP_THE_BATCH_FIRST,),
        )

    def _mixed(self, norms: int, leak: float, measured: tuple[Measurement, ...]) -> Finding:
        leaks = leak > LEAK
        return self.finding(
            "error" if leaks else "warning",
            0.93 if leaks else 0.75,
            f"Reals and fakes go through the discriminator's {norms} batch norm layers in one batch, so "
            "each score depends "
            "on how many reals are around it"
            + (f"; its AUC differs by {leak:.2f} from the one in separate batches." if leaks else "."),
            evidence=(
                Measurement(
                    "discriminator.batch_norm", float(norms), 0.0, "above", STRUCTURE, "batch norm layers"
                ),
                *measured,
                *(
                    (
                        Measurement(
                            "batch-coupling.leak",
                            leak,
                            LEAK,
                            "above",
                            LEAK_SOURCE,
                            "difference of the AUC in mixed and in separate batches",
                        ),
                    )
                    if leaks
                    else ()
                ),
            ),
            because=(
                Alternative(
                    "batch norm with separate batches, which is no fault",
                    "ruled out",
                    "real and fake are given to the discriminator in one batch",
                ),
                *(
                    ()
                    if leaks or math.isfinite(leak)
                    else (
                        Alternative(
                            "a mixture that does no harm",
                            "open",
                            "the probe batch-coupling measures the leak",
                        ),
                    )
                ),
            ),
            since=0,
            remedies=(SEPARATE_BATCHES, REPLACE_BATCH_NORM),
            explains=EXPLAINED,
        )
