"""Score the runs of the benchmark: how often the verdict was right, on the half that no threshold has
seen.

    python -m benchmarks.failures.score --runs benchmarks/failures/runs

Writes `benchmarks/results/failures.json` and, with `--table`, the markdown table for the documentation.

What is counted:

- A faulty run is *detected* when a finding of at least the operator's declared severity (warning, or info
  where the catalogue says info) bears an expected name or an equivalent that was listed beforehand. It is
  *ranked first* when the first finding of that severity is such a one.
- A healthy run has a *false error* or a *false warning* when any finding of that severity is there; the
  warnings that a variant tolerates by its declaration are not counted, errors always are.
- *Early* detection: the right name was already there after the first tenth of the steps.
- A run whose label is not backed by its own outcome measure (a fault that did not come about, a healthy
  run that did not train well) is listed and not scored. A run that crashed while watched counts as missed
  (faulty) or as a false error (healthy).
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.failures.later import operators_before
from benchmarks.failures.split import HALVES, LATER, half_of

LEVELS = {"info": 0, "warning": 1, "warn": 1, "error": 2}
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0001)

Record = dict[str, Any]


def load(folder: Path) -> list[Record]:
    """All run JSONs of a folder, in the order of their names."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def findings(record: Record) -> list[Record]:
    return (record.get("diagnosis") or {}).get("findings", [])


def judge(record: Record) -> Record:
    """What one run contributes to the score."""
    planted = record["planted"]
    faulty = "fault" in planted
    judged: Record = {
        "name": record["name"],
        "configuration": record["configuration"],
        "operator": planted["fault"] if faulty else planted["healthy"],
        "faulty": faulty,
        "crashed": record.get("error") is not None,
        "valid": record.get("error") is not None or bool(record["proof"]["label_holds"]),
        "seconds": record.get("seconds", 0.0),
    }
    found = findings(record)
    if not faulty:
        tolerated = set(planted["tolerated"])
        judged["errors"] = [f["name"] for f in found if LEVELS[f["severity"]] == 2]
        judged["warnings"] = [
            f["name"] for f in found if LEVELS[f["severity"]] == 1 and f["name"] not in tolerated
        ]
        if judged["crashed"]:
            judged["errors"].append("crash")
        return judged
    right = {*planted["expected"], *planted["equivalents"]}
    least = LEVELS[planted["severity"]]
    loud = [f for f in found if LEVELS[f["severity"]] >= least]
    judged["detected"] = any(f["name"] in right for f in loud)
    judged["first"] = bool(loud) and loud[0]["name"] in right
    judged["root_first"] = bool(loud) and loud[0]["name"] == planted["expected"][0]
    judged["named_first"] = loud[0]["name"] if loud else None
    judged["forbidden"] = [f["name"] for f in loud if f["name"] in planted["forbidden"]]
    judged["early"] = {
        moment: any(name in right and LEVELS[severity] >= least for name, severity, _ in brief or [])
        for moment, brief in (record.get("early") or {}).items()
    }
    if loud:
        judged["confidence"] = [loud[0]["confidence"], loud[0]["name"] in right]
    return judged


def share(values: list[bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def score_half(runs: list[Record]) -> Record:
    """The headline figures of one half."""
    faulty = [run for run in runs if run["faulty"] and run["valid"]]
    healthy = [run for run in runs if not run["faulty"] and run["valid"]]
    detected = [run for run in faulty if run["detected"]]
    return {
        "configurations": len({run["configuration"] for run in runs}),
        "faulty_runs": len(faulty),
        "right_code": share([run["detected"] for run in faulty]),
        "right_code_first": share([run["first"] for run in faulty]),
        "root_cause_first": share([run["root_first"] for run in faulty]),
        "forbidden_code": share([bool(run["forbidden"]) for run in faulty]),
        "detected_within": {
            moment: share([bool(run["early"].get(moment)) for run in detected])
            for moment in ("0.10", "0.25", "0.50")
        },
        "healthy_runs": len(healthy),
        "healthy_with_error": share([bool(run["errors"]) for run in healthy]),
        "healthy_with_warning": share([bool(run["warnings"]) for run in healthy]),
        "false_alarms": dict(
            Counter(name for run in healthy for name in {*run["errors"], *run["warnings"]}).most_common()
        ),
        "not_scored": sorted(run["name"] for run in runs if not run["valid"]),
        "crashed": sorted(run["name"] for run in runs if run["crashed"]),
    }


def by_kind(runs: list[Record], known: set[str]) -> Record:
    """How often right and first: faults of a kind that was known before, and of a new one."""
    faulty = [run for run in runs if run["faulty"] and run["valid"]]
    groups = {
        "known": [run for run in faulty if run["operator"] in known],
        "new": [run for run in faulty if run["operator"] not in known],
    }
    return {
        name: {
            "runs": len(group),
            "right_code": share([run["detected"] for run in group]),
            "right_code_first": share([run["first"] for run in group]),
        }
        for name, group in groups.items()
    }


def by_operator(runs: list[Record]) -> list[Record]:
    """One row for each operator: how often right, first, early, and what was said instead."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for run in runs:
        if run["faulty"] and run["valid"]:
            groups[run["operator"]].append(run)
    rows = []
    for operator, group in sorted(groups.items()):
        instead = Counter(run["named_first"] or "nothing" for run in group if not run["first"])
        rows.append(
            {
                "operator": operator,
                "runs": len(group),
                "right_code": share([run["detected"] for run in group]),
                "right_code_first": share([run["first"] for run in group]),
                "within_a_tenth": share([bool(run["early"].get("0.10")) for run in group]),
                "said_instead": dict(instead.most_common(3)),
            }
        )
    return rows


def by_healthy_variant(runs: list[Record]) -> list[Record]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for run in runs:
        if not run["faulty"] and run["valid"]:
            groups[run["operator"]].append(run)
    return [
        {
            "variant": variant,
            "runs": len(group),
            "errors": dict(Counter(name for run in group for name in run["errors"])),
            "warnings": dict(Counter(name for run in group for name in run["warnings"])),
        }
        for variant, group in sorted(groups.items())
    ]


def reliability(runs: list[Record]) -> list[Record]:
    """Stated confidence of the first finding against how often it was right; a false alarm is wrong."""
    pairs = [
        tuple(run["confidence"]) for run in runs if run["faulty"] and run["valid"] and "confidence" in run
    ]
    pairs += [
        (confidence, False)
        for run in runs
        if not run["faulty"]
        for confidence in run.get("false_confidence", [])
    ]
    rows = []
    for low, high in itertools.pairwise(BINS):
        inside = [(stated, was_right) for stated, was_right in pairs if low <= (stated or 0.0) < high]
        if inside:
            rows.append(
                {
                    "from": low,
                    "to": round(min(high, 1.0), 2),
                    "findings": len(inside),
                    "stated": round(sum(stated or 0.0 for stated, _ in inside) / len(inside), 4),
                    "right": share([was_right for _, was_right in inside]),
                }
            )
    return rows


def score(records: list[Record]) -> Record:
    """The whole result: both halves, the tables of the reported half, reliability and durations."""
    records = [record for record in records if "planted" in record]
    runs = []
    for record in records:
        judged = judge(record)
        if not judged["faulty"]:
            judged["false_confidence"] = [
                f["confidence"]
                for f in findings(record)
                if f["name"] in {*judged["errors"], *judged["warnings"]}
            ][:1]
        runs.append(judged)
    halves = {half: [run for run in runs if half_of(run["configuration"]) == half] for half in HALVES}
    extra: Record = {}
    for half in LATER:
        members = [run for run in runs if half_of(run["configuration"]) == half]
        if members:
            extra |= {
                half: score_half(members),
                f"operators_{half}": by_operator(members),
                f"healthy_{half}": by_healthy_variant(members),
                f"reliability_{half}": reliability(members),
                f"kinds_{half}": by_kind(members, operators_before(half)),
            }
    seconds = [run["seconds"] for run in runs]
    return {
        "runs": len(runs),
        "split": "operator x data, dealt out by a hash of the names (benchmarks/failures/split.py)",
        **{half: score_half(members) for half, members in halves.items()},
        "operators_reported": by_operator(halves["reported"]),
        "operators_calibration": by_operator(halves["calibration"]),
        "healthy_reported": by_healthy_variant(halves["reported"]),
        "healthy_calibration": by_healthy_variant(halves["calibration"]),
        "reliability_reported": reliability(halves["reported"]),
        "reliability_calibration": reliability(halves["calibration"]),
        **extra,
        "seconds": {"total": round(sum(seconds), 1), "mean": round(sum(seconds) / max(1, len(seconds)), 2)},
    }


def added(known: Record, new: Record) -> Record:
    """A result with the later halves of a new one beside those that it had."""
    halves = {half for half in LATER if half in new}
    own = {key: value for key, value in new.items() if key.split("_")[-1] in halves}
    runs = known["runs"] + sum(
        new[half]["faulty_runs"] + new[half]["healthy_runs"] + len(new[half]["not_scored"])
        for half in halves
        if half not in known
    )
    kept = {key: value for key, value in known.items() if key not in ("machine", "date")}
    return {**kept, **own, "runs": runs}


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def headline(result: Record, halves: tuple[str, ...] = ("reported", "calibration")) -> list[str]:
    """The table of the figures that have a target."""
    known = [result[half] for half in halves]
    columns = ["", *(f"{half} half" for half in halves), "target"]
    lines = [table_row(columns), table_row(["---"] * len(columns))]
    for label, key, target in (
        ("faulty runs scored", "faulty_runs", ""),
        ("right code", "right_code", "≥ 95 %"),
        ("right code ranked first", "right_code_first", "≥ 90 %"),
        ("the root cause itself ranked first", "root_cause_first", ""),
        ("healthy runs scored", "healthy_runs", ""),
        ("healthy runs with an error", "healthy_with_error", "0 %"),
        ("healthy runs with a warning", "healthy_with_warning", "≤ 5 %"),
    ):
        values = [half[key] for half in known]
        shown = [str(value) if isinstance(value, int) else percent(value) for value in values]
        lines.append(table_row([label, *shown, target]))
    early = [percent(half["detected_within"]["0.10"]) for half in known]
    lines.append(table_row(["detected within the first tenth", *early, "≥ 50 %"]))
    return lines


def by_case(result: Record, half: str) -> list[str]:
    """The tables of one half: operators, and healthy variants."""
    columns = [f"operator ({half} half)", "runs", "right code", "first", "first tenth", "said instead"]
    lines = [table_row(columns), table_row(["---"] * len(columns))]
    for row in result[f"operators_{half}"]:
        shares = [percent(row[key]) for key in ("right_code", "right_code_first", "within_a_tenth")]
        lines.append(table_row([row["operator"], row["runs"], *shares, counted(row["said_instead"])]))
    columns = [f"healthy variant ({half} half)", "runs", "errors", "warnings"]
    lines += ["", table_row(columns), table_row(["---"] * len(columns))]
    for row in result[f"healthy_{half}"]:
        lines.append(
            table_row([row["variant"], row["runs"], *(counted(row[k]) for k in ("errors", "warnings"))])
        )
    return lines


def table_row(cells: Sequence[object]) -> str:
    """A line of a markdown table."""
    return f"| {' | '.join(map(str, cells))} |".replace("|  |", "| |")


def counted(names: dict[str, int]) -> str:
    """Names with how often each was given."""
    return ", ".join(f"{name} ({count})" for name, count in names.items())


def markdown(result: Record) -> str:
    """The tables for the documentation."""
    lines = [*headline(result), "", *by_case(result, "reported")]
    columns = ["stated confidence", "findings", "mean stated", "right"]
    lines += ["", table_row(columns), table_row(["---"] * len(columns))]
    for row in result["reliability_reported"]:
        limits = f"{row['from']:.2f} to {row['to']:.2f}"
        lines.append(table_row([limits, row["findings"], f"{row['stated']:.2f}", percent(row["right"])]))
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=Path("benchmarks/failures/runs"))
    parser.add_argument("--table", type=Path, help="also write the markdown tables to this file")
    parser.add_argument("--name", default="failures", help="of the result in benchmarks/results")
    parser.add_argument("--print-only", action="store_true", help="write nothing, print the tables")
    parser.add_argument(
        "--add",
        action="store_true",
        help="keep the halves of the result of that name which this folder lacks",
    )
    options = parser.parse_args(arguments)
    from benchmarks._common import RESULTS, write_result

    result = score(load(options.runs))
    if options.add:
        result = added(json.loads((RESULTS / f"{options.name}.json").read_text()), result)
    if not options.print_only:
        print(f"wrote {write_result(options.name, result).name}")
    if options.table:
        options.table.write_text(markdown(result))
    print(markdown(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
