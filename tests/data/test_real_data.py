"""The sets of the optional data folder against facts known from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from equipoise.data import load_data

FOLDER = os.environ.get("EQUIPOISE_DATA")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        not FOLDER, reason="set EQUIPOISE_DATA to a folder that holds mnist, fashion_mnist, cifar10"
    ),
]

# Means and standard deviations of the pixels over 0..1 as widely used to normalise these training sets.
KNOWN = {
    "mnist": ((1, 28, 28), 60_000, [0.1307], [0.3081]),
    "fashion_mnist": ((1, 28, 28), 60_000, [0.2860], [0.3530]),
    "cifar10": ((3, 32, 32), 50_000, [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_training_set(name: str, tmp_path: Path) -> None:
    shape, count, means, deviations = KNOWN[name]
    data = load_data(Path(FOLDER or "") / name)
    facts = data.describe()
    assert (data.specification.shape, len(data), data.specification.classes) == (shape, count, 10)
    # CIFAR-10 is a JPEG re-encoding there: its spread may differ in the third digit.
    np.testing.assert_allclose([entry["mean"] / 255 for entry in facts["channels"]], means, atol=0.002)
    np.testing.assert_allclose(
        [entry["standard_deviation"] / 255 for entry in facts["channels"]], deviations, atol=0.003
    )
    assert isinstance(load_data(Path(FOLDER or "") / name).samples, np.memmap)
    assert len(load_data(Path(FOLDER or "") / name, split="test")) == 10_000
    assert data.preview(tmp_path / "preview.png").exists()
