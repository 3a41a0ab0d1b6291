"""Minibatch discrimination, 1024 features to 128 kernels of 16 dimensions: ours against torchgan's layer.

    python benchmarks/minibatch_discrimination.py    # results/minibatch_discrimination.json

* Forward and backward at N = 64, 128, 256, with one thread and with two.
* The same with an R1-style second order pass at N = 256: the squared gradient with respect to the features,
  differentiated with respect to features and weights.
* Peak memory of one such call in a fresh process, above what the process held before.

Both layers get the same weights and features (ours at its own initialisation; with torchgan's, both give 0),
and are run in turn in one process; ratios are taken within a round. Their results are compared first. Without
torchgan (see peers/README.md), its formula is written out here again, and the results say so.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))
from _common import write_result
from _memory import peak_megabytes

from equipoise.layers.minibatch_discrimination import MinibatchDiscrimination

FEATURES, KERNELS, DIMENSIONS = 1024, 128, 16
ORDERS = {"forward and backward": 1, "with a second order pass": 2}
CASES = [("forward and backward", 64), ("forward and backward", 128), ("forward and backward", 256)]
CASES.append(("with a second order pass", 256))


class BroadcastDiscrimination(nn.Module):
    """The usual form: all differences of all pairs at once, (N, N, kernels, dimensions)."""

    def __init__(self) -> None:
        super().__init__()
        self.T = nn.Parameter(torch.empty(FEATURES, KERNELS, DIMENSIONS))

    def forward(self, features: Tensor) -> Tensor:
        projected = (features @ self.T.flatten(1)).view(-1, KERNELS, DIMENSIONS)
        distances = (projected.unsqueeze(0) - projected.unsqueeze(1)).abs().sum(3)
        return torch.cat([features, distances.neg().exp().sum(0) - 1], 1)


def their_layer() -> tuple[nn.Module, str]:
    """torchgan's layer, or the same formula, and which of the two it is."""
    try:
        from peers.torchgan_shims import import_torchgan

        package = import_torchgan()
        from torchgan.layers import MinibatchDiscrimination1d

        return MinibatchDiscrimination1d(FEATURES, KERNELS, DIMENSIONS), f"torchgan {package.__version__}"
    except ImportError as error:
        return BroadcastDiscrimination(), f"its formula, written out again ({error})"


def layers() -> tuple[dict[str, nn.Module], str]:
    torch.manual_seed(0)
    ours = MinibatchDiscrimination(FEATURES, KERNELS, DIMENSIONS)
    theirs, name = their_layer()
    with torch.no_grad():
        theirs.T.copy_(ours.projection.view_as(theirs.T))
    return {"ours": ours, "theirs": theirs}, name


def call(layer: nn.Module, order: int, count: int) -> Callable[[], list[Tensor]]:
    """A pass and its derivatives with respect to features and weights; all of them, to be compared."""
    random = torch.Generator().manual_seed(1)
    features = torch.randn(count, FEATURES, generator=random).requires_grad_()
    weights = torch.randn(count, FEATURES + KERNELS, generator=random)
    inputs = [features, *layer.parameters()]

    def passes() -> list[Tensor]:
        output = layer(features)
        value = (output * weights).sum()
        if order == 2:
            (gradient,) = torch.autograd.grad(value, features, create_graph=True)
            value = gradient.square().sum()
        return [output.detach(), *torch.autograd.grad(value, inputs)]

    return passes


def difference(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """The largest difference of any result, relative to that result's largest value."""
    return max(
        float((left.flatten() - right.flatten()).abs().max() / right.abs().max())
        for left, right in zip(ours, theirs, strict=True)
    )


def compare(order: int, count: int, rounds: int) -> dict[str, Any]:
    pair, _ = layers()
    calls = {name: call(layer, order, count) for name, layer in pair.items()}
    results = {name: passes() for name, passes in calls.items()}
    seconds: dict[str, dict[str, list[float]]] = {name: {"wall": [], "processor": []} for name in calls}
    for turn in range(rounds):
        for name in list(calls) if turn % 2 == 0 else list(calls)[::-1]:
            wall, processor = time.perf_counter(), time.process_time()
            calls[name]()
            seconds[name]["wall"].append(time.perf_counter() - wall)
            seconds[name]["processor"].append(time.process_time() - processor)
    found: dict[str, Any] = {"largest_relative_difference": difference(results["ours"], results["theirs"])}
    for clock in ("wall", "processor"):
        ratios = [them / us for us, them in zip(seconds["ours"][clock], seconds["theirs"][clock])]
        low, middle, high = statistics.quantiles(ratios, n=4)
        found[f"times_faster_{clock}"] = {
            "median": round(middle, 2),
            "quartiles": [round(low, 2), round(high, 2)],
        }
    for name in calls:
        found[f"milliseconds_{name}"] = round(1e3 * statistics.median(seconds[name]["wall"]), 2)
    return found


def memory(which: str, order: int, count: int) -> float:
    """In a fresh process, after a small call that loads what is loaded once."""
    command = [sys.executable, __file__, "--one", which, "--order", str(order), "--samples", str(count)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(output.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--one", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    parser.add_argument("--order", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--samples", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        torch.set_num_threads(1)
        layer = layers()[0][options.one]
        call(layer, options.order, 8)()
        print(round(peak_megabytes(call(layer, options.order, options.samples)), 1))
        return
    content: dict[str, Any] = {
        "against": layers()[1],
        "shape": {"features": FEATURES, "kernels": KERNELS, "dimensions": DIMENSIONS},
        "times": {},
        "memory": {},
    }
    for threads in options.threads:
        torch.set_num_threads(threads)
        for kind, count in CASES:
            rounds = options.rounds if count < 256 else max(3, options.rounds // 3)
            entry = compare(ORDERS[kind], count, rounds)
            content["times"].setdefault(f"{threads} threads", {})[f"{kind}, N = {count}"] = entry
            print(
                threads, kind, count, entry["times_faster_wall"], entry["times_faster_processor"], flush=True
            )
    for kind, count in CASES:
        peaks = {which: memory(which, ORDERS[kind], count) for which in ("ours", "theirs")}
        share = round(peaks["ours"] / peaks["theirs"], 3)
        content["memory"][f"{kind}, N = {count}"] = {"peak_megabytes": peaks, "share": share}
        print(kind, count, peaks, share, flush=True)
    print(write_result("minibatch_discrimination", content))


if __name__ == "__main__":
    main()
