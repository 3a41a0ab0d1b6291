"""WGAN-GP in small functions, with one line added; `--broken NAME` plants a fault to see it named.

python examples/wgan_gp.py
python examples/wgan_gp.py --broken norm-per-pixel
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import autograd, nn

import equipoise

FAULTS = {
    "no-penalty": "critic-unconstrained",
    "norm-per-pixel": "gradient-penalty-invalid",
    "normal-interpolates": "gradient-penalty-invalid",
    "generator-sign-flipped": "g-objective-sign",
    "sigmoid-on-critic": "logit-loss-mismatch",
    "same-noise": "batch-repeat",
    "frozen-generator": "frozen-network",
}
LATENT, CRITIC_STEPS, WEIGHT, BATCH = 32, 5, 10.0, 64


def make_generator():
    return nn.Sequential(
        nn.Linear(LATENT, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
        nn.Linear(128, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)),
    )  # fmt: skip


def make_critic(broken):
    head = [nn.Sigmoid()] if broken == "sigmoid-on-critic" else []
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(32, 64, 3, 2, 1), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(256, 1), *head,
    )  # fmt: skip


def gradient_penalty(critic, real, fake, broken):
    if broken == "normal-interpolates":
        share = 3 * torch.randn(len(real), 1, 1, 1)
    else:
        share = torch.rand(len(real), 1, 1, 1)
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    score = critic(between)
    slope = autograd.grad(score, between, torch.ones_like(score), create_graph=True, retain_graph=True)[0]
    if broken == "norm-per-pixel":
        return ((slope.norm(2, dim=1) - 1) ** 2).mean()
    return ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


def batches(images):
    while True:
        yield images[torch.randint(len(images), (BATCH,))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=500, help="generator steps")
    parser.add_argument("--broken", choices=sorted(FAULTS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    broken = options.broken
    torch.manual_seed(0)
    data = batches(torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 8 - 1)
    generator, critic = make_generator(), make_critic(broken)
    update_critic = torch.optim.Adam(critic.parameters(), lr=1e-4 * 3, betas=(0.0, 0.9))
    update_generator = torch.optim.Adam(generator.parameters(), lr=1e-4 * 3, betas=(0.0, 0.9))
    if broken == "frozen-generator":
        update_generator = torch.optim.Adam(make_generator().parameters(), lr=1e-4)
    fixed = torch.randn(BATCH, LATENT)

    def noise():
        return fixed if broken == "same-noise" else torch.randn(BATCH, LATENT)

    with equipoise.watch(generator, critic) as monitor:
        for _ in range(options.steps):
            for _ in range(CRITIC_STEPS):
                real = next(data)
                with torch.no_grad():
                    fake = generator(noise())
                loss = critic(fake).mean() - critic(real).mean()
                if broken != "no-penalty":
                    loss = loss + WEIGHT * gradient_penalty(critic, real, fake, broken)
                update_critic.zero_grad(set_to_none=True)
                loss.backward()
                update_critic.step()
            loss = -critic(generator(noise())).mean()
            if broken == "generator-sign-flipped":
                loss = -loss
            update_generator.zero_grad(set_to_none=True)
            loss.backward()
            update_generator.step()
        diagnosis = monitor.diagnose()
    print(diagnosis.to_json() if options.json else diagnosis)


if __name__ == "__main__":
    main()
