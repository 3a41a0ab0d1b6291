"""The command line as a whole: light start, errors as one sentence, statuses, closed pipes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from equipoise.cli.application import COMMANDS

COMMAND = [sys.executable, "-m", "equipoise"]


def present_commands() -> list[str]:
    return [name for name in COMMANDS if importlib.util.find_spec(f"equipoise.cli.{name}") is not None]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"]])
def test_the_start_imports_nothing_heavy(arguments: list[str]) -> None:
    extra = {"pydantic"} if len(arguments) == 1 else set()
    code = (
        "import sys\n"
        f"sys.argv = ['equipoise', *{arguments!r}]\n"
        "from equipoise.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        # Typer itself looks at pydantic for the pages of commands.
        f"heavy = { ({'torch', 'numpy', 'rich', 'yaml', 'sklearn'} | extra)!r} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_help_lists_every_command_in_its_group(equipoise) -> None:
    text = equipoise("--help").stdout
    train, diagnose = text.index("\nTrain:"), text.index("\nDiagnose:")
    for name in present_commands():
        assert f"\n  {name} " in text
    assert train < text.index("\n  sample ") < diagnose < text.index("\n  explain ")


@pytest.mark.parametrize("name", present_commands())
def test_every_command_has_a_help_page(equipoise, name: str) -> None:
    result = equipoise(name, "--help")
    assert result.exit_code == 0
    assert f"equipoise {name}" in result.stdout.replace("root", "equipoise")


def test_every_file_with_a_command_is_offered() -> None:
    folder = Path(importlib.util.find_spec("equipoise.cli").submodule_search_locations[0])
    with_command = {
        path.stem for path in folder.glob("*.py") if "def register(application" in path.read_text()
    }
    assert with_command == set(present_commands())


def test_version(equipoise) -> None:
    import equipoise as package

    assert equipoise("--version").stdout == f"equipoise {package.__version__}\n"


def test_an_unknown_command_is_refused_with_the_nearest_one(equipoise) -> None:
    result = equipoise("trian", "ring")
    assert result.exit_code == 2
    assert "train" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["train", "ring", "--steps", "many"],
        ["train", "ring", "--stepz", "3"],
        ["sample", "somewhere", "--n", "0"],
        ["explain"],
    ],
)
def test_a_wrong_use_is_status_two_on_standard_error(equipoise, arguments: list[str]) -> None:
    result = equipoise(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["recipes", "dcgn"], "did you mean `dcgan`?"),
        (["explain", "EQ9999"], "There is no check named `EQ9999`"),
        (["data", "digts"], "did you mean `digits`?"),
        (["diagnose", "no-such-run"], "does not exist"),
        (["sample", "no-such-run"], "There is no folder 'no-such-run'"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_status_two(arguments: list[str], part: str) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert part in done.stderr
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["recipes"], ["checks", "--json"], ["--help"]])
def test_a_closed_pipe_is_silent(arguments: list[str]) -> None:
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) in (1, 141)
