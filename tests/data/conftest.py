from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for every test, so that none sees the user's."""
    folder = tmp_path / "the-cache"
    monkeypatch.setenv("EQUIPOISE_CACHE", str(folder))
    return folder


@pytest.fixture
def write_image() -> Callable[..., np.ndarray]:
    """Write random pixels as an image file and return them (height, width[, channels])."""

    def write(path: Path, size: tuple[int, int] = (6, 5), colour: bool = False, seed: int = 0) -> np.ndarray:
        shape = (*size, 3) if colour else size
        pixels = np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return pixels

    return write
