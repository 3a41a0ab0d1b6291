"""The class of the pix2pix repository: set_input, forward, backward_D, backward_G, optimize_parameters; the
loss is a module whose labels are buffers; learning rates fall linearly in the second half of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.losses import LabelLoss
from benchmarks.failures.third.parts import ThirdParts


class GANLoss(nn.Module):
    def __init__(self, loss: LabelLoss) -> None:
        super().__init__()
        self.loss = loss.criterion
        self.register_buffer("real_label", torch.tensor(loss.real_label))
        self.register_buffer("fake_label", torch.tensor(loss.fake_label))
        self.register_buffer("wanted_label", torch.tensor(loss.generator_target))

    def forward(self, prediction: Tensor, label: str) -> Tensor:
        return self.loss(prediction, getattr(self, f"{label}_label").expand_as(prediction))


class NoiseModel:
    def __init__(self, parts: ThirdParts) -> None:
        self.parts = parts
        self.netG, self.netD = parts.generator, parts.discriminator
        self.criterionGAN = GANLoss(parts.loss) if isinstance(parts.loss, LabelLoss) else None
        self.optimizer_G, self.optimizer_D = parts.optimizers(self.netG, self.netD)
        rule = [self.falling(o) for o in (self.optimizer_G, self.optimizer_D)]
        self.schedulers = rule
        self.step = 0

    def falling(self, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        half = self.parts.steps / 2
        return torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: 1.0 - 0.9 * max(0.0, step - half) / (half + 1)
        )

    def set_requires_grad(self, net: nn.Module, on: bool) -> None:
        for p in net.parameters():
            p.requires_grad = on

    def set_input(self, real: Tensor) -> None:
        self.real_B = real
        self.noise = self.parts.latent(len(real))

    def forward(self) -> None:
        self.fake_B = self.netG(self.noise)

    def judge(self, x: Tensor) -> Tensor:
        return self.netD(x if self.parts.augment is None else self.parts.augment(x))

    def term(self, prediction: Tensor, label: str) -> Tensor:
        if self.criterionGAN is not None:
            return self.criterionGAN(prediction, label)
        return {
            "real": self.parts.loss.real,
            "fake": self.parts.loss.fake,
            "wanted": self.parts.loss.generator,
        }[label](prediction)

    def backward_D(self) -> None:  # noqa: N802 - the repository's own name
        pred_fake, pred_real = self.judge(self.fake_B.detach()), self.judge(self.real_B)
        self.loss_D = self.parts.joined(self.term(pred_real, "real"), self.term(pred_fake, "fake")) * 0.5
        if self.parts.penalty is not None and self.step % self.parts.penalty_every == 0:
            penalty = self.parts.penalty(self.judge, self.real_B, self.fake_B.detach())
            self.loss_D = self.loss_D + self.parts.penalty_weight * penalty
        if self.parts.toggle == "never-thawed" and not self.loss_D.requires_grad:
            self.loss_D.requires_grad_(True)  # "element 0 of tensors does not require grad" made this line
        self.loss_D.backward()

    def backward_G(self) -> None:  # noqa: N802
        p = self.parts
        shown = self.real_B if p.generator_judges_reals else self.fake_B
        self.loss_G = self.term(self.judge(shown.detach() if p.detach_for_generator else shown), "wanted")
        if self.loss_G.requires_grad:
            self.loss_G.backward()

    def optimize_parameters(self) -> None:
        p = self.parts
        if p.toggle == "generator":
            self.set_requires_grad(self.netG, False)  # meant: netD, and after forward()
        self.forward()
        if p.toggle == "":
            self.set_requires_grad(self.netD, True)
        if p.zero_discriminator and p.zero_due(self.step):
            self.optimizer_D.zero_grad()
        p.clip(self.netD, early=True)
        self.backward_D()
        p.clip(self.netD, early=False)
        if p.zero_before_step:
            self.optimizer_D.zero_grad()
        self.optimizer_D.step()
        if p.toggle != "generator":
            self.set_requires_grad(self.netD, False)
        if p.zero_generator and p.zero_due(self.step):
            self.optimizer_G.zero_grad()
        p.clip(self.netG, early=True)
        self.backward_G()
        p.clip(self.netG, early=False)
        if p.zero_before_step:
            self.optimizer_G.zero_grad()
        self.optimizer_G.step()
        self.step += 1

    def update_learning_rate(self) -> None:
        for scheduler in self.schedulers:
            scheduler.step()


def train(parts: ThirdParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    model = NoiseModel(parts)
    watch(model.netG, model.netD)
    draw = parts.sample_latent or parts.latent
    for total_iters in range(parts.steps):
        model.set_input(next(parts.batches)[0])
        model.optimize_parameters()
        model.update_learning_rate()
        if parts.schedule is not None:
            parts.schedule(total_iters, model.optimizer_G, model.optimizer_D)
        if total_iters % parts.sample_every == 0:
            with torch.no_grad():
                model.netG(draw(16))
        parts.log(total_iters, model.loss_D.item(), model.loss_G.item())
    model.set_requires_grad(model.netD, True)
    model.set_requires_grad(model.netG, True)

    def test(count: int) -> Tensor:
        model.netG.eval()
        with torch.no_grad():
            return model.netG(draw(count))

    return test
