"""Whatever is registered has its page, and every page stands in the navigation."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from equipoise.checks.base import CHECKS
from equipoise.checks.page import explain, page
from equipoise.cli.application import build_application
from equipoise.history.catalogue import FACTS, PROBES, SIGNALS
from equipoise.lab.base import EXPERIMENTS
from equipoise.layers.base import LAYERS
from equipoise.metrics.base import METRICS
from equipoise.networks.base import ARCHITECTURES
from equipoise.objectives.base import OBJECTIVES
from equipoise.penalties.base import PENALTIES
from equipoise.recipes.catalogue import list_recipes, recipe_names
from tools.documentation import docstring, fill, remedies, settings, site

ROOT = Path(__file__).parents[2]
PAGES = {made.uri: made for made in site.pages()}
CONFIGURATION = re.sub(r"!!python\S+", "", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
NAVIGATION = yaml.safe_load(CONFIGURATION)["nav"]
REGISTERED = {
    "reference/checks": CHECKS.names(),
    "reference/recipes": recipe_names(),
    "reference/objectives": OBJECTIVES.names(),
    "reference/penalties": PENALTIES.names(),
    "reference/layers": LAYERS.names(),
    "reference/networks": ARCHITECTURES.names(),
    "reference/metrics": METRICS.names(),
    "laboratory": EXPERIMENTS.names(),
}


def words(text: str) -> str:
    """Letters and digits only: what is left when Markdown, links and line breaks are taken away."""
    without_links = re.sub(r"\]\([^)]*\)", "]", text)
    return re.sub(r"[^0-9A-Za-z]+", "", without_links)


def targets(navigation: list) -> list[str]:
    found = []
    for entry in navigation:
        target = next(iter(entry.values())) if isinstance(entry, dict) else entry
        found += targets(target) if isinstance(target, list) else [target]
    return found


@pytest.mark.parametrize(("folder", "name"), [(f, n) for f, names in REGISTERED.items() for n in names])
def test_everything_registered_has_its_page_and_a_line_in_its_table(folder: str, name: str) -> None:
    made = PAGES[f"{folder}/{name}.md"]
    assert made.text.startswith("# ")
    assert len(made.text) > 200
    assert f"`{name}`" in PAGES[f"{folder}/index.md"].text


def test_every_page_generated_or_written_is_in_the_navigation_once() -> None:
    listed = targets(site.expand(NAVIGATION, PAGES.values()))
    written = {str(path.relative_to(site.DOCS)) for path in site.DOCS.rglob("*.md")}
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == written | set(PAGES)


def test_every_placeholder_of_the_navigation_has_a_generator_and_the_other_way_round() -> None:
    assert {target for target in targets(NAVIGATION) if target.startswith("@")} == set(site.GENERATORS)


def test_a_page_that_is_not_there_is_left_out_of_the_navigation(tmp_path: Path) -> None:
    assert site.expand([{"A": "a.md"}, {"B": [{"C": "c.md"}]}], [], tmp_path) == []
    (tmp_path / "a.md").write_text("# A")
    assert site.expand([{"A": "a.md"}, {"B": [{"C": "c.md"}]}], [], tmp_path) == [{"A": "a.md"}]
    assert site.expand(["a*.md", "c*.md"], [], tmp_path) == ["a.md"]


@pytest.mark.parametrize("name", CHECKS.names())
def test_the_page_of_a_check_says_what_explain_says(name: str) -> None:
    check = CHECKS.get(name)
    text = words(PAGES[f"reference/checks/{name}.md"].text)
    printed = words(explain(name))
    for title, section in page(check).items():
        assert words(section) in text, title
        assert words(section) in printed, title
    for remedy in check.remedies:
        assert words(remedy.text) in text


def test_every_remedy_of_every_check_is_on_the_page_with_its_kind_of_cure() -> None:
    text = PAGES["reference/remedies.md"].text
    assert len(remedies.named()) > 30
    for name, uses in remedies.named().items():
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for check, remedy in uses:
            assert remedy.text in section
            assert remedy.safety in section
            line = "Removes the cause of" if remedy.cure == "root" else "Hides or delays"
            assert re.search(rf"{line}: .*`{check.name}`", section), (name, check.name)


def test_every_signal_fact_and_probe_number_is_on_the_page_with_formula_and_unit() -> None:
    text = PAGES["reference/signals.md"].text
    for signal in SIGNALS.values():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{signal.name}` |"))
        assert signal.unit in row
        assert words(signal.formula) in words(row)
    for fact in FACTS.values():
        assert any(
            line.startswith(f"| `{fact.name}` |") and words(fact.meaning) in words(line)
            for line in text.splitlines()
        )
    for probe in PROBES.values():
        section = text.partition(f"\n### Probe {probe.name}\n")[2].partition("\n### ")[0]
        assert probe.question in section
        assert all(f"| `{number}` |" in section for number in probe.numbers)


def test_every_command_with_every_option_is_in_the_reference() -> None:
    text = PAGES["reference/commands.md"].text

    def check(prefix: str, group) -> None:
        for name, command in group.commands.items():
            section = re.split(r"\n##+ ", text.partition(f"# equipoise {prefix}{name}\n")[2])[0]
            assert section, name
            if hasattr(command, "commands"):
                check(f"{prefix}{name} ", command)
                continue
            for parameter in command.params:
                shown = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name
                assert shown.lower() in section.lower() or (parameter.metavar or "?") in section, (
                    name,
                    shown,
                )

    check("", get_command(build_application()))


def test_every_setting_and_every_option_of_a_recipe_is_documented() -> None:
    text = PAGES["reference/settings.md"].text
    assert len(settings.all_settings()) > 30
    assert all(f"| `{name}` |" in text for name in settings.all_settings())
    for recipe in list_recipes():
        made = PAGES[f"reference/recipes/{recipe.name}.md"].text
        assert yaml.safe_load(made.partition("```yaml\n")[2].partition("```")[0]) == recipe.settings


@pytest.mark.parametrize("folder", ["objectives", "penalties", "layers", "metrics"])
def test_every_option_has_a_row_and_mostly_a_word_on_it(folder: str) -> None:
    registry = {"objectives": OBJECTIVES, "penalties": PENALTIES, "layers": LAYERS, "metrics": METRICS}[
        folder
    ]
    told = undocumented = 0
    for name, entry in registry.items():
        text = PAGES[f"reference/{folder}/{name}.md"].text
        known = docstring.parameters_of(entry)
        for option, parameter in inspect.signature(entry).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                continue
            assert f"| `{option}` |" in text
            told += option in known
            undocumented += option not in known
    assert told >= undocumented or registry is METRICS


def test_pages_link_to_what_they_mention() -> None:
    text = PAGES["reference/checks/perfect-discriminator.md"].text
    assert "[`range-mismatch`](range-mismatch.md)" in text
    assert "[`score.auc`](../signals.md#score)" in text
    assert "[`r1`](../penalties/r1.md)" in PAGES["reference/recipes/default.md"].text
    assert "[`r3gan`](../recipes/r3gan.md)" in PAGES["reference/penalties/r1.md"].text


def test_a_docstring_is_taken_apart() -> None:
    class Documented:
        """First line
        goes on.

        More text.

        Args:
            a, b: two
                numbers.
            c: another one.

        Shapes: (N,).

        Raises:
            EquipoiseError: always.

        Source: a book,
        page 1.

        After the source.

        Example:
            >>> 1 + 1
            2
        """

    found = docstring.parse(Documented)
    assert found.summary == "First line goes on."
    assert found.text == "More text.\n\nAfter the source."
    assert found.parameters == {"a": "two numbers.", "b": "two numbers.", "c": "another one."}
    assert found.sections["Source"] == "a book,\npage 1."
    assert found.sections["Example"] == ">>> 1 + 1\n2"


def test_written_pages_are_filled_and_a_wrong_name_is_no_silent_gap() -> None:
    for path in site.DOCS.rglob("*.md"):
        assert "{{" not in fill.fill(path.read_text(encoding="utf-8"))
    with pytest.raises(KeyError):
        fill.fill("{{no such thing}}")
    with pytest.raises(KeyError):
        fill.fill("{{number: theory/theory.json; slopes/no-such-objective/-6}}")


def test_every_check_can_be_reached_from_its_symptom() -> None:
    text = (site.DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    for name, check in CHECKS.items():
        assert f"[{check.code}](reference/checks/{name}.md)" in text, name
