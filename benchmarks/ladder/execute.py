"""One run of the ladder: trained by `equipoise.Trainer`, measured, and written to its own JSON file."""

from __future__ import annotations

import json
import signal
import time
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks._common import machine_description
from benchmarks.ladder.bar import Task
from equipoise.trainer import Trainer
from equipoise.training.callbacks import Callback
from equipoise.training.interruption import TrainingInterruptedError

if TYPE_CHECKING:
    from equipoise.training.session import TrainingSession

RESULTS = Path(__file__).parent.parent / "results" / "ladder"


class Clock(Callback):
    """Counts the processor seconds of the training over restarts, and stops it when its time is up."""

    name = "ladder-clock"

    def __init__(self, minutes: float | None = None) -> None:
        self.processor_seconds = 0.0
        self.elapsed_seconds = 0.0
        self.minutes = minutes
        self._processor = self._elapsed = self._begun = 0.0

    def on_start(self, session: TrainingSession, step: int, total_steps: int) -> None:
        self._begun = time.perf_counter()
        self.go_on()

    def on_step(self, step: int, scores: Mapping[str, Any]) -> None:
        self.pause()
        self.go_on()
        if self.minutes is not None and time.perf_counter() - self._begun > 60 * self.minutes:
            # As Ctrl-C would: the trainer saves everything and stops.
            signal.raise_signal(signal.SIGINT)

    def pause(self) -> None:
        """Count what has passed; what follows, until `go_on`, is not training."""
        self.processor_seconds += time.process_time() - self._processor
        self.elapsed_seconds += time.perf_counter() - self._elapsed

    def go_on(self) -> None:
        """Count from here."""
        self._processor, self._elapsed = time.process_time(), time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        return {"processor_seconds": self.processor_seconds, "elapsed_seconds": self.elapsed_seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.processor_seconds = state["processor_seconds"]
        self.elapsed_seconds = state["elapsed_seconds"]


def execute(task: Task, name: str, out: Path) -> dict[str, Any] | None:
    """Train, measure and write; None when the minutes were over before the training was.

    Args:
        name: of the arm, for the folder of the run.
        out: the JSON file.
    """
    bar, arm = task.bar, task.arm
    torch.set_num_threads(bar.threads)
    dataset = bar.dataset(task)
    folder = task.work / f"{name}-{task.seed}"
    clock = Clock(task.minutes)
    prepared = _prepared(folder, task, dataset)
    overrides = [*arm.overrides, *prepared, *task.overrides]
    trainer = Trainer(
        arm.recipe,
        data=dataset,
        out=folder,
        resume=True,
        watch=False,
        callbacks=[clock, *bar.callbacks(task, dataset, clock)],
        overrides=[
            "training.keep_best=false",
            f"training.checkpoint_every={bar.checkpoint_every}",
            *overrides,
            f"training.seed={task.seed}",
        ],
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = trainer.fit()
    except TrainingInterruptedError as stopped:
        print(stopped, flush=True)
        return None
    training = run.configuration.training
    begun = time.process_time()
    scores = bar.measure(run, task, dataset)
    content = {
        "bar": bar.name,
        "arm": name,
        "seed": task.seed,
        "recipe": arm.recipe,
        "overrides": overrides,
        "warnings": trainer.warnings,
        "iterations": run.step,
        "batch_size": training.batch_size,
        "discriminator_steps": training.discriminator_steps,
        "generator_parameters": run.summary["generator_parameters"],
        "discriminator_parameters": run.summary["discriminator_parameters"],
        "processor_seconds": round(clock.processor_seconds, 1),
        "elapsed_seconds": round(clock.elapsed_seconds, 1),
        "measuring_processor_seconds": round(time.process_time() - begun, 1),
        "scores": scores,
    }
    write(out, content)
    return content


def write_floor(task: Task, results: Path = RESULTS) -> Path:
    """The scores of real held-out samples, once a bar."""
    path = results / task.bar.name / "floor.json"
    if not path.exists():
        torch.set_num_threads(task.bar.threads)
        write(path, {"bar": task.bar.name, "scores": task.bar.floor(task, task.bar.dataset(task))})
    return path


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a result with the machine and the date, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stamped = {"machine": machine_description(), "date": datetime.now(UTC).date().isoformat(), **content}
    scratch = path.with_suffix(".writing")
    scratch.write_text(json.dumps(stamped, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    scratch.replace(path)


def _prepared(folder: Path, task: Task, dataset: Any) -> list[str]:
    """What the bar measures out before a run, kept beside it so that a resumed run has the same."""
    kept = folder.with_suffix(".prepared.json")
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(task.bar.prepare(task, dataset)), encoding="utf-8")
    values: list[str] = json.loads(kept.read_text(encoding="utf-8"))
    return values
