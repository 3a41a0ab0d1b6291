"""One run from beginning to end: build, plant, train, diagnose, measure; the result is a small dictionary."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures import outcome
from benchmarks.failures.configurations import Run
from benchmarks.failures.faults.base import Finished
from benchmarks.failures.later import HALVES_WRITTEN_LATER
from benchmarks.failures.parts import make_parts
from benchmarks.failures.styles import STYLES

EARLY = (0.10, 0.25, 0.50)  # parts of the run after which `monitor.diagnose()` is asked
FINDINGS_KEPT = 6
EVIDENCE_KEPT = 2

Watch = Callable[[nn.Module, nn.Module], Any]


class NoMonitor:
    """Stands in for a monitor where nothing is watched."""

    def diagnose(self) -> None:
        return None

    def probe(self) -> None:
        return None

    def close(self) -> None:
        return None


def no_watch(generator: nn.Module, discriminator: nn.Module) -> NoMonitor:
    return NoMonitor()


def execute(run: Run, watch: Watch = no_watch, steps: int | None = None) -> dict[str, Any]:
    """Train one run and say how it went; an exception anywhere becomes the result's `error`.

    Args:
        run: which one.
        watch: called with generator and discriminator in the loop's first lines; returns the monitor.
        steps: fewer steps than the case's own, for smoke tests of the loops.
    """
    started, cpu = time.perf_counter(), time.process_time()
    result: dict[str, Any] = {
        "name": run.name,
        "configuration": run.configuration,
        "planted": planted(run),
        "case": {
            "style": run.case.style,
            "family": run.case.family,
            "data": run.case.data,
            "network": run.case.network,
        },
        "seed": run.seed,
        "error": None,
    }
    try:
        _execute(run, watch, steps, result)
    except Exception as error:  # noqa: BLE001 - a crash of one run must not end the benchmark
        result["error"] = f"{type(error).__name__}: {error}"[:400]
        result["traceback"] = _without_folders(traceback.format_exc())[-1200:]
    result["seconds"] = round(time.perf_counter() - started, 2)
    result["cpu_seconds"] = round(time.process_time() - cpu, 2)
    return result


def planted(run: Run) -> dict[str, Any]:
    variant = run.variant
    if run.faulty:
        return {
            "fault": variant.name,
            "kind": variant.kind,
            "expected": list(variant.expected),
            "equivalents": sorted(variant.equivalents),
            "forbidden": list(variant.forbidden),
            "severity": variant.severity,
        }
    return {"healthy": variant.name, "tolerated": sorted(variant.tolerated)}


def _execute(run: Run, watch: Watch, steps: int | None, result: dict[str, Any]) -> None:
    style = run.case.style
    later = next((half for half in HALVES_WRITTEN_LATER.values() if style in half.styles), None)
    make, loop = (make_parts, STYLES[style]) if later is None else (later.make_parts, later.styles[style])
    parts = make(run.case, run.seed)
    run.variant.apply(parts)
    if steps is not None:
        parts.steps = steps
    result["case"]["actual_data"] = parts.source.actual
    result["case"]["steps"] = parts.steps
    starts = _weights(parts.generator), _weights(parts.discriminator)
    held: list[Any] = []
    early: dict[str, Any] = {}
    losses: list[tuple[float, float]] = []
    spent = [0.0]

    def watched(generator: nn.Module, discriminator: nn.Module) -> Any:
        held.append(watch(generator, discriminator))
        return held[0]

    moments = {max(1, int(parts.steps * part)): f"{part:.2f}" for part in EARLY}

    def log(step: int, d_loss: float, g_loss: float) -> None:
        losses.append((d_loss, g_loss))
        if step + 1 in moments:
            began = time.perf_counter()
            early[moments[step + 1]] = brief(held[0].diagnose())
            spent[0] += time.perf_counter() - began

    parts.log = log
    began = time.perf_counter()
    sample = loop(parts, watched)
    training = time.perf_counter() - began - spent[0]
    began = time.perf_counter()
    diagnosis = held[0].probe()
    probing = time.perf_counter() - began
    result["diagnosis"] = summarise(diagnosis)
    result["early"] = early
    held[0].close()

    torch.manual_seed(20_000 + run.seed)
    result["outcome"] = outcome.measure(parts, sample)
    finished = Finished(
        parts=parts,
        outcome=result["outcome"],
        sample=sample,
        generator_change=_change(starts[0], _weights(parts.generator)),
        discriminator_change=_change(starts[1], _weights(parts.discriminator)),
        losses=losses,
    )
    if run.faulty:
        label, value, holds = run.variant.proof(finished)
    else:
        label, value, holds = "quality", result["outcome"]["quality"], result["outcome"]["good"]
    result["proof"] = {"what": label, "value": _round(value), "label_holds": bool(holds)}
    result["losses_at_end"] = [_round(value) for value in losses[-1]]
    result["timing"] = {
        "training": round(training, 2),
        "diagnose": round(spent[0], 3),
        "probe": round(probing, 3),
    }


def _without_folders(text: str) -> str:
    """A traceback without the folders of the machine it happened on."""
    return re.sub(r'File "[^"]*/(?=(?:src|benchmarks|site-packages|lib)/)', 'File "', text)


def _weights(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])


def _change(start: Tensor, end: Tensor) -> float:
    if start.shape != end.shape:
        return float("nan")
    return float((end - start).norm() / start.norm().clamp_min(1e-12))


def _round(value: float) -> float | None:
    value = float(value)
    if value != value or value in (float("inf"), float("-inf")):
        return None
    return float(f"{value:.5g}")


# -- a diagnosis, kept small -----------------------------------------------------------------------


def _as_dictionary(diagnosis: Any) -> dict[str, Any]:
    import json

    content = diagnosis.to_json()
    return json.loads(content) if isinstance(content, str) else dict(content)


def brief(diagnosis: Any) -> list[list[Any]] | None:
    """Name, severity and confidence of every finding, in the order of the verdict."""
    if diagnosis is None:
        return None
    findings = _as_dictionary(diagnosis).get("findings", [])
    return [[f["name"], f["severity"], _round(f.get("confidence") or 0.0)] for f in findings]


def summarise(diagnosis: Any) -> dict[str, Any] | None:
    """The findings in their order, the first few with their leading measurements."""
    if diagnosis is None:
        return None
    content = _as_dictionary(diagnosis)
    kept = []
    for position, finding in enumerate(content.get("findings", [])):
        entry = {
            "code": finding.get("code"),
            "name": finding["name"],
            "severity": finding["severity"],
            "confidence": _round(finding.get("confidence") or 0.0),
        }
        if position < FINDINGS_KEPT:
            entry["evidence"] = [
                [str(e.get("name"))[:60], _short(e.get("value")), _short(e.get("threshold"))]
                for e in (finding.get("evidence") or [])[:EVIDENCE_KEPT]
            ]
        kept.append(entry)
    return {"healthy": content.get("healthy"), "findings": kept}


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return _round(value)
    return value if value is None or isinstance(value, int) else str(value)[:40]
