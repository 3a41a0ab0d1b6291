"""Nine further training loops in the manner of code that has been published and copied.

As before, each module has ``train(parts, watch)`` and returns how the script samples afterwards.
"""

from __future__ import annotations

from benchmarks.failures.third.styles import (
    autoencoder,
    auxiliary,
    cycle,
    model,
    phases,
    superres,
    valid,
    vocoder,
    wrapper,
)

THIRD_STYLES = {
    "valid": valid.train,
    "wrapper": wrapper.train,
    "phases": phases.train,
    "vocoder": vocoder.train,
    "superres": superres.train,
    "auxiliary": auxiliary.train,
    "cycle": cycle.train,
    "autoencoder": autoencoder.train,
    "model": model.train,
}
