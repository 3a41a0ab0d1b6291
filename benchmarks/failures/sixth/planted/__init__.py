"""The sixth half has no new kind of fault; here is what it left out of the known ones, with the reasons."""

from __future__ import annotations

__all__ = ["NOT_PLANTED"]

NOT_PLANTED: dict[str, str] = {
    "augmentation-without-cap": "needs a controller of the augmentation's strength, and the fifth half found "
    "that runs as short as these do not reach its cap",
    "concatenated-batch-through-batchnorm": "no loop of this half judges reals and fakes in one batch",
    "targets-broadcast": "no loop of this half has the targets of both in one tensor; one constant "
    "target may be broadcast without changing the loss (two unwatched trainings were good)",
    "chunks-exchanged": "no loop of this half judges reals and fakes in one batch",
    "embedding-shared-by-both": "no discriminator of this half looks a label up in an embedding",
    "auxiliary-term-forgotten": "the codes of this half's auxiliary term are no classes that a sample is "
    "asked for",
    "optimizer-of-the-twin": "no loop of this half trains two discriminators with an optimizer each",
    "closure-without-backward": "no loop of this half has closures",
    "grown-after-the-optimizer": "no network of this half grows",
    "fade-in-never-starts": "no network of this half grows",
    "packs-of-one-row": "no discriminator of this half judges packs",
    "argmax-in-generator": "none of this half's data are letters",
    "targets-never-permuted": "no loop of this half translates a sample into another class",
    "cycle-term-times-ten-thousand": "no loop of this half has a cycle",
}
