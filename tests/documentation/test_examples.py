"""What the written pages tell people to run can be run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from equipoise.checks.page import find_check
from equipoise.cli.application import build_application
from equipoise.lab.base import EXPERIMENTS
from tools.documentation import site, verdict

PAGES = {str(path.relative_to(site.DOCS)): path.read_text("utf-8") for path in site.DOCS.rglob("*.md")}
PAGES |= {page.uri: page.text for page in site.pages()}
TUTORIALS = [uri for uri in PAGES if uri.startswith("tutorials/")]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands(kind: str) -> list[tuple[str, str]]:
    """Each different command with the first page that has it: those of code blocks, or those in the text."""
    found: dict[str, str] = {}
    for uri, text in PAGES.items():
        if kind == "block":
            lines = [line for block in blocks(text, "bash") for line in block.splitlines()]
        else:
            prose = re.sub(r"^( *)```.*?^\1```", "", text, flags=re.DOTALL | re.MULTILINE)
            lines = re.findall(r"`(equipoise [a-z][^`]*)`", prose)
        for line in lines:
            found.setdefault(line, uri)
    return [(uri, line) for line, uri in found.items()]


def split(line: str):
    """The command that a line calls, and the words that are left for it."""
    words = shlex.split(line)[1:]
    command = typer.main.get_command(build_application())
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not (words and hasattr(command, "commands")), f"{line}: there is no command {words}"
    return command, words


def test_there_is_something_to_test() -> None:
    assert len(commands("block")) > 25
    assert len(commands("text")) > 40
    assert sum(len(blocks(PAGES[uri], "python")) for uri in TUTORIALS) > 8


@pytest.mark.parametrize(("uri", "line"), commands("block"))
def test_every_command_of_a_block_is_understood(uri: str, line: str) -> None:
    command, words = split(line)
    with command.make_context(line, list(words)):
        pass
    if line.startswith("equipoise lab run ") and words[0] != "all":
        assert words[0] in EXPERIMENTS, f"{uri} names the experiment {words[0]}, which is not registered"


@pytest.mark.parametrize(("uri", "line"), commands("text"))
def test_every_command_in_the_text_exists_with_its_options(uri: str, line: str) -> None:
    command, words = split(line)
    for word in words:
        if word.startswith("-"):
            assert any(word in parameter.opts for parameter in command.params), (uri, word)
    if line.startswith("equipoise explain ") and words[0].startswith("EQ"):
        find_check(words[0])


@pytest.mark.parametrize("uri", TUTORIALS)
def test_the_python_of_a_tutorial_runs_from_top_to_bottom(uri: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    variables: dict = {"__name__": "tutorial"}
    for block in blocks(PAGES[uri], "python"):
        exec(compile(block, uri, "exec"), variables)
    if uri == "tutorials/your-own-loop.md":
        assert variables["first"].code == "EQ004"
        assert (tmp_path / "runs/mine/report.html").stat().st_size > 10_000
        result = CliRunner().invoke(build_application(), ["diagnose", "runs/mine"])
        assert result.exit_code == 1
        assert "EQ004" in result.output
    if uri == "tutorials/trainer.md":
        assert variables["samples"].shape == (1000, 2)


def test_the_line_on_the_start_page_is_the_loops_own() -> None:
    (block,) = blocks(PAGES["index.md"], "python")
    assert block.strip() in verdict.LOOP.read_text(encoding="utf-8")


def test_the_loop_of_the_start_page_still_gets_its_verdict() -> None:
    shown = (verdict.FOLDER / "verdict.txt").read_text(encoding="utf-8")
    first = verdict.run_loop(steps=300)["monitor"].diagnose().findings[0]
    assert f"ERROR {first.code} {first.name}" in shown
    assert first.severity == "error"


def test_its_repair_is_a_line_of_the_loop() -> None:
    assert verdict.LOOP.read_text(encoding="utf-8").count(verdict.REPAIR[0]) == 1
    assert (verdict.FOLDER / "repaired.txt").read_text(encoding="utf-8").startswith("Healthy after")


def test_the_pictures_fetch_nothing() -> None:
    for path in (site.DOCS / "figures").rglob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"@import|@font-face|<script|href=\"http|url\(http", text), path
