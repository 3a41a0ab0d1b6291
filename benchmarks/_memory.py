"""Peak memory of a call in this process, above what it held before (Linux only)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def resident_megabytes(field: str = "VmRSS") -> float:
    """A field of this process's status: VmRSS is what it holds now, VmHWM the most that it held."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise OSError(f"the system does not tell {field}; memory is measured on Linux only")


def peak_megabytes(call: Callable[[], object]) -> float:
    """The most that the process held during the call, less what it held before."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = resident_megabytes()
    call()
    return resident_megabytes("VmHWM") - before
