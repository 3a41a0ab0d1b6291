"""Truths that hold for every registered objective; a new one is tested as soon as it is registered.

The references are written here in float64 numpy from the papers' formulas, with plain logarithms.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.objectives import OBJECTIVES, build_objective
from equipoise.validation import constraints_of

NAMES = OBJECTIVES.names()
REAL = np.array([0.3, -1.2, 2.5, 0.9, -0.4])
FAKE = np.array([-0.7, 1.4, -2.2, 0.1, 0.6])


def log_sigmoid(x):
    return np.log(1 / (1 + np.exp(-x)))


REFERENCES = {
    "minimax": (
        lambda r, f: -log_sigmoid(r).mean() - np.log(1 - 1 / (1 + np.exp(-f))).mean(),
        lambda r, f: np.log(1 - 1 / (1 + np.exp(-f))).mean(),
    ),
    "non-saturating": (
        lambda r, f: -log_sigmoid(r).mean() - log_sigmoid(-f).mean(),
        lambda r, f: -log_sigmoid(f).mean(),
    ),
    "least-squares": (
        lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
        lambda r, f: ((f - 1) ** 2).mean() / 2,
    ),
    "hinge": (
        lambda r, f: -np.minimum(0, r - 1).mean() - np.minimum(0, -f - 1).mean(),
        lambda r, f: -f.mean(),
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "relativistic-average-hinge": (
        lambda r, f: np.maximum(0, 1 - (r - f.mean())).mean() + np.maximum(0, 1 + f - r.mean()).mean(),
        lambda r, f: np.maximum(0, 1 + r - f.mean()).mean() + np.maximum(0, 1 - (f - r.mean())).mean(),
    ),
    "relativistic-pairing": (
        lambda r, f: -log_sigmoid(r - f).mean(),
        lambda r, f: -log_sigmoid(f - r).mean(),
    ),
}


def losses(name, real, fake):
    objective = build_objective(name)
    return objective.discriminator_loss(real, fake), objective.generator_loss(fake, real)


def constant(value, count=6, dtype=torch.float64):
    return torch.full((count,), float(value), dtype=dtype, requires_grad=True)


def test_every_objective_has_an_independent_reference():
    assert set(REFERENCES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_values_match_the_formulas_in_float64(name):
    computed = losses(name, torch.tensor(REAL), torch.tensor(FAKE))
    for value, reference in zip(computed, REFERENCES[name]):
        assert value.item() == pytest.approx(reference(REAL, FAKE), rel=1e-12)
        assert value.shape == ()


@pytest.mark.parametrize("name", NAMES)
def test_slopes_match_central_differences_of_the_formulas(name):
    for player in (0, 1):
        real, fake = (torch.tensor(v, requires_grad=True) for v in (REAL, FAKE))
        gradients = torch.autograd.grad(
            losses(name, real, fake)[player], (real, fake), allow_unused=True, materialize_grads=True
        )
        reference = REFERENCES[name][player]
        for side in (0, 1):
            for i in range(len(REAL)):
                values = []
                for step in (1e-6, -1e-6):
                    moved = [REAL.copy(), FAKE.copy()]
                    moved[side][i] += step
                    values.append(reference(*moved))
                slope = (values[0] - values[1]) / 2e-6
                assert gradients[side][i].item() == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_equilibrium_losses_are_as_the_facts_say(name):
    facts = OBJECTIVES.get(name).facts
    undecided = constant(0.0 if facts.decision_boundary is None else facts.decision_boundary)
    discriminator, generator = losses(name, undecided, undecided)
    assert discriminator.item() == pytest.approx(facts.equilibrium_discriminator_loss, abs=1e-12)
    if facts.equilibrium_generator_loss is not None:
        assert generator.item() == pytest.approx(facts.equilibrium_generator_loss, abs=1e-12)
    else:
        shifted = losses(name, undecided + 3, undecided + 3)[1]
        assert shifted.item() != pytest.approx(generator.item()), "a fixed value should be in the facts"


@pytest.mark.parametrize("name", NAMES)
def test_saturation_is_as_the_facts_say(name):
    slopes = []
    for logit in (-10.0, 0.0):
        fake = constant(logit)
        loss = losses(name, constant(0.0), fake)[1]
        slopes.append(torch.autograd.grad(loss, fake)[0].norm().item())
    lost, undecided = slopes
    assert undecided > 0
    if OBJECTIVES.get(name).facts.saturating:
        assert lost < 1e-3 * undecided
    else:
        assert lost >= undecided


@pytest.mark.parametrize("name", NAMES)
def test_boundedness_is_as_the_facts_say(name):
    values = [losses(name, constant(s), constant(-s))[0].item() for s in (-1e6, -1, 0, 1, 10, 1e6)]
    if OBJECTIVES.get(name).facts.bounded_below:
        assert min(values) >= 0
    else:
        assert min(values) < -1e6


@pytest.mark.parametrize("name", NAMES)
def test_decision_boundary_is_where_one_score_for_all_costs_least(name):
    boundary = OBJECTIVES.get(name).facts.decision_boundary
    costs = {s: losses(name, constant(s), constant(s))[0].item() for s in np.linspace(-4, 4, 33)}
    if boundary is None:
        assert max(costs.values()) == pytest.approx(min(costs.values()), abs=1e-12)
    else:
        assert costs[boundary] == pytest.approx(min(costs.values()), abs=1e-12)
        for distance in (0.25, 1.5, 2.0):  # real and fake are treated alike around it
            assert losses(name, constant(boundary + distance), constant(boundary + distance))[
                0
            ].item() == pytest.approx(
                losses(name, constant(boundary - distance), constant(boundary - distance))[0].item()
            )


@pytest.mark.parametrize("name", NAMES)
def test_relative_objectives_alone_ignore_a_common_offset(name):
    facts = OBJECTIVES.get(name).facts
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    before, after = losses(name, real, fake), losses(name, real + 5.0, fake + 5.0)
    unchanged = [torch.allclose(a, b, rtol=1e-12, atol=1e-12) for a, b in zip(before, after)]
    if facts.relative:
        assert all(unchanged)
        with pytest.raises(EquipoiseError, match="real_logits"):
            build_objective(name).generator_loss(fake)
    else:
        assert not all(unchanged)
        alone = build_objective(name).generator_loss(fake)
        assert alone.item() == before[1].item(), "real logits must not change a loss that is not relative"


@pytest.mark.parametrize("name", NAMES)
def test_each_player_pulls_in_its_own_direction(name):
    real, fake = constant(0.2), constant(0.1)
    discriminator, generator = losses(name, real, fake)
    to_real, to_fake = torch.autograd.grad(discriminator, (real, fake))
    assert (to_real < 0).all()  # descending raises real scores
    assert (to_fake > 0).all()
    assert (torch.autograd.grad(generator, fake)[0] < 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1e4, -1e4, 1e15, -1e15])
def test_huge_logits_stay_finite_in_float32(name, size):
    real, fake = constant(size, dtype=torch.float32), constant(-size, dtype=torch.float32)
    for loss in losses(name, real, fake):
        assert torch.isfinite(loss)
        gradients = torch.autograd.grad(
            loss, (real, fake), retain_graph=True, allow_unused=True, materialize_grads=True
        )
        assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_judged_in_float32(name, dtype):
    real, fake = constant(300.0, dtype=dtype), constant(-300.0, dtype=dtype)
    for half, full in zip(losses(name, real, fake), losses(name, real.float(), fake.float())):
        assert half.dtype == torch.float32
        assert half.item() == full.item()


@pytest.mark.parametrize("name", NAMES)
def test_losses_do_not_depend_on_the_order_or_the_shape_of_the_batch(name):
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    order = torch.tensor([3, 0, 4, 1, 2])
    for before, after in zip(losses(name, real, fake), losses(name, real[order], fake[order])):
        assert after.item() == pytest.approx(before.item(), rel=1e-12)
    column = losses(name, real.view(5, 1, 1), fake.view(5, 1, 1))
    for before, after in zip(losses(name, real, fake), column):
        assert after.item() == pytest.approx(before.item(), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_is_refused(name):
    empty = torch.zeros(0)
    with pytest.raises(EquipoiseError, match="at least one logit"):
        build_objective(name).discriminator_loss(empty, empty)


@pytest.mark.parametrize("name", NAMES)
def test_documentation_and_facts_are_complete(name):
    entry = OBJECTIVES.get(name)
    assert entry.name == name
    assert entry.__doc__
    assert "Source" in entry.__doc__
    assert entry.facts.source
    assert entry.facts.has_labels == bool(constraints_of(entry))


@pytest.mark.parametrize("name", NAMES)
def test_unknown_and_invalid_options_are_refused(name):
    with pytest.raises(EquipoiseError, match="nonsense"):
        build_objective(name, nonsense=1)
    for parameter, constraint in constraints_of(OBJECTIVES.get(name)).items():
        with pytest.raises(EquipoiseError, match=f"`{parameter}` must be"):
            build_objective(name, **{parameter: constraint.invalid_example()})


def test_unknown_names_get_the_nearest_known_one():
    with pytest.raises(EquipoiseError, match="did you mean `hinge`"):
        build_objective("hings")


def test_optimal_discriminator_of_two_gaussians_gives_the_jensen_shannon_divergence():
    """At D* = p / (p + q) the cross-entropy is 2 ln 2 - 2 JSD (Goodfellow et al. 2014, theorem 1)."""
    torch.manual_seed(0)
    count = 400_000
    real, fake = torch.randn(count, dtype=torch.float64), torch.randn(count, dtype=torch.float64) + 1.0

    def log_ratio(x):  # log p(x) - log q(x) for means 0 and 1
        return 0.5 - x

    loss = build_objective("non-saturating").discriminator_loss(log_ratio(real), log_ratio(fake)).item()
    grid = np.linspace(-12, 13, 200_001)
    p = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    q = np.exp(-((grid - 1) ** 2) / 2) / math.sqrt(2 * math.pi)
    middle = (p + q) / 2
    divergence = (p * np.log(p / middle) + q * np.log(q / middle)).sum() * (grid[1] - grid[0]) / 2
    assert loss == pytest.approx(2 * math.log(2) - 2 * divergence, abs=3e-3)
