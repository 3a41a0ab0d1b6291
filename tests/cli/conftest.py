"""Runs to ask questions about, trained once: a few steps each, through the command itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from equipoise.cli.application import build_application

TINY = ("--set", "training.batch_size=8", "--set", "training.checkpoint_every=5")


def call(*arguments: object) -> Any:
    """Run a command in this process; the result has `exit_code`, `stdout` and `stderr`."""
    return CliRunner().invoke(build_application(), [str(argument) for argument in arguments])


@pytest.fixture
def equipoise() -> Callable[..., Any]:
    return call


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Options of a training that takes a moment."""
    return TINY


@pytest.fixture(scope="session")
def ring_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten steps on the ring: logistic loss, no classes."""
    out = tmp_path_factory.mktemp("runs") / "ring"
    result = call("train", "ring", "--recipe", "gan", "--steps", 10, "--out", out, *TINY)
    assert result.exit_code == 0, result.stderr
    return out


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps on the digits: conditional images."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    result = call("train", "digits", "--recipe", "cgan", "--steps", 4, "--out", out, *TINY)
    assert result.exit_code == 0, result.stderr
    return out
