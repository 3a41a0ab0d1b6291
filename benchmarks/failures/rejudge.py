"""Judge kept histories anew with the checks as they are now, without training again.

    python -m benchmarks.failures.run --keep-history HISTORIES --out RUNS
    python -m benchmarks.failures.rejudge --runs RUNS AGAIN --histories HISTORIES OTHERS --out RUNS_NOW
    python -m benchmarks.failures.score --runs RUNS_NOW --name failures_corrected

Only the final verdict is made anew; what `diagnose` said early in the run, and everything that was
measured, is what it was. A run without a kept history is copied as it is; of a run in several folders the
last one counts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.failures.execute import summarise
from benchmarks.failures.run import write_run
from equipoise.checks.diagnosis import judge
from equipoise.history.store import History


def rejudged(record: dict[str, Any], history: Path) -> dict[str, Any]:
    """The record with the verdict of today's checks."""
    if record.get("error") is not None or not history.exists():
        return record
    return {**record, "diagnosis": summarise(judge(History(history).observations()))}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--histories", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    count = 0
    for runs, histories in zip(options.runs, options.histories, strict=True):
        for path in sorted(runs.glob("*.json")):
            record = json.loads(path.read_text())
            write_run(options.out, rejudged(record, histories / f"{path.stem}.sqlite"))
            count += 1
    print(f"{count} runs judged")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
