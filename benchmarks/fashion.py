"""Fashion-MNIST from the command line: are the clothes good, and of the class that was asked for?

    python benchmarks/fashion.py --data FOLDER       # or EQUIPOISE_DATA=the folder that holds fashion_mnist

Runs `equipoise train FOLDER --recipe default --steps 3000` and the same with `--recipe cgan`, then

* trains a classifier on the real training images and states its accuracy on the real test images;
* for `cgan`, draws 500 samples of each class with `equipoise sample RUN --label CLASS` and counts how many
  the classifier puts in that class;
* for both, compares 5,000 samples with 5,000 real test images in the classifier's features;
* writes a grid of samples of each to docs/figures.

Runs and classifier that `--work` holds already are used again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from _common import write_result
from _quality import accuracy, normalised, quality, reals

from equipoise.data import Dataset, load_data
from equipoise.metrics import Classifier, train_classifier
from equipoise.trainer import Run

FIGURES = Path(__file__).parent.parent / "docs" / "figures"


def equipoise(*arguments: str | Path) -> None:
    """The command line, as a user calls it."""
    command = [sys.executable, "-m", "equipoise", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def trained_classifier(train: Dataset, path: Path, epochs: int) -> Classifier:
    """A classifier of the real training images, kept in a file."""
    specification = train.specification
    if path.exists():
        classifier = Classifier(specification.shape, specification.classes or 0)
        classifier.load_state_dict(torch.load(path, weights_only=True))
        return classifier.eval().requires_grad_(False)
    classifier = train_classifier(train, epochs=epochs, held_out_fraction=0.05, show=print)
    torch.save(classifier.state_dict(), path)
    return classifier


def asked_for(classifier: Classifier, run: Path, dataset: Dataset, work: Path, each: int) -> dict[str, Any]:
    """The share of samples of each class, drawn by the command line, that the classifier puts there."""
    names = dataset.specification.class_names or ()
    found: dict[str, float] = {}
    for number, name in enumerate(names):
        file = work / f"class-{number}.npz"
        equipoise("sample", run, "--label", str(number), "--n", str(each), "--seed", "1", "--out", file)
        samples = normalised(np.load(file)["samples"], dataset)
        found[name] = round(accuracy(classifier, samples, torch.full((each,), number)), 4)
    mean = round(float(np.mean(list(found.values()))), 4)
    return {"samples_per_class": each, "mean": mean, "classes": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder fashion_mnist itself")
    parser.add_argument("--recipes", nargs="+", default=["default", "cgan"])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--work", type=Path, default=Path("runs/benchmark-fashion"), help="where runs go")
    parser.add_argument("--epochs", type=int, default=6, help="of the classifier")
    options = parser.parse_args()
    folder = options.data or Path(os.environ.get("EQUIPOISE_DATA", "")) / "fashion_mnist"
    if not folder.is_dir():
        parser.error("give the folder of Fashion-MNIST with --data, or its parent as EQUIPOISE_DATA")
    options.work.mkdir(parents=True, exist_ok=True)
    FIGURES.mkdir(parents=True, exist_ok=True)
    train, test = load_data(folder), load_data(folder, split="test")
    if train.normalisation.to_json() != test.normalisation.to_json():
        raise SystemExit("the two splits are normalised differently")
    classifier = trained_classifier(train, options.work / "classifier.pt", options.epochs)
    test_samples, test_labels = reals(test, len(test))
    test_accuracy = accuracy(classifier, test_samples, test_labels)
    print(f"classifier: {test_accuracy:.2%} of the real test images", flush=True)
    real, _ = reals(test, 5000)
    floor, _ = reals(train, 5000)
    content: dict[str, Any] = {
        "data": "fashion_mnist",
        "steps": options.steps,
        "classifier_test_accuracy": round(test_accuracy, 4),
        "floor": quality(classifier, floor, real),
        "recipes": {},
    }
    for recipe in options.recipes:
        run = options.work / recipe
        if not (run / "summary.json").exists():
            equipoise(
                "train", folder, "--recipe", recipe, "--steps", str(options.steps), "--out", run, "--resume"
            )
        opened = Run(run)
        if opened.step != options.steps:
            raise SystemExit(f"the run of {recipe} has {opened.step} steps")
        labels = None
        if opened.configuration.networks.conditional:
            # In the classes' proportions, as the unconditional generator has to find them by itself.
            labels = reals(train, 5000, seed=1)[1].tolist()
        fake = normalised(opened.sample(5000, labels, seed=1), train)
        entry = quality(classifier, fake, real)
        if labels is not None:
            entry["label_accuracy"] = asked_for(classifier, run, train, options.work, 500)
        grid = FIGURES / f"fashion-{recipe}.png"
        grid.write_bytes((run / "samples.png").read_bytes())
        content["recipes"][recipe] = entry
        print(recipe, entry, flush=True)
    print(write_result("fashion", content))


if __name__ == "__main__":
    main()
