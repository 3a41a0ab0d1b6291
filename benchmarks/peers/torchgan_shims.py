"""torchgan 0.1.0, made importable next to a current torch.

Two repairs: torchvision registers meta functions for operations of its compiled library at import, which
fails where that library does not load, so the operations are declared first; and
`torchvision.utils.make_grid` has lost the argument `range` that torchgan passes. Nothing that is measured is
touched.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from types import ModuleType
from typing import Any

_libraries: list[Any] = []


def import_torchgan() -> ModuleType:
    """The package torchgan.

    Raises:
        ImportError: it is not installed, or cannot be imported even so.
    """
    try:
        version = importlib.metadata.version("torchgan")
    except importlib.metadata.PackageNotFoundError as error:
        raise ImportError("torchgan is not installed; see benchmarks/peers/README.md") from error
    _import_torchvision()
    package = importlib.import_module("torchgan")
    package.__version__ = version
    return package


def _import_torchvision() -> None:
    import torch

    try:
        torchvision = importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise ImportError(f"torchvision cannot be imported: {error}") from error
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operation in ("nms", "qnms"):
            library.define(f"{operation}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
        _libraries.append(library)  # a library that is collected takes its operations with it
        torchvision = importlib.import_module("torchvision")
    grid = torchvision.utils.make_grid

    def make_grid(*arguments: Any, **options: Any) -> Any:
        if "range" in options:
            options["value_range"] = options.pop("range")
        return grid(*arguments, **options)

    torchvision.utils.make_grid = make_grid
