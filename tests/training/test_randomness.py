"""Draws that do not depend on the number of processes, and states that come back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from equipoise.training.randomness import SharedDraws, decode_state, derived_seed, encode_state

DRAWS: dict[str, Callable[[int, torch.Generator], Tensor]] = {
    "one a sample": lambda n, g: torch.rand((n,), generator=g, device=g.device),
    "noise like samples": lambda n, g: torch.randn((n, 3, 4, 4), generator=g, device=g.device),
    "sizes as numbers": lambda n, g: torch.randn(n, 5, generator=g),
    "kinds by samples": lambda n, g: torch.rand((7, n), generator=g),
    "one a pack": lambda n, g: torch.rand((n // 2,), generator=g),
    "whole numbers": lambda n, g: torch.randint(0, 10, (n, 2), generator=g),
    "in place": lambda n, g: torch.empty(n, 2).uniform_(generator=g),
}


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("processes", [2, 4])
def test_slices_of_the_processes_are_the_whole_draw(kind: str, processes: int) -> None:
    draw, total = DRAWS[kind], 32
    whole = draw(total, torch.Generator().manual_seed(4))
    local = total // processes
    parts = []
    for rank in range(processes):
        generator = torch.Generator().manual_seed(4)
        with SharedDraws(generator, rank, processes, (local, local // 2)):
            parts.append(draw(local, generator))
    axis = 1 if kind == "kinds by samples" else 0
    assert torch.equal(torch.cat(parts, axis), whole)


def test_all_processes_stay_in_one_state() -> None:
    states = []
    for rank in range(2):
        generator = torch.Generator().manual_seed(4)
        with SharedDraws(generator, rank, 2, (8, 4)):
            torch.rand(8, 3, generator=generator)
            torch.rand((), generator=generator)
        states.append(generator.get_state())
    assert torch.equal(*states)


def test_other_generators_and_other_shapes_are_left_alone() -> None:
    shared, other = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    expected = torch.rand(8, generator=torch.Generator().manual_seed(1))
    expected_scalar = torch.rand(3, generator=torch.Generator().manual_seed(0))
    with SharedDraws(shared, 1, 2, (8,)):
        assert torch.equal(torch.rand(8, generator=other), expected)
        assert torch.equal(torch.rand(3, generator=shared), expected_scalar)


def test_state_survives_as_text() -> None:
    generator = torch.Generator().manual_seed(9)
    torch.rand(11, generator=generator)
    text = encode_state(generator)
    first = torch.randn(100, generator=generator)
    restored = torch.Generator()
    decode_state(restored, text)
    assert torch.equal(torch.randn(100, generator=restored), first)


def test_seeds_differ_by_purpose_and_by_seed() -> None:
    seeds = {derived_seed(seed, purpose) for seed in range(50) for purpose in ("a", "b", "c")}
    assert len(seeds) == 150
    assert all(0 <= seed < 2**63 for seed in seeds)
