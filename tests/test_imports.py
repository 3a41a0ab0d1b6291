"""Imports flow one way: a room imports only from rooms to its left; the start is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "equipoise"
BASE = {"errors", "validation", "registry"}
ORDER = [
    "data",
    "layers",
    "networks",
    "objectives",
    "penalties",
    "recipes",
    "training",
    "history",
    "watching",
    "checks",
    "remedies",
    "autopilot",
    "metrics",
    "report",
    "lab",
    "integrations",
    "cli",
]
# Composition roots that a room may use nevertheless: an arm of an experiment can be watched and diagnosed.
ALSO_ALLOWED = {"lab": {"monitor"}}
# Beyond the order: these may never be seen from there.
FORBIDDEN = {
    "checks": {"training", "watching", "networks", "layers", "penalties"},
    "history": {"training", "networks", "layers", "penalties"},
    "watching": {"training", "recipes"},
    "metrics": {"training", "watching", "checks", "history", "autopilot", "remedies"},
}
TORCH_FREE = ["history", "checks", "report"]


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "equipoise":
                names = [f"equipoise.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("equipoise.")}
    return rooms


@pytest.mark.parametrize("room", ORDER)
def test_room_imports_only_from_the_left(room: str) -> None:
    allowed = BASE | set(ORDER[: ORDER.index(room) + 1]) | ALSO_ALLOWED.get(room, set())
    if room == "cli":
        pytest.skip("the command line is a composition root")
    for path in (SOURCE / room).rglob("*.py"):
        rooms = imported_rooms(path)
        assert rooms <= allowed, f"{path} imports {rooms - allowed}"
        assert not rooms & FORBIDDEN.get(room, set()), f"{path} imports {rooms & FORBIDDEN[room]}"


@pytest.mark.parametrize("room", TORCH_FREE)
def test_rooms_of_plain_numbers_import_no_torch(room: str) -> None:
    for path in (SOURCE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert all(alias.name.split(".")[0] != "torch" for alias in node.names), path
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.split(".")[0] != "torch", path


def test_importing_equipoise_imports_no_torch() -> None:
    code = "import sys, equipoise; assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_room_is_larger_than_five_hundred_lines() -> None:
    long = {
        str(path): lines
        for path in SOURCE.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 500
    }
    assert not long
