"""WGAN-GP, R1, R2 and DRAGAN against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from equipoise.errors import EquipoiseError
from equipoise.penalties import StepContext, build_penalty
from equipoise.penalties.gradients import input_gradient, norms, squared_norms

SLOPES = ["gradient-penalty", "r1", "r2", "dragan"]


class Linear(nn.Module):
    """D(x) = w . x over all axes of a sample, plus a free offset."""

    def __init__(self, weight):
        super().__init__()
        self.weight, self.offset = nn.Parameter(weight), nn.Parameter(torch.tensor(3.0))

    def forward(self, samples):
        return (samples * self.weight).flatten(1).sum(1) + self.offset


class Quadratic(nn.Module):
    """D(x) = a |x|^2 / 2, whose gradient at x is a x."""

    def __init__(self, a):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(float(a), dtype=torch.float64))

    def forward(self, samples):
        return self.a * samples.square().flatten(1).sum(1) / 2


def context_of(discriminator, real, fake, seed=0, **others):
    random = torch.Generator().manual_seed(seed)
    return StepContext(0, 10, nn.Identity(), discriminator, real, fake, random=random, **others)


def batches(*shape, seed=0, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    return (torch.randn(*shape, generator=random, dtype=dtype) for _ in range(2))


@pytest.mark.parametrize("name", ["gradient-penalty", "dragan"])
def test_a_linear_one_lipschitz_critic_pays_nothing_in_a_batch_of_64(name):
    """A norm over the whole batch would give 10 (8 - 1)^2 = 490 here."""
    weight = torch.randn(3, 5, 5, dtype=torch.float64)
    critic = Linear(weight / weight.norm())
    term = build_penalty(name).discriminator_term(context_of(critic, *batches(64, 3, 5, 5)))
    assert term.item() == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize("shape", [(4,), (3, 6), (2, 4, 4)])
@pytest.mark.parametrize("batch", [1, 16])
def test_linear_critic_pays_by_the_norm_of_its_weight_and_nothing_else(shape, batch):
    weight = torch.randn(*shape, dtype=torch.float64)
    norm = weight.norm().item()
    context = context_of(Linear(weight), *batches(batch, *shape))
    expected = {
        "gradient-penalty": 10 * (norm - 1) ** 2,
        "dragan": 10 * (norm - 1) ** 2,
        "r1": 10 / 2 * norm**2,
        "r2": 10 / 2 * norm**2,
    }
    for name in SLOPES:
        assert build_penalty(name).discriminator_term(context).item() == pytest.approx(
            expected[name], rel=1e-12
        )


def test_gradients_with_respect_to_the_weights_are_the_analytic_ones():
    weight = torch.tensor([1.0, -2.0, 2.0], dtype=torch.float64)  # norm 3
    critic = Linear(weight)
    context = context_of(critic, *batches(5, 3))
    unit = weight / 3
    expected = {
        "gradient-penalty": 10 * 2 * (3 - 1) * unit,
        "dragan": 10 * 2 * (3 - 1) * unit,
        "r1": 10 * weight,
        "r2": 10 * weight,
    }
    for name in SLOPES:
        (gradient,) = torch.autograd.grad(build_penalty(name).discriminator_term(context), critic.weight)
        assert torch.allclose(gradient, expected[name], rtol=1e-12)


def test_quadratic_critic_shows_where_each_penalty_looks():
    real, fake = batches(7, 2, 3)
    fake = fake + 4.0
    context = context_of(Quadratic(1.5), real, fake)
    for name, samples in (("r1", real), ("r2", fake)):
        expected = 0.5 * 2.0 * (1.5**2 * samples.square().sum((1, 2))).mean()
        assert build_penalty(name, gamma=2.0).discriminator_term(context).item() == pytest.approx(
            expected.item()
        )
    alpha = torch.rand(7, generator=torch.Generator().manual_seed(0)).double().view(-1, 1, 1)
    between = alpha * real + (1 - alpha) * fake
    expected = 10 * (1.5 * between.square().sum((1, 2)).sqrt() - 1).square().mean()
    context.random.manual_seed(0)
    assert build_penalty("gradient-penalty").discriminator_term(context).item() == pytest.approx(
        expected.item()
    )


def test_dragan_looks_around_the_reals_with_noise_in_units_of_the_data():
    real = 3.0 * torch.randn(100_000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    real[:, 0] = 3.0  # the batch is not centred: only the standard deviation may scale the noise
    seen = []

    class Recorder(Quadratic):
        def forward(self, samples):
            seen.append(samples.detach())
            return super().forward(samples)

    build_penalty("dragan", perturbation=0.5).discriminator_term(context_of(Recorder(1.0), real, real))
    noise = seen[0] - real
    assert noise.mean().item() == pytest.approx(0.0, abs=0.02)
    assert noise.std().item() == pytest.approx(0.5 * real.std().item(), rel=0.01)


def test_one_sided_penalty_is_free_below_the_target_and_equal_above():
    for norm, free in ((0.5, True), (3.0, False)):
        weight = torch.tensor([norm, 0.0], dtype=torch.float64)
        context = context_of(Linear(weight), *batches(4, 2))
        one = build_penalty("gradient-penalty", sided="one").discriminator_term(context).item()
        two = build_penalty("gradient-penalty").discriminator_term(context).item()
        assert one == (0.0 if free else pytest.approx(two))
        assert two == pytest.approx(10 * (norm - 1) ** 2)


def test_interpolates_have_one_uniform_alpha_a_sample():
    real, fake = torch.ones(20_000, 2, 2), torch.zeros(20_000, 2, 2)
    penalty = build_penalty("gradient-penalty")
    samples, _ = penalty.interpolate(context_of(nn.Identity(), real, fake))
    alpha = samples[:, 0, 0]
    assert (samples == alpha.view(-1, 1, 1)).all()
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    # Kolmogorov-Smirnov distance to U(0, 1); 1.63 / sqrt(n) is the 1 % point.
    empirical = torch.arange(1, len(alpha) + 1) / len(alpha)
    assert (alpha.sort().values - empirical).abs().max() < 1.63 / math.sqrt(len(alpha)) + 1 / len(alpha)


def test_interpolates_take_the_label_of_the_nearer_end():
    real, fake = torch.ones(50, 1), torch.zeros(50, 1)
    context = context_of(
        nn.Identity(), real, fake, labels=torch.full((50,), 7), fake_labels=torch.full((50,), 2)
    )
    samples, labels = build_penalty("gradient-penalty").interpolate(context)
    assert torch.equal(labels == 7, samples[:, 0] >= 0.5)
    assert set(labels.tolist()) == {2, 7}


@pytest.mark.parametrize("name", SLOPES)
def test_a_flat_critic_gives_no_nan(name):
    critic = Linear(torch.zeros(3, dtype=torch.float64))
    term = build_penalty(name).discriminator_term(context_of(critic, *batches(4, 3)))
    (gradient,) = torch.autograd.grad(term, critic.weight)
    assert torch.isfinite(term)
    assert torch.equal(gradient, torch.zeros(3, dtype=torch.float64))


def test_norms_keep_the_gradient_of_the_other_samples_when_one_is_zero():
    gradient = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    lengths = norms(gradient)
    assert lengths.tolist() == [0.0, 5.0]
    (slope,) = torch.autograd.grad(lengths.sum(), gradient)
    assert slope.tolist() == [[0.0, 0.0], [pytest.approx(0.6), pytest.approx(0.8)]]


@pytest.mark.parametrize("name", SLOPES)
def test_a_pack_is_one_sample(name):
    """Two samples judged together by w . (x1, x2): the norm is that of both gradients joined."""

    class Packed(Linear):
        pack = 2

        def forward(self, samples):
            return super().forward(samples.reshape(len(samples) // 2, -1))

    weight = torch.tensor([1.0, 2.0, 2.0, 4.0], dtype=torch.float64)  # norm 5
    context = context_of(Packed(weight), *batches(6, 2))
    expected = 10 / 2 * 25 if name in ("r1", "r2") else 10 * (5 - 1) ** 2
    assert build_penalty(name).discriminator_term(context).item() == pytest.approx(expected)
    with pytest.raises(EquipoiseError, match="pack"):
        build_penalty(name).discriminator_term(context_of(Packed(weight), *batches(5, 2)))


def test_a_pack_is_interpolated_along_one_line():
    class Packed(Linear):
        pack = 3

    real, fake = torch.ones(12, 2), torch.zeros(12, 2)
    samples, _ = build_penalty("gradient-penalty").interpolate(context_of(nn.Identity(), real, fake), pack=3)
    packs = samples.view(4, 6)
    assert (packs == packs[:, :1]).all()
    assert len(packs[:, 0].unique()) == 4


def test_batches_of_different_size_are_refused_by_the_interpolation_only():
    real, fake = torch.randn(4, 3), torch.randn(6, 3)
    context = context_of(Linear(torch.ones(3)), real, fake)
    with pytest.raises(EquipoiseError, match="equal batch sizes"):
        build_penalty("gradient-penalty").discriminator_term(context)
    assert torch.isfinite(build_penalty("r1").discriminator_term(context))


def test_penalties_teach_the_discriminator_and_never_the_generator():
    generator = nn.Linear(2, 3)
    fake = generator(torch.randn(4, 2))
    context = context_of(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)), torch.randn(4, 3), fake)
    for name in SLOPES:
        build_penalty(name).discriminator_term(context).backward()
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_a_half_precision_discriminator_is_measured_in_float32():
    critic = Linear(torch.full((4096,), 0.01)).bfloat16()
    gradient = input_gradient(critic, torch.randn(3, 4096))
    assert gradient.dtype == torch.float32
    assert squared_norms(gradient)[0].item() == pytest.approx(4096 * critic.weight[0].item() ** 2, rel=1e-5)


def test_the_penalty_works_inside_no_grad_and_leaves_no_gradient_behind():
    critic = Linear(torch.ones(3))
    with torch.no_grad():
        term = build_penalty("r1").discriminator_term(
            context_of(critic, torch.randn(2, 3), torch.randn(2, 3))
        )
    assert term.item() == pytest.approx(15.0)
    assert critic.weight.grad is None


@pytest.mark.parametrize("name", ["r1", "r2"])
@pytest.mark.parametrize(
    ("schedule", "middle"),
    [("exponential", math.sqrt(2 * 0.2)), ("cosine", 1.1), ("linear", 1.1)],
)
def test_gamma_follows_its_schedule(name, schedule, middle):
    penalty = build_penalty(name, gamma=2.0, final_gamma=0.2, schedule=schedule, schedule_fraction=0.5)
    assert [penalty.gamma_at(p) for p in (0, 0.25, 0.5, 1)] == pytest.approx([2.0, middle, 0.2, 0.2])
    # The term follows: 25 of 100 steps are the middle of the first half.
    critic = Linear(torch.ones(1, dtype=torch.float64))
    real, fake = batches(2, 1)
    context = StepContext(25, 100, nn.Identity(), critic, real, fake)
    assert penalty.discriminator_term(context).item() == pytest.approx(middle / 2)
    values = [penalty.gamma_at(p / 20) for p in range(21)]
    assert values == sorted(values, reverse=True)


def test_an_exponential_schedule_cannot_end_at_zero():
    with pytest.raises(EquipoiseError, match=r"final_gamma.*exponential"):
        build_penalty("r1", final_gamma=0.0, schedule="exponential")
