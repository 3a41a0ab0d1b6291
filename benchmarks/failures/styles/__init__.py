"""Eight training loops, written independently of each other, as people write them.

Each module has ``train(parts, watch)``: it trains and returns how the script samples afterwards, a function
``sample(count) -> Tensor`` (``sample(count, labels)`` for the conditional one, ``sample(small)`` for the
composite one). ``watch(generator, discriminator)`` is the only line that has to do with equipoise.
"""

from __future__ import annotations

from benchmarks.failures.styles import (
    class_trainer,
    composite,
    concatenated,
    conditional,
    relativistic,
    tabular,
    tutorial,
    wasserstein,
)

STYLES = {
    "tutorial": tutorial.train,
    "concatenated": concatenated.train,
    "wasserstein": wasserstein.train,
    "class-trainer": class_trainer.train,
    "composite": composite.train,
    "conditional": conditional.train,
    "tabular": tabular.train,
    "relativistic": relativistic.train,
}
