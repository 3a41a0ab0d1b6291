"""Signs of collapse, and what is too early or growing."""

from __future__ import annotations

import numpy as np
from observe import healthy_ns_gan, observe

from equipoise.checks.collapse import collapse, diversifying


def test_one_sign_is_a_warning_and_two_are_an_error() -> None:
    one = collapse(observe({"sample.distance.ratio": 0.3}, step=2000))
    assert one.severity == "warning"
    assert not one.total
    two = collapse(observe({"sample.distance.ratio": 0.05, "feature.distance.ratio": 0.05}, step=2000))
    assert two.severity == "error"
    assert two.total


def test_nothing_is_said_of_the_first_hundreds_of_steps() -> None:
    assert (
        collapse(observe({"sample.distance.ratio": 0.05, "feature.distance.ratio": 0.05}, step=490)) is None
    )


def test_a_diversity_that_grows_is_no_collapse() -> None:
    growing = observe({"sample.distance.ratio": lambda t: 0.05 + 0.3 * t}, step=2000)
    assert diversifying(growing)
    assert collapse(growing) is None


def test_a_growth_that_would_take_for_ever_does_not_count() -> None:
    crawling = observe({"sample.distance.ratio": lambda t: 0.010 + 0.02 * t}, step=2000)
    assert not diversifying(crawling)
    assert collapse(crawling) is not None


def test_features_alone_are_no_sign() -> None:
    """A discriminator that has won maps all fakes to one place, diverse or not."""
    assert collapse(observe({"feature.distance.ratio": 0.05}, base=healthy_ns_gan())) is None


def test_an_image_to_image_generator_may_vary_less() -> None:
    blurred = {"sample.distance.ratio": 0.35}
    assert collapse(observe(blurred, base=healthy_ns_gan())) is not None
    assert collapse(observe(blurred, facts={"generator.input": "image"}, base=healthy_ns_gan())) is None


def test_absent_modes_are_waited_for_while_the_samples_improve() -> None:
    probe = {
        "diversity": {"clusters": 0.4, "clusters.expected": 0.0, "coverage": 0.5, "coverage.expected": 0.98}
    }
    assert collapse(observe(probes=probe, base=healthy_ns_gan())) is not None
    improving = {"sample.nearest.ratio": lambda t: 10 - 8 * t}
    assert collapse(observe(improving, probes=probe, base=healthy_ns_gan())) is None


def test_near_copies_of_a_few_are_not_waited_for() -> None:
    probe = {"diversity": {"duplicates.low": 0.9, "support.high": 4.0}}
    improving = {"sample.nearest.ratio": lambda t: 10 - 8 * t}
    assert collapse(observe(improving, probes=probe, base=healthy_ns_gan())) is not None


ALIKE = {"sample.distance.ratio": 0.05, "feature.distance.ratio": 0.05}


def test_the_generator_is_as_old_as_its_own_updates() -> None:
    """With five critic steps to one a run of 760 steps has a generator of 152 updates."""
    critic = {"generator": 152, "discriminator": 760}
    assert collapse(observe(ALIKE, step=760, updates=critic)) is None
    both = {"generator": 760, "discriminator": 760}
    assert collapse(observe(ALIKE, step=760, updates=both)) is not None


def test_fakes_that_are_far_from_all_data_and_come_nearer_have_not_collapsed_yet() -> None:
    nearer = {**ALIKE, "sample.nearest.ratio": lambda t: 3.0 - 1.5 * t}
    assert collapse(observe(nearer, step=600)) is None
    assert collapse(observe(nearer, step=1200)) is not None
    assert collapse(observe({**ALIKE, "sample.nearest.ratio": 3.0}, step=600)) is not None
    assert collapse(observe({**ALIKE, "sample.nearest.ratio": 1.0}, step=600)) is not None


def test_blurred_fakes_on_the_way_to_the_data_have_not_collapsed_yet() -> None:
    """A tutorial's MLP on digits at step 650: alike as at the start, but ever nearer to the data."""
    blurred = {"sample.distance.ratio": 0.32, "sample.nearest.ratio": lambda t: 1.9 - 0.9 * t}
    assert collapse(observe(blurred, step=650)) is None
    assert collapse(observe(blurred, step=1200)) is not None
    assert collapse(observe({**blurred, "sample.nearest.ratio": 1.0}, step=650)) is not None


def test_narrow_modes_have_copies_in_a_batch_and_few_among_many() -> None:
    narrow = {"sample.fake.duplicates": 0.8, "sample.real.duplicates": 0.24}
    few = {"diversity": {"duplicates.low": 0.03, "clusters": 0.1, "clusters.expected": 0.1, "coverage": 0.9}}
    many = {"diversity": {"duplicates.low": 0.5, "clusters": 0.1, "clusters.expected": 0.1, "coverage": 0.9}}
    assert collapse(observe(narrow, step=2000, probes=few)) is None
    assert collapse(observe(narrow, step=2000, probes=many)) is not None
    assert collapse(observe(narrow, step=2000)) is not None


def _faces(support: float, apart: float):
    probe = {"samples": 250.0, "support.low": support - 1, "support.high": support, "distance.ratio": apart}
    return collapse(observe(probes={"diversity": probe}, base=healthy_ns_gan(), step=300))


def test_a_young_generator_that_still_opens_has_not_collapsed() -> None:
    """GAN as published, 600 updates: from 0.03 to 0.39, no copies in its batches, many by the probe."""
    probe = {"diversity": {"duplicates.low": 0.86, "support.high": 61.0, "samples": 192.0}}

    def run(ratio, duplicates: float = 0.0, step: int = 600):
        signals = {"sample.distance.ratio": ratio, "sample.fake.duplicates": duplicates}
        return collapse(observe({**signals, "sample.real.duplicates": 0.0}, probes=probe, step=step))

    def opens(t):
        return np.minimum(0.03 + 0.8 * t**2, 0.35)

    assert run(opens) is None
    # Not one with copies in its batches, nor one that fell from its best, never left the start, or is old.
    assert run(opens, duplicates=0.4) is not None
    assert run(lambda t: np.where(t < 0.5, 0.7, 0.2)) is not None
    assert run(0.03) is not None
    assert run(lambda t: np.minimum(0.03 + 3 * t, 0.35), step=3000) is not None


def test_near_copies_of_many_are_no_collapse() -> None:
    def run(support: float):
        probe = {"diversity": {"duplicates.low": 0.3, "support.high": support}}
        return collapse(observe(probes=probe, base=healthy_ns_gan()))

    assert run(60.0) is not None
    assert run(400.0) is None


def test_a_handful_of_faces_needs_no_waiting() -> None:
    found = _faces(4.4, 0.6)
    assert found.severity == "warning"
    assert not found.total
    # All alike, as a young generator's are; and many faces, each seen twice.
    assert _faces(1.2, 0.05) is None
    assert _faces(60.0, 0.6) is None
