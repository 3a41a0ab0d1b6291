"""The order of the samples: deterministic, resumable, the same for any number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from equipoise.errors import EquipoiseError, parameter_error
from equipoise.validation import Interval, validated


class BatchSampler:
    """Batches of indices from one endless stream: a permutation of all samples an epoch, one after another.

    Batch k of all processes together is the stream's slice [k P b, (k + 1) P b), for P processes with batch b
    each; process r takes its r-th part. So P processes with batch b see what one process with batch P b
    sees. A batch that reaches the end of an epoch goes on in the next permutation: no batch is short, none
    is dropped, and a batch may be larger than the data set (it then holds samples more than once).

    The permutation of epoch e sorts the raw output of the Philox generator with key (seed, e). NumPy
    guarantees that output between versions, which it does not for its `permutation`; so a run resumes under
    another NumPy.

    Args:
        count: how many samples there are.
        batch_size: indices a batch and process (b).
        seed: of the order.
        rank: which process this is, 0..P-1.
        processes: how many there are (P).

    Example:
        >>> one = BatchSampler(10, 4, seed=0)
        >>> left, right = (BatchSampler(10, 2, seed=0, rank=rank, processes=2) for rank in (0, 1))
        >>> one.next_batch().tolist() == left.next_batch().tolist() + right.next_batch().tolist()
        True
    """

    @validated(
        count=Interval(int, 1),
        batch_size=Interval(int, 1),
        seed=Interval(int, 0, 2**63),
        rank=Interval(int, 0),
        processes=Interval(int, 1),
    )
    def __init__(
        self, count: int, batch_size: int, *, seed: int = 0, rank: int = 0, processes: int = 1
    ) -> None:
        if rank >= processes:
            raise parameter_error("rank", f"below `processes` ({processes})", rank)
        self.count = count
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.processes = processes
        self.epoch = 0
        self.position = 0
        self._order = self.permutation(0)

    def permutation(self, epoch: int) -> np.ndarray:
        """The order of all samples in that epoch, int64 (count,)."""
        draw = np.random.Philox(key=np.array([self.seed, epoch], dtype=np.uint64)).random_raw(self.count)
        return np.argsort(draw, kind="stable")

    def next_batch(self) -> np.ndarray:
        """The next `batch_size` indices of this process, int64."""
        start = self.rank * self.batch_size
        return self._next_global()[start : start + self.batch_size]

    def __iter__(self) -> Iterator[np.ndarray]:
        while True:
            yield self.next_batch()

    def state_dict(self) -> dict[str, int]:
        """Where the stream is, as plain JSON values; it does not depend on the number of processes."""
        return {"count": self.count, "seed": self.seed, "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state, also with another batch size or number of processes.

        Raises:
            EquipoiseError: when the state is of a data set of another size, or is none.
        """
        try:
            count, seed = int(state["count"]), int(state["seed"])
            epoch, position = int(state["epoch"]), int(state["position"])
        except (KeyError, TypeError, ValueError) as error:
            raise EquipoiseError(
                f"The state of the sampler cannot be read ({type(error).__name__}: {error}); it must come "
                "from `state_dict`."
            ) from error
        if count != self.count:
            raise EquipoiseError(
                f"The state of the sampler is of {count} samples but the data has {self.count}; resume with "
                "the data the run began with."
            )
        if not 0 <= seed <= 2**63 or epoch < 0 or not 0 <= position < count:
            raise parameter_error("state", "a state of this sampler", state)
        self.seed, self.epoch, self.position = seed, epoch, position
        self._order = self.permutation(epoch)

    def _next_global(self) -> np.ndarray:
        wanted = self.batch_size * self.processes
        parts = []
        while wanted:
            part = self._order[self.position : self.position + wanted]
            parts.append(part)
            wanted -= len(part)
            self.position += len(part)
            if self.position == self.count:
                self.epoch += 1
                self.position = 0
                self._order = self.permutation(self.epoch)
        return parts[0].copy() if len(parts) == 1 else np.concatenate(parts)
