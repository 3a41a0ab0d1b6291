"""What watching costs: a loop with and without `equipoise.watch`, interleaved step by step in one process.

    python -m benchmarks.watching_overhead

A DCGAN step at 28x28, batch 64, and a tiny step on a 2-D ring: the median over rounds of the ratio of total
times, once with the defaults and once with all probes every `--probe-every` steps; and the memory over many
tiny steps.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import equipoise
from benchmarks._common import machine_description, write_result

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
    plain, _ = loop(build, watched=False)
    seen, monitor = loop(build, watched=True)
    for _ in range(10):
        plain(), seen()
    ratios, plain_total = [], 0.0
    done = 0
    for _ in range(rounds):
        spent = [0.0, 0.0]
        for _ in range(steps):
            for place, step in enumerate((plain, seen)):
                began = time.perf_counter()
                step()
                if place == 1 and probe_every and (done + 1) % probe_every == 0:
                    monitor.probe()
                spent[place] += time.perf_counter() - began
            done += 1
        ratios.append(spent[1] / spent[0])
        plain_total += spent[0]
    monitor.close()
    quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios
    return {
        "rounds": rounds,
        "steps_per_round": steps,
        "probe_every": probe_every,
        "watched_over_plain": {
            "median": statistics.median(ratios),
            "quartiles": [quartiles[0], quartiles[-1]],
        },
        "plain_milliseconds_per_step": 1000 * plain_total / (rounds * steps),
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
    parser.add_argument("--dcgan-steps", type=int, default=100)
    parser.add_argument("--ring-steps", type=int, default=400)
    parser.add_argument("--probe-every", type=int, default=1000)
    parser.add_argument("--memory-steps", type=int, default=50_000)
    options = parser.parse_args()
    result = {
        "machine": machine_description(),
        "dcgan": compare(dcgan, options.rounds, options.dcgan_steps, None),
        "ring": compare(ring, options.rounds, options.ring_steps, None),
        "dcgan with probes": compare(dcgan, 1, options.probe_every, options.probe_every),
        "memory": memory(options.memory_steps),
    }
    print(write_result("watching_overhead", result))


if __name__ == "__main__":
    main()
