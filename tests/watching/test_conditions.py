"""Classes in the discriminator's call against those that the fakes were made with, in small real loops."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import equipoise
from equipoise.watching.conditions import classes_of, kinship, named
from equipoise.watching.kinds import Kinds

CLASSES, BATCH = 4, 32


class Conditional(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(CLASSES, 8)
        self.body = nn.Sequential(nn.Linear(inputs + 8, 32), nn.LeakyReLU(0.2), nn.Linear(32, outputs))

    def forward(self, values: Tensor, y: Tensor) -> Tensor:
        hot = y if y.ndim > 1 else F.one_hot(y, CLASSES).float()
        return self.body(torch.cat([values, hot @ self.embedding.weight], 1))


def other(y: Tensor) -> Tensor:
    return torch.randint(0, CLASSES, y.shape)


def same(y: Tensor) -> Tensor:
    return y


def play(
    shown: Callable[[Tensor], Tensor] = same,
    judged: Callable[[Tensor], Tensor] = same,
    asked: Callable[[Tensor], Tensor] = same,
    *,
    one_hot: bool = False,
    concatenated: bool = False,
    mismatched_pairs: bool = False,
) -> equipoise.Monitor:
    """A conditional loop; `shown` gives the labels of the fakes in the discriminator's step, `judged` in the
    generator's."""
    torch.manual_seed(0)
    generator, discriminator = Conditional(4, 2), Conditional(2, 1)
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator)

    def form(y: Tensor) -> Tensor:
        return F.one_hot(y, CLASSES).float() if one_hot else y

    for _ in range(60):
        y = torch.randint(0, CLASSES, (BATCH,))
        real = torch.randn(BATCH, 2) + y[:, None]
        made = asked(torch.randint(0, CLASSES, (BATCH,)))
        fake = generator(torch.randn(BATCH, 4), form(made))
        if concatenated:
            both = discriminator(torch.cat([real, fake.detach()]), torch.cat([form(y), form(shown(made))]))
            scores = both.chunk(2)
        else:
            scores = (discriminator(real, form(y)), discriminator(fake.detach(), form(shown(made))))
        loss = F.softplus(-scores[0]).mean() + F.softplus(scores[1]).mean()
        if mismatched_pairs:
            loss = loss + F.softplus(discriminator(fake.detach(), form(other(made)))).mean()
        update_d.zero_grad()
        loss.backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(fake, form(judged(made)))).mean().backward()
        update_g.step()
    monitor.close()
    return monitor


def shares(monitor: equipoise.Monitor, role: str) -> list[float]:
    return [float(value) for value in monitor.observations().series(f"condition.agreement.{role}").values]


FORMS = [{}, {"one_hot": True}, {"concatenated": True}, {"mismatched_pairs": True}]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_right_labels_agree_in_every_record(form: dict[str, bool]) -> None:
    monitor = play(**form)
    for role in ("fake", "generator"):
        known = shares(monitor, role)
        assert len(known) >= 10
        assert set(known) == {1.0}
    assert "condition-ignored" not in {finding.name for finding in monitor.diagnose().findings}


@pytest.mark.parametrize("form", FORMS[:3], ids=str)
def test_other_labels_agree_by_chance(form: dict[str, bool]) -> None:
    monitor = play(shown=other, **form)
    wrong = shares(monitor, "fake")
    # One in four, over at least 10 records of 32.
    assert sum(wrong) / len(wrong) == pytest.approx(0.25, abs=0.1)
    assert set(shares(monitor, "generator")) == {1.0}
    finding = next(one for one in monitor.diagnose().findings if one.name == "condition-ignored")
    assert finding.severity == "error"
    assert "discriminator's step" in finding.message


def test_other_labels_in_the_generators_step() -> None:
    monitor = play(judged=other)
    assert set(shares(monitor, "fake")) == {1.0}
    finding = next(one for one in monitor.diagnose().findings if one.name == "condition-ignored")
    assert "generator's step" in finding.message


@pytest.mark.parametrize(("shown", "judged"), [(same, same), (other, same), (same, other)])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("activation", [None, torch.tanh])
def test_one_hot_columns_beside_latents_and_samples(
    shown: Any, judged: Any, before: bool, activation: Any
) -> None:
    """Conditions of tables: concatenated outside of both networks, before or behind.

    With an activation outside (CTGAN's, column by column) the fakes are known by their graph alone.
    """
    torch.manual_seed(0)
    generator, discriminator = nn.Linear(4 + CLASSES, 3), nn.Linear(3 + CLASSES, 1)
    update_g = torch.optim.SGD(generator.parameters(), 1e-2)
    update_d = torch.optim.SGD(discriminator.parameters(), 1e-2)
    monitor = equipoise.watch(generator, discriminator, every=1)

    def beside(values: Tensor, y: Tensor) -> Tensor:
        hot = F.one_hot(y, CLASSES).float()
        return torch.cat([hot, values] if before else [values, hot], 1)

    for _ in range(30):
        y = torch.randint(0, CLASSES, (BATCH,))
        fake = generator(beside(torch.randn(BATCH, 4), y))
        fake = activation(fake) if activation else fake
        update_d.zero_grad()
        real = discriminator(beside(torch.randn(BATCH, 3) + y[:, None], y))
        made = fake if activation else fake.detach()
        (F.softplus(-real) + F.softplus(discriminator(beside(made, shown(y))))).mean().backward(
            retain_graph=True
        )
        update_d.step()
        if activation:  # the discriminator's weights have moved: the graph of before is not the loss's
            fake = activation(generator(beside(torch.randn(BATCH, 4), y)))
        update_g.zero_grad()
        F.softplus(-discriminator(beside(fake, judged(y)))).mean().backward()
        update_g.step()
    monitor.close()
    for role, way in (("fake", shown), ("generator", judged)):
        known = shares(monitor, role)
        assert len(known) >= 20
        assert sum(known) / len(known) == pytest.approx(1.0 if way is same else 0.25, abs=0.1)
    said = {finding.name: finding.severity for finding in monitor.diagnose().findings}
    assert (said.get("condition-ignored") == "error") == (other in (shown, judged))


def test_a_class_that_is_not_given_to_the_fakes() -> None:
    def none(y: Tensor) -> Tensor:
        return torch.full_like(y, CLASSES)

    torch.manual_seed(0)
    generator, discriminator = nn.Linear(4 + CLASSES, 3), nn.Linear(3 + CLASSES, 1)
    update_g = torch.optim.SGD(generator.parameters(), 1e-2)
    update_d = torch.optim.SGD(discriminator.parameters(), 1e-2)
    monitor = equipoise.watch(generator, discriminator, every=1)

    def beside(values: Tensor, y: Tensor) -> Tensor:
        return torch.cat([values, F.one_hot(y, CLASSES + 1)[:, :CLASSES].float()], 1)

    for _ in range(30):
        y = torch.randint(0, CLASSES, (BATCH,))
        update_d.zero_grad()
        real = discriminator(beside(torch.randn(BATCH, 3) + y[:, None], y))
        fake = torch.tanh(generator(beside(torch.randn(BATCH, 4), y)))
        (F.softplus(-real) + F.softplus(discriminator(beside(fake, none(y))))).mean().backward()
        update_d.step()
        update_g.zero_grad()
        fake = torch.tanh(generator(beside(torch.randn(BATCH, 4), y)))
        F.softplus(-discriminator(beside(fake, none(y)))).mean().backward()
        update_g.step()
    monitor.close()
    assert set(shares(monitor, "fake")) == {0.0}
    said = {finding.name: finding.severity for finding in monitor.diagnose().findings}
    assert said["condition-ignored"] == "error"


def test_what_counts_as_a_class() -> None:
    assert classes_of(torch.tensor([[3], [1]]), 2).tolist() == [3, 1]
    assert classes_of(torch.eye(3), 3).tolist() == [0, 1, 2]
    for value in (torch.randn(3, 4), torch.tensor(1), torch.zeros(3, 4), torch.tensor([0.0, 1.0, 1.0])):
        assert classes_of(value, 3) is None
    assert classes_of(torch.tensor([1, 2]), 3) is None


class Auxiliary(nn.Module):
    """A score, and an answer of its own beside it."""

    def __init__(self, answers: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2))
        self.score, self.answer = nn.Linear(32, 1), nn.Linear(32, answers)

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(values)
        return self.score(h), self.answer(h)


def classified(
    told: Callable[[Tensor], Tensor] | None,
    answers: int = CLASSES,
    real_labels: Callable[[Tensor], Tensor] = same,
    steps: int = 60,
) -> equipoise.Monitor:
    """ACGAN's loop; `told` gives the labels that the classifier's loss gets in the generator's step."""
    torch.manual_seed(0)
    generator, discriminator = Conditional(4, 2), Auxiliary(answers)
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator)
    for _ in range(steps):
        made = torch.randint(0, CLASSES, (BATCH,))
        fake = generator(torch.randn(BATCH, 4), made)
        real_score, real_answer = discriminator(torch.randn(BATCH, 2) + made[:, None])
        fake_score, _ = discriminator(fake.detach())
        loss = F.softplus(-real_score).mean() + F.softplus(fake_score).mean()
        update_d.zero_grad()
        (loss + F.cross_entropy(real_answer, real_labels(made))).backward()
        update_d.step()
        update_g.zero_grad()
        score, answer = discriminator(fake)
        asked = 0.0 if told is None else F.cross_entropy(answer, told(made))
        (F.softplus(-score).mean() + asked).backward()
        update_g.step()
    monitor.close()
    return monitor


def test_a_classifier_is_told_the_classes_that_the_fakes_were_made_with() -> None:
    right = classified(same)
    known = [value for value in shares(right, "generator") if value == value]
    assert len(known) >= 10
    assert set(known) == {1.0}
    assert "condition-ignored" not in {finding.name for finding in right.diagnose().findings}
    wrong = classified(other)
    finding = next(one for one in wrong.diagnose().findings if one.name == "condition-ignored")
    assert finding.severity == "error"
    assert "generator's step" in finding.message


def test_a_classifier_of_something_else_is_not_compared() -> None:
    turned = classified(lambda y: torch.randint(0, 7, y.shape), answers=7)
    assert not [value for value in shares(turned, "generator") if value == value]


def of_condition(monitor: equipoise.Monitor) -> list[str]:
    return [one.message for one in monitor.diagnose().findings if one.name == "condition-ignored"]


def series(monitor: equipoise.Monitor, name: str) -> list[float]:
    values = [float(value) for value in monitor.observations().series(name).values]
    return [value for value in values if value == value]


def test_a_class_that_the_generator_is_never_asked_for() -> None:
    forgotten, right = classified(None), classified(same)
    assert set(series(forgotten, "condition.asked")) == {0.0}
    assert set(series(right, "condition.asked")) == {1.0}
    assert "never" not in " ".join(of_condition(right))
    assert ["does the generator's loss ask for the class" in one for one in of_condition(forgotten)] == [True]


def test_a_discriminator_that_learns_the_classes_names_them_and_one_with_foreign_labels_does_not() -> None:
    right = classified(same, steps=400)
    assert series(right, "condition.named")[-1] > 0.5
    assert (
        0.25
        <= min(series(right, "condition.named.guess"))
        <= max(series(right, "condition.named.guess"))
        < 0.7
    )
    assert of_condition(right) == []
    shuffled = classified(same, real_labels=lambda y: y[torch.randperm(len(y))], steps=400)
    assert any("seem not to belong" in one for one in of_condition(shuffled))


def test_what_named_computes() -> None:
    answers = torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0], [2.0, 0.0, 0.0]])
    labels = torch.tensor([0, 1, 1, 1])
    slopes = answers.softmax(1) - F.one_hot(labels, 3)
    one = SimpleNamespace(other_answers=[(answers, slopes)], rows=None)
    share, guess = named(SimpleNamespace(owner=one, rows=None))
    assert (float(share), float(guess)) == (0.5, 0.75)
    share, guess = named(SimpleNamespace(owner=one, rows=slice(0, 2)))
    assert (float(share), float(guess)) == (1.0, 0.5)
    # A fourth class, that of fakes, is the largest everywhere: of the labels' own it says nothing.
    answers = torch.cat([answers, torch.full((4, 1), 3.0)], dim=1)
    one.other_answers = [(answers, answers.softmax(1) - F.one_hot(labels, 4))]
    share, guess = named(SimpleNamespace(owner=one, rows=None))
    assert (float(share), float(guess)) == (0.5, 0.75)
    one.other_answers = [(answers, answers)]
    assert named(SimpleNamespace(owner=one, rows=None)) is None


def test_what_kinship_computes() -> None:
    samples = torch.tensor([[0.0], [0.1], [5.0], [5.2], [9.0]])
    answers, labels = torch.zeros(5, 3), torch.tensor([0, 0, 1, 2, 2])
    one = SimpleNamespace(other_answers=[(answers, answers.softmax(1) - F.one_hot(labels, 3))], rows=None)
    share, chance = kinship(SimpleNamespace(owner=one, rows=None, samples=samples))
    # The first two, and the last, whose nearest is the fourth; of 20 ordered pairs 2 + 2 are of one class.
    assert (float(share), float(chance)) == pytest.approx((0.6, 0.2))
    assert kinship(SimpleNamespace(owner=one, rows=None, samples=samples[:3])) is None
    one.other_answers = []
    assert kinship(SimpleNamespace(owner=one, rows=None, samples=samples)) is None


def test_labels_of_the_reals_show_among_neighbours_before_they_are_learnt() -> None:
    for labels, belong in ((same, True), (lambda y: y[torch.randperm(len(y))], False)):
        monitor = classified(same, real_labels=labels)
        kin, chance = (series(monitor, f"condition.kin{end}") for end in ("", ".chance"))
        assert (sum(kin) / len(kin) > sum(chance) / len(chance) + 0.1) is belong


def translated(order: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> equipoise.Monitor:
    """Pairs of waves, the sample in the first channel; `order` puts them together in the generator's step."""
    torch.manual_seed(0)
    generator = nn.Conv1d(1, 1, 3, padding=1)
    discriminator = nn.Sequential(nn.Conv1d(2, 8, 3), nn.LeakyReLU(0.2), nn.Conv1d(8, 1, 3))
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator)
    for _ in range(30):
        given = torch.randn(BATCH, 1, 12)
        fake = generator(given)
        update_d.zero_grad()
        real = discriminator(torch.cat((given.abs(), given), 1))
        made = discriminator(torch.cat((fake.detach(), given), 1))
        (F.softplus(-real).mean() + F.softplus(made).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(torch.cat(order(fake, given), 1))).mean().backward()
        update_g.step()
    monitor.close()
    return monitor


def test_sample_and_condition_that_change_places() -> None:
    right = translated(lambda fake, given: (fake, given))
    assert set(series(right, "condition.place")) == {1.0}
    assert "places" not in " ".join(of_condition(right))
    wrong = translated(lambda fake, given: (given, fake))
    assert set(series(wrong, "condition.place")) == {0.0}
    assert ["changed places" in one for one in of_condition(wrong)] == [True]


class Coupled(nn.Module):
    """Two samples in one call, each with a score of its own behind common weights (CoGAN)."""

    def __init__(self) -> None:
        super().__init__()
        self.common, self.first, self.second = nn.Linear(2, 16), nn.Linear(16, 1), nn.Linear(16, 1)

    def forward(self, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        return self.first(self.common(one).relu()), self.second(self.common(other).relu())


class Twins(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.common, self.first, self.second = nn.Linear(4, 16), nn.Linear(16, 2), nn.Linear(16, 2)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        common = self.common(z).relu()
        return self.first(common), self.second(common)


def test_a_second_sample_of_the_generator_is_no_condition() -> None:
    torch.manual_seed(0)
    generator, discriminator = Twins(), Coupled()
    update_g = torch.optim.Adam(generator.parameters(), 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator)
    for _ in range(40):
        one, other = generator(torch.randn(BATCH, 4))
        update_g.zero_grad()
        sum((score - 1).square().mean() for score in discriminator(one, other)).backward()
        update_g.step()
        update_d.zero_grad()
        real = discriminator(torch.randn(BATCH, 2) + 1, torch.randn(BATCH, 2) - 1)
        fake = discriminator(one.detach(), other.detach())
        (sum((s - 1).square().mean() for s in real) + sum(s.square().mean() for s in fake)).backward()
        update_d.step()
    observed = monitor.observations()
    assert observed.fact("discriminator.conditional") is False
    assert observed.fact("objective.family") == "least-squares"


class Judge(nn.Module):
    """Given the condition and the sample as two arguments, as pix2pix's discriminator often is."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(2, 8, 3), nn.LeakyReLU(0.2), nn.Conv1d(8, 1, 3))

    def forward(self, given: Tensor, sample: Tensor) -> Tensor:
        return self.net(torch.cat((given, sample), 1))


@pytest.mark.parametrize("exchanged", [False, True])
def test_arguments_that_change_places(exchanged: bool) -> None:
    torch.manual_seed(0)
    generator, judge = nn.Conv1d(1, 1, 3, padding=1), Judge()
    update_g, update_d = (torch.optim.Adam(one.parameters(), 1e-3) for one in (generator, judge))
    monitor = equipoise.watch(generator, judge)
    for _ in range(30):
        given = torch.randn(BATCH, 1, 12)
        fake = generator(given)
        update_d.zero_grad()
        real = judge(given, given.abs())
        made = judge(fake.detach(), given) if exchanged else judge(given, fake.detach())
        (F.softplus(-real).mean() + F.softplus(made).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-judge(given, fake)).mean().backward()
        update_g.step()
    monitor.close()
    assert set(series(monitor, "condition.place")) == ({0.0} if exchanged else set())
    assert ["changed places" in one for one in of_condition(monitor)] == [True] * exchanged


@pytest.mark.parametrize("order", ["right", "wrong"])
def test_classes_that_the_loop_embeds_itself(order: str) -> None:
    """BigGAN: the generator is given rows of a shared embedding, the discriminator of both batches labels."""
    torch.manual_seed(0)
    shared, generator = (
        nn.Embedding(CLASSES, 6),
        nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2)),
    )
    discriminator = Conditional(2, 1)
    update_g = torch.optim.Adam([*generator.parameters(), *shared.parameters()], 1e-3)
    update_d = torch.optim.Adam(discriminator.parameters(), 1e-3)

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared, self.body = shared, generator

        def forward(self, noise: Tensor, embedded: Tensor) -> Tensor:
            return self.body(torch.cat([noise, embedded], 1))

    whole = Generator()
    monitor = equipoise.watch(whole, discriminator)
    for _ in range(40):
        y, made = (torch.randint(0, CLASSES, (BATCH,)) for _ in range(2))
        fake = whole(torch.randn(BATCH, 4), shared(made))
        labels = torch.cat([made, y] if order == "right" else [y, made])
        of_fake, of_real = discriminator(
            torch.cat([fake.detach(), torch.randn(BATCH, 2) + y[:, None]]), labels
        ).chunk(2)
        update_d.zero_grad()
        (F.softplus(-of_real).mean() + F.softplus(of_fake).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(fake, made)).mean().backward()
        update_g.step()
    monitor.close()
    assert set(shares(monitor, "generator")) == {1.0}
    shown = shares(monitor, "fake")
    if order == "right":
        assert set(shown) == {1.0}
    else:
        assert sum(shown) / len(shown) == pytest.approx(0.25, abs=0.1)
    found = [one.severity for one in monitor.diagnose().findings if one.name == "condition-ignored"]
    assert found == ([] if order == "right" else ["error"])


def only(one: int) -> Callable[[Tensor], Tensor]:
    return lambda y: torch.full_like(y, one)


@pytest.mark.parametrize("one_hot", [False, True])
def test_one_class_for_all_fakes(one_hot: bool) -> None:
    monitor = play(asked=only(2), one_hot=one_hot)
    facts = monitor.observations().facts
    assert (facts["generator.classes"], facts["generator.classes.asked"]) == (CLASSES, 1)
    finding = next(one for one in monitor.diagnose().findings if one.name == "condition-ignored")
    assert "can be asked for 4 classes" in finding.message
    drawn = play(one_hot=one_hot).observations().facts
    assert (drawn["generator.classes"], drawn["generator.classes.asked"]) == (CLASSES, CLASSES)


def test_one_class_a_batch_is_no_single_class() -> None:
    """Batches of one class each, another every time: all are asked for in the end."""
    monitor = play(asked=lambda y: torch.full_like(y, int(y[0])))
    assert monitor.observations().facts["generator.classes.asked"] == CLASSES
    assert "condition-ignored" not in {finding.name for finding in monitor.diagnose().findings}


def test_a_flag_beside_the_class_is_none() -> None:
    kinds = Kinds(Conditional(4, 2))
    y, flag = torch.randint(0, CLASSES, (BATCH,)), torch.ones(BATCH, dtype=torch.long)
    kinds.call(SimpleNamespace(args=(torch.randn(BATCH, 4), y, flag), kwargs={}))
    assert kinds.facts()["generator.classes.asked"] == len(y.unique())
    assert kinds.facts()["generator.classes.samples"] == BATCH
    kinds = Kinds(nn.Linear(4, 2))
    kinds.call(SimpleNamespace(args=(torch.randn(BATCH, 4),), kwargs={}))
    assert kinds.facts() == {}


def nothing(y: Tensor) -> Tensor:
    return torch.full_like(y, CLASSES)


@pytest.mark.parametrize("concatenated", [True, False])
@pytest.mark.parametrize(
    ("asked", "shown", "judged"),
    [
        (same, same, same),
        (same, other, same),
        (same, same, other),
        (nothing, same, same),
        (same, nothing, same),
    ],
)
def test_maps_of_classes_beside_images(concatenated: bool, asked: Any, shown: Any, judged: Any) -> None:
    """A channel of ones for each class, beside the image or apart; one player may have no classes at all."""
    torch.manual_seed(0)
    generator = nn.ConvTranspose2d(4 + CLASSES, 1, 4)
    discriminator = Beside(CLASSES)
    update_g, update_d = (torch.optim.SGD(one.parameters(), 1e-2) for one in (generator, discriminator))
    monitor = equipoise.watch(generator, discriminator, every=1)

    def maps(y: Tensor, size: int) -> Tensor:
        return F.one_hot(y, CLASSES + 1)[:, :CLASSES, None, None].float().expand(-1, -1, size, size)

    def score(images: Tensor, y: Tensor) -> Tensor:
        planes = maps(y, 4)
        return (
            discriminator(torch.cat([images, planes], 1)) if concatenated else discriminator(images, planes)
        )

    for _ in range(30):
        y = torch.randint(0, CLASSES, (BATCH,))
        fake = generator(torch.cat([torch.randn(BATCH, 4, 1, 1), maps(asked(y), 1)], 1))
        update_d.zero_grad()
        real = score(torch.randn(BATCH, 1, 4, 4) + y[:, None, None, None], y)
        (F.softplus(-real) + F.softplus(score(fake.detach(), shown(y)))).mean().backward()
        update_d.step()
        update_g.zero_grad()
        F.softplus(-score(fake, judged(y))).mean().backward()
        update_g.step()
    monitor.close()
    wrong = (asked, shown, judged) != (same, same, same)
    found = {finding.name for finding in monitor.diagnose().findings}
    assert len(shares(monitor, "fake")) >= 20
    assert ("condition-ignored" in found) is wrong
    # The maps are larger than the image, which the first call of the discriminator does not show.
    assert monitor.observations().series("batch.real.repeated").finite().first == 0


class Beside(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1 + classes, 1, 4)

    def forward(self, *images: Tensor) -> Tensor:
        return self.layer(torch.cat(images, 1)).flatten(1)
