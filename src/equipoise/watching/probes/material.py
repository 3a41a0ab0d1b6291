"""What probes work with: copies of the networks, remembered reals and calls, and fresh fakes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from equipoise.watching.anatomy import Copies
from equipoise.watching.isolation import isolated_copy, module_device, plain_numbers
from equipoise.watching.probes.forms import Form, fitted
from equipoise.watching.probes.latents import Latent, find_latents, redraw
from equipoise.watching.probes.scoring import score_paths, scores
from equipoise.watching.reservoir import Penalised
from equipoise.watching.statistics import row_fingerprints
from equipoise.watching.tree import Path, floating_tensors, map_tensors, tensors

if TYPE_CHECKING:
    from equipoise.watching.probes.payoff import Payoff
    from equipoise.watching.watcher import Watcher

# A probe looks at no more rows and values than this, so that all probes together stay within a few seconds.
ROWS, FEWEST_ROWS = 512, 128
BATCH = 64
_VALUES = 1_600_000


class ProbeSkipped(Exception):  # noqa: N818  it is no error, it is an answer
    """What a probe needs has not been seen; the message says what."""


@dataclass(frozen=True)
class FakeBatch:
    """Fakes and the form in which the discriminator is given them, row by row."""

    samples: Tensor
    form: Form


@dataclass(frozen=True)
class Game:
    """A batch of reals and a generator call, with the forms in which the discriminator is given both."""

    real: Form
    fake: Form
    call: tuple[Any, Any]


class Material:
    """Everything a probe may look at; nothing of it is the user's own.

    Attributes:
        facts: what is known of the run.
        orientation: +1 if a higher score means real, -1 if a lower one does, nan if that is not known.
        pack: how many samples the discriminator judges together; 1 for most.
        forms: remembered calls of the discriminator on reals, at most `ROWS` rows in all.
        latents: the noise among the generator's inputs.
        penalties: what the loop's own gradient penalty was applied to lately.
        held_out: reals that the discriminator never trained on, if the user gave any.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._copies = Copies()
        self._random = torch.Generator().manual_seed(0)
        self._start = 0
        self._found_paths: dict[Path, list[Path]] = {}
        self._fresh: list[FakeBatch] = []
        self.facts: dict[str, Any] = watcher.facts.collect()
        self.orientation = float(watcher.roles.orientation or float("nan"))
        reservoir = watcher.reservoir
        self.pack = reservoir.pack
        paired = list(reservoir.pairs)
        self._linked = bool(paired)
        fakes = [Form(*entry) for entry in reservoir.fakes]
        self._stored_fakes = [form for form in fakes if form.rows]
        channels = next((form.channels for form in fakes if form.channels is not None), None)
        self.forms = _spread([_with_channels(Form(*entry), channels) for entry in reservoir.reals])
        self._pairs = [(call, Form(*entry)) for call, entry in paired]
        self._calls: list[tuple[Any, Any]] = [*reservoir.calls, *(call for call, _ in paired)]
        shape = tuple(self.forms[0].samples.shape[1:]) if self.forms else ()
        self.penalties: list[Penalised] = list(reservoir.penalties)
        self.held_out: Tensor | None = reservoir.held_out
        self.latents: list[Latent] = find_latents(self._calls, shape)

    # ---- networks

    def generator(self, training: bool | None = None) -> nn.Module:
        """A copy as the generator is now, in the mode the loop trains it in, or in the one asked for."""
        return self._copy("generator", self._watcher.generator, training)

    def discriminator(self, training: bool | None = None) -> nn.Module:
        """A copy as the discriminator is now, in the mode the loop trains it in, or in the one asked for."""
        return self._copy("discriminator", self._watcher.discriminator, training)

    def averaged(self) -> nn.Module | None:
        """A copy of the generator's moving average in eval mode; None if none was seen."""
        seen = self._watcher.averages.modules()
        return isolated_copy(seen[-1]).eval() if seen else None

    def _copy(self, player: str, network: nn.Module, training: bool | None) -> nn.Module:
        copied = self._copies.get(player, network)
        if training is None:
            share = (self.facts.get("modes") or {}).get(f"{player}_training")
            # Sampling in eval mode in between must not be taken for the mode of the training.
            training = copied.training if share is None else share > 0.5
        if copied.training != training:
            copied.train(training)
        return copied

    # ---- reals

    @cached_property
    def reals(self) -> Tensor:
        """Remembered reals without repetitions, as the discriminator was given them, without conditions."""
        return self._all_reals[self.distinct]

    @cached_property
    def _all_reals(self) -> Tensor:
        if not self.forms:
            raise ProbeSkipped("no batch of reals was recognised yet")
        shape = self.forms[0].samples.shape[1:]
        return torch.cat([form.samples.float() for form in self.forms if form.samples.shape[1:] == shape])

    @cached_property
    def distinct(self) -> Tensor:
        """Which of all remembered reals to use: the first of equal ones, in a fixed shuffled order."""
        prints = row_fingerprints(self._all_reals).cpu()
        _, inverse = prints.unique(return_inverse=True)
        first = torch.full((int(inverse.max()) + 1,), len(prints))
        first = first.scatter_reduce(0, inverse, torch.arange(len(prints)), "amin")
        order = torch.randperm(len(first), generator=torch.Generator().manual_seed(1))
        return first[order].to(self._all_reals.device)

    def real_scores(self, discriminator: nn.Module) -> Tensor:
        """The mean score of each of `reals`, oriented, from batches as the loop gave them."""
        values = [self.score(discriminator, form).mean(dim=1) for form in self.forms]
        return torch.cat(values)[self.distinct.to(values[0].device)] * self.orientation

    # ---- scores

    @property
    def sigmoid(self) -> bool:
        """Whether the discriminator ends in a sigmoid; scores are taken before it."""
        return self._watcher.facts.sigmoid

    @property
    def boundary(self) -> float | None:
        """The score, not oriented, at which the discriminator is undecided, by the fitted family."""
        return self._watcher.facts.boundary

    def loss_scale(self, payoff: Payoff) -> float:
        """How many times larger the loop's generator loss is than the family's; 1 if that is not known."""
        batch = self._watcher.facts.newest
        if batch is None or not len(batch.generator_slope):
            return 1.0
        beside = torch.from_numpy(batch.generator_real) if len(batch.generator_real) else None
        try:
            own = payoff.slope(torch.from_numpy(batch.generator), beside).numpy()
        except ProbeSkipped:
            return 1.0
        if len(own) != len(batch.generator_slope) or not float(own @ own) > 0:
            return 1.0
        scale = float(own @ batch.generator_slope) / float(own @ own)
        return scale if scale > 0 else 1.0

    def _paths(self, form: Form) -> list[Path]:
        known = self._found_paths.get(form.path)
        if known is not None:
            return known
        with plain_numbers(module_device(self._watcher.discriminator)):
            discriminator = self.discriminator()
            around = torch.arange(form.rows + -form.rows % self.pack) % form.rows
            args, kwargs = fitted(form.filled(None, around), discriminator)
            paths = score_paths(discriminator, args, kwargs, tuple(form.stored.shape[1:]), form.path)
        if not paths:
            raise ProbeSkipped("no score was found in what the discriminator returns")
        self._found_paths[form.path] = paths
        return paths

    def score(
        self,
        discriminator: nn.Module,
        form: Form,
        samples: Tensor | None = None,
        index: Tensor | None = None,
        *,
        condition_index: Tensor | None = None,
        graph: bool = False,
        seed: int | None = None,
    ) -> Tensor:
        """Scores (rows, places) before a final sigmoid, not oriented; see `Form.filled`.

        Args:
            graph: keep the graph to `samples` and to the parameters.
            seed: repeat the network's own chance (dropout) of an earlier call, and leave its state (the power
                iteration of spectral normalisation) as it was for the next.
        """
        paths = self._paths(form)
        rows = len(index) if index is not None else len(samples) if samples is not None else form.rows
        total = rows + -rows % self.pack
        if total > rows:
            # The last pack is filled up with rows from the start, and they are left out of the answer.
            around = torch.arange(total) % rows
            index = (torch.arange(rows) % form.rows if index is None else index)[around]
            samples = None if samples is None else samples[around.to(samples.device)]
            condition_index = None if condition_index is None else condition_index[around]
        args, kwargs = form.filled(samples, index, condition_index=condition_index)
        args, kwargs = fitted((args, kwargs), discriminator)
        if seed is not None:
            torch.manual_seed(seed)
        state = [] if seed is None or graph else _small_state(discriminator)
        with torch.set_grad_enabled(graph):
            result = scores(discriminator, args, kwargs, paths, total, self._watcher.readings.known)[:rows]
        # Read again by name: spectral normalisation also exchanges its vectors for new tensors.
        for (_, now), (_, before) in zip(_named_state(discriminator) if state else [], state):
            now.data.copy_(before)
        return result

    # ---- fakes

    def call(self, generator: nn.Module, args: Any, kwargs: Any) -> Tensor:
        """The generator's samples for a call, in the shape in which the discriminator takes them."""
        args, kwargs = fitted((args, kwargs), generator)
        found = [value for _, value in floating_tensors(generator(*args, **kwargs))]
        if not found:
            raise ProbeSkipped("the generator returned no tensor of numbers")
        wanted = self.forms[0].samples.shape[1:] if self.forms else found[0].shape[1:]
        for value in found:
            if value.shape[1:] == wanted:
                return value
        for value in found:
            if value.ndim and value[:1].numel() == wanted.numel():
                return value.reshape(len(value), *wanted)
        raise ProbeSkipped(
            "the generator's output has not the shape of the samples given to the discriminator"
        )

    @property
    def calls(self) -> list[tuple[Any, Any]]:
        """Remembered generator calls, newest first, at most `BATCH` rows each."""
        if not self._calls:
            raise ProbeSkipped("no call of the generator was recognised yet")
        return [_first(call, BATCH) for call in reversed(self._calls)]

    def shortened(self, call: tuple[Any, Any], rows: int) -> tuple[Any, Any]:
        """The first rows of a call."""
        return _first(call, rows)

    def redrawn(self, call: tuple[Any, Any]) -> tuple[Any, Any]:
        """A remembered call with fresh noise; its conditions stay."""
        tree = redraw({"args": call[0], "kwargs": call[1]}, self.latents, self._random, self._start)
        self._start += _rows(call)
        return tree["args"], tree["kwargs"]

    def fakes(self, count: int) -> list[FakeBatch]:
        """At least `count` fakes in batches, from the generator as it is now and fresh noise.

        Where the loop changes fakes on the way to the discriminator (augmentation), fresh ones would not be
        like what it is given; then the remembered fakes are all there is, which may be fewer.
        """
        if not self._linked:
            if self._stored_fakes:
                return [FakeBatch(form.samples.float(), form) for form in self._stored_fakes]
            raise ProbeSkipped("no batch of fakes was recognised yet")
        generator = self.generator()
        while sum(len(batch.samples) for batch in self._fresh) < count:
            call, form = self._pairs[-1 - len(self._fresh) % len(self._pairs)]
            rows = min(BATCH, form.rows, _rows(call))
            call, form = self.redrawn(_first(call, rows)), form.first(rows)
            torch.manual_seed(len(self._fresh))
            with torch.no_grad():
                samples = self.call(generator, *call).float()
            if not len(samples):
                raise ProbeSkipped("the generator returned an empty batch")
            self._fresh.append(FakeBatch(samples[:rows], form.first(len(samples[:rows]))))
        return self._fresh

    def fake_samples(self, count: int) -> Tensor:
        """At most `count` fakes as one tensor."""
        batches = [batch.samples for batch in self.fakes(count)]
        return torch.cat([samples for samples in batches if samples.shape[1:] == batches[0].shape[1:]])[
            :count
        ]

    def different_fakes(self, count: int) -> Tensor:
        """At most `count` fakes of different inputs.

        Where a latent can be redrawn, all are. A generator of images answers a repeated input with the same
        output, which says nothing about its diversity: each input counts once.
        """
        if self.latents or not self._linked:
            return self.fake_samples(count)
        generator = self.generator()
        seen: set[float] = set()
        kept: list[Tensor] = []
        for call, form in reversed(self._pairs):
            rows = min(BATCH, form.rows, _rows(call))
            call = _first(call, rows)
            given = next((value for _, value in floating_tensors(call) if value.ndim > 1), None)
            if given is None or len(given) != rows:
                continue
            torch.manual_seed(0)
            with torch.no_grad():
                samples = self.call(generator, *call).float()
            fresh = []
            for row, value in enumerate(row_fingerprints(given).tolist()):
                if value not in seen and row < len(samples):
                    seen.add(value)
                    fresh.append(row)
            kept.append(samples[fresh])
            if len(seen) >= count:
                break
        if not kept:
            return self.fake_samples(count)
        return torch.cat(kept)[:count]

    def fake_scores(self, discriminator: nn.Module, count: int) -> Tensor:
        """The mean score of each of `fake_samples(count)`, oriented, batch by batch."""
        values = [
            self.score(discriminator, batch.form, batch.samples).mean(dim=1) for batch in self.fakes(count)
        ]
        return torch.cat(values)[:count] * self.orientation

    # ---- both together

    def games(self, rows: int) -> tuple[Game, Game]:
        """Two batches to play on: different reals and different latents, as far as there are any."""
        if not self.forms:
            raise ProbeSkipped("no batch of reals was recognised yet")
        if not self._linked or not self._pairs:
            raise ProbeSkipped("no batch of fakes was given to the discriminator as the generator made it")
        found = []
        for number in range(2):
            call, fake = self._pairs[-1 - number % len(self._pairs)]
            real = self.forms[-1 - number % len(self.forms)]
            count = min(rows, fake.rows, _rows(call), real.rows)
            call = self.redrawn(_first(call, count))
            found.append(Game(real.first(count), fake.first(count), call))
        return found[0], found[1]

    def play(self, game: Game, generator: nn.Module, discriminator: nn.Module) -> tuple[Tensor, Tensor]:
        """Oriented scores of the reals and of the generator's answer, with the graph to both networks."""
        graph = torch.is_grad_enabled()
        torch.manual_seed(0)
        samples = self.call(generator, *game.call)
        real = self.score(discriminator, game.real, graph=graph, seed=0)
        index = torch.arange(len(samples)) % game.fake.rows
        fake = self.score(discriminator, game.fake, samples, index, graph=graph, seed=0)
        return real * self.orientation, fake * self.orientation


def _first(call: tuple[Any, Any], rows: int) -> tuple[Any, Any]:
    count = _rows(call)

    def cut(_: Path, value: Tensor) -> Tensor:
        return value[:rows] if value.ndim and len(value) == count else value

    return map_tensors(call[0], cut), map_tensors(call[1], cut)


def _named_state(network: nn.Module) -> list[tuple[str, Tensor]]:
    vectors = [(name, value) for name, value in network.named_parameters() if value.ndim == 1]
    return [*network.named_buffers(), *vectors]


def _small_state(network: nn.Module) -> list[tuple[str, Tensor]]:
    """Copies of what a forward pass may change: buffers, and vectors among the parameters.

    Some write the vectors of a power iteration as parameters without a gradient.
    """
    return [(name, value.detach().clone()) for name, value in _named_state(network)]


def _rows(call: tuple[Any, Any]) -> int:
    lengths = [len(value) for _, value in tensors(call) if value.ndim]
    return max(set(lengths), key=lengths.count) if lengths else 1


def _with_channels(form: Form, channels: slice | None) -> Form:
    # The channels of a concatenated condition are known from fakes; reals have them in the same place.
    if form.channels is not None or channels is None or form.stored.ndim < 2:
        return form
    return replace(form, channels=channels)


def _spread(forms: list[Form]) -> list[Form]:
    """Forms from all over the run, `ROWS` rows in all, fewer where samples are large."""
    forms = [form.first(BATCH) for form in forms if form.rows]
    if not forms:
        return []
    shape = forms[-1].stored.shape[1:]
    forms = [form for form in forms if form.stored.shape[1:] == shape]
    rows = min(ROWS, max(FEWEST_ROWS, _VALUES // max(shape.numel(), 1)))
    most = max(1, rows // max(form.rows for form in forms))
    stride = max(1, -(-len(forms) // most))
    return forms[::stride]
