"""How long a DCGAN training step takes: ours, the published loop's, torchgan's, and what the machine could.

    python benchmarks/throughput.py                  # 28x28 grey and 32x32 colour, results/throughput.json

Batch 64, float32, two threads, 32 base channels. All contestants start with the same weights, are given
the same ready batch of reals, and take their steps in turn, in an order that changes from round to round;
ratios are taken within a round, in wall time and in processor time. That they compute the same is checked
first: three steps with the same latents change the weights alike. torchgan is optional; see peers/README.md.

Contestants:

* `equipoise`: one `TrainingStep`;
* `equipoise in a run`: what a run adds: drawing and normalising a batch of data, and the moving average;
* `published loop`: see `_plain_dcgan.py`; `published loop, fakes reused` is another, cheaper computation;
* `torchgan`: its trainer's step; `torchgan with its log`: as its trainer runs when tensorboardX is installed.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "2")

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))
from _common import write_result
from _plain_dcgan import Step, plain_discriminator, plain_generator, published_loop, torchgan_steps

from equipoise.data import load_data
from equipoise.networks import few_channels
from equipoise.training.load import load_configuration
from equipoise.training.session import TrainingSession

BATCH, CHANNELS = 64, 32
SIZES = {"28x28 grey": (1, 28, 28), "32x32 colour": (3, 32, 32)}
GROUPS = {
    "convolutions, forward": ("convolution", "conv_transpose", "mkldnn_conv", "slow_conv"),
    "convolutions, backward": ("convolution_backward",),
    "batch normalisation": ("batch_norm",),
    "activations": ("relu", "threshold", "clamp_min", "tanh", "softplus"),
    "linear layers": ("addmm", "aten::mm", "linear"),
    "optimizers": ("adam", "Optimizer"),
}


def session(shape: tuple[int, int, int], average: bool) -> TrainingSession:
    """The recipe `dcgan` on random pixels of that shape."""
    pixels = torch.randint(256, (4096, *shape[1:], shape[0]), dtype=torch.uint8)
    configuration = load_configuration(
        "dcgan",
        [
            f"networks.base_channels={CHANNELS}",
            f"training.batch_size={BATCH}",
            f"training.ema.enabled={str(average).lower()}",
        ],
    )
    dataset = load_data(pixels.numpy(), kind="image")
    return TrainingSession(configuration, dataset, Accelerator(cpu=True))


def plain_pair(ours: TrainingSession) -> tuple[nn.Module, nn.Module]:
    """The same networks in plain layers and torch's ordinary layout, with a copy of the weights."""
    generator = plain_generator(copy.deepcopy(ours.generator))
    discriminator = plain_discriminator(copy.deepcopy(ours.discriminator))
    for network in (generator, discriminator):
        network.to(memory_format=torch.contiguous_format)
    return generator, discriminator


def ready_step(ours: TrainingSession, reals: Tensor) -> Step:
    """Our training step on a batch that is there already, as the rivals have it."""
    laid_out = reals.contiguous(memory_format=torch.channels_last)
    ours.training_step.inputs.next_real = lambda: (laid_out, None)
    return lambda: ours.training_step(0)


def weights_of(generator: nn.Module, discriminator: nn.Module) -> Tensor:
    """All weights as one vector, in an order that the two writings of the networks share."""
    return torch.cat(
        [
            parameter.detach().flatten()
            for network in (plain_generator(generator), plain_discriminator(discriminator))
            for parameter in network.parameters()
        ]
    )


def updates_differ(steps: int, shape: tuple[int, int, int], reals: Tensor) -> float:
    """Between the published loop and ours, with the same latents: ||a - b|| / ||a||.

    Here a and b are what the steps did to the weights. Not 0, because Adam divides even the smallest gradient
    by its size, rounding error included.
    """
    ours = session(shape, average=False)
    generator, discriminator = copy.deepcopy(ours.generator), copy.deepcopy(ours.discriminator)
    before = weights_of(generator, discriminator)
    random = torch.Generator()
    random.set_state(ours.latent_random.get_state())
    latent_dim = ours.generator.latent_dim
    loop = published_loop(
        plain_generator(generator),
        plain_discriminator(discriminator),
        reals,
        lambda: torch.randn(BATCH, latent_dim, generator=random),
    )
    ours_step = ready_step(ours, reals)
    for _ in range(steps):
        ours_step()
        loop()
    our_update = weights_of(ours.generator, ours.discriminator) - before
    their_update = weights_of(generator, discriminator) - before
    return float((our_update - their_update).norm() / their_update.norm())


def contestants(shape: tuple[int, int, int], reals: Tensor) -> tuple[dict[str, Step], str]:
    """By name, and why torchgan is not among them, or nothing."""
    ours, in_run = session(shape, average=False), session(shape, average=True)
    latent_dim = ours.generator.latent_dim
    steps: dict[str, Step] = {"equipoise": ready_step(ours, reals), "equipoise in a run": in_run.run_step}
    for name, reuse in (("published loop", False), ("published loop, fakes reused", True)):
        steps[name] = published_loop(*plain_pair(ours), reals, lambda: torch.randn(BATCH, latent_dim), reuse)
    try:
        from peers.torchgan_shims import import_torchgan

        package = import_torchgan()
    except ImportError as error:
        return steps, str(error)
    return steps | torchgan_steps(package, *plain_pair(ours), reals, latent_dim), ""


def interleaved(steps: dict[str, Step], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of each step of each contestant, wall and processor, in rounds of changing order."""
    for step in steps.values():
        for _ in range(3):
            step()
    taken: dict[str, dict[str, list[float]]] = {name: {"wall": [], "processor": []} for name in steps}
    names = list(steps)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wall, processor = time.perf_counter(), time.process_time()
            steps[name]()
            taken[name]["wall"].append(time.perf_counter() - wall)
            taken[name]["processor"].append(time.process_time() - processor)
    return taken


def ratios(taken: dict[str, dict[str, list[float]]], clock: str) -> dict[str, dict[str, float]]:
    """How many times as long as ours each contestant took: median and quartiles over the rounds."""
    found = {}
    for name, clocks in taken.items():
        values = [theirs / ours for theirs, ours in zip(clocks[clock], taken["equipoise"][clock])]
        low, middle, high = statistics.quantiles(values, n=4)
        found[name] = {"median": round(middle, 3), "quartiles": [round(low, 3), round(high, 3)]}
    return found


def of_the_machine(step: Step, rounds: int) -> dict[str, Any]:
    """The step's share of the rate of a large matrix product; both clocks, taken in turn."""
    # Counted with torch's own convolutions: the zeros that `few_channels` multiplies by are not work done.
    with FlopCounterMode(display=False) as counter, mock.patch.object(few_channels, "_FEW", 0):
        step()
    operations = counter.get_total_flops()
    size = 2048
    left, right = torch.randn(size, size), torch.randn(size, size)
    shares, rates = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        torch.mm(left, right)
        product = 2 * size**3 / (time.perf_counter() - begin)
        begin = time.perf_counter()
        step()
        shares.append(operations / (time.perf_counter() - begin) / product)
        rates.append(product)
    return {
        "gigaflop_per_step": round(operations / 1e9, 3),
        "matrix_product_gigaflop_per_second": round(statistics.median(rates) / 1e9, 1),
        "share_of_matrix_product_rate": round(statistics.median(shares), 3),
        "time_shares": time_shares(step),
    }


def time_shares(step: Step, steps: int = 10) -> dict[str, float]:
    """Where the time of a step goes, by kind of operation, from torch's profiler."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        for _ in range(steps):
            step()
    totals = dict.fromkeys([*GROUPS, "other"], 0.0)
    for event in record.key_averages():
        matching = [group for group, words in GROUPS.items() if any(word in event.key for word in words)]
        # "convolution_backward" matches the forward group's words, too; the last match is the nearer one.
        totals[matching[-1] if matching else "other"] += event.self_cpu_time_total
    whole = sum(totals.values())
    return {group: round(value / whole, 3) for group, value in totals.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    content: dict[str, Any] = {"batch_size": BATCH, "base_channels": CHANNELS, "rounds": options.rounds}
    content["load_average_at_start"] = round(os.getloadavg()[0], 1)
    content["sizes"] = {}
    for title, shape in SIZES.items():
        torch.manual_seed(0)
        reals = torch.rand(BATCH, *shape) * 2 - 1
        differ = updates_differ(3, shape, reals)
        if differ > 0.1:
            raise SystemExit(
                f"the published loop computes something else: the updates differ by {differ:.0%}"
            )
        steps, missing = contestants(shape, reals)
        taken = interleaved(steps, options.rounds)
        content["sizes"][title] = {
            "updates_differ": round(differ, 5),
            "milliseconds": {
                name: round(1e3 * statistics.median(clocks["wall"]), 2) for name, clocks in taken.items()
            },
            "times_as_long_as_equipoise": {clock: ratios(taken, clock) for clock in ("wall", "processor")},
            "left_out": missing,
            **of_the_machine(steps["equipoise"], options.rounds),
        }
        for clock, found in content["sizes"][title]["times_as_long_as_equipoise"].items():
            print(title, clock, {name: entry["median"] for name, entry in found.items()}, flush=True)
    content["load_average_at_end"] = round(os.getloadavg()[0], 1)
    name = "throughput" if options.threads == 2 else f"throughput_{options.threads}_threads"
    print(write_result(name, content))


if __name__ == "__main__":
    main()
