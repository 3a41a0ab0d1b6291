"""What watching costs: a loop with and without `equipoise.watch`, interleaved step by step in one process.

    python -m benchmarks.watching_overhead

A DCGAN step at 28x28, batch 64, and a tiny step on a 2-D ring: the ratio of total times, over the whole
run and by rounds, once with the defaults and once with all probes every `--probe-every` steps; and the
memory over many tiny steps. The first 100 steps are recorded most densely, whatever that costs, so the share
falls with the length of the run; the length is in the result.

Watching sets its pace by the time that a step of the loop takes. The plain step in between is not the loop's,
so the watcher's clock does not see it.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import equipoise
from benchmarks._common import RESULTS, machine_description, write_result
from equipoise.watching import watcher

Step = Callable[[], None]


def dcgan() -> tuple[nn.Module, nn.Module, torch.Tensor, tuple[int, ...]]:
    generator = nn.Sequential(
        nn.ConvTranspose2d(64, 128, 7, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(32, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64 * 49, 1),
    )  # fmt: skip
    return generator, discriminator, torch.randn(64, 1, 28, 28).tanh(), (64, 64, 1, 1)


def ring() -> tuple[nn.Module, nn.Module, torch.Tensor, tuple[int, ...]]:
    angles = torch.randint(0, 8, (64,)) * (torch.pi / 4)
    samples = torch.stack([angles.cos(), angles.sin()], 1)
    generator = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    discriminator = nn.Sequential(
        nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
    )
    return generator, discriminator, samples, (64, 2)


def loop(build: Callable[[], Any], watched: bool) -> tuple[Step, Any]:
    torch.manual_seed(0)
    generator, discriminator, samples, latent = build()
    update_g = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    update_d = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    monitor = equipoise.watch(generator, discriminator) if watched else None

    def step() -> None:
        update_d.zero_grad()
        fake = generator(torch.randn(latent))
        (
            F.softplus(-discriminator(samples)).mean() + F.softplus(discriminator(fake.detach())).mean()
        ).backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        update_g.step()

    return step, monitor


def compare(build: Callable[[], Any], rounds: int, steps: int, probe_every: int | None) -> dict[str, Any]:
    hidden = 0.0
    watcher.time = SimpleNamespace(perf_counter=lambda: time.perf_counter() - hidden)  # type: ignore[attr-defined]
    plain, _ = loop(build, watched=False)
    for _ in range(10):
        plain()
    seen, monitor = loop(build, watched=True)
    plain_times: list[float] = []
    seen_times: list[float] = []
    for done in range(1, rounds * steps + 1):
        began = time.perf_counter()
        plain()
        between = time.perf_counter()
        hidden += between - began
        seen()
        if probe_every and done % probe_every == 0:
            monitor.probe()
        plain_times.append(between - began)
        seen_times.append(time.perf_counter() - between)
    monitor.close()
    by_round = [
        sum(seen_times[start : start + steps]) / sum(plain_times[start : start + steps])
        for start in range(0, rounds * steps, steps)
    ]
    return {
        "steps": rounds * steps,
        "steps_per_round": steps,
        "probe_every": probe_every,
        "watched_over_plain": {"whole": sum(seen_times) / sum(plain_times), "by_round": by_round},
        "plain_milliseconds_per_step": 1000 * statistics.median(plain_times),
    }


def resident_megabytes() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory(steps: int) -> dict[str, Any]:
    step, monitor = loop(ring, watched=True)
    samples = []
    for number in range(steps):
        step()
        if (number + 1) % max(steps // 10, 1) == 0:
            samples.append(round(resident_megabytes(), 2))
    monitor.close()
    return {"steps": steps, "resident_megabytes": samples}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--dcgan-steps", type=int, default=500)
    parser.add_argument("--ring-steps", type=int, default=400)
    parser.add_argument("--probe-every", type=int, default=1000)
    parser.add_argument("--probed-rounds", type=int, default=3)
    parser.add_argument("--memory-steps", type=int, default=50_000)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=["dcgan", "ring", "dcgan with probes", "memory"],
        help="measure these anew and keep the others",
    )
    options = parser.parse_args()
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "dcgan": lambda: compare(dcgan, options.rounds, options.dcgan_steps, None),
        "ring": lambda: compare(ring, options.rounds, options.ring_steps, None),
        "dcgan with probes": lambda: compare(
            dcgan, options.probed_rounds, options.probe_every, options.probe_every
        ),
        "memory": lambda: memory(options.memory_steps),
    }
    path = RESULTS / "watching_overhead.json"
    result = json.loads(path.read_text(encoding="utf-8")) if options.only and path.exists() else {}
    result["machine"] = machine_description()
    for name in options.only or measures:
        result[name] = measures[name]()
    print(write_result("watching_overhead", result))


if __name__ == "__main__":
    main()
