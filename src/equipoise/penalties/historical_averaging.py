"""Historical averaging: parameters are drawn to the mean of their past."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from equipoise.penalties.base import PENALTIES, Penalty, Player, StepContext
from equipoise.penalties.gradients import unwrapped
from equipoise.validation import Interval, OneOf, validated


@PENALTIES.register("historical-averaging")
class HistoricalAveraging(Penalty):
    """``weight * ||theta - (1/t) sum_i theta_i||^2``, the mean being over the parameters after each update.

    It damps orbits around an equilibrium. It needs one more copy of the parameters; before the first update
    there is no past and no term. The mean is part of the checkpoint.

    Args:
        weight: the coefficient. The paper names none; 1 is its formula as printed.
        player: whose parameters; `both`, `generator` or `discriminator`.
        every: apply the term every so many steps, rescaled; the mean is updated in all of them.

    Source: Salimans et al. 2016, "Improved techniques for training GANs", section 3.3.

    Example:
        >>> from equipoise.penalties.base import StepContext
        >>> penalty, network = HistoricalAveraging(), nn.Linear(1, 1, bias=False)
        >>> nn.init.zeros_(network.weight).requires_grad
        True
        >>> penalty.after_update("discriminator", network)
        >>> nn.init.constant_(network.weight, 3.0).requires_grad
        True
        >>> batch = torch.zeros(1, 1)
        >>> penalty.discriminator_term(StepContext(1, 2, network, network, batch, batch)).item()
        9.0
    """

    name = "historical-averaging"

    @validated(
        weight=Interval(float, 0, low_open=True),
        player=OneOf(("both", "generator", "discriminator")),
        every=Interval(int, 1),
    )
    def __init__(self, weight: float = 1.0, player: str = "both", every: int = 1) -> None:
        super().__init__(every)
        self.weight = float(weight)
        self.player = player
        self._means: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def discriminator_term(self, context: StepContext) -> Tensor | None:
        return self._term("discriminator", context.discriminator)

    def generator_term(self, context: StepContext) -> Tensor | None:
        return self._term("generator", context.generator)

    def _term(self, player: Player, network: nn.Module) -> Tensor | None:
        if not self._counts.get(player):
            return None
        total: Tensor | None = None
        for name, parameter in unwrapped(network).named_parameters():
            if f"{player}.{name}" not in self._means:
                continue  # a parameter that was added since the last update has no past
            mean = self._mean(f"{player}.{name}", parameter)
            term = (parameter.to(mean.dtype) - mean).square().sum()
            total = term if total is None else total + term
        return None if total is None else self.weight * total

    def _mean(self, key: str, parameter: nn.Parameter) -> Tensor:
        if self._means[key].device != parameter.device:
            self._means[key] = self._means[key].to(parameter.device)
        return self._means[key]

    @torch.no_grad()
    def after_update(self, player: Player, network: nn.Module) -> None:
        if self.player not in (player, "both"):
            return
        count = self._counts.get(player, 0) + 1
        self._counts[player] = count
        for name, parameter in unwrapped(network).named_parameters():
            key = f"{player}.{name}"
            # Half precision would stop moving once 1/t falls below its resolution.
            current = parameter.float() if parameter.dtype.itemsize < 4 else parameter
            if key not in self._means:
                self._means[key] = current.clone()
            else:
                self._mean(key, parameter).lerp_(current, 1.0 / count)

    def state_dict(self) -> dict[str, Tensor]:
        state = {f"mean.{key}": mean for key, mean in self._means.items()}
        for player, count in self._counts.items():
            state[f"count.{player}"] = torch.tensor(count, dtype=torch.int64)
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._means = {k.removeprefix("mean."): v.clone() for k, v in state.items() if k.startswith("mean.")}
        self._counts = {k.removeprefix("count."): int(v) for k, v in state.items() if k.startswith("count.")}
