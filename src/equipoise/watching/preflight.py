"""What can be known before the first step: structure, optimizers, initialisation, one batch on copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from equipoise.history.observations import Observations, Series
from equipoise.watching import anatomy, recorder
from equipoise.watching.activations import BOUNDS, output_activation
from equipoise.watching.attachment import unwrapped
from equipoise.watching.inputs import Call, discriminator_inputs, first_that_works, generator_inputs
from equipoise.watching.isolation import isolated_copy, module_device, plain_numbers, preserved_randomness
from equipoise.watching.optimizers import PLAYERS, describe
from equipoise.watching.probes.forms import fitted
from equipoise.watching.scores import choose_scores, terminal_tensors
from equipoise.watching.statistics import best_lattice, first_rows, lattice_share
from equipoise.watching.structure import structure_facts
from equipoise.watching.tree import floating_tensors, tensors
from equipoise.watching.unregistered import Hidden

_OF_A_BATCH = {
    f"sample.{role}.{name}"
    for role in ("real", "fake")
    for name in ("low", "high", "mean", "std", "saturated")
}
_ROWS = 16
_MOST = 128


def preflight_observations(
    generator: nn.Module,
    discriminator: nn.Module,
    generator_optimizer: Optimizer | None = None,
    discriminator_optimizer: Optimizer | None = None,
    real_batch: Any = None,
    objective: str | None = None,
) -> Observations:
    """Facts and first signals of two networks that have not been trained yet, all at step 0.

    One batch goes through copies of the networks where the generator's input can be inferred (an attribute
    such as `latent_dim`, the first layer's width, an embedding for labels). Where it cannot, the note in
    `log.missing` says so. Nothing of the networks, the optimizers or the random states changes.

    Args:
        real_batch: reals as the discriminator will be given them; a tuple or dict is searched for the samples
            and, beside them, whole-numbered labels.

    Example:
        >>> observed = preflight_observations(nn.Linear(4, 2), nn.Linear(2, 1), real_batch=torch.zeros(8, 2))
        >>> observed.facts["generator.input"], observed.facts["score.shape"]
        ('latent', [[1]])
    """
    generator, discriminator = unwrapped(generator), unwrapped(discriminator)
    observed = Observations(source="preflight")
    values: dict[str, Any] = {}
    facts: dict[str, Any] = {"objective.declared": objective, **structure_facts(generator, discriminator)}
    networks = {"generator": generator, "discriminator": discriminator}
    optimizers = (generator_optimizer, discriminator_optimizer)
    facts["optimizers"] = [
        _entry(optimizer, player, networks)
        for player, optimizer in zip(PLAYERS, optimizers)
        if optimizer is not None
    ]
    held = {
        id(p) for one in optimizers if one is not None for group in one.param_groups for p in group["params"]
    }
    notes: list[str] = []
    samples, labels = _real(real_batch)
    if samples is not None:
        facts |= {
            "data.shape": list(samples.shape[1:]),
            "data.kind": {3: "image", 2: "sequence"}.get(samples.ndim - 1, "vector"),
            "data.real.dtype": str(samples.dtype).removeprefix("torch."),
            "data.batch": len(samples),
        }
    try:
        with preserved_randomness(0), plain_numbers(module_device(generator)):
            _dry_run(networks, samples, labels, held, facts, values, notes)
    except Exception as error:  # noqa: BLE001  a trial must not keep the rest of the verdict back
        notes.append(f"one batch through the networks ({type(error).__name__}: {str(error)[:160]})")
    facts["log.missing"] = notes
    observed.facts = facts
    observed.signals = {name: _once(value) for name, value in values.items()}
    return observed


def _once(value: Any) -> Series:
    return Series(np.zeros(1), np.array([float(torch.as_tensor(value).detach())]))


def _entry(optimizer: Optimizer, player: str, networks: dict[str, nn.Module]) -> dict[str, Any]:
    entry = describe(optimizer, networks)
    # The user says whose it is; the shares say what it holds.
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    own = [parameter for parameter in networks[player].parameters() if parameter.requires_grad]
    return {**entry, "player": player, "missing": sum(id(parameter) not in held for parameter in own)}


def _real(batch: Any) -> tuple[Tensor | None, Tensor | None]:
    found = [value.detach() for _, value in tensors(batch) if value.ndim >= 1 and value.numel()]
    if not found:
        return None, None
    samples = max(found, key=lambda value: (value.ndim >= 2, value.numel()))
    labels = [
        value
        for value in found
        if value is not samples
        and not value.is_floating_point()
        and value.ndim == 1
        and len(value) == len(samples)
    ]
    return samples[:_MOST], labels[0][:_MOST] if labels else None


def _dry_run(
    networks: dict[str, nn.Module],
    samples: Tensor | None,
    labels: Tensor | None,
    held: set[int],
    facts: dict[str, Any],
    values: dict[str, Any],
    notes: list[str],
) -> None:
    random = torch.Generator().manual_seed(0)
    generator, discriminator = (isolated_copy(networks[player]) for player in PLAYERS)
    reals = None
    if samples is not None:
        reals = fitted(samples.float(), discriminator)
        judged = _judge(discriminator, reals, labels, random, facts, values, notes, "reals")
        _unregistered("discriminator", networks, discriminator, judged, held, facts)
        lattice, _ = best_lattice(first_rows(samples.float(), 32))
        values["sample.real.lattice"] = lattice_share(samples.float(), lattice)
    rows = _ROWS if samples is None else max(2, min(len(samples), _MOST))
    made = _generate(generator, reals, rows, random)
    if made is None:
        notes.append("one batch of fakes (what the generator takes could not be inferred)")
        if reals is not None:
            values |= _range(reals)
        return
    call, output = made
    fakes = _sample(output, reals)
    _unregistered("generator", networks, generator, fakes, held, facts)
    facts["generator.input"] = "latent"
    facts["generator.conditional"] = len(call) > 1
    # What the graph shows overrules the guess from the last layer by name.
    facts["generator.output_activation"] = output_activation(fakes) or facts["generator.output_activation"]
    if any(parameter.requires_grad for parameter in networks["generator"].parameters()):
        # Its own output without a graph: no loss whatever can train it.
        facts["generator.graph_cut"] = not fakes.requires_grad
    if reals is not None:
        bounds = BOUNDS.get(facts["generator.output_activation"] or "")
        measured = recorder.sample_signals(reals, fakes.detach(), bounds)
        # How diverse an untrained generator is says nothing.
        values |= {name: value for name, value in measured.items() if name in _OF_A_BATCH}
    dead = anatomy.dead_share(generator, lambda copied: copied(*call))
    if dead is not None:
        values["activation.dead"] = dead
    _judge(discriminator, fakes.detach(), None, random, facts, values, notes, "fakes")


def _unregistered(
    player: str,
    networks: dict[str, nn.Module],
    copied: nn.Module,
    output: Tensor | None,
    held: set[int],
    facts: dict[str, Any],
) -> None:
    """Weights that a copy's output came from, and that neither the network lists nor an optimizer holds."""
    if output is None:
        return
    hidden = Hidden(copied)
    hidden.output(output)
    others = [network for other, network in networks.items() if other != player]
    facts[f"{player}.unregistered"] = Hidden(networks[player], *others).entry(held, hidden.used)


def _range(reals: Tensor) -> dict[str, Any]:
    return {
        "sample.real.low": reals.min(),
        "sample.real.high": reals.max(),
        "sample.real.mean": reals.mean(),
        "sample.real.std": reals.std(),
    }


def _generate(
    generator: nn.Module, reals: Tensor | None, rows: int, random: torch.Generator
) -> tuple[Call, Any] | None:
    def accepts(output: Any) -> bool:
        found = [value for _, value in floating_tensors(output)]
        if not found or any(value.ndim < 2 or len(value) != rows for value in found[:1]):
            return False
        return reals is None or any(value[:1].numel() == reals[:1].numel() for value in found)

    calls = (fitted(call, generator) for call in generator_inputs(generator, rows, random))
    return first_that_works(generator, calls, accepts)


def _sample(output: Any, reals: Tensor | None) -> Tensor:
    found = [value for _, value in floating_tensors(output)]
    if reals is None:
        return found[0]
    value = next(value for value in found if value[:1].numel() == reals[:1].numel())
    return value.reshape(len(value), *reals.shape[1:])


def _judge(
    discriminator: nn.Module,
    samples: Tensor,
    labels: Tensor | None,
    random: torch.Generator,
    facts: dict[str, Any],
    values: dict[str, Any],
    notes: list[str],
    what: str,
) -> Tensor | None:
    """Scores of a batch: their shape, the last activation, dead units; returns them with their graph."""
    calls = (
        fitted(call, discriminator) for call in discriminator_inputs(discriminator, samples, labels, random)
    )
    taken = first_that_works(discriminator, calls, lambda output: bool(floating_tensors(output)))
    if taken is None:
        notes.append(f"scores of {what} (the discriminator took no call with them that could be inferred)")
        return None
    call, output = taken
    terminals = terminal_tensors(output)
    paths, certain = choose_scores(terminals, tuple(samples.shape[1:]))
    by_path = dict(terminals)
    facts["score.found"] = certain and bool(paths)
    facts["score.shape"] = [list(by_path[path].shape[1:]) for path in paths]
    facts["discriminator.conditional"] = len(call) > 1
    if not paths:
        return None
    score = by_path[paths[0]]
    facts["precision"] = str(score.dtype).removeprefix("torch.")
    activation = output_activation(score)
    if activation is not None:
        facts["discriminator.output_activation"] = activation
    role = "real" if what == "reals" else "fake"
    # Behind a sigmoid these would be probabilities; a score is what went in.
    if activation not in ("sigmoid", "softmax", "log-softmax"):
        values[f"score.{role}.mean"] = score.mean()
        values[f"score.{role}.std"] = score.std(correction=0)
    dead = anatomy.dead_share(discriminator, lambda copied: copied(*call))
    if dead is not None and "activation.dead.discriminator" not in values:
        values["activation.dead.discriminator"] = dead
    return score
