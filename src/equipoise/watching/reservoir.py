"""A small bounded memory of what both networks were given; all that a probe needs."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from equipoise.watching.passes import DiscriminatorPass, GeneratorCall, Part
from equipoise.watching.tree import cloned

_CALLS = 16
_REAL_BATCHES = 24
_ROWS = 128
_BYTES = 48 * 2**20


@dataclass(frozen=True)
class Penalised:
    """The points at which the loop differentiated the discriminator, and what it found.

    Attributes:
        points: the samples there.
        norms: |ds/dx| of each.
        reals, fakes: the samples of the same step, row by row; None where they do not match.
    """

    points: Tensor
    norms: Tensor
    reals: Tensor | None
    fakes: Tensor | None


class Reservoir:
    """Copies of generator calls and of discriminator calls on reals, a bounded number of each.

    Attributes:
        calls: recent generator calls as (args, kwargs), newest last; tensors are detached copies.
        reals: discriminator calls on reals as (args, kwargs, path of the sample, channels of the sample);
            a uniform sample over the run, so that early and late reals are both there.
        fakes: discriminator calls on fakes, likewise, the newest few.
        pairs: generator calls with the discriminator call on their output, row by row, where it was given it
            unchanged: the conditions of both belong together.
        penalties: what was penalised in the newest steps with a gradient penalty.
        held_out: reals that the user keeps from training, if given.
        pack: how many samples the discriminator judges together.
    """

    def __init__(self) -> None:
        self.calls: deque[tuple[Any, dict[str, Any]]] = deque(maxlen=_CALLS)
        self.reals: list[tuple[Any, dict[str, Any], Any, slice | None]] = []
        self.fakes: deque[tuple[Any, dict[str, Any], Any, slice | None]] = deque(maxlen=4)
        self.pairs: deque[
            tuple[tuple[Any, dict[str, Any]], tuple[Any, dict[str, Any], Any, slice | None]]
        ] = deque(maxlen=4)
        self.penalties: deque[Penalised] = deque(maxlen=2)
        self.held_out: Tensor | None = None
        self.pack = 1
        self._seen = 0
        # Own generator of chance: the user's random state is never touched.
        self._random = random.Random(0)

    def add_call(self, call: GeneratorCall) -> None:
        self.calls.append((cloned(call.args, _ROWS), cloned(call.kwargs, _ROWS)))

    def add_real(self, part: Part) -> None:
        """Keep the call in which the reals were; of a mixed batch the real rows alone."""
        self._seen += 1
        self.pack = max(self.pack, part.owner.pack)
        place = len(self.reals)
        if place >= _REAL_BATCHES or (place and self._bytes() > _BYTES):
            place = self._random.randrange(self._seen)
            if place >= len(self.reals):
                return
        entry = _entry(part)
        if place == len(self.reals):
            self.reals.append(entry)
        else:
            self.reals[place] = entry

    def add_fake(self, part: Part) -> None:
        """Keep how the discriminator was called on fakes (conditions beside the sample)."""
        one, rows = part.owner, part.rows
        entry = _entry(part)
        self.fakes.append(entry)
        count = len(one.samples) if rows is None else len(range(*rows.indices(len(one.samples))))
        # Behind an activation or a condition that the loop adds, the call does not give these samples again.
        unchanged = one.link in ("storage", "values")
        if one.call is not None and unchanged and len(one.call.output(one.output_path)) == count:
            self.pairs.append(((cloned(one.call.args, _ROWS), cloned(one.call.kwargs, _ROWS)), entry))

    def add_penalty(self, one: DiscriminatorPass, real: Tensor | None, fake: Tensor | None) -> None:
        """Keep the points of a gradient penalty beside the reals and fakes of the same step."""
        if not one.penalty_norms:
            return
        points = one.samples

        def beside(samples: Tensor | None) -> Tensor | None:
            return None if samples is None or samples.shape != points.shape else samples[:_ROWS].clone()

        self.penalties.append(
            Penalised(
                points[:_ROWS].clone(), one.penalty_norms[-1][:_ROWS].clone(), beside(real), beside(fake)
            )
        )

    def _bytes(self) -> int:
        from equipoise.watching.tree import tensors

        return sum(
            value.numel() * value.element_size()
            for args, kwargs, _, _ in self.reals
            for _, value in tensors((args, kwargs))
        )


def _entry(part: Part) -> tuple[Any, dict[str, Any], Any, slice | None]:
    one = part.owner
    # Where a real and a fake are given in one call, the real stands in another place than the fake.
    path = one.path if part.samples_path is None else part.samples_path
    return (*_cut(one, part.rows), path, one.channels)


def _cut(one: DiscriminatorPass, rows: slice | None) -> tuple[Any, dict[str, Any]]:
    from equipoise.watching.tree import map_tensors

    count = len(one.samples)

    def copy(_: Any, value: Tensor) -> Tensor:
        value = value.detach()
        if rows is not None and value.ndim and len(value) == count:
            value = value[rows]
        if value.ndim and len(value) > _ROWS:
            value = value[:_ROWS]
        return value.clone(memory_format=torch.preserve_format)

    return map_tensors(one.args, copy), map_tensors(one.kwargs, copy)
