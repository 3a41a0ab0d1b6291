"""Automatic optimization as Lightning had it, written out: `training_step` is told which optimizer it is for
and returns a loss; the trainer toggles, and steps with a closure that zeroes and calls backward."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.fifth.parts import FifthParts, first
from benchmarks.failures.third.parts import epochs


class LitGAN(nn.Module):
    def __init__(self, parts: FifthParts) -> None:
        super().__init__()
        self.hparams = parts
        self.generator, self.discriminator = parts.generator, parts.discriminator
        self.logged = {"g_loss": 0.0, "d_loss": 0.0}

    def forward(self, z: Tensor) -> Tensor:
        return self.generator(z)

    def judge(self, x: Tensor) -> Tensor:
        return first(self.discriminator(self.hparams.shown(x)))

    def training_step(self, batch: tuple[Tensor, Tensor], count: int, optimizer_idx: int) -> Tensor:
        hparams, (imgs, labels) = self.hparams, batch
        if optimizer_idx == 0:
            generated = self(hparams.latent(imgs.shape[0]))
            judged = imgs if hparams.generator_judges_reals else hparams.cut(generated)
            validity = self.judge(judged)
            others = hparams.others(self.judge, imgs)
            return hparams.remade(hparams.loss.generator(validity, others))
        fakes = self(hparams.fake_latent(imgs.shape[0])).detach()
        loss = hparams.discriminator_loss(self.judge(imgs), self.judge(fakes), labels)
        return hparams.regularised(loss, count, self.judge, imgs, fakes)

    def configure_optimizers(self) -> list[dict[str, Any]]:
        opt_g, opt_d = self.hparams.optimizers(self.generator, self.discriminator)
        return [
            {"optimizer": opt_g, "frequency": 1, "network": self.generator},
            {"optimizer": opt_d, "frequency": self.hparams.critic_steps, "network": self.discriminator},
        ]


class Trainer:
    def __init__(self, model: LitGAN, optimizers: list[dict[str, Any]]) -> None:
        self.model, self.optimizers, self.hparams = model, optimizers, model.hparams

    def toggle(self, optimizer_idx: int) -> None:
        """Only what this optimizer trains asks for gradients: what it shares with the other one, too."""
        owned = [[p for g in o["optimizer"].param_groups for p in g["params"]] for o in self.optimizers]
        for p in owned[1 - optimizer_idx]:
            p.requires_grad_(False)
        for p in owned[optimizer_idx]:
            p.requires_grad_(True)

    def run_batch(self, batch: tuple[Tensor, Tensor], step: int, optimizer_idx: int) -> float:
        hparams, entry = self.hparams, self.optimizers[optimizer_idx]
        optimizer, network = entry["optimizer"], entry["network"]
        zero = (hparams.zero_generator, hparams.zero_discriminator)[optimizer_idx] and hparams.zero_due(step)
        self.toggle(optimizer_idx)

        def closure() -> Tensor:
            loss = self.model.training_step(batch, step + 1, optimizer_idx)
            if zero:
                optimizer.zero_grad()
            if hparams.closure_backward and loss.requires_grad:
                loss.backward()
            hparams.clip(network, early=False)
            if hparams.zero_before_step:
                optimizer.zero_grad()
            return loss

        loss = optimizer.step(closure=closure)
        if optimizer_idx == 1:
            hparams.tidy(self.model.discriminator, self.model.generator)
        return float(loss.detach())

    def fit(self) -> None:
        hparams, model = self.hparams, self.model
        loader = epochs(hparams)
        for global_step in range(hparams.steps):
            batch = next(loader)
            if global_step % hparams.discriminator_every == 0:
                for critic in itertools.islice(loader, self.optimizers[1]["frequency"] - 1):
                    self.run_batch(critic, global_step, 1)
            for optimizer_idx, name in enumerate(("g_loss", "d_loss")):
                if optimizer_idx == 0 or hparams.discriminator_due(global_step, model.logged["d_loss"]):
                    model.logged[name] = self.run_batch(batch, global_step, optimizer_idx)
            hparams.after(global_step, *(entry["optimizer"] for entry in self.optimizers))
            if global_step % hparams.sample_every == 0:
                with torch.no_grad():
                    model(hparams.sampled(6))
            hparams.log(global_step, model.logged["d_loss"], model.logged["g_loss"])
        model.requires_grad_(True)


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    model = LitGAN(parts)
    trainer = Trainer(model, model.configure_optimizers())
    watch(model.generator, model.discriminator)
    trainer.fit()

    @torch.no_grad()
    def predict(count: int) -> Tensor:
        model.eval()
        return model(parts.sampled(count))

    return predict
