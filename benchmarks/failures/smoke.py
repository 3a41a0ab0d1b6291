"""The small subset that runs in the tests: eight faulty and four healthy trainings, under a minute in all."""

from __future__ import annotations

from benchmarks.failures.configurations import Run, find_run

SMOKE = (
    "fault--double-sigmoid--tutorial-bce-ring--s0",
    "fault--generator-target-is-fake-label--concatenated-lsgan-ring--s0",
    "fault--frozen-discriminator--tutorial-bce-ring--s0",
    "fault--optimizer-holds-both--tutorial-bce-ring--s0",
    "fault--constant-latent--tutorial-bce-ring--s0",
    "fault--unstandardised-table--tabular-bce-table--s0",
    "fault--weights-not-clipped--wasserstein-wgan-clip-ring--s0",
    "fault--missing-values--tutorial-bce-ring--s0",
    "healthy--ordinary--tutorial-bce-ring--s0",
    "healthy--ordinary--wasserstein-wgan-gp-ring--s0",
    "healthy--reversed-labels--concatenated-lsgan-ring--s0",
    "healthy--relativistic-hinge-at-zero--relativistic-rahinge-ring--s0",
)


def smoke_runs() -> list[Run]:
    return [find_run(name) for name in SMOKE]
