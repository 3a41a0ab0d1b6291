"""Nine further training loops, written independently of each other and of the first eight.

As there, each module has ``train(parts, watch)`` and returns how the script samples afterwards.
"""

from __future__ import annotations

from benchmarks.failures.second.styles import (
    closures,
    critic,
    epochs,
    mixed,
    module,
    projected,
    sequence,
    summed,
    translation,
)

SECOND_STYLES = {
    "closures": closures.train,
    "epochs": epochs.train,
    "summed": summed.train,
    "module": module.train,
    "critic": critic.train,
    "sequence": sequence.train,
    "projected": projected.train,
    "translation": translation.train,
    "mixed": mixed.train,
}
