"""What the README says can be done can be done."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from equipoise.cli.application import COMMANDS, build_application

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# In a test, a few steps stand for thousands and a few samples for many.
SHORT = {
    "train": ["--set", "training.batch_size=8", "--set", "training.steps=4"],
    "evaluate": ["--n", "64"],
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def commands_in_blocks() -> list[list[str]]:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    return [shlex.split(line) for line in lines]


def commands_in_text() -> Iterator[list[str]]:
    for text in re.findall(r"`(equipoise [^`]+)`", README):
        words = shlex.split(text)
        if words[1] in COMMANDS and words[1] != "lab":
            yield words


def test_there_is_something_to_test() -> None:
    assert len(blocks("python")) == 2
    assert len(commands_in_blocks()) > 10
    assert all(words[0] == "equipoise" for words in commands_in_blocks())


@pytest.mark.parametrize("words", [*commands_in_blocks(), *commands_in_text()], ids=" ".join)
def test_every_command_is_understood(words: list[str]) -> None:
    group = typer.main.get_command(build_application())
    if words[1].startswith("-"):
        assert CliRunner().invoke(build_application(), words[1:]).exit_code == 0
        return
    command = group.commands[words[1]]
    with command.make_context(words[1], words[2:]) as context:
        assert context.command is command


def test_the_table_lists_the_commands_that_there_are() -> None:
    listed = set(re.findall(r"^\| `equipoise (\w+)", README, flags=re.MULTILINE))
    assert listed == {
        name for name in COMMANDS if importlib.util.find_spec(f"equipoise.cli.{name}") is not None
    }


def test_the_commands_run_one_after_the_other(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _, *arguments in commands_in_blocks():
        short = list(arguments)
        if "--steps" in short:
            place = short.index("--steps")
            del short[place : place + 2]
        if "--resume" in short:
            short += ["--steps", "6"]
        result = CliRunner().invoke(build_application(), [*short, *SHORT.get(arguments[0], [])])
        assert result.exit_code == 0, (arguments, result.stderr, result.exception)
    for name in ("digits.png", "ring.png", "threes.png", "runs/first/samples.png", "runs/ring/summary.json"):
        assert (tmp_path / name).exists(), name


@pytest.mark.parametrize("number", [0, 1])
def test_the_python_examples_run(number: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[number]], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    if number == 0:
        (promised,) = blocks("text")
        assert done.stdout.startswith(promised)
    else:
        assert (tmp_path / "runs" / "from-python" / "samples.png").exists()
        assert "ealthy" in done.stdout or "Nothing wrong was found" in done.stdout


def test_the_make_targets_and_linked_files_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pages = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for target in set(re.findall(r"^    make (\w+)|`make (\w+)`", pages, flags=re.MULTILINE)):
        name = target[0] or target[1]
        assert re.search(rf"^{name}:", makefile, flags=re.MULTILINE), name
    for link in re.findall(r"\]\(([^):]+)\)", pages):
        assert (ROOT / link).exists(), link


def test_the_folders_of_the_contribution_table_exist_and_register() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| an? [^|]+\| `(src/[^`]+/)` \| `@(\w+)\.register", table, flags=re.MULTILINE)
    assert len(rows) == 7
    for folder, registry in rows:
        sources = [path.read_text(encoding="utf-8") for path in (ROOT / folder).glob("*.py")]
        assert any(f"@{registry}.register(" in source for source in sources), (folder, registry)
