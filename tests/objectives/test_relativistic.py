"""Shapes that relative objectives must refuse, and what pairing does."""

from __future__ import annotations

import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.objectives import OBJECTIVES, build_objective

RELATIVE = [name for name, entry in OBJECTIVES.items() if entry.facts.relative]


@pytest.mark.parametrize("name", RELATIVE)
@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 1), (4, 3)), ((), (4,))])
def test_shapes_that_would_broadcast_are_refused(name, shapes):
    real, fake = (torch.zeros(shape) for shape in shapes)
    objective = build_objective(name)
    for call in (
        lambda: objective.discriminator_loss(real, fake),
        lambda: objective.generator_loss(fake, real),
    ):
        with pytest.raises(EquipoiseError, match="broadcast"):
            call()


def test_pairing_needs_equal_numbers_and_the_average_does_not():
    real, fake = torch.zeros(4), torch.zeros(6)
    with pytest.raises(EquipoiseError, match="pair by pair"):
        build_objective("relativistic-pairing").discriminator_loss(real, fake)
    assert build_objective("relativistic-average-hinge").discriminator_loss(real, fake).item() == 2.0


def test_pairing_compares_element_by_element():
    """Two well separated pairs cost little although the two sets of scores are the same."""
    real, fake = torch.tensor([10.0, -10.0]), torch.tensor([-10.0, 10.0])
    loss = build_objective("relativistic-pairing").discriminator_loss(real, fake)
    assert loss.item() == pytest.approx(10.0, abs=1e-6)  # mean of 0 and 20
    assert build_objective("relativistic-pairing").discriminator_loss(real, real).item() == pytest.approx(
        0.6931, abs=1e-4
    )


def test_the_generator_is_pulled_hardest_where_it_loses():
    """Non-saturating, unlike the paper's zero-sum form: the slope at a lost pair is -1, at a won pair 0."""
    fake = torch.tensor([-20.0, 20.0], requires_grad=True)
    loss = build_objective("relativistic-pairing").generator_loss(fake, torch.zeros(2))
    assert torch.autograd.grad(loss, fake)[0].tolist() == pytest.approx([-0.5, 0.0], abs=1e-8)
