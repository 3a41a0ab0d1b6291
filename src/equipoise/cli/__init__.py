"""The command line. Each command lives in a file of its own and imports what it needs when it runs."""

from __future__ import annotations


def main() -> None:
    """What the script `equipoise` runs; ends the process with the command's exit status."""
    from equipoise.cli.application import run

    run()
