from __future__ import annotations

import json

import numpy as np
import pytest

from equipoise.data.sampler import BatchSampler
from equipoise.errors import EquipoiseError
from equipoise.validation import constraints_of


def stream(sampler: BatchSampler, batches: int) -> np.ndarray:
    return np.concatenate([sampler.next_batch() for _ in range(batches)])


def test_every_index_once_an_epoch_across_uneven_batches() -> None:
    # 7 does not divide 30: batches cross the borders of the epochs and none is short.
    sampler = BatchSampler(30, 7, seed=3)
    batches = [sampler.next_batch() for _ in range(30)]
    assert all(len(batch) == 7 and batch.dtype == np.int64 for batch in batches)
    epochs = np.concatenate(batches).reshape(7, 30)
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(30))
    assert len({tuple(epoch) for epoch in epochs}) == 7


@pytest.mark.parametrize("processes", [2, 3, 4])
@pytest.mark.parametrize("count", [11, 24, 100])
def test_processes_together_see_what_one_sees(processes: int, count: int) -> None:
    alone = BatchSampler(count, 4 * processes, seed=5)
    shards = [BatchSampler(count, 4, seed=5, rank=rank, processes=processes) for rank in range(processes)]
    for _ in range(20):
        together = np.concatenate([shard.next_batch() for shard in shards])
        np.testing.assert_array_equal(together, alone.next_batch())


@pytest.mark.parametrize("stop", [0, 1, 5, 6, 13])
def test_resuming_from_json_continues_the_stream(stop: int) -> None:
    whole = BatchSampler(20, 6, seed=1)
    stream(whole, stop) if stop else None
    saved = json.loads(json.dumps(whole.state_dict()))
    resumed = BatchSampler(20, 6, seed=99)
    resumed.load_state_dict(saved)
    np.testing.assert_array_equal(stream(resumed, 25), stream(whole, 25))
    assert resumed.state_dict() == whole.state_dict()


def test_state_does_not_depend_on_the_number_of_processes() -> None:
    pair = BatchSampler(50, 8, seed=2, rank=1, processes=2)
    stream(pair, 4)
    alone = BatchSampler(50, 16, seed=2)
    stream(alone, 4)
    assert pair.state_dict() == alone.state_dict() == {"count": 50, "seed": 2, "epoch": 1, "position": 14}


def test_a_batch_larger_than_the_data_holds_samples_equally_often() -> None:
    batch = BatchSampler(5, 15).next_batch()
    np.testing.assert_array_equal(np.bincount(batch), [3, 3, 3, 3, 3])


def test_seeds_give_different_orders_and_the_same_seed_the_same() -> None:
    first, again, other = (stream(BatchSampler(100, 50, seed=seed), 2).tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_positions_are_uniform() -> None:
    # Where index 0 lands over 4,000 epochs: chi-square with 9 degrees of freedom, 99.99 % quantile 33.7.
    sampler = BatchSampler(10, 10, seed=7)
    landed = [int(np.flatnonzero(sampler.permutation(epoch) == 0)[0]) for epoch in range(4000)]
    counts = np.bincount(landed, minlength=10)
    assert np.square(counts - 400).sum() / 400 < 33.7


def philox(key: tuple[int, int], count: int) -> list[int]:
    """Philox 4x64 with 10 rounds (Salmon and others, 2011) in plain integers; counters from 1 on."""
    mask = 2**64 - 1
    values: list[int] = []
    for counter in range(1, count // 4 + 2):
        state = [counter, 0, 0, 0]
        first, second = key
        for _ in range(10):
            left, right = 0xD2E7470EE14C6C93 * state[0], 0xCA5A826395121157 * state[2]
            state = [
                (right >> 64) ^ state[1] ^ first,
                right & mask,
                (left >> 64) ^ state[3] ^ second,
                left & mask,
            ]
            first, second = (first + 0x9E3779B97F4A7C15) & mask, (second + 0xBB67AE8584CAA73B) & mask
        values += state
    return values[:count]


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (123, 4), (2**63, 1)])
def test_the_order_is_the_documented_one(seed: int, epoch: int) -> None:
    # Independent of NumPy: a run that was saved under one version must resume under another.
    draw = philox((seed, epoch), 30)
    expected = sorted(range(30), key=draw.__getitem__)
    assert BatchSampler(30, 8, seed=seed).permutation(epoch).tolist() == expected


def test_a_changed_batch_does_not_change_the_stream() -> None:
    first = BatchSampler(10, 4)
    first.next_batch()[:] = -1
    first.load_state_dict(BatchSampler(10, 4).state_dict())
    np.testing.assert_array_equal(first.next_batch(), BatchSampler(10, 4).next_batch())


@pytest.mark.parametrize("parameter", ["count", "batch_size", "seed", "rank", "processes"])
def test_every_constraint_is_enforced(parameter: str) -> None:
    values = {"count": 10, "batch_size": 2, "seed": 0, "rank": 0, "processes": 1}
    values[parameter] = constraints_of(BatchSampler)[parameter].invalid_example()
    with pytest.raises(EquipoiseError, match=f"`{parameter}`"):
        BatchSampler(**values)


def test_wrong_rank_and_state_are_refused() -> None:
    with pytest.raises(EquipoiseError, match="`rank` must be below"):
        BatchSampler(10, 2, rank=2, processes=2)
    sampler = BatchSampler(10, 2)
    with pytest.raises(EquipoiseError, match="of 9 samples but the data has 10"):
        sampler.load_state_dict({"count": 9, "seed": 0, "epoch": 0, "position": 0})
    with pytest.raises(EquipoiseError, match="cannot be read"):
        sampler.load_state_dict({"epoch": 0})
    with pytest.raises(EquipoiseError, match="`state`"):
        sampler.load_state_dict({"count": 10, "seed": 0, "epoch": 0, "position": 10})
