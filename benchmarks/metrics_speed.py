"""Speed and peak memory of the metrics against torch-fidelity and prdc, on shared features.

    python benchmarks/metrics_speed.py            # 10,000 x 2,048; writes results/metrics_speed.json
    python benchmarks/metrics_speed.py --large    # adds 50,000 x 2,048, two distances, ours alone

Times are taken in one process, the rivals in turn, and given as ratios of the same round, so that other work
on the machine hits both. Processor time, which that work hits less, is given too. Peak memory is that of a
fresh process each, above what it held before the call. prdc and torch-fidelity are optional: what cannot be
imported is left out and named. torch-fidelity's formulas need no torchvision, but its package imports it;
where that fails, empty stand-in modules take its place.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
from _common import RESULTS, write_result

Function = Callable[[torch.Tensor, torch.Tensor], dict[str, float]]
SUBSETS, SUBSET_SIZE, K = 100, 1000, 5


def features(count: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rectified, slightly different noise: as wide and as sparse as pooled network features."""
    random = torch.Generator().manual_seed(0)
    real = torch.randn(count, width, generator=random).relu_()
    fake = torch.randn(count, width, generator=random).mul_(0.98).add_(0.01).relu_()
    return fake, real


def our_frechet(fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    from equipoise.metrics.frechet import frechet_distance

    return {"value": frechet_distance(fake, real)}


def our_kernel(fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    from equipoise.metrics.kernel import kernel_distance

    value, error = kernel_distance(fake, real, subsets=SUBSETS)
    return {"value": value, "standard_error": error}


def our_kernel_subsets(fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    from equipoise.metrics.kernel import kernel_distance

    value, error = kernel_distance(fake, real, subsets=SUBSETS, subset_size=SUBSET_SIZE)
    return {"value": value, "standard_error": error}


def our_prdc(fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    from equipoise.metrics.prdc import precision_recall_density_coverage

    found = precision_recall_density_coverage(fake, real, k=K)
    return {name: getattr(found, name) for name in ("precision", "recall", "density", "coverage")}


def their_prdc(fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    import prdc

    with contextlib.redirect_stdout(io.StringIO()):
        found = prdc.compute_prdc(real.numpy(), fake.numpy(), K)
    return {name: float(value) for name, value in found.items()}


def their_frechet(fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    module = fidelity("metric_fid")
    statistics_of = [module.fid_features_to_statistics(rows) for rows in (fake, real)]
    return {"value": module.fid_statistics_to_metric(*statistics_of, False)["frechet_inception_distance"]}


def their_kernel(fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    found = fidelity("metric_kid").kid_features_to_metric(
        fake, real, kid_subsets=SUBSETS, kid_subset_size=SUBSET_SIZE, verbose=False
    )
    return {"value": found["kernel_inception_distance_mean"]}


def fidelity(name: str) -> Any:
    """A module of torch-fidelity, with empty stand-ins for torchvision where that cannot be imported."""
    try:
        return importlib.import_module(f"torch_fidelity.{name}")
    except (ImportError, RuntimeError):
        for module in [key for key in sys.modules if key.split(".")[0] in ("torchvision", "torch_fidelity")]:
            del sys.modules[module]

    class StandIn(types.ModuleType):
        def __getattr__(self, attribute: str) -> type:
            if attribute.startswith("__"):
                raise AttributeError(attribute)
            return type(attribute, (), {})

    for path in ("", ".datasets", ".transforms", ".transforms.functional", ".models"):
        full = f"torchvision{path}"
        sys.modules[full] = StandIn(full)
        parent, _, child = full.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[full])
    return importlib.import_module(f"torch_fidelity.{name}")


FUNCTIONS: dict[str, Function] = {
    function.__name__: function
    for function in (
        our_frechet,
        our_kernel,
        our_kernel_subsets,
        our_prdc,
        their_frechet,
        their_kernel,
        their_prdc,
    )
}
# name, ours, theirs, the rival's package, samples
PAIRS = [
    ("precision-recall-density-coverage", "our_prdc", "their_prdc", "prdc", 10_000),
    ("frechet-distance", "our_frechet", "their_frechet", "torch-fidelity", 10_000),
    ("kernel-distance", "our_kernel", "their_kernel", "torch-fidelity", 5_000),
    ("kernel-distance, 100 subsets of 1000", "our_kernel_subsets", "their_kernel", "torch-fidelity", 10_000),
]


def measured(name: str, count: int, width: int) -> tuple[dict[str, float], float, float]:
    """In this process: the result, seconds, and the peak of memory above the start in megabytes."""
    fake, real = features(count, width)
    small = features(300, width)
    with contextlib.suppress(AssertionError, ValueError):  # warm up imports; a subset can be too large
        FUNCTIONS[name](*small)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = megabytes("VmRSS")
    begin = time.perf_counter()
    result = FUNCTIONS[name](fake, real)
    seconds = time.perf_counter() - begin
    return result, seconds, megabytes("VmHWM") - before


def megabytes(field: str) -> float:
    """A field of this process's status: VmRSS is what it holds, VmHWM the most it held (Linux only)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise OSError(f"the system does not tell {field}; memory is measured on Linux only")


def in_fresh_process(name: str, count: int, width: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", name, "--samples", str(count), "--width", str(width)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def compare(ours: str, theirs: str, count: int, width: int, rounds: int) -> dict[str, Any]:
    fake, real = features(count, width)
    seconds: dict[str, list[float]] = {ours: [], theirs: []}
    processor: dict[str, list[float]] = {ours: [], theirs: []}
    results = {}
    for turn in range(rounds):
        for name in (ours, theirs) if turn % 2 == 0 else (theirs, ours):
            begin, busy = time.perf_counter(), time.process_time()
            results[name] = FUNCTIONS[name](fake, real)
            seconds[name].append(round(time.perf_counter() - begin, 3))
            processor[name].append(round(time.process_time() - busy, 3))
    ratios = [them / us for us, them in zip(seconds[ours], seconds[theirs])]
    busy_ratios = [them / us for us, them in zip(processor[ours], processor[theirs])]
    memory = {name: in_fresh_process(name, count, width)["peak_megabytes"] for name in (ours, theirs)}
    return {
        "samples": count,
        "width": width,
        "times_faster_median": round(statistics.median(ratios), 2),
        "times_faster_per_round": [round(ratio, 2) for ratio in ratios],
        "times_less_processor_time_median": round(statistics.median(busy_ratios), 2),
        "seconds": {"ours": seconds[ours], "theirs": seconds[theirs]},
        "processor_seconds": {"ours": processor[ours], "theirs": processor[theirs]},
        "peak_megabytes": {"ours": memory[ours], "theirs": memory[theirs]},
        "memory_ratio": round(memory[ours] / memory[theirs], 3),
        "results": {"ours": results[ours], "theirs": results[theirs]},
    }


def importable(theirs: str) -> str:
    """Why a rival cannot be run, or nothing."""
    try:
        importlib.import_module("prdc") if theirs == "their_prdc" else fidelity("metric_kid")
    except (ImportError, RuntimeError) as error:
        return str(error)
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of samples")
    parser.add_argument(
        "--large", action="store_true", help="also 50,000 samples, Fréchet and kernel distance, ours alone"
    )
    parser.add_argument(
        "--large-alone", action="store_true", help="only those, beside the comparisons that were kept"
    )
    parser.add_argument("--one", choices=sorted(FUNCTIONS), help=argparse.SUPPRESS)
    parser.add_argument("--samples", type=int, default=10_000, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        result, seconds, peak = measured(options.one, options.samples, options.width)
        print(json.dumps({"result": result, "seconds": seconds, "peak_megabytes": round(peak, 1)}))
        return
    content: dict[str, Any] = {"comparisons": {}, "left_out": {}, "large": {}}
    if options.large_alone:
        content = json.loads((RESULTS / "metrics_speed.json").read_text(encoding="utf-8")) | {"large": {}}
    for title, ours, theirs, package, count in () if options.large_alone else PAIRS:
        reason = importable(theirs)
        if reason:
            content["left_out"][title] = f"{package}: {reason}"
            continue
        found = compare(ours, theirs, int(count * options.scale), options.width, options.rounds)
        content["comparisons"][title] = {"against": package} | found
        print(f"{title}: {found['times_faster_median']} times faster than {package} ", end="")
        print(f"({found['times_less_processor_time_median']} times less processor time), ", end="")
        print(f"{found['memory_ratio']} of its peak memory", flush=True)
    if options.large or options.large_alone:
        for name in ("our_frechet", "our_kernel"):
            found = in_fresh_process(name, int(50_000 * options.scale), options.width)
            content["large"][name] = found | {"date": datetime.now(UTC).date().isoformat()}
            print(name, content["large"][name], flush=True)
    print(write_result("metrics_speed", content))


if __name__ == "__main__":
    main()
