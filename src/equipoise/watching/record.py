"""One record: filled by the updates of both players, read out once, handed to the history."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from equipoise.watching import anatomy, beside, composite, conditions, recorder, statistics
from equipoise.watching.activations import BOUNDS
from equipoise.watching.attachment import shielded
from equipoise.watching.batches import Order, Seen
from equipoise.watching.energies import energies, reconstructs
from equipoise.watching.exchanged import reals_as_fakes
from equipoise.watching.foreign import Foreign
from equipoise.watching.isolation import unheard
from equipoise.watching.noise import all_alike
from equipoise.watching.passes import Assignment, DiscriminatorPass, GeneratorCall, Part
from equipoise.watching.shares import other_axis
from equipoise.watching.stale import Leftovers

if TYPE_CHECKING:
    from equipoise.watching.watcher import Watcher

_SNAPSHOT_VALUES = 64 * 3 * 64 * 64
# A penalty may have a step of its own beside that of the loss: the most of both counts.
_PENALTY_COUNTS = ("penalty.applied", "penalty.sent", "penalty.without_graph")


class RecordBuilder:
    """Collects the values of the current record; see the signal catalogue for what each is."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._values: dict[str, Any] = {}
        self._done: set[str] = set()
        self._before: dict[str, list[Tensor]] = {}
        self._copies = anatomy.Copies()
        self._reals, self._fakes = Seen(), Seen()
        self._latents: list[Seen] = []
        self._order = Order()
        self._lattice: tuple[float, float] | None = None
        self._discriminator: Assignment | None = None
        self._generator: Assignment | None = None
        self._half: Assignment | None = None
        self._windows = 0
        self._foreign: Foreign | None = None
        self._largest_gradient = 0.0
        self._names_classes = self._codes = self._given_codes = self._reconstructs = False
        self._again = False
        self._next_snapshot = 0

    @property
    def complete(self) -> bool:
        """Whether both players' updates were seen."""
        return len(self._done) == 2

    # ---- around the optimizer's step

    def before_update(self, player: str, leftovers: Leftovers) -> None:
        watcher, values = self._watcher, self._values
        if not watcher.updates[player]:
            watcher.facts.begins(player)
        self._foreign = leftovers.foreign
        gradients = watcher.gradients(player)
        if gradients:
            norm = statistics.total_norm(gradients)
            values[f"gradient.{player}"] = norm
            values[f"gradient.{player}.mean"] = statistics.mean_absolute(gradients)
            values[f"gradient.{player}.largest"] = statistics.largest_absolute(gradients)
            weights = [
                parameter.grad
                for parameter in watcher.network(player).parameters()
                if parameter.grad is not None and parameter.ndim > 1 and not parameter.grad.is_sparse
            ]
            if weights:
                values[f"gradient.{player}.layers"] = torch.stack(torch._foreach_norm(weights))
        if player == "discriminator" and (leak := leftovers.added()) is not None:
            # What the discriminator's backward pass added to the generator's gradient.
            values["gradient.generator.leak"] = leak
        parameters = [parameter.detach() for parameter in watcher.network(player).parameters()]
        if player == "discriminator" and parameters:
            # Read before the update, after whatever the loop did to the weights behind the last one.
            values["_weights.largest"] = statistics.bound_touched(parameters)
        self._before[player] = list(torch._foreach_mul(parameters, 1.0)) if parameters else []

    def _after_update(self, player: str) -> None:
        before = self._before.pop(player, [])
        after = [parameter.detach() for parameter in self._watcher.network(player).parameters()]
        if not before or len(before) != len(after):
            return
        size = statistics.total_norm(before)
        change = statistics.total_norm(torch._foreach_sub(after, before))
        self._values[f"update.{player}"] = change / size.clamp(min=1e-12)
        self._values[f"weights.{player}"] = size
        if player == "discriminator":
            self._values["weights.discriminator.largest"] = statistics.largest_absolute(after)

    def _stale(self, player: str, before: dict[str, Tensor]) -> None:
        after = self._values.get(f"gradient.{player}")
        if player in before and after is not None:
            self._values[f"gradient.{player}.stale"] = before[player] / after.clamp(min=1e-12)

    # ---- the players

    def discriminator(
        self, assignment: Assignment, stale: dict[str, Tensor], calls: Iterable[GeneratorCall]
    ) -> None:
        watcher = self._watcher
        self._after_update("discriminator")
        self._stale("discriminator", stale)
        if (added := self._foreign and self._foreign.discriminator(assignment)) is not None:
            self._values["gradient.discriminator.foreign"] = added
        seen = bool(assignment.real or assignment.fake or assignment.penalties)
        # Before a record's first update its passes may have been made, unseen, before the record began.
        if seen or self._windows:
            self._done.add("discriminator")
        self._windows += 1
        if not seen:
            return
        new_reals, new_fakes = bool(assignment.real), bool(assignment.fake)
        assignment = self._joined(assignment)
        real, fake = assignment.real, assignment.fake
        # A step of its own for the penalty leaves what was judged in the one beside it to be read.
        if real or fake or self._discriminator is None:
            self._discriminator = assignment
        watcher.facts.discriminator_roles(assignment)
        for one in assignment.penalties[-1:]:
            # With accumulated gradients the last penalty is that of the last part of the batch.
            watcher.reservoir.add_penalty(
                one, real[-1].samples if real else None, fake[-1].samples if fake else None
            )
        self._mode("discriminator", [part.owner for part in (*assignment.real, *assignment.fake)])
        counts = {name: self._values.get(name, 0.0) for name in _PENALTY_COUNTS}
        self._values |= recorder.discriminator_signals(
            assignment, watcher.roles.orientation, watcher.facts.boundary
        )
        for name, before in counts.items():
            self._values[name] = max(before, self._values[name])
        if not assignment.real:
            return
        part = assignment.real[0]
        reals = part.samples
        watcher.facts.real_batch(reals)
        watcher.reservoir.add_real(part)
        if new_reals:
            self._count(part)
        self._name(part)
        if assignment.fake:
            self._agreement("fake", assignment.fake)
            # One batch of fakes may serve several steps of the discriminator; a generator's step ends that.
            fakes, made = assignment.fake[0].samples, watcher.updates["generator"]
            if new_reals and new_fakes:
                self._values["batch.fake.real"] = reals_as_fakes(assignment.real, assignment.fake)
            if new_fakes:
                self._values["batch.fake.repeated"], _ = self._fakes.share(fakes, made, within=False)
            watcher.reservoir.add_fake(assignment.fake[0])
            same = beside.alike(part, assignment.fake[0], calls)
            self._values |= {} if same is None else {"condition.alike": float(same)}
            self._latent_of_fakes(assignment.fake[0])
            self._compare(part, assignment.fake[0])

    def _count(self, real: Part) -> None:
        reals = real.samples
        again, same = self._reals.share(reals, self._watcher.step)
        self._values["batch.real.repeated"] = again
        self._values["batch.real.same"] = float(same)
        self._values["batch.real.distinct"] = float(self._reals.distinct)
        # What another network makes of the reals (an encoder's codes) moves while that is trained. Detached,
        # it shows in that no real ever comes again.
        self._again = self._again or again > 0
        drift = None if real.owner.grown else self._order.drift(reals)
        if drift is not None and (self._again or not self._watcher.optimizers.others_trained):
            self._values["batch.real.drift"] = drift

    def _joined(self, assignment: Assignment) -> Assignment:
        """Reals and fakes of two steps in a row, where the loop updates after each half of the loss."""
        half, self._half = self._half, None
        if bool(assignment.real) == bool(assignment.fake):
            return assignment
        if half is None or bool(half.real) == bool(assignment.real):
            self._half = assignment
            return assignment
        whole = half.joined(assignment)
        self._watcher.roles.vote(whole)
        return whole

    def _compare(self, real: Part, fake: Part) -> None:
        watcher = self._watcher
        reals, fakes = real.samples, fake.samples
        if (
            real.owner.channels is None
            and fake.owner.channels is not None
            and fakes.shape[1:] != reals.shape[1:]
        ):
            reals = reals[:, fake.owner.channels]
        activation = watcher.facts.values.get("generator.output_activation")
        self._values |= recorder.sample_signals(reals, fakes, BOUNDS.get(activation or ""))
        if self._lattice is None:
            self._lattice, _ = statistics.best_lattice(statistics.first_rows(reals, 32))
        self._values["sample.real.lattice"] = statistics.lattice_share(reals, self._lattice)
        self._values["sample.fake.lattice"] = statistics.lattice_share(fakes, self._lattice)
        if (elsewhere := other_axis(reals, fakes)) is not None:
            self._values["sample.fake.elsewhere"] = float(elsewhere)

    def generator(
        self, assignment: Assignment, stale: dict[str, Tensor], calls: Iterable[GeneratorCall]
    ) -> None:
        watcher = self._watcher
        self._after_update("generator")
        self._stale("generator", stale)
        if self._foreign:
            self._foreign.generator(part.owner for part in assignment.generator)
        self._done.add("generator")
        watcher.facts.generator_roles(assignment)
        self._half = None
        self._windows += 1
        self._generator = assignment
        if not assignment.generator:
            self._values |= recorder.matched_share(assignment.matching)
            return
        self._agreement("generator", assignment.generator)
        if self._names_classes:
            self._values["condition.asked"] = float(assignment.asked_class)
        self._values |= recorder.generator_signals(assignment)
        shielded(watcher.problems, "composite", self._composite)(assignment.generator, calls)
        call = assignment.generator[0].owner.call
        if call is not None:
            self._mode("generator", [call])
            watcher.reservoir.add_call(call)
            watcher.facts.latent_and_condition(call)
            self._latent(call, watcher.step)

    def _mode(self, player: str, passes: Sequence[DiscriminatorPass | GeneratorCall]) -> None:
        known = [one.mode for one in passes if one.mode is not None]
        if known:
            self._values[f"mode.{player}"] = sum(known) / len(known)

    def _agreement(self, role: str, parts: list[Part]) -> None:
        # Fakes with wrong conditions may be shown on purpose, beside the same with the right ones.
        known = [share for part in parts if (share := conditions.agreement(part)) is not None]
        if known:
            self._values[f"condition.agreement.{role}"] = torch.stack(known).max()

    def _name(self, real: Part) -> None:
        found = conditions.named(real)
        if found is not None:
            self._names_classes = True
            self._values["condition.named"], self._values["condition.named.guess"] = found
        alike = conditions.kinship(real)
        if alike is not None:
            self._values["condition.kin"], self._values["condition.kin.chance"] = alike

    def _latent(self, call: GeneratorCall, step: int) -> None:
        _, latents = call.images_and_latents()
        self._given_codes = _coded(latents)
        self._codes |= self._given_codes
        if latents:
            self._values |= recorder.latent_signals(latents[0])
            # A sample to complete comes again in every epoch; the noise beside it must not.
            self._latents += [Seen() for _ in latents[len(self._latents) :]]
            shares = [seen.share(rows, step) for seen, rows in zip(self._latents, latents, strict=False)]
            # One row for a whole batch is a repeat in all of it, however small the batch.
            alike = all(map(all_alike, latents))
            self._values["latent.repeated"] = 1.0 if alike else min(again for again, _ in shares)
            self._values["latent.same"] = float(all(same for _, same in shares))
            self._values["latent.possible"] = max(map(statistics.possible_rows, latents))

    def _latent_of_fakes(self, fake: Part) -> None:
        """The law of the latents behind the discriminator's fakes, which may be drawn elsewhere."""
        if fake.owner.call is not None and fake.owner.link is not None:
            # Codes of an encoder beside drawn latents (a VAE-GAN) are meant to have a law of their own.
            _, latents = fake.owner.call.images_and_latents()
            self._codes |= _coded(latents)
            if latents and not self._codes:
                self._values |= recorder.latent_law(latents[0], "discriminator")

    def _drop_codes(self) -> None:
        """Codes that another network makes move while it is trained: they have no law to keep to.

        Under `no_grad` they look like drawn latents; the generator's step, which comes later, tells.
        """
        others = ("discriminator",) * self._codes + ("sampling", "average") * self._given_codes
        for name in [name for name in self._values if name.startswith("latent.")]:
            if name.split(".")[1] in others:
                del self._values[name]

    # ---- reading out

    def finish(self, seconds_per_step: float, watching: float) -> None:
        """Read everything out and hand it to the history."""
        watcher = self._watcher
        facts = watcher.facts
        batch = None
        if self._made and self._discriminator is not None and self._discriminator.fake:
            same = conditions.same_place(self._discriminator.fake[0], self._made[0])
            self._values |= {} if same is None else {"condition.place": float(same)}
        if self._discriminator is not None or self._generator is not None:
            reals = self._generator.real if self._generator is not None else []
            batch = recorder.fingerprint_batch(
                watcher.roles.orientation, self._discriminator, self._generator, reals
            )
            if self._energy():
                # A reconstruction's places are no scores of a family.
                batch = None
                self._values |= energies(self._discriminator, self._made)
            else:
                facts.fingerprint(batch)
        self._values |= watcher.sampling.take()
        self._drop_codes()
        heavy = watcher.schedule.heavy()
        if heavy:
            self._snapshot()
            watcher.averages.look(watcher.generator, watcher.updates["generator"])
            self._values["objective.fit"] = facts.refit()
            self._heavy()
        if batch is not None:
            self._values |= facts.losses(batch)
        values = _read_out(self._values)
        for what, share in facts.composite.items():
            facts.composite[what] = values.pop(f"_composite.{what}", share)
        bound = values.pop("_weights.largest", None)
        facts.limits({**values, "weights.discriminator.largest": bound})
        if "gradient.samples" in values:
            self._largest_gradient = max(self._largest_gradient, values["gradient.samples"])
            if self._largest_gradient > 0:
                values["gradient.samples.relative"] = values["gradient.samples"] / self._largest_gradient
        if "score.output.low" in values:
            facts.raw_outputs(values["score.output.low"], values["score.output.high"])
        scalars = [
            value for name, value in values.items() if isinstance(value, float) and _must_be_finite(name)
        ]
        values["finite"] = float(all(math.isfinite(value) for value in scalars))
        values["time.step"], values["time.watching"] = seconds_per_step, watching
        watcher.history.append(watcher.step, values, watcher.updates)
        if heavy:
            watcher.history.set_facts(facts.collect())
        self._values, self._done, self._before = {}, set(), {}
        self._discriminator = self._generator = self._half = None
        self._windows = 0

    def _energy(self) -> bool:
        """Whether the discriminator returns reconstructions, as its loss, or the generator's, shows."""
        seen = self._discriminator
        parts = [*(seen.real[:1] + seen.fake[:1] if seen is not None else []), *self._made[:1]]
        self._reconstructs = self._reconstructs or any(reconstructs(part) for part in parts)
        return self._reconstructs

    def _snapshot(self) -> None:
        # A few samples for the eye, ever more rarely.
        watcher, assignment = self._watcher, self._discriminator
        if (
            assignment is None
            or not assignment.real
            or not assignment.fake
            or watcher.step < self._next_snapshot
        ):
            return
        self._next_snapshot = max(int(watcher.step * 1.5), watcher.step + 50)
        for kind, part in (("real", assignment.real[0]), ("fake", assignment.fake[0])):
            samples = part.samples[:64].detach()
            if samples.numel() <= _SNAPSHOT_VALUES:
                watcher.history.add_samples(watcher.step, kind, samples.float().cpu().numpy())

    def _heavy(self) -> None:
        watcher = self._watcher
        discriminator = self._copies.get("discriminator", watcher.discriminator)
        generator = self._copies.get("generator", watcher.generator)
        with unheard(watcher), torch.enable_grad():
            # A network that cannot be called again in one of these ways still has the others.
            for name, measure in (
                ("steepness", self._steepness),
                ("features", self._features),
                ("dead-units", self._dead_units),
                ("singular-values", self._singular_values),
            ):
                shielded(watcher.problems, name, measure)(generator, discriminator)

    @property
    def _made(self) -> list[Part]:
        return self._generator.generator if self._generator is not None else []

    def _steepness(self, _: nn.Module, discriminator: nn.Module) -> None:
        if self._made:
            self._values |= anatomy.steepness(discriminator, self._made[0])

    def _features(self, _: nn.Module, discriminator: nn.Module) -> None:
        if self._discriminator is not None and self._discriminator.real and self._discriminator.fake:
            real, fake = self._discriminator.real[0], self._discriminator.fake[0]
            self._values |= anatomy.feature_signals(
                discriminator, real.owner, _whole(real), fake.owner, _whole(fake)
            )

    def _dead_units(self, generator: nn.Module, discriminator: nn.Module) -> None:
        call = self._made[0].owner.call if self._made else None
        if call is not None:
            dead = anatomy.dead_share(
                generator, lambda copied: anatomy.call_again(copied, call.args, call.kwargs)
            )
            if dead is not None:
                self._values["activation.dead"] = dead
        if self._discriminator is not None and self._discriminator.real:
            given = self._discriminator.real[0].owner
            dead = anatomy.dead_share(
                discriminator, lambda copied: anatomy.call_again(copied, given.args, given.kwargs)
            )
            if dead is not None:
                self._values["activation.dead.discriminator"] = dead

    def _singular_values(self, generator: nn.Module, discriminator: nn.Module) -> None:
        for player, network in (("generator", generator), ("discriminator", discriminator)):
            largest = anatomy.largest_singular_values(network)
            if largest is not None:
                self._values[f"spectral.{player}"] = largest

    def _composite(self, parts: list[Part], calls: Iterable[GeneratorCall]) -> None:
        # What reached the generator's output beside the discriminator's gradient.
        watcher, copied = self._watcher, None
        # A term of the discriminator's features looks adversarial until the scores are sent back alone.
        if watcher.schedule.heavy() and any(part.owner.beside for part in parts):
            copied = self._copies.get("discriminator", watcher.discriminator)
        with unheard(watcher):
            found = composite.shares(parts, calls, copied)
        self._values |= {f"_composite.{what}": share for what, share in found.items()}


def _coded(latents: list[Tensor]) -> bool:
    """Whether another network made the latent; a class that an embedding makes beside it is no code."""
    return any(latent.grad_fn is not None for latent in latents[:1])


def _whole(part: Part) -> Tensor:
    value = part.owner.samples
    if part.samples_path is not None:
        value = part.owner.sample_at(part.samples_path)
    return value if part.rows is None or len(value) != len(part.score.values) else value[part.rows]


def _must_be_finite(name: str) -> bool:
    return name.startswith(
        (
            "score.real.mean", "score.fake.mean", "score.generator.mean", "gradient.generator",
            "gradient.discriminator", "sample.fake", "sample.real.mean", "weights",
        )
    )  # fmt: skip


def _read_out(values: dict[str, Any]) -> dict[str, Any]:
    """All tensors to numbers with one transfer for the scalars."""
    names = [name for name, value in values.items() if isinstance(value, Tensor) and value.ndim == 0]
    result = {name: value for name, value in values.items() if not isinstance(value, Tensor)}
    if names:
        device = values[names[0]].device
        stacked = torch.stack([values[name].detach().to(device, torch.float64) for name in names])
        result |= dict(zip(names, stacked.tolist()))
    for name, value in values.items():
        if isinstance(value, Tensor) and value.ndim:
            result[name] = value.detach().double().cpu().tolist()
    return result
