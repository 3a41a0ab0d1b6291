"""Two generators, two discriminators, cycles and a pool of old fakes; each pair is watched by one line.

The task: digits drawn white on black against the same digits mirrored and inverted. `--broken NAME` plants
a fault.

    python examples/cyclegan.py
    python examples/cyclegan.py --broken second-domain-in-0-255
"""

import argparse
import itertools
import json
import random

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from equipoise import watch

# What is planted, the pair that shows it, and the check that names it.
FAULTS = {
    "second-domain-in-0-255": ("B", "range-mismatch"),
    "discriminator-frozen": ("A", "frozen-network"),
    "fakes-labelled-real": ("B", "d-objective-sign"),
    "generator-wants-fake": ("A", "g-objective-sign"),
}


class Translator(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, 1, 1), nn.InstanceNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1), nn.InstanceNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 1, 3, 1, 1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, picture):
        return self.body(picture)


def judge(width=16):
    return nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, width * 2, 3, 1, 1),
        nn.InstanceNorm2d(width * 2), nn.LeakyReLU(0.2), nn.Conv2d(width * 2, 1, 3, 1, 1),
    )  # fmt: skip


class Pool:
    """Half of the time an old fake stands in for a new one."""

    def __init__(self, size=100):
        self.size, self.kept, self.random = size, [], random.Random(0)

    def query(self, pictures):
        answer = []
        for picture in pictures.detach():
            if len(self.kept) < self.size:
                self.kept.append(picture)
                answer.append(picture)
            elif self.random.random() < 0.5:
                place = self.random.randrange(self.size)
                answer.append(self.kept[place])
                self.kept[place] = picture
            else:
                answer.append(picture)
        return torch.stack(answer)


def least_squares(score, target):
    return F.mse_loss(score, torch.full_like(score, target))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--broken", choices=sorted(FAULTS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    broken = options.broken
    torch.manual_seed(0)
    first = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    second = -first.flip(3)
    if broken == "second-domain-in-0-255":
        second = (second + 1) * 127.5
    to_b, to_a, judge_a, judge_b = Translator(), Translator(), judge(), judge()
    update_g = torch.optim.Adam(itertools.chain(to_b.parameters(), to_a.parameters()), 1e-3, (0.5, 0.999))
    update_d = torch.optim.Adam(
        itertools.chain(judge_a.parameters(), judge_b.parameters()), 3e-4, (0.5, 0.999)
    )
    if broken == "discriminator-frozen":
        update_d = torch.optim.Adam(judge_b.parameters(), 3e-4, (0.5, 0.999))
    pool_a, pool_b = Pool(), Pool()

    monitors = {"B": watch(to_b, judge_b), "A": watch(to_a, judge_a)}

    for _ in range(options.steps):
        real_a, real_b = (domain[torch.randint(len(domain), (16,))] for domain in (first, second))
        fake_b, fake_a = to_b(real_a), to_a(real_b)
        for network in (judge_a, judge_b):
            network.requires_grad_(False)
        update_g.zero_grad()
        loss = least_squares(judge_b(fake_b), 1.0)
        loss = loss + least_squares(judge_a(fake_a), 0.0 if broken == "generator-wants-fake" else 1.0)
        loss = loss + 5 * F.l1_loss(to_a(fake_b), real_a) + 5 * F.l1_loss(to_b(fake_a), real_b)
        loss.backward()
        update_g.step()
        for network in (judge_a, judge_b):
            network.requires_grad_(True)
        update_d.zero_grad()
        wrong = 1.0 if broken == "fakes-labelled-real" else 0.0
        for network, real, old, target in (
            (judge_a, real_a, pool_a.query(fake_a), 0.0),
            (judge_b, real_b, pool_b.query(fake_b), wrong),
        ):
            (0.5 * (least_squares(network(real), 1.0) + least_squares(network(old), target))).backward()
        update_d.step()

    verdicts = {pair: monitor.diagnose() for pair, monitor in monitors.items()}
    if options.json:
        print(json.dumps({pair: json.loads(verdict.to_json()) for pair, verdict in verdicts.items()}))
    else:
        for pair, verdict in verdicts.items():
            print(f"=== the pair that draws {pair}\n{verdict}")


if __name__ == "__main__":
    main()
