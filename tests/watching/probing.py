"""A watcher whose memory is filled by hand, so that what a probe must find is known in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from equipoise.history.store import History
from equipoise.watching.probes import probe_all
from equipoise.watching.watcher import Watcher

SAMPLE = ("args", 0)


def remembering(
    generator: nn.Module,
    discriminator: nn.Module,
    reals: list[Any],
    calls: list[Any],
    *,
    objective: str | None = None,
    orientation: int = 1,
    real_forms: list[Any] | None = None,
    fake_forms: list[Any] | None = None,
    training: bool = True,
) -> Watcher:
    """A watcher that has seen these batches.

    Args:
        reals: batches of reals. calls: arguments of generator calls, a tensor or a tuple.
        real_forms, fake_forms: how the discriminator was called, as (args, kwargs, path of the sample,
            channels); by default with the samples alone.
    """
    generator.train(training)
    discriminator.train(training)
    watcher = Watcher(generator, discriminator, History(None), objective=objective)
    watcher.roles._discriminator_votes = 10.0 * orientation
    reservoir = watcher.reservoir
    reservoir.reals = real_forms or [((batch,), {}, SAMPLE, None) for batch in reals]
    for index, call in enumerate(calls):
        args = call if isinstance(call, tuple) else (call,)
        reservoir.calls.append((args, {}))
        if fake_forms is None:
            with torch.no_grad():
                made = generator(*args)
            form = ((made.reshape(len(made), *reals[0].shape[1:]),), {}, SAMPLE, None)
        else:
            form = fake_forms[index]
        reservoir.fakes.append(form)
        reservoir.pairs.append(((args, {}), form))
    return watcher


def probed(watcher: Watcher, name: str) -> dict[str, float]:
    """The probe's numbers; its own faults are the test's faults."""
    round_ = probe_all(watcher, [name])
    assert not watcher.problems.sentences, watcher.problems.sentences
    assert not round_.skipped, round_.skipped
    assert len(round_.results) == 1
    return dict(round_.results[0].values)


def noise(rows: int, width: int, seed: int) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


class Linear(nn.Module):
    """s = w . x + b over all values of a sample."""

    def __init__(self, weight: Tensor, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, samples: Tensor) -> Tensor:
        return (samples * self.weight).flatten(1).sum(dim=1, keepdim=True) + self.bias


class Draw(nn.Module):
    """A generator that gives rows of a fixed set, chosen by its latent: its law is that of the set."""

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, latent: Tensor) -> Tensor:
        share = torch.special.ndtr(latent[:, 0].double())
        index = (share * len(self.rows)).long().clamp(max=len(self.rows) - 1)
        return self.scale * self.rows[index]
