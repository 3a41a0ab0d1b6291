"""What may listen to a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from equipoise.training.session import TrainingSession


class Callback:
    """Listens to a run; every method may be left out. All are called in every process.

    A callback with a `name` may keep state over a restart: what `state_dict` gives (plain JSON values) is
    saved with each checkpoint, and `load_state_dict` gets it before `on_start` of the resumed run.
    """

    name: str | None = None

    def on_start(self, session: TrainingSession, step: int, total_steps: int) -> None:
        """Before the first step; `step` is the number of steps that are done already."""

    def on_step(self, step: int, scores: Mapping[str, Tensor]) -> None:
        """After each step, with the number of steps done; the scores are on the device, and reading one waits
        for it."""

    def on_log(self, step: int, scores: Mapping[str, float]) -> None:
        """Every `training.log_every` steps, with the scores as numbers."""

    def on_checkpoint(self, step: int, path: Path) -> None:
        """After a checkpoint was written."""

    def on_end(self, step: int) -> None:
        """After the last step, or when the run was interrupted or failed."""

    def state_dict(self) -> dict[str, Any]:
        """What must survive a restart, as plain JSON values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
