"""EQ204: structural loss of the latent against a learned collapse."""

from __future__ import annotations

import pytest
from observe import HEALTHY, healthy_ns_gan, healthy_ring_gan, observe

from equipoise.checks.base import CHECKS

BEGINNING = {"layer-variance": {"first": 0.9, "smallest": 1e-6, "smallest.depth": 0.2, "last": 1e-6}}
END = {"layer-variance": {"first": 0.9, "smallest": 1e-6, "smallest.depth": 1.0, "last": 1e-6}}
ALIKE = {"sample.distance.ratio": 0.02}
STRUCTURE = {"generator.batch_norm_before_nonlinearity": True}


def check():
    return CHECKS.get("bn-erases-latent")()


def test_erased_at_the_beginning_with_alike_fakes_is_an_error() -> None:
    finding = check().run(observe(ALIKE, probes=BEGINNING, base=healthy_ns_gan()))
    assert finding.severity == "error"
    assert finding.because[0].verdict == "ruled out"


def test_a_learned_collapse_disappears_at_the_end() -> None:
    assert check().run(observe(ALIKE, probes=END, base=healthy_ns_gan())) is None


def test_the_structure_alone_is_information() -> None:
    finding = check().run(observe(facts=STRUCTURE, base=healthy_ns_gan()))
    assert finding.severity == "info"


def test_the_structure_with_alike_fakes_is_a_warning() -> None:
    assert check().run(observe(ALIKE, facts=STRUCTURE, base=healthy_ns_gan())).severity == "warning"


def test_known_before_training() -> None:
    """An exact test: a probe of the untrained generator is enough."""
    untrained = observe({}, facts=STRUCTURE, probes=BEGINNING, step=0)
    assert check().run(untrained).severity == "error"


def test_without_normalisation_it_is_another_cause() -> None:
    assert check().run(observe(ALIKE, probes=BEGINNING, base=healthy_ring_gan())) is None


def test_numbers_that_are_none_tell_nothing_of_the_latent() -> None:
    broken = {**ALIKE, "finite": lambda t: (t < 0.9).astype(float)}
    assert check().run(observe(broken, probes=BEGINNING, base=healthy_ns_gan())) is None


@pytest.mark.parametrize("run", HEALTHY)
def test_healthy(run: str) -> None:
    assert check().run(HEALTHY[run]()) is None


def test_fakes_that_are_all_the_same_from_the_first_step_were_never_different() -> None:
    """A normalisation deep in the generator erases the latent too: nothing has been learnt at step 0."""
    never = {"sample.distance.ratio": 1e-5}
    assert check().run(observe(never, probes=END, base=healthy_ns_gan())).severity == "error"
    learnt = {"sample.distance.ratio": lambda t: 1e-5 + 0.1 * (t < 0.1)}
    assert check().run(observe(learnt, probes=END, base=healthy_ns_gan())) is None
