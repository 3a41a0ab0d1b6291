"""Weight clipping, gradient clipping, historical averaging and instance noise."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from equipoise.penalties import StepContext, build_penalty


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))


def parameters_with_gradient(seed=0):
    random = torch.Generator().manual_seed(seed)
    parameters = [nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,))]
    for parameter in parameters:
        parameter.grad = 10 * torch.randn(parameter.shape, generator=random)
    return parameters


def flat(parameters):
    return torch.cat([parameter.grad.flatten() for parameter in parameters])


def test_weight_clipping_bounds_every_parameter_of_the_discriminator_only():
    critic, generator = network(), network(1)
    before = [parameter.detach().clone() for parameter in generator.parameters()]
    original = [parameter.detach().clone() for parameter in critic.parameters()]
    clipping = build_penalty("weight-clipping", bound=0.05)
    clipping.after_update("discriminator", critic)
    clipping.after_update("generator", generator)
    for parameter, was in zip(critic.parameters(), original):
        assert torch.equal(parameter, was.clamp(-0.05, 0.05))
    assert all(torch.equal(a, b) for a, b in zip(before, generator.parameters()))


@pytest.mark.parametrize("player", ["generator", "discriminator", "both"])
def test_clipping_by_value_cuts_each_number(player):
    clipping = build_penalty("gradient-clipping-by-value", bound=2.0, player=player)
    for acting in ("generator", "discriminator"):
        parameters = parameters_with_gradient()
        before = flat(parameters)
        clipping.before_update(acting, iter(parameters))
        expected = before.clamp(-2, 2) if player in (acting, "both") else before
        assert torch.equal(flat(parameters), expected)


@pytest.mark.parametrize("player", ["generator", "discriminator", "both"])
def test_clipping_by_norm_shortens_the_whole_gradient_and_keeps_its_direction(player):
    clipping = build_penalty("gradient-clipping-by-norm", bound=2.0, player=player)
    for acting in ("generator", "discriminator"):
        parameters = parameters_with_gradient()
        before = flat(parameters)
        clipping.before_update(acting, iter(parameters))
        expected = before * 2 / before.norm() if player in (acting, "both") else before
        assert torch.allclose(flat(parameters), expected, rtol=1e-5)


def test_clipping_by_norm_leaves_a_short_gradient_alone_and_skips_missing_ones():
    parameters = [*parameters_with_gradient(), nn.Parameter(torch.zeros(2))]
    before = flat(parameters[:2])
    build_penalty("gradient-clipping-by-norm", bound=1e6).before_update("generator", parameters)
    assert torch.allclose(flat(parameters[:2]), before)
    assert parameters[2].grad is None


def context(generator, discriminator, step=0, total=100, **others):
    batch = torch.zeros(2, 4)
    return StepContext(step, total, generator, discriminator, batch, batch, **others)


def test_historical_averaging_is_the_squared_distance_from_the_mean_of_the_past():
    generator, discriminator = nn.Linear(1, 1, bias=False).double(), nn.Linear(2, 1).double()
    penalty = build_penalty("historical-averaging", weight=0.5)
    assert penalty.generator_term(context(generator, discriminator)) is None
    past = [1.0, -2.0, 5.0, 0.5]
    for value in past:
        nn.init.constant_(generator.weight, value)
        penalty.after_update("generator", generator)
    nn.init.constant_(generator.weight, 3.0)
    term = penalty.generator_term(context(generator, discriminator))
    mean = sum(past) / len(past)
    assert term.item() == pytest.approx(0.5 * (3.0 - mean) ** 2, rel=1e-12)
    (gradient,) = torch.autograd.grad(term, generator.weight)
    assert gradient.item() == pytest.approx(2 * 0.5 * (3.0 - mean), rel=1e-12)
    assert penalty.discriminator_term(context(generator, discriminator)) is None


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_historical_averaging_of_one_player(player):
    generator, discriminator = network(0), network(1)
    penalty = build_penalty("historical-averaging", player=player)
    penalty.after_update("generator", generator)
    penalty.after_update("discriminator", discriminator)
    step = context(generator, discriminator)
    assert (penalty.generator_term(step) is not None) == (player == "generator")
    assert (penalty.discriminator_term(step) is not None) == (player == "discriminator")


def bilinear_game(penalty, steps=900):
    """The radii of alternating descent on min over x, max over y of x y, from (1, 1)."""
    players = {"generator": nn.Linear(1, 1, bias=False), "discriminator": nn.Linear(1, 1, bias=False)}
    for module in players.values():
        nn.init.constant_(module.double().weight, 1.0)
    x, y = players["generator"].weight, players["discriminator"].weight
    step, radii = context(players["generator"], players["discriminator"]), []
    for _ in range(steps):
        for player, weight, sign in (("discriminator", y, -1), ("generator", x, 1)):
            value = sign * (x * y).sum()
            if penalty is not None:
                term = getattr(penalty, f"{player}_term")(step)
                value = value if term is None else value + term
            (gradient,) = torch.autograd.grad(value, weight)
            with torch.no_grad():
                weight -= 0.1 * gradient
            if penalty is not None:
                penalty.after_update(player, players[player])
        radii.append(math.hypot(x.item(), y.item()))
    return radii


def test_historical_averaging_damps_the_orbit_of_a_bilinear_game():
    plain = bilinear_game(None)
    averaged = bilinear_game(build_penalty("historical-averaging", weight=0.5))
    past = {"x": [], "y": []}
    x = y = 1.0
    for radius in averaged:  # the same game in plain floats, the means taken anew each time
        y += 0.1 * (x - (y - sum(past["y"]) / len(past["y"]) if past["y"] else 0.0))
        past["y"].append(y)
        x -= 0.1 * (y + (x - sum(past["x"]) / len(past["x"]) if past["x"] else 0.0))
        past["x"].append(x)
        assert radius == pytest.approx(math.hypot(x, y), rel=1e-9)
    assert min(plain[-300:]) > 1.0  # it circles for ever
    assert max(averaged[-300:]) < max(averaged[300:600]) < max(averaged[:300])


def test_historical_averaging_ignores_a_parameter_without_a_past():
    module = nn.Linear(2, 2, bias=False)
    penalty = build_penalty("historical-averaging")
    penalty.after_update("discriminator", module)
    module.extra = nn.Parameter(torch.ones(3))
    assert penalty.discriminator_term(context(module, module)).item() == 0.0
    penalty.after_update("discriminator", module)
    assert "mean.discriminator.extra" in penalty.state_dict()


@pytest.mark.parametrize(("step", "sigma"), [(0, 0.4), (25, 0.2), (50, 0.0), (100, 0.0)])
def test_instance_noise_has_the_scheduled_variance_on_real_and_fake_alike(step, sigma):
    penalty = build_penalty("instance-noise", sigma=0.4, fraction=0.5)
    random = torch.Generator().manual_seed(0)
    current = context(nn.Identity(), nn.Identity(), step=step, random=random)
    samples = torch.full((50_000, 2), 3.0)
    noises = [penalty.transform(samples, current) - samples for _ in range(2)]
    for noise in noises:
        assert noise.var().item() == pytest.approx(sigma**2, rel=0.03, abs=1e-12)
        assert noise.mean().item() == pytest.approx(0.0, abs=0.01)
    if sigma == 0:
        assert penalty.transform(samples, current) is samples
    else:
        assert torch.corrcoef(torch.stack([n.flatten() for n in noises]))[0, 1].abs() < 0.02
