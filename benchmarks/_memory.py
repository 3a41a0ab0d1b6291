"""Peak memory of a call in this process, above what it held before (Linux only)."""

from __future__ import annotations

import ctypes
import gc
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


def kept_megabytes() -> float:
    """What the process holds once the C library has given back what is free (glibc; elsewhere as it is)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return resident_megabytes()
