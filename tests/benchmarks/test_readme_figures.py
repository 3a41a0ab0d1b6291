"""The README's figures are those of the committed results."""

from __future__ import annotations

from benchmarks import readme


def test_the_readme_says_what_the_results_say() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert readme.BEGIN in text
    assert text == readme.filled(text)


def test_every_source_is_a_committed_result() -> None:
    assert {name for name in readme.SOURCES if not (readme.RESULTS / f"{name}.json").exists()} == set()
