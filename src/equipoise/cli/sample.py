"""`equipoise sample`: samples of a trained generator, in the units of the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from equipoise.cli.output import JsonOption, print_json
from equipoise.errors import EquipoiseError, parameter_error, unknown_name

if TYPE_CHECKING:
    import numpy as np

    from equipoise.data import SampleSpecification


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("sample", rich_help_panel="Train")(sample)


def sample(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or one of its checkpoints.")],
    label: Annotated[
        str | None, typer.Option(help="The class, by number or name (a conditional recipe such as cgan).")
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="How many samples.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same samples.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PNG|FOLDER|NPZ",
            help="A picture of all (.png), one file a sample (a folder), or the numbers (.npz). "
            "By default generated.png in the run's folder.",
        ),
    ] = None,
    rejection: Annotated[
        bool,
        typer.Option("--rejection", help="Keep samples as often as the discriminator finds them likely."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw samples from a run's generator (the moving average of its weights, where the run kept one)."""
    target = out if out is not None else run / "generated.png"
    form = form_of(target)
    from equipoise.trainer import load_generator

    rate = None
    if rejection:
        from equipoise.cli.rejection import load_players, sample_with_rejection

        players = load_players(run)
        specification, conditional = players.generator.specification, players.generator.classes is not None
        labels = choose_labels(specification, conditional, label, n, seed)
        if conditional and label is None:
            raise EquipoiseError("`--rejection` of a conditional generator needs the class; give --label.")
        samples, rate = sample_with_rejection(players, n, labels, seed)
    else:
        generator = load_generator(run)
        specification = generator.specification
        labels = choose_labels(specification, generator.classes is not None, label, n, seed)
        samples = generator.sample(n, None if labels is None else labels.tolist(), seed)
    write_samples(target, form, samples, labels, specification)
    if as_json:
        print_json(
            {
                "out": target,
                "samples": len(samples),
                "shape": list(samples.shape[1:]),
                "seed": seed,
                "labels": None if labels is None else labels.tolist(),
                "acceptance_rate": rate,
            }
        )
        return
    kept = "" if rate is None else f", {rate:.1%} of those drawn were kept"
    typer.echo(f"{len(samples)} samples are in {target}{kept}")


def form_of(target: Path) -> str:
    """What is to be written there: `picture`, `arrays` or `folder`.

    Example:
        >>> form_of(Path("a.npz")), form_of(Path("faces"))
        ('arrays', 'folder')
    """
    if target.is_dir() or not target.suffix:
        if target.is_dir() and any(target.iterdir()):
            raise EquipoiseError(
                f"`--out` must be a new or an empty folder, but '{target}' holds files; choose another one."
            )
        return "folder"
    forms = {".png": "picture", ".npz": "arrays"}
    if target.suffix.lower() not in forms:
        raise parameter_error("--out", "a .png file, a .npz file or a folder", str(target))
    return forms[target.suffix.lower()]


def choose_labels(
    specification: SampleSpecification, conditional: bool, label: str | None, n: int, seed: int
) -> np.ndarray | None:
    """The class of each sample, int64 (n,): the one that was asked for, else drawn uniformly.

    Raises:
        EquipoiseError: a class for a generator without classes, or one that does not exist.
    """
    import numpy as np

    if not conditional:
        if label is not None:
            raise EquipoiseError(
                "`--label` needs a generator that was trained with classes, but this one was not; train a "
                "conditional recipe such as cgan."
            )
        return None
    classes = specification.classes or 0
    if label is None:
        return np.random.default_rng(seed).integers(classes, size=n)
    names = [str(name) for name in specification.class_names or ()]
    if label in names:
        return np.full(n, names.index(label))
    if label.isdecimal():
        if int(label) >= classes:
            raise parameter_error("--label", f"a class of 0 to {classes - 1}", int(label))
        return np.full(n, int(label))
    raise unknown_name("class", label, names or [str(number) for number in range(classes)])


def write_samples(
    target: Path,
    form: str,
    samples: np.ndarray,
    labels: np.ndarray | None,
    specification: SampleSpecification,
) -> None:
    """Write the samples in one of the three forms.

    Raises:
        EquipoiseError: a folder of pictures of something that is no image, or a place that cannot be written.
    """
    import numpy as np

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if form == "picture":
            from equipoise.training.pictures import save_samples

            save_samples(target, samples, specification)
        elif form == "arrays":
            arrays = {"samples": samples} if labels is None else {"samples": samples, "labels": labels}
            np.savez_compressed(target, **arrays)  # type: ignore[arg-type]
        else:
            _write_images(target, samples, labels, specification)
    except OSError as error:
        raise EquipoiseError(
            f"`--out` must be a place that can be written, but '{target}' cannot ({error.strerror or error})."
        ) from error


def _write_images(
    folder: Path, samples: np.ndarray, labels: np.ndarray | None, specification: SampleSpecification
) -> None:
    """One PNG a sample; those of a conditional generator in one subfolder a class, as `train` reads them."""
    if specification.kind != "image":
        raise EquipoiseError(
            f"`--out` must be a .png or .npz file, because these samples are {specification.kind}s."
        )
    from PIL import Image

    from equipoise.training.pictures import image_grid, to_bytes

    images = to_bytes(samples)
    for number, image in enumerate(images):
        place = folder
        if labels is not None:
            names = specification.class_names
            place = folder / str(names[labels[number]] if names else labels[number]).replace("/", "-")
        place.mkdir(parents=True, exist_ok=True)
        if image.shape[0] == 1:
            picture = Image.fromarray(image[0])
        else:
            picture = Image.fromarray(image_grid(image[None]))
        picture.save(place / f"{number:06}.png")
