"""The watcher: hooks on both networks and on all optimizers, and the record they fill."""

from __future__ import annotations

import itertools
import time
import weakref
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from equipoise.watching.asked import Asked
from equipoise.watching.attachment import Hook, Problems, harmless, hook_targets, shielded, unwrapped
from equipoise.watching.averages import Averages
from equipoise.watching.classes import Reading, Readings
from equipoise.watching.composite import settle
from equipoise.watching.conditions import asked_class
from equipoise.watching.direct import DirectCalls, can_be_listened_to
from equipoise.watching.facts import RunningFacts
from equipoise.watching.gradients import keep_gradient, keep_input_gradient, listen_behind, listen_beside
from equipoise.watching.links import StorageSet, descends, entrances, made_before, mark_ancestry, recognised
from equipoise.watching.members import Members, takes_part, without_forward
from equipoise.watching.optimizers import PLAYERS, Owners, Player
from equipoise.watching.passes import DiscriminatorPass, GeneratorCall, settle_slopes, still_waiting
from equipoise.watching.record import RecordBuilder
from equipoise.watching.reservoir import Reservoir
from equipoise.watching.roles import Roles, reals_beside
from equipoise.watching.sampling import SamplingCalls
from equipoise.watching.schedule import Schedule
from equipoise.watching.scores import (
    Answers,
    Score,
    choose_scores,
    listen,
    terminal_tensors,
)
from equipoise.watching.stale import Leftovers
from equipoise.watching.treated import link_changed
from equipoise.watching.tree import Path, floating_tensors

_identities = itertools.count(1)
# A record waits this many updates for both players before it is closed with what there is.
_PATIENCE = 24
_UNTIL_GENERATOR = 30
# The discriminator's `forward` is listened to after this many updates without a pass that was seen.
_UNEXPLAINED = 2


class Recording(Protocol):
    """Where records go; `equipoise.history.store.History` is one."""

    def append(self, step: int, values: Mapping[str, Any], updates: Mapping[str, int]) -> None: ...
    def set_facts(self, facts: Mapping[str, Any]) -> None: ...
    def add_probe(self, name: str, step: int, values: Mapping[str, float]) -> None: ...
    def add_samples(self, step: int, kind: str, array: Any) -> None: ...


class Watcher:
    """Watches one pair of networks in any loop.

    Args:
        generator, discriminator: the networks, also wrapped by DistributedDataParallel or torch.compile.
        history: where records go.
        objective: the family, if the user names it.
        every: record each `every`-th step; None for a schedule by cost.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        history: Recording,
        *,
        objective: str | None = None,
        every: int | None = None,
    ) -> None:
        self.generator, self.discriminator = unwrapped(generator), unwrapped(discriminator)
        watched = [(generator, "_on_generator"), (discriminator, "_on_discriminator")]
        if without_forward(self.discriminator):
            members = Members(self.discriminator)
            self.discriminator = members
            watched = [watched[0], *((one, "_on_member") for one in members.members)]
        self.history = history
        self.problems = Problems()
        self.roles = Roles()
        self.schedule = Schedule(every)
        self.reservoir = Reservoir()
        self.sampling = SamplingCalls()
        self.averages = Averages(Hook(self, "_on_generator_copy"))
        self.updates: dict[str, int] = dict.fromkeys(PLAYERS, 0)
        self.step = 0
        self.busy = False
        self._identity = next(_identities)
        self.optimizers = Owners(self.generator, self.discriminator)
        self._storages, self._tag_real, self._tag_fake = StorageSet(), StorageSet(), StorageSet()
        self._calls: deque[GeneratorCall] = deque(maxlen=6)
        self._outputs: deque[tuple[weakref.ref[Tensor], GeneratorCall, Path]] = deque(maxlen=16)
        self._passes: list[DiscriminatorPass] = []
        self._carry: set[int] = set()
        self._sampling = True
        self._latest: GeneratorCall | None = None
        self._path: Path | None = None
        self._pairwise: bool | None = None
        self._called = self._by_parts = False
        self._directly: set[str] = set()
        self._unexplained = 0
        self._order = 0
        self._answers = Answers()
        self._asked = Asked(self.generator, self.discriminator)
        self.readings = Readings()
        self._leftovers = Leftovers(self.gradients, self.generator, self.discriminator, self.problems)
        self._leaf_hooks: list[Any] = []
        self._closes = 0
        self._spent = 0.0
        self._record_time = time.perf_counter()
        self._record_step = 0
        self.facts = RunningFacts(self, objective)
        self.record = RecordBuilder(self)
        self._handles: list[RemovableHandle | DirectCalls] = [
            target.register_forward_hook(Hook(self, method), with_kwargs=True)
            for network, method in watched
            for target in hook_targets(network)
        ]
        self._handles.append(register_optimizer_step_pre_hook(Hook(self, "_before_update")))
        self._handles.append(register_optimizer_step_post_hook(Hook(self, "_after_update")))

    def close(self) -> None:
        """Remove every hook; the networks are as they were."""
        for handle in (*self._handles, self.averages):
            handle.remove()
        self._handles.clear()
        self._forget()
        self._latest = None

    @property
    def closed(self) -> bool:
        return not self._handles

    def count_on(self, updates: Mapping[str, int]) -> None:
        """Go on counting where an earlier process stopped; before the first update of this one."""
        self.updates.update(updates)
        self.step = self._record_step = max(self.updates.values())

    def tag(self, tensor: Tensor, role: str) -> None:
        """The user's own word on a batch."""
        self.roles.tagged = True
        own, other = (self._tag_real, self._tag_fake) if role == "real" else (self._tag_fake, self._tag_real)
        other.discard(tensor)
        own.add(tensor)

    # ---- forward passes

    @harmless("generator-calls")
    def _on_generator(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if self.busy:
            return
        self._called = True
        outputs = self._mark(output)
        self.sampling.generator_called(args, kwargs, outputs)
        if not self._sampling and outputs:
            # The next record may begin between the generator's update and the step that judges these.
            if self.step + 1 >= self._record_step + self.schedule.interval(self._record_step):
                made = [(path, value.detach()) for path, value in outputs]
                self._latest = GeneratorCall(args, kwargs, made, False, module.training)
            return
        if not outputs:
            return
        started = time.perf_counter()
        call = GeneratorCall(
            args,
            kwargs,
            [(path, value.detach()) for path, value in outputs],
            graph=outputs[0][1].requires_grad,
            training=module.training,
            made=made_before(floating_tensors((args, kwargs)), self._identity),
        )
        for path, value in outputs:
            if value.requires_grad:
                keep = keep_gradient(call, path, Hook(self, "_note_gradients"))
                value.register_hook(shielded(self.problems, "generator-gradients", keep))
                self.facts.generator_output(value)
                self._leftovers.output(value)
            self._outputs.append((weakref.ref(value), call, path))
        self._calls.append(call)
        self.facts.generator_call(call)
        self._spent += time.perf_counter() - started

    def _mark(self, output: Any) -> list[tuple[Path, Tensor]]:
        outputs = floating_tensors(output)
        for _, value in outputs:
            self._storages.add(value)
            mark_ancestry(value, self._identity)
        return outputs

    @harmless("generator-parts")
    def _on_generator_part(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if not self.busy:
            self._mark(output)

    def _listen_to_parts(self) -> None:
        """For a generator that is trained but never called itself: the loop calls its parts, as StyleGAN's
        does, or `forward`. Their outputs show which samples are its own; how they came about is not known.
        """
        self._by_parts = True
        self._listen_directly("generator")
        hook = Hook(self, "_on_generator_part")
        for part in self.generator.children():
            self._handles.append(part.register_forward_hook(hook, with_kwargs=True))

    def _listen_directly(self, player: Player) -> None:
        """For a network that is trained without having been called: the loop may call its `forward`."""
        network = self.network(player)
        if player in self._directly or not can_be_listened_to(network):
            return
        self._directly.add(player)
        self._handles.append(DirectCalls(network, Hook(self, f"_on_{player}")))

    @harmless("averages")
    def _on_generator_copy(self, module: nn.Module, *call: Any) -> None:
        if not self.busy:
            self.averages.seen(module)
            self.sampling.copy_called(self.averages.modules(), module, *call)

    @harmless("discriminator-passes")
    def _on_discriminator(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if self.busy:
            return
        if self.sampling.waiting:
            self.sampling.discriminator_called(floating_tensors((args, kwargs)))
        if not self._sampling:
            return
        started = time.perf_counter()
        # What the last update left over was waiting for the other player only.
        self._passes = [one for one in self._passes if id(one) not in self._carry]
        self._carry = set()
        one = self._read_pass(module, args, kwargs)
        begins = Hook(self, "_note_gradients")
        if one is not None and takes_part(self.discriminator, one, module, self._passes):
            terminals = terminal_tensors(output)
            chosen, certain = choose_scores(terminals, tuple(one.samples.shape[1:]))
            if self._answers.only_features(one.member, terminals, tuple(one.samples.shape[1:])):
                chosen = []
            one.certain = certain
            one.asked = self._asked if one.attached else one.asked
            by_path = dict(terminals)
            rows, read = len(one.samples), self._on_reading
            one.scores = [
                listen(
                    path, by_path[path], rows, self._on_slope, self._on_fault, self.readings, read, one.asked
                )
                for path in chosen
            ]
            outputs = [by_path[path] for path in chosen]
            if one.pairs and not self._judges_pairs(one, outputs):
                one.pairs = []
            others = [value for path, value in terminals if path not in chosen]
            listen_beside(one, others, begins, self.problems)
            if one.attached or one.grown:
                live = self._live_sample(args, kwargs, one.path)
                listen_behind(one, live, outputs, others, begins, self.problems)
            self._passes.append(one)
            self.facts.discriminator_pass(one, module, output)
        elif one is not None:  # a member that judges something else may be reached before those that are seen
            listen_beside(one, [value for _, value in terminal_tensors(output)], begins, self.problems)
        self._spent += time.perf_counter() - started

    def _on_member(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        """One of several discriminators in a container; `_on_discriminator` shields what it does."""
        if isinstance(self.discriminator, Members):
            place = self.discriminator.place(unwrapped(module))
            self._on_discriminator(module, args, kwargs, self.discriminator.answer(place, output))

    def _read_pass(self, module: nn.Module, args: Any, kwargs: Any) -> DiscriminatorPass | None:
        given = [entry for entry in floating_tensors({"args": args, "kwargs": kwargs}) if entry[1].ndim >= 1]
        if not given:
            self.facts.values["discriminator.discrete"] = True
            return None
        links = {path: recognised(value, self._outputs, self._calls, self._storages) for path, value in given}
        path = self._sample_path(given, links)
        value = dict(given)[path]
        link, call, output_path, rows, channels = links[path]
        attached = value.requires_grad and value.grad_fn is not None and descends(value, self._identity)
        if attached and link is None:
            link = "ancestry"
        if attached and call is None:
            # Behind an augmentation the values differ; the fakes are those of the last call with a graph.
            call = next((known for known in reversed(self._calls) if known.graph), None)
        tagged = "real" if value in self._tag_real else "fake" if value in self._tag_fake else None
        one = DiscriminatorPass(
            args=args,
            kwargs=kwargs,
            path=path,
            samples=value.detach(),
            attached=attached,
            grown=value.grad_fn is not None,
            link=link,
            tagged=tagged,  # type: ignore[arg-type]
            training=module.training,
            rows=rows,
            channels=channels,
            call=call,
            output_path=output_path,
            differentiable=value.requires_grad and not attached,
        )
        if link is not None:
            self.facts.companions |= {at for at, _ in given if at != path and links[at][0] is not None}
            one.pairs = [
                other
                for other, candidate in given
                if other != path
                and candidate.shape == value.shape
                and links[other][0] is None
                and not (candidate.requires_grad and descends(candidate, self._identity))
            ]
        if value.requires_grad:
            hooks = Hook(self, "_note_at_penalty"), Hook(self, "_note_gradients")
            keep = keep_input_gradient(one, *hooks, self.discriminator, self.problems)
            handle = value.register_hook(shielded(self.problems, "input-gradients", keep))
            if value.is_leaf:
                # A leaf may outlive the step (a fixed batch of reals); its hook must not.
                self._leaf_hooks.append(handle)
        return one

    def _judges_pairs(self, one: DiscriminatorPass, outputs: list[Tensor]) -> bool:
        """Whether two samples of one shape in a call are a real and a fake, each with scores of its own.

        Otherwise the other one is a condition: an image to translate has the shape of its translation.
        """
        if len(outputs) < 2:
            return False
        if one.attached:
            live = self._live_sample(one.args, one.kwargs, one.path)
            reached = [bool(entrances([output], live)) for output in outputs]
            if any(reached):
                self._pairwise = not all(reached)
        return len(outputs) % 2 == 0 if self._pairwise is None else self._pairwise

    def _correct_sample(self, path: Path, shape: Sequence[int]) -> None:
        """The generator's own sample has shown the place; passes of this step that were read otherwise."""
        for one in self._passes:
            if one.link is None and one.path != path and not one.sloped and not one.penalty_norms:
                given = dict(floating_tensors({"args": one.args, "kwargs": one.kwargs}))
                if path in given and given[path].shape == (len(one.samples), *shape):
                    one.path, one.samples = path, given[path].detach()

    @staticmethod
    def _live_sample(args: Any, kwargs: Any, path: Path) -> Tensor:
        return dict(floating_tensors({"args": args, "kwargs": kwargs}))[path]

    def _sample_path(self, given: list[tuple[Path, Tensor]], links: dict[Path, Any]) -> Path:
        paths = [path for path, _ in given]
        linked = [path for path, _ in given if links[path][0] is not None]
        if linked and self._path not in linked:
            # The generator's own sample shows which argument is the sample.
            self._path = linked[0]
            self._correct_sample(linked[0], dict(given)[linked[0]].shape[1:])
        if self._path in paths:
            return self._path
        return max(given, key=lambda entry: (entry[1].ndim >= 2, entry[1].numel()))[0]

    def _on_slope(self, score: Score) -> None:
        # Each backward pass counts: an adaptive weight asks for slopes before the loss is sent back.
        self._note_gradients()
        score.tasks.add(self._leftovers.task)
        if score.order < 0:
            self._order += 1
            score.order = self._order

    def _on_reading(self, path: Path, reading: Reading) -> None:
        for one in self._passes:
            for score in one.scores:
                if score.path == path:
                    score.read_as(reading)

    def _on_fault(self, error: Exception) -> None:
        self.problems.report("slopes", error)

    @harmless("stale-gradients")
    def _note_gradients(self) -> None:
        self._leftovers.backward()

    @harmless("stale-gradients")
    def _note_at_penalty(self) -> None:
        self._leftovers.penalty()

    # ---- updates

    def network(self, player: str) -> nn.Module:
        return self.generator if player == "generator" else self.discriminator

    def optimizer_facts(self) -> list[dict[str, Any]]:
        """Settings and shares of every optimizer seen."""
        return self.optimizers.facts()

    def gradients(self, player: str, without: Collection[int] = ()) -> list[Tensor]:
        found = [one.grad for one in self.network(player).parameters() if id(one) not in without]
        return [gradient for gradient in found if gradient is not None and not gradient.is_sparse]

    @harmless("optimizer")
    def _before_update(self, optimizer: Optimizer, *_: Any) -> None:
        players = self.optimizers.players(optimizer)
        if not players or not self._sampling or self.busy:
            return
        started = time.perf_counter()
        for player in players:
            self.record.before_update(player, self._leftovers)
        self._spent += time.perf_counter() - started

    @harmless("updates")
    def _after_update(self, optimizer: Optimizer, *_: Any) -> None:
        players = self.optimizers.players(optimizer)
        if not players or self.busy:
            return
        started = time.perf_counter()
        if "generator" in players and not (self._called or self._by_parts):
            self._listen_to_parts()
        self.sampling.updated()
        for player in players:
            self.updates[player] += 1
        self.step = max(self.updates.values())
        if self._sampling:
            for player in players:
                self._close_window(player, optimizer)
            self._closes += 1
            if self.record.complete or self._closes >= _PATIENCE:
                self._finish_record(started)
            else:
                self._spent += time.perf_counter() - started
        else:
            due = self._record_step + self.schedule.interval(self._record_step)
            # Behind the generator's update: from there on both players' next updates are seen whole, with the
            # calls that made their fakes. A generator that is never updated is not waited for.
            if self.step >= due and ("generator" in players or self.step >= due + _UNTIL_GENERATOR):
                self._start_record()

    def _close_window(self, player: Player, optimizer: Optimizer) -> None:
        stale = self._leftovers.take()
        settle_slopes(self._passes, player, optimizer)
        if player == "discriminator":
            link_changed(self._passes, self._calls)
            assignment = self.roles.discriminator_step(self._passes)
            kept = assignment.leftover
            if not (assignment.real or assignment.fake or assignment.undecided):
                self._unexplained += 1
                # A step whose gradient came through no pass that was seen.
                if self._unexplained >= _UNEXPLAINED and self.gradients("discriminator"):
                    self._listen_directly("discriminator")
            self.record.discriminator(assignment, stale, self._calls)
            self.facts.sent(self._passes)
        else:
            second = {id(one) for one in self._passes if any(len(score.slopes) > 1 for score in one.scores)}
            assignment = self.roles.generator_step(self._passes, second if self._carry else None)
            assignment.matching = [one for one in self._passes if one.matched]
            assignment.asked_class = any(asked_class(one) for one in self._passes if one.attached)
            assignment.real = reals_beside(assignment, self._passes)
            # If both losses were sent back before either update, the discriminator's passes still wait.
            used = {id(part.owner) for part in assignment.generator if not part.reversed}
            kept = [one for one in self._passes if one.sloped and id(one) not in used]
            self.record.generator(assignment, stale, self._calls)
        settle(self._calls)
        self.facts.update(self._passes, assignment, player, optimizer)
        self._passes = [*kept, *still_waiting(self._passes)]
        self._carry = {id(one) for one in self._passes if one.sloped}

    def _start_record(self) -> None:
        self._sampling = True
        self._forget()
        self._calls.extend([] if self._latest is None else [self._latest])
        self._latest = None

    def _finish_record(self, started: float) -> None:
        elapsed = time.perf_counter() - self._record_time
        spent = self._spent + time.perf_counter() - started
        steps = self.step - self._record_step
        self.record.finish(elapsed / max(steps, 1), spent / max(elapsed, 1e-9))
        now = time.perf_counter()
        self.schedule.spent(self._spent + now - started, now - self._record_time, steps)
        self._spent = 0.0
        self._record_time, self._record_step = now, self.step
        self._closes = 0
        last = self._calls[-1] if self._calls else None
        self._forget()
        self._sampling = self.schedule.interval(self.step) <= 1
        if self._sampling and last is not None:
            # The next record follows at once, and its first batch may hold the fakes of this one.
            self._calls.append(last)

    def _forget(self) -> None:
        self._passes, self._carry = [], set()
        self._leftovers.forget()
        self._outputs.clear()
        self._calls.clear()
        for handle in self._leaf_hooks:
            handle.remove()
        self._leaf_hooks.clear()
