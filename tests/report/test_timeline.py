"""Findings over the run: each moment is the verdict of what was known then."""

from __future__ import annotations

import numpy as np
from observe import healthy_ns_gan, observe

from equipoise.checks import judge
from equipoise.history.observations import Observations, Series
from equipoise.report.timeline import MOMENTS, _lighter, timeline


def collapsed_late() -> Observations:
    base = healthy_ns_gan(4000)
    late = {
        name: lambda t: np.where(t > 0.6, 0.003, 0.95)
        for name in ("sample.distance.ratio", "sample.spread.ratio", "feature.distance.ratio")
    }
    late["sample.fake.duplicates"] = lambda t: np.where(t > 0.6, 1.0, 0.02)
    late["sample.coverage"] = lambda t: np.where(t > 0.6, 0.02, 0.8)
    observations = observe(late, base=base)
    observations.probe_results.clear()
    return observations


def test_each_moment_agrees_with_the_verdict_at_that_step():
    observations = collapsed_late()
    diagnosis = judge(observations)
    found = timeline(diagnosis, observations)
    assert found is not None
    assert len(found.moments) == MOMENTS
    assert found.moments[-1] == 4000
    for index in (3, 11, 15, 19):
        verdict = judge(observations.at(found.moments[index]))
        expected = {finding.name: finding.severity for finding in verdict.findings}
        assert {row.name: row.severities[index] for row in found.rows if row.severities[index]} == expected


def test_a_collapse_shows_from_when_it_happened():
    observations = collapsed_late()
    found = timeline(judge(observations), observations)
    assert found is not None
    row = next(row for row in found.rows if row.name in ("mode-collapse", "late-collapse"))
    held = [step for step, severity in zip(found.moments, row.severities, strict=True) if severity]
    assert 2400 <= held[0] <= 3000
    assert held[-1] == 4000
    assert row.holds
    assert "seen from step" in row.words


def test_what_passed_is_kept_and_said(healthy_run):
    steps = healthy_run.signals["score.auc"].steps
    early = {
        name: lambda t: np.where(t < 0.5, 0.003, 0.95)
        for name in ("sample.distance.ratio", "sample.spread.ratio", "feature.distance.ratio")
    }
    early["sample.fake.duplicates"] = lambda t: np.where(t < 0.5, 1.0, 0.02)
    early["sample.coverage"] = lambda t: np.where(t < 0.5, 0.02, 0.8)
    observations = observe(early, base=healthy_run)
    diagnosis = judge(observations)
    assert "mode-collapse" not in [finding.name for finding in diagnosis.findings]
    found = timeline(diagnosis, observations)
    assert found is not None
    row = next(row for row in found.rows if row.name == "mode-collapse")
    assert not row.holds
    assert row.words.startswith("held earlier")
    assert len(steps)


def test_long_runs_are_thinned_and_their_newest_records_are_all_there():
    steps = np.arange(0.0, 50_000.0)
    observations = _lighter(Observations({"score.auc": Series(steps, steps)}, step=50_000))
    kept = observations.signals["score.auc"].steps
    assert len(kept) <= 1000
    assert kept[0] == 0.0
    assert np.array_equal(kept[-500:], steps[-500:])


def test_no_time_no_timeline():
    assert timeline(judge(Observations()), Observations()) is None
