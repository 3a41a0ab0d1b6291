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
    "a gradient penalty on segments between reals": "on two data sets the critic's slope at the fakes "
    "was that at the reals in plain runs, and the samples were good",
    "the divergence forgotten in a VAE-GAN": "the adversary trains draws from the prior all the same: good "
    "samples in a plain run",
    "BatchNorm in the discriminator, reals and fakes apart": "asked for as a healthy variant; its plain run "
    "did not reach the data",
    "sampling at a truncation of zero": "asked for one sample, it gives one",
}
