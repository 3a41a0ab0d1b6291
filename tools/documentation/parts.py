"""Pages of what training is made of: objectives, penalties, layers, networks, metrics."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from equipoise.layers.base import LAYERS
from equipoise.metrics.base import METRICS, STREAMS
from equipoise.networks.base import ARCHITECTURES
from equipoise.objectives.base import OBJECTIVES
from equipoise.penalties.base import PENALTIES
from equipoise.recipes.catalogue import Recipe, list_recipes
from equipoise.registry import Registry
from equipoise.validation import constraints_of
from tools.documentation.docstring import Docstring, code, parameters_of, parse, table
from tools.documentation.page import Page

Rows = list[list[object]]


def objectives() -> list[Page]:
    """What the two players minimise."""
    return _pages(
        OBJECTIVES,
        "objectives",
        "The two losses of a game. `--set objective.name=NAME` chooses one for `equipoise train`; "
        "`equipoise.objectives` has each as functions and as a class.",
        _objective_facts,
        lambda recipe: [str(recipe.settings.get("objective", {}).get("name", "non-saturating"))],
    )


def penalties() -> list[Page]:
    """What else acts in a step: penalties, constraints, noise, clipping."""
    return _pages(
        PENALTIES,
        "penalties",
        "What acts in a training step besides the objective: penalties on the slope, constraints on the "
        "weights, noise, augmentation, clipping. A recipe names them under `penalties`; for your own loop "
        "`equipoise.penalties` has each of them as a class.",
        _penalty_facts,
        lambda recipe: list(recipe.settings.get("penalties", {})),
    )


def layers() -> list[Page]:
    """Layers that look across the batch or at labels."""
    return _pages(
        LAYERS,
        "layers",
        "Layers that look across the batch, and layers that take labels. Each is an ordinary module of "
        "`equipoise.layers`.",
        _layer_facts,
    )


def networks() -> list[Page]:
    """The pairs of generator and discriminator."""
    return _pages(
        ARCHITECTURES,
        "networks",
        "Pairs of a generator and a discriminator that fit each other and the data. "
        "`--set networks.architecture=NAME` chooses one, `equipoise.networks.build_networks` makes one.",
        _network_facts,
        lambda recipe: [str(recipe.settings.get("networks", {}).get("architecture", "auto"))],
    )


def metrics() -> list[Page]:
    """The scores."""
    return _pages(
        METRICS,
        "metrics",
        "What `equipoise evaluate` prints, and more. Every score stands beside what held-out reals score "
        "by the same rule, and beside a broken generator's score: a number without them says little.",
        _metric_facts,
    )


def _pages(
    registry: Registry[Any],
    folder: str,
    introduction: str,
    facts: Callable[[Any], Rows],
    used_by: Callable[[Recipe], list[str]] | None = None,
) -> list[Page]:
    """The table of a registry, and a page for each entry."""
    generator = f"@{folder}"
    made = []
    rows: Rows = []
    for name, entry in registry.items():
        found = parse(entry)
        rows.append([f"`{name}`", _first_sentence(found.summary)])
        users = [r.name for r in list_recipes() if name in used_by(r)] if used_by else []
        text = _text(registry.kind, name, entry, found, facts(entry), users)
        made.append(Page(f"reference/{folder}/{name}.md", name, text, generator, "", (name,)))
    title = folder.capitalize()
    index = f"# {title}\n\n{introduction}\n\n{table([registry.kind, 'what it is'], rows)}\n"
    return [Page(f"reference/{folder}/index.md", title, index, generator), *made]


def _text(kind: str, name: str, entry: Any, found: Docstring, facts: Rows, recipes: Iterable[str]) -> str:
    lines = [f"# {kind.capitalize()} `{name}`", "", found.summary, ""]
    if found.text:
        lines += [found.text, ""]
    for title in ("Shapes", "Source"):
        if title in found.sections:
            lines += [f"**{title}.** {' '.join(found.sections[title].split())}", ""]
    if facts:
        lines += ["## Facts", "", table(["fact", "value"], facts), ""]
    options = _options(entry)
    if options:
        lines += ["## Options", "", table(["option", "default", "must be", "what it does"], options), ""]
    if "Raises" in found.sections:
        raised = " ".join(found.sections["Raises"].removeprefix("EquipoiseError:").split())
        lines += ["## Refuses", "", f"`EquipoiseError`: {raised}", ""]
    users = list(recipes)
    if users:
        lines += [
            "## Recipes that use it",
            "",
            ", ".join(f"[`{user}`](../recipes/{user}.md)" for user in users) + ".",
            "",
        ]
    if "Example" in found.sections:
        lines += ["## Example", "", code(found.sections["Example"], "pycon"), ""]
    module = inspect.getmodule(entry)
    file = Path(inspect.getsourcefile(entry) or "").parts
    place = "/".join(file[file.index("src") :]) if "src" in file else ""
    lines += [
        f"In code: `{module.__name__ if module else ''}.{entry.__name__}`"
        + (f", `{place}`." if place else ".")
    ]
    return "\n".join(lines) + "\n"


def _options(entry: Any) -> Rows:
    """Name, default, what it must be and what it does, for each argument of the constructor."""
    if inspect.isclass(entry) and isinstance(getattr(entry, "options", None), dict):
        return [
            [f"`{name}`", f"`{default!r}`", constraint.describe(), ""]
            for name, (default, constraint) in entry.options.items()
        ]
    told = parameters_of(entry)
    musts: dict[str, Any] = {}
    for ancestor in reversed(entry.__mro__):
        musts |= constraints_of(ancestor) if "__init__" in ancestor.__dict__ else {}
    rows: Rows = []
    for name, parameter in inspect.signature(entry).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        default = "required" if parameter.default is parameter.empty else f"`{parameter.default!r}`"
        must = musts[name].describe() if name in musts else ""
        rows.append([f"`{name}`", default, must, told.get(name, "")])
    return rows


def _objective_facts(entry: Any) -> Rows:
    words = {
        "decision_boundary": "score at which the discriminator is undecided",
        "saturating": "the generator's gradient vanishes when the discriminator wins",
        "needs_lipschitz": "needs a Lipschitz constraint on the discriminator",
        "has_labels": "has targets that can be smoothed or flipped",
        "relative": "each loss depends on real and fake scores together",
        "bounded_below": "the discriminator's loss has a lower bound",
        "equilibrium_discriminator_loss": "the discriminator's loss when it is undecided everywhere",
        "equilibrium_generator_loss": "the generator's loss then",
    }
    known = {field.name for field in fields(entry.facts)}
    return [[text, _value(getattr(entry.facts, name))] for name, text in words.items() if name in known]


def _penalty_facts(entry: Any) -> Rows:
    words = {
        "provides_lipschitz": "bounds the discriminator's slope (a Wasserstein loss makes sense with it)",
        "differentiates_twice": "needs a second backward pass through the discriminator",
        "replaces_adversarial": "replaces the generator's adversarial loss",
    }
    return [[text, _value(getattr(entry, name))] for name, text in words.items()]


def _layer_facts(entry: Any) -> Rows:
    words = {
        "across_batch": "the output for one sample depends on the rest of the batch",
        "needs_labels": "is called with class indices",
        "wraps_network": "is built around a network rather than placed inside one",
    }
    return [[text, _value(getattr(entry.facts, name))] for name, text in words.items()]


def _network_facts(entry: Any) -> Rows:
    return [
        ["kinds of samples", ", ".join(entry.kinds)],
        ["width next to the sample, by default", entry.default_base_channels],
        ["normalisation of the discriminator, by default", entry.default_normalisation],
        ["normalisations it can have", ", ".join(entry.normalisations)],
        ["how the discriminator takes labels, by default", entry.default_conditioning],
    ]


def _metric_facts(entry: Any) -> Rows:
    broken = {
        "collapse": "one held-out real, repeated",
        "shuffle": "each feature permuted over the samples on its own",
        "copies": "the training samples themselves",
        "wrong-labels": "the labels permuted",
        "none": "",
    }[entry.bad_case]
    rows: Rows = [[f"takes `{stream}`", STREAMS[stream]] for stream in entry.streams]
    rows += [[f"can take `{stream}`", STREAMS[stream]] for stream in entry.optional_streams]
    return rows + ([["the broken generator it is shown beside", broken]] if broken else [])


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _first_sentence(text: str) -> str:
    head, stop, _ = text.partition(". ")
    return head + (stop.strip() or "")
