"""What does the generator's output depend on: its latent, its condition, and does the discriminator care?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from equipoise.watching.probes.base import PROBES, Probe
from equipoise.watching.probes.forms import Form
from equipoise.watching.probes.material import Material, ProbeSkipped
from equipoise.watching.statistics import mean_distance, pairwise_distances
from equipoise.watching.tree import Path, map_tensors, tensors

_ROWS = 32
_DRAWS = 6
_ALIKE_CONDITIONS = 4  # reals with one condition from which their spread is estimated
_NEIGHBOURS = 64  # distinct reals from which the share of equal neighbours is estimated


@PROBES.register("generator-response")
class GeneratorResponse(Probe):
    """The output at fixed conditions and fresh latents, and at fixed latents and exchanged conditions.

    A row of a batch keeps its condition while its latent is drawn anew six times (with the generator's own
    chance, where it has some). Whether the output has any derivative by the latent, be it zero, shows whether
    the latent is connected to it. A condition is exchanged with that of another row, and only rows count
    whose condition really changed. Whether conditions belong to the reals at all shows in the reals: the
    nearest other one has the same condition more often than by chance. Without a latent, or without a
    condition, its numbers are nan.
    """

    name = "generator-response"

    def measure(self, material: Material) -> dict[str, float]:
        reals = material.reals
        spread = reals.flatten(1).std(dim=0).square().mean().sqrt().clamp(min=1e-12).cpu()
        some = reals[: 4 * _ROWS]
        distance = mean_distance(pairwise_distances(some, some)).clamp(min=1e-12).cpu()
        generator = material.generator()
        call = material.shortened(material.calls[0], _ROWS)
        draws = []
        for seed in range(_DRAWS):
            torch.manual_seed(seed)
            with torch.no_grad():
                draws.append(material.call(generator, *material.redrawn(call)).float().flatten(1).cpu())
        values = dict.fromkeys(("latent", "latent.real", "condition", "noise"), math.nan)
        outputs = torch.stack(draws)
        if material.latents or not bool((outputs[0] == outputs[1]).all()):
            values["latent"] = float(outputs.std(dim=0).square().mean().sqrt() / spread)
            values["noise"] = float(_change(outputs[0], outputs[1]) / distance)
        known = _with_conditions(material)
        values["latent.connected"] = _connected(material, generator, call)
        values["latent.real"] = _within_conditions([one[:2] for one in known]) / float(spread)
        values["condition"] = self._condition(material, generator, call, distance)
        values["discriminator.condition"] = self._discriminator(material)
        values["discriminator.condition.fall"] = self._fall(material)
        share, chance, error = _neighbours([(sample, label) for sample, _, label in known if label])
        values["condition.neighbours"] = share
        values["condition.neighbours.chance"] = chance
        values["condition.neighbours.error"] = error
        return values

    def _condition(self, material: Material, generator: Any, call: Any, distance: Tensor) -> float:
        tree = {"args": call[0], "kwargs": call[1]}
        exchanged, changed = exchange_conditions(material, tree)
        if changed is None or not bool(changed.any()):
            return math.nan
        outputs = []
        for one in (tree, exchanged):
            torch.manual_seed(0)
            with torch.no_grad():
                outputs.append(material.call(generator, one["args"], one["kwargs"]).float().flatten(1).cpu())
        if len(outputs[0]) != len(changed):
            return math.nan
        return float(_change(outputs[0][changed], outputs[1][changed]) / distance)

    def _discriminator(self, material: Material) -> float:
        form = material.forms[-1].first(_ROWS)
        scored = _own_and_wrong(material, material.discriminator(), form)
        if scored is None:
            return math.nan
        own, wrong, changed = scored
        if not bool(changed.any()):
            return math.nan
        change = (wrong - own)[changed.to(own.device)].square().mean().sqrt()
        deviation = own.std(correction=0)
        return 0.0 if float(change) == 0 else float(change / deviation.clamp(min=1e-12))

    def _fall(self, material: Material) -> float:
        """How much less real the reals look with another condition: the mean fall over its standard error."""
        if not math.isfinite(material.orientation):
            return math.nan
        discriminator, falls = material.discriminator(), []
        for form in material.forms:
            scored = _own_and_wrong(material, discriminator, form)
            if scored is None:
                continue
            own, wrong, changed = scored
            if len(own) == len(wrong) == len(changed):
                falls.append(((own - wrong) * material.orientation)[changed.to(own.device)].double().cpu())
        fall = torch.cat(falls) if falls else torch.empty(0)
        if len(fall) < 2:
            return math.nan
        return float(fall.mean() / (fall.std() / math.sqrt(len(fall))).clamp(min=1e-12))


def _connected(material: Material, generator: nn.Module, call: Any) -> float:
    """1 if the output has a derivative by a latent (be it zero), 0 if it has a graph and none; nan without.

    Latents that enter where nothing is differentiated (a lookup, a decision, a part under `no_grad`) have no
    derivative either, but the output follows them.
    """
    paths = {latent.path for latent in material.latents}
    entered: list[Tensor] = []

    def enter(path: Path, value: Tensor) -> Tensor:
        if path not in paths or not value.is_floating_point():
            return value
        entered.append(value.detach().clone().requires_grad_(True))
        return entered[-1].clone()  # a leaf could not be changed in place

    tree = map_tensors({"args": call[0], "kwargs": call[1]}, enter)
    if not entered:
        return math.nan
    torch.manual_seed(0)
    try:
        with torch.enable_grad():
            output = material.call(generator, tree["args"], tree["kwargs"])
            if not output.requires_grad:
                return math.nan
            found = torch.autograd.grad(output.float().sum(), entered, allow_unused=True)
    except RuntimeError:
        return math.nan  # something on the way takes no tensor with a graph, or has no derivative
    return float(any(one is not None for one in found))


def shuffled(rows: int) -> Tensor:
    """A fixed random order: in a regular one (half a batch away) labels may be equal by design."""
    return torch.randperm(rows, generator=torch.Generator().manual_seed(0))


def _own_and_wrong(
    material: Material, discriminator: Any, form: Form
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Each real's mean score with its own condition and with another row's; which rows' really differ."""
    if not form.conditional or form.rows < 2:
        return None
    index, other = torch.arange(form.rows), shuffled(form.rows)
    own = material.score(discriminator, form, seed=0).mean(dim=1)
    wrong = material.score(discriminator, form, None, index, condition_index=other, seed=0).mean(dim=1)
    return own, wrong, _conditions_differ(form, index, other)


def exchange_conditions(material: Material, tree: Any) -> tuple[Any, Tensor | None]:
    """A generator call in which every row has another row's condition; which rows' conditions differ now.

    Everything with one entry a sample that is no noise is a condition, also columns of a tensor that holds
    both.
    """
    noise = {latent.path: latent.noise for latent in material.latents}
    rows = max((len(value) for _, value in tensors(tree) if value.ndim), default=0)
    if rows < 2:
        return tree, None
    order = shuffled(rows)
    changed = torch.zeros(rows, dtype=torch.bool)
    seen = False

    def exchange(path: Path, value: Tensor) -> Tensor:
        nonlocal seen
        if not value.ndim or len(value) != rows:
            return value
        moved = value[order.to(value.device)]
        if path in noise:
            own = noise[path].to(value.device)
            if bool(own.all()):
                return value
            moved = torch.where(own, value.flatten(1), moved.flatten(1)).reshape(value.shape)
        seen = True
        changed.logical_or_((moved != value).reshape(rows, -1).any(dim=1).cpu())
        return moved

    exchanged = map_tensors(tree, exchange)
    return exchanged, changed if seen else None


def _conditions_differ(form: Form, index: Tensor, other: Tensor) -> Tensor:
    differ = torch.zeros(len(index), dtype=torch.bool)
    for _, value in form.conditions():
        value = value.cpu()
        differ |= (value[index] != value[other]).reshape(len(index), -1).any(dim=1)
    if form.channels is not None:
        start, stop, _ = form.channels.indices(form.stored.shape[1])
        beside = torch.cat([form.stored[:, :start], form.stored[:, stop:]], dim=1).cpu()
        differ |= (beside[index] != beside[other]).reshape(len(index), -1).any(dim=1)
    return differ


def _within_conditions(known: Sequence[tuple[Tensor, bytes]]) -> float:
    """Root mean square standard deviation of reals that share a condition; nan where none do."""
    squares, count = 0.0, 0
    groups: dict[bytes, list[Tensor]] = {}
    for sample, condition in known:
        groups.setdefault(condition, []).append(sample)
    for group in groups.values():
        if len(group) >= _ALIKE_CONDITIONS:
            squares += float(torch.stack(group).var(dim=0).mean()) * len(group)
            count += len(group)
    return math.sqrt(squares / count) if count else math.nan


def _with_conditions(material: Material) -> list[tuple[Tensor, bytes, bytes]]:
    """Every remembered real, flat, with what stands for its condition, and for its label (empty without one).

    Maps that differ from place to place are no labels. Such a map that comes again says where (a hole to
    fill), not what, and is drawn without a look at the sample; a class that is spread over a map is the same
    everywhere, and a picture to translate does not come again.
    """
    found = []
    for form in material.forms:
        given = [value for _, value in form.conditions()]
        if given:
            samples = form.samples.float().flatten(1).cpu()
            conditions = _rows(given, form.rows)
            labels = _rows([value for value in given if not _varies_by_place(value)], form.rows)
            found += list(zip(samples, conditions, labels, strict=True))
    return found


def _rows(values: Sequence[Tensor], rows: int) -> list[bytes]:
    """What stands for all values of each row."""
    flat = [value.reshape(rows, -1).double().cpu() for value in values]
    return [row.numpy().tobytes() for row in torch.cat(flat, dim=1)] if flat else [b""] * rows


def _varies_by_place(condition: Tensor) -> bool:
    if condition.ndim < 3:
        return False
    places = condition.flatten(2)
    return bool((places != places[..., :1]).any())


def _neighbours(known: Sequence[tuple[Tensor, bytes]]) -> tuple[float, float, float]:
    """How often the nearest other real has the same condition, and how often any other has.

    The third number is the standard error of the first if conditions were drawn by lot. All are nan where
    conditions hardly repeat.
    """
    distinct = {sample.numpy().tobytes(): (sample, condition) for sample, condition in known}
    numbers = {condition: number for number, condition in enumerate({c for _, c in distinct.values()})}
    count = len(distinct)
    if len(numbers) < 2 or count < _NEIGHBOURS or len({len(sample) for sample, _ in distinct.values()}) > 1:
        return math.nan, math.nan, math.nan
    if len(numbers) * _ALIKE_CONDITIONS > count:
        return math.nan, math.nan, math.nan
    samples = torch.stack([sample for sample, _ in distinct.values()])
    classes = torch.tensor([numbers[condition] for _, condition in distinct.values()])
    nearest = pairwise_distances(samples, samples).fill_diagonal_(math.inf).argmin(dim=1)
    share = float((classes[nearest] == classes).double().mean())
    sizes = torch.bincount(classes).double()
    chance = float((sizes * (sizes - 1)).sum() / (count * (count - 1)))
    return share, chance, math.sqrt(chance * (1 - chance) / count)


def _change(first: Tensor, second: Tensor) -> Tensor:
    if first.shape != second.shape:
        raise ProbeSkipped("the generator returned batches of different sizes for equal calls")
    return (first - second).norm(dim=1).square().mean().sqrt()
