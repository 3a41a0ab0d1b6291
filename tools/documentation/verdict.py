"""The verdict of the start page: runs `failing_loop.py`, as it is and repaired, and keeps the verdicts.

python -m tools.documentation.verdict   # writes verdict.{txt,svg,json}, repaired.txt, report.html
"""

from __future__ import annotations

import html
import io
import json
from pathlib import Path
from typing import Any

LOOP = Path(__file__).with_name("failing_loop.py")
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "figures" / "start"
# What the verdict of the loop asks for: the data in the range of tanh.
REPAIR = (")  # values from 0 to 16", ") / 8 - 1")
_COLUMNS = 92
_TITLES = ("Evidence", "What else it could be", "What to do", "Undecided")
# Rich's own frame fetches a font from the network; this one takes the machine's.
_SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}</defs>
<rect width="{width}" height="{height}" rx="8" fill="#1c2128" />
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def run_loop(*, repaired: bool = False, steps: int | None = None) -> dict[str, Any]:
    """Run the loop; its variables when it is done.

    Args:
        repaired: with the remedy of its verdict.
        steps: other than written there, for a trial.
    """
    source = LOOP.read_text(encoding="utf-8")
    if repaired:
        source = source.replace(*REPAIR)
    if steps is not None:
        source = source.replace("range(2000)", f"range({steps})")
    variables: dict[str, Any] = {"__name__": "failing_loop"}
    exec(compile(source, str(LOOP), "exec"), variables)
    return variables


def main() -> None:
    """Run the loop and write the files."""
    from rich.console import Console
    from rich.terminal_theme import TerminalTheme

    from equipoise.checks.rendering import plain_text, rich_renderable

    ran = run_loop()
    monitor = ran["monitor"]
    diagnosis = monitor.diagnose()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "verdict.txt").write_text(plain_text(diagnosis) + "\n", encoding="utf-8")
    losses = {name: ran[name].item() for name in ("discriminator_loss", "generator_loss")}
    (FOLDER / "verdict.json").write_text(json.dumps({**losses, **diagnosis.to_dict()}, indent=1) + "\n")
    monitor.report(FOLDER / "report.html")
    healed = run_loop(repaired=True)["monitor"].diagnose()
    (FOLDER / "repaired.txt").write_text(plain_text(healed) + "\n", encoding="utf-8")
    theme = TerminalTheme(
        (28, 33, 40),
        (230, 237, 243),
        [(72, 79, 88), (255, 123, 114), (126, 231, 135), (240, 197, 90), (121, 192, 255), (210, 168, 255),
         (118, 227, 234), (230, 237, 243)],
    )  # fmt: skip
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print("[bold]>>> monitor.diagnose()[/]", highlight=False)
    console.print(rich_renderable(diagnosis))
    picture = console.export_svg(code_format=_SVG, theme=theme, unique_id="verdict")
    (FOLDER / "verdict.svg").write_text(picture, encoding="utf-8")


def as_html(text: str) -> str:
    """The plain text as HTML that a phone can wrap: each item is one line, indented by a margin."""
    kinds = {"ERROR": "error", "WARNING": "warning", "INFO": "info", "Not": "error", "Healthy": "healthy"}
    lines = []
    for indent, line in logical_lines(text):
        name = kinds.get(line.split(" ", 1)[0], "title" if line in _TITLES else "")
        margin = f' style="padding-left:{indent + 2 * line.startswith("- ")}ch"'
        hanging = " hanging" if line.startswith("- ") else ""
        lines.append(f'<span class="{name}{hanging}"{margin}>{html.escape(line) or "&nbsp;"}</span>')
    return '<div class="verdict">' + "".join(lines) + "</div>"


def logical_lines(text: str) -> list[tuple[int, str]]:
    """Indentation and text of each line, with the lines that were only wrapped put together again.

    Example:
        >>> logical_lines("  Evidence\\n    - a = 1,\\n      below 2\\n    - b")
        [(2, 'Evidence'), (4, '- a = 1, below 2'), (4, '- b')]
    """
    found: list[tuple[int, str]] = []
    for line in text.rstrip().splitlines():
        bare = line.lstrip()
        indent = len(line) - len(bare)
        previous, words = found[-1] if found else (0, "")
        goes_on = words.startswith(("- ", "Explains:")) and indent == previous + 2
        goes_on |= (
            indent == previous and bool(words) and not bare.startswith("- ") and not _begins(bare, words)
        )
        if bare and goes_on and not bare.startswith("- "):
            found[-1] = (previous, f"{words} {bare}")
        else:
            found.append((indent, bare))
    return found


def _begins(line: str, previous: str) -> bool:
    """Whether a line at its predecessor's indentation is a line of its own."""
    own = (*_TITLES, "Explains:", "Measured:")
    return line.startswith(own) or previous in _TITLES


if __name__ == "__main__":
    main()
