"""The README's table of measured figures, between its two markers, from the committed results.

python -m benchmarks.readme
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks._common import RESULTS

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- figures: python -m benchmarks.readme -->", "<!-- end of figures -->"
Row = tuple[str, str, str]


def _read(name: str, folder: Path) -> dict[str, Any] | None:
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


HALVES = {
    "reported": "the reported half of the first corpus",
    "second": "a second half: other data and loops, new kinds of faults among the known",
    "third": "a third: loops as they are published, new kinds again",
    "fourth": "a fourth: other loops again, new kinds again",
    "fifth": "a fifth: known kinds only, in loops and on data that are all new",
    "sixth": "a sixth: known kinds only, in the loops of well-known public scripts",
}


def _verdicts(folder: Path) -> list[str]:
    """The table of first looks: each half as the checks of its day judged it, unseen."""
    result = _read("failures", folder) or {}
    rows = []
    for half, name in HALVES.items():
        if half in result:
            found = result[half]
            shares = ("right_code", "right_code_first", "healthy_with_error", "healthy_with_warning")
            right, first, errors, warnings = (_percent(found[share]) for share in shares)
            rows.append(
                f"| {name} | {found['faulty_runs']} | {right} | {first} "
                f"| {found['healthy_runs']} | {errors} | {warnings} |"
            )
    return [
        "| unseen runs, judged once | faulty | right verdict | right and first "
        "| healthy | with an error | with a warning |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *rows,
        "| *target* | | *95 %* | *90 %* | | *0 %* | *5 %* |",
    ]


def _overhead(result: dict[str, Any]) -> list[Row]:
    rows = []
    for key, label, target in (
        ("dcgan", "cost of `watch`, DCGAN 28×28, batch 64", "2 %"),
        ("dcgan with probes", "the same with all probes once in 1,000 steps", "5 %"),
    ):
        if key in result:
            measured = result[key]
            whole = _percent(measured["watched_over_plain"]["whole"] - 1)
            rows.append((f"{label}, {measured['steps']:,} steps", whole, target))
    return rows


def _throughput(result: dict[str, Any]) -> list[Row]:
    times = {
        name: [size["times_as_long_as_equipoise"]["wall"].get(name, {}).get("median") for size in sizes]
        for sizes in [list(result["sizes"].values())]
        for name in ("published loop", "torchgan")
    }
    return [
        (
            f"a training step, times as fast as {name} (28×28, 32×32)",
            ", ".join("–" if value is None else f"{value:.2f}" for value in values),
            target,
        )
        for (name, values), target in zip(times.items(), ("1.3", "2"), strict=True)
    ]


def _minibatch(result: dict[str, Any]) -> list[Row]:
    times = result["times"]["2 threads"]
    shown = [
        f"{times[f'forward and backward, N = {n}']['times_faster_wall']['median']:.1f}"
        for n in (64, 128, 256)
    ]
    return [
        ("minibatch discrimination, times as fast as torchgan's (64, 128, 256)", ", ".join(shown), "5"),
    ]


def _fashion(result: dict[str, Any]) -> list[Row]:
    accuracy = result["recipes"]["cgan"]["label_accuracy"]["mean"]
    return [
        ("Fashion-MNIST, `cgan`, 3,000 steps: samples of the class asked for", _percent(accuracy), "90 %")
    ]


SOURCES = {
    "watching_overhead": _overhead,
    "throughput": _throughput,
    "minibatch_discrimination": _minibatch,
    "fashion": _fashion,
}


def block(folder: Path = RESULTS) -> str:
    """The lines between the markers."""
    rows = [row for name, make in SOURCES.items() if (found := _read(name, folder)) for row in make(found)]
    lines = [*_verdicts(folder), "", "| measured | figure | target |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {label} | {figure} | {target} |" for label, figure, target in rows)])


def filled(text: str, folder: Path = RESULTS) -> str:
    """The README with the block in its place."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)
    return pattern.sub(lambda _: f"{BEGIN}\n\n{block(folder)}\n\n{END}", text)


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
    print("README.md")
