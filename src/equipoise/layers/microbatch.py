"""Microbatch discrimination: several discriminators, each for its own part of the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from equipoise.errors import EquipoiseError
from equipoise.layers.base import LAYERS, Layer, LayerFacts
from equipoise.validation import Interval, check_parameter


@LAYERS.register("microbatch")
class MicrobatchDiscriminator(Layer):
    """K discriminators; each tells its microbatch's reals from its fakes, and its fakes from the others'.

    The value that discriminator k maximises and the generator minimises, for raw scores (logits) D_k and
    the logistic function s::

        V_k = E_own reals log s(D_k(x)) + E_own fakes log s(-D_k(x)) + alpha E_other fakes log s(D_k(x))

    alpha grows from 0 (plain real against fake) to `final_alpha` (inside against outside the microbatch):
    a generator whose samples are all alike cannot lower V_k for all k, so it is driven to diversity. This
    formula is recalled from the paper and was NOT checked against it; nor was the schedule.

    `final_alpha` has a limit here. Where reals and fakes are equally frequent the best discriminator has
    s(D_k) = (1 + alpha) / (2 + alpha), and the generator's non-saturating loss draws samples there only as
    long as s(D_k) (1 + alpha) < 1, that is alpha < (sqrt(5) - 1) / 2 = 0.618; beyond, it drives them away
    from the data.

    Sample i of a batch belongs to microbatch i modulo K, so that two processes with half the batch each
    make the same parts as one process with all of it. The values of the K discriminators are averaged.

    Called like any discriminator, it returns the mean of the K logits. A trainer that finds
    `owns_losses = True` uses `discriminator_loss` and `generator_loss` in place of an objective.

    Args:
        factory: makes one discriminator; called `count` times.
        count: the number K of discriminators.
        final_alpha: the weight of the other microbatches' fakes at the end of its growth, below 0.618.
        growth: the share of the training during which alpha grows, linearly.

    Raises:
        EquipoiseError: when the batch cannot be cut into K equal microbatches; the sentence names both.

    Source: Mordido et al. 2020, "microbatchGAN" (2001.03376).

    Example:
        >>> make = lambda: nn.Sequential(nn.Linear(3, 1), nn.Flatten(0))
        >>> network = MicrobatchDiscriminator(make, count=2)
        >>> network(torch.zeros(6, 3)).shape
        torch.Size([6])
        >>> network.alpha_at(step=250, total_steps=1000)
        0.15
    """

    name = "microbatch"
    facts: ClassVar = LayerFacts(
        across_batch=True, needs_labels=False, wraps_network=True, source="2001.03376"
    )
    owns_losses: ClassVar[bool] = True

    def __init__(
        self,
        factory: Callable[[], nn.Module],
        count: int,
        *,
        final_alpha: float = 0.3,
        growth: float = 0.5,
    ) -> None:
        super().__init__()
        check_parameter("count", count, Interval(int, 1))
        check_parameter("final_alpha", final_alpha, Interval(float, 0))
        check_parameter("growth", growth, Interval(float, 0, 1, low_open=True))
        self.count = count
        self.final_alpha = final_alpha
        self.growth = growth
        self.discriminators = nn.ModuleList([factory() for _ in range(count)])
        first = self.discriminators[0]
        self.classes: int | None = getattr(first, "classes", None)
        self.specification = getattr(first, "specification", None)
        self.pack = 1

    @classmethod
    def for_shape(cls, shape: tuple[int, ...], **options: Any) -> Self:
        return cls(options.pop("factory"), options.pop("count", 2), **options)

    def alpha_at(self, step: int, total_steps: int) -> float:
        """The weight of the other microbatches' fakes at a step: 0 at first, then growing linearly."""
        return self.final_alpha * min(1.0, step / max(1.0, self.growth * total_steps))

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        logits = [network(*_arguments(samples, labels)) for network in self.discriminators]
        return torch.stack(logits).mean(0)

    def features(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """The penultimate features of all K discriminators, side by side."""
        features = [network.features(*_arguments(samples, labels)) for network in self.discriminators]  # type: ignore[operator]
        return torch.cat(features, dim=1)

    def discriminator_loss(
        self,
        real: Tensor,
        fake: Tensor,
        labels: Tensor | None = None,
        fake_labels: Tensor | None = None,
        *,
        alpha: float,
    ) -> Tensor:
        """-V_k, averaged over k: what the discriminators minimise; a scalar."""
        losses = []
        for index, network in enumerate(self.discriminators):
            real_logits = network(*self._part(real, labels, index))
            own, others = self._fake_logits(network, index, fake, fake_labels, alpha)
            loss = softplus(-real_logits).mean() + softplus(own).mean()
            losses.append(loss if others is None else loss + alpha * softplus(-others).mean())
        return torch.stack(losses).mean()

    def generator_loss(
        self, fake: Tensor, fake_labels: Tensor | None = None, *, alpha: float, saturating: bool = False
    ) -> Tensor:
        """What the generator minimises: the part of V_k that it can change, averaged over k; a scalar.

        With `saturating` it is V_k itself: ``E_own log s(-D_k) + alpha E_others log s(D_k)``. Its gradient
        dies when the discriminators win, so by default each term is replaced by the one with the same goal
        and a gradient: ``E_own -log s(D_k) - alpha E_others log s(-D_k)``.
        """
        losses = []
        for index, network in enumerate(self.discriminators):
            own, others = self._fake_logits(network, index, fake, fake_labels, alpha)
            loss = -softplus(own).mean() if saturating else softplus(-own).mean()
            if others is not None:
                outside = -softplus(-others).mean() if saturating else softplus(others).mean()
                loss = loss + alpha * outside
            losses.append(loss)
        return torch.stack(losses).mean()

    def _part(self, samples: Tensor, labels: Tensor | None, index: int) -> tuple[Tensor, ...]:
        if samples.shape[0] % self.count:
            raise EquipoiseError(
                f"A batch of {samples.shape[0]} samples cannot be cut into {self.count} equal microbatches; "
                f"choose a batch size that is a multiple of the number of discriminators."
            )
        return _arguments(
            samples[index :: self.count], None if labels is None else labels[index :: self.count]
        )

    def _fake_logits(
        self, network: nn.Module, index: int, fake: Tensor, labels: Tensor | None, alpha: float
    ) -> tuple[Tensor, Tensor | None]:
        part = self._part(fake, labels, index)
        if alpha == 0 or self.count == 1:
            return network(*part), None
        logits = network(*_arguments(fake, labels)).reshape(-1, self.count)
        others = [column for column in range(self.count) if column != index]
        return logits[:, index], logits[:, others]

    def extra_repr(self) -> str:
        return f"count={self.count}, final_alpha={self.final_alpha}, growth={self.growth}"


def _arguments(samples: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
    return (samples,) if labels is None else (samples, labels)
