"""Image to image with an adversarial and an L1 term, as a class; `--broken NAME` plants a fault.

The task: sharpen blurred digits. The discriminator judges patches and is given the blurred digit too.

    python examples/pix2pix.py
    python examples/pix2pix.py --broken target-in-0-1
"""

import argparse
import itertools

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from equipoise import watch

FAULTS = {
    "target-in-0-1": "range-mismatch",
    "adversarial-term-detached": "generator-graph-cut",
    "generator-target-is-fake": "g-objective-sign",
    "discriminator-never-steps": "frozen-network",
    "adversarial-weight-vanishes": "adversarial-weight-imbalance",
}


class Sharpener(nn.Module):
    """An encoder and decoder with one skip connection."""

    def __init__(self, width=16):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2))
        self.middle = nn.Sequential(
            nn.Conv2d(width, width * 2, 3, 1, 1), nn.InstanceNorm2d(width * 2), nn.ReLU()
        )
        self.up = nn.ConvTranspose2d(width * 2, width, 4, 2, 1)
        self.out = nn.Conv2d(width + 1, 1, 3, 1, 1)

    def forward(self, blurred):
        features = F.relu(self.up(self.middle(self.down(blurred))))
        return torch.tanh(self.out(torch.cat([features, blurred], 1)))


class PatchJudge(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, width * 2, 3, 1, 1),
            nn.InstanceNorm2d(width * 2), nn.LeakyReLU(0.2), nn.Conv2d(width * 2, 1, 3, 1, 1),
        )  # fmt: skip

    def forward(self, picture, condition):
        return self.layers(torch.cat([condition, picture], 1))


class Pix2Pix:
    def __init__(self, broken):
        self.broken = broken
        self.net_g, self.net_d = Sharpener(), PatchJudge()
        self.optimizer_g = torch.optim.Adam(self.net_g.parameters(), lr=1e-3, betas=(0.5, 0.999))
        self.optimizer_d = torch.optim.Adam(self.net_d.parameters(), lr=3e-4, betas=(0.5, 0.999))
        self.lambda_l1 = 1e5 if broken == "adversarial-weight-vanishes" else 10.0

    def adversarial(self, score, real):
        return F.binary_cross_entropy_with_logits(score, torch.full_like(score, float(real)))

    def optimize(self, blurred, sharp):
        fake = self.net_g(blurred)
        loss_d = 0.5 * (
            self.adversarial(self.net_d(sharp, blurred), True)
            + self.adversarial(self.net_d(fake.detach(), blurred), False)
        )
        self.optimizer_d.zero_grad()
        loss_d.backward()
        if self.broken != "discriminator-never-steps":
            self.optimizer_d.step()
        self.net_d.requires_grad_(False)
        judged = fake.detach().requires_grad_() if self.broken == "adversarial-term-detached" else fake
        gan = self.adversarial(self.net_d(judged, blurred), self.broken != "generator-target-is-fake")
        loss_g = gan + self.lambda_l1 * F.l1_loss(fake, sharp)
        self.optimizer_g.zero_grad()
        loss_g.backward()
        self.optimizer_g.step()
        self.net_d.requires_grad_(True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--broken", choices=sorted(FAULTS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    sharp = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    blurred = F.avg_pool2d(F.pad(sharp, (1, 1, 1, 1), mode="replicate"), 3, 1)
    if options.broken == "target-in-0-1":
        sharp = (sharp + 1) / 2
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(blurred, sharp), batch_size=32, shuffle=True, drop_last=True
    )
    model = Pix2Pix(options.broken)
    monitor = watch(model.net_g, model.net_d)
    endless = itertools.chain.from_iterable(itertools.repeat(loader))
    for given, wanted in itertools.islice(endless, options.steps):
        model.optimize(given, wanted)
    diagnosis = monitor.diagnose()
    print(diagnosis.to_json() if options.json else diagnosis)


if __name__ == "__main__":
    main()
