"""The device, the processes and the trackers: what Accelerate provides."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.state import AcceleratorState

from equipoise.errors import EquipoiseError
from equipoise.training.configuration import TrainingConfiguration
from equipoise.training.run_directory import flattened

_PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb"}


def build_accelerator(configuration: TrainingConfiguration, directory: Path | None = None) -> Accelerator:
    """Device, processes and precision as launched; trackers write into the run's folder.

    Raises:
        EquipoiseError: a tracker's package is not installed.
    """
    training = configuration.training
    for tracker in training.trackers:
        if importlib.util.find_spec(_PACKAGES[tracker]) is None:
            raise EquipoiseError(
                f"The tracker `{tracker}` needs the package `{_PACKAGES[tracker]}`, which is not installed; "
                f"install equipoise[{tracker}]."
            )
    state = AcceleratorState._shared_state
    if state and state.get("_mixed_precision") != training.mixed_precision:
        # Accelerate keeps one precision for the whole process; an earlier run's must not be this one's.
        AcceleratorState._reset_state()
    return Accelerator(
        mixed_precision=training.mixed_precision,
        log_with=list(training.trackers) or None,
        project_dir=None if directory is None else str(directory),
    )


def start_trackers(accelerator: Accelerator, configuration: TrainingConfiguration) -> None:
    """Begin the run in every tracker, with all settings."""
    if configuration.training.trackers:
        accelerator.init_trackers("equipoise", config=_loggable(configuration))


def track(accelerator: Accelerator, scores: Mapping[str, float], step: int) -> None:
    """Write the scores of a step into every tracker."""
    if accelerator.trackers:
        accelerator.log(dict(scores), step=step)


def stop_trackers(accelerator: Accelerator) -> None:
    """Let the trackers write what they still hold."""
    # Not `end_training`: that would also end the process group, which may be somebody else's.
    for tracker in accelerator.trackers:
        tracker.finish()


def _loggable(configuration: TrainingConfiguration) -> dict[str, Any]:
    """TensorBoard takes numbers, text and truth values only."""
    return {
        name: value if isinstance(value, (int, float, str, bool)) else str(value)
        for name, value in flattened(configuration.to_values()).items()
    }
