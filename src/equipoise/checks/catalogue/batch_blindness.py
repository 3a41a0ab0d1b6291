"""EQ202: the discriminator judges every sample alone and cannot see that the batch is all clones."""

from __future__ import annotations

import math

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.collapse import COLLAPSE_FACTS, COLLAPSE_PROBES, COLLAPSE_SIGNALS, collapse
from equipoise.checks.cures import root, symptomatic
from equipoise.checks.finding import Alternative, Finding, Measurement, Severity
from equipoise.checks.windows import confidence
from equipoise.history.observations import Observations

# A discriminator without any layer across the batch shows exactly 0 up to rounding (about 1e-6 in
# float32); one that looks across it moves by a good part of its scores' spread. Calibrated.
BLIND = 0.01
SOURCE = (
    "exact zero for a per-sample discriminator (Salimans et al. 2016, section 3.2); equipoise, calibration"
)


@CHECKS.register("batch-blindness")
class BatchBlindness(Check):
    """The discriminator's score of a sample stays the same when the whole batch becomes clones of it.

    What it does
        The probe scores a batch of different fakes, then replaces the batch by clones of one of them,
        and asks whether that one's score moves. It does the same with reals, and looks at whether the
        generator has collapsed.

    Why it is bad
        By itself it is not: most healthy discriminators judge each sample alone. But once the generator has
        collapsed, such a discriminator gives every clone the same gradient. They move together and stay
        clones: no learning rate, batch size or number of steps will separate them.

    Evidence and threshold
        Shift of the score below 0.01 of the spread of the scores (a per-sample discriminator shows zero up to
        rounding). With a total collapse (`mode-collapse`) it is a warning or an error as that is, and comes
        first, as it is why the collapse stays; with absent modes it is a warning and comes after; with a
        layer that should see the batch but is dead it is a warning; else information.
        Confidence: 0.9 when collapse is total, 0.75 when it is partial; 0.9 for the information.

    What else it could be
        A discriminator that sees the batch and is fooled all the same: its score moves. Batch norm in train
        mode also makes scores depend on the batch, which is seeing too, though not on purpose.

    Remedies
        Architecture: minibatch standard deviation, minibatch discrimination, packing, microbatch
        discrimination. R1 and R2 or a relativistic loss make collapse less likely, but cannot show
        clones to a discriminator that sees one at a time. Rollback is symptomatic.

    References
        Salimans et al. (2016), section 3.2; Karras et al. (2018), section 3; Lin et al. (2018), PacGAN;
        Mordido et al. (2020), microbatchGAN.
    """

    code = "EQ202"
    name = "batch-blindness"
    kinds = ("probe",)
    stage = "diversity"
    signals = COLLAPSE_SIGNALS
    facts = (*COLLAPSE_FACTS, "discriminator.batch_layer", "discriminator.batch_norm")
    probes = (*COLLAPSE_PROBES, "batch-blindness")
    explains = ("mode-collapse",)
    remedies = (
        *root("minibatch-standard-deviation", "minibatch-discrimination", "packing"),
        *root("microbatch-discrimination"),
        *symptomatic("r1-and-r2-penalty", "relativistic-loss", "roll-back"),
    )

    def run(self, observations: Observations) -> Finding | None:
        probe = observations.probe("batch-blindness")
        if probe is None or not abs(probe["shift"]) < BLIND:
            return None
        shift = abs(probe["shift"])
        found = collapse(observations)
        layer = bool(observations.fact("discriminator.batch_layer"))
        evidence = [
            Measurement(
                "batch-blindness.shift",
                shift,
                BLIND,
                "below",
                SOURCE,
                "change of a fake's score when its batch becomes clones of it, in standard deviations",
            )
        ]
        if math.isfinite(probe["shift.real"]):
            evidence.append(
                Measurement(
                    "batch-blindness.shift.real", probe["shift.real"], meaning="the same with a real sample"
                )
            )
        severity: Severity = "info"
        explains: tuple[str, ...] = ()
        if found is not None:
            alike = f"{found.signs[0].meaning}: {found.signs[0].value:.3g}"
            if found.total:
                severity, explains = found.severity, self.explains
                message = (
                    f"The generator has collapsed ({alike}) and the discriminator cannot see it: clones "
                    "of one "
                    f"fake score like a diverse batch (shift {shift:.2g}). All clones get the same "
                    "gradient, so "
                    "that no hyper-parameter will cure it; the discriminator must be given a view of the "
                    "whole "
                    "batch."
                )
            else:
                severity = "warning"
                message = (
                    f"The generator lacks diversity ({alike}) and the discriminator cannot see it: it judges "
                    f"each sample alone (shift {shift:.2g}). A view of the whole batch would show it what is "
                    "missing."
                )
        elif layer:
            severity = "warning"
            message = (
                "The discriminator has a layer that should look across the batch, but its score does not "
                "move "
                f"when the batch becomes clones (shift {shift:.2g}): the layer is dead or its weights "
                "are zero."
            )
        else:
            message = (
                f"The discriminator judges each sample alone (shift {shift:.2g}). That is common and no "
                "fault while "
                "the generator is diverse; it could not see a collapse."
            )
        return self.finding(
            severity,
            confidence(
                0.9 if found is None or found.total else 0.75, 0.97, math.log10(BLIND / max(shift, 1e-6))
            ),
            message,
            evidence=(*evidence, *(found.signs if found else ())),
            because=self._because(observations, found is not None, layer),
            since=found.since if found else None,
            explains=explains,
            details={"collapsed": found is not None, "background": 2 * (severity == "info")},
        )

    def _because(self, observations: Observations, collapsed: bool, layer: bool) -> tuple[Alternative, ...]:
        alternatives = [
            Alternative(
                "a discriminator that sees the batch and is fooled all the same",
                "ruled out",
                "Its score does not move when the batch becomes clones.",
            )
        ]
        if not collapsed:
            alternatives.append(
                Alternative(
                    "harmless: the generator is diverse",
                    "open",
                    "No sign of collapse so far; the probe diversity looks closer.",
                )
            )
        if observations.fact("discriminator.batch_norm"):
            alternatives.append(
                Alternative(
                    "batch norm lets it see the batch",
                    "ruled out",
                    f"{observations.fact('discriminator.batch_norm')} batch norm layers, and still no "
                    "shift: they "
                    "run on stored statistics or cancel out.",
                )
            )
        if layer:
            alternatives.append(
                Alternative(
                    "a batch layer that has just been inserted with zero outgoing weights",
                    "open",
                    "Probe again after some hundred steps.",
                )
            )
        return tuple(alternatives)
