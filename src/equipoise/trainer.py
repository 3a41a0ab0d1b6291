"""`Trainer`, `Run` and `load_generator`: data, configuration, training and watching put together."""

from __future__ import annotations

import itertools
import json
import platform
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equipoise.errors import EquipoiseError

if TYPE_CHECKING:
    import numpy as np

    from equipoise.data import Dataset
    from equipoise.monitor import Monitor
    from equipoise.training.callbacks import Callback
    from equipoise.training.configuration import TrainingConfiguration
    from equipoise.training.loop import TrainingLoop
    from equipoise.training.sampling import SavedGenerator


class Trainer:
    """Trains a GAN as a configuration says, into a folder of its own.

    Args:
        config: a recipe's name, the path of a YAML file, nested values, or a `TrainingConfiguration`.
        data: a `Dataset`, an array, or a source for `load_data`; None takes `data.source` as configured.
        out: the run's folder; None takes a new one under `runs/`.
        resume: go on with what `out` holds; begin when it holds nothing.
        callbacks: what listens; see `equipoise.training.callbacks.Callback`.
        watch: whether `equipoise.watch` observes the run and writes `history.sqlite` beside it.
        overrides: settings such as ``"training.batch_size=128"``.

    Raises:
        EquipoiseError: the configuration, the data or the folder cannot be used; one sentence says why.

    Example:
        >>> import tempfile
        >>> settings = {"recipe": "default", "training": {"steps": 2, "batch_size": 8}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = Trainer(settings, data="ring", out=folder + "/run", watch=False).fit()
        ...     run.step, run.sample(4).shape
        (2, (4, 2))
    """

    def __init__(
        self,
        config: TrainingConfiguration | str | Path | Mapping[str, Any] = "default",
        *,
        data: Dataset | np.ndarray | str | Path | None = None,
        out: str | Path | None = None,
        resume: bool = False,
        callbacks: Sequence[Callback] = (),
        watch: bool = True,
        overrides: Iterable[str] = (),
    ) -> None:
        from equipoise.training.load import load_configuration

        self.configuration = load_configuration(config, overrides)
        if isinstance(data, (str, Path)):
            self.configuration.data.source = str(data)
        self._data = data
        if resume and out is None:
            raise EquipoiseError("`resume` needs `out`, the folder of the run to go on with; name it.")
        self._out_named = out is not None
        self.out = Path(out) if out is not None else _new_folder(self.configuration)
        self.resume = resume
        self.callbacks = list(callbacks)
        self.watch = watch
        self.warnings: list[str] = []

    def fit(self) -> Run:
        """Train to the last step, and return the finished run.

        Raises:
            TrainingInterruptedError: after Ctrl-C, with everything saved.
            EquipoiseError: see `TrainingLoop.run`.
        """
        from equipoise.training.loop import TrainingLoop
        from equipoise.training.rules import check_rules
        from equipoise.training.run_directory import RunDirectory
        from equipoise.training.session import TrainingSession
        from equipoise.training.trackers import build_accelerator

        dataset = self._dataset()
        directory = RunDirectory(self.out)
        accelerator = build_accelerator(self.configuration, directory.path)
        if accelerator.num_processes > 1 and not self._out_named:
            raise EquipoiseError(
                "`out` must be named when several processes train together; give one folder to all."
            )
        self.warnings = check_rules(
            self.configuration, dataset.specification, accelerator.num_processes, accelerator.device.type
        )
        for sentence in self.warnings:
            warnings.warn(sentence, stacklevel=2)
        with accelerator.main_process_first():
            # The others find a folder that the main process has claimed; to them that is no other run.
            going_on = directory.claim(self.resume or not accelerator.is_main_process)
        session = TrainingSession(self.configuration, dataset, accelerator)
        loop = TrainingLoop(session, directory, self.callbacks)
        if going_on:
            loop.resume()
        monitor = self._start_watching(loop) if self.watch and accelerator.is_main_process else None
        try:
            loop.run()
            if monitor is not None:
                # The active probes need the networks: run now, a verdict from the file rests on them too.
                monitor.diagnose()
        finally:
            if monitor is not None:
                monitor.close()
        nothing_new = session.step == loop.first_step and directory.summary.exists()
        if accelerator.is_main_process and not nothing_new:
            directory.write_summary(_summary(loop))
        accelerator.wait_for_everyone()
        return Run(self.out)

    def _dataset(self) -> Dataset:
        from equipoise.data import Dataset, load_data

        section = self.configuration.data
        if self._data is None or isinstance(self._data, (str, Path)):
            return load_data(section.source, **section.options)
        dataset = self._data if isinstance(self._data, Dataset) else load_data(self._data, **section.options)
        section.source = dataset.name
        return dataset

    def _start_watching(self, loop: TrainingLoop) -> Monitor | None:
        """The monitor, counting on from what is done; None where there is nothing left to watch."""
        from equipoise.monitor import watch

        session = loop.session
        training = self.configuration.training
        if session.step >= training.steps:
            return None
        history = loop.directory.path / "history.sqlite"
        monitor = watch(session.generator, session.discriminator, history=history)
        monitor.count_on(generator=session.step, discriminator=session.step * training.discriminator_steps)
        return monitor


class Run:
    """A run's folder, opened for reading.

    Args:
        directory: the folder that `equipoise train --out` wrote.

    Attributes:
        directory: its path.
        step: the steps that the last checkpoint has seen.

    Raises:
        EquipoiseError: the folder holds no run.
    """

    def __init__(self, directory: str | Path) -> None:
        from equipoise.training.checkpoint import read_state

        self.directory = Path(directory)
        self._state = read_state(checkpoint_folder(self.directory))
        self.step: int = self._state["step"]
        self._generator: SavedGenerator | None = None

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r}, step={self.step})"

    @property
    def configuration(self) -> TrainingConfiguration:
        """All settings of the run."""
        from equipoise.training.configuration import TrainingConfiguration

        return TrainingConfiguration.from_values(self._state["configuration"])

    @property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` says; empty while the run has not ended."""
        path = self.directory / "summary.json"
        if not path.exists():
            return {}
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return values

    @property
    def generator(self) -> SavedGenerator:
        """The generator of the last checkpoint, its moving average if there is one."""
        if self._generator is None:
            self._generator = load_generator(self.directory)
        return self._generator

    def sample(self, n: int, labels: int | Sequence[int] | None = None, seed: int = 0) -> np.ndarray:
        """Samples in the units of the data; see `SavedGenerator.sample`."""
        return self.generator.sample(n, labels, seed)


def load_generator(path: str | Path | Run, *, ema: bool = True) -> SavedGenerator:
    """The generator of a run or of one of its checkpoints, on the CPU and in evaluation mode.

    Args:
        path: a run's folder (its last checkpoint), a checkpoint's folder, or a `Run`.
        ema: the moving average of the weights, where the run kept one; otherwise the last weights.

    Returns:
        A module: call it with latents (and labels), or its `sample(n, labels=None, seed=0)`, which gives
        samples in the units of the data.

    Raises:
        EquipoiseError: there is no checkpoint, or it is damaged.
    """
    from equipoise.data import Normalisation, SampleSpecification
    from equipoise.penalties import build_penalty
    from equipoise.training.assembly import NetworkSettings, networks_for
    from equipoise.training.checkpoint import read_state, read_tensors
    from equipoise.training.sampling import SavedGenerator

    folder = checkpoint_folder(path.directory if isinstance(path, Run) else Path(path))
    state = read_state(folder)
    specification = SampleSpecification.from_json(state["specification"])
    plan = NetworkSettings.from_json(state["networks"], specification)
    generator, discriminator = networks_for(plan, seed=0)
    for name, options in state["configuration"]["penalties"].items():
        # Spectral normalisation changes what a network's weights are called.
        build_penalty(name, **options).prepare(generator, discriminator)
    tensors = read_tensors(folder, "ema" if ema and state["ema"] is not None else "generator")
    try:
        generator.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        raise EquipoiseError(
            f"The checkpoint {str(folder)!r} does not fit its own networks ({first}); it is damaged or was "
            "written by another version of equipoise."
        ) from error
    generator.requires_grad_(False)
    return SavedGenerator(
        generator,
        specification,
        Normalisation.from_json(state["normalisation"]),
        plan.conditional,
        state["step"],
    )


def checkpoint_folder(path: Path) -> Path:
    """The checkpoint of a folder: itself, or the run's last (while that is replaced, the complete one)."""
    from equipoise.training.checkpoint import STATE_FILE

    last = path / "checkpoints" / "last"
    for folder in (path, last, last.with_name("last.new"), last.with_name("last.old")):
        if (folder / STATE_FILE).exists():
            return folder
    if not path.exists():
        raise EquipoiseError(
            f"There is no folder {str(path)!r}; give a run's folder or one of its checkpoints."
        )
    raise EquipoiseError(
        f"The folder {str(path)!r} holds no checkpoint; give a run's folder or one of its checkpoints."
    )


def _new_folder(configuration: TrainingConfiguration) -> Path:
    name = f"{Path(configuration.data.source).name or 'data'}-{configuration.recipe or 'custom'}"
    numbered = (Path("runs") / (name if number == 1 else f"{name}-{number}") for number in itertools.count(1))
    return next(folder for folder in numbered if not folder.exists())


def _summary(loop: TrainingLoop) -> dict[str, Any]:
    import torch

    session = loop.session
    done = session.step - loop.first_step
    training = session.configuration.training
    return {
        "recipe": session.configuration.recipe,
        "data": session.dataset.name,
        "samples_in_data": len(session.dataset),
        "architecture": session.plan.architecture,
        "generator_parameters": sum(p.numel() for p in session.generator.parameters()),
        "discriminator_parameters": sum(p.numel() for p in session.discriminator.parameters()),
        "steps": session.step,
        "batch_size": training.batch_size
        * training.gradient_accumulation
        * session.accelerator.num_processes,
        "begun_at_step": loop.first_step,
        "seconds": round(loop.seconds, 2),
        "steps_per_second": round(done / loop.seconds, 3) if done and loop.seconds else None,
        "device": session.device.type,
        "processes": session.accelerator.num_processes,
        "scores": loop.last_scores,
        "best_distance": session.best_distance,
        "checkpoint": "checkpoints/last",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
