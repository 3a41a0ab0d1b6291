"""`equipoise sample`: pictures, folders and arrays; classes; rejection."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from equipoise import load_generator


def test_a_picture_by_default(equipoise, digits_run: Path) -> None:
    result = equipoise("sample", digits_run)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"100 samples are in {digits_run / 'generated.png'}\n"
    picture = Image.open(digits_run / "generated.png")
    assert picture.width == picture.height


def test_arrays_are_what_the_library_gives(equipoise, ring_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "samples.npz"
    answer = json.loads(equipoise("sample", ring_run, "--n", 7, "--seed", 3, "--out", out, "--json").stdout)
    assert answer == {
        "out": str(out),
        "samples": 7,
        "shape": [2],
        "seed": 3,
        "labels": None,
        "acceptance_rate": None,
    }
    with np.load(out) as arrays:
        assert list(arrays) == ["samples"]
        np.testing.assert_array_equal(arrays["samples"], load_generator(ring_run).sample(7, seed=3))


@pytest.mark.parametrize("place", ["last", "best"])
def test_a_checkpoint_is_taken_too(equipoise, ring_run: Path, tmp_path: Path, place: str) -> None:
    result = equipoise("sample", ring_run / "checkpoints" / place, "--n", 2, "--out", tmp_path / "a.npz")
    assert result.exit_code == 0, result.stderr


def test_a_label_is_what_the_generator_is_asked_for(equipoise, digits_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "three.npz"
    assert equipoise("sample", digits_run, "--label", 3, "--n", 5, "--out", out).exit_code == 0
    with np.load(out) as arrays:
        assert arrays["labels"].tolist() == [3] * 5
        np.testing.assert_array_equal(arrays["samples"], load_generator(digits_run).sample(5, labels=3))
        assert arrays["samples"].shape == (5, 1, 8, 8)


def test_without_a_label_classes_are_drawn_and_kept(equipoise, digits_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.npz"
    assert equipoise("sample", digits_run, "--n", 40, "--out", out).exit_code == 0
    with np.load(out) as arrays:
        labels = arrays["labels"]
        assert len(set(labels.tolist())) > 3
        expected = load_generator(digits_run).sample(40, labels=labels.tolist())
        np.testing.assert_array_equal(arrays["samples"], expected)


def test_a_folder_of_classes_can_be_read_back(equipoise, digits_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "folder"
    assert equipoise("sample", digits_run, "--n", 12, "--out", out).exit_code == 0
    files = sorted(out.rglob("*.png"))
    assert len(files) == 12
    facts = json.loads(equipoise("data", out, "--json").stdout)
    assert (facts["count"], facts["shape"]) == (12, [1, 8, 8])
    assert set(facts["classes"]["samples"]) <= set("0123456789")
    samples = load_generator(digits_run)
    first = np.asarray(Image.open(out / files[0].parent.name / files[0].name))
    drawn = samples.sample(12, labels=np.random.default_rng(0).integers(10, size=12).tolist(), seed=0)[
        int(files[0].stem)
    ]
    np.testing.assert_array_equal(first, drawn[0])


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--label", "0"], "`--label` needs a generator that was trained with classes"),
        (["--out", "a.gif"], "`--out` must be a .png file, a .npz file or a folder"),
        (["--out", "pictures"], "must be a .png or .npz file, because these samples are vectors"),
        (["--out", "full"], "holds files"),
    ],
)
def test_refusals(equipoise, ring_run: Path, tmp_path: Path, monkeypatch, arguments, part) -> None:
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    (Path("full") / "a.txt").touch()
    result = equipoise("sample", ring_run, *arguments)
    assert result.exit_code == 2
    assert part in result.stderr


@pytest.mark.parametrize(
    ("label", "part"), [("12", "a class of 0 to 9"), ("shoe", "There is no class named")]
)
def test_unknown_classes(equipoise, digits_run: Path, label: str, part: str) -> None:
    result = equipoise("sample", digits_run, "--label", label)
    assert result.exit_code == 2
    assert part in result.stderr


def test_rejection_keeps_what_the_generator_makes(equipoise, ring_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept.npz"
    answer = json.loads(
        equipoise("sample", ring_run, "--rejection", "--n", 50, "--out", out, "--json").stdout
    )
    assert 0 < answer["acceptance_rate"] < 1
    with np.load(out) as arrays:
        kept = arrays["samples"]
    assert kept.shape == (50, 2)
    # What is kept was drawn from the generator as trained, in batches of 256 after the burn-in of 10,000.
    import torch

    generator = load_generator(ring_run, ema=False)
    random = torch.Generator().manual_seed(0)
    drawn = []
    for size in [256] * 39 + [16] + [256] * 8:
        with torch.no_grad():
            drawn.append(generator(torch.randn(size, generator.latent_dim, generator=random)))
    pool = {tuple(row) for row in generator.normalisation.invert(torch.cat(drawn)).numpy().round(5).tolist()}
    assert {tuple(row) for row in kept.round(5).tolist()} <= pool


def test_rejection_of_a_conditional_run_wants_the_class(equipoise, digits_run: Path, tmp_path: Path) -> None:
    result = equipoise("sample", digits_run, "--rejection", "--n", 5)
    assert result.exit_code == 2
    assert "give --label" in result.stderr


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (["objective.name=hinge"], "this run used hinge"),
        (["networks.pack=2"], "networks.pack=2"),
    ],
)
def test_rejection_is_refused_where_logits_are_no_density_ratio(
    equipoise, tmp_path: Path, tiny, settings: list[str], part: str
) -> None:
    run = tmp_path / "run"
    options = [word for setting in settings for word in ("--set", setting)]
    trained = equipoise("train", "ring", "--recipe", "gan", "--steps", 1, "--out", run, *tiny, *options)
    assert trained.exit_code == 0, trained.stderr
    result = equipoise("sample", run, "--rejection", "--n", 2)
    assert result.exit_code == 2
    assert part in result.stderr
