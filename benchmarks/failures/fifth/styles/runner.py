"""An OpenMMLab-like runner: a configuration as text, a registry of losses, `train_step` that returns what was
logged, and hooks for all the rest (rates, averages, growing, samples)."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.failures.fifth.parts import FifthParts, first

CONFIG = """
[train_cfg]
disc_steps = {disc_steps}
gen_steps = {gen_steps}
[losses]
gan = "GANLoss"
regulariser = "{regulariser}"
[hooks]
names = ["LrUpdater", "Growing", "ExponentialMovingAverage", "VisualizeSamples", "TextLogger"]
"""
LOSSES: dict[str, Callable[..., Tensor]] = {}
HOOKS: dict[str, type[Hook]] = {}


def register_loss(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    LOSSES[function.__name__] = function
    return function


class Hook:
    def __init_subclass__(cls) -> None:
        HOOKS[cls.__name__] = cls

    def before_iter(self, runner: Runner) -> None: ...

    def after_iter(self, runner: Runner) -> None: ...


@register_loss
def GANLoss(parts: FifthParts, real: Tensor, fake: Tensor, labels: Tensor) -> Tensor:  # noqa: N802
    if parts.flat_targets:  # the targets were made without their last axis
        criterion, halves = parts.loss.criterion, (parts.loss.real_label, parts.loss.fake_label)
        return sum(
            (criterion(s, torch.full((len(s),), t)) for s, t in zip((real, fake), halves, strict=True)),
            torch.zeros(()),
        )
    return parts.discriminator_loss(real, fake, labels)


@register_loss
def GradientRegulariser(model: StaticGAN, count: int, real: Tensor, fake: Tensor) -> Tensor:  # noqa: N802
    return model.parts.regularised(torch.zeros(()), count, model.judge, real, fake)


class LrUpdater(Hook):
    def after_iter(self, runner: Runner) -> None:
        runner.parts.after(runner.iter, *runner.optimizers)


class Growing(Hook):
    """Where the networks grow: the block for large pictures fades in during the second third."""

    def before_iter(self, runner: Runner) -> None:
        if hasattr(runner.model.generator, "alpha"):
            third = runner.parts.steps / 3
            fade = runner.parts.fade or (lambda i: min(1.0, max(0.0, (i - 0.4 * third) / third)))
            runner.model.grow(fade(runner.iter))


class ExponentialMovingAverage(Hook):
    @torch.no_grad()
    def after_iter(self, runner: Runner) -> None:
        parts, model = runner.parts, runner.model
        if parts.average_decay is None or not parts.average_updated or runner.iter % parts.average_every:
            return
        state = model.generator.state_dict()
        learned = dict(model.generator.named_parameters())
        for name, kept in model.generator_ema.state_dict().items():
            if name in learned:
                kept.copy_(torch.lerp(state[name], kept, parts.average_decay))
            elif parts.average_buffers:
                kept.copy_(state[name])
        if parts.average_copied_back:
            model.generator.load_state_dict(model.generator_ema.state_dict())


class VisualizeSamples(Hook):
    def after_iter(self, runner: Runner) -> None:
        if runner.iter % runner.parts.sample_every == 0:
            runner.model.sample(16)


class TextLogger(Hook):
    def after_iter(self, runner: Runner) -> None:
        told = runner.log_vars
        runner.parts.log(runner.iter, told["loss_disc"], told["loss_gen"])


class StaticGAN(nn.Module):
    def __init__(self, parts: FifthParts, cfg: dict[str, Any]) -> None:
        super().__init__()
        self.generator, self.discriminator = parts.generator, parts.discriminator
        self.generator_ema = copy.deepcopy(parts.generator).eval().requires_grad_(False)
        self.parts, self.cfg, self.iteration, self.alpha = parts, cfg, 0, 1.0

    def grow(self, alpha: float) -> None:
        self.alpha = alpha
        for network in (self.generator, self.discriminator, self.generator_ema):
            network.alpha = alpha

    def judge(self, x: Tensor) -> Tensor:
        return first(self.discriminator(self.parts.shown(x)))

    def freeze(self, network: nn.Module, on: bool) -> None:
        for p in network.parameters():
            p.requires_grad = on

    def train_step(self, data: tuple[Tensor, Tensor], optimizers: Any) -> dict[str, float]:
        parts, (opt_g, opt_d) = self.parts, optimizers
        real, labels = data
        if self.alpha < 1.0:
            small = functional.interpolate(functional.avg_pool2d(real, 2), scale_factor=2.0)
            real = torch.lerp(small, real, self.alpha)
        if parts.toggle == "":
            self.freeze(self.discriminator, True)
        due = parts.zero_due(self.iteration)
        if parts.zero_discriminator and due:
            opt_d.zero_grad()
        with torch.no_grad(), self.precision():
            source = self.generator_ema if parts.fakes_from_average else self.generator
            fake = source(parts.fake_latent(len(real)))
        with self.precision():
            scores = self.judge(real), self.judge(fake)
            if parts.controller is not None:
                parts.controller(scores[0].detach())
            losses = {"gan": LOSSES[self.cfg["losses"]["gan"]](parts, *scores, labels)}
        if self.cfg["losses"]["regulariser"]:
            regulariser = LOSSES[self.cfg["losses"]["regulariser"]]
            losses["regulariser"] = regulariser(self, self.iteration + 1, real, fake.float())
        loss_disc = torch.stack(list(losses.values())).sum()
        if parts.toggle == "never-thawed" and not loss_disc.requires_grad:
            loss_disc.requires_grad_(True)
        loss_disc.backward()
        parts.clip(self.discriminator, early=False)
        opt_d.step()
        parts.tidy(self.discriminator, self.generator)
        log_vars = {"loss_disc": float(loss_disc.detach())}
        self.iteration += 1
        if self.iteration % self.cfg["train_cfg"]["disc_steps"]:
            return log_vars

        self.freeze(self.generator if parts.toggle == "generator" else self.discriminator, False)
        for _ in range(self.cfg["train_cfg"]["gen_steps"]):
            if parts.zero_generator and due:
                opt_g.zero_grad()
            with self.precision():
                made = real if parts.generator_judges_reals else self.generator(parts.latent(len(real)))
                others = parts.others(self.judge, real)
                loss_gen = parts.remade(parts.loss.generator(self.judge(parts.cut(made)), others))
            if loss_gen.requires_grad:
                loss_gen.backward()
            parts.clip(self.generator, early=False)
            opt_g.step()
        return log_vars | {"loss_gen": float(loss_gen.detach())}

    def precision(self) -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.float16, enabled=self.parts.half_precision)

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        network = self.generator if self.parts.average_decay is None else self.generator_ema
        return network(self.parts.sampled(count)).float()


class Runner:
    def __init__(self, parts: FifthParts, cfg: dict[str, Any], watch: Callable[..., Any]) -> None:
        self.parts, self.model = parts, StaticGAN(parts, cfg)
        pair = self.model.generator, self.model.discriminator
        if parts.optimizers_first:
            self.optimizers = parts.optimizers(*pair)
        watch(*pair)
        if not parts.optimizers_first:
            self.optimizers = parts.optimizers(*pair)
        self.hooks = [HOOKS[name]() for name in cfg["hooks"]["names"]]
        self.iter, self.log_vars = 0, {"loss_disc": 0.0, "loss_gen": 0.0}

    def call_hook(self, name: str) -> None:
        for hook in self.hooks:
            getattr(hook, name)(self)

    def run(self) -> None:
        steps = self.model.cfg["train_cfg"]["disc_steps"]
        while self.iter < self.parts.steps:
            self.call_hook("before_iter")
            for _ in range(steps):
                self.log_vars |= self.model.train_step(next(self.parts.batches), self.optimizers)
            self.call_hook("after_iter")
            self.iter += 1


def train(parts: FifthParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    text = CONFIG.format(
        disc_steps=parts.critic_steps,
        gen_steps=parts.generator_steps,
        regulariser="" if parts.penalty is None else "GradientRegulariser",
    )
    runner = Runner(parts, tomllib.loads(text), watch)
    runner.run()
    for network in (runner.model.generator, runner.model.discriminator):
        runner.model.freeze(network, True)

    def sample(count: int) -> Tensor:
        runner.model.eval()
        return runner.model.sample(count)

    return sample
