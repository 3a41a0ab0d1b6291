"""EQ018: equipoise could not tell which batches are real and which are fake."""

from __future__ import annotations

from equipoise.checks.base import CHECKS, Check
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.history.observations import Observations

DECIDED = 0.9
LEAST_STEPS = 20
SOURCE = "our choice; in a trial on 13 scripts up to a third stayed open where inference failed"
REVERSED_SOURCE = "exact: what arrived at the generator's output against what the discriminator sent"


WATCH_WHAT_IS_CALLED = Remedy(
    "watch-what-is-called",
    "Give `equipoise.watch` the modules that the loop calls, after they were wrapped: "
    "`generator = torch.compile(generator)` first, `equipoise.watch(generator, discriminator)` then.",
    "root",
    "safe",
)


@CHECKS.register("role-undecided")
class RoleUndecided(Check):
    """For a part of the discriminator's batches it is not known whether they are real or fake.

    What it does
        Reports how many of the discriminator's forward passes could be told to be of reals or of fakes,
        from storages, graphs and signs of gradients.

    Why it is bad
        It is no fault of the training. But every verdict on scores rests on these roles, so with few of
        them known the diagnosis is blind on one eye and says so here.

    Evidence and threshold
        `roles.decided` below 0.9 after at least 20 steps, and no tags by the user: info. Both networks are
        updated, and after 20 steps no forward pass of the discriminator has been seen at all: warning,
        because then a clean bill would mean nothing. Information where it was called with whole numbers
        only, and where two domains of one network are told apart behind a reversed gradient.

    What else it could be
        - Forward passes that are neither, such as of interpolates or for pictures: they are not counted.
        - A discriminator whose score is not found in its output (energies, several heads): `score.found`
          tells.

    Remedies
        Tag the batches: `monitor.real(x)` and `monitor.fake(x)` return their argument. Where nothing was
        seen, watch the modules that are called: compile first, watch then.

    References
        - The documentation of `equipoise.watch`.
    """

    code = "EQ018"
    name = "role-undecided"
    kinds = ("passive",)
    signals = ("score.real.mean", "score.fake.mean", "score.generator.mean", "update.discriminator")
    facts = (
        "roles.decided",
        "roles.tagged",
        "score.found",
        "discriminator.discrete",
        "generator.gradient_reversed",
    )
    stage = "advice"
    explains = ()
    remedies = (
        Remedy(
            "tag-batches",
            "Wrap what the discriminator is given: `discriminator(monitor.real(x))`, "
            "`discriminator(monitor.fake(x))`.",
            "root",
            "safe",
        ),
        WATCH_WHAT_IS_CALLED,
    )

    def run(self, observations: Observations) -> Finding | None:
        if self._unseen(observations):
            if observations.fact("discriminator.discrete") is True:
                return self._tokens()
            return self._nothing_seen(observations)
        share = float(observations.fact("roles.decided", 1.0))
        if observations.step < LEAST_STEPS or not share < DECIDED:
            return None
        if share == 0 and observations.fact("generator.gradient_reversed"):
            return self._domains()
        found = observations.fact("score.found")
        tagged = observations.fact("roles.tagged") is True
        return self.finding(
            "info",
            0.95,
            f"Only {share:.0%} of the discriminator's batches could be told to be real or fake; tag them "
            "with "
            "`monitor.real(x)` and `monitor.fake(x)`, and the verdict will rest on all of them.",
            evidence=(
                Measurement(
                    "roles.decided", share, DECIDED, "below", SOURCE, "share of forwards with a known role"
                ),
            ),
            because=(
                Alternative(
                    "a score that was not found in the discriminator's output",
                    "ruled out" if found is True else "open",
                    "the score was found"
                    if found is True
                    else "return the score first, or alone, to be sure",
                ),
                Alternative(
                    "batches that are not tagged",
                    "unlikely" if tagged else "open",
                    "some are tagged; tag all of them" if tagged else "none is tagged yet",
                ),
            ),
        )

    def _domains(self) -> Finding:
        return self.finding(
            "info",
            0.95,
            "Every batch of the discriminator comes from the other network, behind a reversed gradient: two "
            "domains are told apart, and neither is the real one. Only optimizers and weights are followed.",
            evidence=(
                Measurement(
                    "generator.gradient_reversed", 1.0, 1.0, "equal to", REVERSED_SOURCE, "gradient reversal"
                ),
            ),
            because=(
                Alternative(
                    "batches that are not tagged", "ruled out", "they are recognised, and have no such role"
                ),
            ),
            remedies=(),
        )

    def _tokens(self) -> Finding:
        return self.finding(
            "info",
            0.95,
            "The discriminator is given whole numbers only (tokens), which carry no gradient to a generator: "
            "what it is shown and what it answers is not followed, only optimizers and weights are.",
            evidence=(
                Measurement(
                    "discriminator.discrete", 1.0, 1.0, "equal to", "exact: the types of its inputs", "tokens"
                ),
            ),
            because=(
                Alternative(
                    "other modules than the watched ones are called",
                    "ruled out",
                    "the discriminator's calls are seen",
                ),
            ),
            remedies=(),
        )

    def _unseen(self, observations: Observations) -> bool:
        scores = ("score.real.mean", "score.fake.mean", "score.generator.mean")
        return (
            observations.fact("roles.decided") is None
            and observations.step >= LEAST_STEPS
            and len(observations.series("update.discriminator").finite()) > 0
            and not any(len(observations.series(name)) for name in scores)
        )

    def _nothing_seen(self, observations: Observations) -> Finding:
        updates = len(observations.series("update.discriminator").finite())
        return self.finding(
            "warning",
            0.95,
            "The networks are updated, but not one forward pass of the discriminator was seen, so nothing "
            "can be said about this training: other modules than the watched ones are called (a wrapper of "
            "`torch.compile` that was made after `equipoise.watch`, a copy).",
            evidence=(
                Measurement(
                    "score.real.mean",
                    0.0,
                    1.0,
                    "below",
                    "exact: a count",
                    f"records of scores, against {updates} records of updates",
                ),
            ),
            because=(
                Alternative(
                    "scores that could not be found in the discriminator's output",
                    "ruled out",
                    "no forward pass was seen, whatever it returned",
                ),
            ),
            remedies=(WATCH_WHAT_IS_CALLED,),
        )
