"""Does the cost grow as the work does, and does memory stay flat?

    python benchmarks/scaling.py                     # results/scaling.json and docs/figures/scaling.png

* Time of a DCGAN step against the batch size (at 32x32) and against the image's side (at batch 32), on
  log-log axes with the exponent of a fitted power law; beside it the exponent of the arithmetic itself,
  counted by torch. One thread; the sizes take turns; the fastest of the rounds in processor time, because
  other work on the machine only ever adds to it.
* Memory of a process that trains the recipe `default` on `ring` for 20,000 steps, in a fresh process each:
  watched, as from the command line, and not. Each sample is taken after the C library has given back what is
  free, because what it holds in reserve goes up and down by some megabytes. Watching remembers fingerprints
  of the last 20,000 reals and latents that it saw, which takes some 16,000 steps to fill.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib
import numpy as np
import torch

matplotlib.use("agg")
from accelerate import Accelerator
from matplotlib import pyplot
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))
from _common import write_result
from _memory import kept_megabytes

from equipoise import Trainer
from equipoise.data import load_data
from equipoise.networks import few_channels
from equipoise.training.load import load_configuration
from equipoise.training.session import TrainingSession

FIGURE = Path(__file__).parent.parent / "docs" / "figures" / "scaling.png"
BATCHES, SIDES = (8, 16, 32, 64, 128, 256), (8, 16, 32, 64, 128)


def session(batch: int, side: int) -> TrainingSession:
    """The recipe `dcgan` on random colour images."""
    pixels = torch.randint(256, (256, side, side, 3), dtype=torch.uint8).numpy()
    configuration = load_configuration("dcgan", [f"training.batch_size={batch}"])
    return TrainingSession(configuration, load_data(pixels, kind="image"), Accelerator(cpu=True))


def step_times(sessions: dict[int, TrainingSession], rounds: int) -> dict[int, float]:
    """Milliseconds of processor time of a step, the fastest of the rounds."""
    for one in sessions.values():
        one.run_step()
    best = dict.fromkeys(sessions, float("inf"))
    for _ in range(rounds):
        for size, one in sessions.items():
            begin = time.process_time()
            one.run_step()
            best[size] = min(best[size], 1e3 * (time.process_time() - begin))
    return best


def operations(one: TrainingSession) -> int:
    # Counted with torch's own convolutions: the zeros that `few_channels` multiplies by are not work done.
    with FlopCounterMode(display=False) as counter, mock.patch.object(few_channels, "_FEW", 0):
        one.run_step()
    return counter.get_total_flops()


def exponent(sizes: list[int], values: list[float]) -> float:
    """Of the power law through the points, by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def growth(sizes: tuple[int, ...], make: Any, rounds: int) -> dict[str, Any]:
    sessions = {size: make(size) for size in sizes}
    times = step_times(sessions, rounds)
    counts = {size: operations(one) for size, one in sessions.items()}
    # Below a few milliseconds the fixed cost of some hundred operations shows; the upper half shows the law.
    upper = list(sizes)[len(sizes) // 2 :]
    return {
        "milliseconds": {str(size): round(value, 2) for size, value in times.items()},
        "gigaflop": {str(size): round(count / 1e9, 4) for size, count in counts.items()},
        "exponent": round(exponent(list(sizes), list(times.values())), 3),
        "exponent_of_upper_half": round(exponent(upper, [times[size] for size in upper]), 3),
        "exponent_of_operations": round(exponent(list(sizes), [counts[size] for size in sizes]), 3),
    }


class MemorySampler:
    """A callback of the trainer that notes the memory that is kept, every so many steps."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.steps: list[int] = []
        self.megabytes: list[float] = []

    def on_step(self, step: int, scores: object) -> None:
        if step % self.every == 0:
            self.steps.append(step)
            self.megabytes.append(round(kept_megabytes(), 2))


def memory(steps: int, watch: bool) -> dict[str, Any]:
    sampler = MemorySampler(every=max(1, steps // 100))
    with tempfile.TemporaryDirectory() as folder:
        overrides = [f"training.steps={steps}"]
        run = Trainer("default", data="ring", out=Path(folder) / "run", watch=watch, overrides=overrides)
        run.callbacks.append(sampler)
        run.fit()
    settled = next(index for index, step in enumerate(sampler.steps) if step >= steps // 10)
    half = len(sampler.steps) // 2
    slope = np.polyfit(sampler.steps[half:], sampler.megabytes[half:], 1)[0]
    return {
        "steps": steps,
        "megabytes_after_a_tenth": sampler.megabytes[settled],
        "megabytes_at_half": sampler.megabytes[half],
        "megabytes_at_end": sampler.megabytes[-1],
        "slope_kilobytes_per_1000_steps_second_half": round(float(slope) * 1024 * 1000, 1),
        "sampled_steps": sampler.steps,
        "sampled_megabytes": sampler.megabytes,
    }


def in_fresh_process(steps: int, watch: bool) -> dict[str, Any]:
    command = [sys.executable, __file__, "--steps", str(steps), "--memory", "watched" if watch else "alone"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def draw(content: dict[str, Any]) -> None:
    figure, axes = pyplot.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
    for axis, key, label in (
        (axes[0], "batch", "batch size"),
        (axes[1], "side", "side of the image, pixels"),
    ):
        entry = content[key]
        sizes = [int(size) for size in entry["milliseconds"]]
        axis.loglog(sizes, list(entry["milliseconds"].values()), "o-", base=2)
        axis.set(xlabel=label, ylabel="ms per step", title=f"exponent {entry['exponent_of_upper_half']:.2f}")
        axis.grid(alpha=0.3)
    for name, kept in content["memory"].items():
        axes[2].plot(kept["sampled_steps"], kept["sampled_megabytes"], label=name)
    axes[2].set(xlabel="step", ylabel="resident MB", title="memory", ylim=(0, None))
    axes[2].legend()
    axes[2].grid(alpha=0.3)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURE, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20_000, help="of the run whose memory is watched")
    parser.add_argument("--memory", choices=("watched", "alone"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory:
        print(json.dumps(memory(options.steps, options.memory == "watched")))
        return
    content: dict[str, Any] = {"memory": {}}
    for name, watch in (("watched", True), ("not watched", False)):
        content["memory"][name] = kept = in_fresh_process(options.steps, watch)
        print(name, {key: value for key, value in kept.items() if "sampled" not in key}, flush=True)
    content["batch"] = {"side": 32} | growth(BATCHES, lambda batch: session(batch, 32), options.rounds)
    content["side"] = {"batch": 32} | growth(SIDES, lambda side: session(32, side), options.rounds)
    print(content["batch"], content["side"], sep="\n", flush=True)
    draw(content)
    print(write_result("scaling", content))


if __name__ == "__main__":
    main()
