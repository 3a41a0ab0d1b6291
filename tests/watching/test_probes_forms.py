"""How calls of the discriminator are repeated and its scores read, whatever it is given and returns."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equipoise.watching.probes import probe_all
from equipoise.watching.probes.forms import Form, fitted
from equipoise.watching.probes.material import Material
from equipoise.watching.probes.scoring import score_paths, scores

_spec = importlib.util.spec_from_file_location("watching_probing", Path(__file__).with_name("probing.py"))
assert _spec is not None
assert _spec.loader is not None
tools = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("watching_probing", tools)
_spec.loader.exec_module(tools)
noise = tools.noise


def test_a_form_is_filled_with_other_samples_and_keeps_its_conditions() -> None:
    labels, weight = torch.arange(6), torch.tensor(0.5)
    form = Form((labels,), {"x": noise(6, 3, 1), "weight": weight}, ("kwargs", "x"), None)
    assert [path for path, _ in form.conditions()] == [("args", 0)]
    samples, index = noise(4, 3, 2), torch.tensor([5, 0, 5, 1])
    args, kwargs = form.filled(samples, index)
    assert torch.equal(kwargs["x"], samples)
    assert args[0].tolist() == [5, 0, 5, 1]
    assert kwargs["weight"] is weight
    args, kwargs = form.filled(None, index, condition_index=torch.tensor([0, 1, 2, 3]))
    assert torch.equal(kwargs["x"], form.samples[index])
    assert args[0].tolist() == [0, 1, 2, 3]
    # More samples than there are rows: conditions go round.
    args, _ = form.filled(noise(8, 3, 3))
    assert args[0].tolist() == [0, 1, 2, 3, 4, 5, 0, 1]


def test_samples_between_the_channels_of_a_condition_carry_their_gradient() -> None:
    stored = noise(5, 4 * 9, 1).reshape(5, 4, 3, 3)
    form = Form((stored,), {}, ("args", 0), slice(1, 3))
    assert form.conditional
    assert torch.equal(form.samples, stored[:, 1:3])
    samples = noise(5, 18, 2).reshape(5, 2, 3, 3).requires_grad_()
    (joined,), _ = form.filled(samples)
    assert torch.equal(joined[:, 1:3], samples)
    assert torch.equal(joined[:, :1], stored[:, :1])
    assert torch.equal(joined[:, 3:], stored[:, 3:])
    (gradient,) = torch.autograd.grad((joined * stored).sum(), samples)
    assert torch.equal(gradient, stored[:, 1:3])
    (moved,), _ = form.filled(None, torch.arange(5), condition_index=torch.tensor([1, 2, 3, 4, 0]))
    assert torch.equal(moved[:, 1:3], stored[:, 1:3])
    assert torch.equal(moved[:, 0], stored[[1, 2, 3, 4, 0], 0])


def test_half_precision_is_lifted_to_the_networks() -> None:
    tree = fitted(
        {"a": torch.zeros(2, dtype=torch.bfloat16), "b": torch.zeros(2, dtype=torch.long)}, nn.Linear(2, 1)
    )
    assert tree["a"].dtype == torch.float32
    assert tree["b"].dtype == torch.long


class Answers(nn.Module):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, samples: Tensor) -> Any:
        return self.answer(samples)


def logit(samples: Tensor) -> Tensor:
    return 30 * samples.flatten(1).sum(dim=1, keepdim=True)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: torch.sigmoid(logit(x)),
        lambda x: torch.sigmoid(logit(x)).view(-1),
        lambda x: logit(x).sigmoid().squeeze(1),
        lambda x: nn.Sigmoid()(logit(x)),
        lambda x: F.sigmoid(logit(x)),
        lambda x: {"logits": logit(x)},
        lambda x: (logit(x), None, "name"),
        lambda x: [torch.tanh(x), logit(torch.tanh(x) * 0 + x)],
    ],
)
def test_the_score_is_what_went_into_a_final_sigmoid(answer: Any) -> None:
    samples = noise(8, 2, 1).requires_grad_()
    network = Answers(answer)
    paths = score_paths(network, (samples,), {}, (2,), ("args", 0))
    value = scores(network, (samples,), {}, paths, 8)
    torch.testing.assert_close(value, logit(samples))
    (slope,) = torch.autograd.grad(value.sum(), samples)
    # Behind the sigmoid it would be zero: probabilities are 0 or 1 here.
    torch.testing.assert_close(slope, torch.full_like(slope, 30.0))


def test_a_gate_inside_is_not_taken_for_the_final_sigmoid() -> None:
    def gated(samples: Tensor) -> Tensor:
        return (samples * torch.sigmoid(samples)).sum(dim=1, keepdim=True)

    samples = noise(8, 2, 1)
    network = Answers(gated)
    value = scores(network, (samples,), {}, score_paths(network, (samples,), {}, (2,), ("args", 0)), 8)
    torch.testing.assert_close(value, gated(samples))


def test_scales_and_patches_stand_side_by_side_and_packs_are_repeated() -> None:
    def scales(samples: Tensor) -> list[Tensor]:
        return [F.avg_pool2d(samples, 4), F.avg_pool2d(samples, 8)]

    samples = noise(6, 64, 1).reshape(6, 1, 8, 8).requires_grad_()
    network = Answers(scales)
    paths = score_paths(network, (samples,), {}, (1, 8, 8), ("args", 0))
    value = scores(network, (samples,), {}, paths, 6)
    assert value.shape == (6, 5)
    torch.testing.assert_close(value[:, 4], samples.flatten(1).mean(dim=1))
    packed = Answers(lambda x: x.reshape(3, -1).sum(dim=1))
    flat = noise(6, 2, 2).requires_grad_()
    value = scores(packed, (flat,), {}, score_paths(packed, (flat,), {}, (2,), ("args", 0)), 6)
    expected = flat.reshape(3, -1).sum(dim=1).repeat_interleave(2)
    torch.testing.assert_close(value[:, 0], expected)
    # Two views of each sample, flattened into the batch (RelGAN's representations).
    views = Answers(lambda x: torch.stack([x.sum(dim=1), -x.sum(dim=1)], dim=1).reshape(-1))
    value = scores(views, (flat,), {}, score_paths(views, (flat,), {}, (2,), ("args", 0)), 6)
    torch.testing.assert_close(value, torch.stack([flat.sum(dim=1), -flat.sum(dim=1)], dim=1))


class PictureToPicture(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        return torch.tanh(self.layer(picture))


def test_of_a_pair_in_one_call_each_has_its_own_scores() -> None:
    class Pairs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scales = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])

        def forward(self, real: Tensor, fake: Tensor) -> tuple[list[Tensor], list[Tensor]]:
            return [scale(real) for scale in self.scales], [scale(fake) for scale in self.scales]

    network, real, fake = Pairs(), torch.randn(4, 2), torch.randn(4, 2)
    assert score_paths(network, (real, fake), {}, (2,), ("args", 0)) == [(0, 0), (0, 1)]
    assert score_paths(network, (real, fake), {}, (2,), ("args", 1)) == [(1, 0), (1, 1)]


def test_every_probe_of_a_conditional_picture_generator_keeps_conditions_with_their_samples() -> None:
    torch.manual_seed(0)
    generator = PictureToPicture()
    discriminator = nn.Sequential(nn.Conv2d(2, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3))
    pictures = [
        torch.linspace(-1, 1, 16).expand(32, 1, 16, 16) * noise(32, 1, seed)[:, :, None, None]
        for seed in range(4)
    ]
    with torch.no_grad():
        fakes = [generator(picture) for picture in pictures]
    reals = [-picture for picture in pictures]
    path = ("args", 0)
    watcher = tools.remembering(
        generator,
        discriminator,
        reals,
        pictures,
        objective="least-squares",
        # The channels are known from fakes only; reals have the condition in the same place.
        real_forms=[((torch.cat(pair, dim=1),), {}, path, None) for pair in zip(pictures, reals)],
        fake_forms=[((torch.cat(pair, dim=1),), {}, path, slice(1, 2)) for pair in zip(pictures, fakes)],
    )  # fmt: skip
    material = Material(watcher)
    assert material.latents == []
    assert torch.equal(material.forms[0].samples, reals[0])
    for batch in material.fakes(64):
        # Row by row: the fake is the generator's answer to the very condition beside it.
        with torch.no_grad():
            torch.testing.assert_close(batch.samples, generator(batch.form.stored[:, :1]))
    probed = probe_all(watcher)
    assert watcher.problems.sentences == []
    assert probed.skipped == {}
    response = next(result for result in probed.results if result.name == "generator-response")
    assert response["condition"] > 0.1
    assert response["discriminator.condition"] > 0
