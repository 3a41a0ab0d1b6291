"""What every adversarial objective has in common: two losses and a record of facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class ObjectiveFacts:
    """What is true of a loss family, whatever the networks.

    Attributes:
        decision_boundary: the logit at which the discriminator calls a sample neither real nor fake;
            None where single logits have no meaning (Wasserstein, relativistic).
        saturating: whether the generator's gradient at the logit vanishes when the discriminator wins.
        needs_lipschitz: whether the loss is meaningless without a Lipschitz constraint on the discriminator.
        has_labels: whether there are real/fake targets that can be smoothed or flipped.
        relative: whether each loss depends on real and fake logits together.
        bounded_below: whether the discriminator's loss has a lower bound.
        equilibrium_discriminator_loss: its value when the discriminator says "undecided" everywhere.
        equilibrium_generator_loss: likewise; None where it is arbitrary.
        source: where the loss comes from.
    """

    decision_boundary: float | None
    saturating: bool
    needs_lipschitz: bool
    has_labels: bool
    relative: bool
    bounded_below: bool
    equilibrium_discriminator_loss: float | None
    equilibrium_generator_loss: float | None
    source: str


class Objective:
    """A pair of adversarial losses on raw scores (logits).

    Both return the mean over all elements as a scalar in float32 or wider; logits may have any shape.
    Relative objectives need `real_logits` in the generator's loss too.

    Attributes:
        random: the only source of chance of an objective that draws random numbers (`uses_chance`), set by
            the trainer before the first step so that a resumed run repeats the draws; None otherwise.
    """

    name: ClassVar[str]
    facts: ClassVar[ObjectiveFacts]
    random: torch.Generator | None = None

    @property
    def uses_chance(self) -> bool:
        """Whether the losses draw random numbers from `random`, given the options of this object."""
        return False

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        raise NotImplementedError

    def generator_loss(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        raise NotImplementedError


OBJECTIVES: Registry[type[Objective]] = Registry("objective", "equipoise.objectives")


def build_objective(name: str, **options: object) -> Objective:
    """The objective of that name with its options; unknown names and options are refused.

    Example:
        >>> build_objective("hinge").facts.decision_boundary
        0.0
    """
    objective: Objective = OBJECTIVES.build(name, options)
    return objective


def as_logits(name: str, logits: Tensor) -> Tensor:
    """The logits in float32 or wider: in half precision a squared error or a mean overflows at 256."""
    if logits.numel() == 0:
        raise parameter_error(
            name, "a tensor with at least one logit", tuple(logits.shape), "check the batch"
        )
    return logits if logits.dtype.itemsize >= 4 else logits.float()


def paired_logits(real_logits: Tensor, fake_logits: Tensor, *, same_number: bool) -> tuple[Tensor, Tensor]:
    """Both logits for a relative objective, refused where subtracting them would broadcast.

    Args:
        real_logits: shape (N, ...).
        fake_logits: shape (M, ...) with the same trailing shape.
        same_number: whether N must equal M, because real and fake samples are compared pair by pair.
    """
    real, fake = tuple(real_logits.shape), tuple(fake_logits.shape)
    if real[1:] != fake[1:] or len(real) != len(fake):
        raise EquipoiseError(
            f"`fake_logits` must have the shape of `real_logits` up to the number of samples, but they are "
            f"{fake} and {real}, whose difference would broadcast; return logits of shape (N,)."
        )
    if same_number and real != fake:
        raise EquipoiseError(
            f"`fake_logits` must hold as many logits as `real_logits` to be compared pair by pair, but they "
            f"are {fake} and {real}; use equal batch sizes."
        )
    return as_logits("real_logits", real_logits), as_logits("fake_logits", fake_logits)


def required_real_logits(objective: str, real_logits: Tensor | None) -> Tensor:
    """The real logits of a relative generator loss, or the error that says why they are needed."""
    if real_logits is None:
        raise EquipoiseError(
            f"`real_logits` must be given to the generator's loss of `{objective}`, but it is None; a "
            "relative loss compares fake with real scores: pass the discriminator's logits on a real batch."
        )
    return real_logits
