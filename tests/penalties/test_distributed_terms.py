"""Terms that look across the batch give, on two processes of 8 samples, the gradient of one with 16."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as multiprocessing
from torch import distributed, nn

from equipoise.objectives import build_objective
from equipoise.penalties import StepContext, build_penalty
from equipoise.penalties.dragan import spread

PROCESSES, BATCH = 2, 16


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 1)

    def features(self, samples, labels=None):
        return torch.tanh(self.first(samples))

    def forward(self, samples, labels=None):
        return 8 * self.last(self.features(samples))[:, 0]  # beyond the hinge on both sides


def gradients(part: slice) -> dict[str, torch.Tensor]:
    """Each term's gradient, for one process's samples, at the parameters of the player it trains."""
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(3, 4).double(), Discriminator().double()
    latent = torch.randn(BATCH, 3, dtype=torch.float64)
    real = torch.randn(BATCH, 4, dtype=torch.float64) + 0.3
    labels = torch.arange(BATCH) * 5 % 3
    found = {}

    def record(name, loss, player):
        values = torch.autograd.grad(
            loss, list(player.parameters()), allow_unused=True, materialize_grads=True
        )
        found[name] = torch.cat([value.flatten() for value in values])

    def step(conditional=False):
        return StepContext(
            step=0,
            total_steps=1,
            generator=generator,
            discriminator=discriminator,
            real=real[part],
            fake=generator(latent[part]),
            latent=latent[part],
            fake_labels=labels[part] if conditional else None,
        )

    hinge = build_objective("relativistic-average-hinge")
    context = step()
    record(
        "hinge, discriminator",
        hinge.discriminator_loss(discriminator(context.real), discriminator(context.fake.detach())),
        discriminator,
    )
    record(
        "hinge, generator",
        hinge.generator_loss(discriminator(context.fake), discriminator(context.real)),
        generator,
    )
    for name in ("r1", "r2"):
        record(name, build_penalty(name).discriminator_term(step()), discriminator)
    record("feature-matching", build_penalty("feature-matching").generator_term(step()), generator)
    record("mode-seeking", build_penalty("mode-seeking").generator_term(step()), generator)
    record("mode-seeking, labels", build_penalty("mode-seeking").generator_term(step(True)), generator)
    found["dragan's noise"] = spread(real[part])
    return found


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=PROCESSES
    )
    share = BATCH // PROCESSES
    found = gradients(slice(rank * share, (rank + 1) * share))
    for value in found.values():  # what DistributedDataParallel does with parameters' gradients
        distributed.all_reduce(value)
        value /= PROCESSES
    if rank == 0:
        torch.save(found, Path(folder) / "gradients.pt")
    distributed.destroy_process_group()


@pytest.mark.skipif(not distributed.is_gloo_available(), reason="needs gloo")
def test_two_processes_give_the_gradient_of_one():
    alone = gradients(slice(0, BATCH))
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(work, args=(folder,), nprocs=PROCESSES)
        together = torch.load(Path(folder) / "gradients.pt", weights_only=True)
    halves = [gradients(slice(0, BATCH // 2)), gradients(slice(BATCH // 2, BATCH))]
    assert alone.keys() == together.keys()
    for name, value in alone.items():
        assert value.norm() > 0, name
        assert torch.allclose(value, together[name], rtol=1e-10, atol=1e-13), name
        # The means of samples need no communication; for the others it is what makes the difference.
        apart = (halves[0][name] + halves[1][name]) / 2
        assert torch.allclose(value, apart, rtol=1e-6) == (name in ("r1", "r2")), name
