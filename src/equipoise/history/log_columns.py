"""Which signal a column of somebody's training log is, from its name."""

from __future__ import annotations

import re

# Order matters: the first rule that matches names the signal. Names are compared in lower case with single
# underscores between words.
_D = r"(d|disc|discriminator|critic|net_?d|dis)"
_G = r"(g|gen|generator|net_?g)"
_RULES: tuple[tuple[str, str], ...] = (
    ("augmentation.probability", r"(.*_)?(p|aug_p|ada_p|p_aug|augment|ada|augmentation(_probability)?|aug)"),
    (
        "quality",
        r"(.*_)?(fid|fid\d+k?(_full)?|frechet(_inception)?_distance|kid|kid\d+k?(_full)?|swd)(_score)?",
    ),
    ("loss.penalty", r"(.*_)?(gp|gradient_penalty|grad_penalty|grad_pen|r1|r1_penalty|r2|penalty)(_loss)?"),
    (
        "loss.reconstruction",
        r"(.*_)?(l1|l2|cycle|cyc|recon|reconstruction|rec|mel|perceptual|idt|identity|pixel|content|vgg|mse)"
        r"(_loss)?(_[ab])?",
    ),
    ("score.generator.mean", r"d_?g_?z_?2"),
    ("score.fake.mean", r"d_?g_?z(_?1)?"),
    ("score.real.mean", r"d_?x"),
    ("score.accuracy.real", rf"({_D}_)?(acc|accuracy)_real|({_D}_)?real_(acc|accuracy)"),
    ("score.accuracy.fake", rf"({_D}_)?(acc|accuracy)_fake|({_D}_)?fake_(acc|accuracy)"),
    (
        "score.real.mean",
        rf"(.*_)?({_D}_)?(scores?|logits?|outputs?|prob)_real|(.*_)?real_(scores?|logits?|prob)",
    ),
    (
        "score.fake.mean",
        rf"(.*_)?({_D}_)?(scores?|logits?|outputs?|prob)_fake|(.*_)?fake_(scores?|logits?|prob)",
    ),
    ("gradient.discriminator", rf"(.*_)?grad(ient)?_norm_{_D}|(.*_)?{_D}_grad(ient)?_norm"),
    ("gradient.generator", rf"(.*_)?grad(ient)?_norm_{_G}|(.*_)?{_G}_grad(ient)?_norm"),
    (
        "loss.discriminator.real",
        rf"(.*_)?({_D}_real(_loss)?|{_D}_loss_real|loss_{_D}_real|loss_real_{_D}|err_?d_real|real_{_D}?_?loss)",
    ),
    (
        "loss.discriminator.fake",
        rf"(.*_)?({_D}_fake(_loss)?|{_D}_loss_fake|loss_{_D}_fake|loss_fake_{_D}|err_?d_fake|fake_{_D}?_?loss)",
    ),
    (
        "loss.discriminator",
        rf"(.*_)?({_D}_?loss(_total)?|loss_?{_D}(_total)?|total_{_D}_loss|err_?d|loss_{_D}_loss)",
    ),
    (
        "loss.generator",
        rf"(.*_)?({_G}_?(adv_|gan_)?loss(_total|_adv|_gan)?|loss_?{_G}(_total|_gan|_adv)?|total_{_G}_loss|err_?g"
        rf"|{_G}_gan|{_G}_adv|(adv(ersarial)?|gan)_loss|loss_{_G}_loss)",
    ),
)
_STEPS = (
    r"(global_|train(er)?_)?steps?",
    r"(n_?)?iter(ation)?s?|it|updates?|batch(es)?|gen_iterations",
    r"epochs?",
)


def normal(name: str) -> str:
    """A column's name in lower case, words parted by one underscore.

    Example:
        >>> normal("Loss/D_real"), normal("D(G(z1))"), normal("lossD")
        ('loss_d_real', 'd_g_z1', 'loss_d')
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def signal_of(column: str) -> str | None:
    """The signal that a column holds; None if its name says nothing known.

    Example:
        >>> signal_of("d_loss"), signal_of("D(x)"), signal_of("metrics/fid50k_full")
        ('loss.discriminator', 'score.real.mean', 'quality')
        >>> signal_of("learning_rate") is None
        True
    """
    name = normal(column)
    for signal, pattern in _RULES:
        if re.fullmatch(pattern, name):
            return signal
    return None


def step_column(columns: list[str]) -> str | None:
    """The column that counts steps: a step before an iteration before an epoch."""
    for pattern in _STEPS:
        for column in columns:
            if re.fullmatch(pattern, normal(column)):
                return column
    return None


def counts_epochs(column: str) -> bool:
    """Whether a step column counts epochs."""
    return re.fullmatch(_STEPS[-1], normal(column)) is not None
