"""Whether fakes are judged with the classes, or the pictures, that they were made with."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.watching.beside import own_pictures
from equipoise.watching.joint import beside_samples, others
from equipoise.watching.passes import DiscriminatorPass, Part
from equipoise.watching.tree import floating_tensors, tensors

# Reals of a record that are compared with each other.
_NEIGHBOURS = 64
_LEAST_PAIRS = 3


def classes_of(value: Tensor, rows: int) -> Tensor | None:
    """One whole number a row: labels as they are, a one-hot matrix by its ones; None for anything else.

    Maps with a channel for each class, the same at all places, are a one-hot matrix too.

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
    if value.ndim > 2:
        planes = _planes(value)
        return None if planes is None else classes_of(planes, rows)
    if value.ndim == 2 and value.shape[1] > 1 and not value.is_complex():
        ones = value == 1
        if bool((ones.sum(1) == 1).all() & ((value == 0) | ones).all()):
            return ones.long().argmax(1)
    return None


def _planes(value: Tensor) -> Tensor | None:
    """The numbers that fill the channels of maps, one for each; None if a channel differs within itself."""
    if value.ndim < 3 or not value.numel():
        return value if value.ndim == 2 else None
    places = value.detach().flatten(2)
    return places[..., 0] if bool((places == places[..., :1]).all()) else None


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
    """Whether two batches of fakes stand in the same place beside a condition; None if that is unknown.

    The place is one of several arguments in which something of the samples' shape is given, or channels.
    """
    first, second = one.owner, other.owner
    if None not in (first.link, second.link) and first.path != second.path:
        # A discriminator of pairs is given samples in either place.
        if first.pairs or second.pairs or first.channels is not None or second.channels is not None:
            return None
        given = [
            dict(floating_tensors({"args": each.args, "kwargs": each.kwargs})) for each in (first, second)
        ]
        shape = first.samples.shape[1:]
        alike = [
            path in known and known[path].shape[1:] == shape
            for known in given
            for path in (first.path, second.path)
        ]
        return False if all(alike) else None
    places = [part.owner.channels for part in (one, other) if part.owner.link == "values"]
    if len(places) < 2 or one.owner.samples.shape[1:] != other.owner.samples.shape[1:]:
        return None
    return None if None in places else places[0] == places[1]


def groups_of(value: Tensor, rows: int) -> Tensor | None:
    """The number of each row's group of equal rows; None unless three pairs are equal, and not all.

    Example:
        >>> groups_of(torch.tensor([[0.1, 2.0], [0.3, 1.0], [0.1, 2.0], [0.1, 2.0]]), 4)
        tensor([0, 1, 0, 0])
    """
    if value.ndim != 2 or len(value) != rows or value.shape[1] < 2 or not value.is_floating_point():
        return None
    groups = torch.unique(value.detach(), dim=0, return_inverse=True)[1]
    pairs = int((groups[:, None] == groups[None, :]).sum()) - rows
    return groups if _LEAST_PAIRS <= pairs / 2 < rows * (rows - 1) / 2 else None


def _same_class(own: Tensor, judged: Tensor) -> Tensor:
    return (judged == own).float().mean()


def _same_pairs(own: Tensor, judged: Tensor) -> Tensor:
    """The share of pairs of one group that are judged as one class."""
    alike = own[:, None] == own[None, :]
    alike.fill_diagonal_(False)
    return (judged[:, None] == judged[None, :])[alike].float().mean()


def agreement(part: Part) -> Tensor | None:
    """The share of a part's fakes whose condition in the discriminator's call is the one in the generator's.

    Where the discriminator names the class instead, the one that its loss asked for counts, in batches that
    show as many classes as it tells apart (another number of answers is another question, such as a turn).

    Where several inputs could be the class, the pair that agrees best counts: one right pair shows that the
    others are something else. Of a class that the loop embeds itself the share is that of pairs. None where
    either player is given no classes, or the generator's call is not known. Pictures leave no such doubt: the
    one that agrees least counts.

    Args:
        part: fakes of one discriminator's pass.
    """
    one = part.owner
    if one.call is None or one.link is None:
        return None
    inputs = [value for _, value in tensors((one.call.args, one.call.kwargs))]
    shares = [*_concatenated(one, inputs), *_given(part, inputs, len(one.call.output(one.output_path)))]
    found = [*([torch.stack(shares).max()] if shares else []), *own_pictures(part, inputs)]
    return torch.stack(found).min() if found else None


def _given(part: Part, inputs: list[Tensor], made: int) -> list[Tensor]:
    """Agreements of the generator's classes with those that the discriminator is given, or asked for.

    `made` is how many samples the call with these `inputs` made.
    """
    one = part.owner
    shown = [
        classes
        for path, value in tensors({"args": one.args, "kwargs": one.kwargs})
        if path != one.path and (classes := classes_of(value, len(one.samples))) is not None
    ]
    if not shown and not one.other_answers:
        return []  # nothing to compare with, as in most loops
    given = [classes_of(value, made) for value in inputs]
    compare = _same_class
    if not any(own is not None for own in given):
        # An embedding that the loop looks up itself (BigGAN's shared one) shows who is of one class.
        given, compare = [groups_of(value, made) for value in inputs], _same_pairs
    rows = part.rows if part.rows is not None else one.rows
    shares: list[Tensor] = []
    for classes in shown:
        judged = classes if rows is None else classes[rows]
        shares += [
            compare(own.to(judged.device), judged)
            for own in given
            if own is not None and len(own) == len(judged)
        ]
    for _, slopes in one.other_answers:
        asked = class_told(slopes)
        if asked is None:
            continue
        asked = asked if rows is None else asked[rows]
        for own in given:
            if own is None or len(own) != len(asked) or int(own.max()) + 1 != slopes.shape[1]:
                continue
            known = asked >= 0
            if bool(known.all() if compare is _same_pairs else known.any()):
                shares.append(compare(own.to(asked.device)[known], asked[known]))
    return shares


def _concatenated(one: DiscriminatorPass, inputs: list[Tensor]) -> list[Tensor]:
    """Agreements of classes that stand in columns beside the samples and beside the latents, one-hot.

    Columns that are the same in all rows, where the other player has classes, agree with none of them.
    """
    shares, nowhere = _behind_activations(one, inputs), []
    for shown in (*beside_samples(one), *_other_maps(one)):
        beside = _planes(shown)
        if beside is None:
            continue
        judged, rows, width = classes_of(beside, len(beside)), len(beside), beside.shape[1]
        for value in inputs:
            given = _planes(value)
            if given is None or len(given) != rows:
                labels = [classes_of(value, rows)]
                columns: list[Tensor] = []
            else:
                columns = [*_ends(given, width)] if given.shape[1] >= width else []
                labels = [classes_of(one_end, rows) for one_end in columns]
            known = [own.to(beside.device) for own in labels if own is not None]
            if judged is not None:
                shares += [_same_class(own, judged) for own in known]
            if (_several(judged) and any(map(_same_rows, columns))) or (
                _same_rows(beside) and any(map(_several, known))
            ):
                nowhere.append(torch.zeros((), device=beside.device))
    return shares or nowhere


def _other_maps(one: DiscriminatorPass) -> list[Tensor]:
    """What else than the samples the discriminator was given for each of them, as a row or as maps."""
    if one.rows is not None:
        return []
    return [
        value
        for value in others(one)
        if value.ndim > 1 and value.shape[1] > 1 and len(value) == len(one.samples)
    ]


def _same_rows(columns: Tensor) -> bool:
    return len(columns) > 1 and columns.shape[1] > 1 and bool((columns == columns[:1]).all())


def _several(classes: Tensor | None) -> bool:
    return classes is not None and bool((classes != classes[:1]).any())


def _behind_activations(one: DiscriminatorPass, inputs: list[Tensor]) -> list[Tensor]:
    """The same where the samples' own columns were changed on their way (CTGAN's activations by column).

    The judged samples are wider than what the generator made by the columns of the class. Those of a class
    that was not given may be zero.
    """
    if one.call is None or one.channels is not None or one.rows is not None or one.samples.ndim != 2:
        return []
    made = one.call.output(one.output_path)
    beside = one.samples.shape[1] - made.shape[-1]
    if made.ndim != 2 or len(made) != len(one.samples) or beside < 2:
        return []
    shares = []
    ends = [columns for columns in _ends(one.samples, beside) if _classes_or_none(columns)]
    for value in inputs if ends else ():
        if value.ndim != 2 or len(value) != len(made) or value.shape[1] <= beside:
            continue
        for own in _ends(value, beside):
            if classes_of(own, len(own)) is not None:
                shares += [(own.to(end) == end).all(1).float().mean() for end in ends]
    return shares


def _ends(value: Tensor, columns: int) -> tuple[Tensor, Tensor]:
    return value[:, :columns], value[:, -columns:]


def _classes_or_none(columns: Tensor) -> bool:
    """Whether each row holds a single one, or all rows hold nothing."""
    return bool((columns == 0).all()) or classes_of(columns, len(columns)) is not None


def asked_class(one: DiscriminatorPass) -> bool:
    """Whether the loss asked for a class in an answer beside the scores of this pass."""
    return any(class_told(slopes) is not None for _, slopes in one.other_answers)


def _told(part: Part) -> tuple[Tensor, Tensor, Tensor] | None:
    """The part's answers of classes, the class asked for of each row, and the rows of which it is known."""
    rows = part.rows if part.rows is not None else part.owner.rows
    for answers, slopes in part.owner.other_answers:
        told = class_told(slopes)
        if told is None or answers.shape != slopes.shape:
            continue
        # Half of a batch may be fakes, whose answers are not judged here.
        told, answers = (told, answers) if rows is None else (told[rows], answers[rows])
        known = told >= 0
        if bool(known.any()):
            return answers, told, known
    return None


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
    found = _told(part)
    if found is None:
        return None
    answers, told, known = found
    classes = told[known]
    counts = torch.bincount(classes, minlength=answers.shape[1])
    among = answers[known].masked_fill(counts == 0, -torch.inf)
    return (among.argmax(1) == classes).float().mean(), counts.amax() / len(classes)


def kinship(part: Part) -> tuple[Tensor, Tensor] | None:
    """How often the nearest other real of the part is asked to be of the same class, and any other real.

    share = mean of [class(nearest of x_i) = class(x_i)]; chance = sum of n (n - 1) by class, over N (N - 1).
    They are equal, up to chance, for labels that do not belong to the samples.

    Args:
        part: reals of one discriminator's pass; its first 64 rows count.
    """
    found = _told(part)
    samples = part.samples
    if found is None or len(samples) != len(found[1]):
        return None
    known = torch.nonzero(found[2]).flatten()[:_NEIGHBOURS]
    count = len(known)
    if count < 2:
        return None
    classes, flat = found[1][known], samples[known].detach().float().flatten(1)
    nearest = torch.cdist(flat, flat).fill_diagonal_(torch.inf).argmin(1)
    sizes = torch.bincount(classes).float()
    chance = (sizes * (sizes - 1)).sum() / (count * (count - 1))
    return (classes[nearest] == classes).float().mean(), chance
