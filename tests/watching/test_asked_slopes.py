"""Slopes that were asked for and not sent by a loss are set aside, with one reading of the device."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from equipoise.watching.passes import DiscriminatorPass, set_aside_asked
from equipoise.watching.scores import Score


def seen(*slopes: Tensor, differentiable: bool = True) -> DiscriminatorPass:
    samples = torch.zeros(4, 2)
    score = Score((), torch.zeros(4, 1), torch.zeros(4, 1), False, (4,), list(slopes), list(slopes))
    return DiscriminatorPass(
        (samples,), {}, (0,), samples, False, False, None, None, True, scores=[score],
        differentiable=differentiable,
    )  # fmt: skip


ASKED = torch.ones(4, 1)
SENT = torch.full((4, 1), -0.25)


def test_only_what_a_loss_sent_is_kept() -> None:
    mixed, asked, sent, plain = (
        seen(ASKED, SENT, ASKED),
        seen(ASKED),
        seen(SENT, 2 * SENT),
        seen(ASKED, differentiable=False),
    )
    set_aside_asked([mixed, asked, sent, plain, seen()])
    kept = [one.scores[0] for one in (mixed, asked, sent, plain)]
    assert [len(score.slopes) for score in kept] == [1, 0, 2, 1]
    assert [len(score.raw_slopes) for score in kept] == [1, 0, 2, 1]
    assert torch.equal(mixed.scores[0].slopes[0], SENT)
    assert torch.equal(sent.scores[0].raw_slopes[1], 2 * SENT)


def test_slopes_that_cannot_be_told_apart_are_left() -> None:
    """A backward pass through the scores before a sigmoid only leaves one list longer."""
    one = seen(ASKED, SENT)
    one.scores[0].raw_slopes.pop()
    set_aside_asked([one])
    assert len(one.scores[0].slopes) == 2


def test_the_device_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    readings: list[tuple[int, ...]] = []
    whole = Tensor.tolist

    def counted(tensor: Tensor) -> object:
        readings.append(tuple(tensor.shape))
        return whole(tensor)

    def refused(tensor: Tensor) -> bool:
        raise AssertionError("a tensor was read by itself")

    monkeypatch.setattr(Tensor, "tolist", counted)
    monkeypatch.setattr(Tensor, "__bool__", refused)
    set_aside_asked([seen(ASKED, SENT), seen(SENT), seen(ASKED)])
    assert readings == [(4,)]
