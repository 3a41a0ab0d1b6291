"""Answers of several classes, losses in halves, slopes that are asked for first, features alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_pair import LATENT, ROWS, SIZE, adam, data, names, noise, observed
from torch import Tensor, nn

import equipoise
from equipoise.history.store import History
from equipoise.watching.classes import Readings, guessed, read_slopes, read_values, told_nothing
from equipoise.watching.passes import GeneratorCall
from equipoise.watching.scores import choose_scores
from equipoise.watching.treated import noisy_copy, pooled_rows, translates
from equipoise.watching.watcher import Watcher


def networks(places: int = 1, last: tuple[nn.Module, ...] = ()) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(LATENT, 32), nn.ReLU(), nn.Linear(32, SIZE), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(SIZE, 32), nn.LeakyReLU(0.2), nn.Linear(32, places), *last)
    return generator, discriminator


# ---- one score of several classes


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        (lambda logits: logits, "difference"),
        (lambda logits: logits.log_softmax(1), "log-difference"),
        (lambda logits: logits.softmax(1), "odds"),
    ],
)
def test_two_classes_are_read_as_their_log_odds_with_the_exact_slope(answer: Any, reading: str) -> None:
    logits = torch.randn(6, 2, dtype=torch.float64)
    target = torch.tensor([0, 1, 1, 0, 1, 0])
    given = answer(logits).detach().requires_grad_()
    loss = F.cross_entropy(given, target) if reading == "difference" else None
    if loss is None:
        loss = F.nll_loss(given if reading == "log-difference" else given.log(), target)
    (sent,) = torch.autograd.grad(loss, given)
    assert guessed(given.detach(), sent, (2,)) == reading
    score = read_values(given.detach(), (2,), reading)  # type: ignore[arg-type]
    torch.testing.assert_close(score, (logits[:, 1] - logits[:, 0])[:, None])
    # The same loss, written on the score itself.
    odds = score.clone().requires_grad_()
    (slope,) = torch.autograd.grad(F.binary_cross_entropy_with_logits(odds[:, 0], target.double()), odds)
    torch.testing.assert_close(read_slopes(given.detach(), sent, (2,), reading), slope)  # type: ignore[arg-type]


def test_a_loss_of_all_classes_together_is_read_as_their_total() -> None:
    logits = torch.randn(6, 10, dtype=torch.float64, requires_grad=True)
    (sent,) = torch.autograd.grad(F.softplus(logits.logsumexp(1)).mean(), logits)
    assert guessed(logits.detach(), sent, (10,)) == "total"
    torch.testing.assert_close(
        read_slopes(logits.detach(), sent, (10,), "total"),
        (logits.logsumexp(1).sigmoid() / 6).detach()[:, None],
    )
    # A labelled batch tells the classes apart, and neither real from fake.
    (labelled,) = torch.autograd.grad(F.cross_entropy(logits, torch.arange(6)), logits)
    assert told_nothing(labelled, (10,), "total")
    assert not told_nothing(sent, (10,), "total")


@pytest.mark.parametrize(
    "loss", [lambda s: -s.mean(), lambda s: (s - 1).square().mean(), lambda s: F.relu(1 - s).mean()]
)
def test_patches_in_a_row_stay_scores_of_their_own(loss: Any) -> None:
    for places in (2, 5):
        for scale in (1e-3, 1.0):  # an untrained discriminator gives all patches nearly the same
            answers = (scale * torch.randn(16, places)).requires_grad_()
            (sent,) = torch.autograd.grad(loss(answers), answers)
            assert guessed(answers.detach(), sent, (places,)) is None


def test_an_answer_is_looked_at_a_few_times_only() -> None:
    readings = Readings()
    values, sent = torch.randn(4, 3), torch.full((4, 3), -0.1)
    assert [readings.learn((), values, sent, (3,)) for _ in range(60)] == [None] * 60
    assert readings._tries[()] == 40
    assert readings.learn((), values, sent, (1,)) is None


@pytest.mark.parametrize("wrong", [False, True])
def test_a_loop_with_two_classes_is_understood(wrong: bool) -> None:
    generator, discriminator = networks(2)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = adam(discriminator), adam(generator)
    real, fake = torch.zeros(ROWS).long(), torch.ones(ROWS).long()
    for _ in range(60):
        made = generator(noise())
        loss = F.cross_entropy(discriminator(data()), real) + F.cross_entropy(
            discriminator(made.detach()), fake
        )
        update_d.zero_grad()
        loss.backward()
        update_d.step()
        update_g.zero_grad()
        F.cross_entropy(discriminator(made), fake if wrong else real).backward()
        update_g.step()
    seen = observed(watcher)
    assert seen.fact("roles.decided") == 1.0
    assert ("g-objective-sign" in names(seen)) is wrong
    if not wrong:
        assert seen.fact("objective.family") == "non-saturating"
        assert seen.fact("score.orientation") == -1
        assert names(seen) == []


# ---- a loss in two halves, each with its own step


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_halves_of_the_discriminators_loss_make_one_record(scale: float) -> None:
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(40):
        made = generator(noise())
        for batch, sign in ((scale * data(), -1), (made.detach(), 1)):
            update_d.zero_grad()
            F.softplus(sign * discriminator(batch)).mean().backward()
            update_d.step()
        update_g.zero_grad()
        F.softplus(-discriminator(made)).mean().backward()
        update_g.step()
    seen = observed(watcher)
    assert len(seen.series("score.auc")) >= 38
    assert seen.series("sample.real.high").median() == pytest.approx(scale, rel=0.1)
    # Each batch of reals is counted once.
    assert seen.series("batch.real.repeated").largest() == 0
    assert ("range-mismatch" in names(seen)) is (scale > 1)


# ---- slopes that are asked for before the loss is sent back (taming-transformers, EnCodec's balancer)


@pytest.mark.parametrize(("cleared", "used"), [(True, True), (True, False), (False, True)])
def test_gradients_that_wait_while_a_weight_is_computed_are_not_stale(cleared: bool, used: bool) -> None:
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(140):
        made, real = generator(noise()), data()
        content, adversarial = (made - real).abs().mean(), -discriminator(made).mean()
        last = generator[2].weight
        (one,) = torch.autograd.grad(content, last, retain_graph=True)
        (other,) = torch.autograd.grad(adversarial, last, retain_graph=True)
        if cleared:
            update_g.zero_grad()
        (content + (one.norm() / other.norm()) * adversarial if used else content).backward()
        update_g.step()
        update_d.zero_grad()
        (F.relu(1 - discriminator(real)).mean() + F.relu(1 + discriminator(made.detach())).mean()).backward()
        update_d.step()
    found = names(observed(watcher))
    assert ("stale-gradients" in found) is not cleared
    # The weight alone brings no gradient of the discriminator to the generator.
    assert ("generator-graph-cut" in found) is not used


# ---- the discriminator's features alone


@pytest.mark.parametrize(
    ("climbs", "found"),
    [((), None), (("discriminator",), None), (("generator",), "g-objective-sign")],
)
def test_an_optimizer_that_maximises_pushes_the_other_way(climbs: tuple[str, ...], found: str | None) -> None:
    """The critic's loss is meant to be maximised where its optimizer does; the generator's never is."""
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    steps = {
        name: torch.optim.RMSprop(network.parameters(), 1e-3, maximize=name in climbs)
        for name, network in (("generator", generator), ("discriminator", discriminator))
    }
    sign = 1.0 if "discriminator" in climbs else -1.0
    for _ in range(60):
        steps["discriminator"].zero_grad()
        real, fake = discriminator(data()), discriminator(generator(noise()).detach())
        (sign * (real.mean() - fake.mean())).backward()
        steps["discriminator"].step()
        steps["generator"].zero_grad()
        (-discriminator(generator(noise())).mean()).backward()
        steps["generator"].step()
    seen = observed(watcher)
    assert ("g-objective-sign" in names(seen)) == (found is not None)
    assert "d-objective-sign" not in names(seen)
    assert seen.fact("score.orientation") == 1
    assert seen.fact("objective.family") == "wasserstein"


class Auxiliary(nn.Module):
    """A validity and behind it a class, as ACGAN's discriminator computes them."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(SIZE, 32), nn.LeakyReLU(0.2))
        self.validity, self.label = nn.Linear(32, 1), nn.Linear(32, 4)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(samples)
        return self.validity(features), self.label(features)


@pytest.mark.parametrize("cleared", [True, False])
def test_a_class_that_is_sent_back_before_the_score_is_not_stale(cleared: bool) -> None:
    """Of several answers of one pass the last is reached first, and its layer has its gradient by then."""
    generator, discriminator = networks()[0], Auxiliary()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    steps = adam(generator), adam(discriminator)
    labels = torch.randint(0, 4, (ROWS,))
    for _ in range(40):
        steps[0].zero_grad()
        validity, label = discriminator(generator(noise()))
        (F.softplus(-validity).mean() + F.cross_entropy(label, labels)).backward()
        steps[0].step()
        if cleared:
            steps[1].zero_grad()
        for sign, samples in ((-1.0, data()), (1.0, generator(noise()).detach())):
            validity, label = discriminator(samples)
            (F.softplus(sign * validity).mean() + F.cross_entropy(label, labels)).backward()
        steps[1].step()
    seen = observed(watcher)
    assert (seen.last("gradient.discriminator.stale") < 0.01) is cleared
    assert ("stale-gradients" in names(seen)) is not cleared


@pytest.mark.parametrize("matched", [True, False])
def test_matched_features_are_a_gradient_of_the_discriminator(matched: bool) -> None:
    class Judge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Sequential(nn.Linear(SIZE, 32), nn.LeakyReLU(0.2)), nn.Linear(32, 1)

        def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
            features = self.first(samples)
            return features, self.last(features)

    generator, _ = networks()
    discriminator = Judge()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(120):
        made, real = generator(noise()), data()
        loss = F.softplus(-discriminator(real)[1]) + F.softplus(discriminator(made.detach())[1])
        update_d.zero_grad()
        loss.mean().backward()
        update_d.step()
        update_g.zero_grad()
        if matched:
            (discriminator(made)[0].mean(0) - discriminator(real)[0].mean(0)).square().sum().backward()
        else:
            (made.mean(0) - real.mean(0)).square().sum().backward()
        update_g.step()
    seen = observed(watcher)
    assert seen.fact("generator.feature_matching") is matched
    assert ("generator-graph-cut" in names(seen)) is not matched


# ---- noisy labels


def test_noisy_labels_do_not_make_one_batch_of_two() -> None:
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = adam(discriminator), adam(generator)
    bce = F.binary_cross_entropy_with_logits
    for _ in range(150):
        made = generator(noise())
        # The targets of each batch lie on both sides of the score, in order: its slopes fall into halves.
        ordered = torch.cat([torch.full((ROWS // 2, 1), 0.3), torch.full((ROWS // 2, 1), 1.2)])
        update_d.zero_grad()
        bce(discriminator(data() + 0.1 * torch.randn(ROWS, SIZE)), ordered).backward()
        bce(discriminator(made.detach() + 0.1 * torch.randn(ROWS, SIZE)), torch.zeros(ROWS, 1)).backward()
        update_d.step()
        update_g.zero_grad()
        bce(discriminator(made), torch.ones(ROWS, 1)).backward()
        update_g.step()
    assert observed(watcher).fact("concatenated") is not True


# ---- fakes with noise on them, losses that are not used


@pytest.mark.parametrize("wrong", [False, True])
def test_fakes_are_recognised_behind_noise(wrong: bool) -> None:
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = adam(discriminator), adam(generator)
    bce = F.binary_cross_entropy_with_logits
    for _ in range(80):
        made = generator(noise())
        update_d.zero_grad()
        bce(discriminator(data() + 0.05 * torch.randn(ROWS, SIZE)), torch.ones(ROWS, 1)).backward()
        bce(discriminator(made.detach() + 0.05 * torch.randn(ROWS, SIZE)), torch.zeros(ROWS, 1)).backward()
        update_d.step()
        update_g.zero_grad()
        bce(discriminator(made), torch.full((ROWS, 1), float(not wrong))).backward()
        update_g.step()
    seen = observed(watcher)
    # A wrong target of the generator does not make reals of its samples.
    assert seen.fact("score.orientation") == 1
    assert seen.fact("roles.decided") == 1.0
    assert ("g-objective-sign" in names(seen)) is wrong


def test_the_target_of_a_translation_is_not_its_noisy_copy() -> None:
    output = torch.randn(16, SIZE)
    target, stranger = output + 0.1 * torch.randn(16, SIZE), torch.randn(16, SIZE)
    noisy = output + 0.05 * torch.randn(16, SIZE)
    assert noisy_copy([stranger, noisy], [output]) == (1, 0)
    assert noisy_copy([target, noisy], [stranger, output]) == (1, 1)
    assert noisy_copy([noisy, output + 0.06 * torch.randn(16, SIZE)], [output]) is None
    assert noisy_copy([noisy], [output]) is None
    assert noisy_copy([stranger, torch.randn(16, SIZE)], [output]) is None


def test_a_pool_of_new_and_older_fakes_is_recognised_by_its_new_rows() -> None:
    output, older = torch.randn(4, 3, 8, 8), torch.randn(4, 3, 8, 8)
    pool = torch.cat([older[:2], output[2:]])
    assert pooled_rows(pool, output)
    assert pooled_rows(torch.cat([torch.ones(4, 1, 8, 8), pool], 1), output)
    assert not pooled_rows(older, output)
    assert not pooled_rows(older[:2], output)


@pytest.mark.parametrize("idle", ["generator", "discriminator", None])
def test_a_loss_that_no_step_follows_is_counted(idle: str | None) -> None:
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(30):
        made = generator(noise())
        discriminator.zero_grad()
        (discriminator(made.detach()).mean() - discriminator(data()).mean()).backward()
        if idle != "discriminator":
            update_d.step()
        generator.zero_grad()
        (-discriminator(made).mean()).backward()
        if idle != "generator":
            update_g.step()
    seen = observed(watcher)
    for player in ("generator", "discriminator"):
        assert (seen.fact(f"loss.unused.{player}") >= 20) is (player == idle)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("others", [True, False])
def test_a_generator_whose_loss_scores_the_reals_is_named(others: bool, alone: bool) -> None:
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(60):
        made, real = generator(noise()), data()
        update_g.zero_grad()
        judged = discriminator(real if others else made)
        beside = 0.0 if alone else (made.mean(0) - real.mean(0)).square().sum()
        (beside + F.softplus(-judged).mean()).backward()
        update_g.step()
        update_d.zero_grad()
        (F.softplus(-discriminator(real)) + F.softplus(discriminator(made.detach()))).mean().backward()
        update_d.step()
    seen = observed(watcher)
    assert seen.fact("generator.judges_others") is others
    assert ("generator-graph-cut" in names(seen)) is others
    if others:
        assert names(seen)[0] == "generator-graph-cut"


# ---- the order of things


@pytest.mark.parametrize("wrong", [False, True])
def test_a_loop_that_scores_everything_before_any_update_is_seen(wrong: bool) -> None:
    generator, discriminator = networks()
    watcher = Watcher(generator, discriminator, History(None), every=4)
    update_d, update_g = adam(discriminator), adam(generator)
    for _ in range(160):
        made, real = generator(noise()), data()
        # Two copies: neither is the generator's own tensor any more.
        fakes, reals, own = discriminator(made.detach() + 0), discriminator(real), discriminator(made)
        loss_d = reals.sub(1).square().mean() + fakes.square().mean()
        loss_g = own.sub(0.0 if wrong else 1.0).square().mean()
        update_g.zero_grad()
        loss_g.backward()
        update_g.step()
        update_d.zero_grad()
        loss_d.backward()
        update_d.step()
    seen = observed(watcher)
    assert seen.fact("roles.decided") == 1.0
    assert seen.fact("score.orientation") == 1
    assert len(seen.series("score.auc")) >= 30
    assert ("g-objective-sign" in names(seen)) is wrong


@pytest.mark.parametrize("fault", [None, "generator", "discriminator"])
def test_two_losses_of_one_pass_are_told_apart_whichever_way_they_push(fault: str | None) -> None:
    class Pairs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(SIZE + LATENT, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

        def forward(self, samples: Tensor, codes: Tensor) -> Tensor:
            return self.body(torch.cat([samples, codes], 1))

    generator, _ = networks()
    discriminator, encoder = Pairs(), nn.Linear(SIZE, LATENT)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    weights = [*generator.parameters(), *encoder.parameters()]
    update_d, update_g = adam(discriminator), torch.optim.Adam(weights, 1e-3, betas=(0.5, 0.9))
    bce, one, zero = F.binary_cross_entropy_with_logits, torch.ones(ROWS, 1), torch.zeros(ROWS, 1)
    for _ in range(60):
        codes, real = noise(), data()
        fakes, reals = discriminator(generator(codes), codes), discriminator(real, encoder(real))
        loss_d = bce(reals, one) + bce(fakes, one if fault == "discriminator" else zero)
        turned = fault == "generator"
        loss_g = bce(fakes, zero if turned else one) + bce(reals, one if turned else zero)
        update_d.zero_grad()
        loss_d.backward(retain_graph=True, inputs=list(discriminator.parameters()))
        update_g.zero_grad()
        loss_g.backward(inputs=weights)
        update_d.step()
        update_g.step()
    found = names(observed(watcher))
    expected = {None: [], "generator": ["g-objective-sign"], "discriminator": ["d-objective-sign"]}
    assert found[:1] == expected[fault]


@pytest.mark.parametrize("broken", [True, False])
def test_weights_that_became_nan_between_two_records_are_said(broken: bool) -> None:
    generator, discriminator = networks()
    monitor = equipoise.watch(generator, discriminator)
    for step in range(120):
        adversarial_step(generator, discriminator)
        if broken and step == 117:
            with torch.no_grad():
                discriminator[0].weight[0, 0] = float("nan")
            break
    before = len(monitor.history.observations().series("finite"))
    found = monitor.diagnose().findings
    assert ("non-finite" in [finding.name for finding in found]) is broken
    assert len(monitor.observations().series("finite")) - before == broken
    monitor.close()
    assert ("non-finite" in [finding.name for finding in monitor.diagnose().findings]) is broken


def adversarial_step(generator: nn.Module, discriminator: nn.Module) -> None:
    """One step of both players, with optimizers of its own."""
    for network in (discriminator, generator):
        optimizer = torch.optim.SGD(network.parameters(), 1e-2)
        optimizer.zero_grad()
        if network is discriminator:
            fake = generator(noise()).detach()
            (F.softplus(-discriminator(data())) + F.softplus(discriminator(fake))).mean().backward()
        else:
            F.softplus(-discriminator(generator(noise()))).mean().backward()
        optimizer.step()


def test_a_cycle_that_gives_the_reals_back_is_no_noisy_copy() -> None:
    """With two calls a step the reconstruction is the last one, and the pool's fakes are not seen as new."""
    torch.manual_seed(0)
    there, back = (nn.Sequential(nn.Linear(SIZE, SIZE)) for _ in range(2))
    discriminator = networks()[1]
    for network in (there, back):
        nn.init.eye_(network[0].weight)  # a cycle that is already closed
    watcher = Watcher(there, discriminator, History(None), every=1)
    both = torch.optim.Adam([*there.parameters(), *back.parameters()], 1e-4)
    step, pool = adam(discriminator), torch.randn(ROWS, SIZE)
    for _ in range(40):
        one, other = torch.randn(ROWS, SIZE), data()
        both.zero_grad()
        made = there(one)
        cycle = F.l1_loss(there(back(other)), other)
        (F.softplus(-discriminator(made)).mean() + cycle).backward()
        both.step()
        step.zero_grad()
        pool = torch.cat([pool[ROWS // 2 :], made.detach()[: ROWS // 2]])
        (F.softplus(-discriminator(other)).mean() + F.softplus(discriminator(pool.flip(0))).mean()).backward()
        step.step()
        assert watcher.record is not None
    seen = observed(watcher)
    assert seen.last("sample.real.mean") == pytest.approx(float(other.mean()), abs=0.05)
    assert "batch-repeat" not in names(seen)
    assert translates(GeneratorCall((one,), {}, [((), made.detach())], False, True))
    assert not translates(GeneratorCall((noise(),), {}, [((), made.detach())], False, True))


def test_a_loss_that_the_discriminator_returns_beside_its_scores_is_no_score() -> None:
    score, own_loss = torch.randn(8, 1), torch.randn(())
    given = [((0,), score), ((1,), own_loss)]
    assert choose_scores(given, (3, 32, 32)) == ([(0,)], True)
    assert choose_scores([((0,), own_loss)], (3, 32, 32))[0] == [(0,)]  # all there is
