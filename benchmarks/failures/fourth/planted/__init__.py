"""Faults that the earlier halves do not have."""

from __future__ import annotations

from benchmarks.failures.fourth.planted import data, layers, penalties, plumbing, schedules, terms, wiring

__all__ = ["NOT_PLANTED"]

_MODULES = (data, layers, penalties, plumbing, schedules, terms, wiring)

# Asked for or considered, and left out, with the reason; nothing was left out because of a verdict.
NOT_PLANTED = {
    "a recurrent generator with a supervisor (TimeGAN)": "written and taken out again: its healthy training "
    "took thirty seconds and did not reach the data, so no label of it would have held",
    "optimizers made anew in every step": "Adam without its memory is the sign of the gradient: no check is "
    "about it, and the outcome is that of a noisier run",
    "augmentation of the discriminator's step alone": "the generator is judged without it; the outcome is "
    "close to that of a healthy run",
    "the mean over the batch inside the discriminator's forward": "a discriminator of whole batches, as the "
    "WGAN repository had it; it is not wrong under a Wasserstein loss",
    "accumulated gradients that are not divided": "Adam does not mind the factor",
    "one of several discriminators frozen": "the others train; the outcome is that of a smaller committee",
    "target classes of the fakes shifted by one": "a consistent renaming: the generator learns it",
    "sampling at a truncation of zero": "asked for one sample, it gives one",
}
