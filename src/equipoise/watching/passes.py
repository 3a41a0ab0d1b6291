"""What was seen of one forward pass of either network, and the parts of it that play one role."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from equipoise.watching.asked import never
from equipoise.watching.noise import all_alike, white
from equipoise.watching.scores import Score
from equipoise.watching.statistics import few_levels, smooth
from equipoise.watching.tree import Path, at_path, floating_tensors

# From so many values on a row that is encoded to fewer may be a flat picture.
_WIDE = 64
Link = Literal["tag", "storage", "values", "parts", "ancestry"]
Made = Literal["owner", "other"] | None
Role = Literal["real", "fake", "generator", "penalty", "undecided"]


@dataclass(eq=False)
class GeneratorCall:
    """One forward pass of the generator; tensors are detached and share the user's memory.

    Attributes:
        gradients: what arrived at each output in the last backward pass.
        sent: what the backward pass under way has sent to it through the discriminator.
        crossed: the same two of the last backward pass through the discriminator, sent and arrived.
        mode: the share of its layers that differ between the modes in train mode; None if it has none.
        made: who made its inputs with a graph: itself (a chain of calls), or another network (a code).
        settled: its gradients belong to an update that is done.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[tuple[Path, Tensor]]
    graph: bool
    training: bool
    gradients: dict[Path, Tensor] = field(default_factory=dict)
    sent: dict[Path, Tensor] = field(default_factory=dict)
    crossed: dict[Path, tuple[Tensor, Tensor]] = field(default_factory=dict)
    mode: float | None = None
    made: Made = None
    settled: bool = False
    _kinds: tuple[list[Tensor], list[Tensor]] | None = field(default=None, init=False, repr=False)

    def output(self, path: Path | None = None) -> Tensor:
        """The output at a path, or the first one."""
        for own, value in self.outputs:
            if own == path:
                return value
        return self.outputs[0][1]

    def given(self) -> list[Tensor]:
        """Its floating inputs."""
        return [value for _, value in floating_tensors((self.args, self.kwargs))]

    def images_and_latents(self) -> tuple[list[Tensor], list[Tensor]]:
        """What of its floating inputs has the form of a sample, and what is noise.

        Beside other inputs one of whole numbers only (one class in a row, attributes) is a condition. An
        encoder's samples are codes: what it is given are pictures, of two axes or flat. Where no other noise
        is given, what has the form of a sample is noise too if it is white, or the only one of that form and
        the same for all samples. It is looked at once a call.
        """
        if self._kinds is None:
            self._kinds = self._images_and_latents()
        return self._kinds

    def _images_and_latents(self) -> tuple[list[Tensor], list[Tensor]]:
        floats = self.given()
        sample = self.outputs[0][1]
        images = [value for value in floats if _is_image(value, sample)]
        others = [value for value in floats if not any(value is image for image in images)]
        noise = [value for value in others if not bool((value == value.round()).all())]
        if images and not noise:
            # Noise may have the form of a sample: a sequence's, a vocoder's.
            alone = len(images) == 1 and len(images[0]) == len(sample)
            noise = [value for value in images if white(value) or (alone and all_alike(value))]
            images = [value for value in images if not any(value is known for known in noise)]
        return images, noise if noise or images else others


def _is_image(value: Tensor, sample: Tensor) -> bool:
    if value.ndim > 2 and value.shape[2:].numel() > 1:
        return value.ndim == sample.ndim or (sample.ndim == 2 and (smooth(value) or few_levels(value)))
    return value.ndim == sample.ndim == 2 and value.shape[1] >= _WIDE > sample.shape[1] and smooth(value)


@dataclass(eq=False)
class DiscriminatorPass:
    """One forward pass of the discriminator; tensors are detached and share the user's memory.

    Attributes:
        args, kwargs: everything it was given.
        path: which of the given tensors is the sample.
        attached: whether the sample carries a graph back to the generator.
        link: why the sample, or a part of it, is known to be the generator's; None if it is not.
        tagged: the user's own word for it.
        rows: the rows that are the generator's in a mixed batch; None if all or unknown.
        channels: the channels that are the generator's, where a condition is concatenated; None for all.
        pairs: paths of further samples of the same shape given in the same call.
        scores: the score tensors returned.
        gradients: plain gradients that came back to the sample tensor, from all its uses together.
        adversarial: the parts of them that came through the discriminator, one a backward pass.
        penalty_norms: per-sample norms of ds/dx in passes with create_graph.
        asked_slopes: ds/dx that the loop asked for without create_graph.
        differentiable: the sample itself asks for a gradient, though the generator did not make it.
        waited: an update was made since, and no loss was sent back yet.
        by_features: a gradient came back through the discriminator, though none to its scores.
        features: the sum of such gradients at the sample.
        by_other_answers: an answer beside the scores, such as a class, was sent back.
        other_answers: such answers of one row of numbers a sample, each with what was sent back to it.
        reversed: the gradient was turned round on its way to the generator.
        stopped: none of the gradient that the discriminator sent arrived at the generator.
        turned: its slopes were turned round, for an optimizer that maximises.
        member: which of several discriminators in a container it is of; 0 for a single one.
        mode: as that of a generator's call.
        beside: the discriminator returned more than scores (features, classes), which a loss may use too.
        asked: tells whether the backward pass under way only asks for gradients at a few weights.
        pulls: for each such pass, per sample, |cos(dL/dg, g)| and c in dL/dg = c g, with g = ds/dx.
        pulled: |g| of the same samples.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    path: Path
    samples: Tensor
    attached: bool
    grown: bool
    link: Link | None
    tagged: Literal["real", "fake"] | None
    training: bool
    rows: slice | None = None
    channels: slice | None = None
    call: GeneratorCall | None = None
    output_path: Path | None = None
    pairs: list[Path] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)
    adversarial: list[Tensor] = field(default_factory=list)
    penalty_norms: list[Tensor] = field(default_factory=list)
    asked_slopes: list[Tensor] = field(default_factory=list)
    pulls: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    pulled: list[Tensor] = field(default_factory=list)
    certain: bool = True
    member: int = 0
    differentiable: bool = False
    waited: bool = False
    by_features: bool = False
    features: Tensor | None = None
    by_other_answers: bool = False
    other_answers: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    reversed: bool = False
    stopped: bool = False
    turned: bool = False
    mode: float | None = None
    beside: bool = False
    asked: Callable[[], bool] = never

    @property
    def matched(self) -> bool:
        """Whether only the discriminator's features were sent back to the generator (feature matching)."""
        return self.attached and self.by_features and not self.by_other_answers

    @property
    def sloped(self) -> bool:
        """Whether a plain backward pass reached it."""
        return any(score.slopes for score in self.scores)

    @property
    def order(self) -> int:
        orders = [score.order for score in self.scores if score.order >= 0]
        return min(orders, default=-1)

    @property
    def pack(self) -> int:
        """How many samples share one score, in a discriminator that judges packs of samples; else 1."""
        rows = len(self.samples)
        for score in self.scores:
            if 1 < len(score.values) < rows and rows % len(score.values) == 0:
                return rows // len(score.values)
        return 1

    def sample_at(self, path: Path) -> Tensor:
        """Another tensor it was given."""
        tree: Any = {"args": self.args, "kwargs": self.kwargs}
        value = at_path(tree, path)
        return value if isinstance(value, Tensor) else self.samples


def settle_slopes(passes: Iterable[DiscriminatorPass], player: str, optimizer: Optimizer) -> None:
    """At an update: keep what a loss sent, as a loss that is minimised would have sent it.

    `maximize=True` makes an optimizer climb. What it climbs, and not what is sent back, says which way the
    scores are pushed.
    """
    set_aside_asked(passes)
    if not any(group.get("maximize") for group in optimizer.param_groups):
        return
    for one in passes:
        if one.sloped and not one.turned and one.attached == (player == "generator"):
            one.turned = True
            for score in one.scores:
                score.slopes = [-slope for slope in score.slopes]
                score.raw_slopes = [-slope for slope in score.raw_slopes]


def set_aside_asked(passes: Iterable[DiscriminatorPass]) -> None:
    """Drop slopes that no loss sent: `autograd.grad(D(x), x)` without `create_graph` asks for ds/dx.

    It sends exactly one to every score; a loss that is a mean does not. Such a penalty has no effect on the
    discriminator, and its samples are neither real nor fake.
    """
    scores = [
        score
        for one in passes
        if one.differentiable
        for score in one.scores
        if len(score.slopes) == len(score.raw_slopes)
    ]
    judged = [(slope != 1).any() for score in scores for slope in score.raw_slopes]
    if not judged:
        return
    # Read all at once: each reading waits for the device.
    sent = iter(torch.stack([flag.to(judged[0].device) for flag in judged]).tolist())
    for score in scores:
        kept = [next(sent) for _ in score.raw_slopes]
        score.slopes = list(compress(score.slopes, kept))
        score.raw_slopes = list(compress(score.raw_slopes, kept))


def still_waiting(passes: Iterable[DiscriminatorPass]) -> list[DiscriminatorPass]:
    """Passes whose loss may still be sent back; a loop may score everything before any update (pix2pixHD)."""
    waiting = [one for one in passes if not one.sloped and not one.penalty_norms and not one.waited]
    for one in waiting:
        one.waited = True
    return waiting


@dataclass(eq=False)
class Part:
    """Scores of one role: a score tensor of a pass, or some of its rows."""

    owner: DiscriminatorPass
    score: Score
    rows: slice | None = None
    slope_index: int | None = None
    samples_path: Path | None = None
    reversed: bool = False

    @property
    def values(self) -> Tensor:
        return self.score.values if self.rows is None else self.score.values[self.rows]

    @property
    def raw(self) -> Tensor:
        return self.score.raw if self.rows is None else self.score.raw[self.rows]

    def _cut(self, slopes: list[Tensor]) -> Tensor | None:
        if not slopes:
            return None
        if self.slope_index is not None:
            if self.slope_index >= len(slopes):
                return None
            total = slopes[self.slope_index]
        else:
            total = slopes[0] if len(slopes) == 1 else torch.stack(slopes).sum(0)
        total = -total if self.reversed else total
        return total if self.rows is None else total[self.rows]

    @property
    def slope(self) -> Tensor | None:
        """dL/ds, in the shape of `values`; None if no loss reached it."""
        return self._cut(self.score.slopes)

    @property
    def raw_slope(self) -> Tensor | None:
        """dL with respect to the returned tensor."""
        return self._cut(self.score.raw_slopes)

    @property
    def elements(self) -> int:
        """The number of scores the loss averaged over: those of the whole tensor."""
        return self.score.values.numel()

    @property
    def samples(self) -> Tensor:
        """The samples behind these scores, without the condition's channels."""
        value = self.owner.samples
        if self.samples_path is not None:
            value = self.owner.sample_at(self.samples_path)
        if self.rows is not None and len(value) == len(self.score.values):
            value = value[self.rows]
        if self.owner.channels is not None and value.ndim > 1:
            value = value[:, self.owner.channels]
        return value


@dataclass(eq=False)
class Assignment:
    """Who played which role in the passes of one player's step."""

    real: list[Part] = field(default_factory=list)
    fake: list[Part] = field(default_factory=list)
    generator: list[Part] = field(default_factory=list)
    penalties: list[DiscriminatorPass] = field(default_factory=list)
    without_graph: int = 0
    undecided: int = 0
    decided: int = 0
    cut: bool = False
    matching: list[DiscriminatorPass] = field(default_factory=list)
    asked_class: bool = False
    undetached: bool = False
    concatenated: bool = False
    reversed: bool = False
    leftover: list[DiscriminatorPass] = field(default_factory=list)

    @property
    def matched(self) -> bool:
        """Whether a pass sent only its features back to the generator."""
        return bool(self.matching)

    def joined(self, other: Assignment) -> Assignment:
        """Both halves of a loss that was sent back in two steps."""
        return Assignment(
            real=[*self.real, *other.real],
            fake=[*self.fake, *other.fake],
            penalties=[*self.penalties, *other.penalties],
            without_graph=self.without_graph + other.without_graph,
            undetached=self.undetached or other.undetached,
        )
