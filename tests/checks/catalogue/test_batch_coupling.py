"""Scores that depend on the neighbours."""

from __future__ import annotations

from observe import found, healthy_ns_gan, healthy_wasserstein_gp, observe

NAME = "batch-coupling"
NORM = {"discriminator.batch_norm": 3}
MIXED = {**NORM, "concatenated": True}
NOT_PROBED = {"batch-coupling": {}}


def test_mixed_batches_under_batch_norm() -> None:
    structure = observe(facts=MIXED, probes=NOT_PROBED, base=healthy_ns_gan())
    assert found(NAME, structure).severity == "warning"
    leaking = observe(probes={"batch-coupling": {"change": 0.3, "leak": 0.25}}, base=structure)
    assert found(NAME, leaking).severity == "error"
    harmless = observe(probes={"batch-coupling": {"change": 0.3, "leak": 0.01}}, base=structure)
    assert found(NAME, harmless).severity == "warning"


def test_batch_norm_under_a_penalty_is_never_more_than_a_warning() -> None:
    run = observe(
        facts=NORM,
        probes={"batch-coupling": {"change": 0.5, "leak": 0.4}},
        base=healthy_wasserstein_gp(),
    )
    assert found(NAME, run).severity == "warning"


def test_batch_norm_with_separate_batches_is_fine() -> None:
    run = observe(facts=NORM, probes={"batch-coupling": {"change": 0.5, "leak": 0.1}}, base=healthy_ns_gan())
    assert found(NAME, run) is None


def test_a_layer_that_looks_across_the_batch_on_purpose_is_fine() -> None:
    coupled = {"batch-coupling": {"change": 0.5, "leak": 0.1}}
    on_purpose = observe(facts={"discriminator.batch_layer": True}, probes=coupled, base=healthy_ns_gan())
    assert found(NAME, on_purpose) is None
    unknown = observe(probes=coupled, base=healthy_ns_gan())
    assert found(NAME, unknown).severity == "info"


def test_a_probe_that_sees_no_coupling_decides() -> None:
    # Batch norm in eval mode: the structure is there, the coupling is not.
    run = observe(
        facts=MIXED, probes={"batch-coupling": {"change": 1e-6, "leak": 0.0}}, base=healthy_ns_gan()
    )
    assert found(NAME, run) is None


def test_rows_made_of_several_samples_are_a_warning() -> None:
    mixed = {"batch-coupling": {"change": 0.7, "leak": 0.0, "elsewhere": 1.0}}
    finding = found(NAME, observe(probes=mixed, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert [remedy.name for remedy in finding.remedies] == ["keep-the-batch-first"]
    # A comparison that is not known by its type moves the sample's own score as well.
    compared = {"batch-coupling": {"change": 0.7, "leak": 0.0, "elsewhere": 0.1}}
    assert found(NAME, observe(probes=compared, base=healthy_ns_gan())).severity == "info"
