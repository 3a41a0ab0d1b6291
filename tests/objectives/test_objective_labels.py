"""One-sided smoothing and noisy labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.objectives import OBJECTIVES, build_objective

LABELLED = [name for name, entry in OBJECTIVES.items() if entry.facts.has_labels]
LOGISTIC = ["minimax", "non-saturating"]


def test_three_objectives_have_labels():
    assert LABELLED == ["least-squares", "minimax", "non-saturating"]


@pytest.mark.parametrize("name", LOGISTIC)
def test_smoothing_floor_of_a_perfect_discriminator_is_the_entropy_of_its_targets(name):
    """Targets 0.9 and 0: the best logit on reals is ln 9 and the loss 0.325, not 0."""
    objective = build_objective(name, smoothing=0.1)
    real = torch.full((4,), math.log(9), dtype=torch.float64, requires_grad=True)
    fake = torch.full((4,), -60.0, dtype=torch.float64)
    loss = objective.discriminator_loss(real, fake)
    assert loss.item() == pytest.approx(-0.9 * math.log(0.9) - 0.1 * math.log(0.1), abs=1e-12)
    assert round(loss.item(), 3) == 0.325
    assert torch.autograd.grad(loss, real)[0].abs().max() < 1e-12


@pytest.mark.parametrize("name", LABELLED)
def test_smoothing_is_one_sided_and_leaves_the_generator_alone(name):
    plain, smooth = build_objective(name), build_objective(name, smoothing=0.2)
    fake = torch.randn(8, dtype=torch.float64, requires_grad=True)
    real = torch.randn(8, dtype=torch.float64)
    gradients = [torch.autograd.grad(o.discriminator_loss(real, fake), fake)[0] for o in (plain, smooth)]
    assert torch.equal(*gradients)
    assert plain.generator_loss(fake).item() == smooth.generator_loss(fake).item()
    assert plain.discriminator_loss(real, fake) != smooth.discriminator_loss(real, fake)


def test_smoothed_least_squares_aims_at_the_smoothed_target():
    loss = build_objective("least-squares", smoothing=0.1).discriminator_loss(
        torch.full((3,), 0.9, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    )
    assert loss.item() == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("name", LABELLED)
def test_two_sided_smoothing_is_refused_with_the_reason(name):
    with pytest.raises(EquipoiseError, match=r"fake_smoothing.*generator's own density"):
        build_objective(name, smoothing=0.1, fake_smoothing=0.1)


@pytest.mark.parametrize("name", LABELLED)
def test_noisy_labels_swap_targets_at_the_given_rate_and_from_the_given_generator(name):
    objective = build_objective(name, noisy_labels=0.3, smoothing=0.1)
    assert objective.uses_chance
    objective.random = torch.Generator().manual_seed(5)
    before = torch.get_rng_state()
    logits = torch.zeros(200_000, dtype=torch.float64)
    real, fake = objective.targets(logits, real=True), objective.targets(logits, real=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert set(real.unique().tolist()) == set(fake.unique().tolist()) == {0.0, 0.9}
    standard_error = math.sqrt(0.3 * 0.7 / len(logits))
    assert (real == 0).double().mean().item() == pytest.approx(0.3, abs=4 * standard_error)
    assert (fake == 0.9).double().mean().item() == pytest.approx(0.3, abs=4 * standard_error)


@pytest.mark.parametrize("name", LABELLED)
def test_noisy_loss_is_the_loss_on_swapped_targets(name):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=50), rng.normal(size=50)
    objective = build_objective(name, noisy_labels=0.4)
    objective.random = torch.Generator().manual_seed(1)
    value = objective.discriminator_loss(torch.tensor(real), torch.tensor(fake)).item()
    draws = torch.Generator().manual_seed(1)
    real_target = np.where(torch.rand(50, generator=draws).numpy() < 0.4, 0.0, 1.0)
    fake_target = np.where(torch.rand(50, generator=draws).numpy() < 0.4, 1.0, 0.0)

    def cost(logit, target):
        if name == "least-squares":
            return ((logit - target) ** 2).mean() / 2
        probability = 1 / (1 + np.exp(-logit))
        return -(target * np.log(probability) + (1 - target) * np.log(1 - probability)).mean()

    assert value == pytest.approx(cost(real, real_target) + cost(fake, fake_target), rel=1e-10)


def test_noisy_labels_repeat_after_the_generator_is_restored():
    objective = build_objective("non-saturating", noisy_labels=0.2)
    objective.random = torch.Generator().manual_seed(3)
    logits = torch.randn(64)
    objective.discriminator_loss(logits, logits)
    state = objective.random.get_state()
    first = objective.discriminator_loss(logits, logits)
    objective.random.set_state(state)
    assert objective.discriminator_loss(logits, logits).item() == first.item()


def test_a_patch_shares_its_samples_target():
    objective = build_objective("non-saturating", noisy_labels=0.4)
    objective.random = torch.Generator().manual_seed(0)
    assert objective.targets(torch.zeros(16, 1, 3, 3), real=True).shape == (16, 1, 1, 1)


def test_noisy_labels_without_a_generator_are_refused():
    objective = build_objective("minimax", noisy_labels=0.1)
    with pytest.raises(EquipoiseError, match=r"objective\.random"):
        objective.discriminator_loss(torch.zeros(2), torch.zeros(2))
