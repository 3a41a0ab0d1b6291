"""A run's folder: claimed once, changed settings refused, the log cut to the checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from equipoise.errors import EquipoiseError
from equipoise.training.configuration import TrainingConfiguration
from equipoise.training.run_directory import RunDirectory, refuse_changes


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    assert directory.claim(resume=False) is False
    directory.write_configuration({"recipe": "gan"})
    with pytest.raises(EquipoiseError, match="holds a run already; go on with it with --resume"):
        directory.claim(resume=False)
    assert directory.claim(resume=True) is False, "nothing was saved yet, so it begins"


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert RunDirectory(tmp_path).claim(resume=False) is False
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(EquipoiseError, match="is a file; choose another --out"):
        RunDirectory(tmp_path / "run").claim(resume=False)
    with pytest.raises(EquipoiseError, match="cannot be written"):
        RunDirectory(tmp_path / "run" / "inside").claim(resume=False)


def test_log_is_cut_to_the_checkpoint_and_a_torn_line_is_forgotten(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    for step in (1, 2, 3):
        directory.append_log({"step": step, "loss": 0.5})
    with open(directory.log, "a") as file:
        file.write('{"step": 4, "lo')
    assert [entry["step"] for entry in directory.read_log()] == [1, 2, 3]
    directory.truncate_log(2)
    directory.append_log({"step": 3})
    assert [entry["step"] for entry in directory.read_log()] == [1, 2, 3]


def test_changed_settings_are_refused_and_listed() -> None:
    before = TrainingConfiguration().to_values()
    after = TrainingConfiguration.from_values(
        {
            "training": {"steps": 9, "log_every": 3, "checkpoint_every": 7, "trackers": ["tensorboard"]},
        }
    ).to_values()
    refuse_changes(before, after)
    after["optimizers"]["generator"]["learning_rate"] = 0.5
    after["penalties"] = {"r1": {"gamma": 2.0}}
    with pytest.raises(EquipoiseError) as caught:
        refuse_changes(before, after)
    assert "`optimizers.generator.learning_rate` was 0.0002 and is 0.5" in str(caught.value)
    assert "`penalties.r1.gamma` was not set and is 2.0" in str(caught.value)
    assert "training.steps" not in str(caught.value)
