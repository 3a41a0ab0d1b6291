"""The fifth half has no new kind of fault; here is what it left out of the known ones, with the reasons."""

from __future__ import annotations

__all__ = ["NOT_PLANTED"]

# Two players with a GRU each were written and taken out again: their healthy training took forty seconds and
# did not reach the data.
NOT_PLANTED: dict[str, str] = {
    "augmentation-without-cap": "the strength stayed below its cap in five unwatched trainings (shoes twice, "
    "linnerud twice, ellipses): the discriminators of these loops do not learn thirty-two samples "
    "by heart in runs as short as the budget allows",
    "targets-never-permuted": "no loop of this half translates a sample into another class",
}
