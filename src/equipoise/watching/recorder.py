"""From the passes of one player's update to the signals of the catalogue."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from equipoise.watching import statistics
from equipoise.watching.fingerprint import Batch
from equipoise.watching.members import shares_storage
from equipoise.watching.passes import Assignment, DiscriminatorPass, Part
from equipoise.watching.tree import float32

Values = dict[str, Any]
_FINGERPRINT_SCORES = 128


def _flat(parts: list[Part]) -> Tensor:
    return torch.cat([part.values.reshape(-1) for part in parts])


def _slopes(parts: list[Part]) -> Tensor | None:
    # Scaled by the number of scores, so that a mean-reduced loss gives its derivative per sample.
    found = [part.slope.reshape(-1) * part.elements for part in parts if part.slope is not None]
    return torch.cat(found) if found else None


def by_path(parts: list[Part]) -> dict[Any, list[Part]]:
    """Parts of the same output tensor together: scales of a multi-scale discriminator are not comparable."""
    groups: dict[Any, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.score.path, []).append(part)
    return groups


def comparable(real: list[Part], fake: list[Part]) -> list[tuple[Tensor, Tensor]]:
    """Pairs of real and fake scores of the same output; in order where the outputs differ (paired calls)."""
    reals, fakes = by_path(real), by_path(fake)
    shared = [path for path in reals if path in fakes]
    if shared:
        return [(_flat(reals[path]), _flat(fakes[path])) for path in shared]
    return [(_flat(one), _flat(other)) for one, other in zip(reals.values(), fakes.values())]


def slope_signals(role: str, parts: list[Part]) -> Values:
    """Mean, size, sign and zeros of dL/ds of one role."""
    slope = _slopes(parts)
    if slope is None:
        return {}
    nonzero = slope != 0
    values: Values = {
        f"slope.{role}.mean": slope.mean(),
        f"slope.{role}.size": statistics.root_mean_square(slope),
        # A slope that is not a number takes no side: its share must be no number either.
        f"slope.{role}.positive": ((slope > 0).float() + 0 * slope).sum() / nonzero.float().sum(),
        f"slope.{role}.zero": (~nonzero).float().mean(),
    }
    return values


def discriminator_signals(assignment: Assignment, orientation: int, boundary: float | None) -> Values:
    """Scores, slopes and penalties of a discriminator update."""
    real, fake = assignment.real, assignment.fake
    values: Values = {}
    direction = float(orientation or 1)
    for role, parts in (("real", real), ("fake", fake)):
        if not parts:
            continue
        scores = _flat(parts)
        values[f"score.{role}.mean"] = scores.mean()
        values[f"score.{role}.std"] = scores.std(correction=0)
        if boundary is not None:
            beyond = (scores - boundary) * direction
            side = beyond > 0 if role == "real" else beyond < 0
            values[f"score.accuracy.{role}"] = side.float().mean()
        values |= slope_signals(role, parts)
    if real and fake:
        pairs = comparable(real, fake)
        if orientation:
            aucs = [statistics.auc(direction * one, direction * other) for one, other in pairs]
            gaps = [statistics.standardised_gap(direction * one, direction * other) for one, other in pairs]
            values["score.auc"] = torch.stack(aucs).mean()
            values["score.gap"] = torch.stack(gaps).mean()
        counts = statistics.histograms(*pairs[0])
        values["score.real.histogram"], values["score.fake.histogram"], values["score.histogram.edges"] = (
            counts
        )
        raw = torch.cat([part.raw.reshape(-1) for part in (*real, *fake)])
        values["score.output.low"], values["score.output.high"] = raw.min(), raw.max()
    norms = [norm for one in assignment.penalties for norm in one.penalty_norms]
    values["penalty.applied"] = float(len(norms))
    values["penalty.without_graph"] = float(assignment.without_graph)
    if norms:
        joined = torch.cat(norms)
        values["penalty.gradient"] = joined.mean()
        values["penalty.gradient.std"] = joined.std(correction=0)
    pulls = [pull for one in assignment.penalties for pull in one.pulls]
    values["penalty.sent"] = float(len(pulls))
    if pulls:
        scale = torch.cat([factor for _, factor in pulls])
        values["penalty.parallel"] = torch.cat([cosine for cosine, _ in pulls]).nanmean()
        values["penalty.pull"] = scale.mean() * len(scale)
        # Each pass has a law of its own (R1 beside a penalty at interpolates); the last one's is read.
        norms, (_, factors) = assignment.penalties[-1].pulled[-1:], pulls[-1]
        if norms:
            weight, values["penalty.target"] = statistics.penalty_law(norms[0], factors)
            values["penalty.weight"] = weight * len(factors)
        values["penalty.pull.spread"] = scale.std(correction=0) / scale.square().mean().sqrt().clamp(
            min=1e-30
        )
    return values


def generator_signals(assignment: Assignment) -> Values:
    """Scores and slopes of a generator update, and the gradient that reached the fakes."""
    parts = assignment.generator
    if not parts:
        return {}
    scores = _flat(parts)
    values: Values = {"score.generator.mean": scores.mean(), "score.generator.std": scores.std(correction=0)}
    values |= slope_signals("generator", parts)
    own, total = adversarial_gradient(parts), total_gradient(parts[0])
    if own is not None:
        norms = statistics.sample_norms(own)
        values["gradient.samples"] = len(own) * statistics.root_mean_square(norms)
        values["gradient.samples.zero"] = (norms == 0).float().mean()
    if total is not None:
        values["gradient.samples.total"] = len(total) * statistics.root_mean_square(
            statistics.sample_norms(total)
        )
    return values


def adversarial_gradient(parts: list[Part]) -> Tensor | None:
    """dL_G/dx at the fakes, the part that came through the discriminator, or through several of them."""
    total = own_rows(parts[0].owner.adversarial, parts[0])
    owners = {id(parts[0].owner)}
    for part in parts[1:]:
        one = part.owner
        if id(one) in owners or total is None or not same_samples(one, parts[0].owner):
            continue
        owners.add(id(one))
        more = own_rows(one.adversarial, part)
        if more is not None and more.shape == total.shape:
            total = total + more
    return total


def same_samples(one: DiscriminatorPass, other: DiscriminatorPass) -> bool:
    """Whether two passes were given the same samples."""
    return shares_storage(one.samples, other.samples)


def total_gradient(part: Part) -> Tensor | None:
    """dL_G/dx at the generator's output, all terms of the loss; where it is unknown, at the sample."""
    one = part.owner
    if one.call is not None and one.output_path is not None and one.output_path in one.call.gradients:
        return one.call.gradients[one.output_path]
    return own_rows(one.gradients, part)


def matched_share(passes: list[DiscriminatorPass]) -> Values:
    """What feature matching alone contributes to the gradient at the generator's output, of all terms."""
    if not passes:
        return {}
    first = passes[0]
    if first.call is None or first.output_path is None:
        return {}
    total = first.call.gradients.get(first.output_path)
    own = [
        one.features
        for one in passes
        if one.call is first.call and one.output_path == first.output_path and one.features is not None
    ]
    if total is None or not own or any(each.shape != total.shape for each in own):
        return {}
    sent = torch.stack([float32(each) for each in own]).sum(0)
    size, rest = sent.double().norm(), (float32(total) - sent).double().norm()
    return {"gradient.matched": size / (size + rest).clamp(min=1e-30)}


def own_rows(gradients: list[Tensor], part: Part) -> Tensor | None:
    """The gradient of a pass at its samples, cut to a part's rows and channels."""
    if not gradients:
        return None
    if part.slope_index is not None and part.slope_index < len(gradients):
        total = gradients[part.slope_index]
    else:
        total = gradients[0] if len(gradients) == 1 else torch.stack(gradients).sum(0)
    if part.rows is not None and len(total) == len(part.owner.samples):
        total = total[part.rows]
    if part.owner.channels is not None and total.ndim > 1:
        total = total[:, part.owner.channels]
    return total


def sample_signals(real: Tensor, fake: Tensor, bounds: tuple[float, float] | None) -> Values:
    """Range, spread and distances of the fake batch against the real batch."""
    real, fake = float32(real), float32(fake)
    values: Values = {}
    for role, batch in (("real", real), ("fake", fake)):
        values[f"sample.{role}.low"], values[f"sample.{role}.high"] = batch.min(), batch.max()
        values[f"sample.{role}.mean"], values[f"sample.{role}.std"] = batch.mean(), batch.std()
        if bounds is not None:
            low, high = bounds
            margin = 0.005 * (high - low)
            values[f"sample.{role}.saturated"] = (
                ((batch <= low + margin) | (batch >= high - margin)).float().mean()
            )
    if real.shape[1:] == fake.shape[1:]:
        values |= statistics.compare_batches(real, fake)
    return values


def latent_signals(latent: Tensor) -> Values:
    """The law of the latent batch."""
    value = float32(latent)
    return {
        "latent.mean": value.mean(),
        "latent.std": value.std(),
        "latent.kurtosis": statistics.kurtosis(value),
        "latent.low": value.min(),
        "latent.high": value.max(),
    }


def latent_law(latent: Tensor, where: str) -> Values:
    """The law of latents of other calls than the generator's own steps, under `latent.WHERE.`."""
    law = latent_signals(latent)
    values: Values = {f"latent.{where}.{what}": law[f"latent.{what}"] for what in ("mean", "std", "kurtosis")}
    values[f"latent.{where}.count"] = torch.tensor(float(latent.numel()))
    return values


def fingerprint_batch(
    orientation: int,
    discriminator: Assignment | None,
    generator: Assignment | None,
    generator_real: list[Part],
) -> Batch:
    """Oriented scores and slopes of one record, thinned, as arrays."""
    direction = float(orientation or 1)
    batch = Batch(direction=direction)
    parts = {
        "real": discriminator.real if discriminator is not None else [],
        "fake": discriminator.fake if discriminator is not None else [],
        "generator": generator.generator if generator is not None else [],
    }
    batch.sigmoid = any(part.score.sigmoid for group in parts.values() for part in group)
    if batch.sigmoid:
        # A probability keeps its sign: 1 means real or fake by convention, and so does its slope.
        batch.raw = Batch()
    for role, group in parts.items():
        _fill(batch, role, group, direction, raw=False)
        if batch.raw is not None:
            _fill(batch.raw, role, group, 1.0, raw=True)
    if generator_real:
        scores = statistics.spread_rows(_flat(generator_real), _FINGERPRINT_SCORES)
        batch.generator_real = (direction * scores).double().cpu().numpy()
    return batch


def _fill(batch: Batch, role: str, parts: list[Part], direction: float, *, raw: bool) -> None:
    """Thinned scores and slopes of one role, of one output tensor: a family's slope holds per tensor."""
    sloped = [part for part in parts if (part.raw_slope if raw else part.slope) is not None]
    if not sloped:
        return
    chosen = next(iter(by_path(sloped).values()))
    scores = torch.cat([(part.raw if raw else part.values).reshape(-1) for part in chosen])
    slopes = torch.cat(
        [
            slope.reshape(-1) * part.elements
            for part in chosen
            if (slope := part.raw_slope if raw else part.slope) is not None
        ]
    )
    for name, values in ((role, scores), (f"{role}_slope", slopes)):
        thinned = statistics.spread_rows(values, _FINGERPRINT_SCORES)
        setattr(batch, name, (direction * thinned).double().cpu().numpy())
