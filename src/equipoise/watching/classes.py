"""Scores of a discriminator that answers with classes: two logits, or as many as the data have classes.

How a row of numbers is meant shows in what its loss sends back. Cross entropy of two classes sends opposite
numbers to both: the score is their difference. A loss of the logarithm of the summed exponentials (the
semi-supervised discriminator of Salimans et al., "Improved Techniques for Training GANs", 2016, section 5)
sends each logit its share by softmax: the score is that logarithm. Anything else is a set of patches or of
features, each a score of its own.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from equipoise.watching.tree import Path, float32

# `difference` of two logits or log probabilities, `odds` of two probabilities, `total` of all logits.
Reading = Literal["difference", "log-difference", "odds", "total"]
_EXACT = 1e-3
_TRIES = 40


def _columns(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Flat scores (rows, classes * places) as (rows, classes, places)."""
    return values.reshape(len(values), shape[0], -1)


def read_values(values: Tensor, shape: tuple[int, ...], reading: Reading) -> Tensor:
    """The score, (rows, places), in flat answers whose first dimension behind the rows is the class."""
    columns = _columns(values, shape)
    if reading == "total":
        return columns.logsumexp(dim=1)
    if reading == "odds":
        columns = columns.clamp(min=1e-12).log()
    return columns[:, 1] - columns[:, 0]


def read_slopes(values: Tensor, slopes: Tensor, shape: tuple[int, ...], reading: Reading) -> Tensor:
    """dL/ds of that score, from dL with respect to the flat answers."""
    columns, sent = _columns(values, shape), _columns(slopes, shape)
    if reading == "total":
        return sent.sum(dim=1)
    if reading == "difference":
        return (sent[:, 1] - sent[:, 0]) / 2
    if reading == "log-difference":
        share = columns.exp()
        return sent[:, 1] * share[:, 0] - sent[:, 0] * share[:, 1]
    return (sent[:, 1] - sent[:, 0]) * columns[:, 0] * columns[:, 1]


def told_nothing(slopes: Tensor, shape: tuple[int, ...], reading: Reading) -> bool:
    """Whether a loss only told the classes from each other: a labelled batch, neither real nor fake."""
    if reading != "total":
        return False
    sent = _columns(slopes, shape)
    return bool((sent.sum(dim=1).abs() <= _EXACT * sent.abs().sum(dim=1)).all())


def guessed(values: Tensor, slopes: Tensor, shape: tuple[int, ...]) -> Reading | None:
    """How the loss that sent these slopes reads the answers; None if it takes each number for itself."""
    columns, sent = _columns(values, shape), _columns(slopes, shape)
    size = sent.abs().sum(dim=1)
    if not bool(torch.isfinite(sent).all()) or not bool((size > 0).any()):
        return None
    if shape[0] == 2:
        if bool(((columns.exp().sum(dim=1) - 1).abs() < _EXACT).all()):
            return "log-difference"
        if bool((columns >= 0).all()) and bool(((columns.sum(dim=1) - 1).abs() < _EXACT).all()):
            return "odds"
        if bool((sent.sum(dim=1).abs() <= _EXACT * size).all()):
            return "difference"
    share = columns.softmax(dim=1)
    # Alike logits have equal shares, and so have the places of a map under a mean.
    told_apart = (share.amax(dim=1) - share.amin(dim=1)) * shape[0] > 30 * _EXACT
    total = sent.sum(dim=1, keepdim=True)
    follows = ((sent - share * total).abs().sum(dim=1) <= 3 * _EXACT * size) & (size > 0)
    return "total" if bool(told_apart.any()) and bool(follows[told_apart].all()) else None


class Readings:
    """What the losses have shown so far of each answer, by its path."""

    def __init__(self) -> None:
        self.known: dict[Path, Reading] = {}
        self._tries: dict[Path, int] = {}

    def learn(self, path: Path, values: Tensor, slopes: Tensor, shape: tuple[int, ...]) -> Reading | None:
        """Look at what a loss sent back, unless it is known, or has been looked at often enough."""
        if path in self.known or not shape or shape[0] < 2 or self._tries.get(path, 0) >= _TRIES:
            return None
        self._tries[path] = self._tries.get(path, 0) + 1
        reading = guessed(float32(values), float32(slopes), shape)
        if reading is not None:
            self.known[path] = reading
        return reading
