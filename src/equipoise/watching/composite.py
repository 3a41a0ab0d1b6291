"""How much of the generator's gradient is adversarial, beside the other terms of its loss.

At every output of the generator two gradients are known: dL/dx of the whole loss, and the part that
came through the discriminator. Two ways of another term are easily overlooked. It may reach the generator
through a call of its own (a VAE-GAN's reconstruction beside its prior samples), which no discriminator
judges; and it may come through the discriminator's inner layers (feature matching), and then it looks
adversarial. What the slopes at the scores alone send back tells the latter: dL_adv/dx = J^T dL/ds, with
J = ds/dx from a copy.

Sources: Larsen et al. 2016 (1512.09300), algorithm 1; Kong et al. 2020 (2010.05646), section 2.3.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from equipoise.watching import recorder
from equipoise.watching.anatomy import float32_graph, replay
from equipoise.watching.completed import own_values
from equipoise.watching.isolation import plain_numbers, preserved_randomness
from equipoise.watching.members import shares_storage
from equipoise.watching.passes import DiscriminatorPass, GeneratorCall, Part
from equipoise.watching.tree import at_path

_SMALLEST = 1e-30


def shares(
    parts: list[Part], calls: Iterable[GeneratorCall], discriminator: nn.Module | None = None
) -> dict[str, Tensor]:
    """Shares of the gradient that are not adversarial: `judged`, at the samples; `all`, at all calls.

    share = |dL/dx - dL_adv/dx| / (|dL/dx - dL_adv/dx| + |dL_adv/dx|). For `judged` whatever comes through the
    discriminator is adversarial. For `all` only what its scores send back is, and the norms run over the
    outputs of every call; it is left out where that needs a copy and there is none. Empty where the call that
    made the samples is not known.

    Args:
        parts: the scores of the generator's step.
        calls: the generator's; those that are settled belong to an earlier update.
        discriminator: a copy, for one that returns more than scores.
    """
    first = parts[0]
    total = recorder.total_gradient(first)
    own = recorder.adversarial_gradient(parts)
    if total is None or own is None or first.owner.output_path is None:
        return {}
    size, rest = _sizes(own, first, total)
    if size is None or rest is None:
        return {}
    found = {"judged": rest / (rest + size).clamp(min=_SMALLEST)}
    if any(part.owner.beside for part in parts):
        if discriminator is None:
            return found
        size, rest = _sizes(_of_scores(parts, discriminator, own), first, total)
        if size is None or rest is None:
            return found
    squares = [rest.square(), *_elsewhere(parts, calls)]
    everything = torch.stack([square.to(rest) for square in squares]).sum().sqrt()
    found["all"] = everything / (everything + size).clamp(min=_SMALLEST)
    return found


def settle(calls: Iterable[GeneratorCall]) -> None:
    """At an update: what has arrived at these calls belongs to it, and not to a later one."""
    for call in calls:
        call.settled |= bool(call.gradients)


def _sizes(own: Tensor, first: Part, total: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Norms of the adversarial gradient and of the rest; in double precision, for shares next to 1."""
    placed = _placed(own, first.owner, total)
    if placed is None:
        return None, None
    placed = -placed if first.reversed else placed
    return placed.float().norm().double(), (total.float() - placed.float()).norm().double()


def _placed(own: Tensor, one: DiscriminatorPass, total: Tensor) -> Tensor | None:
    """The gradient at the samples as one at the generator's whole output, of which they may be some rows.

    Two batches may go through the generator at once, and the discriminator may be given one of them (CUT: the
    translations, without the identities).
    """
    if own.shape == total.shape:
        return _through_completion(own, one)
    if one.call is None or own.shape[1:] != total.shape[1:] or own.shape != one.samples.shape:
        return None
    output = one.call.output(one.output_path)
    if not shares_storage(output, one.samples) or output.stride() != one.samples.stride():
        return None
    offset = int(one.samples.storage_offset()) - int(output.storage_offset())
    start, rest = divmod(offset, max(int(output.stride(0)), 1))
    if rest or not 0 <= start <= len(total) - len(own) or output.shape != total.shape:
        return None
    placed = torch.zeros_like(total)
    placed[start : start + len(own)] = own
    return placed


def _through_completion(own: Tensor, one: DiscriminatorPass) -> Tensor:
    """What of the gradient at completed samples goes on to the generator: that of its own values."""
    if one.link != "parts" or one.call is None:
        return own
    samples = one.samples if one.rows is None else one.samples[one.rows]
    samples = samples if one.channels is None else samples[:, one.channels]
    made = own_values(samples, one.call.output(one.output_path), one.call.given())
    return own if made is None else own * made


def _elsewhere(parts: list[Part], calls: Iterable[GeneratorCall]) -> list[Tensor]:
    """Squared norms of what arrived at outputs that no discriminator scored in this step."""
    judged = {id(part.owner.call) for part in parts}
    if any(part.owner.call is not None and part.owner.call.made == "owner" for part in parts):
        # A sample made from another output of the generator sends its adversarial gradient on to that.
        return []
    others = [call for call in calls if not call.settled and id(call) not in judged]
    return [gradient.float().square().sum() for call in others for gradient in call.gradients.values()]


def _of_scores(parts: list[Part], discriminator: nn.Module, recorded: Tensor) -> Tensor:
    """The adversarial gradient without what came through inner layers; as recorded if that is unknown."""
    found: list[Tensor] = []
    done: set[int] = set()
    for part in parts:
        one = part.owner
        if id(one) in done or not recorder.same_samples(one, parts[0].owner):
            continue
        done.add(id(one))
        sent = _sent_by_scores(one, part.slope_index, discriminator)
        own = None if sent is None else recorder.own_rows([sent], part)
        if own is None or own.shape != recorded.shape:
            return recorded
        found.append(own)
    return torch.stack(found).sum(0) if found else recorded


def _sent_by_scores(one: DiscriminatorPass, index: int | None, discriminator: nn.Module) -> Tensor | None:
    scores = [score for score in one.scores if score.raw_slopes]
    if not scores or any(score.reading is not None for score in scores):
        return None
    samples = one.samples.detach().clone().float()
    with torch.enable_grad(), preserved_randomness(0), plain_numbers(samples.device):
        samples.requires_grad_()
        output = replay(discriminator, one, samples)
        values = [float32_graph(at_path(output, score.path)) for score in scores]
        slopes = [
            (score.raw_slopes[index] if index is not None else torch.stack(score.raw_slopes).sum(0)).reshape(
                value.shape
            )
            for score, value in zip(scores, values)
        ]
        (sent,) = torch.autograd.grad(values, samples, slopes, allow_unused=True)
    return sent
