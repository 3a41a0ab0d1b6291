"""Run an experiment and leave its figure, its page and its numbers in a folder."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from equipoise.errors import EquipoiseError
from equipoise.lab.base import EXPERIMENTS, Progress
from equipoise.lab.outcome import Outcome
from equipoise.validation import Interval, check_parameter

FILE_NAME = "outcome.json"


@dataclass(frozen=True)
class Result:
    """An outcome with the circumstances it was found in.

    Attributes:
        name, title, claim, minutes: of the experiment.
        outcome: what was found.
        seed, budget: what it was run with.
        seconds: of wall time.
        machine: processor, cores, threads, versions.
        finished: the moment, in UTC.
    """

    name: str
    title: str
    claim: str
    outcome: Outcome
    seed: int
    budget: float
    seconds: float
    machine: dict[str, Any]
    finished: str

    @property
    def held(self) -> bool | None:
        """Whether the claim held; None where the budget was cut, because a trial proves nothing."""
        return None if self.budget < 1 else self.outcome.holds

    @property
    def verdict(self) -> str:
        """`held` in words."""
        if self.held is None:
            return f"Not judged (budget {self.budget:g})"
        return "The claim holds" if self.held else "The claim does NOT hold"

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            "name": self.name,
            "title": self.title,
            "claim": self.claim,
            "held": self.held,
            "seed": self.seed,
            "budget": self.budget,
            "seconds": self.seconds,
            "machine": self.machine,
            "finished": self.finished,
            **self.outcome.to_json(),
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Result:
        """What `to_json` gave, as a result again."""
        fields = ("name", "title", "claim", "seed", "budget", "seconds", "machine", "finished")
        return cls(**{name: plain[name] for name in fields}, outcome=Outcome.from_json(plain))


def run_experiment(
    name: str,
    out: str | Path | None = None,
    *,
    budget: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Result:
    """Run the experiment of that name; with `out`, leave what it found in the folder `out`/`name`.

    Args:
        name: a registered experiment.
        out: the folder for all experiments, or None to write nothing.
        budget: the share of the full number of steps, above 0 and up to 1.
        seed: of everything random.
        progress: called with words and the share that is done.

    Raises:
        EquipoiseError: the name is unknown, a parameter is out of range, or the folder cannot be written.
    """
    experiment = EXPERIMENTS.get(name)
    check_parameter("budget", budget, Interval(float, 0, 1, low_open=True))
    check_parameter("seed", seed, Interval(int, 0))
    if out is not None:
        _make(Path(out) / name)
    started = time.perf_counter()
    outcome = experiment().run(budget=budget, seed=seed, progress=progress)
    result = Result(
        name=name,
        title=experiment.title,
        claim=experiment.claim,
        outcome=outcome,
        seed=seed,
        budget=budget,
        seconds=round(time.perf_counter() - started, 2),
        machine=describe_machine(),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    if out is not None:
        write(result, Path(out) / name)
    return result


def write(result: Result, folder: Path) -> None:
    """Figure, page and numbers; each file is there whole or not at all."""
    from equipoise.lab.figure import draw, render
    from equipoise.lab.page import render_page

    _make(folder)
    figure = draw(result.outcome, result.claim, result.verdict)
    write_whole(folder / "figure.png", render(figure, "png"))
    write_whole(folder / "figure.svg", render(figure, "svg"))
    write_whole(folder / "page.html", render_page(result).encode("utf-8"))
    # Last: a folder with numbers is a finished experiment.
    text = json.dumps(result.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / FILE_NAME, text.encode("utf-8"))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file such that a reader sees the old one or the whole new one.

    Raises:
        EquipoiseError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise EquipoiseError(
            f"The file `{path}` cannot be written ({error}); choose another folder with --out."
        ) from error


def read_result(folder: str | Path) -> Result:
    """The finished experiment in a folder.

    Raises:
        EquipoiseError: there is none, or its file is damaged.
    """
    path = Path(folder) / FILE_NAME
    try:
        return Result.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise EquipoiseError(
            f"`{folder}` must hold a finished experiment, but there is no readable {FILE_NAME} in it; run "
            "`equipoise lab run` first."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise EquipoiseError(
            f"`{path}` cannot be understood ({type(error).__name__}: {error}); run the experiment again."
        ) from error


def describe_machine() -> dict[str, Any]:
    """What the seconds were measured on."""
    import torch

    return {
        "processor": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EquipoiseError(
            f"The folder `{folder}` cannot be made ({error}); choose another one with --out."
        ) from error
