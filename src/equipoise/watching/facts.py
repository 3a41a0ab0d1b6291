"""Facts of a run that show only while it runs: modes, precision, shapes, conditions, direction."""

from __future__ import annotations

import math
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from equipoise.watching.activations import activation_chain, output_range
from equipoise.watching.again import Again
from equipoise.watching.fingerprint import FIT, Batch, objective_facts, reconstructed_losses
from equipoise.watching.halves import half_turned
from equipoise.watching.joint import Joint
from equipoise.watching.kinds import Kinds
from equipoise.watching.modes import ModalLayers
from equipoise.watching.optimizers import Player
from equipoise.watching.passes import Assignment, DiscriminatorPass, GeneratorCall
from equipoise.watching.structure import initialisation_entries, structure_facts
from equipoise.watching.tree import Path, floating_tensors, tensors
from equipoise.watching.unregistered import Hidden
from equipoise.watching.unsent import fakes_used, sent_back

if TYPE_CHECKING:
    from equipoise.watching.watcher import Watcher

_OFTEN = 20
_REVERSED = 3
_FINGERPRINTS = 12
_MIDDLE = 0.3


class RunningFacts:
    """Collects facts from passes and puts them together when they are asked for."""

    def __init__(self, watcher: Watcher, objective: str | None) -> None:
        self._watcher = watcher
        self.values: dict[str, Any] = {
            "objective.declared": objective,
            **structure_facts(watcher.generator, watcher.discriminator),
        }
        self._modes = {"generator": [0, 0], "discriminator": [0, 0]}
        self._fingerprints: deque[Batch] = deque(maxlen=_FINGERPRINTS)
        self._first_fingerprints: list[Batch] = []
        self._raw_bounds = [float("inf"), float("-inf")]
        self._activation_seen: set[str] = set()
        generator, discriminator = watcher.generator, watcher.discriminator
        self._hidden = {
            "generator": Hidden(generator, discriminator),
            "discriminator": Hidden(discriminator, generator),
        }
        self._modal = {"generator": ModalLayers(generator), "discriminator": ModalLayers(discriminator)}
        self._joint = Joint()
        self._kinds = Kinds(generator)
        self._again = Again()
        self._cuts = self._others = self._reversed = 0
        self._unused = {"generator": 0, "discriminator": 0}
        self._mixed = {False: 0, True: 0}
        self._sent = {False: 0, True: 0}
        self._fakes_used = {False: 0, True: 0}
        self._fed = 0
        self._objective: dict[str, Any] = {}
        # Where the discriminator is given further outputs of the generator: samples as well, no conditions.
        self.companions: set[Path] = set()
        self._repeated: dict[str, deque[float]] = {}
        self.composite: dict[str, float | None] = {"judged": None, "all": None}

    # ---- what passes show

    def begins(self, player: str) -> None:
        """Before a player's first update: a loop may initialise its networks after it has them watched."""
        network = self._watcher.network(player)
        self.values[f"{player}.initialisation"] = initialisation_entries(network)

    def generator_call(self, call: GeneratorCall) -> None:
        modes = self._modes["generator"]
        modes[0] += call.training
        modes[1] += 1
        call.mode = self._modal["generator"].share()
        self._watcher.averages.begin(self._watcher.generator)

    def generator_output(self, value: Tensor) -> None:
        """Called with the live output (with its graph)."""
        self._observed("generator", value)

    def _observed(self, player: str, value: Tensor) -> None:
        self._hidden[player].output(value)
        if player in self._activation_seen:
            return
        self._activation_seen.add(player)
        chain = activation_chain(value)
        seen = chain[0] if chain else None
        # What the graph shows overrules the guess from the last layer by name, unless the graph is compiled.
        opaque = value.grad_fn is None or "Compiled" in value.grad_fn.name()
        if seen is not None or not opaque:
            self.values[f"{player}.output_activation"] = seen
        if chain:
            ends = output_range(chain)
            self.values[f"{player}.output_activations"] = chain
            self.values[f"{player}.output_range"] = [end if math.isfinite(end) else None for end in ends]

    def discriminator_pass(self, one: DiscriminatorPass, module: nn.Module, output: Any) -> None:
        modes = self._modes["discriminator"]
        modes[0] += one.training
        modes[1] += 1
        one.mode = self._modal["discriminator"].share()
        paths = {score.path for score in one.scores}
        answers = floating_tensors(output)
        one.beside = len(answers) > len(paths)
        # An autoencoder or a classifier beside the score may end in an activation that the score does not.
        live = [value for path, value in answers if path in paths] or [value for _, value in answers]
        if live and live[0].requires_grad:
            self._observed("discriminator", live[0])
        self.values["score.shape"] = [list(score.shape) for score in one.scores]
        self.values["score.found"] = one.certain and bool(one.scores)
        self.values["precision"] = str(live[0].dtype).removeprefix("torch.") if live else None
        given = [path for path, _ in tensors({"args": one.args, "kwargs": one.kwargs})]
        conditions = [path for path in given if path not in self.companions]
        self._joint.seen(one)
        beside = len(conditions) - len(one.pairs) > 1 or one.channels is not None
        self.values["discriminator.conditional"] = beside and not self._joint

    def latent_and_condition(self, call: GeneratorCall) -> None:
        """What the generator is given: a latent, an image, a condition beside."""
        given = [value for _, value in tensors((call.args, call.kwargs))]
        images, latents = call.images_and_latents()
        kind = "image" if images and not latents else "both" if images and latents else "latent"
        self.values["generator.input"] = kind
        self.values["generator.conditional"] = len(given) > 1 or bool(images)
        self._kinds.call(call)

    def real_batch(self, samples: Tensor) -> None:
        shape = tuple(samples.shape[1:])
        self.values["data.shape"] = list(shape)
        self.values["data.kind"] = "image" if len(shape) == 3 else "sequence" if len(shape) == 2 else "vector"
        self.values["data.real.dtype"] = str(samples.dtype).removeprefix("torch.")
        self.values["data.batch"] = len(samples)

    def discriminator_roles(self, assignment: Assignment) -> None:
        if assignment.concatenated or (assignment.real and assignment.fake):
            self._mixed[assignment.concatenated] += 1
            self.values["concatenated"] = self._mixed[True] >= self._mixed[False]
        if any(part.owner.link is not None for part in assignment.fake):
            self.values["detached"] = not assignment.undetached

    def generator_roles(self, assignment: Assignment) -> None:
        self.values["generator.feature_matching"] = assignment.matched or self.values.get(
            "generator.feature_matching", False
        )
        if any(part.owner.link == "ancestry" for part in assignment.generator):
            self.values["generator.treated"] = True
        self._others += assignment.undecided
        self._reversed += assignment.reversed
        if assignment.cut:
            self._cuts += 1
        elif any(part.owner.attached for part in assignment.generator):
            self._fed += 1
        else:
            # What only another network made (the other generator of two domains) does not reach this one.
            self._others += bool(assignment.generator)

    def sent(self, passes: list[DiscriminatorPass]) -> None:
        """At an update of the discriminator: whether its loss reached its scores, and those of fakes."""
        for counts, known in ((self._sent, sent_back(passes)), (self._fakes_used, fakes_used(passes))):
            if known is not None:
                counts[known] += 1

    def update(
        self, passes: list[DiscriminatorPass], assignment: Assignment, player: Player, optimizer: Optimizer
    ) -> None:
        """At an update of `player`: whose losses were sent back, and whose steps follow."""
        watcher = self._watcher
        gradients = partial(watcher.gradients, "discriminator")
        self._again.update(player, optimizer, passes, assignment, gradients, watcher.updates)
        self._unused_loss(passes, assignment, player)

    def _unused_loss(self, passes: list[DiscriminatorPass], assignment: Assignment, player: str) -> None:
        """Whether the other's own loss was sent back though it is never updated."""
        other = "discriminator" if player == "generator" else "generator"
        if self._watcher.updates[other]:
            return
        if other == "generator":
            lost = bool(assignment.leftover)
        else:
            # Where no sample is known (a policy's actions), a loss that cannot reach the other is its own.
            strange = not any(one.attached or one.grown or one.link is not None for one in passes)
            lost = any(
                one.sloped and not one.attached and (strange or one.link is not None) for one in passes
            )
            # Through tokens the generator's loss does not reach it: what gradient it has is its own loss's.
            lost |= bool(self.values.get("discriminator.discrete") and self._watcher.gradients(other))
        self._unused[other] += lost

    def limits(self, values: dict[str, Any]) -> None:
        """Notice bounds: a norm or a largest value that keeps coming back is held there by a clip."""
        for name in ("gradient.generator", "gradient.discriminator", "weights.discriminator.largest",
                     "gradient.generator.largest", "gradient.discriminator.largest"):  # fmt: skip
            value = values.get(name)
            if isinstance(value, float) and value > 0:
                self._repeated.setdefault(name, deque(maxlen=12)).append(value)

    def _bound(self, name: str) -> float | None:
        """The largest value of a series if at least three records share it to 1 in 10,000."""
        known = self._repeated.get(name, ())
        if len(known) < 3:
            return None
        high = max(known)
        same = sum(value >= high * (1 - 1e-4) for value in known)
        return high if same >= 3 else None

    def _clipping(self) -> dict[str, Any]:
        clipped_weights = self._bound("weights.discriminator.largest")
        facts: dict[str, Any] = {"weight.clipping": clipped_weights}
        for player in ("generator", "discriminator"):
            by_value = self._bound(f"gradient.{player}.largest")
            if player == "generator" and clipped_weights is not None:
                # All weights at their bound: the critic's slope itself is what keeps coming back. Before
                # the bound was noticed, it may have been taken for a clip.
                facts["gradient.clipping"] = by_value = None
            by_norm = self._bound(f"gradient.{player}")
            if by_value is not None:
                facts["gradient.clipping"] = {"player": player, "kind": "value", "bound": by_value}
            elif by_norm is not None:
                facts["gradient.clipping"] = {"player": player, "kind": "norm", "bound": by_norm}
        return facts

    def raw_outputs(self, low: float, high: float) -> None:
        self._raw_bounds = [min(self._raw_bounds[0], low), max(self._raw_bounds[1], high)]

    # ---- the fingerprint

    def fingerprint(self, batch: Batch) -> None:
        # The first ones are kept for good: a saturated loss no longer shows what it is.
        if len(self._first_fingerprints) < _FINGERPRINTS:
            self._first_fingerprints.append(batch)
        else:
            self._fingerprints.append(batch)

    @property
    def newest(self) -> Batch | None:
        """The newest record's oriented scores and slopes."""
        return self._fingerprints[-1] if self._fingerprints else None

    def refit(self) -> float:
        """Fit the loss families to the recent slopes; returns the relative error of the best fit."""
        orientation = self._watcher.roles.orientation
        first, newest = (
            [batch.facing(float(orientation or 1)) for batch in batches]
            for batches in (self._first_fingerprints, self._fingerprints)
        )
        if not first:
            return float("nan")
        facts = objective_facts([*first, *newest], orientation)
        if not facts["fit"] < FIT and newest:
            # A loss that changed on the way fits its own time only.
            facts = objective_facts(newest, orientation)
        halves = half_turned([*first, *newest])
        for player in ("generator", "discriminator"):
            # Where a usual family explains the slopes, there is nothing to explain.
            usual = facts[f"objective.{player}"] is not None
            facts[f"objective.half_turned.{player}"] = None if usual else halves.get(player)
        self._objective = facts
        return float(self._objective.pop("fit"))

    def losses(self, batch: Batch) -> dict[str, float]:
        """The adversarial losses reconstructed from the fitted (or declared) family."""
        family = self._objective.get("objective.family") or self.values["objective.declared"]
        real, fake = (
            self._objective.get("objective.target.real"),
            self._objective.get("objective.target.fake"),
        )
        targets = (1.0 if real is None else real, 0.0 if fake is None else fake)
        if not all(np.isfinite(scores).all() for scores in (batch.real, batch.fake, batch.generator)):
            return {}
        losses = reconstructed_losses(family, batch, targets)
        return {name: value for name, value in losses.items() if np.isfinite(value)}

    @property
    def boundary(self) -> float | None:
        """The score at which the discriminator is undecided, by the fitted family."""
        family = self._objective.get("objective.family") or self.values["objective.declared"]
        if family in ("non-saturating", "minimax", "hinge"):
            return 0.0
        if family == "least-squares":
            real, fake = (
                self._objective.get("objective.target.real"),
                self._objective.get("objective.target.fake"),
            )
            if real is None or fake is None:
                return None
            middle = (real + fake) / 2
            if self.sigmoid:
                middle = float(
                    np.log(np.clip(middle, 1e-6, 1 - 1e-6) / (1 - np.clip(middle, 1e-6, 1 - 1e-6)))
                )
            return middle * (self._watcher.roles.orientation or 1)
        return None

    @property
    def sigmoid(self) -> bool:
        return bool(self._first_fingerprints) and self._first_fingerprints[-1].sigmoid

    @staticmethod
    def _broadcast(facts: dict[str, Any]) -> bool:
        # (N, 1) against (N,): every score of a mixed batch meets every target, so both halves are pulled to
        # the same mean target, half way between.
        real, fake = facts.get("objective.target.real"), facts.get("objective.target.fake")
        if not facts.get("concatenated") or real is None or fake is None:
            return False
        made = facts.get("objective.target.generator")
        # One label for all of them is another mistake: no mean of two. A mean is below what the generator
        # is asked for, and one of zeros and ones is not near either.
        if made is not None and real > made - 0.1:
            return False
        if facts.get("objective.discriminator") == "logistic" and abs(real - 0.5) > _MIDDLE:
            return False
        return bool(abs(real - fake) < 0.02)

    # ---- all together

    def collect(self) -> dict[str, Any]:
        """All facts as they are known now."""
        watcher = self._watcher
        updates = watcher.updates
        known = watcher.roles.decided + watcher.roles.undecided
        facts = dict(self.values)
        facts |= self._objective
        facts |= self._clipping()
        facts |= self._kinds.facts()
        facts["shape.broadcast"] = self._broadcast(facts)
        facts["ema"] = watcher.averages.facts()
        facts["ema.untouched"] = watcher.averages.untouched()
        facts["score.orientation"] = watcher.roles.orientation
        facts["roles.decided"] = watcher.roles.decided / known if known else None
        facts["roles.pushed"] = list(watcher.roles.pushed)
        lonely, divided = watcher.roles.lonely
        facts["roles.divided"] = divided / lonely if lonely else None
        facts["roles.places"] = list(watcher.roles.places.counts)
        facts["roles.tagged"] = watcher.roles.tagged
        facts["steps.ratio"] = (
            updates["discriminator"] / updates["generator"] if updates["generator"] else None
        )
        facts["optimizers"] = watcher.optimizer_facts()
        for player, hidden in self._hidden.items():
            facts[f"{player}.unregistered"] = hidden.entry(watcher.optimizers.held)
        facts["modes"] = {
            f"{player}_training": counts[0] / counts[1] if counts[1] else None
            for player, counts in self._modes.items()
        }
        facts["modes"] |= {f"{player}_layers": modal.kinds() for player, modal in self._modal.items()}
        if self._raw_bounds[0] <= self._raw_bounds[1]:
            facts["objective.bounded_scores"] = self._raw_bounds[0] >= 0 and self._raw_bounds[1] <= 1
        facts["generator.graph_cut"] = self._cuts >= 2 and self._fed == 0 and not self._reversed
        facts["generator.gradient_reversed"] = self._reversed >= _REVERSED
        facts["generator.judges_others"] = (
            self._others >= _OFTEN and not self._cuts and not self._fed and "detached" in self.values
        )
        facts |= {f"loss.unused.{player}": count for player, count in self._unused.items()}
        facts["discriminator.steps"] = [self._again.own, self._again.foreign]
        facts["loss.reaches_scores"] = [self._sent[True], self._sent[False]]
        facts["loss.uses_fakes"] = [self._fakes_used[True], self._fakes_used[False]]
        facts["objective.composite"] = self.composite["judged"]
        facts["objective.composite.all"] = self.composite["all"]
        facts["problems"] = list(watcher.problems.sentences)
        return facts
