"""What a bar of the ladder is: data, arms, scores with floors, targets, and what was published."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from benchmarks.ladder.execute import Clock
    from equipoise.data import Dataset
    from equipoise.trainer import Run
    from equipoise.training.callbacks import Callback

#: The modules of this package that define a `BAR`, in the order of the table.
BARS = ("ring", "grid", "stacked_digits", "fashion", "starved", "stacked_mnist", "cifar10")
Scores = dict[str, Any]


@dataclass(frozen=True)
class Arm:
    """One way to train: a recipe, and what is changed of it.

    Attributes:
        recipe: a name of `equipoise.recipes`.
        overrides: settings as the command line takes them, such as ``"training.batch_size=256"``.
        seeds: how many of the seeds asked for it gets; None for all.
        about: one sentence for the table.
    """

    recipe: str
    overrides: tuple[str, ...]
    about: str
    seeds: int | None = None


@dataclass(frozen=True)
class Target:
    """A score that is to be at least, or at most, so much."""

    score: str
    limit: float
    at_least: bool = True

    def met(self, value: float) -> bool:
        """Whether a value reaches it."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True)
class Published:
    """A row of a published table: what it is compared with, and the iterations that it took."""

    method: str
    scores: Mapping[str, str]
    iterations: str
    source: str


@dataclass
class Task:
    """One run: which, where it lives, and what measuring it may need.

    Attributes:
        work: a folder for what is kept between runs of the bar, such as a classifier.
        data: the folder of data sets, for the bars that need one.
        minutes: how long this call may train, or None.
        limit: use only so many images of the data, to see whether everything runs; None for all.
    """

    bar: Bar
    arm: Arm
    seed: int
    work: Path
    data: Path | None = None
    minutes: float | None = None
    limit: int | None = None
    overrides: Sequence[str] = field(default_factory=list)

    def images(self, split: str = "train") -> Dataset:
        """The images of the bar's data folder.

        Raises:
            SystemExit: no data folder was given.
        """
        from equipoise.data import load_data

        if self.data is None or self.bar.data_folder is None:
            raise SystemExit(f"{self.bar.name} needs --data, the folder that holds {self.bar.data_folder}")
        return load_data(self.data / self.bar.data_folder, split=split, limit=self.limit)


class Bar:
    """A bar; a file of this package makes one subclass and its instance `BAR`.

    Attributes:
        name: as the command line takes it. title: for the table.
        task: what is to be learned, in a sentence or two.
        scores: keys of the results that the table shows, with their headings.
        targets: of the arm `ours`.
        arms: by name; `ours` first.
        published: what others reported.
        threads: computing threads of a run.
        checkpoint_every: how often a run is saved, in steps; a run that is stopped loses nothing.
        data_folder: the name of the folder of `--data` that is needed, or None.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    task: ClassVar[str]
    scores: ClassVar[Mapping[str, str]]
    targets: ClassVar[Sequence[Target]]
    arms: ClassVar[Mapping[str, Arm]]
    published: ClassVar[Sequence[Published]] = ()
    notes: ClassVar[str] = ""
    threads: ClassVar[int] = 1
    checkpoint_every: ClassVar[int] = 1000
    data_folder: ClassVar[str | None] = None
    seeds: ClassVar[Sequence[int]] = (0, 1, 2, 3, 4)

    def dataset(self, task: Task) -> Dataset:
        """What is trained on."""
        raise NotImplementedError

    def prepare(self, task: Task, dataset: Dataset) -> list[str]:
        """Overrides that depend on the machine or the data, such as a number of steps; mostly none."""
        return []

    def callbacks(self, task: Task, dataset: Dataset, clock: Clock) -> list[Callback]:
        """What listens to the run besides the clock."""
        return []

    def measure(self, run: Run, task: Task, dataset: Dataset) -> Scores:
        """The scores of a finished run."""
        raise NotImplementedError

    def floor(self, task: Task, dataset: Dataset) -> Scores:
        """The same scores of held-out real samples."""
        raise NotImplementedError

    def verdicts(self, results: Mapping[str, list[dict[str, Any]]]) -> list[tuple[str, bool]]:
        """Targets that compare arms: what is claimed, and whether it holds; mostly none.

        Args:
            results: the runs of each arm, as their JSON files hold them.
        """
        return []


def find_bar(name: str) -> Bar:
    """The bar of that name, with dashes or underscores.

    Raises:
        SystemExit: there is none.
    """
    module = name.replace("-", "_")
    if module not in BARS:
        raise SystemExit(f"there is no bar {name!r}; there are {', '.join(BARS)}")
    return importlib.import_module(f"benchmarks.ladder.{module}").BAR
