"""A GAN on scikit-learn's 8x8 digits whose discriminator wins at once: its loss falls to zero."""

import torch
from sklearn.datasets import load_digits
from torch import nn

import equipoise

torch.manual_seed(0)
digits = torch.tensor(load_digits().data, dtype=torch.float32)  # values from 0 to 16
generator = nn.Sequential(
    nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64), nn.Tanh()
)
discriminator = nn.Sequential(
    nn.Linear(64, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1)
)
generator_optimizer = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.999))
discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), 1e-3, betas=(0.5, 0.999))
loss = nn.BCEWithLogitsLoss()
is_real, is_fake = torch.ones(64, 1), torch.zeros(64, 1)

monitor = equipoise.watch(generator, discriminator)

for _ in range(2000):
    real = digits[torch.randint(len(digits), (64,))]
    fake = generator(torch.randn(64, 32))
    discriminator_optimizer.zero_grad()
    discriminator_loss = loss(discriminator(real), is_real) + loss(discriminator(fake.detach()), is_fake)
    discriminator_loss.backward()
    discriminator_optimizer.step()
    generator_optimizer.zero_grad()
    generator_loss = loss(discriminator(fake), is_real)
    generator_loss.backward()
    generator_optimizer.step()

print(monitor.diagnose())
