"""The ten most usual faults, each in two published loops and on two data sets.

What each does, its expected names, its equivalents and its proof are the operator's own.
"""

from __future__ import annotations

from benchmarks.failures.sixth.filed import SIXTH_FAULTS, replant

# -- two sigmoids ------------------------------------------------------------------------------------
replant("double-sigmoid", "ignite bce clover", "collection bce clothes")

# -- no zero_grad ------------------------------------------------------------------------------------
replant("discriminator-never-zeroed", "collection bce lissajous", "diffaug hinge clothes")
replant("generator-never-zeroed", "ignite bce sphere", "stability bce clover")
replant("zeroed-only-after-own-step", "ignite lsgan clothes", "collection bce components")

# -- a wrong label -----------------------------------------------------------------------------------
replant("generator-target-is-fake-label", "ignite bce bars", "labelmaps lsgan clover")
replant("discriminator-fake-target-is-real", "mutual lsgan discs", "ignite bce weather")
replant("hinge-fake-term-copied", "mimicry hinge bars", "diffaug hinge lissajous")

# -- a sign ------------------------------------------------------------------------------------------
replant("generator-sign-flipped", "collection wgan-clip clover", "mimicry wgan-gp bars")

# -- detach ------------------------------------------------------------------------------------------
replant("detached-in-generator-step", "diffaug hinge discs", "stability bce weather")

# -- an optimizer of nothing, or of the wrong network ------------------------------------------------
replant("optimizer-holds-both", "lazyreg logistic lissajous", "mutual bce clothes")
replant("optimizer-misses-layers", "mimicry hinge discs", "collection bce weather")
replant("frozen-discriminator", "mimicry bce sphere", "labelmaps bce clothes")
replant("frozen-generator", "lazyreg logistic bars", "ignite lsgan bursts")

# -- the range of the data ---------------------------------------------------------------------------
replant("unit-range-reals", "collection lsgan bars", "lazyreg logistic clothes")
replant("unscaled-reals", "ignite bce discs", "mimicry hinge sawtooth")

# -- a penalty over the wrong axis -------------------------------------------------------------------
replant("penalty-over-wrong-axis", "collection wgan-gp discs", "mimicry wgan-gp clothes")

# -- collapse ----------------------------------------------------------------------------------------
replant("collapse-to-one", "ignite bce lissajous", "collection bce clothes flat")

# -- a perfect discriminator -------------------------------------------------------------------------
replant("perfect-discriminator-tiny-generator-step", "collection lsgan clothes", "mimicry bce discs")

USUAL = frozenset(SIXTH_FAULTS)
