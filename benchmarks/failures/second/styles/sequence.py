"""Signals: a recurrent generator, clipped gradients, two backward calls for the discriminator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.failures.second.parts import SecondParts


def train(parts: SecondParts, watch: Callable[..., Any]) -> Callable[[int], Tensor]:
    rnn, judge = parts.generator, parts.discriminator
    monitor = watch(rnn, judge)  # noqa: F841
    rnn_opt, judge_opt = parts.optimizers(rnn, judge)
    clip = parts.clip_gradients or (lambda ps: torch.nn.utils.clip_grad_norm_(ps, 5.0))
    history: dict[str, list[float]] = {"judge": [], "rnn": []}

    for i in range(parts.steps):
        signals, _ = next(parts.batches)

        if parts.zero_discriminator:
            judge.zero_grad()
        loss_real = parts.loss.real(judge(signals))
        loss_real.backward()
        with torch.no_grad():
            generated = rnn(parts.latent(signals.size(0)))
        loss_fake = parts.loss.fake(judge(generated))
        loss_fake.backward()
        clip(judge.parameters())
        judge_opt.step()

        if parts.zero_generator:
            rnn.zero_grad()
        generated = rnn(parts.latent(signals.size(0)))
        if parts.detach_for_generator:
            generated = generated.detach()
        loss_rnn = parts.loss.generator(judge(generated))
        loss_rnn.backward()
        clip(rnn.parameters())
        rnn_opt.step()

        if parts.schedule is not None:
            parts.schedule(i, rnn_opt, judge_opt)
        history["judge"].append(float(loss_real.detach() + loss_fake.detach()))
        history["rnn"].append(float(loss_rnn.detach()))
        if i % parts.sample_every == 0:
            with torch.no_grad():
                rnn((parts.sample_latent or parts.latent)(8))
        parts.log(i, history["judge"][-1], history["rnn"][-1])

    def sample(count: int) -> Tensor:
        rnn.eval()
        with torch.no_grad():
            return rnn((parts.sample_latent or parts.latent)(count))

    return sample
