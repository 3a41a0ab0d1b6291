"""The built-in data sets, one file each; a file that registers is enough.

An entry is a function of keyword options that returns `RawData`; its first option is `split`.
"""

from __future__ import annotations

from collections.abc import Callable

from equipoise.data.raw import RawData
from equipoise.registry import Registry

DATASETS: Registry[Callable[..., RawData]] = Registry("built-in data set", "equipoise.data.builtin")
