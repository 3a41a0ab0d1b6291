"""Faults that the first corpus does not have."""

from __future__ import annotations

from benchmarks.failures.second.planted import conditions, constraints, data, plumbing, wiring

__all__ = ["NOT_PLANTED"]

_MODULES = (conditions, constraints, data, plumbing, wiring)

# Asked for or considered, and left out, with the reason; nothing was left out because of a verdict.
NOT_PLANTED = {
    "discriminator left in eval mode": "without dropout and BatchNorm nothing changes, with them it trains "
    "as well: no outcome backs a label",
    "generator trained in eval mode": "its samples are drawn in the same mode: BatchNorm is a fixed affine "
    "map in both, and the outcome is that of a healthy run",
    "wrong channel order, inverted reals": "consistent for both networks: the generator learns what it is "
    "shown, and no measurement inside the loop can know better",
    "classes renamed consistently": "the reals' labels shifted by one are a consistent convention too",
    "batches of one class, in random order": "no check is about it; the sorted loader is planted",
    "augmentation of the reals only": "no check is about it; the generator learns the augmented data",
}
