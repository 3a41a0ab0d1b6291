"""The training step: who gets a gradient, how often, and that parts and penalties add up exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from equipoise.objectives import build_objective
from equipoise.penalties import Penalty, StepContext, build_penalty
from equipoise.training.configuration import EmaSection
from equipoise.training.ema import ExponentialMovingAverage
from equipoise.training.inputs import Inputs
from equipoise.training.step import StepSettings, TrainingStep

BATCH = 8


class Generator(nn.Module):
    latent_dim = 3

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(latent)


class Discriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(samples).flatten()

    def features(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers[:2](samples)


def real_stream(batch: int) -> Callable[[], tuple[Tensor, None]]:
    """Consecutive rows of one fixed table, as one stream for any batch size."""
    table = torch.randn(10_000, 2, generator=torch.Generator().manual_seed(5))
    position = 0

    def next_real() -> tuple[Tensor, None]:
        nonlocal position
        position += batch
        return table[position - batch : position], None

    return next_real


def build(
    objective: str = "non-saturating",
    penalties: tuple[Penalty, ...] = (),
    batch: int = BATCH,
    parts: int = 1,
    discriminator_steps: int = 1,
    average: bool = False,
    autocast: Callable | None = None,
    compiled: bool = False,
) -> TrainingStep:
    torch.manual_seed(0)
    generator, discriminator = Generator(), Discriminator()
    return TrainingStep(
        generator=generator,
        discriminator=discriminator,
        objective=build_objective(objective),
        penalties=penalties,
        generator_optimizer=torch.optim.SGD(generator.parameters(), lr=0.1),
        discriminator_optimizer=torch.optim.SGD(discriminator.parameters(), lr=0.1),
        inputs=Inputs(
            next_real=real_stream(batch),
            latent_dim=3,
            label_pool=None,
            batch_size=batch,
            parts=parts,
            rank=0,
            processes=1,
            random=torch.Generator().manual_seed(1),
            device=torch.device("cpu"),
        ),
        random=torch.Generator().manual_seed(2),
        settings=StepSettings(
            total_steps=100, discriminator_steps=discriminator_steps, autocast=autocast, compile=compiled
        ),
        average=ExponentialMovingAverage(generator, EmaSection()) if average else None,
    )


def weights(network: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().reshape(-1) for parameter in network.parameters()]).clone()


class Recorder(Penalty):
    """Notes what each player's step looks like from inside."""

    name = "recorder"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple] = []
        self.contexts: list[tuple[str, StepContext]] = []

    def discriminator_term(self, context: StepContext) -> None:
        self.contexts.append(("discriminator", context))

    def generator_term(self, context: StepContext) -> None:
        self.contexts.append(("generator", context))
        self.seen.append(("frozen", [p.requires_grad for p in context.discriminator.parameters()]))

    def before_update(self, player: str, parameters: list[nn.Parameter]) -> None:
        self.seen.append(("update", player, [p.grad is not None for p in parameters]))


def test_each_player_gets_its_own_gradient_and_no_other() -> None:
    step = build()
    step.generator_optimizer.step = lambda: None  # type: ignore[method-assign]
    before = weights(step.generator)
    seen: dict[str, list[bool]] = {}
    original = step.discriminator_optimizer.step

    def after_backward() -> None:
        seen["generator in D's step"] = [p.grad is None for p in step.generator.parameters()]
        original()
        step.discriminator_optimizer.zero_grad(set_to_none=True)

    step.discriminator_optimizer.step = after_backward  # type: ignore[method-assign]
    step(0)
    assert all(seen["generator in D's step"])
    assert all(parameter.grad is None for parameter in step.discriminator.parameters())
    assert all(parameter.grad is not None for parameter in step.generator.parameters())
    assert all(parameter.requires_grad for parameter in step.discriminator.parameters())
    assert torch.equal(weights(step.generator), before)


def test_fakes_have_no_graph_and_the_discriminator_is_frozen() -> None:
    recorder = Recorder()
    build(penalties=(recorder,))(0)
    (first, in_discriminator), (second, in_generator) = recorder.contexts
    assert (first, second) == ("discriminator", "generator")
    assert not in_discriminator.fake.requires_grad
    assert in_generator.fake.requires_grad
    assert in_generator.generated is not None
    frozen = next(entry[1] for entry in recorder.seen if entry[0] == "frozen")
    assert not any(frozen)


def test_the_update_is_the_gradient_of_the_losses() -> None:
    """Against autograd on the formula, written out by hand."""
    step = build()
    discriminator, generator = Discriminator(), Generator()
    discriminator.load_state_dict(step.discriminator.state_dict())
    generator.load_state_dict(step.generator.state_dict())
    random = torch.Generator().manual_seed(1)
    real = real_stream(BATCH)()[0]
    fake = generator(torch.randn(BATCH, 3, generator=random)).detach()
    loss = (
        nn.functional.softplus(-discriminator(real)).mean()
        + nn.functional.softplus(discriminator(fake)).mean()
    )
    for parameter, gradient in zip(
        discriminator.parameters(), torch.autograd.grad(loss, list(discriminator.parameters()))
    ):
        parameter.data -= 0.1 * gradient
    fake = generator(torch.randn(BATCH, 3, generator=random))
    loss = nn.functional.softplus(-discriminator(fake)).mean()
    for parameter, gradient in zip(
        generator.parameters(), torch.autograd.grad(loss, list(generator.parameters()))
    ):
        parameter.data -= 0.1 * gradient
    scores = step(0)
    torch.testing.assert_close(weights(step.discriminator), weights(discriminator))
    torch.testing.assert_close(weights(step.generator), weights(generator))
    assert scores["generator_loss"].item() == pytest.approx(loss.item(), rel=1e-6)


def test_discriminator_steps_are_counted() -> None:
    recorder = Recorder()
    step = build(penalties=(recorder,), discriminator_steps=5)
    for number in range(3):
        step(number)
    players = [entry[1] for entry in recorder.seen if entry[0] == "update"]
    assert players == (["discriminator"] * 5 + ["generator"]) * 3


@pytest.mark.parametrize("objective", ["non-saturating", "hinge", "relativistic-pairing", "least-squares"])
def test_accumulated_parts_are_one_large_batch(objective: str) -> None:
    penalties = lambda: (build_penalty("r1", gamma=1.0), build_penalty("r2", gamma=1.0))  # noqa: E731
    whole = build(objective, penalties(), batch=4 * BATCH)
    parts = build(objective, penalties(), batch=BATCH, parts=4)
    for number in range(3):
        whole(number)
        parts(number)
    torch.testing.assert_close(weights(whole.generator), weights(parts.generator), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        weights(whole.discriminator), weights(parts.discriminator), rtol=1e-5, atol=1e-6
    )


def test_lazy_penalty_is_applied_every_k_steps_and_multiplied_by_k() -> None:
    class Constant(Penalty):
        name = "constant"

        def discriminator_term(self, context: StepContext) -> Tensor:
            return sum(p.sum() for p in context.discriminator.parameters())

    bare, lazy = build(), build(penalties=(Constant(every=4),))
    before = weights(bare.discriminator)
    bare(0)
    lazy(0)
    # The term's gradient is 1 for every weight, times 4, times the learning rate 0.1.
    difference = weights(bare.discriminator) - weights(lazy.discriminator)
    torch.testing.assert_close(difference, torch.full_like(before, 0.4), rtol=1e-4, atol=1e-5)
    again = build(penalties=(Constant(every=4),))
    again(1)
    fresh = build()
    fresh(1)
    assert torch.equal(weights(again.discriminator), weights(fresh.discriminator))
    term = 4 * float(weights(lazy.discriminator).sum())
    assert lazy(4)["penalty/constant"].item() == pytest.approx(term, rel=1e-5)


def test_feature_matching_replaces_the_generators_loss() -> None:
    """A generator that only matches features is not moved by the discriminator's last layer."""
    one, other = (build(penalties=(build_penalty("feature-matching"),)) for _ in range(2))
    with torch.no_grad():
        other.discriminator.layers[2].weight.mul_(-7)
    for step in (one, other):
        step.discriminator_optimizer.step = lambda: None  # type: ignore[method-assign]
        step(0)
    assert torch.equal(weights(one.generator), weights(other.generator))
    assert not torch.equal(weights(one.generator), weights(build().generator))


def test_penalties_run_in_float32_under_mixed_precision() -> None:
    seen = {}

    class Look(Penalty):
        name = "look"
        differentiates_twice = True

        def discriminator_term(self, context: StepContext) -> None:
            seen["dtype"] = context.discriminator(context.real).dtype
            seen["autocast"] = torch.is_autocast_enabled("cpu")
            seen["logits"] = context.real_logits

    step = build(penalties=(Look(),), autocast=lambda: torch.autocast("cpu", dtype=torch.bfloat16))
    dtypes = []
    step.discriminator.layers[0].register_forward_hook(
        lambda module, inputs, output: dtypes.append(output.dtype)
    )
    step(0)
    assert torch.bfloat16 in dtypes
    assert seen == {"dtype": torch.float32, "autocast": False, "logits": None}
    assert all(p.dtype == torch.float32 for p in step.generator.parameters())


def test_the_average_follows_every_step() -> None:
    step = build(average=True)
    expected = weights(step.generator)
    for number in range(3):
        weight = step.average.weight(BATCH)
        step(number)
        expected = weight * expected + (1 - weight) * weights(step.generator)
    torch.testing.assert_close(weights(step.average.network), expected)
    assert not torch.equal(weights(step.average.network), weights(step.generator))


def test_the_discriminator_is_unfrozen_when_the_generators_step_fails() -> None:
    class Fails(Penalty):
        name = "fails"

        def generator_term(self, context: StepContext) -> Tensor:
            raise ValueError("no")

    step = build(penalties=(Fails(),))
    with pytest.raises(ValueError, match="no"):
        step(0)
    assert all(parameter.requires_grad for parameter in step.discriminator.parameters())


def test_no_score_is_a_number_so_nothing_waits_for_the_device() -> None:
    scores = build(penalties=(build_penalty("r1"),))(0)
    assert all(isinstance(value, Tensor) and not value.requires_grad for value in scores.values())
    assert set(scores) == {"discriminator_loss", "generator_loss", "real_score", "fake_score", "penalty/r1"}
