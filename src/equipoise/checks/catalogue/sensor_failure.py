"""EQ019: a sensor was switched off."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Finding, Measurement, Remedy
from equipoise.history.observations import Observations

SOURCE = "every failure inside a hook is counted"


@CHECKS.register("sensor-failure")
class SensorFailure(Check):
    """A part of the watching failed and was switched off; the training was not touched.

    What it does
        Lists the sensors that raised an error inside a hook. Each is switched off at its first failure and
        never reaches the user's loop.

    Why it is bad
        Checks that read its signals cannot find anything any more, so a clean bill means less.

    Evidence and threshold
        The fact `problems` holds at least one sentence: info.

    What else it could be
        Nothing: it is a fact about equipoise, not about the training.

    Remedies
        Report it, with the sentence. Tags or a declared objective may make the failed inference unnecessary.

    References
        - The documentation of `equipoise.watch`, "harmless".
    """

    code = "EQ019"
    name = "sensor-failure"
    kinds = ("preflight", "passive", "probe")
    signals = ()
    facts = ("problems",)
    stage = "advice"
    explains = ()
    remedies = (
        Remedy(
            "report-sensor-failure",
            "Report the sentence above as an issue, with the shapes that your networks take and return.",
            "root",
            "display-only",
        ),
    )

    def run(self, observations: Observations) -> Finding | None:
        problems = [str(problem) for problem in observations.fact("problems", [])]
        if not problems:
            return None
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        return self.finding(
            "info",
            0.99,
            f"A part of the watching was switched off, so not everything was looked at: {problems[0]}{more}",
            evidence=(
                Measurement(
                    "problems", float(len(problems)), 0.0, "above", SOURCE, "sensors that were switched off"
                ),
            ),
            details={"problems": problems},
        )
