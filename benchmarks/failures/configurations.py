"""Every run of the benchmark, by name: fault operators and healthy variants, times their cases, times three
seeds."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.failures.faults import FAULTS, Fault
from benchmarks.failures.healthy import HEALTHY, Healthy
from benchmarks.failures.later import HALVES_WRITTEN_LATER
from benchmarks.failures.parts import Case
from benchmarks.failures.split import FIFTH, FOURTH, LATER, SECOND, SIXTH, THIRD

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Run:
    """One training: a planted fault or a healthy variant, in one script, from one seed."""

    variant: Fault | Healthy
    case: Case
    seed: int

    @property
    def faulty(self) -> bool:
        return isinstance(self.variant, Fault)

    @property
    def configuration(self) -> str:
        """Operator x data: what the split into halves goes by."""
        return f"{'fault' if self.faulty else 'healthy'}/{self.variant.name}/{self.case.data}"

    @property
    def name(self) -> str:
        kind = "fault" if self.faulty else "healthy"
        return f"{kind}--{self.variant.name}--{self.case.name}--s{self.seed}"


def all_runs(seeds: tuple[int, ...] = SEEDS) -> list[Run]:
    """All runs, seed by seed, so that a stopped benchmark has seen every configuration once."""
    variants: list[Fault | Healthy] = [*FAULTS.values(), *HEALTHY.values()]
    return [Run(variant, case, seed) for seed in seeds for variant in variants for case in variant.cases]


def later_runs(half: str, seeds: tuple[int, ...] = (0,)) -> list[Run]:
    """The runs of a half that was written later; one seed is what it is made for."""
    written = HALVES_WRITTEN_LATER[half]
    variants: list[Fault | Healthy] = [*written.faults.values(), *written.healthy.values()]
    return [Run(variant, case, seed) for seed in seeds for variant in variants for case in variant.cases]


def second_runs(seeds: tuple[int, ...] = (0,)) -> list[Run]:
    return later_runs(SECOND, seeds)


def third_runs(seeds: tuple[int, ...] = (0,)) -> list[Run]:
    return later_runs(THIRD, seeds)


def fourth_runs(seeds: tuple[int, ...] = (0,)) -> list[Run]:
    return later_runs(FOURTH, seeds)


def fifth_runs(seeds: tuple[int, ...] = (0,)) -> list[Run]:
    return later_runs(FIFTH, seeds)


def sixth_runs(seeds: tuple[int, ...] = (0,)) -> list[Run]:
    return later_runs(SIXTH, seeds)


def find_run(name: str) -> Run:
    for run in [*all_runs(), *(run for half in LATER for run in later_runs(half, SEEDS))]:
        if run.name == name:
            return run
    raise KeyError(name)
