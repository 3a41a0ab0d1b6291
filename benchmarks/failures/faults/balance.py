"""Who wins: perfect, useless and late discriminators, gradients that die on the way, weights of terms."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from benchmarks.failures.faults.base import (
    Finished,
    current_fakes,
    fault,
    measured,
    noted,
    quality_failed,
    separation,
)
from benchmarks.failures.networks import perceptron
from benchmarks.failures.parts import Case, Parts, adam


def _auc(run: Finished) -> float:
    return separation(run.parts, run.parts.source.samples[:256], current_fakes(run.parts))


def _perfect(run: Finished) -> tuple[str, float, bool]:
    auc = _auc(run)
    return (
        "area under the curve of the discriminator at the end",
        auc,
        auc > 0.999 and bool(run.outcome["failed"]),
    )


@fault(
    "perfect-discriminator-saturating-loss",
    source="Arjovsky and Bottou 2017, section 2; junyanz/pytorch-CycleGAN-and-pix2pix#1571",
    expected=("perfect-discriminator", "vanishing-generator-gradient"),
    forbidden=("generator-graph-cut", "range-mismatch"),
    kind="dynamics",
    cases=(
        Case("wasserstein", "minimax", "digits"),
        Case("wasserstein", "minimax", "fashion"),
        Case("wasserstein", "minimax", "ring"),
    ),
    proof=_perfect,
)
def perfect_discriminator(parts: Parts) -> None:
    """The saturating minimax loss, disjoint supports at the start, and a discriminator that is trained three
    times as often with a large step: D(G(z)) is zero and so is the generator's gradient."""
    parts.critic_steps = 3
    parts.optimizers = adam(2e-4, 4e-3, beta1=0.5)
    if parts.source.kind == "points":  # the generator starts far from the data; nothing bounds its range
        with torch.no_grad():
            parts.generator[-1].bias.add_(torch.tensor([4.0, 4.0]))
    parts.steps = parts.steps * 2 // 3


@fault(
    "perfect-discriminator-tiny-generator-step",
    source="zhangxiann/PyTorch_Practice#1, Lornatang/SRGAN-PyTorch#43",
    expected=("perfect-discriminator",),
    equivalents={
        "vanishing-generator-gradient": "least squares at its ceiling of one passes almost no gradient",
        "optimizer-hparams": "the learning rates are a factor of fifty apart",
    },
    forbidden=("generator-graph-cut",),
    kind="dynamics",
    cases=(Case("concatenated", "lsgan", "digits"), Case("tutorial", "bce", "fashion")),
    proof=_perfect,
)
def perfect_discriminator_step(parts: Parts) -> None:
    """The discriminator learns fifty times as fast as the generator: it separates perfectly all run long."""
    parts.optimizers = adam(2e-5, 1e-3, beta1=0.5)


@fault(
    "gradient-dies-in-generator",
    source=(
        "failures research B6: saturating loss, flat discriminator, or a generator that does not pass it on"
    ),
    expected=("vanishing-generator-gradient",),
    equivalents={
        "bn-erases-latent": "the same depth that stops the gradient flattens the signal across the batch",
        "init-sanity": "the default initialisation is wrong for sigmoid layers",
        "dead-or-saturated": "saturated units are why the gradient dies",
        "z-ignored": "what arrives at the output of the latent is nothing",
    },
    forbidden=("perfect-discriminator", "generator-graph-cut"),
    kind="dynamics",
    cases=(Case("tutorial", "bce", "ring"), Case("tabular", "bce", "table")),
    proof=quality_failed,
)
def gradient_dies_in_generator(parts: Parts) -> None:
    """Ten sigmoid layers in the generator: the gradient arrives at its output and dies on the way to its
    input."""
    features = parts.source.shape[0]
    parts.generator = perceptron(parts.latent_size, *[48] * 10, features, activation=nn.Sigmoid)


@fault(
    "discriminator-too-weak",
    source="junyanz/pytorch-CycleGAN-and-pix2pix#188",
    expected=("uninformative-discriminator",),
    equivalents={"mode-collapse": "with a linear discriminator any cloud with the right mean is as good"},
    forbidden=("frozen-network", "perfect-discriminator"),
    kind="dynamics",
    cases=(Case("tutorial", "bce", "ring"), Case("class-trainer", "hinge", "ring")),
    proof=quality_failed,
)
def discriminator_too_weak(parts: Parts) -> None:
    """A linear discriminator: it can compare means and nothing else, and ends at one half for everything."""
    parts.discriminator = nn.Linear(2, 1)


def _worse_after(run: Finished) -> float:
    notes = run.parts.notes
    return notes["after"] / notes["before"] if "after" in notes else float("nan")


@fault(
    "discriminator-started-late",
    source="CompVis/taming-transformers#44, CompVis/latent-diffusion#350",
    b5=("D started late",),
    expected=("uninformative-discriminator",),
    equivalents={
        "adversarial-weight-imbalance": "the untrained discriminator's gradient outweighs the pixel term's",
        "frozen-network": "until it is started the discriminator does not move",
    },
    kind="dynamics",
    cases=(Case("composite", "hinge", "digits"), Case("composite", "lsgan", "fashion")),
    proof=measured("pixel error right after the start over that before it", _worse_after, lambda v: v > 1.1),
)
def discriminator_started_late(parts: Parts) -> None:
    """Both adversarial terms are multiplied by zero until half time: the discriminator is untrained when its
    gradient, with a large weight, is switched on."""
    parts.discriminator_start, parts.adversarial_weight = parts.steps // 2, 30.0
    _watch_error(parts, parts.steps // 2 - 1, parts.steps // 2 + 40)


def _watch_error(parts: Parts, before: int, after: int) -> None:
    real = parts.source.held_out[:200]
    small = functional.avg_pool2d(real, 2)

    def look(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        if step == before or before < step <= after:
            with torch.no_grad():
                error = float((parts.generator(small) - real).abs().mean())
            if step == before:
                parts.notes["before"] = error
            else:
                parts.notes["after"] = max(error, parts.notes.get("after", 0.0))

    parts.schedule = look


@fault(
    "adversarial-weight-times-thousand",
    source="CompVis/latent-diffusion#350",
    b5=("adversarial weight x10",),
    expected=("adversarial-weight-imbalance", "uninformative-discriminator"),
    equivalents={
        "instability": "driven by the adversarial term alone the pixel error swings",
        "mode-collapse": "without the pixel term in effect the outputs need not follow the inputs",
    },
    kind="dynamics",
    cases=(Case("composite", "bce", "digits"), Case("composite", "lsgan", "fashion")),
    proof=measured(
        "norm of the adversarial term's gradient by the output over the pixel term's",
        lambda run: _gradient_ratio(run),
        lambda v: v > 10,
    ),
)
def adversarial_weight(parts: Parts) -> None:
    """The adversarial term has a thousand times its weight: the pixel term does not count any more."""
    parts.adversarial_weight = 1000.0


def _gradient_ratio(run: Finished) -> float:
    parts = run.parts
    image = parts.source.samples[:64]
    small = functional.avg_pool2d(image, 2)
    made = parts.generator(small).detach().requires_grad_(True)
    adversarial = parts.adversarial_weight * parts.loss.generator(parts.discriminator(small, made))
    pixel = parts.pixel_weight * functional.l1_loss(made, image)
    first = torch.autograd.grad(adversarial, made)[0].norm()
    return float(first / torch.autograd.grad(pixel, made)[0].norm().clamp_min(1e-12))


@fault(
    "latent-unused",
    source="junyanz/pytorch-CycleGAN-and-pix2pix#152",
    expected=("z-ignored",),
    forbidden=("bn-erases-latent",),
    kind="dynamics",
    cases=(
        Case("composite", "lsgan", "digits", network="latent"),
        Case("composite", "hinge", "fashion", network="latent"),
    ),
    proof=measured(
        "deviation across latents over that across images",
        lambda run: _latent_share(run),
        lambda v: v < 0.1,
    ),
)
def latent_unused(parts: Parts) -> None:
    """A translation with an L1 term is given a latent for variety; the L1 term teaches it to ignore the
    latent."""
    parts.pixel_weight, parts.latent_size = 100.0, 4
    parts.latent = lambda count: torch.randn(count, 4)


def _latent_share(run: Finished) -> float:
    small = functional.avg_pool2d(run.parts.source.held_out[:64], 2)
    with torch.no_grad():
        several = torch.stack([run.parts.generator(small, run.parts.latent(64)) for _ in range(16)])
    return float((several.std(dim=0).mean()) / several.mean(dim=0).std(dim=0).mean())


@fault(
    "rotation",
    source="Mescheder et al. 2018, section 3 (Dirac-GAN); failures research check 35",
    expected=("instability",),
    equivalents={
        "oscillation": "the name of this kind of instability",
        "critic-unconstrained": "for a Wasserstein loss the missing constraint is what lets it rotate",
    },
    forbidden=("mode-collapse",),
    kind="dynamics",
    cases=(
        Case("tutorial", "bce", "ring", network="dirac"),
        Case("class-trainer", "wgan-gp", "ring", network="dirac"),
    ),
    proof=noted("swings of the generator's mean around the data's", "swings", lambda v: v >= 8),
)
def rotation(parts: Parts) -> None:
    """The two players circle around the solution: one Gaussian, a linear discriminator, a generator that can
    only move its cloud, plain SGD and no regulariser."""
    random = torch.Generator().manual_seed(parts.seed)
    cloud = torch.tensor([1.0, 0.5]) + 0.3 * torch.randn(6000, 2, generator=random)
    parts.batches = type(parts.batches)(cloud, parts.source.labels, parts.batch_size, parts.seed)
    parts.latent = lambda count: torch.randn(count, 2)
    parts.latent_size = 2
    parts.generator = nn.Linear(2, 2)
    with torch.no_grad():
        parts.generator.weight.copy_(0.3 * torch.eye(2))
        parts.generator.bias.copy_(torch.tensor([-1.0, 0.0]))
    parts.generator.weight.requires_grad_(False)
    parts.discriminator = nn.Linear(2, 1)
    parts.penalty, parts.average_decay = None, None
    rate = 0.2 if parts.case.family == "bce" else 0.05

    def sgd(generator: nn.Module, discriminator: nn.Module):
        return torch.optim.SGD([generator.bias], lr=rate), torch.optim.SGD(
            discriminator.parameters(), lr=rate
        )

    parts.optimizers = sgd
    signs: list[bool] = []
    centre = 1.0

    def look(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        side = float(parts.generator.bias[0].detach()) > centre
        if not signs or side != signs[-1]:
            signs.append(side)
            parts.notes["swings"] = len(signs) - 1

    parts.schedule = look


@fault(
    "late-collapse",
    source="NVlabs/stylegan2-ada-pytorch#159, BigGAN (late collapse)",
    expected=("instability",),
    equivalents={
        "late-collapse": "the name of this kind of instability",
        "mode-collapse": "what the run ends in",
        "optimizer-hparams": "the learning rate at which it happens is outside the usual range",
        "exploding-gradient": "the jump of the gradient when it happens",
    },
    kind="dynamics",
    cases=(Case("tutorial", "bce", "digits"), Case("class-trainer", "hinge", "ring")),
    proof=measured(
        "quality at the end minus quality before the event",
        lambda run: run.outcome["quality"] - run.parts.notes.get("quality_before", 0.0),
        lambda v: v < -0.3,
    ),
)
def late_collapse(parts: Parts) -> None:
    """Good for two thirds of the run, then the learning rates jump (a restart of the warm-up) and all is
    lost."""
    from benchmarks.failures import outcome

    event = parts.steps * 2 // 3

    def schedule(step: int, opt_g: torch.optim.Optimizer, opt_d: torch.optim.Optimizer) -> None:
        if step == event:
            state = torch.get_rng_state()

            def sample(count: int) -> torch.Tensor:
                with torch.no_grad():
                    return parts.generator(parts.latent(count))

            parts.notes["quality_before"] = outcome.measure(parts, sample)["quality"]
            torch.set_rng_state(state)
            for optimizer in (opt_g, opt_d):
                for group in optimizer.param_groups:
                    group["lr"] = 0.1

    parts.schedule = schedule
    if parts.average_decay is not None:
        parts.average_decay = None
