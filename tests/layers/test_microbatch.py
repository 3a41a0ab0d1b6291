"""Microbatch discrimination against the recalled formula, written out with probabilities."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from equipoise.errors import EquipoiseError
from equipoise.layers.microbatch import MicrobatchDiscriminator


def _network(count: int = 3) -> MicrobatchDiscriminator:
    torch.manual_seed(0)
    return MicrobatchDiscriminator(lambda: nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)), count).double()


def _samples() -> tuple[Tensor, Tensor]:
    return torch.randn(6, 2, dtype=torch.float64), torch.randn(6, 2, dtype=torch.float64)


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_losses_are_the_values_of_the_formula(alpha: float) -> None:
    network = _network()
    real, fake = _samples()
    values, fake_parts = [], []
    for k, discriminator in enumerate(network.discriminators):
        own = [i for i in range(6) if i % 3 == k]
        others = [i for i in range(6) if i % 3 != k]
        of_real = torch.sigmoid(discriminator(real)).tolist()
        of_fake = torch.sigmoid(discriminator(fake)).tolist()
        first = sum(math.log(of_real[i]) for i in own) / len(own)
        inside = sum(math.log(1 - of_fake[i]) for i in own) / len(own)
        outside = sum(math.log(of_fake[i]) for i in others) / len(others)
        values.append(first + inside + alpha * outside)
        fake_parts.append(inside + alpha * outside)
    loss = network.discriminator_loss(real, fake, alpha=alpha)
    assert loss.item() == pytest.approx(-sum(values) / 3)
    saturating = network.generator_loss(fake, alpha=alpha, saturating=True)
    assert saturating.item() == pytest.approx(sum(fake_parts) / 3)


def test_the_non_saturating_loss_has_the_same_goal_and_keeps_its_gradient() -> None:
    network = _network(2)
    fake = _samples()[1].requires_grad_(True)

    def gradient(saturating: bool) -> Tensor:
        loss = network.generator_loss(fake, alpha=0.0, saturating=saturating)
        return torch.autograd.grad(loss, fake)[0]

    assert torch.cosine_similarity(gradient(False), gradient(True), dim=1).min() > 0.999
    for discriminator in network.discriminators:
        discriminator[0].bias.data.fill_(-30.0)  # every fake is seen through
    assert gradient(True).norm() < 1e-8
    assert gradient(False).norm() > 1e-2


def test_clones_gain_nothing_when_inside_and_outside_weigh_the_same() -> None:
    """With alpha 1 a discriminator that gives all fakes the logit t adds log s(-t) + log s(t), best at 0."""
    network = _network(2)
    clones = torch.ones(6, 2, dtype=torch.float64)
    for discriminator in network.discriminators:
        discriminator[0].weight.data.zero_()
        discriminator[0].bias.data.zero_()
    biases = [discriminator[0].bias for discriminator in network.discriminators]
    for saturating in (False, True):
        loss = network.generator_loss(clones, alpha=1.0, saturating=saturating)
        assert loss.item() == pytest.approx((-2 if saturating else 2) * math.log(2))
        for gradient in torch.autograd.grad(loss, biases):
            assert gradient.abs().max() < 1e-12


def test_extreme_logits_stay_finite() -> None:
    network = _network(2)
    for discriminator in network.discriminators:
        discriminator[0].bias.data.fill_(-1e4)
    real, fake = _samples()
    assert network.discriminator_loss(real, fake, alpha=0.5).isfinite()
    assert network.generator_loss(fake, alpha=0.5).isfinite()


def test_forward_is_the_mean_logit_and_alpha_grows_from_zero() -> None:
    network = _network(3)
    real, _ = _samples()
    logits = torch.stack([discriminator(real) for discriminator in network.discriminators])
    torch.testing.assert_close(network(real), logits.mean(0))
    expected = [part * network.final_alpha for part in (0.0, 0.5, 1.0, 1.0)]
    assert [network.alpha_at(step, 100) for step in (0, 25, 50, 100)] == pytest.approx(expected)
    assert MicrobatchDiscriminator.owns_losses


def test_a_batch_that_cannot_be_cut_is_refused_with_both_numbers() -> None:
    with pytest.raises(EquipoiseError, match=r"7 samples.*3 equal microbatches"):
        _network(3).discriminator_loss(*torch.zeros(2, 7, 2, dtype=torch.float64), alpha=0.0)


@pytest.mark.parametrize(("alpha", "towards_data"), [(0.3, True), (0.61, True), (0.63, False), (1.0, False)])
def test_beyond_a_limit_of_alpha_the_generator_is_driven_from_the_data(
    alpha: float, towards_data: bool
) -> None:
    # Where reals and fakes are equally frequent, the logit that the discriminators' own loss is smallest at.
    logit = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    network = MicrobatchDiscriminator(lambda: _Constant(logit), 2)
    batch = torch.zeros(4, 1, dtype=torch.float64)
    for _ in range(100):
        (gradient,) = torch.autograd.grad(network.discriminator_loss(batch, batch, alpha=alpha), logit)
        logit.data -= gradient
    assert logit.sigmoid().item() == pytest.approx((1 + alpha) / (2 + alpha))
    (gradient,) = torch.autograd.grad(network.generator_loss(batch, alpha=alpha), logit)
    assert (gradient.item() < 0) == towards_data
    assert network.final_alpha < 0.61


class _Constant(nn.Module):
    def __init__(self, logit: Tensor) -> None:
        super().__init__()
        self.logit = [logit]

    def forward(self, samples: Tensor) -> Tensor:
        return self.logit[0].expand(len(samples))
