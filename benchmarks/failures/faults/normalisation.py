"""Normalisation layers, averaged weights, architecture and initialisation."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.failures import networks
from benchmarks.failures.faults.base import (
    Finished,
    current_fakes,
    fault,
    measured,
    noted,
    quality_failed,
    quality_not_good,
    real_batch,
    spread_collapsed,
)
from benchmarks.failures.parts import Case, Parts


def _mates_matter(run: Finished) -> float:
    """How much the scores of the reals change when their batch mates do, over the deviation of the scores."""
    network = run.parts.discriminator
    real, fake = real_batch(run.parts), current_fakes(run.parts, run.parts.batch_size)
    network.train()
    with torch.no_grad():
        alone, together = network(real), network(torch.cat([real, fake]))[: len(real)]
    return float((alone - together).abs().mean() / alone.std().clamp_min(1e-6))


_COUPLED = measured(
    "change of a score by its batch mates, over the scores' deviation", _mates_matter, lambda v: v > 0.05
)


def _batch_norm_discriminator(parts: Parts) -> None:
    shape = parts.source.shape
    if parts.source.kind == "image":
        parts.discriminator = networks.image_discriminator(shape[-1], norm=True)
    else:
        parts.discriminator = networks.perceptron(shape[0], 64, 64, 1, activation=nn.LeakyReLU, norm=True)


@fault(
    "concatenated-batch-through-batchnorm",
    source="eriklindernoren/PyTorch-GAN#135",
    b5=("cat(real,fake)+BN",),
    expected=("batch-coupling",),
    kind="wiring",
    cases=(Case("concatenated", "bce", "digits"), Case("concatenated", "bce", "ring")),
    proof=_COUPLED,
)
def concatenated_batchnorm(parts: Parts) -> None:
    """Real and fake go through BatchNorm in one batch: its statistics leak the answer."""
    _batch_norm_discriminator(parts)


@fault(
    "batchnorm-in-penalised-critic",
    source="kongyanye/cwgan-gp#6, hwalsuklee/tensorflow-generative-model-collections#17",
    b5=("BN in GP critic",),
    expected=("batch-coupling",),
    kind="wiring",
    cases=(Case("wasserstein", "wgan-gp", "ring"), Case("wasserstein", "wgan-gp", "digits")),
    proof=_COUPLED,
)
def batchnorm_in_penalised_critic(parts: Parts) -> None:
    """A per-sample penalty with BatchNorm in the critic: there is no gradient of one sample alone."""
    _batch_norm_discriminator(parts)


@fault(
    "normalisation-erases-latent",
    source="HIPS/autograd PR#247 (mechanism), pix2pix bottlenecks normalised at 1 x 1",
    b5=("BN before first non-linearity of G",),
    expected=("bn-erases-latent",),
    equivalents={
        "z-ignored": "the output does not depend on the latent: the same fact, seen from the output"
    },
    forbidden=("discriminator-overfitting",),
    kind="wiring",
    cases=(
        Case("tutorial", "bce", "digits"),
        Case("wasserstein", "wgan-gp", "ring"),
        Case("tabular", "bce", "sequence"),
    ),
    proof=spread_collapsed(0.05),
)
def normalisation_erases_latent(parts: Parts) -> None:
    """The first normalisation of the generator has one value per channel and sample, so it removes the
    latent."""
    layers = list(parts.generator)
    parts.generator = nn.Sequential(
        nn.Linear(parts.latent_size, 32),
        nn.GroupNorm(32, 32),
        nn.ReLU(),
        nn.Linear(32, parts.latent_size),
        *layers,
    )


@fault(
    "batchnorm-before-first-activation",
    source="HIPS/autograd PR#247, martinarjovsky/WassersteinGAN#40",
    b5=("BN before first non-linearity of G",),
    expected=("bn-erases-latent",),
    severity="info",
    kind="wiring",
    cases=(Case("tutorial", "bce", "ring"), Case("tabular", "bce", "table")),
    proof=measured(
        "position of the first BatchNorm minus that of the first activation",
        lambda run: float(
            [isinstance(m, nn.BatchNorm1d) for m in run.parts.generator].index(True)
            - [isinstance(m, nn.ReLU) for m in run.parts.generator].index(True)
        ),
        lambda v: v < 0,
    ),
)
def batchnorm_first(parts: Parts) -> None:
    """BatchNorm on the latent itself, before the first activation: mean and deviation of the latent batch
    are lost."""
    parts.generator = nn.Sequential(nn.BatchNorm1d(parts.latent_size), *parts.generator)


def _sampling_gap(run: Finished) -> float:
    """Difference between what the script samples and what it trains, for the same latents."""
    torch.manual_seed(5)
    sampled = run.sample(256)
    torch.manual_seed(5)
    run.parts.generator.train()
    trained = current_fakes(run.parts, 256)
    return float((sampled - trained).abs().mean() / trained.std().clamp_min(1e-6))


# In the healthy counterparts it is 0.02 (tutorial) and 0.14 (averaged generator).
_SAMPLING_DIFFERS = measured(
    "samples against the same latents in training, in deviations", _sampling_gap, lambda v: v > 0.25
)


@fault(
    "average-without-buffers",
    source="odegeasslbc/FastGAN-pytorch#4",
    b5=("EMA without buffers",),
    expected=("eval-drift",),
    equivalents={"ema-stale": "the averaged copy's buffers are those of the start: a stale average"},
    kind="wiring",
    cases=(Case("class-trainer", "hinge", "digits"), Case("class-trainer", "lsgan", "fashion")),
    proof=_SAMPLING_DIFFERS,
)
def average_without_buffers(parts: Parts) -> None:
    """The averaged generator takes over the weights but not the running statistics of BatchNorm."""
    parts.average_buffers = False


@fault(
    "average-too-slow",
    source="konpatp/diffae#16",
    b5=("decay too long",),
    expected=("ema-stale",),
    equivalents={
        "eval-drift": "what is sampled from differs from what is trained: the same fact from the output"
    },
    kind="wiring",
    cases=(Case("class-trainer", "hinge", "ring"), Case("class-trainer", "bce", "digits")),
    proof=quality_failed,
)
def average_too_slow(parts: Parts) -> None:
    """A decay of 0.9999 in a run of a thousand steps: the average is still mostly the initial weights."""
    parts.average_decay = 0.9999


@fault(
    "stale-running-statistics",
    source="junyanz/pytorch-CycleGAN-and-pix2pix#1329, csinva/gan-vae-pretrained-pytorch#2",
    b5=("EMA without buffers",),
    expected=("eval-drift",),
    kind="wiring",
    cases=(Case("tutorial", "bce", "digits"), Case("concatenated", "bce", "fashion")),
    proof=_SAMPLING_DIFFERS,
)
def stale_running_statistics(parts: Parts) -> None:
    """BatchNorm with a momentum of 1e-4: good in train mode, wrong in eval mode."""
    for module in parts.generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1e-4


def _overlapping(size: int, latent: int) -> nn.Sequential:
    grow = nn.ConvTranspose2d(16, 16, 3, 2, 1, output_padding=1)
    if size == 8:
        return nn.Sequential(
            nn.Linear(latent, 16 * 4),
            nn.Unflatten(1, (16, 2, 2)),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 16, 3, 2, 1, output_padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, 2, 1, output_padding=1),
            nn.Tanh(),
        )
    return nn.Sequential(
        nn.Linear(latent, 16 * 49),
        nn.Unflatten(1, (16, 7, 7)),
        nn.ReLU(),
        grow,
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 1, 3, 1, 1),
        nn.Tanh(),
    )


def _overlaps(run: Finished) -> float:
    layers = [m for m in run.parts.generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    return float(sum(m.kernel_size[0] % m.stride[0] != 0 for m in layers))


@fault(
    "deconvolution-overlap",
    source="junyanz/pytorch-CycleGAN-and-pix2pix#190, colemiller94/gatedgan#2",
    b5=("deconv k%s != 0",),
    expected=("deconv-overlap",),
    severity="info",
    kind="wiring",
    cases=(Case("tutorial", "bce", "digits"), Case("class-trainer", "lsgan", "fashion")),
    proof=measured(
        "transposed convolutions whose kernel is no multiple of the stride", _overlaps, lambda v: v > 0
    ),
)
def deconvolution_overlap(parts: Parts) -> None:
    """Transposed convolutions of kernel 3 and stride 2: uneven overlap, a checkerboard."""
    parts.generator = _overlapping(parts.source.shape[-1], parts.latent_size)


@fault(
    "init-misses-layers",
    source="PacktPublishing/Hands-On-Generative-Adversarial-Networks-with-PyTorch-1.x#1",
    b5=("init not called",),
    expected=("init-sanity",),
    equivalents={"dead-or-saturated": "with weights of deviation one the tanh saturates at once"},
    kind="wiring",
    cases=(Case("tutorial", "bce", "digits"), Case("concatenated", "lsgan", "fashion")),
    proof=noted(
        "largest over smallest deviation of a layer's weights at the start", "std_ratio", lambda v: v > 10
    ),
)
def init_misses_layers(parts: Parts) -> None:
    """N(0, 0.02) reaches the convolutions only; the linear layers keep N(0, 1) from a hand-written module."""
    spreads = []
    for network in (parts.generator, parts.discriminator):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
                spreads.append(0.02)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0.0, 1.0)
                spreads.append(1.0)
    parts.notes["std_ratio"] = max(spreads) / min(spreads)


@fault(
    "batchnorm-scale-near-zero",
    source="aladdinpersson/Machine-Learning-Collection PR#149 (initialisation), failures research check 22",
    b5=("init not called",),
    expected=("init-sanity",),
    kind="wiring",
    cases=(Case("tutorial", "bce", "digits"), Case("class-trainer", "hinge", "fashion")),
    proof=noted("mean BatchNorm scale at the start", "scale", lambda v: abs(v) < 0.1),
)
def batchnorm_scale_near_zero(parts: Parts) -> None:
    """N(0, 0.02) is applied to the BatchNorm scales too (instead of N(1, 0.02))."""
    scales = []
    for module in parts.generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
            scales.append(float(module.weight.detach().mean()))
    parts.notes["scale"] = sum(scales) / len(scales)


@fault(
    "dead-relu-generator",
    source="AutoTrainer's dying ReLU, failures research check 29",
    expected=("dead-or-saturated", "init-sanity"),
    equivalents={
        "bn-erases-latent": "behind the dead layer every sample is the same",
        "z-ignored": "behind the dead layer the output does not depend on the latent",
    },
    kind="wiring",
    cases=(Case("tutorial", "bce", "ring"), Case("tabular", "bce", "table")),
    proof=quality_not_good,
)
def dead_relu_generator(parts: Parts) -> None:
    """Biases of -8 before the generator's first ReLU: it is dead from the start and passes no gradient."""
    with torch.no_grad():
        parts.generator[0].bias.fill_(-8.0)


@fault(
    "saturated-tanh",
    source="failures research check 29, DeepDiagnosis (pre-activation beyond 5)",
    expected=("dead-or-saturated", "init-sanity"),
    kind="wiring",
    cases=(
        Case("tutorial", "bce", "digits", network="flat"),
        Case("class-trainer", "lsgan", "digits", network="flat"),
    ),
    proof=measured(
        "share of outputs beyond 0.99",
        lambda run: float((current_fakes(run.parts).abs() > 0.99).float().mean()),
        lambda v: v > 0.5,
    ),
)
def saturated_tanh(parts: Parts) -> None:
    """The generator's last layer starts a thousand times too large: tanh is at its ends and passes no
    gradient."""
    with torch.no_grad():
        last = [m for m in parts.generator.modules() if isinstance(m, nn.Linear)][-1]
        last.weight.mul_(1000.0)
