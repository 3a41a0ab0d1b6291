"""`equipoise diagnose`, `report`, `checks` and `explain`, on plain PyTorch loops that were watched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import equipoise as package
from equipoise.checks import CHECKS


def train_and_watch(folder: Path, generator_sign: float) -> None:
    """A hand-written loop on a Gaussian; with the sign -1 the generator is trained to look fake."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    discriminator = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    optimizers = [torch.optim.Adam(network.parameters(), 1e-3) for network in (generator, discriminator)]
    criterion = nn.functional.softplus
    with package.watch(generator, discriminator, history=folder, every=1):
        for _ in range(60):
            fake, real = generator(torch.randn(32, 2)), torch.randn(32, 2) * 0.5
            optimizers[1].zero_grad()
            (
                criterion(-discriminator(real)).mean() + criterion(discriminator(fake.detach())).mean()
            ).backward()
            optimizers[1].step()
            optimizers[0].zero_grad()
            criterion(-generator_sign * discriminator(fake)).mean().backward()
            optimizers[0].step()


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("healthy")
    train_and_watch(folder, 1.0)
    return folder


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    train_and_watch(folder, -1.0)
    return folder


def test_a_healthy_run_is_status_zero(equipoise, healthy: Path) -> None:
    result = equipoise("diagnose", healthy)
    assert result.exit_code == 0
    assert result.stdout.startswith("Nothing wrong was found after 60 steps")
    assert json.loads(equipoise("diagnose", healthy, "--json").stdout)["healthy"] is True


def test_an_error_is_status_one_with_its_evidence(equipoise, broken: Path) -> None:
    result = equipoise("diagnose", broken)
    assert result.exit_code == 1
    assert "g-objective-sign" in result.stdout
    as_json = equipoise("diagnose", broken, "--json")
    assert as_json.exit_code == 1
    first = json.loads(as_json.stdout)["findings"][0]
    assert (first["name"], first["severity"]) == ("g-objective-sign", "error")
    assert first["evidence"]


def test_the_history_file_is_taken_too(equipoise, broken: Path) -> None:
    assert equipoise("diagnose", broken / "history.sqlite").exit_code == 1


def test_what_the_trainer_leaves_can_be_diagnosed(equipoise, ring_run: Path) -> None:
    assert equipoise("diagnose", ring_run).exit_code == 0


def test_a_folder_without_a_history_is_a_wrong_request(equipoise, tmp_path: Path) -> None:
    result = equipoise("diagnose", tmp_path)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")


def test_the_report_is_given_everything(equipoise, broken: Path, tmp_path: Path, monkeypatch) -> None:
    given = {}

    def write_report(diagnosis, observations, samples, path):
        given.update(diagnosis=diagnosis, observations=observations, samples=samples)
        Path(path).write_text("a page")
        return Path(path)

    monkeypatch.setattr("equipoise.report.write_report", write_report)
    out = tmp_path / "page.html"
    result = equipoise("report", broken, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert str(out) in result.stdout
    assert out.read_text() == "a page"
    assert given["diagnosis"].findings[0].name == "g-objective-sign"
    assert len(given["observations"].series("score.auc")) > 0
    assert {kind for _, kind, _ in given["samples"]} == {"real", "fake"}
    answer = json.loads(equipoise("report", broken / "history.sqlite", "--json").stdout)
    assert answer["report"] == str(broken / "report.html")
    assert answer["diagnosis"]["healthy"] is False


def test_every_check_is_listed(equipoise) -> None:
    text = equipoise("checks").stdout
    answer = json.loads(equipoise("checks", "--json").stdout)
    assert {entry["name"] for entry in answer} == set(CHECKS.names())
    assert [entry["code"] for entry in answer] == sorted(entry["code"] for entry in answer)
    for entry in answer:
        assert f"{entry['code']}  {entry['name']} " in text
        assert entry["summary"]


@pytest.mark.parametrize("key", ["EQ101", "eq101", "vanishing-generator-gradient"])
def test_explain_by_code_and_name(equipoise, key: str) -> None:
    text = equipoise("explain", key).stdout
    assert text.startswith("EQ101 vanishing-generator-gradient\n")
    assert "What else it could be" in text


def test_explain_as_json(equipoise) -> None:
    answer = json.loads(equipoise("explain", "EQ101", "--json").stdout)
    assert answer["code"] == "EQ101"
    assert answer["sections"]["Evidence and threshold"]
    assert {remedy["cure"] for remedy in answer["remedies"]} <= {"root", "symptomatic"}
