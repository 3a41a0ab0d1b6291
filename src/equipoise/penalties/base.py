"""The moments of a training step at which a regularizer may act."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from equipoise.registry import Registry
from equipoise.validation import Interval, check_parameter

if TYPE_CHECKING:
    from torch import Tensor, nn

Player = Literal["generator", "discriminator"]


@dataclass
class StepContext:
    """What a regularizer may look at in one player's step.

    Attributes:
        step: the number of finished training steps (one generator update each).
        total_steps: how many there will be, for schedules.
        generator, discriminator: the modules to call for penalties; never wrapped by torch.compile, so
            that a second backward pass works.
        real, fake: the samples as the discriminator was given them (after `transform`); `fake` is without
            a graph in the discriminator's step and carries the generator's graph in the generator's step.
        labels, fake_labels: class indices or None.
        real_logits, fake_logits: the discriminator's answers to them, with graph; None if not computed.
        latent: the generator's input of this step.
        generated: the generator's output before `transform`, with its graph in the generator's step; None
            when it is not given, and `fake` stands in for it.
        random: a torch.Generator for random numbers; the only allowed source of chance.
        state: a place for values shared between regularizers in one step.
    """

    step: int
    total_steps: int
    generator: nn.Module
    discriminator: nn.Module
    real: Tensor
    fake: Tensor
    labels: Tensor | None = None
    fake_labels: Tensor | None = None
    real_logits: Tensor | None = None
    fake_logits: Tensor | None = None
    latent: Tensor | None = None
    random: Any = None
    state: dict[str, Any] = field(default_factory=dict)
    generated: Tensor | None = None

    @property
    def progress(self) -> float:
        """The share of the training that is done, from 0 to 1."""
        return min(1.0, self.step / max(1, self.total_steps))


class Penalty:
    """A regularizer; every moment defaults to doing nothing.

    `every` applies the terms only on each `every`-th step, multiplied by `every`, so that the expected
    gradient is unchanged (lazy regularisation, Karras et al. 2020, appendix B).

    Attributes:
        provides_lipschitz: whether it bounds the discriminator's slope everywhere it is used, so that a
            Wasserstein objective makes sense.
        differentiates_twice: whether it needs a second backward pass through the discriminator.
        replaces_adversarial: whether the generator is trained by this term instead of the adversarial loss.
    """

    name: ClassVar[str]
    provides_lipschitz: bool = False
    differentiates_twice: bool = False
    replaces_adversarial: bool = False

    def __init__(self, every: int = 1) -> None:
        check_parameter("every", every, Interval(int, 1))
        self.every = every

    def active(self, step: int) -> bool:
        """Whether a lazy term is due in this step.

        Example:
            >>> penalty = Penalty(every=4)
            >>> [step for step in range(9) if penalty.active(step)]
            [0, 4, 8]
        """
        return step % self.every == 0

    def prepare(self, generator: nn.Module, discriminator: nn.Module) -> None:
        """Once, after the networks are built and before the optimizers are (spectral normalisation)."""

    def transform(self, samples: Tensor, context: StepContext) -> Tensor:
        """What the discriminator is given in place of `samples`; used on real and fake, in both steps."""
        return samples

    def discriminator_term(self, context: StepContext) -> Tensor | None:
        """A scalar added to the discriminator's loss, not yet multiplied by `every`."""
        return None

    def generator_term(self, context: StepContext) -> Tensor | None:
        """A scalar added to the generator's loss, not yet multiplied by `every`."""
        return None

    def before_update(self, player: Player, parameters: Iterable[nn.Parameter]) -> None:
        """Between backward and the optimizer's step (gradient clipping)."""

    def after_update(self, player: Player, network: nn.Module) -> None:
        """After the optimizer's step (weight clipping)."""

    def state_dict(self) -> dict[str, Tensor]:
        """What must survive a restart."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""


PENALTIES: Registry[Callable[..., Penalty]] = Registry("penalty", "equipoise.penalties")


def build_penalty(name: str, **options: object) -> Penalty:
    """The penalty of that name with its options; unknown names and options are refused.

    Example:
        >>> build_penalty("r1", gamma=1.0, every=16).every
        16
    """
    penalty: Penalty = PENALTIES.build(name, options)
    return penalty
