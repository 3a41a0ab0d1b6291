"""Feature matching and mode seeking against closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from equipoise.errors import EquipoiseError
from equipoise.penalties import StepContext, build_penalty
from equipoise.penalties.feature_matching import feature_distance
from equipoise.penalties.mode_seeking import mode_seeking_penalty


class Features(nn.Module):
    """f(x) = W x; labels are counted."""

    def __init__(self, conditional=False):
        super().__init__()
        self.linear = nn.Linear(3, 4, bias=False)
        self.seen = []
        self.conditional = conditional

    def features(self, samples, labels=None):
        self.seen.append(labels)
        assert (labels is not None) == self.conditional
        return self.linear(samples)


def context(discriminator, real, fake, **others):
    return StepContext(0, 1, nn.Identity(), discriminator, real, fake, **others)


def test_feature_matching_of_a_linear_feature_is_the_squared_distance_of_the_means():
    torch.manual_seed(0)
    discriminator = Features().double()
    real = torch.randn(7, 3, dtype=torch.float64)
    fake = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    term = build_penalty("feature-matching", weight=2.0).generator_term(context(discriminator, real, fake))
    weight = discriminator.linear.weight
    difference = weight @ (fake.mean(0) - real.mean(0))
    assert term.item() == pytest.approx(2 * difference.square().sum().item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(term, fake)
    expected = (2 * 2 / 7 * weight.T @ difference).expand(7, 3)
    assert torch.allclose(gradient, expected, rtol=1e-4)


def test_feature_matching_ignores_order_and_vanishes_at_equal_means():
    real = torch.randn(6, 2, 3)
    assert feature_distance(real, real.flip(0)).item() == pytest.approx(0.0, abs=1e-10)
    assert feature_distance(real, real + 1).item() == pytest.approx(6.0, rel=1e-5)  # summed, not averaged


def test_feature_matching_sends_no_gradient_to_the_real_side():
    real, fake = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    term = build_penalty("feature-matching").generator_term(context(Features(), real, fake))
    term.backward()
    assert real.grad is None
    assert fake.grad.abs().sum() > 0


def test_feature_matching_judges_reals_and_fakes_with_their_own_labels():
    discriminator = Features(conditional=True)
    labels, fake_labels = torch.tensor([0, 1]), torch.tensor([2, 2])
    step = context(
        discriminator, torch.randn(2, 3), torch.randn(2, 3), labels=labels, fake_labels=fake_labels
    )
    build_penalty("feature-matching").generator_term(step)
    assert discriminator.seen[0] is labels
    assert discriminator.seen[1] is fake_labels


def test_feature_matching_needs_features_and_cannot_replace_the_loss_lazily():
    with pytest.raises(EquipoiseError, match="features"):
        build_penalty("feature-matching").generator_term(
            context(nn.Linear(3, 1), torch.randn(2, 3), torch.randn(2, 3))
        )
    with pytest.raises(EquipoiseError, match="`every` must be 1"):
        build_penalty("feature-matching", every=4)
    assert not build_penalty("feature-matching", every=4, replaces_adversarial=False).replaces_adversarial


def test_mode_seeking_is_the_inverse_ratio_of_mean_distances():
    generator = torch.Generator().manual_seed(0)
    samples, latent = torch.randn(6, 2, 4, generator=generator), torch.randn(6, 3, generator=generator)
    distance = {
        name: sum((t[2 * i] - t[2 * i + 1]).abs().mean().item() for i in range(3)) / 3
        for name, t in (("samples", samples), ("latent", latent))
    }
    expected = 1 / (distance["samples"] / distance["latent"] + 1e-5)
    assert mode_seeking_penalty(samples, latent).item() == pytest.approx(expected, rel=1e-5)


def test_mode_seeking_is_invariant_to_a_common_scale_and_falls_with_diversity():
    samples, latent = torch.randn(8, 5), torch.randn(8, 3)
    base = mode_seeking_penalty(samples, latent, epsilon=1e-12).item()
    assert mode_seeking_penalty(3 * samples, 3 * latent, epsilon=1e-12).item() == pytest.approx(
        base, rel=1e-5
    )
    assert mode_seeking_penalty(2 * samples, latent, epsilon=1e-12).item() == pytest.approx(
        base / 2, rel=1e-5
    )
    collapsed = torch.zeros(8, 5, requires_grad=True)
    term = mode_seeking_penalty(collapsed, latent)
    assert term.item() == pytest.approx(1e5)
    assert torch.isfinite(torch.autograd.grad(term, collapsed)[0]).all()


def test_mode_seeking_pairs_only_samples_of_one_class():
    labels = torch.tensor([1, 0, 1, 0, 2])
    samples = torch.tensor([[10.0], [0.0], [13.0], [1.0], [99.0]])
    latent = torch.tensor([[0.0], [0.0], [2.0], [2.0], [50.0]])
    # pairs: samples 1 and 3 (distance 1, latent 2), samples 0 and 2 (distance 3, latent 2)
    assert mode_seeking_penalty(samples, latent, labels).item() == pytest.approx(1 / (4 / 4 + 1e-5))
    alone = mode_seeking_penalty(samples, latent, torch.arange(5))
    assert alone.item() == 0.0


def test_mode_seeking_measures_the_generator_and_not_the_augmentation():
    generated, noisy = torch.randn(4, 2), torch.randn(4, 2)
    latent = torch.randn(4, 3)
    step = context(nn.Identity(), noisy, noisy, latent=latent, generated=generated)
    term = build_penalty("mode-seeking", weight=3.0).generator_term(step)
    assert term.item() == pytest.approx(3 * mode_seeking_penalty(generated, latent).item())
    step.generated = None
    assert build_penalty("mode-seeking").generator_term(step).item() == pytest.approx(
        mode_seeking_penalty(noisy, latent).item()
    )


def test_mode_seeking_refuses_what_it_cannot_pair():
    with pytest.raises(EquipoiseError, match="at least 2"):
        mode_seeking_penalty(torch.zeros(1, 2), torch.zeros(1, 2))
    with pytest.raises(EquipoiseError, match=r"context\.latent"):
        build_penalty("mode-seeking").generator_term(context(nn.Identity(), torch.zeros(2), torch.zeros(2)))
