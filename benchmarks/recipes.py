"""Every recipe trained to the end on the built-in digits, with one seed or several, and what came of it.

    python benchmarks/recipes.py                     # all recipes, 3,000 steps, results/recipes.json
    python benchmarks/recipes.py --recipes default dcgan --seeds 0 1 2

Each run is `equipoise train digits --recipe NAME --steps N --no-watch`, then 1,797 samples of its generator
are compared with the 1,797 real images in the features of a classifier trained on the reals (see
`_quality.py`). The floor is what one half of the reals scores against the other half. Runs that `--work`
holds already are not repeated, so that the benchmark can be stopped and gone on with; every finished run is
written to the results at once.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
from _common import RESULTS, write_result
from _quality import normalised, quality, reals

from equipoise.data import load_data
from equipoise.metrics import train_classifier
from equipoise.recipes import recipe_names
from equipoise.trainer import Run


def train(recipe: str, steps: int, seed: int, out: Path) -> float:
    """Train to the end, unless that is done; returns the processor seconds that this call took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not (out / "summary.json").exists():
        command = [sys.executable, "-m", "equipoise", "train", "digits", "--recipe", recipe]
        command += ["--steps", str(steps), "--seed", str(seed), "--out", str(out), "--resume", "--no-watch"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=recipe_names())
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--work", type=Path, default=Path("runs/benchmark-recipes"), help="where runs go")
    options = parser.parse_args()
    torch.set_num_threads(1)
    dataset = load_data("digits")
    classifier = train_classifier(dataset)
    real, _ = reals(dataset, len(dataset))
    half = len(real) // 2
    earlier: dict[str, Any] = {}
    if (RESULTS / "recipes.json").exists():
        earlier = json.loads((RESULTS / "recipes.json").read_text())
    same = earlier.get("steps") == options.steps
    runs: dict[str, dict[str, Any]] = earlier["runs"] if same else {}
    for seed in options.seeds:
        for recipe in options.recipes:
            key = f"{recipe}, seed {seed}"
            out = options.work / f"{recipe}-{options.steps}-{seed}"
            seconds = train(recipe, options.steps, seed, out)
            fake = normalised(Run(out).sample(len(real), seed=seed), dataset)
            known = runs.get(key, {}).get("processor_seconds")
            runs[key] = {
                "recipe": recipe,
                "seed": seed,
                # A run that was there before keeps the time that was measured when it was trained.
                "processor_seconds": round(seconds) if seconds > 5 or known is None else known,
                **quality(classifier, fake, real),
            }
            print(json.dumps(runs[key]), flush=True)
            write_result(
                "recipes",
                {
                    "data": "digits",
                    "steps": options.steps,
                    "samples": len(real),
                    "classifier_held_out_accuracy": round(classifier.held_out_accuracy, 4),
                    "floor": quality(classifier, real[:half], real[half:]),
                    "runs": runs,
                },
            )


if __name__ == "__main__":
    main()
