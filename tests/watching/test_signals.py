"""Every signal of a record against the same quantity computed anew in float64 from weights and batches."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from equipoise.history.catalogue import SIGNALS
from equipoise.history.store import History
from equipoise.watching.watcher import Watcher

BATCH, STEPS, RATE = 32, 11, 0.05  # the eleventh record is one with the heavy measurements
Array = np.ndarray


def networks() -> tuple[nn.Sequential, nn.Sequential]:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 6), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
    return generator, discriminator


def train() -> tuple[dict[str, Any], dict[str, float], dict[str, Any]]:
    """The last record, the facts, and what went into that step."""
    generator, discriminator = networks()
    update_g = torch.optim.SGD(generator.parameters(), RATE)
    update_d = torch.optim.SGD(discriminator.parameters(), RATE)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    kept: dict[str, Any] = {}
    for _ in range(STEPS):
        real, latent = torch.randn(BATCH, 6) * 0.4 + 0.3, torch.randn(BATCH, 4)
        kept = {
            "real": real,
            "latent": latent,
            "generator": copy.deepcopy(generator).double(),
            "discriminator": copy.deepcopy(discriminator).double(),
        }
        update_d.zero_grad()
        fake = generator(latent)
        (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()).backward()
        update_d.step()
        kept["discriminator after"] = copy.deepcopy(discriminator).double()
        update_g.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        update_g.step()
    seen = watcher.history.observations()
    kept["generator after"] = copy.deepcopy(generator).double()
    record = {name: series.values[-1] for name, series in seen.signals.items() if len(series)}
    facts = watcher.facts.collect()
    watcher.close()
    assert watcher.problems.sentences == []
    return record, facts, kept


@pytest.fixture(scope="module")
def step() -> tuple[dict[str, Any], dict[str, float], dict[str, Any]]:
    return train()


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def through(network: nn.Module, values: Tensor) -> Array:
    return network(values.double()).detach().numpy()


def norm_of(values: list[Tensor]) -> float:
    return float(np.sqrt(sum(float(value.square().sum()) for value in values)))


def input_slopes(network: nn.Module, values: Array) -> Array:
    samples = torch.tensor(values, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(samples).sum(), samples)
    return gradient.numpy()


def distances(one: Array, other: Array) -> Array:
    return np.sqrt(((one[:, None] - other[None]) ** 2).sum(-1))


def between(values: Array) -> float:
    return float(distances(values, values)[np.triu_indices(len(values), 1)].mean())


def nearest_other(values: Array, rank: int = 1) -> Array:
    return np.sort(distances(values, values), axis=1)[:, rank]


def gradients(loss: Tensor, network: nn.Module) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(network.parameters())))


def expected(kept: dict[str, Any]) -> dict[str, float | Array]:
    generator, discriminator = kept["generator"], kept["discriminator"]
    later = kept["discriminator after"]
    real, fake = kept["real"].double().numpy(), through(generator, kept["latent"])
    s_real, s_fake = (
        through(discriminator, kept["real"])[:, 0],
        through(discriminator, torch.tensor(fake))[:, 0],
    )
    s_made = through(later, torch.tensor(fake))[:, 0]
    order = (s_real[:, None] > s_fake[None]) + 0.5 * (s_real[:, None] == s_fake[None])
    values: dict[str, float | Array] = {
        "score.real.mean": s_real.mean(),
        "score.real.std": s_real.std(),
        "score.fake.mean": s_fake.mean(),
        "score.fake.std": s_fake.std(),
        "score.generator.mean": s_made.mean(),
        "score.generator.std": s_made.std(),
        "score.auc": order.mean(),
        "score.gap": (s_real.mean() - s_fake.mean()) / np.sqrt((s_real.var() + s_fake.var()) / 2),
        "score.accuracy.real": (s_real > 0).mean(),
        "score.accuracy.fake": (s_fake < 0).mean(),
        "score.output.low": min(s_real.min(), s_fake.min()),
        "score.output.high": max(s_real.max(), s_fake.max()),
        "loss.discriminator.real": np.logaddexp(0, -s_real).mean(),
        "loss.discriminator.fake": np.logaddexp(0, s_fake).mean(),
        "loss.discriminator": np.logaddexp(0, -s_real).mean() + np.logaddexp(0, s_fake).mean(),
        "loss.generator": np.logaddexp(0, -s_made).mean(),
        "penalty.applied": 0.0,
        "finite": 1.0,
    }
    for role, slope in (
        ("real", -sigmoid(-s_real)),
        ("fake", sigmoid(s_fake)),
        ("generator", -sigmoid(-s_made)),
    ):
        values[f"slope.{role}.mean"], values[f"slope.{role}.size"] = slope.mean(), rms(slope)
        values[f"slope.{role}.positive"], values[f"slope.{role}.zero"] = (
            (slope > 0).mean(),
            (slope == 0).mean(),
        )
    # The generator's gradient on its way back: dL/dx = dL/ds ds/dx, with L a mean over the batch.
    back = -sigmoid(-s_made)[:, None] * input_slopes(later, fake)
    values["gradient.samples"] = values["gradient.samples.total"] = rms(np.linalg.norm(back, axis=1))
    values["gradient.samples.zero"] = 0.0
    # Heavy measurements look at the discriminator as it is when the record is closed.
    values["discriminator.slope"] = rms(np.linalg.norm(input_slopes(later, fake), axis=1))
    values["discriminator.slope.real"] = rms(np.linalg.norm(input_slopes(later, real), axis=1))
    real_input, latent = kept["real"].double(), kept["latent"].double()
    loss_d = (
        F.softplus(-discriminator(real_input)).mean() + F.softplus(discriminator(torch.tensor(fake))).mean()
    )
    loss_g = F.softplus(-later(generator(latent))).mean()
    for player, found, before, after in (
        ("discriminator", gradients(loss_d, discriminator), discriminator, later),
        ("generator", gradients(loss_g, generator), generator, kept["generator after"]),
    ):
        joined = np.concatenate([value.flatten().numpy() for value in found])
        weights = [value.detach() for value in before.parameters()]
        moved = [new.detach() - old for new, old in zip(after.parameters(), weights, strict=True)]
        values[f"gradient.{player}"] = np.linalg.norm(joined)
        values[f"gradient.{player}.mean"] = np.abs(joined).mean()
        values[f"gradient.{player}.largest"] = np.abs(joined).max()
        values[f"gradient.{player}.layers"] = np.array([norm_of([one]) for one in found if one.ndim > 1])
        values[f"gradient.{player}.stale"] = 0.0
        values[f"weights.{player}"] = norm_of(weights)
        values[f"update.{player}"] = norm_of(moved) / norm_of(weights)
        final = [one.detach().numpy() for one in after.parameters() if one.ndim > 1]
        values[f"spectral.{player}"] = max(np.linalg.svd(one, compute_uv=False)[0] for one in final)
    values["gradient.generator.leak"] = 0.0
    values["weights.discriminator.largest"] = max(
        float(one.detach().abs().max()) for one in later.parameters()
    )
    for role, batch in (("real", real), ("fake", fake)):
        values[f"sample.{role}.low"], values[f"sample.{role}.high"] = batch.min(), batch.max()
        values[f"sample.{role}.mean"], values[f"sample.{role}.std"] = batch.mean(), batch.std(ddof=1)
        values[f"sample.{role}.saturated"] = (np.abs(batch) >= 0.99).mean()
        values[f"sample.{role}.distance"] = between(batch)
        values[f"sample.{role}.duplicates"] = (nearest_other(batch) < 0.02 * between(real)).mean()
        features = through(later[:2], torch.tensor(batch))
        values[f"feature.{role}.distance"] = between(features)
    values["sample.distance.ratio"] = between(fake) / between(real)
    values["feature.distance.ratio"] = values["feature.fake.distance"] / values["feature.real.distance"]  # type: ignore[operator]
    values["sample.spread.ratio"] = rms(fake.std(0, ddof=1)) / rms(real.std(0, ddof=1))
    across = distances(fake, real)
    middle = (BATCH - 1) // 2  # of an even number of values torch takes the lower one of the middle two
    values["sample.nearest.ratio"] = np.sort(across.min(1))[middle] / np.sort(nearest_other(real))[middle]
    values["sample.coverage"] = (across.min(0) <= nearest_other(real, 3)).mean()
    z = kept["latent"].double().numpy()
    values |= {
        "latent.mean": z.mean(),
        "latent.std": z.std(ddof=1),
        "latent.low": z.min(),
        "latent.high": z.max(),
    }
    values["latent.kurtosis"] = ((z - z.mean()) ** 4).mean() / z.var() ** 2
    # Both players' fakes are the same here.
    for what in ("mean", "std", "kurtosis"):
        values[f"latent.discriminator.{what}"] = values[f"latent.{what}"]
    values["latent.discriminator.count"] = float(z.size)
    values["latent.repeated"], values["batch.real.repeated"], values["batch.real.same"] = 0.0, 0.0, 0.0
    values["latent.same"], values["latent.possible"] = 0.0, float(len(np.unique(z)) ** z.shape[1])
    values["batch.fake.repeated"], values["batch.real.distinct"] = 0.0, float(BATCH * STEPS)
    values["batch.fake.real"] = 0.0
    values["activation.dead"] = (through(kept["generator after"][:2], kept["latent"]) == 0).all(0).mean()
    dead = (through(later[:2], kept["real"]) == 0).all(0).mean()
    values["activation.dead.discriminator"] = dead
    return values


def test_each_signal_is_what_its_formula_says(step: Any) -> None:
    record, _, kept = step
    wrong = {}
    for name, value in expected(kept).items():
        assert name in record, f"the record has no `{name}`"
        # Singular values come from eight power iterations: near the largest, never above it.
        relative = 0.01 if name.startswith("spectral") else 2e-4
        if not np.allclose(np.asarray(record[name]), np.asarray(value), rtol=relative, atol=2e-6):
            wrong[name] = (record[name], value)
    assert wrong == {}


def test_histograms_count_every_score(step: Any) -> None:
    record, _, kept = step
    scores = through(kept["discriminator"], kept["real"])[:, 0]
    low, high = record["score.histogram.edges"]
    counts, _ = np.histogram(scores, bins=32, range=(low, high))
    assert record["score.real.histogram"].sum() == record["score.fake.histogram"].sum() == BATCH
    assert (
        np.abs(record["score.real.histogram"] - counts).sum() <= 2
    )  # a score on an edge may round either way


# Signals that such a step cannot have, each with the place where it is tested.
ELSEWHERE = {
    "gradient.discriminator.foreign": "test_foreign",
    "penalty.gradient": "test_penalty_pull",
    "penalty.gradient.std": "test_penalty_pull",
    "penalty.parallel": "test_penalty_pull",
    "penalty.pull": "test_penalty_pull",
    "penalty.pull.spread": "test_penalty_pull",
    "penalty.weight": "test_penalty_pull",
    "penalty.target": "test_penalty_pull",
    "penalty.sent": "test_penalty_effect",
    "penalty.without_graph": "test_penalty_effect",
    "batch.real.drift": "test_batches",
    "condition.agreement.fake": "test_conditions",
    "condition.named": "test_conditions",
    "condition.named.guess": "test_conditions",
    "condition.kin": "test_conditions",
    "condition.kin.chance": "test_conditions",
    "condition.asked": "test_conditions",
    "condition.place": "test_conditions",
    "condition.alike": "test_beside",
    "condition.agreement.generator": "test_conditions",
    **{f"energy.{role}": "test_energies" for role in ("real", "fake", "generator")},
    **{f"energy.pull.{role}": "test_energies" for role in ("real", "fake", "generator")},
    "sample.fake.elsewhere": "test_shares",
    "gradient.matched": "test_matching",
    "loss.penalty": "only in logs",
    "loss.reconstruction": "only in logs",
    "quality": "only where it is given",
    "augmentation.probability": "only where it is given",
    "mode.generator": "test_modes",
    "mode.discriminator": "test_modes",
    "latent.sampling.mean": "test_sampling",
    "latent.sampling.std": "test_sampling",
    "latent.sampling.count": "test_sampling",
    "latent.sampling.kurtosis": "test_sampling",
    "latent.average.mean": "test_sampling",
    "latent.average.std": "test_sampling",
    "latent.average.count": "test_sampling",
    "latent.average.kurtosis": "test_sampling",
    "score.real.histogram": "above",
    "score.fake.histogram": "above",
    "score.histogram.edges": "above",
    "objective.fit": "test_loops",
    "gradient.samples.relative": "below",
    "sample.real.lattice": "below",
    "sample.fake.lattice": "below",
    "time.step": "a time",
    "time.watching": "a time",
}


def test_no_signal_of_the_catalogue_is_forgotten(step: Any) -> None:
    _, _, kept = step
    assert set(SIGNALS) - set(expected(kept)) == set(ELSEWHERE)


def test_the_relative_gradient_is_that_of_its_largest() -> None:
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update = torch.optim.SGD([*generator.parameters()], 0.0)
    stand = torch.optim.SGD([*discriminator.parameters()], 0.0)
    latent, real = torch.randn(BATCH, 4), torch.randn(BATCH, 6)
    for weight in (1.0, 4.0, 2.0):
        stand.zero_grad()
        fake = generator(latent)
        F.softplus(-discriminator(real)).mean().add(
            F.softplus(discriminator(fake.detach())).mean()
        ).backward()
        stand.step()
        update.zero_grad()
        (weight * F.softplus(-discriminator(fake)).mean()).backward()
        update.step()
    relative = watcher.history.observations().series("gradient.samples.relative").values
    watcher.close()
    assert relative == pytest.approx([1.0, 1.0, 0.5], rel=1e-5)


def test_the_lattice_of_eight_bit_data() -> None:
    from equipoise.watching import statistics

    eight_bit = torch.arange(256) / 255
    lattice, share = statistics.best_lattice(eight_bit)
    assert share == 1.0
    assert float(statistics.lattice_share(eight_bit, lattice)) == 1.0
    between = (torch.arange(255) + 0.5) / 255
    assert float(statistics.lattice_share(between, lattice)) == 0.0


@pytest.mark.parametrize(("step", "offset"), [(0.1, 0.0), (0.37, 0.123), (1 / 255 / 0.3081, -0.4242)])
def test_a_lattice_that_only_the_values_show(step: float, offset: float) -> None:
    from equipoise.watching import statistics

    torch.manual_seed(0)
    values = torch.randn(64, 2).div(step).round() * step + offset
    (scale, _), share = statistics.best_lattice(values)
    assert share == 1.0
    # A multiple of the step where no neighbouring values were drawn.
    assert 1 / scale / step == pytest.approx(1.0, rel=1e-4)


def test_values_on_no_lattice_show_none() -> None:
    from equipoise.watching import statistics

    torch.manual_seed(0)
    one_hot = torch.eye(5)[torch.randint(0, 5, (64,))]
    for values in (
        torch.randn(64, 2),
        torch.rand(64, 2),
        torch.rand(4, 2),
        torch.randn(64, 8).mul(2).clamp(-1, 1),  # saturated
        torch.cat([one_hot, torch.randn(64, 2)], dim=1),
        1.37 * one_hot,  # categories
        torch.full((64, 2), 0.37),
        torch.randn(64, 2).half().float(),
    ):
        assert statistics.own_lattice(values) is None


def test_a_layer_whose_weight_comes_with_its_first_forward_pass_is_left_out() -> None:
    from equipoise.watching.anatomy import largest_singular_values

    later = nn.Linear(3, 3)
    del later.weight
    known = nn.Linear(3, 3)
    found = largest_singular_values(nn.Sequential(later, known)).detach()
    assert float(found) == pytest.approx(float(torch.linalg.matrix_norm(known.weight.detach(), 2)), rel=0.05)
    assert largest_singular_values(nn.Sequential(later)) is None
