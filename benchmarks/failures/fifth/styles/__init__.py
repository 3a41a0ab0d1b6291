"""Ten further training loops in the manner of code that people publish or write at work.

As before, each module has ``train(parts, watch)`` and returns how the script samples afterwards.
"""

from __future__ import annotations

from benchmarks.failures.fifth.styles import (
    accelerated,
    agent,
    condvec,
    denoise,
    gradients,
    inpaint,
    lightning,
    notebook,
    projection,
    runner,
)

FIFTH_STYLES = {
    "lightning": lightning.train,
    "agent": agent.train,
    "notebook": notebook.train,
    "runner": runner.train,
    "gradients": gradients.train,
    "accelerated": accelerated.train,
    "projection": projection.train,
    "condvec": condvec.train,
    "inpaint": inpaint.train,
    "denoise": denoise.train,
}
