"""Checkerboards."""

from __future__ import annotations

from observe import found, healthy_ns_gan, observe

NAME = "deconv-overlap"
OVERLAP = {"generator.overlap": ["main.3"]}


def _spectrum(peak: float, real: float):
    return {"upsampling-spectrum": {"peak": peak, "peak.real": real}}


def test_the_structure_alone_is_info() -> None:
    finding = found(NAME, observe(facts=OVERLAP, base=healthy_ns_gan()))
    assert finding.severity == "info"
    assert "main.3" in finding.message


def test_a_peak_makes_it_a_warning() -> None:
    run = observe(facts=OVERLAP, probes=_spectrum(6.0, 1.1), base=healthy_ns_gan())
    assert found(NAME, run).severity == "warning"


def test_a_pattern_that_the_data_have_too_stays_info() -> None:
    run = observe(facts=OVERLAP, probes=_spectrum(6.0, 5.5), base=healthy_ns_gan())
    assert found(NAME, run).severity == "info"


def test_even_overlap_is_fine_whatever_the_spectrum() -> None:
    assert found(NAME, observe(probes=_spectrum(6.0, 1.1), base=healthy_ns_gan())) is None
