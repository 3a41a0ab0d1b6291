"""Repeated latents and batches."""

from __future__ import annotations

import numpy as np
from observe import found, healthy_ns_gan, observe, verdicts

NAME = "batch-repeat"


def test_a_fixed_set_of_latents_is_an_error() -> None:
    finding = found(NAME, observe({"latent.repeated": 1.0}, base=healthy_ns_gan()))
    assert finding.severity == "error"


def test_latents_of_few_bits_repeat_by_nature_unless_whole_batches_do() -> None:
    bits = {"latent.repeated": 1.0, "latent.possible": 128.0, "latent.same": 0.0}
    assert found(NAME, observe(bits, base=healthy_ns_gan())) is None
    fixed = found(NAME, observe({**bits, "latent.same": 1.0}, base=healthy_ns_gan()))
    assert verdicts(fixed)["discrete latents with few values"] == "ruled out"
    drawn = found(NAME, observe({**bits, "latent.possible": 1e12}, base=healthy_ns_gan()))
    assert drawn.severity == "error"


def test_latents_of_one_value_are_an_error() -> None:
    assert found(NAME, observe({"latent.std": 0.0}, base=healthy_ns_gan())).severity == "error"


def test_one_latent_for_both_steps_is_fine() -> None:
    assert found(NAME, observe({"latent.repeated": 0.5}, base=healthy_ns_gan())) is None


def test_an_unshuffled_loader_is_a_warning() -> None:
    signals = {"batch.real.same": lambda t: 1.0 * (t > 0.2), "batch.real.distinct": 1000.0}
    finding = found(NAME, observe(signals, base=healthy_ns_gan()))
    assert finding.severity == "warning"
    assert verdicts(finding)["a data set that is one batch"] == "ruled out"


def test_one_batch_for_ever_leaves_a_tiny_data_set_open() -> None:
    finding = found(
        NAME, observe({"batch.real.same": 1.0, "batch.real.distinct": 64.0}, base=healthy_ns_gan())
    )
    assert "the same batch of 64 reals" in finding.message
    assert verdicts(finding)["a data set that is one batch"] == "open"


def test_samples_that_repeat_in_every_shuffled_epoch_are_fine() -> None:
    signals = {
        "batch.real.repeated": lambda t: 1.0 * (t > 0.1),
        "batch.real.distinct": lambda t: np.minimum(1000.0, 10_000 * t),
    }
    assert found(NAME, observe(signals, base=healthy_ns_gan())) is None


def test_drawing_with_replacement_is_fine() -> None:
    signals = {
        "batch.real.repeated": lambda t: 1 - np.exp(-20 * t),
        "batch.real.distinct": lambda t: 1000 * (1 - np.exp(-20 * t)),
    }
    assert found(NAME, observe(signals, base=healthy_ns_gan())) is None


def test_a_batch_used_for_several_critic_steps_is_info() -> None:
    signals = {"batch.real.same": 0.8, "batch.real.distinct": lambda t: 12_000 * t}
    assert found(NAME, observe(signals, base=healthy_ns_gan())).severity == "info"


def test_a_batch_of_clones_is_not_chance_though_few_reals_were_seen() -> None:
    clones = {"batch.real.repeated": 0.97, "batch.real.distinct": 29.0}
    finding = found(NAME, observe(clones, facts={"data.batch": 32}, base=healthy_ns_gan()))
    assert "in the first batch" in finding.message
    small = {"batch.real.repeated": 0.35, "batch.real.distinct": 40.0}
    drawn = found(NAME, observe(small, facts={"data.batch": 32}, base=healthy_ns_gan()))
    assert drawn is None or "in the first batch" not in drawn.message


def test_old_fakes_and_ordered_reals() -> None:
    def run(**signals):
        names = {name.replace("_", "."): value for name, value in signals.items()}
        return found(NAME, observe(names, base=healthy_ns_gan()))

    assert run(batch_fake_repeated=1.0).severity == "error"
    assert run(batch_fake_repeated=0.5) is None
    # A generator that makes one sample repeats itself: another check's.
    assert run(batch_fake_repeated=1.0, sample_distance_ratio=0.0) is None
    assert run(batch_fake_repeated=1.0, sample_distance_ratio=1.3, sample_fake_duplicates=1.0) is None
    assert run(batch_real_drift=16.0).severity == "warning"
    assert run(batch_real_drift=1.5) is None
    # An augmentation may be drawn once for a whole batch, and so move its mean.
    treated = observe({"batch.real.drift": 16.0}, facts={"generator.treated": True}, base=healthy_ns_gan())
    assert found(NAME, treated).severity == "info"
    # Corrupt records move a batch's mean as far, in any order.
    corrupt = np.ones(301)
    corrupt[::2] = 1000.0
    assert run(batch_real_drift=16.0, sample_real_low=-1.0, sample_real_high=corrupt) is None
