"""The ten most usual faults, each in two published loops and on two data sets.

What each does, its expected names, its equivalents and its proof are the operator's own.
"""

from __future__ import annotations

from benchmarks.failures.sixth.filed import replant

USUAL: set[str] = set()  # the names of what is planted here


def twice(operator: str, first: str, second: str) -> None:
    USUAL.add(operator)
    replant(operator, first, second)


# -- two sigmoids ------------------------------------------------------------------------------------
twice("double-sigmoid", "ignite bce clover", "collection bce clothes")

# -- no zero_grad ------------------------------------------------------------------------------------
twice("discriminator-never-zeroed", "collection bce lissajous", "diffaug hinge clothes")
twice("generator-never-zeroed", "ignite bce sphere", "stability bce clover")
twice("zeroed-only-after-own-step", "ignite lsgan clothes", "collection bce components")

# -- a wrong label -----------------------------------------------------------------------------------
twice("generator-target-is-fake-label", "ignite bce bars", "labelmaps lsgan clover")
twice("discriminator-fake-target-is-real", "mutual lsgan discs", "ignite bce weather")
twice("hinge-fake-term-copied", "mimicry hinge bars", "diffaug hinge lissajous")

# -- a sign ------------------------------------------------------------------------------------------
twice("generator-sign-flipped", "collection wgan-clip clover", "mimicry wgan-gp bars")

# -- detach ------------------------------------------------------------------------------------------
twice("detached-in-generator-step", "diffaug hinge discs", "stability bce weather")

# -- an optimizer of nothing, or of the wrong network ------------------------------------------------
twice("optimizer-holds-both", "lazyreg logistic lissajous", "mutual bce clothes")
twice("optimizer-misses-layers", "mimicry hinge discs", "collection bce weather")
twice("frozen-discriminator", "mimicry bce sphere", "labelmaps bce clothes")
twice("frozen-generator", "lazyreg logistic bars", "ignite lsgan bursts")

# -- the range of the data ---------------------------------------------------------------------------
twice("unit-range-reals", "collection lsgan bars", "lazyreg logistic clothes")
twice("unscaled-reals", "ignite bce discs", "mimicry hinge sawtooth")

# -- a penalty over the wrong axis -------------------------------------------------------------------
twice("penalty-over-wrong-axis", "collection wgan-gp discs", "mimicry wgan-gp clothes")

# -- collapse ----------------------------------------------------------------------------------------
twice("collapse-to-one", "ignite bce lissajous", "collection bce clothes flat")

# -- a perfect discriminator -------------------------------------------------------------------------
twice("perfect-discriminator-tiny-generator-step", "collection lsgan clothes", "mimicry bce discs")
