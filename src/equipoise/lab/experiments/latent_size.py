"""How long a latent must be: too short is a cut through the data, too long is hardly anything."""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.lab.base import EXPERIMENTS, Experiment, Progress, scaled
from equipoise.lab.digits import digit_classifier, digit_game, digits, follow_quality
from equipoise.lab.games import Game, every
from equipoise.lab.outcome import Arm, Expectation, Outcome, Role
from equipoise.lab.panels import Curve, ImagePanel, ImageRow, LinePanel, Panel, Reference
from equipoise.lab.toys import as_images
from equipoise.metrics.frechet import frechet_distance
from equipoise.metrics.prdc import precision_recall_density_coverage

STEPS = 700
COUNT = 700
NEIGHBOURS = 10
SHOWN = 16
SIZES: tuple[tuple[int, Role], ...] = (
    (1, "failure"),
    (2, "failure"),
    (8, "variant"),
    (32, "healthy"),
    (512, "control"),
)
USUAL = 32


def intrinsic_dimension(samples: Tensor, neighbours: int = NEIGHBOURS) -> float:
    """On how many dimensions the samples (N, ...) lie locally.

    The maximum likelihood estimate from the distances T_1 < ... < T_k to the nearest neighbours: the inverse
    of the mean, over samples and j < k, of log(T_k / T_j). Without bias where the density is even, too low
    near edges and in many dimensions. Samples that coincide with another are left out.

    Source: Levina and Bickel 2004, averaged over the inverses as proposed by MacKay and Ghahramani 2005;
    recalled, not checked in the papers.

    Example:
        >>> line = torch.rand(2000, 1, generator=torch.Generator().manual_seed(0)) * torch.ones(1, 5)
        >>> round(intrinsic_dimension(line), 1)
        1.0
    """
    flat = samples.flatten(1).double()
    nearest = torch.cdist(flat, flat).sort(dim=1).values[:, 1 : neighbours + 1]
    apart = nearest[nearest[:, 0] > 1e-9]
    if not len(apart):
        return 0.0
    logarithms = torch.log(apart[:, -1:] / apart[:, :-1])
    return float(1 / logarithms.mean())


@EXPERIMENTS.register("latent-size")
class LatentSize(Experiment):
    """The latent's length bounds the dimension of what can be generated, and beyond that it hardly matters.

    What it shows
        A generator maps its latent smoothly to pictures: from one number it draws a curve through the space
        of digits, from two a surface. Locally the digits vary in more directions than that, so a short
        latent leaves most of them out, however well each picture looks. As soon as the latent is longer
        than the digits' own dimension, more of it changes little.

    Setting
        8x8 digits, 360 held out for the classifier's features; latents of 1, 2, 8, 32 and 512 standard
        normal numbers; two hidden layers of 128, the non-saturating loss with R1 (gamma 1), Adam at 0.001
        with betas (0, 0.99), batches of 128, 700 steps. Intrinsic dimension by maximum likelihood from ten
        neighbours among 700 samples (pixels). Coverage and Frechet distance in a classifier's features
        against unseen digits.

    What to look at
        The dimension of the samples: 1 and 2 for latents of 1 and 2, and that of the digits or more from 8
        on. Coverage and distance: poor for short latents, alike for 32 and 512.

    Where the textbook says more than this shows
        Advice on too long latents (that they make training slow, or must be avoided) is not confirmed: 512
        numbers do about as well as 32, and 8, about the digits' own dimension, hardly worse. Networks could
        wind a curve or fold a surface so that it passes near everything; in these steps they do not.

    References
        Arjovsky and Bottou 2017 (1701.04862), lemma 1: samples lie on a set of the latent's dimension at
        most. Levina and Bickel 2004: the estimate of the dimension. Radford et al. 2016 (1511.06434): 100
        uniform numbers, from where the usual size comes.
    """

    name = "latent-size"
    title = "Too short and too long a latent"
    claim = (
        "A latent shorter than the data's own dimension bounds the dimension of the samples and what they "
        "cover; a latent much longer than that does no harm."
    )
    question = "How long should the latent vector be?"
    minutes = 0.8

    def run(self, budget: float = 1.0, seed: int = 0, progress: Progress | None = None) -> Outcome:
        from equipoise.penalties import build_penalty

        steps = scaled(STEPS, budget)
        data = digits(seed, held_out=COUNT)
        classifier = digit_classifier(budget)
        goal = classifier.features(data.held_out)
        known = classifier.features(data.train[:COUNT])
        floors = {
            "dimension": intrinsic_dimension(data.held_out),
            "coverage": precision_recall_density_coverage(known, goal, k=5).coverage,
            "distance": frechet_distance(known, goal),
        }
        arms, rows = [], []
        for place, (size, role) in enumerate(SIZES):
            if progress is not None:
                progress(f"latents of {size}", place / len(SIZES))
            arm = Arm(f"{size}", role, f"latents of {size} standard normal numbers")
            game = digit_game(data.train, size, steps, seed, [build_penalty("r1", gamma=1.0)])
            follow_quality(game, arm, classifier, goal, count=COUNT, at=every(steps, 8)[1:])
            arm.number("dimension", intrinsic_dimension(game.samples(COUNT)))
            arms.append(arm)
            rows.append(ImageRow(f"latents of {size}", role, as_images(_walk(game))))
        usual = next(arm for arm in arms if arm.name == f"{USUAL}")
        for arm in arms:
            arm.number("distance over the usual", arm.value("distance") / usual.value("distance"))
            if arm.role == "failure":
                short = arm.value("coverage") < 0.75 * usual.value("coverage")
                arm.state = "failing" if short else ""
            elif arm.role != "variant":
                arm.state = "healthy" if arm.value("distance over the usual") <= 1.5 else ""
        across = Arm("against the latent's length", "variant", "the end of each run, for the curves")
        for name in ("dimension", "coverage", "distance"):
            across.curve(name, [size for size, _ in SIZES], [arm.value(name) for arm in arms])
        arms.append(across)
        outcome = Outcome(arms, _expectations(arms, floors), _doubts(arms, floors), [], "coverage")
        outcome.panels += _panels(arms, floors, rows)
        return outcome


def _walk(game: Game) -> Tensor:
    """Samples along a straight line in latent space, through the origin."""
    places = torch.linspace(-2, 2, SHOWN)
    direction = torch.zeros(game.latent_dim)
    direction[0] = 1.0
    # A fixed point off the origin in the other directions, of the length that latents have.
    rest = torch.ones(game.latent_dim)
    rest[0] = 0.0
    with torch.no_grad():
        samples: Tensor = game.generator(places[:, None] * direction + rest)
    return samples


def _expectations(arms: list[Arm], floors: dict[str, float]) -> list[Expectation]:
    one, two, _, usual, long = arms[:5]
    lemma = "samples lie on a set of the latent's dimension (1701.04862, lemma 1), with the estimate's error"
    return [
        Expectation(
            "From one number the samples are a curve: their dimension.",
            one.value("dimension"), "<=", 1.3, lemma,
        ),
        Expectation(
            "From two numbers they are a surface: their dimension.",
            two.value("dimension"), "<=", 2.6, lemma,
        ),
        Expectation(
            "The digits themselves vary locally in more directions than two: their dimension.",
            floors["dimension"], ">=", 4.0, "twice the surface's",
        ),
        Expectation(
            "A latent of one covers at most three quarters of what the usual one covers: ratio.",
            one.value("coverage") / max(usual.value("coverage"), 1e-9), "<=", 0.75, "a quarter less",
        ),
        Expectation(
            "A latent of 512 covers as much as the usual one: ratio.",
            long.value("coverage") / max(usual.value("coverage"), 1e-9), ">=", 0.85,
            "a difference of less than a sixth, as between seeds",
        ),
    ]  # fmt: skip


def _doubts(arms: list[Arm], floors: dict[str, float]) -> list[str]:
    one, two, eight, usual, long = arms[:5]
    return [
        "Too long a latent is not seen to do harm: the distance with 512 numbers is "
        f"{long.value('distance over the usual'):.2f} times that with {USUAL}. One seed cannot tell a "
        "small gain from a small loss.",
        f"One number covers {one.value('coverage'):.2f} of the unseen digits and two cover "
        f"{two.value('coverage'):.2f} (the usual latent {usual.value('coverage'):.2f}). In principle a "
        "curve can be wound so that it passes near all of them; larger networks and longer training may "
        "come nearer to that.",
        f"The digits' dimension of about {floors['dimension']:.1f} is an estimate from {COUNT} images and "
        f"too low rather than too high; a latent of 8 gives samples of {eight.value('dimension'):.1f}.",
    ]


def _panels(arms: list[Arm], floors: dict[str, float], rows: list[ImageRow]) -> list[Panel]:
    across = "against the latent's length"
    trained = [arm.name for arm in arms if arm.name != across]

    def over_size(title: str, label: str, name: str, y_scale: str = "linear") -> LinePanel:
        return LinePanel(
            title,
            "numbers in a latent",
            label,
            (Curve(across, name, "samples"),),
            x_scale="log",
            y_scale=y_scale,
            references=(Reference(floors[name], "digits"),),
        )

    return [
        over_size("Samples cannot have more dimensions than the latent.", "intrinsic dimension", "dimension"),
        over_size(
            "Short latents leave digits uncovered; from 8 on length hardly matters.",
            "coverage of unseen digits",
            "coverage",
        ),
        LinePanel(
            "The distance to unseen digits on the way: short latents stop early.",
            "step",
            "Frechet distance (classifier)",
            tuple(Curve(name, "distance", f"latents of {name}") for name in trained),
            y_scale="log",
            references=(Reference(floors["distance"], "training digits"),),
        ),
        ImagePanel("The first number of the latent goes from -2 to 2, the others stay.", tuple(rows)),
    ]
