"""Whether fakes are judged with the classes that they were made with."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.watching.joint import beside_samples
from equipoise.watching.passes import DiscriminatorPass, Part
from equipoise.watching.tree import tensors


def classes_of(value: Tensor, rows: int) -> Tensor | None:
    """One whole number a row: labels as they are, a one-hot matrix by its ones; None for anything else.

    Example:
        >>> classes_of(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), 2)
        tensor([1, 0])
        >>> classes_of(torch.tensor([[0.3, 0.7]]), 1) is None
        True
    """
    if not value.ndim or len(value) != rows or not rows:
        return None
    if value.numel() == rows and not value.is_floating_point() and not value.is_complex():
        return value.reshape(rows).long()
    if value.ndim == 2 and value.shape[1] > 1 and not value.is_complex():
        ones = value == 1
        if bool((ones.sum(1) == 1).all() & ((value == 0) | ones).all()):
            return ones.long().argmax(1)
    return None


def class_told(slopes: Tensor) -> Tensor | None:
    """The class of each row that a cross entropy asked for, from what it sent back; -1 where unknown.

    It pushes up the answer of one class, by a negative slope, and none of the others (softmax(a) - one-hot,
    whatever the smoothing or the weight); a row that is answered already has nothing sent back. None for
    slopes of any other loss.

    Example:
        >>> class_told(torch.tensor([[0.2, -0.5, 0.3], [-0.1, 0.1, 0.0], [0.0, 0.0, 0.0]]))
        tensor([ 1,  0, -1])
        >>> class_told(torch.tensor([[-0.2, -0.5, 0.3]])) is None
        True
    """
    negative = slopes < 0
    told = negative.any(dim=1)
    if slopes.shape[1] < 2 or not bool(told.any()) or not bool((negative.sum(1) == told).all()):
        return None
    return torch.where(told, slopes.argmin(1), -1)


def same_place(one: Part, other: Part) -> bool | None:
    """Whether two batches of fakes stand in the same channels beside a condition; None if that is unknown."""
    places = [part.owner.channels for part in (one, other) if part.owner.link == "values"]
    if len(places) < 2 or one.owner.samples.shape[1:] != other.owner.samples.shape[1:]:
        return None
    return None if None in places else places[0] == places[1]


def agreement(part: Part) -> Tensor | None:
    """The share of a part's fakes whose class in the discriminator's call is the one in the generator's.

    Where the discriminator names the class instead, the one that its loss asked for counts, in batches that
    show as many classes as it tells apart (another number of answers is another question, such as a turn).

    Where several inputs could be the class, the pair that agrees best counts: one right pair shows that the
    others are something else. None where either player is given no classes, or the generator's call is not
    known.

    Args:
        part: fakes of one discriminator's pass.
    """
    one = part.owner
    if one.call is None or one.link is None:
        return None
    made = len(one.call.output(one.output_path))
    inputs = [value for _, value in tensors((one.call.args, one.call.kwargs))]
    given = [classes_of(value, made) for value in inputs]
    rows = part.rows if part.rows is not None else one.rows
    shares = []
    for path, value in tensors({"args": one.args, "kwargs": one.kwargs}):
        if path == one.path:
            continue
        judged = classes_of(value, len(one.samples))
        if judged is None:
            continue
        judged = judged if rows is None else judged[rows]
        shares += [
            (judged == own.to(judged.device)).float().mean()
            for own in given
            if own is not None and len(own) == len(judged)
        ]
    shares += _concatenated(one, inputs)
    for _, slopes in one.other_answers:
        asked = class_told(slopes)
        if asked is None:
            continue
        asked = asked if rows is None else asked[rows]
        for own in given:
            if own is None or len(own) != len(asked) or int(own.max()) + 1 != slopes.shape[1]:
                continue
            known = asked >= 0
            if bool(known.any()):
                shares.append((asked == own.to(asked.device))[known].float().mean())
    return torch.stack(shares).max() if shares else None


def _concatenated(one: DiscriminatorPass, inputs: list[Tensor]) -> list[Tensor]:
    """Agreements of classes that stand in columns beside the samples and beside the latents, one-hot."""
    shares = []
    for beside in beside_samples(one):
        judged = classes_of(beside, len(beside)) if beside.ndim == 2 else None
        for value in inputs if judged is not None else ():
            if value.ndim != 2 or len(value) != len(beside) or value.shape[1] < beside.shape[1]:
                continue
            for columns in (value[:, : beside.shape[1]], value[:, -beside.shape[1] :]):
                own = classes_of(columns, len(beside))
                if own is not None and judged is not None:
                    shares.append(torch.eq(judged, own.to(beside.device)).float().mean())
    return shares


def asked_class(one: DiscriminatorPass) -> bool:
    """Whether the loss asked for a class in an answer beside the scores of this pass."""
    return any(class_told(slopes) is not None for _, slopes in one.other_answers)


def named(part: Part) -> tuple[Tensor, Tensor] | None:
    """How often the discriminator names the class that its own loss asks for, and what guessing would give.

    Returns:
        The share of the part's samples whose largest answer is that of the class (0 to 1), among the classes
        that the loss asked for in this part, and the share of the commonest class; None where no answer
        beside the score is a class. A class that no real is asked to be (the one for fakes in Odena,
        "Semi-Supervised Learning with GANs", 2016) says nothing of whose labels these are.

    Args:
        part: reals of one discriminator's pass.
    """
    rows = part.rows if part.rows is not None else part.owner.rows
    for answers, slopes in part.owner.other_answers:
        told = class_told(slopes)
        if told is None or answers.shape != slopes.shape:
            continue
        # Half of a batch may be fakes, whose answers are not judged here.
        told, answers = (told, answers) if rows is None else (told[rows], answers[rows])
        known = told >= 0
        if bool(known.any()):
            classes = told[known]
            counts = torch.bincount(classes, minlength=answers.shape[1])
            among = answers[known].masked_fill(counts == 0, -torch.inf)
            return (among.argmax(1) == classes).float().mean(), counts.amax() / len(classes)
    return None
