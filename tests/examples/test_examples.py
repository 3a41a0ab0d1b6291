"""The examples run: a clean bill on the healthy version, the right first finding on each broken one."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("dcgan", "wgan_gp", "pix2pix", "cyclegan")
# Enough steps for a verdict on exact faults; dynamics need the examples' own numbers.
QUICK_STEPS = {"dcgan": 300, "wgan_gp": 60, "pix2pix": 250, "cyclegan": 220}
QUICK = {
    ("dcgan", "sigmoid-twice"),
    ("wgan_gp", "norm-per-pixel"),
    ("pix2pix", "adversarial-term-detached"),
    ("cyclegan", "fakes-labelled-real"),
}


def faults(name: str) -> dict[str, Any]:
    for node in ast.parse((EXAMPLES / f"{name}.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FAULTS":
            table: dict[str, Any] = ast.literal_eval(node.value)
            return table
    raise AssertionError(f"{name}.py declares no FAULTS")


def verdicts(name: str, *arguments: str) -> dict[str, Any]:
    """The verdicts of an example by pair; one unnamed pair for all but the CycleGAN."""
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), "--json", *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(output)
    return result if name == "cyclegan" else {"": result}


def first_finding(verdict: dict[str, Any]) -> str | None:
    return next((found["name"] for found in verdict["findings"] if found["severity"] != "info"), None)


def check_broken(name: str, fault: str, *arguments: str) -> None:
    expected = faults(name)[fault]
    pair, check = expected if isinstance(expected, (tuple, list)) else ("", expected)
    verdict = verdicts(name, "--broken", fault, *arguments)[pair]
    assert first_finding(verdict) == check, [found["name"] for found in verdict["findings"]]


ALL = [(name, fault) for name in NAMES for fault in faults(name)]


@pytest.mark.parametrize(("name", "fault"), sorted(QUICK))
def test_a_planted_fault_is_named_first(name: str, fault: str) -> None:
    check_broken(name, fault, "--steps", str(QUICK_STEPS[name]))


@pytest.mark.parametrize("name", ["dcgan", "pix2pix"])
def test_a_healthy_example_gets_a_clean_bill(name: str) -> None:
    for verdict in verdicts(name, "--steps", str(QUICK_STEPS[name])).values():
        assert verdict["healthy"], verdict["findings"]


@pytest.mark.benchmark
@pytest.mark.parametrize("name", NAMES)
def test_every_healthy_example_to_its_end(name: str) -> None:
    for verdict in verdicts(name).values():
        assert verdict["healthy"], verdict["findings"]


@pytest.mark.benchmark
@pytest.mark.parametrize(("name", "fault"), ALL)
def test_every_planted_fault_to_its_end(name: str, fault: str) -> None:
    check_broken(name, fault)
