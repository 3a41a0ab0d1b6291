"""One-hot reals, and fakes whose shares add up along another axis."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from equipoise.watching.shares import one_hot_axis, one_hot_groups, other_axis


def words(rows: int = 8) -> torch.Tensor:
    chance = torch.Generator().manual_seed(0)
    return F.one_hot(torch.randint(0, 6, (rows, 10), generator=chance), 6).float()


def test_the_axis_of_words_and_the_groups_of_a_table() -> None:
    assert one_hot_axis(words()) == 2
    assert one_hot_axis(words().transpose(1, 2)) == 1
    assert one_hot_axis(torch.rand(8, 10, 6)) is None
    table = torch.cat([torch.randn(8, 1), words()[:, 0], torch.randn(8, 2), words()[:, 1]], 1)
    assert one_hot_groups(table) == [(1, 7), (9, 15)]
    assert one_hot_groups((torch.rand(8, 6) > 0.5).float()) == []


def test_a_softmax_over_the_wrong_axis() -> None:
    reals, answers = words(), torch.randn(8, 10, 6)
    assert other_axis(reals, F.gumbel_softmax(answers, 0.5, dim=-1)) is False
    assert other_axis(reals, F.gumbel_softmax(answers, 0.5, dim=1)) is True
    assert other_axis(reals, answers.softmax(0)) is True
    table = torch.cat([torch.randn(8, 1), words()[:, 0]], 1)
    made = torch.randn(8, 7)
    assert other_axis(table, torch.cat([made[:, :1].tanh(), made[:, 1:].softmax(1)], 1)) is False
    assert other_axis(table, torch.cat([made[:, :1].tanh(), made[:, 1:].softmax(0)], 1)) is True


def test_fakes_without_a_softmax_and_other_reals_say_nothing() -> None:
    reals, answers = words(), torch.randn(8, 10, 6)
    assert other_axis(reals, answers) is False
    assert other_axis(reals, answers.sigmoid()) is False
    assert other_axis(torch.rand(8, 10, 6), answers.softmax(1)) is None
