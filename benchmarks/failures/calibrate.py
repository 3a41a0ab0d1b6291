"""Write the table of confidences from the first looks at unseen runs, and draw how reliable they are.

    python -m benchmarks.failures.calibrate --runs benchmarks/failures/runs

The thresholds were adjusted until the calibration half was right: of its findings no confidence can be
learnt. So the stated confidence of the first finding of each run of the reported and of the second half, at
their first looks, right or wrong (a finding on a healthy run is wrong), is fitted by Platt's scaling,
sigmoid(a logit(raw) + b), with a penalty that pulls (a, b) to (1, 0) as strongly as ten observations would.
How good that is, is measured on findings that took no part: configurations are dealt out into two folds, and
each is scaled by the fit on the other. The table that ships is the fit on both. The map is strictly
increasing, so that it changes no order.

The reported half was judged without a table and holds raw confidences. The second was judged with the table
of a fit on the reported half alone; that map is undone before the fit. How good the table was that a later
half was judged with, and that knew nothing of it, is told beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from benchmarks.failures.score import findings, judge, load
from benchmarks.failures.split import LATER, SECOND, half_of

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "src" / "equipoise" / "checks" / "calibration.json"
PRIOR = 10.0
#: Scale and shift of the table that the second half was judged with.
TABLE_OF_SECOND = (1.0480913712814661, 0.17683354173157087)
POINTS = [*np.round(np.arange(0.5, 1.0, 0.05), 2).tolist(), 0.97, 0.99]


def pairs(records: list[dict[str, Any]], half: str) -> np.ndarray:
    """Rows (stated confidence, right, fold) of the first finding of each run of a half."""
    rows = []
    for record in records:
        judged = judge(record)
        if half_of(record["configuration"]) != half or judged["crashed"] or not judged["valid"]:
            continue
        fold = hashlib.sha256(record["configuration"].encode()).digest()[0] % 2
        if judged["faulty"]:
            if "confidence" in judged:
                rows.append([*judged["confidence"], fold])
            continue
        alarms = {*judged["errors"], *judged["warnings"]}
        rows += [[f["confidence"], False, fold] for f in findings(record) if f["name"] in alarms][:1]
    return np.array(rows, dtype=float)


def fit(rows: np.ndarray) -> tuple[float, float]:
    """Platt's (a, b) with the penalty described above."""
    raw = np.clip(rows[:, 0], 1e-3, 1 - 1e-3)
    logits, right = np.log(raw / (1 - raw)), rows[:, 1]

    def loss(values: np.ndarray) -> float:
        scaled = values[0] * logits + values[1]
        misses = np.logaddexp(0.0, scaled) - right * scaled
        return float(misses.sum() + PRIOR * ((values[0] - 1) ** 2 + values[1] ** 2) / 2)

    found = minimize(loss, np.array([1.0, 0.0]), bounds=[(0.05, 5.0), (-5.0, 5.0)])
    return float(found.x[0]), float(found.x[1])


def mapped(raw: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """The calibrated confidences."""
    clipped = np.clip(raw, 1e-3, 1 - 1e-3)
    return 1 / (1 + np.exp(-(scale * np.log(clipped / (1 - clipped)) + shift)))


def expected_error(rows: np.ndarray, bins: int = 5) -> float:
    """Expected calibration error over bins of equal counts: mean |stated - right|."""
    order = rows[np.argsort(rows[:, 0])]
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(len(part) * abs(part[:, 0].mean() - part[:, 1].mean()) for part in parts) / len(rows))


def draw(sets: dict[str, np.ndarray], path: Path) -> None:
    """The reliability plot: stated confidence against the share that was right, with 95 % intervals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.2, 5.2))
    axes.plot([0.4, 1], [0.4, 1], color="0.6", linestyle=":", label="perfectly calibrated")
    for (label, rows), colour in zip(sets.items(), ("#0072b2", "#d55e00"), strict=False):
        order = rows[np.argsort(rows[:, 0])]
        for number, part in enumerate(np.array_split(order, 5)):
            stated, right, count = part[:, 0].mean(), part[:, 1].mean(), len(part)
            # Wilson's interval: shares near one have no symmetric error.
            middle = (right + 1.92 / count) / (1 + 3.84 / count)
            half = 1.96 / (1 + 3.84 / count) * np.sqrt(right * (1 - right) / count + 0.96 / count**2)
            axes.errorbar(
                stated, right, yerr=[[right - middle + half], [middle + half - right]], fmt="o",
                color=colour, capsize=3, label=f"{label} ({len(rows)} findings)" if number == 0 else None,
            )  # fmt: skip
    axes.set(xlabel="stated confidence of the first finding", ylabel="share that was right")
    axes.set(xlim=(0.4, 1.02), ylim=(0.4, 1.02), title="A stated confidence is what it says")
    axes.legend(loc="lower right", frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def raw_pairs_of_second(records: list[dict[str, Any]]) -> np.ndarray:
    """As `pairs`, with the confidences that the checks had stated before the table of then."""
    rows = pairs(records, SECOND)
    rows[:, 0] = np.interp(rows[:, 0], mapped(np.array(POINTS), *TABLE_OF_SECOND), POINTS)
    return rows


def stated(rows: np.ndarray) -> dict[str, Any]:
    """The confidences of a half, as they were stated, against what was right there."""
    top = rows[rows[:, 0] >= 0.95]
    return {
        "findings": len(rows),
        "stated": float(rows[:, 0].mean()),
        "right": float(rows[:, 1].mean()),
        "expected_calibration_error": expected_error(rows),
        "top_findings": len(top),
        "top_stated": float(top[:, 0].mean()),
        "top_right": float(top[:, 1].mean()),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("benchmarks/failures/runs"))
    parser.add_argument("--figure", type=Path, default=ROOT / "docs" / "figures" / "reliability.png")
    options = parser.parse_args(arguments)
    from benchmarks._common import write_result

    records = [record for record in load(options.runs) if "planted" in record]
    calibration, reported = pairs(records, "calibration"), pairs(records, "reported")
    unseen = np.vstack([reported, raw_pairs_of_second(records)])
    scale, shift = fit(unseen)
    table = [[raw, round(float(mapped(np.array([raw]), scale, shift)[0]), 4)] for raw in POINTS]
    TABLE.write_text(
        json.dumps(
            {
                "source": "benchmarks/failures/calibrate.py: Platt's scaling of first looks at unseen runs",
                "findings": len(unseen),
                "scale": round(scale, 4),
                "shift": round(shift, 4),
                "confidence": {"*": table},
            },
            indent=1,
        )
        + "\n"
    )
    after = unseen.copy()
    for fold in (0, 1):
        own = unseen[:, 2] == fold
        after[own, 0] = mapped(unseen[own, 0], *fit(unseen[~own]))
    draw({"raw": unseen, "calibrated by the other fold": after}, options.figure)
    result = {
        "scale": scale,
        "shift": shift,
        "calibration_findings": len(calibration),
        "calibration_right": float(calibration[:, 1].mean()),
        "unseen_findings": len(unseen),
        "unseen_right": float(unseen[:, 1].mean()),
        "expected_calibration_error_raw": expected_error(unseen),
        "expected_calibration_error_calibrated": expected_error(after),
        "stated": {half: stated(rows) for half in LATER if len(rows := pairs(records, half))},
    }
    print(json.dumps(result, indent=1))
    write_result("failures_confidence", result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
