"""equipoise: train, watch, diagnose and treat generative adversarial networks.

Three ways in: `watch` a loop you already have, a `Trainer` whose defaults work, and the command line.
Names are imported on first use, so that `import equipoise` is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equipoise.checks import Diagnosis as Diagnosis
    from equipoise.checks import Finding as Finding
    from equipoise.diagnosis import diagnose as diagnose
    from equipoise.errors import EquipoiseError as EquipoiseError
    from equipoise.monitor import Monitor as Monitor
    from equipoise.monitor import preflight as preflight
    from equipoise.monitor import watch as watch
    from equipoise.trainer import Run as Run
    from equipoise.trainer import Trainer as Trainer
    from equipoise.trainer import load_generator as load_generator

__version__ = "0.1.0.dev0"

_HOMES = {
    "watch": "equipoise.monitor",
    "Monitor": "equipoise.monitor",
    "preflight": "equipoise.monitor",
    "diagnose": "equipoise.diagnosis",
    "Diagnosis": "equipoise.checks",
    "Finding": "equipoise.checks",
    "Trainer": "equipoise.trainer",
    "Run": "equipoise.trainer",
    "load_generator": "equipoise.trainer",
    "EquipoiseError": "equipoise.errors",
}
__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'equipoise' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
