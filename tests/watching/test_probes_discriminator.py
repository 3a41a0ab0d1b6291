"""Probes that ask the discriminator, against closed forms: firing, healthy, and what looks like it."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from equipoise.watching.probes.fresh_discriminator import small_network

_spec = importlib.util.spec_from_file_location("watching_probing", Path(__file__).with_name("probing.py"))
assert _spec is not None
assert _spec.loader is not None
tools = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("watching_probing", tools)
_spec.loader.exec_module(tools)
remembering, probed, noise, Linear, Draw = (
    tools.remembering,
    tools.probed,
    tools.noise,
    tools.Linear,
    tools.Draw,
)


def mlp(width: int, *last: nn.Module) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(width, 16), nn.LeakyReLU(0.2), *last, nn.Linear(16, 1))


class BatchSpread(nn.Module):
    """s = the mean over values of the standard deviation across the batch: nothing but the batch."""

    def forward(self, samples: Tensor) -> Tensor:
        spread = samples.flatten(1).std(dim=0, correction=0).mean()
        return spread.expand(len(samples), 1) + 0.0 * samples.flatten(1).sum(dim=1, keepdim=True)


class Labelled(nn.Module):
    """s = x . w + effect * label, with the label as a whole number before or after the sample."""

    def __init__(self, effect: float, label_first: bool) -> None:
        super().__init__()
        self.effect, self.label_first = effect, label_first
        self.weight = nn.Parameter(torch.tensor([1.0, 0.0]))

    def forward(self, *given: Tensor) -> Tensor:
        labels, samples = given if self.label_first else given[::-1]
        return samples @ self.weight + self.effect * labels.float()


BATCHES = [noise(32, 4, seed) for seed in range(4)]
LATENTS = [noise(32, 3, 10 + seed) for seed in range(4)]


# ---- batch-blindness


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_discriminator_of_single_samples_is_exactly_blind(dropout: float) -> None:
    watcher = remembering(nn.Linear(3, 4), mlp(4, nn.Dropout(dropout)), BATCHES, LATENTS)
    values = probed(watcher, "batch-blindness")
    assert values["shift"] == 0.0
    assert values["shift.real"] == 0.0
    assert values["clones"] == values["diverse"]


def test_a_discriminator_of_the_batch_sees_clones_even_of_a_collapsed_generator() -> None:
    collapsed = nn.Linear(3, 4)
    nn.init.zeros_(collapsed.weight)
    values = probed(remembering(collapsed, BatchSpread(), BATCHES, LATENTS), "batch-blindness")
    # Among clones the spread is zero by definition; among reals with one row replaced it is nearly that of
    # reals.
    assert values["clones"] == pytest.approx(0.0, abs=1e-6)
    assert values["diverse"] == pytest.approx(1.0, abs=0.2)
    assert values["shift"] > 1
    assert values["shift.real"] > 1


def test_a_dead_batch_layer_is_blind() -> None:
    class Dead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.batch, self.gain = mlp(4), BatchSpread(), nn.Parameter(torch.zeros(()))

        def forward(self, samples: Tensor) -> Tensor:
            return self.body(samples) + self.gain * self.batch(samples)

    assert probed(remembering(nn.Linear(3, 4), Dead(), BATCHES, LATENTS), "batch-blindness")["shift"] == 0.0


# ---- batch-coupling


def test_coupling_through_batch_norm_is_seen_in_train_mode_only() -> None:
    network = mlp(4, nn.BatchNorm1d(16))
    generator = nn.Linear(3, 4)
    nn.init.constant_(generator.bias, 3.0)
    assert probed(remembering(generator, network, BATCHES, LATENTS), "batch-coupling")["change"] > 0.05
    quiet = probed(remembering(generator, network, BATCHES, LATENTS, training=False), "batch-coupling")
    assert quiet["change"] == pytest.approx(0.0, abs=1e-6)


def test_no_coupling_without_a_batch_layer() -> None:
    values = probed(remembering(nn.Linear(3, 4), mlp(4), BATCHES, LATENTS), "batch-coupling")
    assert values["change"] == pytest.approx(0.0, abs=1e-6)
    assert values["leak"] == pytest.approx(0.0, abs=0.01)


class Mixes(nn.Module):
    """Rows made of several samples, or a comparison of each sample with the others."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.judge = kind, mlp(8 if kind == "deviation" else 4)

    def forward(self, samples: Tensor) -> Tensor:
        if self.kind == "transposed":
            samples = samples.reshape(len(samples), 2, 2).transpose(0, 1).reshape(len(samples), -1)
        if self.kind == "shuffled":
            samples = samples.flip(0)
        if self.kind == "deviation":
            groups = samples.reshape(-1, 4, 4)
            deviation = 30 * groups.std(dim=1, keepdim=True).expand_as(groups).reshape(samples.shape)
            samples = torch.cat([samples, deviation], dim=1)
        return self.judge(samples)


@pytest.mark.parametrize(
    ("kind", "mixes"), [("transposed", True), ("shuffled", True), ("deviation", False), ("", False)]
)
def test_rows_of_several_samples_are_told_from_a_look_at_the_batch(kind: str, mixes: bool) -> None:
    values = probed(remembering(nn.Linear(3, 4), Mixes(kind), BATCHES, LATENTS), "batch-coupling")
    assert (values["change"] > 0.05) == bool(kind)
    assert values["elsewhere"] > 0.5 if mixes else values["elsewhere"] < 0.3


class VectorsAsParameters(nn.Module):
    """Spectral normalisation as it is often written out: u is a parameter that each pass exchanges."""

    def __init__(self, width: int) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.weight = nn.Parameter(torch.randn(1, width))
        self.u = nn.Parameter(torch.randn(width), requires_grad=False)

    def forward(self, samples: Tensor) -> Tensor:
        self.u.data = self.u.data.roll(1) * 0.9
        return samples @ (self.weight * (1 + self.u)).t()


def spectral(kind: str) -> nn.Module:
    network = mlp(4)
    if kind == "parameters":
        return VectorsAsParameters(4)
    for layer in (network[0], network[2]):
        if kind == "hook":
            nn.utils.spectral_norm(layer)
        else:
            nn.utils.parametrizations.spectral_norm(layer)
    return network


@pytest.mark.parametrize("kind", ["hook", "parametrization", "parameters"])
def test_a_power_iteration_at_every_pass_is_no_look_at_the_batch(kind: str) -> None:
    watcher = remembering(nn.Linear(3, 4), spectral(kind), BATCHES, LATENTS)
    assert probed(watcher, "batch-coupling")["change"] == pytest.approx(0.0, abs=1e-6)
    assert probed(watcher, "batch-blindness")["shift"] == 0.0


# ---- fresh-discriminator


def test_a_fresh_discriminator_cannot_separate_one_law_from_itself() -> None:
    reals = [noise(64, 4, seed) for seed in range(8)]
    watcher = remembering(Draw(noise(4096, 4, 99)), Linear(torch.zeros(4)), reals, [noise(64, 1, 7)])
    values = probed(watcher, "fresh-discriminator")
    # 256 against 256: the standard error of an AUC of one half is 0.026.
    assert abs(values["auc"] - 0.5) < 4 * 0.026
    assert values["auc.own"] == 0.5
    assert values["steps"] <= 200


@pytest.mark.parametrize("shape", [(16, 1), (1, 16), (3, 2, 9), (16, 4), (2, 8, 8), (1,), (4, 4, 4, 4)])
def test_a_small_network_fits_any_shape(shape: tuple[int, ...]) -> None:
    assert small_network(shape)(torch.zeros(2, *shape)).shape == (2, 1)


def test_a_fresh_discriminator_separates_disjoint_supports() -> None:
    reals = [noise(64, 4, seed) for seed in range(8)]
    watcher = remembering(Draw(noise(4096, 4, 99) + 8), Linear(-torch.ones(4)), reals, [noise(64, 1, 7)])
    values = probed(watcher, "fresh-discriminator")
    assert values["auc"] > 0.999
    assert values["auc.own"] > 0.999
    turned = remembering(
        Draw(noise(4096, 4, 99) + 8), Linear(-torch.ones(4)), reals, [noise(64, 1, 7)], orientation=-1
    )
    assert probed(turned, "fresh-discriminator")["auc.own"] < 0.001


def test_repeated_reals_are_not_learnt_by_heart() -> None:
    # Forty reals, each remembered many times: the same sample must not be in both halves.
    few = noise(40, 4, 1)
    reals = [few[torch.randperm(40, generator=torch.Generator().manual_seed(seed))] for seed in range(8)]
    watcher = remembering(Draw(noise(4096, 4, 99)), Linear(torch.zeros(4)), reals, [noise(64, 1, 7)])
    values = probed(watcher, "fresh-discriminator")
    # 20 against 20: standard error 0.093; remembered twins would give an AUC near 1.
    assert values["auc"] < 0.5 + 3 * 0.093


# ---- one-feature


def pictures(seed: int, low: float = 0.0, high: float = 1.0, count: int = 256) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(count, 1, 8, 8, generator=random)


def one_feature(reals: Tensor, fakes: Tensor) -> dict[str, float]:
    watcher = remembering(
        Draw(fakes), Linear(torch.zeros(1, 8, 8)), list(reals.split(64)), [noise(64, 1, 7) for _ in range(2)]
    )
    return probed(watcher, "one-feature")


def test_another_range_is_told_by_one_number_and_gone_after_matching() -> None:
    values = one_feature(pictures(1), pictures(2, -1.0, 1.0, 4096))
    assert values["auc"] == 1.0
    assert values["feature"] in (0.0, 3.0, 5.0)  # smallest value, spread, share of negatives
    # Both are uniform: only the range differed.
    assert values["auc.matched"] < 0.65


def test_one_law_is_told_by_no_number() -> None:
    assert one_feature(pictures(1), pictures(2, count=4096))["auc"] < 0.65


def test_a_lattice_is_told_by_its_share_and_gone_after_noise() -> None:
    stored = (pictures(1) * 255).round() / 255
    values = one_feature(stored, pictures(2, count=4096))
    assert values["auc"] == 1.0
    assert values["feature"] == 4.0
    assert values["auc.dequantised"] < 0.65


class OnTheLattice(Linear):
    """Scores a picture by how far its values are from 255ths, or by its mean."""

    def __init__(self, by_mean: bool) -> None:
        super().__init__(torch.zeros(1, 8, 8))
        self.by_mean = by_mean

    def forward(self, samples: Tensor) -> Tensor:
        steps = samples.flatten(1) * 255
        value = samples.flatten(1).mean(dim=1) if self.by_mean else -(steps - steps.round()).abs().mean(dim=1)
        return value[:, None] + super().forward(samples)


@pytest.mark.parametrize("by_mean", [False, True])
def test_noise_of_one_step_takes_the_lattice_from_a_discriminator_and_nothing_else(by_mean: bool) -> None:
    stored = ((pictures(1) * 0.5 + 0.5) * 255).round() / 255
    fakes = pictures(2, count=4096) * 0.5
    watcher = remembering(
        Draw(fakes), OnTheLattice(by_mean), list(stored.split(64)), [noise(64, 1, 7) for _ in range(2)]
    )
    own = probed(watcher, "one-feature")["auc.own.dequantised"]
    assert own > 0.99 if by_mean else abs(own - 0.5) < 0.15


# ---- gradient-penalty


def test_the_slope_of_a_linear_critic_is_its_weight() -> None:
    weight = torch.arange(1.0, 3 * 16 + 1).reshape(3, 4, 4) / 10
    reals = [noise(32, 48, seed).reshape(32, 3, 4, 4) for seed in range(3)]
    generator = nn.Sequential(nn.Linear(5, 48), nn.Unflatten(1, (3, 4, 4)))
    watcher = remembering(generator, Linear(weight), reals, [noise(32, 5, 1), noise(32, 5, 2)])
    values = probed(watcher, "gradient-penalty")
    assert values["norm"] == pytest.approx(float(weight.double().norm()), rel=1e-5)
    assert values["norm.std"] == pytest.approx(0.0, abs=1e-4)
    # The common mistake: the norm over channels at each place, averaged.
    assert values["norm.pixel"] == pytest.approx(float(weight.double().norm(dim=0).mean()), rel=1e-5)
    assert math.isnan(values["applied"])


def test_the_slope_of_a_pack_is_over_all_its_samples() -> None:
    class Packs(nn.Module):
        def forward(self, samples: Tensor) -> Tensor:
            return 0.5 * samples.reshape(-1, 4 * 6).sum(dim=1, keepdim=True)

    watcher = remembering(nn.Linear(5, 6), Packs(), [noise(32, 6, 0)], [noise(32, 5, 1)])
    watcher.reservoir.pack = 4
    values = probed(watcher, "gradient-penalty")
    assert values["norm"] == pytest.approx(0.5 * math.sqrt(4 * 6), rel=1e-5)
    assert values["norm.pixel"] == pytest.approx(0.5 * math.sqrt(6), rel=1e-5)


def test_the_slope_of_a_curved_critic_at_interpolates() -> None:
    class Square(nn.Module):
        def forward(self, samples: Tensor) -> Tensor:
            return 0.5 * samples.square().sum(dim=1)

    # Reals at 2, fakes at 0, one axis: |ds/dx| = |x| is uniform on [0, 2].
    generator = nn.Linear(5, 1)
    nn.init.zeros_(generator.weight)
    nn.init.zeros_(generator.bias)
    reals = torch.full((64, 1), 2.0) + 1e-6 * noise(64, 1, 0)
    watcher = remembering(generator, Square(), [reals], [noise(64, 5, 1)])
    values = probed(watcher, "gradient-penalty")
    assert values["norm"] == pytest.approx(1.0, abs=0.25)
    assert values["norm.std"] == pytest.approx(2 / math.sqrt(12), abs=0.15)


@pytest.mark.parametrize(
    ("alpha", "outside"),
    [
        (lambda: torch.rand(32, 1), 0.0),
        (lambda: torch.rand(1, 1).expand(32, 1), 0.0),
        (lambda: torch.rand(32, 4), 1.0),
        (lambda: 1.5 + torch.rand(32, 1), 1.0),
        (lambda: torch.ones(32, 1), 0.0),
    ],
    ids=["per sample", "one for all", "per value", "beyond", "R1 at the reals"],
)
def test_points_off_the_segment_are_counted(alpha: object, outside: float) -> None:
    from equipoise.watching.reservoir import Penalised

    torch.manual_seed(0)
    watcher = remembering(nn.Linear(3, 4), mlp(4), BATCHES, LATENTS)
    real, fake = BATCHES[0], noise(32, 4, 50)
    share = alpha()  # type: ignore[operator]
    points = share * real + (1 - share) * fake
    watcher.reservoir.penalties.append(Penalised(points, torch.full((32,), 0.75), real, fake))
    values = probed(watcher, "gradient-penalty")
    assert values["applied"] == 0.75
    assert values["applied.outside"] == pytest.approx(outside, abs=0.07)


# ---- memorisation


class Knows(nn.Module):
    """1 for samples it was shown, 0 for others."""

    def __init__(self, shown: Tensor) -> None:
        super().__init__()
        self.register_buffer("shown", shown)
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, samples: Tensor) -> Tensor:
        near = torch.cdist(samples.double(), self.shown.double()).min(dim=1).values < 1e-5
        return self.gain * near.float()


def test_a_discriminator_that_knows_its_reals_by_heart() -> None:
    reals = torch.cat(BATCHES)
    watcher = remembering(nn.Linear(3, 4), Knows(reals), BATCHES, LATENTS, objective="least-squares")
    watcher.reservoir.held_out = noise(64, 4, 77)
    values = probed(watcher, "memorisation")
    assert values["seen"] == 1.0
    assert values["unseen"] == 0.0
    assert values["gap"] == 1.0
    assert values["gap.perturbed"] == 1.0


def test_a_discriminator_that_generalises() -> None:
    generator = nn.Linear(3, 4)
    nn.init.zeros_(generator.weight)
    nn.init.constant_(generator.bias, -5.0)
    watcher = remembering(generator, Linear(torch.ones(4)), BATCHES, LATENTS, objective="non-saturating")
    watcher.reservoir.held_out = noise(256, 4, 77)
    values = probed(watcher, "memorisation")
    assert abs(values["gap"]) < 0.05
    assert abs(values["gap.perturbed"]) < 0.01
    assert values["fake"] == pytest.approx(-20.0)
    assert values["accuracy.unseen"] == pytest.approx(0.5, abs=0.1)
    assert values["sign"] == pytest.approx(0.0, abs=0.25)


def test_without_held_out_reals_nothing_is_said_of_them() -> None:
    values = probed(remembering(nn.Linear(3, 4), mlp(4), BATCHES, LATENTS), "memorisation")
    assert math.isnan(values["gap"])
    assert math.isnan(values["accuracy.unseen"])
    assert math.isfinite(values["gap.perturbed"])


# ---- conditions given to the discriminator


@pytest.mark.parametrize("label_first", [False, True])
@pytest.mark.parametrize("effect", [0.0, 2.0])
def test_the_discriminators_use_of_labels_in_any_place(label_first: bool, effect: float) -> None:
    reals = [noise(32, 2, seed) for seed in range(2)]
    labels = torch.arange(32) % 4
    path = ("args", 1 if label_first else 0)

    def form(samples: Tensor) -> object:
        return ((labels, samples) if label_first else (samples, labels), {}, path, None)

    latents = [noise(32, 3, 5), noise(32, 3, 6)]
    watcher = remembering(
        nn.Linear(3, 2),
        Labelled(effect, label_first),
        reals,
        latents,
        real_forms=[form(batch) for batch in reals],
        fake_forms=[form(noise(32, 2, 9)) for _ in latents],
    )
    values = probed(watcher, "generator-response")
    assert math.isnan(values["condition"])
    if effect == 0:
        assert values["discriminator.condition"] == 0.0
    else:
        # Two different labels of 0 to 3 are 1.8 apart in the root mean square (sqrt(20 / 6)), times the
        # effect; the scores spread by the sample (variance 1) and by the label (variance 1.25), times the
        # effect squared.
        expected = 2.0 * math.sqrt(20 / 6) / math.sqrt(1 + 4 * 1.25)
        assert values["discriminator.condition"] == pytest.approx(expected, rel=0.25)
