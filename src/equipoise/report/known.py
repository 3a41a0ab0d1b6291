"""The facts, the probes' numbers and the last values of all signals, as rows for tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from equipoise.history.catalogue import FACTS, PROBES, SIGNALS
from equipoise.history.observations import Observations
from equipoise.report.numbers import figure


@dataclass(frozen=True)
class Entry:
    """One row: what it is called, its value, and what that means."""

    name: str
    value: str
    meaning: str = ""


@dataclass(frozen=True)
class ProbeView:
    """The newest numbers of one probe."""

    name: str
    question: str
    step: int
    numbers: tuple[Entry, ...]


def summary(observations: Observations) -> list[Entry]:
    """The facts that a reader asks for first, in words; those that are not known are left out."""
    rows = [
        Entry("Loss family", _family(observations)),
        Entry("Scores", _scores(observations)),
        Entry("Roles", _roles(observations)),
        *(_network(observations, player) for player in ("generator", "discriminator")),
        *_optimizers(observations),
        Entry("Updates", _updates(observations)),
        Entry("Samples", _samples(observations)),
        Entry("Precision", str(observations.fact("precision", ""))),
        Entry("Constraints", _constraints(observations)),
        Entry("Columns understood", _columns(observations)),
    ]
    return [row for row in rows if row.value]


def facts(observations: Observations) -> list[Entry]:
    """Every fact that is known, as it was recorded."""
    return [
        Entry(name, _plain(value), FACTS[name].meaning if name in FACTS else "")
        for name, value in sorted(observations.facts.items())
        if value is not None
    ]


def probes(observations: Observations) -> list[ProbeView]:
    """The newest result of each probe that ran."""
    views = []
    for name, numbers in PROBES.items():
        result = observations.probe(name)
        if result is not None:
            rows = tuple(
                Entry(number, figure(result[number]), meaning)
                for number, meaning in numbers.numbers.items()
                if number in result.values
            )
            views.append(ProbeView(name, numbers.question, result.step, rows))
    return views


def signals(observations: Observations) -> list[Entry]:
    """The last value of each scalar signal that was recorded."""
    rows = []
    for name, entry in SIGNALS.items():
        series = observations.series(name)
        if len(series) and series.values.ndim == 1:
            count = f"{len(series):,} records" if len(series) > 1 else "1 record"
            rows.append(Entry(name, figure(series.last), f"{entry.formula} [{entry.unit}; {count}]"))
    return rows


def _family(observations: Observations) -> str:
    family = observations.fact("objective.family")
    players = [observations.fact(f"objective.{player}") for player in ("discriminator", "generator")]
    if family is None and not any(players):
        return ""
    words = str(family) if family is not None else "none fits both players"
    if any(player not in (None, family) for player in players):
        words += f" (discriminator {players[0] or 'unknown'}, generator {players[1] or 'unknown'})"
    fit = observations.last("objective.fit")
    if fit == fit:
        words += f"; the slopes fit to {figure(fit, 2)}"
    more = [
        text
        for name, text in (
            ("objective.double_sigmoid", "a sigmoid is applied twice"),
            ("objective.flipped", "lower scores mean real, consistently"),
        )
        if observations.fact(name) is True
    ]
    composite = observations.fact("objective.composite")
    if isinstance(composite, (int, float)) and composite > 0.01:
        more.append(f"{composite:.0%} of the gradient at the fakes comes from other terms")
    return "; ".join([words, *more])


def _scores(observations: Observations) -> str:
    side = {1: "higher means real", -1: "lower means real"}.get(observations.fact("score.orientation", 0), "")
    ends = observations.fact("discriminator.output_activation")
    last = f"the discriminator ends in {ends}" if ends else ""
    return "; ".join(part for part in (side, last) if part)


def _roles(observations: Observations) -> str:
    decided = observations.fact("roles.decided")
    if not isinstance(decided, (int, float)):
        return ""
    words = f"{decided:.1%} of the discriminator's passes were told apart"
    for name, text in (
        ("concatenated", "reals and fakes in one batch"),
        ("detached", "fakes detached in the discriminator's step"),
        ("roles.tagged", "tagged by hand"),
    ):
        if observations.fact(name) is True:
            words += f"; {text}"
    return words


def _network(observations: Observations, player: str) -> Entry:
    count = observations.fact(f"{player}.parameters")
    if not isinstance(count, (int, float)):
        return Entry(player.capitalize(), "")
    layers = observations.fact(f"{player}.layers", [])
    words = f"{count:,} parameters"
    if layers:
        kinds = dict.fromkeys(str(layer.get("type")) for layer in layers if layer.get("parameters"))
        words += f"; {len(layers)} modules, with weights: {', '.join(kinds)}"
    if observations.fact(f"{player}.conditional") is True:
        words += "; conditional"
    return Entry(player.capitalize(), words)


def _optimizers(observations: Observations) -> list[Entry]:
    rows = []
    for entry in observations.fact("optimizers", []):
        words = str(entry.get("type", "unknown"))
        settings: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
            ("learning_rate", "learning rate", _plain),
            ("betas", "betas", _plain),
            ("momentum", "momentum", _plain),
            ("weight_decay", "weight decay", _plain),
        )
        for key, label, shown in settings:
            if entry.get(key):
                words += f", {label} {shown(entry[key])}"
        rows.append(Entry(f"Optimizer of {entry.get('player') or 'unknown'}", words))
    return rows


def _updates(observations: Observations) -> str:
    counts = observations.updates
    if not any(counts.values()):
        return ""
    return ", ".join(f"{player} {count:,}" for player, count in counts.items())


def _samples(observations: Observations) -> str:
    kind, shape = observations.fact("data.kind"), observations.fact("data.shape")
    if shape is None:
        return str(kind or "")
    batch = observations.fact("data.batch")
    words = f"{kind or 'values'} of shape {' × '.join(str(side) for side in shape) or '1'}"
    return words + (f", {batch} in a batch" if batch else "")


def _constraints(observations: Observations) -> str:
    found = []
    share = observations.fact("discriminator.spectral_norm")
    if isinstance(share, (int, float)) and share > 0:
        found.append(f"spectral normalisation of {share:.0%} of the discriminator's weight layers")
    bound = observations.fact("weight.clipping")
    if bound is not None:
        found.append(f"weights clipped at {_plain(bound)}")
    clipped = observations.fact("gradient.clipping")
    if clipped:
        found.append(f"gradients clipped: {_plain(clipped)}")
    if observations.last("penalty.applied") > 0:
        found.append("a penalty on the discriminator's gradient")
    return "; ".join(found)


def _columns(observations: Observations) -> str:
    columns = observations.fact("log.columns", {})
    return ", ".join(f"{column} as {signal}" for signal, column in columns.items())


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return figure(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(entry)}" for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        mark = "; " if any(isinstance(entry, dict) for entry in value) else ", "
        return mark.join(_plain(entry) for entry in value) if value else "none"
    return str(value)
