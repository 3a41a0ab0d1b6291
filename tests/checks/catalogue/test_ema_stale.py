"""The averaged copy."""

from __future__ import annotations

import math

import pytest
from observe import found, healthy_ns_gan, observe

NAME = "ema-stale"


def _run(decay, copied, step=3000, **more):
    facts = {"ema": [{"decay": decay, "buffers_copied": copied}], **more}
    return observe(facts=facts, base=healthy_ns_gan(step))


def test_a_half_life_longer_than_half_the_run_is_a_warning() -> None:
    finding = found(NAME, _run(0.9999, True, step=8000))
    assert finding.severity == "warning"
    assert finding.evidence[0].value == pytest.approx(math.log(0.5) / math.log(0.9999), rel=1e-3)
    assert "45%" in finding.message  # 0.9999 ** 8000


def test_a_short_average_or_a_long_run_is_fine() -> None:
    assert found(NAME, _run(0.999, True)) is None
    assert found(NAME, _run(0.9999, True, step=20_000)) is None
    assert found(NAME, _run(None, True)) is None


def test_missing_buffers_are_a_warning_and_with_the_probe_an_error() -> None:
    run = _run(0.999, False)
    assert found(NAME, run).severity == "warning"
    probes = {"eval-drift": {"distance": 1.0, "change": 0.1, "ema": 25.0}}
    assert found(NAME, observe(probes=probes, base=run)).severity == "error"


def test_a_generator_without_batch_norm_needs_no_buffers() -> None:
    layers = [{"name": "0", "type": "Linear"}, {"name": "1", "type": "ReLU"}]
    assert found(NAME, _run(0.999, False, **{"generator.layers": layers})) is None


def test_the_decay_that_the_remedy_advises_is_no_warning_in_a_young_run() -> None:
    assert found(NAME, _run(0.99905, True, step=700)).severity == "info"  # 0.999, as it is measured
    assert found(NAME, _run(0.9999, True, step=700)).severity == "warning"


def _untouched(calls: int, updates: int = 1400, moved: float = 0.4):
    facts = {"ema": [], "ema.untouched": [{"calls": calls, "updates": updates, "moved": moved}]}
    return found(NAME, observe(facts=facts, base=healthy_ns_gan(3000)))


def test_a_copy_that_is_sampled_from_and_never_updated_is_a_modest_warning() -> None:
    finding = _untouched(calls=7)
    assert finding.severity == "warning"
    assert finding.confidence < 0.7
    assert "on purpose" in finding.because[0].cause
    assert [remedy.name for remedy in finding.remedies] == ["update-average"]


def test_a_copy_of_the_start_that_may_be_meant_is_information_only() -> None:
    assert _untouched(calls=1400).severity == "info"  # a frozen teacher takes part in every step
    assert _untouched(calls=0).severity == "info"  # a start to compare with
    assert _untouched(calls=1, updates=300) is None  # an average may begin later
    assert _untouched(calls=0, updates=300) is None
    assert _untouched(calls=7, updates=199) is None
    assert _untouched(calls=7, moved=1e-3) is None  # a generator that does not move has no copy behind it


def test_a_copy_of_the_start_that_is_sampled_from_again_and_again_is_told_after_the_warm_up() -> None:
    assert _untouched(calls=2, updates=200).severity == "warning"


def test_a_run_of_a_few_hundred_updates_is_only_told() -> None:
    assert found(NAME, _run(0.9999, True, step=300)).severity == "info"
