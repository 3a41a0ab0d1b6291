"""Ten further training loops: those of well-known public scripts, typed anew.

As before, each module has ``train(parts, watch)`` and returns how the script samples afterwards. Names and
the order of the lines are those of the scripts; no code is copied.
"""

from __future__ import annotations

from benchmarks.failures.sixth.styles import (
    adaptive,
    collection,
    diffaug,
    ignite,
    labelmaps,
    lazyreg,
    mel,
    mimicry,
    mutual,
    stability,
)

SIXTH_STYLES = {
    "ignite": ignite.train,
    "mimicry": mimicry.train,
    "stability": stability.train,
    "lazyreg": lazyreg.train,
    "collection": collection.train,
    "labelmaps": labelmaps.train,
    "diffaug": diffaug.train,
    "mutual": mutual.train,
    "adaptive": adaptive.train,
    "mel": mel.train,
}
