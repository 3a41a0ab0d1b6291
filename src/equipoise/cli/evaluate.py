"""`equipoise evaluate`: scores of a run's samples, each with what real data and a broken generator score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from equipoise.cli.output import JsonOption, console, print_json
from equipoise.errors import EquipoiseError

if TYPE_CHECKING:
    import numpy as np

    from equipoise.data import Dataset
    from equipoise.metrics import Metric

# Most scores need pairwise distances, and a large data set does not fit into memory as floats.
MOST_COMPARED = 10_000
_HELD_OUT_SPLITS = ("test", "validation")


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("evaluate", rich_help_panel="Train")(evaluate)


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or one of its checkpoints.")],
    n: Annotated[
        int, typer.Option("--n", min=16, help="Samples to draw, where there are as many reals.")
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples and of random subsets.")] = 0,
    feature: Annotated[
        str, typer.Option(help="auto, pixels, random-convolution, inception, or classifier (labelled data).")
    ] = "auto",
    data: Annotated[str | None, typer.Option(help="The training data, where it has moved since.")] = None,
    held_out: Annotated[
        str | None, typer.Option(help="Real data that the run never saw; by default the data's test split.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score the samples of RUN; beside each score stand real data (the floor) and a broken generator.

    With labelled data a classifier is trained first, for the scores that need one.
    """
    from equipoise.data import load_data
    from equipoise.metrics import FEATURES, train_classifier
    from equipoise.metrics import evaluate as evaluate_samples
    from equipoise.trainer import Run, load_generator

    if feature not in ("auto", "classifier"):
        FEATURES.get(feature)
    opened = Run(run)
    section = opened.configuration.data
    generator = load_generator(run)
    dataset = load_data(data or section.source, **section.options)
    if dataset.specification.shape != generator.specification.shape:
        raise EquipoiseError(
            f"The data must hold samples of shape {generator.specification.shape}, which the run was trained "
            f"on, but it holds {dataset.specification.shape}; name the right data with --data."
        )
    reference, others, notes = reals_to_compare(
        dataset, data or section.source, section.options, held_out, seed
    )
    count = min(n, len(others))
    classifier = None
    if dataset.labels is not None and (dataset.specification.classes or 0) > 1:
        classifier = train_classifier(reference.take(some_of(reference, MOST_COMPARED, seed)), seed=seed)
    elif feature == "classifier":
        raise EquipoiseError(
            "`--feature classifier` needs labelled data, but this has no labels; choose another one."
        )
    # A generator without classes has no requested labels, and its conditional scores are skipped.
    from equipoise.cli.sample import choose_labels

    labels = choose_labels(generator.specification, generator.classes is not None, None, count, seed)
    samples = generator.sample(count, None if labels is None else labels.tolist(), seed)
    real, real_labels = reference.batch(some_of(reference, MOST_COMPARED, seed))
    other, other_labels = others.batch(some_of(others, MOST_COMPARED, seed))
    report = evaluate_samples(
        dataset.normalisation.apply(samples),
        real,
        other,
        classifier if feature == "classifier" else feature,
        metrics_for(dataset, memorisation=not notes),
        classifier=classifier,
        requested_labels=labels,
        train_labels=real_labels,
        held_out_labels=other_labels,
        seed=seed,
    )
    if as_json:
        answer = report.to_json()
        print_json(
            {**answer, "notes": [*notes, *answer["notes"]], "run": run, "step": opened.step, "seed": seed}
        )
        return
    screen = console()
    screen.print(report)
    for note in notes:
        screen.print(note)


def some_of(dataset: Dataset, most: int, seed: int) -> np.ndarray:
    """The indices of at most so many samples, drawn at random, in their order."""
    import numpy as np

    count = len(dataset)
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def reals_to_compare(
    dataset: Dataset, source: str, options: dict[str, Any], held_out: str | None, seed: int
) -> tuple[Dataset, Dataset, list[str]]:
    """The reals to compare with, other reals for the floor, and what must be known of them.

    Where the data has no split that the run did not see, its two halves stand in: the floors stay right,
    because the halves are independent of each other, but the run was trained on both, so nothing can be said
    of memorisation.
    """
    from equipoise.data import load_data

    if held_out is not None:
        return dataset, renormalised(load_data(held_out), dataset), []
    for split in _HELD_OUT_SPLITS:
        if options.get("split", "train") == split:
            continue
        try:
            return dataset, renormalised(load_data(source, **{**options, "split": split}), dataset), []
        except EquipoiseError:
            continue
    first, second = dataset.split(0.5, seed)
    note = (
        f"The data `{dataset.name}` has no test split: the floor is one half of it compared with the "
        "other half. The run was trained on both, so memorisation is not scored; give --held-out for that."
    )
    return first, second, [note]


def renormalised(other: Dataset, dataset: Dataset) -> Dataset:
    """The other data as the networks would see it.

    Raises:
        EquipoiseError: it holds samples of another shape.
    """
    if other.specification.shape != dataset.specification.shape:
        raise EquipoiseError(
            f"`--held-out` must hold samples of shape {dataset.specification.shape} like the training data, "
            f"but it holds {other.specification.shape}; choose other data."
        )
    other.normalisation = dataset.normalisation
    return other


def metrics_for(dataset: Dataset, memorisation: bool) -> list[str | Metric]:
    """All metrics that apply: none on held-out reals where there are none, the modes where they are known."""
    from equipoise.metrics import METRICS, MixtureModes

    chosen: list[str | Metric] = []
    for name, kind in METRICS.items():
        if "held_out" in kind.streams and not memorisation:
            continue
        if name == MixtureModes.name:
            if dataset.mixture is not None:
                chosen.append(MixtureModes.of_dataset(dataset))
            continue
        chosen.append(name)
    return chosen
