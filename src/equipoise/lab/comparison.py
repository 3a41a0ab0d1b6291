"""Finished experiments side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equipoise.errors import EquipoiseError, unknown_name

if TYPE_CHECKING:
    from equipoise.lab.running import Result

# What a state is called in a table.
STATE_WORDS = {
    "failing": "still failing",
    "cured": "cured",
    "masked": "masked",
    "healthy": "healthy",
    "": "not judged",
}


@dataclass(frozen=True)
class Row:
    """One arm in a comparison: what it is, its key number, and what was measured of it."""

    arm: str
    role: str
    key: str
    value: float
    unit: str
    state: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "arm": self.arm,
            "role": self.role,
            "key": self.key,
            "value": self.value,
            "unit": self.unit,
            "state": self.state,
        }


def rows_of(result: Result) -> list[Row]:
    """The arms of a finished experiment with the number that stands for each."""
    rows = []
    for arm in result.outcome.arms:
        number = arm.numbers.get(result.outcome.key)
        rows.append(
            Row(
                arm=arm.name,
                role=arm.role,
                key=result.outcome.key,
                value=float("nan") if number is None else number.value,
                unit="" if number is None else number.unit,
                state=STATE_WORDS[arm.state],
            )
        )
    return rows


def finished(folder: str | Path, names: Sequence[str] = ()) -> list[Result]:
    """The finished experiments in a folder, all or those named, sorted by name.

    Raises:
        EquipoiseError: there is none, or one that is named is not there.
    """
    from equipoise.lab.running import FILE_NAME, read_result

    folder = Path(folder)
    found = {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{FILE_NAME}"))}
    if not found:
        raise EquipoiseError(
            f"`{folder}` must hold finished experiments, but there is none; run `equipoise lab run NAME "
            f"--out {folder}` first."
        )
    for name in names:
        if name not in found:
            raise unknown_name(f"finished experiment in `{folder}`", name, found)
    return [read_result(found[name]) for name in (sorted(set(names)) or found)]
