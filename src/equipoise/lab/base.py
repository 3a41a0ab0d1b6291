"""What an experiment is: a claim, a page in its docstring, a run that measures whether the claim holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from equipoise.checks.page import fixed_sections
from equipoise.lab.outcome import Outcome
from equipoise.registry import Registry

# Told in words what is going on, and the share of the run that is done.
Progress = Callable[[str, float], None]

# The sections of an experiment's docstring, in order; a test holds every experiment to them.
SECTIONS = (
    "What it shows",
    "Setting",
    "What to look at",
    "Where the textbook says more than this shows",
    "References",
)


class Experiment:
    """A known failure (or cure) that anybody can rerun from a fixed seed.

    A subclass is registered with `@EXPERIMENTS.register("its-name")` and lives in a file of its own in
    `lab/experiments/`; that is enough for the command line, the documentation and the contract test. Its
    docstring, a summary line and then the sections above, is its page.

    Attributes:
        name: the registered name.
        title: what the page is called.
        claim: what the run tests, in one sentence.
        question: what a student may be asking when this is the answer.
        minutes: about how long a full run takes on one core.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    claim: ClassVar[str]
    question: ClassVar[str]
    minutes: ClassVar[float]

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        """Carry it out.

        Args:
            budget: below 1 the steps are scaled down for a trial; the claim is then not judged.
            seed: of everything random.
            progress: called now and then with words and the share that is done.
        """
        raise NotImplementedError


EXPERIMENTS: Registry[type[Experiment]] = Registry("experiment", "equipoise.lab.experiments")


def scaled(steps: int, budget: float, least: int = 2) -> int:
    """So many steps under a budget, at least `least`.

    Example:
        >>> scaled(1000, 0.25), scaled(1000, 1e-6)
        (250, 2)
    """
    return max(least, round(steps * budget))


def page(experiment: type[Experiment]) -> dict[str, str]:
    """The docstring split at its sections: `summary` first, then the fixed sections in their order.

    Raises:
        EquipoiseError: a section is missing, empty or out of order.
    """
    return fixed_sections(experiment, f"experiment `{experiment.name}`", SECTIONS)


def markdown(experiment: type[Experiment]) -> str:
    """The page of an experiment for the documentation."""
    sections = page(experiment)
    lines = [f"# {experiment.title}", "", f"> {experiment.claim}", "", sections.pop("summary"), ""]
    lines += [f"*{experiment.question}*", ""]
    lines += [
        f"    equipoise lab run {experiment.name}",
        "",
        f"About {experiment.minutes:g} minutes on one core.",
    ]
    for title, text in sections.items():
        lines += ["", f"## {title}", "", text]
    return "\n".join(lines) + "\n"
