"""Run the benchmark of faulty and healthy trainings.

    python -m benchmarks.failures.run --out benchmarks/failures/runs --workers 2

Every run leaves its own JSON; a run whose JSON exists is skipped, so a stopped benchmark goes on where it
was. Each worker is a process with one computing thread. `--no-watch` trains without equipoise, to check
the labels.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported, here and in the workers

import argparse
import json
import multiprocessing
import signal
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from benchmarks.failures.split import LATER

SECONDS_PER_RUN = 300  # a run that takes longer is ended and its JSON says so
RUNS_PER_PROCESS = 25  # a worker is replaced after so many, so that nothing can pile up


def work(name: str, out: str, watched: bool, history: str | None) -> tuple[str, float, str | None, bool]:
    """One run in a worker process; writes its JSON."""
    import torch

    from benchmarks.failures.configurations import find_run
    from benchmarks.failures.execute import execute, no_watch

    torch.set_num_threads(1)
    watch: Any = no_watch
    if watched:
        import equipoise

        options = {"history": str(Path(history) / f"{name}.sqlite")} if history else {}

        def watch(generator: Any, discriminator: Any) -> Any:
            return equipoise.watch(generator, discriminator, **options)

    def too_long(signum: int, frame: Any) -> None:
        raise TimeoutError(f"the run took longer than {SECONDS_PER_RUN} seconds")

    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(SECONDS_PER_RUN)
    try:
        result = execute(find_run(name), watch)
    finally:
        if hasattr(signal, "SIGALRM"):
            signal.alarm(0)
    result["watched"] = watched
    write_run(Path(out), result)
    holds = bool((result.get("proof") or {}).get("label_holds"))
    return name, result["seconds"], result["error"], holds


def write_run(out: Path, result: dict[str, Any]) -> None:
    path = out / f"{result['name']}.json"
    partial = path.with_suffix(".json.tmp")
    partial.write_text(json.dumps(result, indent=None, separators=(",", ":"), sort_keys=True) + "\n")
    partial.replace(path)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/failures/runs"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", help="runs whose name contains this text")
    parser.add_argument("--data", help="folder with the fashion_mnist folder of parquet files")
    parser.add_argument("--limit-minutes", type=float, help="start no run after so many minutes")
    parser.add_argument("--keep-history", type=Path, help="keep every monitor's history in this folder")
    parser.add_argument("--no-watch", action="store_true", help="train without equipoise: checks labels only")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument(
        "--half", choices=LATER, help="run a half that was written unseen (else the first corpus)"
    )
    parser.add_argument("--smoke", action="store_true", help="only the small subset that the tests run")
    options = parser.parse_args(arguments)
    if options.data:
        os.environ["EQUIPOISE_DATA"] = str(Path(options.data).resolve())
    from benchmarks.failures.configurations import all_runs, later_runs
    from benchmarks.failures.smoke import smoke_runs

    # Asked to stop: the runs in hand are finished, and the workers end with this process.
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(1))
    options.out.mkdir(parents=True, exist_ok=True)
    if options.keep_history:
        options.keep_history.mkdir(parents=True, exist_ok=True)
    seeds = tuple(options.seeds)
    if options.smoke:
        runs = smoke_runs()
    else:
        runs = later_runs(options.half, seeds) if options.half else all_runs(seeds)
    names = [run.name for run in runs if not options.only or options.only in run.name]
    waiting = [name for name in names if not (options.out / f"{name}.json").exists()]
    print(f"{len(names)} runs, {len(names) - len(waiting)} already there", flush=True)
    started = time.perf_counter()
    done = 0
    while waiting:
        finished, broken = _batch(waiting, options, started, done, len(waiting))
        done += len(finished)
        waiting = [name for name in waiting if name not in finished]
        if not broken:
            break
    print(f"{done} runs in {(time.perf_counter() - started) / 60:.1f} minutes", flush=True)
    return 0


def _batch(
    names: list[str], options: argparse.Namespace, started: float, done: int, total: int
) -> tuple[set[str], bool]:
    """Work through the names with a pool; a pool that broke is left and the next one goes on without the
    culprit."""
    history = str(options.keep_history) if options.keep_history else None
    finished: set[str] = set()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        options.workers, mp_context=context, max_tasks_per_child=RUNS_PER_PROCESS
    ) as pool:
        queue = iter(names)
        pending: dict[Future, str] = {}

        def submit() -> None:
            late = options.limit_minutes and (time.perf_counter() - started) / 60 > options.limit_minutes
            name = None if late else next(queue, None)
            if name is not None:
                future = pool.submit(work, name, str(options.out), not options.no_watch, history)
                pending[future] = name

        for _ in range(options.workers):
            submit()
        while pending:
            future = next(as_completed(list(pending)))
            name = pending.pop(future)
            try:
                _, seconds, error, holds = future.result()
            except BrokenProcessPool:
                crashed = [name, *pending.values()]
                for culprit in crashed:
                    write_run(
                        options.out, {"name": culprit, "error": "the worker process died", "seconds": 0.0}
                    )
                return finished | set(crashed), True
            finished.add(name)
            mark = f"ERROR {error}" if error else ("ok" if holds else "LABEL NOT BACKED")
            print(f"[{done + len(finished)}/{total}] {seconds:6.1f} s  {name}  {mark}", flush=True)
            submit()
    return finished, False


if __name__ == "__main__":
    raise SystemExit(main())
