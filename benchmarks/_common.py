"""What all benchmarks share: where results go, and on which machine they were measured."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine_description() -> dict[str, Any]:
    """Processor, cores, memory and versions: what a figure depends on; no host name, no path."""
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gigabytes": _memory(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def write_result(name: str, content: dict[str, Any]) -> Path:
    """Write `benchmarks/results/NAME.json` with the machine and the date; returns the path."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    stamped = {
        "machine": machine_description(),
        "date": datetime.now(UTC).date().isoformat(),
        **content,
    }
    path.write_text(json.dumps(stamped, indent=2, ensure_ascii=False) + "\n")
    return path


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
