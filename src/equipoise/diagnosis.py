"""The verdict on a run that was watched, or on a plain log: `equipoise.diagnose`."""

from __future__ import annotations

from pathlib import Path

from equipoise.checks import Diagnosis, judge
from equipoise.errors import EquipoiseError
from equipoise.history.observations import Observations
from equipoise.history.store import FILE_NAME, open_history


def observe(path: str | Path) -> Observations:
    """What is known of a run folder, a history file, a CSV file or a TensorBoard log.

    Raises:
        EquipoiseError: there is nothing at the path that can be read.
    """
    path = Path(path)
    if not path.exists():
        raise EquipoiseError(
            f"`{path}` must be a run folder, a history file, a CSV file or a TensorBoard log, but it "
            "does not exist; check the path."
        )
    if path.is_dir() and (path / FILE_NAME).is_file():
        return _from_history(path / FILE_NAME)
    if path.suffix in (".sqlite", ".sqlite3", ".db"):
        return _from_history(path)
    from equipoise.history.logs import observations_from_log

    return observations_from_log(path)


def _from_history(path: Path) -> Observations:
    with open_history(path) as history:
        return history.observations()


def diagnose(run_directory: str | Path) -> Diagnosis:
    """The verdict on a finished or running training, from what it left on disk.

    Args:
        run_directory: a run folder of the trainer or of `watch(..., history=folder)`; a CSV file or a
            TensorBoard log give a verdict on what such a log can support, and say what is missing.

    Raises:
        EquipoiseError: there is nothing at the path that can be read.
    """
    return judge(observe(run_directory))
