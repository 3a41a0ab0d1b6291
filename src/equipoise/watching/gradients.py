"""Hooks for the backward pass: what they receive is kept at the pass or the call it belongs to.

Each refers weakly to its owner, so that the user's graph keeps nothing of ours alive.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction

from equipoise.watching import statistics
from equipoise.watching.asked import inputs_alone
from equipoise.watching.attachment import Hook, Problems, shielded
from equipoise.watching.links import entrances
from equipoise.watching.passes import DiscriminatorPass, GeneratorCall
from equipoise.watching.reversal import note_arrived, note_sent, turns_round
from equipoise.watching.tree import Path


def keep_gradient(call: GeneratorCall, path: Path, sent_back: Hook) -> Any:
    reference = weakref.ref(call)

    def keep(gradient: Tensor) -> None:
        known = reference()
        if known is not None and not torch.is_grad_enabled():
            # Also where no score is reached: other terms are sent back behind the same clearing.
            sent_back()
            known.gradients[path] = gradient.detach()
            note_arrived(known, path, known.gradients[path])

    return keep


def keep_input_gradient(
    one: DiscriminatorPass, at_penalty: Hook, sent_back: Hook, network: nn.Module, problems: Problems
) -> Any:
    """What comes back to a sample: the loss's gradient, or, with create_graph, a penalty's ds/dx.

    `at_penalty` is called where a penalty is computed, `sent_back` where one begins to be sent back; a pass
    that reaches no weight of the discriminator `network` asks for ds/dx, and no penalty can be made of it.
    """
    reference = weakref.ref(one)

    def keep(gradient: Tensor) -> None:
        known = reference()
        if known is None:
            return
        if torch.is_grad_enabled():
            # Differentiated with create_graph: a penalty on the discriminator's input gradient.
            at_penalty()
            with torch.no_grad():
                known.penalty_norms.append(statistics.sample_norms(gradient))
            if gradient.requires_grad:
                pull = keep_pull(known, gradient.detach(), sent_back)
                gradient.register_hook(shielded(problems, "penalty-pull", pull))
        else:
            known.gradients.append(gradient.detach())
            if known.differentiable and inputs_alone(network):
                known.asked_slopes.append(gradient.detach())

    return keep


def keep_pull(one: DiscriminatorPass, slope: Tensor, sent_back: Hook) -> Any:
    """What the penalty sends back to the slope g = ds/dx shows over which axes its norm was taken."""
    reference = weakref.ref(one)

    def keep(gradient: Tensor) -> None:
        known = reference()
        if known is None or torch.is_grad_enabled():
            return
        sent_back()
        if gradient.shape == slope.shape:
            known.pulls.append(statistics.penalty_pull(slope, gradient.detach()))
            known.pulled.append(statistics.sample_norms(slope))

    return keep


def listen_behind(
    one: DiscriminatorPass,
    sample: Tensor,
    scores: list[Tensor],
    others: list[Tensor],
    sent_back: Hook,
    problems: Problems,
) -> None:
    """Hook what comes back to a generated sample through the discriminator.

    Args:
        sample, scores, others: live tensors; `others` are answers that are neither scores nor inside them.
    """
    for node, index in entrances(scores or others, sample):
        node.register_hook(
            shielded(problems, "adversarial-gradients", keep_adversarial(one, node, index, sent_back))
        )


def listen_beside(one: DiscriminatorPass, others: list[Tensor], sent_back: Hook, problems: Problems) -> None:
    """Hook the answers beside the scores (a class, a code): what is behind one may be reached before a score.

    The layer of a class that was computed behind the score gets its gradient first. What is sent back to an
    answer of one row of numbers a sample is kept beside it.
    """
    reference, scored = weakref.ref(one), bool(one.scores)

    def note(gradient: Tensor, answer: Tensor) -> None:
        known = reference()
        told = known is not None and not known.asked()
        if known is not None and told and scored:
            known.by_other_answers = True
        if torch.is_grad_enabled():
            return
        sent_back()
        if known is None or not told:
            return
        if gradient.ndim == 2 and len(gradient) == len(known.samples):
            known.other_answers.append((answer, gradient.detach()))

    for value in others:
        if value.requires_grad:
            hook = partial(note, answer=value.detach())
            value.register_hook(shielded(problems, "stale-gradients", hook))


def keep_adversarial(one: DiscriminatorPass, node: Any, index: int, sent_back: Hook) -> Any:
    reference, own = weakref.ref(one), isinstance(node, BackwardCFunction)

    def keep(inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor | None, ...]) -> None:
        known = reference()
        if known is None or torch.is_grad_enabled() or index >= len(inputs):
            return
        if known.asked():
            return
        gradient = inputs[index]
        if gradient is None:
            return
        gradient = gradient.detach()
        note_sent(known, gradient)
        if own and outputs:
            known.reversed |= turns_round(gradient, outputs[0])
        # Several uses in one backward pass are one gradient; each backward pass reaches the score once more.
        passes = max((len(score.raw_slopes) for score in known.scores), default=0)
        if not passes:
            # Only other answers of the discriminator (features, classes, codes) were sent back.
            known.by_features = True
            before = known.features
            same = before is not None and before.shape == gradient.shape
            known.features = before + gradient if before is not None and same else gradient
            sent_back()
            return
        if len(known.adversarial) < passes or known.adversarial[-1].shape != gradient.shape:
            known.adversarial.append(gradient)
        else:
            known.adversarial[-1] = known.adversarial[-1] + gradient

    return keep
