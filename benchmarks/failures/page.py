"""The page of the failure benchmark, docs/failures.md, from its committed results.

    python -m benchmarks.failures.page

`misses.md` and `misses_HALF.md` of the later halves, beside this file, explain operator by operator what was
not named rightly; everything else on the page comes from `failures.json`, `failures_confidence.json` and
`watching_overhead.json` in `benchmarks/results`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks._common import RESULTS
from benchmarks.failures.score import by_case, counted, headline, markdown, percent, table_row
from benchmarks.failures.split import LATER
from equipoise.watching.schedule import BUDGET

PAGE = Path(__file__).resolve().parents[2] / "docs" / "failures.md"

HEAD = """# The failure benchmark

How often is the verdict right? `benchmarks/failures` plants known faults in plain PyTorch training loops
of eight styles, adds the line `monitor = equipoise.watch(generator, discriminator)`, trains, and asks
for the diagnosis. The loops are not equipoise's trainer. Beside the faulty runs stand healthy ones,
among them every configuration that is known to raise false alarms: hinge losses at zero, large negative
Wasserstein losses, reversed but consistent labels, fakes that are not detached but zeroed, slow
trainings that are fine.

Each run has a label that its own outcome measure must back (a collapse that did not come about is not
scored); which verdict counts as right, with the equivalents a person would accept, was written down
before anything was run. The configurations were split by operator and data set into two halves before
any result was seen. Thresholds were adjusted on the calibration half, and only there; **the reported
half is the result**. It was run with three seeds; of the calibration half the seeds after the first
are not all run. A [second](#the-second-half), a [third](#the-third-half), a [fourth](#the-fourth-half),
a [fifth](#the-fifth-half) and a [sixth half](#the-sixth-half) of other data, loops and faults were written
later, each when the misses of the one before were corrected.

    python -m benchmarks.failures.run --workers 2 --data FOLDER
    python -m benchmarks.failures.score
    python -m benchmarks.failures.calibrate
    python -m benchmarks.failures.page
"""


CORRECTED = """## After the errors it showed were corrected

The table above is the first look: the verdicts of the checks as they were when the reported half was
run. It showed errors of reasoning (they are listed above, and in the changelog), and these were
corrected. The same kept histories, judged by the checks as they are now, give the figures below (18 runs
that need what was not measured then, and the healthy ones of the first seed, were trained again). The
reported half has been looked at by then, so **they are no unseen result**: read them as what the package
does today on these runs, and the first looks as what to expect on yours.
"""


LATER_HALVES = {
    "second": """## The second half

Once its misses are corrected, a half is no evidence any more. So a second one was written
(`benchmarks/failures/second`): other data (two moons, a checkerboard, spirals, 32-dimensional Gaussians,
a medical table, two-channel pulses, coloured digits, MNIST, CIFAR-10 in 16 by 16), other loops (closures,
a data loader with `requires_grad` toggled, one summed batch, a Lightning-like class with lazy R1 and an
average, a critic's loop, a recurrent generator, projection, image to image with a multi-scale
discriminator, mixed precision with accumulation), other networks, all operators of the first halves again
and 36 new ones. It was written without reading the checks or seeing a verdict on it (the tables above were
known); loops, lengths and labels were tried unwatched. Then it was run once, with one seed and the code of
that moment.
""",
    "third": """## The third half

And when the misses of the second were corrected, a third one (`benchmarks/failures/third`): six other
data sets (concentric rings, a roll in three dimensions, a table of answers, waves of two channels,
coloured shapes, patches of photographs), nine other loops in the manner of published code (`valid` and
`fake` targets and half sums, one module for both players with several discriminator passes, mapping and
synthesis with phases and lazy penalties, several sub-discriminators with features for a vocoder,
super-resolution with a relativistic average, an auxiliary classifier, two pairs with pools, an
adversarial autoencoder, a class with `backward_D` and `optimize_parameters`), other networks, 90
operators of the earlier halves and 52 new ones. It was written by someone who had not read the checks,
their tests or any explanation of a miss, and saw no verdict on it; most replanted faults were not even
trained before. Then it was run once, with one seed and the code of that moment.
""",
    "fourth": """## The fourth half

And a fourth one, when the misses of the third were corrected (`benchmarks/failures/fourth`): ten other data
sets (a grid, a pinwheel, a curve in three dimensions, chirps, tides, tokens, two medical and botanical
tables, digits in 16 by 16, coloured tiles), ten other loops (Keras' combined model, `step(closure)`, a
player switched by epochs, the WGAN repository's iterator, a committee of three discriminators with
accumulation, a growing generator with an average, a class head with a cycle, a VAE-GAN, packed tables,
sub-discriminators by period and scale), other networks, 125 operators of the earlier halves and 49 new
ones. It was written by someone who had not read the checks, their tests or any explanation of a miss, and
saw no verdict on it; half of the runs were trained to the end without equipoise before, and doubts about
labels were written down. Then it was run once, with one seed and the code of that moment.
""",
    "fifth": """## The fifth half

And a fifth one, when the misses of the fourth were corrected (`benchmarks/failures/fifth`), which asks one
thing only: are the kinds of faults that are known by now named rightly in loops and on data never seen? It
has no new kind of fault. Its rule of selection left no room for choosing what is easy: every operator of the
first corpus in two loops and on two data sets, every operator that a later half introduced in one, but for
those that no loop of it can have or whose label did not hold unwatched (`planted.NOT_PLANTED` names them).
Ten other data sets (a heart, unequal blobs, a helix, waves of any phase, strands of letters, orders, men's
exercises, ellipses, stripes, shoes), ten other loops (Lightning's automatic optimization, an imitation
agent with a target network, a course's notebook, a runner with hooks and registries, `autograd.grad` with
gradients laid in by hand, a wrapper that accelerates and accumulates, projection with two time scales, a
table with condition vectors, holes that are filled, signals that are cleaned). It was written by someone
who had not read the checks, their tests or any explanation of a miss, and saw no verdict on it; about one
run in eight was trained to the end without equipoise before, the others for some steps, and doubts about
labels were written down. Then it was run once, with one seed and the code of that moment.
""",
    "sixth": """## The sixth half

And a sixth one, when the misses of the fifth were corrected (`benchmarks/failures/sixth`), which asks one
thing only: are the known kinds of faults named rightly in loops as they are published? Each of its ten
loops is that of a well-known public script, typed anew for small networks (the DCGAN of Ignite's examples;
Mimicry's networks that train themselves; the trainer of the study of which methods converge; the rewriting
of StyleGAN2 with its lazy steps; a collection with a class for each GAN; a conditional DCGAN with label
maps; FastGAN; InfoGAN; a VQGAN with its adaptive weight; MelGAN). Its rule of selection was fixed before
anything was run: every operator of the first corpus in one loop, the ten most usual kinds of faults in two
loops and on two data sets, every operator that a later half introduced in one, but for those that no loop
of it can have (`planted.NOT_PLANTED` names them). Ten other data sets (a Lissajous curve, a clover, a
sphere, components of digits, weather, saws, bursts, bars, discs, clothes). It was written by someone who
had not read the checks, their tests or any explanation of a miss, and saw no verdict on it. Then it was run
once, with one seed and the code of that moment. **This is the newest unseen result.**
""",
}

LATER_CORRECTED = """### After the errors that it showed were corrected

The runs that were missed{healthy} trained again with what is measured now;
the other histories judged anew with the checks as they are. No unseen result:
"""
# Of the fourth half there was no time to train the healthy runs again.
HEALTHY_AGAIN = {
    "second": ", and all healthy ones,",
    "third": ", and all healthy ones,",
    "fourth": "",
    "fifth": " (and before them all, with the code before the sixth half)",
    "sixth": ", and the healthy one with a warning,",
}

# What the stated confidences of a later half had been scaled by.
TABLE_OF = {
    "second": "the fit on the reported half alone",
    "third": "the table that ships, which knew nothing of it",
    "fourth": "the table that ships, which knew nothing of it",
    "fifth": "the table that ships, which knew nothing of it",
    "sixth": "the table that ships, which knew nothing of it",
}


def _later(half: str, result: dict[str, Any], corrected: dict[str, Any] | None, misses: Path) -> str:
    command = f"    python -m benchmarks.failures.run --half {half} --seeds 0 --data FOLDER\n"
    parts = [LATER_HALVES[half], command, "\n".join(headline(result, (half,))) + "\n"]
    told = {
        kind: f"{percent(found['right_code'])} right, {percent(found['right_code_first'])} first"
        for kind, found in result[f"kinds_{half}"].items()
    }
    counts = {kind: found["runs"] for kind, found in result[f"kinds_{half}"].items()}
    new = f" Of the {counts['new']} with a new kind of fault: {told['new']}." if counts["new"] else ""
    parts.append(
        f"Of the {counts['known']} runs with a fault that an earlier half has, in loops and on data that it "
        f"has not: {told['known']}.{new}\n"
    )
    unscored = result[half]["not_scored"]
    if unscored:
        names = ", ".join(f"`{name.removeprefix('fault--')}`" for name in unscored)
        parts.append(f"Not scored, because the outcome did not back the label: {len(unscored)} ({names}).\n")
    parts.append("\n".join(by_case(result, half)) + "\n")
    if misses.exists():
        parts.append(misses.read_text(encoding="utf-8").strip() + "\n")
    if corrected is not None and half in corrected:
        parts += [
            LATER_CORRECTED.format(healthy=HEALTHY_AGAIN[half]),
            "\n".join(headline(corrected, (half,))) + "\n",
            _left(corrected, half),
        ]
    return "\n".join(parts)


def _read(name: str, folder: Path) -> dict[str, Any] | None:
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _counts(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return (
        f"{result['runs']} runs, {result['seconds']['total'] / 60:.0f} minutes of training and judging in "
        f"all, on {machine['processor']}, {machine['cores']} cores, torch {machine['torch']}, "
        f"{result['date']}. Figures: `benchmarks/results/failures.json`.\n"
    )


def _not_scored(result: dict[str, Any]) -> str:
    lines = []
    for half in ("reported", "calibration"):
        names = result[half]["not_scored"]
        if names:
            lines.append(
                f"Not scored in the {half} half, because the outcome did not back the label: "
                f"{len(names)} runs ({', '.join(f'`{name}`' for name in names[:12])}"
                f"{', …' if len(names) > 12 else ''})."
            )
    return "\n\n".join(lines)


def _left(result: dict[str, Any], half: str = "reported") -> str:
    rows = [row for row in result[f"operators_{half}"] if row["right_code_first"] < 1]
    if not rows:
        return ""
    columns = ["operator", "runs", "first", "said instead"]
    lines = ["What is still not named first:", "", table_row(columns), table_row(["---"] * len(columns))]
    for row in rows:
        first, instead = percent(row["right_code_first"]), counted(row["said_instead"])
        lines.append(table_row([row["operator"], row["runs"], first, instead]))
    return "\n".join(lines) + "\n"


def _confidence(result: dict[str, Any]) -> str:
    return (
        "## Is a stated confidence what it says?\n\n"
        f"Of the first findings of the calibration half ({result['calibration_findings']}) "
        f"{percent(result['calibration_right'])} were right, because thresholds were adjusted until they "
        "were; no confidence can be learnt from them. So the scale is learnt from the first looks at the "
        f"reported and at the second half ({result['unseen_findings']} findings, "
        f"{percent(result['unseen_right'])} right): "
        f"Platt's scaling gives sigmoid({result['scale']:.2f} logit(raw) {result['shift']:+.2f}), which is "
        "the table that ships with the package. Measured on findings that took no part (two folds by "
        "configuration, each scaled by the fit on the other) the expected calibration error is "
        f"{result['expected_calibration_error_raw']:.3f} with the raw confidence and "
        f"{result['expected_calibration_error_calibrated']:.3f} with the calibrated one.\n\n"
        f"{_confidence_of_later(result)}"
        "![Stated confidence against the share that was right](figures/reliability.png)\n"
    )


def _confidence_of_later(result: dict[str, Any]) -> str:
    text = ""
    for half, told in result["stated"].items():
        text += (
            f"When the {half} half was first run, with {TABLE_OF[half]}, the mean stated confidence of its "
            f"{told['findings']} first findings was {percent(told['stated'])}, and "
            f"{percent(told['right'])} were right; expected calibration error "
            f"{told['expected_calibration_error']:.3f}. Of the {told['top_findings']} stated at 95 % or more "
            f"(mean {percent(told['top_stated'])}) {percent(told['top_right'])} were right.\n\n"
        )
    return text


def _overhead(result: dict[str, Any]) -> str:
    columns = [
        "loop",
        "steps",
        "time with `watch` over time without",
        "by part of the run",
        "a step without",
    ]
    rows = [table_row(columns), table_row(["---"] * len(columns))]
    for key, label in (
        ("dcgan", "DCGAN 28×28, batch 64, defaults (target: 1.02)"),
        ("dcgan with probes", "the same, all probes once in 1,000 steps (target: 1.05)"),
        ("ring", "tiny MLP on a 2-D ring, defaults"),
    ):
        if key in result:
            measured = result[key]
            ratio = measured["watched_over_plain"]
            parts = ", ".join(f"{value:.3f}" for value in ratio["by_round"])
            step = f"{measured['plain_milliseconds_per_step']:.1f} ms"
            rows.append(table_row([label, f"{measured['steps']:,}", f"{ratio['whole']:.3f}", parts, step]))
    text = "## What watching costs\n\n" + "\n".join(rows) + "\n"
    text += (
        "\nThe two loops take turns, step by step, in one process. The first 100 steps are recorded most "
        "densely, whatever it costs; after them records are spaced so that they keep to a share of "
        f"{100 * BUDGET:g} %, at most four times as far apart as in the plain schedule, which is not enough "
        "for a step of a millisecond.\n"
    )
    if "memory" in result:
        memory = result["memory"]
        kept = ", ".join(f"{value:.0f}" for value in memory["resident_megabytes"])
        text += (
            f"\nResident memory over {memory['steps']:,} watched steps of the tiny loop, in ten equal parts, "
            f"in megabytes: {kept}.\n"
        )
    return text + "\nFigures: `benchmarks/results/watching_overhead.json`.\n"


def page(folder: Path = RESULTS, misses: Path = Path(__file__).parent) -> str:
    """The whole page; sections whose result is not there are left out.

    Args:
        folder: with the results.
        misses: the folder of the files that explain the misses.
    """
    parts = [HEAD]
    result = _read("failures", folder)
    if result is not None:
        parts += ["## Results\n", _counts(result), markdown(result), _not_scored(result)]
        if (explained := misses / "misses.md").exists():
            parts.append(explained.read_text(encoding="utf-8").strip())
    if (corrected := _read("failures_corrected", folder)) is not None:
        parts += [CORRECTED, "\n".join(headline(corrected)) + "\n", _left(corrected)]
    for half in LATER:
        if result is not None and half in result:
            parts.append(_later(half, result, corrected, misses / f"misses_{half}.md"))
    if (confidence := _read("failures_confidence", folder)) is not None:
        parts.append(_confidence(confidence))
    if (overhead := _read("watching_overhead", folder)) is not None:
        parts.append(_overhead(overhead))
    return "\n".join(f"{part.strip()}\n" for part in parts if part.strip())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
