"""The rivals of the throughput benchmark: our DCGAN in torch's plain layers, and loops that others publish.

The networks take over our weights, so that all contestants start from, and compute, the same.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

LEARNING_RATE, BETAS = 2e-4, (0.5, 0.999)
Step = Callable[[], object]
Draw = Callable[[], Tensor]


class Crop(nn.Module):
    """The first positions along each side."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, features: Tensor) -> Tensor:
        return features[:, :, : self.size[0], : self.size[1]]


def plain_generator(ours: Any) -> nn.Sequential:
    """Linear, then (batch normalisation, ReLU, transposed convolution) for each stage, then tanh."""
    layers: list[nn.Module] = [ours.first, nn.Unflatten(1, (ours.channels, *ours.sizes[0]))]
    for norm, layer, before, after in zip(ours.norms, ours.layers, ours.sizes, ours.sizes[1:]):
        layers += [norm.normalisation, nn.ReLU(inplace=True), layer]
        if after != tuple(2 * length for length in before):
            layers.append(Crop(after))
    return nn.Sequential(*layers, nn.Tanh())


def plain_discriminator(ours: Any) -> nn.Sequential:
    """(Convolution, batch normalisation, LeakyReLU) for each stage, then a linear layer to (N,) logits."""
    layers: list[nn.Module] = []
    for layer, norm in zip(ours.layers, ours.norms):
        layers += [layer, norm, nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Flatten(), ours.head, nn.Flatten(0))


def published_loop(
    generator: nn.Module, discriminator: nn.Module, reals: Tensor, draw: Draw, reuse: bool = False
) -> Step:
    """The loop of the tutorials: one backward pass a loss, D trained along in G's step, `.item()` each step.

    Args:
        draw: gives a batch of latents.
        reuse: whether the generator's step takes the fakes of the discriminator's step, as some do; that
            saves a pass of the generator, and is another computation than ours.
    """
    optimizers = [
        torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=BETAS)
        for network in (generator, discriminator)
    ]
    real_label, fake_label = torch.ones(len(reals)), torch.zeros(len(reals))

    def step() -> tuple[float, float]:
        discriminator.zero_grad()
        real_loss = binary_cross_entropy_with_logits(discriminator(reals), real_label)
        real_loss.backward()
        fakes = generator(draw())
        fake_loss = binary_cross_entropy_with_logits(discriminator(fakes.detach()), fake_label)
        fake_loss.backward()
        optimizers[1].step()
        generator.zero_grad()
        if not reuse:
            fakes = generator(draw())
        loss = binary_cross_entropy_with_logits(discriminator(fakes), real_label)
        loss.backward()
        optimizers[0].step()
        return real_loss.item() + fake_loss.item(), loss.item()

    return step


def torchgan_steps(
    package: ModuleType, generator: nn.Module, discriminator: nn.Module, reals: Tensor, latent_dim: int
) -> dict[str, Step]:
    """torchgan's trainer on these networks: its step alone, and the step with the log that it writes."""
    from torchgan.losses import MinimaxDiscriminatorLoss, MinimaxGeneratorLoss
    from torchgan.models import Discriminator, Generator
    from torchgan.trainer import Trainer

    class WrappedGenerator(Generator):
        def __init__(self) -> None:
            super().__init__(latent_dim)
            self.network = generator

        def forward(self, latent: Tensor) -> Tensor:
            return self.network(latent)

    class WrappedDiscriminator(Discriminator):
        def __init__(self) -> None:
            super().__init__(reals.shape[1])
            self.network = discriminator

        def forward(self, samples: Tensor) -> Tensor:
            return self.network(samples)

    optimizer = {"name": torch.optim.Adam, "args": {"lr": LEARNING_RATE, "betas": BETAS}}
    folder = tempfile.mkdtemp(prefix="torchgan-")
    with redirect_stdout(io.StringIO()):
        trainer = Trainer(
            {
                "generator": {"name": WrappedGenerator, "optimizer": optimizer},
                "discriminator": {"name": WrappedDiscriminator, "optimizer": optimizer},
            },
            [MinimaxDiscriminatorLoss(), MinimaxGeneratorLoss()],
            device=torch.device("cpu"),
            checkpoints=f"{folder}/model",
            recon=f"{folder}/images",
            log_dir=f"{folder}/log",
        )
    trainer.batch_size, trainer.real_inputs = len(reals), reals
    totals = trainer.loss_information

    def step() -> None:
        generator_loss, discriminator_loss, generator_steps, discriminator_steps = trainer.train_iter()
        totals["generator_losses"] += generator_loss
        totals["discriminator_losses"] += discriminator_loss
        totals["generator_iters"] += generator_steps
        totals["discriminator_iters"] += discriminator_steps

    def logged_step() -> None:
        step()
        trainer.logger.run_mid_epoch(trainer)

    return {"torchgan": step, "torchgan with its log": logged_step}
