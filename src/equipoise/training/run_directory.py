"""The folder that a run leaves behind, and what may be done with one that is there already."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from equipoise.errors import EquipoiseError
from equipoise.training.checkpoint import STATE_FILE, recover

# What may differ between a run and its continuation: length, and what is only written down.
_FREE = ("recipe", "training.steps", "training.trackers", "training.log_every", "training.checkpoint_every")


class RunDirectory:
    """Where everything of a run is.

    - `configuration.yaml`: all settings, defaults included;
    - `checkpoints/last`, `checkpoints/best`;
    - `log.jsonl`: one line of scores every `training.log_every` steps;
    - `samples.png`, `curves.png`, `summary.json`, `summary.md`.

    Args:
        path: the folder; it need not exist.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.last = self.checkpoints / "last"
        self.best = self.checkpoints / "best"
        self.log = self.path / "log.jsonl"
        self.configuration = self.path / "configuration.yaml"
        self.summary = self.path / "summary.json"

    def recover(self) -> None:
        """Bring the checkpoints into order after a kill."""
        if self.checkpoints.is_dir():
            recover(self.checkpoints, "last")
            recover(self.checkpoints, "best")

    @property
    def holds_checkpoint(self) -> bool:
        """Whether a run can be gone on with."""
        return (self.last / STATE_FILE).exists()

    @property
    def holds_run(self) -> bool:
        """Whether a run began here."""
        return self.configuration.exists() or self.checkpoints.exists()

    def claim(self, resume: bool) -> bool:
        """Make the folder ready for a run; whether there is a run to go on with.

        Raises:
            EquipoiseError: it holds a run and `resume` is not asked for, or it cannot be written.
        """
        if self.path.exists() and not self.path.is_dir():
            raise EquipoiseError(f"The run's folder {str(self.path)!r} is a file; choose another --out.")
        if not resume and self.holds_run:
            raise EquipoiseError(
                f"The folder {str(self.path)!r} holds a run already; go on with it with --resume, or choose "
                "another --out."
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.recover()
            probe = self.path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise EquipoiseError(
                f"The run's folder {str(self.path)!r} cannot be written ({error.strerror or error}); choose "
                "another --out."
            ) from error
        return resume and self.holds_checkpoint

    def write_configuration(self, values: Mapping[str, Any]) -> None:
        """Write down all settings."""
        self._write(self.configuration, yaml.safe_dump(dict(values), sort_keys=False))

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """Add one line to the log."""
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(json.dumps(dict(entry)) + "\n")

    def read_log(self) -> list[dict[str, Any]]:
        """All whole lines of the log; a line that a kill cut short is left out."""
        return list(_entries(self.log))

    def truncate_log(self, step: int) -> None:
        """Forget what was logged after a step, because those steps are carried out again."""
        if self.log.exists():
            kept = [entry for entry in _entries(self.log) if entry.get("step", 0) <= step]
            self._write(self.log, "".join(json.dumps(entry) + "\n" for entry in kept))

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write the summary for programs and the one for people."""
        self._write(self.summary, json.dumps(dict(summary), indent=2) + "\n")
        self._write(self.path / "summary.md", summary_for_people(summary))

    def _write(self, path: Path, text: str) -> None:
        scratch = path.with_name(f".{path.name}.writing")
        try:
            scratch.write_text(text, encoding="utf-8")
            os.replace(scratch, path)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            raise EquipoiseError(
                f"The file {str(path)!r} could not be written ({error.strerror or error}); make room or the "
                "folder writable, then go on with --resume."
            ) from error


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry


def summary_for_people(summary: Mapping[str, Any]) -> str:
    """The summary as a short Markdown page.

    Example:
        >>> print(summary_for_people({"steps": 10, "scores": {"loss": 0.5}}))
        # Summary of the run
        <BLANKLINE>
        - steps: 10
        - scores: loss 0.5
        <BLANKLINE>
    """
    lines = ["# Summary of the run", ""]
    for key, value in summary.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            shown = ", ".join(f"{name} {_short(entry)}" for name, entry in value.items())
        else:
            shown = _short(value)
        lines.append(f"- {key.replace('_', ' ')}: {shown}")
    return "\n".join(lines) + "\n"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted names.

    Example:
        >>> flattened({"training": {"steps": 3}, "recipe": None})
        {'training.steps': 3, 'recipe': None}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(flattened(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def refuse_changes(saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with other settings than the run had, and list them.

    Free to change are the number of steps, how often things are written, and the trackers.

    Raises:
        EquipoiseError: with every difference.
    """
    before, after = ({n: v for n, v in flattened(side).items() if v != {}} for side in (saved, now))
    differences = [
        f"`{name}` was {_shown(before, name)} and is {_shown(after, name)}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) and not name.startswith(_FREE)
    ]
    if differences:
        raise EquipoiseError(
            f"The run cannot be gone on with under changed settings: {', '.join(differences)}; give the old "
            "values, or start a new run in another --out."
        )


def _shown(settings: Mapping[str, Any], name: str) -> str:
    return repr(settings[name]) if name in settings else "not set"
