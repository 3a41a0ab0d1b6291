"""A DCGAN as the tutorials write it, with one line added; `--broken NAME` plants a fault to see it named.

python examples/dcgan.py
python examples/dcgan.py --broken sigmoid-twice
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

from equipoise import watch

FAULTS = {
    "sigmoid-twice": "logit-loss-mismatch",
    "detached-generator-step": "generator-graph-cut",
    "data-not-normalised": "range-mismatch",
    "fake-target-is-real": "d-objective-sign",
    "generator-wants-fake": "g-objective-sign",
    "one-optimizer-for-both": "optimizer-scope",
    "never-zeroed": "stale-gradients",
}

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=1500)
parser.add_argument("--broken", choices=sorted(FAULTS))
parser.add_argument("--json", action="store_true")
options = parser.parse_args()
broken = options.broken

torch.manual_seed(0)
batch_size, latent_dim, width = 64, 32, 32


def weights_init(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(latent_dim, width * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(width * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(width * 2, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(True),
            nn.ConvTranspose2d(width, 1, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, width, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width * 2, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width * 2, 1, 4, 1, 0),
            nn.Sigmoid(),
        )

    def forward(self, image):
        return self.main(image)


digits = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1)  # 0..16
images = digits if broken == "data-not-normalised" else digits / 8 - 1

netG, netD = Generator().apply(weights_init), Discriminator().apply(weights_init)
criterion = nn.BCEWithLogitsLoss() if broken == "sigmoid-twice" else nn.BCELoss()
real_label, fake_label = 1.0, 0.0
parameters_g = [*netG.parameters(), *(netD.parameters() if broken == "one-optimizer-for-both" else [])]
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(parameters_g, lr=1e-3, betas=(0.5, 0.999))

monitor = watch(netG, netD)  # the one line

for _ in range(options.steps):
    # (1) the discriminator: all-real batch, then all-fake batch
    if broken != "never-zeroed":
        netD.zero_grad()
    real = images[torch.randint(len(images), (batch_size,))]
    label = torch.full((batch_size,), real_label)
    criterion(netD(real).view(-1), label).backward()
    fake = netG(torch.randn(batch_size, latent_dim, 1, 1))
    label.fill_(real_label if broken == "fake-target-is-real" else fake_label)
    criterion(netD(fake.detach()).view(-1), label).backward()
    optimizerD.step()
    # (2) the generator: fake labels are real for its loss
    if broken != "never-zeroed":
        netG.zero_grad()
    label.fill_(fake_label if broken == "generator-wants-fake" else real_label)
    judged = fake.detach() if broken == "detached-generator-step" else fake
    loss_g = criterion(netD(judged).view(-1), label)
    loss_g.backward()
    optimizerG.step()

diagnosis = monitor.diagnose()
print(diagnosis.to_json() if options.json else diagnosis)
