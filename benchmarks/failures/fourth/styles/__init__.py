"""Ten further training loops in the manner of code that has been published and copied.

As before, each module has ``train(parts, watch)`` and returns how the script samples afterwards.
"""

from __future__ import annotations

from benchmarks.failures.fourth.styles import (
    combined,
    committee,
    diters,
    growing,
    packed,
    periods,
    star,
    stepping,
    switcher,
    vaegan,
)

FOURTH_STYLES = {
    "combined": combined.train,
    "stepping": stepping.train,
    "switcher": switcher.train,
    "diters": diters.train,
    "committee": committee.train,
    "growing": growing.train,
    "star": star.train,
    "vaegan": vaegan.train,
    "packed": packed.train,
    "periods": periods.train,
}
