"""How long a history of a million recorded steps takes to open, and what recording a step costs.

    python -m benchmarks.history_open [--steps 1000000]

Every step is recorded, which is more than the watcher's own schedule does, with as many signals as a watched
run has. The file is then opened read-only in a fresh process, so that nothing is in memory yet (the operating
system may still cache the file), and read into observations.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._common import write_result
from equipoise.history.catalogue import SIGNALS
from equipoise.history.store import History

_OPEN = """
import sys, time
from equipoise.history.store import open_history
import numpy
start = time.perf_counter()
with open_history(sys.argv[1]) as history:
    observed = history.observations()
print(time.perf_counter() - start, len(observed.series("score.auc")), observed.step, len(observed.signals))
"""
_REPEATS = 5
_VECTOR = 32


def record(path: Path, steps: int) -> float:
    """Record so many steps; returns the seconds it took."""
    random = np.random.default_rng(0)
    # Values are prepared, so that the time is that of the store.
    templates: list[dict[str, Any]] = []
    for _ in range(16):
        values: dict[str, Any] = {}
        for name, signal in SIGNALS.items():
            numbers = random.standard_normal(_VECTOR if signal.kind == "vector" else 1)
            values[name] = numbers.tolist() if signal.kind == "vector" else float(numbers[0])
        templates.append(values)
    start = time.perf_counter()
    with History(path) as history:
        for step in range(1, steps + 1):
            history.append(step, templates[step % 16], {"generator": step, "discriminator": step})
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite"
        seconds = record(path, steps)
        opened = []
        for _ in range(_REPEATS):
            answer = subprocess.run(
                [sys.executable, "-c", _OPEN, str(path)], check=True, capture_output=True, text=True
            ).stdout.split()
            opened.append(float(answer[0]))
        written = write_result(
            "history_open",
            {
                "steps": steps,
                "signals": int(answer[3]),
                "records_kept": int(answer[1]),
                "last_step_read": int(answer[2]),
                "file_megabytes": round(path.stat().st_size / 1e6, 1),
                "open_and_read_seconds": [round(value, 3) for value in opened],
                "open_and_read_seconds_median": round(sorted(opened)[_REPEATS // 2], 3),
                "record_microseconds": round(seconds / steps * 1e6, 1),
            },
        )
    print(written.read_text())


if __name__ == "__main__":
    main()
