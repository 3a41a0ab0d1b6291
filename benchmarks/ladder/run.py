"""Run bars of the ladder; see the package for what there is.

    python -m benchmarks.ladder.run --bar ring --seeds 0 1 2 3 4
    python -m benchmarks.ladder.run --bar fashion --data FOLDER --minutes 20   # call again to go on
    python -m benchmarks.ladder.run --bar grid --trial wider --seed 100 --override networks.base_channels=256

A run whose JSON exists is not repeated; one that was stopped (Ctrl-C, or `--minutes`) goes on from its last
checkpoint. A trial is a run with changed settings and a seed that is not reported; it is kept in the bar's
folder `trials`, where the table finds what was tried.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.ladder.bar import BARS, Task, find_bar
from benchmarks.ladder.execute import RESULTS, execute, write_floor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bar", required=True, help=", ".join(BARS))
    parser.add_argument("--seeds", nargs="+", type=int, help="the bar's own unless given")
    parser.add_argument("--arms", nargs="+", help="all unless given")
    parser.add_argument("--data", type=Path, help="the folder of the data folders (or EQUIPOISE_DATA)")
    parser.add_argument(
        "--minutes", type=float, help="train at most so long in this call, then save and stop"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/ladder"), help="where the runs go")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    parser.add_argument("--limit", type=int, help="so many images of the data only: a smoke test")
    parser.add_argument("--override", nargs="+", default=[], help="settings of a trial, key=value")
    parser.add_argument("--trial", help="the trial's name; its result goes to the bar's trials")
    options = parser.parse_args()
    bar = find_bar(options.bar)
    if options.override and not options.trial:
        parser.error("settings are changed only in a trial; name it with --trial")
    if options.limit and options.results == RESULTS:
        parser.error("a smoke test must not be among the results; name another folder with --results")
    data = options.data or (Path(os.environ["EQUIPOISE_DATA"]) if "EQUIPOISE_DATA" in os.environ else None)
    if bar.data_folder and (data is None or not (data / bar.data_folder).is_dir()):
        parser.error(f"give the folder that holds {bar.data_folder} with --data or as EQUIPOISE_DATA")
    arms = options.arms or list(bar.arms)[: 1 if options.trial else None]
    for name in arms:
        if name not in bar.arms:
            parser.error(f"{bar.name} has no arm {name!r}; it has {', '.join(bar.arms)}")
    work = options.work / bar.name
    work.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    for position, seed in enumerate(options.seeds or bar.seeds):
        for name in arms:
            arm = bar.arms[name]
            label = name
            if options.trial:
                label = options.trial if name == next(iter(bar.arms)) else f"{name}-{options.trial}"
            out = options.results / bar.name / ("trials" if options.trial else "") / f"{label}-{seed}.json"
            if out.exists() or (arm.seeds is not None and position >= arm.seeds):
                continue
            left = None
            if options.minutes is not None:
                left = options.minutes - (time.monotonic() - began) / 60
                if left <= 0:
                    print("the minutes are over; call again to go on")
                    return
            task = Task(bar, arm, seed, work, data, left, options.limit, options.override)
            if not options.trial:
                write_floor(replace(task, minutes=None), options.results)
            result = execute(task, label if not options.trial else f"trial-{label}", out)
            if result is None:
                return
            print(
                label, seed, f"{result['processor_seconds']:.0f} s", json.dumps(result["scores"]), flush=True
            )


if __name__ == "__main__":
    main()
