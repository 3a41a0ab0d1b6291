"""Truths that hold for every registered penalty; a new one is tested as soon as it is registered."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from equipoise.errors import EquipoiseError
from equipoise.penalties import PENALTIES, StepContext, build_penalty
from equipoise.validation import constraints_of

NAMES = PENALTIES.names()
BATCH, CLASSES = 8, 3


class Discriminator(nn.Module):
    """A small conditional network that insists on its labels, and on being called like the contract says."""

    def __init__(self, conditional: bool) -> None:
        super().__init__()
        self.conditional = conditional
        self.convolution = nn.Conv2d(3, 4, 3, padding=1)
        self.linear = nn.Linear(4 * 64, 1)
        self.embedding = nn.Embedding(CLASSES, 4 * 64)

    def features(self, samples, labels=None):
        assert (labels is not None) == self.conditional, "labels must be passed in every pass, and only then"
        return torch.tanh(self.convolution(samples)).flatten(1)

    def forward(self, samples, labels=None):
        features = self.features(samples, labels)
        logits = self.linear(features)[:, 0]
        return logits if labels is None else logits + (features * self.embedding(labels)).sum(1)


def make_context(conditional: bool = False, step: int = 10, seed: int = 0) -> StepContext:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = nn.Linear(5, 3 * 64)
        discriminator = Discriminator(conditional)
        latent = torch.randn(BATCH, 5)
        made = torch.tanh(generator(latent)).view(BATCH, 3, 8, 8)
        return StepContext(
            step=step,
            total_steps=100,
            generator=generator,
            discriminator=discriminator,
            real=torch.rand(BATCH, 3, 8, 8) * 2 - 1,
            fake=made,
            labels=torch.randint(CLASSES, (BATCH,)) if conditional else None,
            fake_labels=torch.randint(CLASSES, (BATCH,)) if conditional else None,
            latent=latent,
            generated=made,
            random=torch.Generator().manual_seed(seed),
        )


def terms(penalty, context) -> dict[str, torch.Tensor]:
    found = {
        "discriminator": penalty.discriminator_term(context),
        "generator": penalty.generator_term(context),
    }
    return {player: term for player, term in found.items() if term is not None}


def players(context) -> dict[str, nn.Module]:
    return {"generator": context.generator, "discriminator": context.discriminator}


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_terms_are_finite_scalars_that_teach_their_own_player(name, conditional):
    context = make_context(conditional)
    penalty = build_penalty(name)
    penalty.prepare(context.generator, context.discriminator)
    for player, network in players(context).items():
        penalty.after_update(player, network)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.01)
    for player, term in terms(penalty, context).items():
        assert term.shape == ()
        assert torch.isfinite(term)
        parameters = list(players(context)[player].parameters())
        gradients = torch.autograd.grad(term, parameters, allow_unused=True, retain_graph=True)
        moved = [gradient for gradient in gradients if gradient is not None]
        assert moved
        assert all(torch.isfinite(gradient).all() for gradient in moved)
        assert sum(gradient.abs().sum() for gradient in moved) > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_penalty_does_something(name):
    """No moment left at its default would be a stub."""
    entry, base = PENALTIES.get(name), PENALTIES.get(name).__mro__[-2]
    moments = (
        "prepare",
        "transform",
        "discriminator_term",
        "generator_term",
        "before_update",
        "after_update",
    )
    assert any(getattr(entry, moment) is not getattr(base, moment) for moment in moments)


@pytest.mark.parametrize("name", NAMES)
def test_the_callers_random_numbers_modes_and_samples_are_left_alone(name):
    context = make_context()
    context.discriminator.eval()
    real, latent = context.real.clone(), context.latent.clone()
    before = torch.get_rng_state()
    penalty = build_penalty(name)
    penalty.prepare(context.generator, context.discriminator)
    penalty.transform(context.real, context)
    terms(penalty, context)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(module.training for module in context.discriminator.modules())
    assert context.generator.training
    assert torch.equal(context.real, real)
    assert torch.equal(context.latent, latent)
    assert not context.real.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_chance_comes_from_the_contexts_generator_only(name):
    results = []
    for _ in range(2):
        context = make_context(seed=3)
        torch.rand(7)  # the global generator is elsewhere each time
        penalty = build_penalty(name)
        values = [penalty.transform(context.real, context), *terms(penalty, context).values()]
        results.append([value.detach() for value in values])
    for first, second in zip(*results):
        assert torch.equal(first, second)
    without = make_context()
    without.random = None
    used = make_context()
    state = used.random.get_state()
    penalty = build_penalty(name)
    penalty.transform(used.real, used)
    terms(penalty, used)
    if not torch.equal(used.random.get_state(), state):
        with pytest.raises(EquipoiseError, match=r"context\.random"):
            [penalty.transform(without.real, without), terms(penalty, without)]


@pytest.mark.parametrize("name", NAMES)
def test_transform_keeps_shape_and_type_and_lets_the_gradient_through(name):
    context = make_context()
    samples = context.real.clone().requires_grad_(True)
    changed = build_penalty(name).transform(samples, context)
    assert changed.shape == samples.shape
    assert changed.dtype == samples.dtype
    (gradient,) = torch.autograd.grad(changed.square().sum(), samples)
    assert torch.isfinite(gradient).all()
    assert (gradient.flatten(1).norm(dim=1) > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_terms_under_autocast_are_float32_and_close_to_full_precision(name):
    values = []
    for enabled in (False, True):
        context = make_context()
        penalty = build_penalty(name)
        for player, network in players(context).items():
            penalty.after_update(player, network)
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(0.01)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            values.append(terms(penalty, context))
    for player, full in values[0].items():
        mixed = values[1][player]
        assert mixed.dtype == torch.float32
        # Feature matching sees features in bfloat16, whose resolution is 0.4 %.
        assert mixed.item() == pytest.approx(full.item(), rel=2e-2)


@pytest.mark.parametrize("name", [n for n in NAMES if "every" in constraints_of(PENALTIES.get(n))])
def test_lazy_application_keeps_the_expected_gradient(name):
    """Over k steps with the parameters held still, k times the one due term is the sum of k plain terms."""
    sums = []
    options = {"replaces_adversarial": False} if name == "feature-matching" else {}
    for every in (1, 4):
        context = make_context()
        penalty = build_penalty(name, every=every, **options)
        for player, network in players(context).items():
            penalty.after_update(player, network)
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(0.01)
        total = {}
        for step in range(8):
            if not penalty.active(step):
                continue
            context.random.manual_seed(0)  # the same interpolates: the expectation is exact
            for player, term in terms(penalty, context).items():
                gradient = torch.autograd.grad(
                    term * penalty.every,
                    list(players(context)[player].parameters()),
                    retain_graph=True,
                    allow_unused=True,
                    materialize_grads=True,
                )
                vector = torch.cat([g.flatten() for g in gradient])
                total[player] = total.get(player, 0) + vector
        sums.append(total)
    assert sums[0].keys() == sums[1].keys()
    assert sums[0]
    for player in sums[0]:
        assert torch.allclose(sums[0][player], sums[1][player], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_state_survives_a_restart(name):
    def trained():
        context = make_context()
        penalty = build_penalty(name)
        for shift in (0.0, 0.1, 0.3):
            for player, network in players(context).items():
                with torch.no_grad():
                    for parameter in network.parameters():
                        parameter.add_(shift)
                penalty.after_update(player, network)
        return penalty, context

    penalty, context = trained()
    state = penalty.state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    restored = build_penalty(name)
    restored.load_state_dict({key: value.clone() for key, value in state.items()})
    assert restored.state_dict().keys() == state.keys()
    _, other = trained()
    for player, term in terms(penalty, context).items():
        assert terms(restored, other)[player].item() == term.item()


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_checked_and_unknown_ones_are_refused(name):
    constraints = constraints_of(PENALTIES.get(name))
    assert constraints
    for parameter, constraint in constraints.items():
        with pytest.raises(EquipoiseError, match=f"`{parameter}` must be"):
            build_penalty(name, **{parameter: constraint.invalid_example()})
    with pytest.raises(EquipoiseError, match="nonsense"):
        build_penalty(name, nonsense=1)


@pytest.mark.parametrize("name", NAMES)
def test_documentation_is_complete(name):
    entry = PENALTIES.get(name)
    assert entry.name == name
    assert "Source:" in entry.__doc__


@pytest.mark.parametrize("name", [n for n in NAMES if PENALTIES.get(n).differentiates_twice])
def test_twice_differentiable_terms_match_finite_differences(name):
    context = make_context()
    context.discriminator.double()
    context.real, context.fake = context.real.double(), context.fake.detach().double()
    penalty = build_penalty(name)
    weight = context.discriminator.convolution.weight

    def value():
        context.random.manual_seed(0)
        return penalty.discriminator_term(context)

    (gradient,) = torch.autograd.grad(value(), weight)
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values = []
    for step in (1e-5, -2e-5):
        with torch.no_grad():
            weight.add_(step * direction)
        values.append(value().item())
    assert (gradient * direction).sum().item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5)


@pytest.mark.parametrize("name", [n for n in NAMES if PENALTIES.get(n).differentiates_twice])
def test_a_discriminator_that_ignores_or_cuts_off_its_input(name):
    class Constant(nn.Module):
        def __init__(self, detach):
            super().__init__()
            self.weight, self.detach = nn.Parameter(torch.ones(3)), detach

        def forward(self, samples):
            logits = self.weight.sum() * torch.ones(len(samples)) + 0 * samples.flatten(1).sum(1).detach()
            return logits.detach() if self.detach else logits

    context = make_context()
    context.discriminator = Constant(detach=False)
    assert torch.isfinite(build_penalty(name).discriminator_term(context))
    context.discriminator = Constant(detach=True)
    with pytest.raises(EquipoiseError, match="graph"):
        build_penalty(name).discriminator_term(context)
