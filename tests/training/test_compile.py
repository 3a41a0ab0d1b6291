"""torch.compile beside a gradient penalty: the penalty's passes go around the compiled discriminator."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch

from equipoise.trainer import Trainer
from equipoise.training.checkpoint import read_checkpoint


@pytest.mark.filterwarnings("ignore:compile-goes-around")
def test_compiled_training_with_a_second_derivative_is_the_same_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`aot_eager` has the limits of the real compiler (no double backward) without its compile time."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    tensors = []
    for compiled in (False, True):
        settings = {
            "recipe": "r3gan",
            "networks": {"architecture": "mlp", "base_channels": 8},
            "training": {"steps": 3, "batch_size": 8, "compile": compiled, "keep_best": False},
        }
        out = tmp_path / str(compiled)
        Trainer(settings, data="ring", out=out, watch=False).fit()
        tensors.append(read_checkpoint(out / "checkpoints" / "last").tensors["discriminator"])
    for name, value in tensors[0].items():
        torch.testing.assert_close(tensors[1][name], value, rtol=1e-4, atol=1e-5)


def test_a_compiled_pass_has_no_second_derivative_which_is_why() -> None:
    """The day this passes through, the detour can go."""
    layer = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    compiled = torch.compile(layer, backend="aot_eager")
    samples = torch.randn(3, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(compiled(samples).sum(), samples, create_graph=True)
    with pytest.raises(RuntimeError, match="double backward"):
        gradient.square().sum().backward()
