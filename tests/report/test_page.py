"""The page as a whole: complete, well-formed, escaped, self-contained, whatever the run was."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from observe import HEALTHY
from reader import read

from equipoise.checks import judge
from equipoise.checks.diagnosis import Diagnosis
from equipoise.checks.finding import Alternative, Finding, Measurement, Remedy
from equipoise.errors import EquipoiseError
from equipoise.history.catalogue import PROBES, SIGNALS
from equipoise.history.logs import observations_from_log
from equipoise.history.observations import Observations, ProbeResult, Series
from equipoise.report import render_page, write_report

HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>' & {{ 7 * 7 }}"


def assert_sound(page: str) -> None:
    """Well-formed, no address outside the page, links that lead somewhere, identities used once."""
    reader = read(page)
    assert reader.problems == []
    assert reader.open == []
    ids = reader.ids()
    assert len(ids) == len(set(ids))
    for address in reader.addresses():
        assert address.startswith(("data:", "#")), address
        if address.startswith("#"):
            assert address[1:] in ids, address
    style = "".join(re.findall(r"<style>(.*?)</style>", page, re.S))
    assert "@import" not in style
    assert "url(" not in style


def document(page: str) -> dict:
    text = re.search(r'<script type="application/json" id="diagnosis">(.*?)</script>', page, re.S)
    assert text is not None
    return json.loads(text.group(1), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_broken_run_names_its_root_first_and_folds_the_consequences(broken_run, image_samples):
    diagnosis = judge(broken_run)
    root = diagnosis.findings[0]
    assert root.name == "range-mismatch"
    followers = [finding for finding in diagnosis.findings if finding.caused_by is not None]
    assert followers
    page = render_page(diagnosis, broken_run, image_samples)
    assert_sound(page)
    text = read(page).text
    assert root.message in text
    assert root.evidence[0].source in text
    assert root.because[0].reason.lower() in text.lower()
    for remedy in root.remedies:
        assert remedy.text in text
    card = page.index('<article class="finding error">')
    for follower in followers:
        # Inside the root's card, in a part that is closed until it is asked for.
        place = page.index(f"{follower.code} {follower.name}</h4>", card)
        before = page[card:place]
        assert before.count("<article") - before.count("</article") == 2
        assert before.rindex("<details><summary>") > before.rindex("What else it could be")
    for section in (
        "timeline",
        "samples",
        "scores",
        "gradient",
        "diversity",
        "losses",
        "parameters",
        "probes",
    ):
        assert f'<section id="{section}">' in page
    assert document(page) == json.loads(diagnosis.to_json())


@pytest.mark.parametrize("family", sorted(HEALTHY))
def test_every_healthy_family_has_a_sound_page(family):
    observations = HEALTHY[family]()
    diagnosis = judge(observations)
    page = render_page(diagnosis, observations)
    assert_sound(page)
    assert 'class="verdict healthy"' in page
    shown = read(page).text
    formulas = [signal.formula for signal in SIGNALS.values()]
    for formula in [*formulas, *(words for probe in PROBES.values() for words in probe.numbers.values())]:
        shown = shown.replace(formula, "")
    assert re.search(r"\bnan\b", shown) is None


def test_hostile_names_and_texts_are_shown_and_not_run(healthy_run):
    finding = Finding(
        HOSTILE,
        HOSTILE,
        "error",
        0.5,
        HOSTILE,
        evidence=(Measurement(HOSTILE, 1.0, 2.0, HOSTILE, HOSTILE, HOSTILE),),
        because=(Alternative(HOSTILE, "ruled out", HOSTILE),),
        remedies=(Remedy(HOSTILE, HOSTILE, "root", "safe"),),
        details={HOSTILE: HOSTILE},
    )
    follower = dataclasses.replace(finding, name="follower", caused_by=HOSTILE)
    diagnosis = Diagnosis(
        (finding, follower), 10, (HOSTILE,), (HOSTILE,), "log", (HOSTILE,), dict(healthy_run.facts)
    )
    healthy_run.facts |= {
        "objective.family": HOSTILE,
        "generator.layers": [{"name": HOSTILE, "type": HOSTILE, "parameters": 5}] * 2,
        "optimizers": [{"type": HOSTILE, "player": HOSTILE, "learning_rate": 0.1}],
        "log.columns": {HOSTILE: HOSTILE},
    }
    page = render_page(diagnosis, healthy_run)
    assert_sound(page)
    reader = read(page)
    assert not any("onerror" in attributes for _, attributes in reader.elements)
    assert [tag for tag, _ in reader.elements].count("script") == 2
    assert "alert(1)" in reader.text
    assert "{{ 7 * 7 }}" in reader.text
    assert document(page)["findings"][0]["message"] == HOSTILE


def test_page_without_anything_recorded():
    page = render_page(Diagnosis(), Observations())
    assert_sound(page)
    text = read(page).text
    assert "nothing was measured that a verdict could rest on" in text
    assert "Nothing was recorded." in text
    assert "<svg" not in page


def test_preflight_has_no_timeline(healthy_run):
    healthy_run.source = "preflight"
    diagnosis = judge(healthy_run, kinds=("preflight",))
    page = render_page(diagnosis, healthy_run)
    assert_sound(page)
    assert diagnosis.source == "preflight"
    assert "Findings over the run" not in page
    assert "before training" in read(page).text


def test_a_short_run_is_not_painted_healthy(healthy_run):
    early = healthy_run.at(50)
    page = render_page(judge(early), early)
    assert 'class="verdict info"' in page
    assert 'class="verdict healthy"' not in page


def test_plain_log_says_what_is_missing(tmp_path):
    rows = [
        f"{step},{1.2 + 0.1 * math.sin(step)},{0.8 + 0.1 * math.cos(step)}" for step in range(0, 3000, 10)
    ]
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["step,d_loss,g_loss", *rows]))
    observations = observations_from_log(file)
    page = render_page(judge(observations), observations)
    assert_sound(page)
    text = read(page).text
    assert "From a plain log" in text
    for missing in observations.facts["log.missing"]:
        assert missing in text
    assert "d_loss as loss.discriminator" in text
    assert '<section id="losses">' in page
    assert '<section id="gradient">' not in page


def test_a_single_record():
    signals = {
        "score.auc": Series(np.array([7.0]), np.array([0.8])),
        "loss.generator": Series(np.array([7.0]), np.array([0.0])),
        "gradient.generator.layers": Series(np.array([7.0]), np.array([[0.0, 0.0]])),
        "score.histogram.edges": Series(np.array([7.0]), np.array([[1.0, 1.0]])),
        "score.real.histogram": Series(np.array([7.0]), np.full((1, 32), 2.0)),
        "score.fake.histogram": Series(np.array([7.0]), np.zeros((1, 32))),
    }
    observations = Observations(signals, step=7)
    page = render_page(judge(observations), observations)
    assert_sound(page)
    assert "<circle" in page
    assert "Findings over the run" not in page


def test_values_that_are_not_finite_are_marked_and_never_drawn(healthy_run):
    for name, series in healthy_run.signals.items():
        values = series.values.copy()
        values[len(values) // 2 :: 3] = np.nan
        values[len(values) // 2 + 1 :: 5] = np.inf
        healthy_run.signals[name] = Series(series.steps, values)
    healthy_run.signals["quality"] = Series(np.array([1.0, 2.0]), np.array([np.nan, np.nan]))
    healthy_run.probe_results.append(ProbeResult("duality-gap", 2000, {"gap": math.nan, "steps": math.inf}))
    diagnosis = judge(healthy_run)
    finding = Finding(
        "EQ301", "non-finite", "error", 0.9, "m", evidence=(Measurement("finite", math.nan, 1.0),)
    )
    diagnosis = dataclasses.replace(diagnosis, findings=(*diagnosis.findings, finding))
    samples = [(5, "real", np.full((4, 1, 8, 8), np.nan)), (5, "fake", np.full((4, 1, 8, 8), np.inf))]
    page = render_page(diagnosis, healthy_run, samples)
    assert_sound(page)
    assert "records are not finite, marked ×" in read(page).text
    assert "Magenta pixels are not finite." in page
    for name, attributes in read(page).elements:
        for key in ("d", "x", "y", "width", "height", "cx", "cy", "x1", "y1", "viewbox"):
            value = attributes.get(key) or ""
            assert "nan" not in value, (name, attributes)
            assert "inf" not in value, (name, attributes)
    document(page)


def test_page_stays_small_however_long_the_run():
    steps = np.arange(0, 200_000, 10.0)
    chance = np.random.default_rng(0)
    observations = HEALTHY["non-saturating"]()
    for name in list(observations.signals):
        observations.signals[name] = Series(steps, chance.lognormal(size=len(steps)))
    observations.step = 200_000
    samples = [
        (step, kind, chance.uniform(-1, 1, (64, 3, 128, 128)).astype(np.float32))
        for step in (1, 10, 100, 1000, 10_000, 200_000)
        for kind in ("real", "fake")
    ]
    page = render_page(Diagnosis(step=200_000), observations, samples)
    assert_sound(page)
    assert len(page.encode()) < 1_500_000


def test_charts_carry_the_numbers_that_were_recorded(healthy_run):
    page = render_page(judge(healthy_run), healthy_run)
    drawn = [json.loads(unescape(data)) for data in re.findall(r'data-chart="([^"]*)"', page)]
    lines = {line["words"]: line for chart in drawn for line in chart["lines"]}
    auc = healthy_run.series("score.auc")
    assert len(lines["AUC of the scores"]["x"]) <= 150
    assert np.interp(lines["AUC of the scores"]["x"], auc.steps, auc.values) == pytest.approx(
        lines["AUC of the scores"]["y"], abs=0.01
    )


def test_writing(tmp_path: Path, healthy_run):
    diagnosis = judge(healthy_run)
    written = write_report(diagnosis, healthy_run, [], tmp_path / "new" / "folder" / "report.html")
    assert written == tmp_path / "new" / "folder" / "report.html"
    assert written.read_text(encoding="utf-8") == render_page(diagnosis, healthy_run)
    with pytest.raises(EquipoiseError, match=r"add a name such as report\.html"):
        write_report(diagnosis, healthy_run, [], tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(EquipoiseError, match="cannot be written"):
        write_report(diagnosis, healthy_run, [], tmp_path / "file" / "report.html")
