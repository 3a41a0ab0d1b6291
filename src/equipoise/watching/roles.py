"""Who plays which role: real, fake, the generator's fake, or an input of a penalty.

Evidence in the order of its weight: the user's tags; live storages and values of generator outputs; autograd
ancestry; and the sign of the slope at the score. The last one is the backbone: each sample of the
discriminator's step is pushed in its own direction, and the generator's step shows which one means real.
"""

from __future__ import annotations

import torch
from torch import Tensor

from equipoise.watching.passes import Assignment, DiscriminatorPass, Part
from equipoise.watching.penalised import only_penalised, without_graph
from equipoise.watching.places import Places
from equipoise.watching.reversal import mark_reversed

# A batch is called pure when this share of its non-zero slopes has one sign: with least squares and hinge the
# sign changes within a batch, so a bare majority is decided together with the other evidence only.
PURE = 0.9
MAJORITY = 0.6
_MEMORY = 0.98
_DIVIDED = 0.02


def positive_share(slope: Tensor | None) -> float:
    """The share of the non-zero slopes that are positive; nan if there are none."""
    if slope is None:
        return float("nan")
    nonzero = slope != 0
    count = int(nonzero.sum())
    if not count:
        return float("nan")
    return float((slope > 0).sum()) / count


class Roles:
    """Assigns roles and learns, vote by vote, which direction of the score means real."""

    def __init__(self) -> None:
        self._discriminator_votes = 0.0
        self._generator_votes = 0.0
        self.decided = 0
        self.undecided = 0
        self.tagged = False
        # Batches of the discriminator's own steps by which way they were pushed, whatever they were.
        self.pushed = [0, 0]
        # Steps with fakes and no real: all of them, and those with scores of one call pushed both ways.
        self.lonely = [0, 0]
        self.places = Places()

    @property
    def orientation(self) -> int:
        """+1 if a higher score means real, -1 if a lower one does, 0 if not known yet."""
        votes = self._discriminator_votes if abs(self._discriminator_votes) >= 0.5 else self._generator_votes
        return (votes > 0) - (votes < 0)

    def discriminator_step(self, passes: list[DiscriminatorPass]) -> Assignment:
        """The roles in a discriminator update; passes that belong to the generator's loss are left over."""
        mark_reversed(passes)
        result = Assignment(
            penalties=[one for one in passes if one.penalty_norms], without_graph=without_graph(passes)
        )
        sloped = [one for one in passes if one.sloped]
        attached = [one for one in sloped if one.attached and one.tagged is None]
        loose = [one for one in sloped if not one.attached and (one.link is not None or one.tagged == "fake")]
        others = [one for one in sloped if not one.attached and one not in loose]
        if loose or attached:
            with_fakes = self._pushed_together(others, loose or attached)
            others = [one for one in others if not only_penalised(one, passes, with_fakes)]
        slope_index: dict[int, int] = {}
        if attached and loose:
            result.leftover = attached
        elif attached and not others and _two_domains(attached):
            # Both domains come from the one network (DANN): neither is the real one.
            result.undecided = len(attached)
            self.undecided += result.undecided
            return result
        elif attached:
            mine = self._own_attached(attached, others)
            result.leftover = [one for one in attached if one not in mine]
            for one in mine:
                # One forward pass used by both losses: its first backward pass is the discriminator's.
                if any(len(score.slopes) > 1 for score in one.scores):
                    if any(len(score.slopes) > 1 and _opposed(score.slopes) for score in one.scores):
                        slope_index[id(one)] = 0
                    # Pushed the same way twice it is the generator's too: if its step scores nothing else.
                    result.leftover.append(one)
            loose = mine
            # Behind a reversed gradient one loss is both players': its way into the generator is meant.
            result.undetached = not all(one.reversed for one in mine)
            result.leftover += [one for one in mine if one.reversed]
        known: list[Part] = []
        unknown: list[Part] = []
        for one in loose:
            parts = self._parts(one, slope_index.get(id(one)))
            known += [part for part, fake in parts if fake]
            # The rest of a mixed batch, or the other sample of a paired call.
            result.real += [part for part, fake in parts if fake is False]
            unknown += [part for part, fake in parts if fake is None]
            result.concatenated |= one.rows is not None
        result.fake += known
        for one in others:
            # Where both losses were sent back, reals may carry both as well (BiGAN's, with their codes).
            twice = any(len(score.slopes) > 1 and _opposed(score.slopes) for score in one.scores)
            index = 0 if twice and result.leftover else None
            if one.tagged == "real":
                result.real += [part for part, _ in self._parts(one, index)]
            else:
                unknown += [part for part, _ in self._parts(one, index)]
        self._place_unknown(unknown, result, known)
        if result.undecided and not known:
            for part in unknown:
                share = positive_share(part.slope)
                if max(share, 1 - share) >= PURE:
                    self.pushed[share > 0.5] += 1
        self.vote(result)
        if result.fake and not (result.real or result.undecided):
            divided = [part for part in result.fake if _DIVIDED < positive_share(part.slope) < 1 - _DIVIDED]
            self.lonely[0] += 1
            self.lonely[1] += bool(divided)
            self.places.discriminator_step(divided)
        result.decided = len(result.real) + len(result.fake)
        self.decided += result.decided
        self.undecided += result.undecided
        return result

    def generator_step(self, passes: list[DiscriminatorPass], second: set[int] | None = None) -> Assignment:
        """The roles in a generator update. `second` names passes whose second slope is the generator's."""
        mark_reversed(passes)
        result = Assignment()
        sloped = [one for one in passes if one.sloped]
        # What another network made (BiGAN's codes beside the reals) counts only where nothing is its own.
        grown = [one for one in sloped if one.link is None and one.grown]
        attached = [one for one in sloped if one.attached] or grown
        if _two_domains(attached):
            result.reversed = True
            return result
        if _lost(attached):
            result.cut = True
            return result
        for one in attached:
            index = 1 if second and id(one) in second else None
            for part, fake in self._parts(one, index):
                # In a paired call only the generated half receives the generator's loss.
                if fake is not False:
                    part.reversed = one.reversed
                    result.reversed |= one.reversed
                    result.generator.append(part)
        self.places.generator_step(result.generator)
        if not attached:
            result.cut = any(one.link is not None for one in sloped)
        for part in result.generator:
            share = positive_share(part.slope)
            if share == share and abs(share - 0.5) > 0.1:
                self._generator_votes = _MEMORY * self._generator_votes + (1.0 if share < 0.5 else -1.0)
        result.decided = len(result.generator)
        result.undecided = int(not result.generator and not result.cut and bool(sloped))
        self.decided += result.decided
        self.undecided += result.undecided
        return result

    def _own_attached(
        self, attached: list[DiscriminatorPass], others: list[DiscriminatorPass]
    ) -> list[DiscriminatorPass]:
        # Fakes that were not detached. With two groups of opposite slopes, the group pushed like the reals is
        # the generator's.
        if len(attached) == 1 or not others:
            return attached
        reals = _mean_share(others)
        mine = [one for one in attached if (_mean_share([one]) - 0.5) * (reals - 0.5) <= 0]
        return mine or attached

    @staticmethod
    def _pushed_together(
        others: list[DiscriminatorPass], fakes: list[DiscriminatorPass]
    ) -> list[DiscriminatorPass]:
        """Those of unknown passes that are pushed the way of the generator's: pools of fakes, wrong pairs."""
        way = _mean_share(fakes) - 0.5
        return [one for one in others if (_mean_share([one]) - 0.5) * way > 0]

    def _parts(self, one: DiscriminatorPass, index: int | None) -> list[tuple[Part, bool | None]]:
        """The parts of a pass: True for the generator's, False for the other side, None for unknown."""
        scores = [score for score in one.scores if score.slopes]
        if one.pairs:
            # Several samples in one call, one score tensor each, in the order of the arguments.
            half = max(len(one.scores) // 2, 1)
            first_is_fake = one.path < one.pairs[0]
            parts: list[tuple[Part, bool | None]] = []
            for score in scores:
                first = one.scores.index(score) < half
                fake = first is first_is_fake
                path = None if fake else one.pairs[0]
                parts.append((Part(one, score, slope_index=index, samples_path=path), fake))
            return parts
        result: list[tuple[Part, bool | None]] = []
        for score in scores:
            rows = one.rows if one.rows is not None and len(score.values) == len(one.samples) else None
            if rows is None:
                known = True if (one.link is not None or one.tagged == "fake") else None
                result.append((Part(one, score, slope_index=index), known))
                continue
            count = len(score.values)
            start, stop, _ = rows.indices(count)
            rest = slice(0, start) if start > 0 else slice(stop, count)
            result.append((Part(one, score, rows, index), True))
            if rest.start < rest.stop:
                result.append((Part(one, score, rest, index), False))
        return result

    def _place_unknown(self, unknown: list[Part], result: Assignment, known: list[Part]) -> None:
        # How the generator's own samples are pushed in this very step says it best.
        pushed = _mean([positive_share(part.slope) for part in known])
        down = self.orientation if not max(pushed, 1 - pushed) >= PURE else 1 if pushed > 0.5 else -1
        # A loop that puts reals and fakes into one batch does it in every call: one of several passes that
        # falls into halves does so by chance (noisy labels).
        divided = {} if known else {id(part): halves for part in unknown if (halves := _split(part))}
        if len(divided) < len(unknown):
            divided = {}
        for part in unknown:
            share = positive_share(part.slope)
            if known:
                # The generator's samples were recognised, so the rest is real; only a pure push the other
                # way, such as that of a pool of old fakes, overrules it.
                fakeness = (share if down > 0 else 1 - share) if down else 0.0
                pool = fakeness >= PURE and len(unknown) > 1 and _mixed(unknown)
                (result.fake if pool else result.real).append(part)
                continue
            halves = divided.get(id(part))
            if halves is not None:
                low, high = halves
                result.concatenated = True
                first_positive = positive_share(low.slope) > 0.5
                if self.orientation:
                    first_fake = first_positive if self.orientation > 0 else not first_positive
                    (result.fake if first_fake else result.real).append(low)
                    (result.real if first_fake else result.fake).append(high)
                else:
                    result.undecided += 1
            elif share != share or not self.orientation or abs(share - 0.5) < MAJORITY - 0.5:
                self._by_exclusion(part, unknown, result)
            else:
                fake = share > 0.5 if self.orientation > 0 else share < 0.5
                (result.fake if fake else result.real).append(part)

    def _by_exclusion(self, part: Part, unknown: list[Part], result: Assignment) -> None:
        # No slope decides (all margins satisfied, mixed signs): with two batches, the other one may tell.
        for other in unknown:
            share = positive_share(other.slope)
            if other is part or share != share or not self.orientation or abs(share - 0.5) < MAJORITY - 0.5:
                continue
            other_fake = share > 0.5 if self.orientation > 0 else share < 0.5
            (result.real if other_fake else result.fake).append(part)
            return
        result.undecided += 1

    def vote(self, result: Assignment) -> None:
        """Learn from a step with reals and fakes which direction of the score means real."""
        sure = [part for part in result.fake if part.owner.link is not None or part.owner.tagged]
        if not sure or not result.real:
            return
        fake = _mean([positive_share(part.slope) for part in sure])
        real = _mean([positive_share(part.slope) for part in result.real])
        if fake != fake and real != real:
            return
        # Both pushed the same way is a fault of the objective and says nothing about the direction.
        if fake == fake and real == real and (fake - 0.5) * (real - 0.5) > 0.01:
            return
        fake = fake if fake == fake else 1 - real
        real = real if real == real else 1 - fake
        if abs(fake - real) > 0.2:
            self._discriminator_votes = _MEMORY * self._discriminator_votes + (1.0 if fake > real else -1.0)


def _two_domains(attached: list[DiscriminatorPass]) -> bool:
    """Whether the generator's outputs of two domains are told apart, both behind a reversed gradient."""
    if len(attached) < 2 or not any(one.reversed for one in attached):
        return False
    parts = [Part(one, score) for one in attached for score in one.scores if score.slopes]
    return _mixed(parts)


def _lost(attached: list[DiscriminatorPass]) -> bool:
    """Whether the gradient of a pass was lost on its way, and that of no pass was turned round."""
    return any(one.stopped for one in attached) and not any(one.reversed for one in attached)


def reals_beside(assignment: Assignment, passes: list[DiscriminatorPass]) -> list[Part]:
    """The reals that a relative objective scores in the generator's step."""
    if not assignment.generator:
        return []
    shape = assignment.generator[0].score.values.shape
    own = {id(part.owner) for part in assignment.generator}
    return [
        Part(one, score)
        for one in passes
        if id(one) not in own and one.link is None and not one.penalty_norms
        for score in one.scores
        if score.values.shape == shape
    ][:1]


def _mean(values: list[float]) -> float:
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else float("nan")


def _mean_share(passes: list[DiscriminatorPass]) -> float:
    return _mean([positive_share(score.slopes[0]) for one in passes for score in one.scores if score.slopes])


def _opposed(slopes: list[Tensor]) -> bool:
    first, second = positive_share(slopes[0]), positive_share(slopes[1])
    return (first - 0.5) * (second - 0.5) < 0


def _mixed(parts: list[Part]) -> bool:
    shares = [share for part in parts if (share := positive_share(part.slope)) == share]
    return bool(shares) and min(shares) < 0.5 < max(shares)


def _split(part: Part) -> tuple[Part, Part] | None:
    """The two contiguous, pure halves of a batch of real and fake, found where the slope's sign changes."""
    slope = part.slope
    if slope is None or len(slope) < 4:
        return None
    signs = torch.sign(slope.sum(dim=1) if slope.ndim > 1 else slope)
    positive = (signs > 0).float()
    nonzero = (signs != 0).float()
    ones, known = positive.cumsum(0), nonzero.cumsum(0)
    total, count = float(ones[-1]), float(known[-1])
    if count < 4 or min(total, count - total) < 0.2 * count:
        return None
    rest_known = count - known
    left = ones / known.clamp(min=1)
    right = (total - ones) / rest_known.clamp(min=1)
    contrast = (left - right).abs()[:-1]
    cut = int(contrast.argmax()) + 1
    # Equal halves are by far the most common; prefer them when they are as pure.
    half = len(slope) // 2
    if len(slope) % 2 == 0 and float(contrast[half - 1]) >= float(contrast[cut - 1]) - 0.05:
        cut = half
    if float(contrast[cut - 1]) < 2 * PURE - 1 or min(cut, len(slope) - cut) < 2:
        return None
    return (
        Part(part.owner, part.score, slice(0, cut), part.slope_index),
        Part(part.owner, part.score, slice(cut, len(slope)), part.slope_index),
    )
