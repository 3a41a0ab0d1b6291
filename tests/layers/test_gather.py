"""Two processes with half the batch each are one process with all of it, to the second derivative."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
from torch import Tensor, nn

from equipoise.data.specification import SampleSpecification
from equipoise.layers.base import LAYERS, build_layer
from equipoise.layers.gather import gather_with_gradient, local_batch_only, own_slice, world_size
from equipoise.layers.microbatch import MicrobatchDiscriminator
from equipoise.layers.packing import Packed
from equipoise.layers.virtual_batch_norm import WithReferenceBatch

PROCESSES = 2
BATCH = 8
FEATURES = 6


def _inner(features: int) -> nn.Module:
    return nn.Sequential(nn.Linear(features, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0))


def _network(name: str) -> nn.Module:
    """A small float64 network around or with the layer; the same in every process."""
    torch.manual_seed(0)
    network: nn.Module
    if name == "packing":
        network = Packed(lambda packed: _inner(packed.size), SampleSpecification("vector", (FEATURES,)), 2)
    elif name == "microbatch":
        network = MicrobatchDiscriminator(lambda: _inner(FEATURES), 2)
    else:
        options: dict[str, Any] = {
            "minibatch-discrimination": {"kernels": 3, "kernel_dimensions": 2},
            "minibatch-standard-deviation": {"group_size": None},
            "minibatch-standard-deviation of groups": {"group_size": 2},
            "minibatch-standard-deviation of groups across processes": {"group_size": 8},
        }.get(name, {})
        layer = build_layer(name.split(" of ")[0], (5,), **options)
        appended = getattr(layer, "appended", 0)
        network = nn.Sequential(
            nn.Linear(FEATURES, 5), nn.Tanh(), layer, nn.Linear(5 + appended, 1), nn.Flatten(0)
        )
        if name == "virtual-batch-normalisation":
            network = WithReferenceBatch(network)
    return network.double()


def _samples() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    shape = (BATCH, FEATURES)
    return tuple(torch.randn(shape, generator=random, dtype=torch.float64) for _ in range(2))  # type: ignore[return-value]


def _loss(network: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """A logistic loss and an R1-style penalty on the real samples, as means over the local batch."""
    real = real.clone().requires_grad_(True)
    if isinstance(network, MicrobatchDiscriminator):
        loss = network.discriminator_loss(real, fake, alpha=0.7) + network.generator_loss(fake, alpha=0.3)
    else:
        loss = nn.functional.softplus(-network(real)).mean() + nn.functional.softplus(network(fake)).mean()
    (gradient,) = torch.autograd.grad(network(real).sum(), real, create_graph=True)
    return loss + gradient.square().sum(1).mean()


def _gradients(network: nn.Module) -> list[Tensor]:
    return [p.grad if p.grad is not None else torch.zeros_like(p) for p in network.parameters()]


def _in_process(rank: int, port: int, folder: str, names: list[str]) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=PROCESSES
    )
    try:
        results: dict[str, Any] = {}
        for name in names:
            network = _network(name)
            real, fake = (samples.chunk(PROCESSES)[rank] for samples in _samples())
            _loss(network, real, fake).backward()
            gradients = _gradients(network)
            # What DistributedDataParallel does with them.
            for gradient in gradients:
                distributed.all_reduce(gradient)
                gradient /= PROCESSES
            results[name] = gradients
        results["facts"] = (world_size(), own_slice(4), gather_with_gradient(torch.tensor([rank])).tolist())
        with local_batch_only():
            results["local"] = (world_size(), gather_with_gradient(torch.tensor([rank])).tolist())
        torch.save(results, Path(folder) / f"{rank}.pt")
    finally:
        distributed.destroy_process_group()


CASES = [
    "minibatch-discrimination",
    "minibatch-standard-deviation",
    "minibatch-standard-deviation of groups",
    "minibatch-standard-deviation of groups across processes",
    "packing",
    "microbatch",
    "virtual-batch-normalisation",
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("processes")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(_in_process, args=(port, str(folder), CASES), nprocs=PROCESSES, join=True)
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(PROCESSES)]


@pytest.mark.parametrize("name", CASES)
def test_two_processes_give_the_gradients_of_one(name: str, results: list[dict[str, Any]]) -> None:
    network = _network(name)
    _loss(network, *_samples()).backward()
    expected = _gradients(network)
    assert any(gradient.abs().max() > 1e-3 for gradient in expected)
    for result in results:
        for ours, theirs in zip(expected, result[name], strict=True):
            torch.testing.assert_close(theirs, ours, rtol=1e-10, atol=1e-12)


def test_every_layer_across_the_batch_is_among_the_cases() -> None:
    # Batch normalisation has no version across processes on the CPU; the trainer says so.
    layers = {name for name, layer in LAYERS.items() if layer.facts.across_batch}
    assert layers - {"conditional-batch-norm"} <= {name.split(" of ")[0] for name in CASES}


def test_order_and_own_samples(results: list[dict[str, Any]]) -> None:
    for rank, result in enumerate(results):
        assert result["facts"] == (2, slice(4 * rank, 4 * rank + 4), [0, 1])
        assert result["local"] == (1, [rank])


def test_one_process_gathers_nothing() -> None:
    tensor = torch.zeros(3)
    assert gather_with_gradient(tensor) is tensor
    assert own_slice(3) == slice(0, 3)
    assert world_size() == 1
