"""Any loop, watched: the weights are the same bit for bit, the roles and the objective are recognised."""

from __future__ import annotations

import copy
import gc
import importlib.util
import io
import pickle
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from equipoise.history.store import History
from equipoise.watching.probes import probe_all
from equipoise.watching.watcher import Watcher

_spec = importlib.util.spec_from_file_location("watching_loops", Path(__file__).with_name("loops.py"))
assert _spec is not None
assert _spec.loader is not None
loops = importlib.util.module_from_spec(_spec)
sys.modules["watching_loops"] = loops
_spec.loader.exec_module(loops)

STEPS = 25
COMPOSITE = {
    "pix2pix",
    "vocoder",
    "cyclegan",
    "source-and-target",
    "source-and-target-two-scales",
    "features-asked-for",
}


def unwatched(generator: nn.Module, discriminator: nn.Module) -> None:
    return None


def bits(modules: list[nn.Module]) -> list[torch.Tensor]:
    return [value.clone() for module in modules for value in module.state_dict().values()]


def watched(name: str, every: int | None = 1) -> tuple[list[torch.Tensor], list[Watcher]]:
    watchers: list[Watcher] = []

    def attach(generator: nn.Module, discriminator: nn.Module) -> Watcher:
        watchers.append(Watcher(generator, discriminator, History(None), every=every))
        return watchers[-1]

    weights = bits(loops.LOOPS[name](attach, STEPS))
    for watcher in watchers:
        watcher.close()
    return weights, watchers


@pytest.fixture(scope="module", params=sorted(loops.LOOPS))
def case(request: pytest.FixtureRequest) -> tuple[str, list[torch.Tensor], list[Watcher]]:
    return (request.param, *watched(request.param))


def test_weights_are_bit_identical(case: Any) -> None:
    name, weights, _ = case
    plain = bits(loops.LOOPS[name](unwatched, STEPS))
    assert len(plain) == len(weights)
    assert all(torch.equal(one, other) for one, other in zip(plain, weights))


def test_no_sensor_failed_and_every_update_was_seen(case: Any) -> None:
    for watcher in case[2]:
        assert watcher.problems.sentences == []
        assert watcher.updates["generator"] == STEPS
        assert (
            len(watcher.history.observations().series("finite"))
            == STEPS * (3 if case[0] == "wgan-gp" else 2 if case[0] == "wgan-clip-reversed" else 1)
            or len(watcher.history.observations().series("finite")) >= STEPS - 1
        )


def test_the_objective_is_recognised_from_its_slopes(case: Any) -> None:
    for watcher in case[2]:
        facts = watcher.facts.collect()
        expected = {loops.FAMILIES[case[0]]}
        if expected == {"hinge"}:
            # As long as every margin is open, hinge and Wasserstein have the same slope.
            expected.add("wasserstein")
        assert facts["objective.family"] in expected
        assert watcher.history.observations().last("objective.fit") < 0.02


def test_roles_are_decided_and_the_direction_is_right(case: Any) -> None:
    for watcher in case[2]:
        facts = watcher.facts.collect()
        assert facts["roles.decided"] > 0.95
        assert facts["score.orientation"] == (-1 if case[0] == "wgan-clip-reversed" else 1)
        seen = watcher.history.observations()
        direction = facts["score.orientation"]
        if loops.FAMILIES[case[0]] == "least-squares":
            # Beyond its target a least-squares score is pushed back: the sign holds on average only.
            assert direction * seen.series("slope.real.mean").mean() < 0
            continue
        # Each player pushes in its own direction: exact in every other loop here.
        assert direction * seen.series("slope.real.mean").largest() <= 0 or direction < 0
        assert (direction * seen.series("slope.fake.mean").finite().values >= 0).all()
        assert (direction * seen.series("slope.generator.mean").finite().values <= 0).all()


def test_other_terms_of_the_loss_are_told_apart(case: Any) -> None:
    for watcher in case[2]:
        share = watcher.facts.collect()["objective.composite"]
        if case[0] in COMPOSITE:
            assert share > 0.2
        elif case[0] == "in-parts":
            assert share is None  # the call that made a sample is not known, so neither are its other uses
        elif case[0] != "augmented":
            assert share == pytest.approx(0.0, abs=1e-5)


def test_penalties_are_seen_where_they_are_applied(case: Any) -> None:
    expected = {"wgan-gp": {1.0}, "penalty-first": {1.0}, "r1-simultaneous": {0.0, 1.0}}.get(case[0], {0.0})
    for watcher in case[2]:
        seen = watcher.history.observations().series("penalty.applied").finite().values
        assert set(seen.tolist()) == expected


def test_concatenated_batches_are_split_and_undetached_fakes_noticed() -> None:
    _, (joined,) = watched("concatenated")
    assert joined.facts.collect()["concatenated"] is True
    _, (loose,) = watched("undetached-zeroed")
    assert loose.facts.collect()["detached"] is False
    _, (plain,) = watched("tutorial")
    assert plain.facts.collect()["detached"] is True
    assert plain.facts.collect()["concatenated"] is False


@pytest.mark.parametrize("name", ["source-and-target", "source-and-target-two-scales"])
def test_a_source_of_the_samples_shape_is_no_sample(name: str) -> None:
    _, (watcher,) = watched(name)
    assert {path for _, _, path, _ in watcher.reservoir.reals} == {("args", 1)}
    assert {path for _, _, path, _ in watcher.reservoir.fakes} == {("args", 1)}


def test_of_a_pair_in_one_call_the_real_is_kept_as_real() -> None:
    _, (watcher,) = watched("vocoder")
    waves = torch.sin(torch.linspace(0, 60, 4096)).unfold(0, 64, 8)[:256].unsqueeze(1)
    for args, _, path, _ in watcher.reservoir.reals:
        distances = torch.cdist(args[path[1]].flatten(1), waves.flatten(1), p=float("inf"))
        assert distances.min(dim=1).values.max() == 0
    assert {path for _, _, path, _ in watcher.reservoir.fakes} == {("args", 1)}


def test_a_direction_that_is_corrected_later_holds_for_earlier_records_too() -> None:
    _, (watcher,) = watched("undetached-zeroed")
    watcher.facts.refit()
    known = watcher.facts.collect()
    watcher.roles._discriminator_votes = -10.0
    assert watcher.facts.refit() < 0.02
    facts = watcher.facts.collect()
    assert facts["objective.family"] == "least-squares"
    assert facts["objective.target.real"] == pytest.approx(-known["objective.target.real"], abs=1e-3)
    # Records from before and after the correction are fitted together.
    for batch in watcher.facts._fingerprints:
        assert batch.direction == 1.0
    watcher.facts._fingerprints.extend([batch.facing(-1.0) for batch in watcher.facts._fingerprints])
    assert watcher.facts.refit() < 0.02


def test_packs_stay_whole_in_every_measurement() -> None:
    _, (watcher,) = watched("packed")
    assert watcher.reservoir.pack == 3
    assert "discriminator.slope" in watcher.history.observations().signals
    round_ = probe_all(watcher)
    assert watcher.problems.sentences == []
    assert not [reason for reason in round_.skipped.values() if "pack" in reason]


def test_samples_that_the_loop_finishes_itself_are_compared_as_they_were_judged() -> None:
    # The generator's raw output is squashed and joined to a condition outside of it, as for tables.
    generator = nn.Linear(loops.LATENT + 2, loops.SIZE)
    discriminator = nn.Sequential(nn.Linear(loops.SIZE + 2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = loops.adam(discriminator), loops.adam(generator)
    data = loops.reals()

    def made() -> torch.Tensor:
        condition = nn.functional.one_hot(torch.randint(0, 2, (32,)), 2).float()
        raw = generator(torch.cat([torch.randn(32, loops.LATENT), condition], dim=1))
        return torch.cat([torch.tanh(raw), condition], dim=1)

    for _ in range(20):
        real = torch.cat([loops.pick(data), torch.eye(2).repeat(16, 1)], dim=1)
        update_d.zero_grad()
        (discriminator(made()).mean() - discriminator(real).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        (-discriminator(made()).mean()).backward()
        update_g.step()
    round_ = probe_all(watcher, ["diversity", "fresh-discriminator", "one-feature", "batch-blindness"])
    assert watcher.problems.sentences == []
    assert round_.skipped == {}


def test_a_network_that_cannot_be_called_again_costs_that_measurement_only() -> None:
    generator, discriminator = loops.mlp_pair()
    calls = {"count": 0}

    class Once(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, samples: torch.Tensor) -> torch.Tensor:
            # Copies are in evaluation of their own: only batches of the loop's size are taken.
            if len(samples) != 48:
                calls["count"] += 1
                raise ValueError("another batch size")
            return self.net(samples)

    network = Once(discriminator)
    watcher = Watcher(generator, network, History(None), every=1)
    update_d, update_g = loops.adam(network), loops.adam(generator)
    for _ in range(20):
        fake = generator(torch.randn(48, loops.LATENT))
        update_d.zero_grad()
        (network(fake.detach()).mean() - network(torch.rand(48, loops.SIZE)).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        (-network(fake).mean()).backward()
        update_g.step()
    assert calls["count"] > 0
    assert watcher.updates == {"generator": 20, "discriminator": 20}
    assert len(watcher.history.observations().series("slope.fake.mean")) >= 19
    assert all("another batch size" in sentence for sentence in watcher.problems.sentences)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_generator_called_in_parts_is_no_stranger(sign: float) -> None:
    # Without the link to its samples, a generator that is trained the wrong way would make reals of them.
    watchers: list[Watcher] = []
    loops.in_parts(
        lambda one, other: watchers.append(Watcher(one, other, History(None), every=1)), STEPS, sign
    )
    (watcher,) = watchers
    assert watcher.facts.collect()["score.orientation"] == 1
    slopes = watcher.history.observations().series("slope.generator.mean").finite().values[3:]
    assert (sign * slopes < 0).all()
    watcher.close()
    assert not any(part._forward_hooks for part in watcher.generator.modules())


@pytest.mark.parametrize("name", ["penalty-first", "wgan-gp", "tutorial"])
def test_gradients_that_are_cleared_are_not_stale(name: str) -> None:
    _, (watcher,) = watched(name)
    stale = watcher.history.observations().series("gradient.discriminator.stale").finite().values
    assert len(stale) > STEPS / 2
    assert (stale == 0).all()


def test_smoothed_labels_show_in_the_target() -> None:
    _, (watcher,) = watched("sigmoid-module")
    facts = watcher.facts.collect()
    assert facts["objective.target.real"] == pytest.approx(0.9, abs=0.01)
    assert facts["objective.target.fake"] == pytest.approx(0.0, abs=0.01)
    assert facts["objective.bounded_scores"] is True


@pytest.mark.parametrize("name", ["tutorial", "wgan-gp", "spectral-hinge"])
def test_random_states_are_untouched(name: str) -> None:
    def states(attach: Any) -> tuple[Any, ...]:
        random.seed(3)
        np.random.seed(3)
        loops.LOOPS[name](attach, 6)
        return torch.get_rng_state(), random.getstate(), np.random.get_state()[1]

    plain = states(unwatched)
    seen = states(lambda one, other: Watcher(one, other, History(None), every=1))
    assert torch.equal(plain[0], seen[0])
    assert plain[1] == seen[1]
    assert (plain[2] == seen[2]).all()


def test_modes_flags_and_gradients_are_untouched() -> None:
    generator, discriminator = loops.conv_pair()
    discriminator.requires_grad_(False)
    generator.eval()
    with torch.no_grad():
        before = [parameter.requires_grad for parameter in discriminator.parameters()]
        watcher = Watcher(generator, discriminator, History(None), every=1)
        discriminator(generator(torch.randn(4, loops.LATENT, 1, 1)))
    assert [parameter.requires_grad for parameter in discriminator.parameters()] == before
    assert not generator.training
    assert all(parameter.grad is None for parameter in generator.parameters())
    watcher.close()
    assert not generator._forward_hooks
    assert not discriminator._forward_hooks


def test_copies_and_pickles_of_a_watched_network_work_and_watch_nothing() -> None:
    generator, discriminator = loops.mlp_pair()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    averaged = copy.deepcopy(generator)
    averaged(torch.randn(2, loops.LATENT))
    assert not watcher._calls
    stream = io.BytesIO()
    torch.save(generator, stream)
    stream.seek(0)
    torch.load(stream, weights_only=False)(torch.randn(2, loops.LATENT))
    pickle.loads(pickle.dumps(discriminator))(torch.randn(2, loops.SIZE))
    assert not watcher._passes
    watcher.close()


def test_a_fault_in_a_sensor_never_reaches_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("planted")

    plain = bits(loops.LOOPS["tutorial"](unwatched, 5))
    for name in ("descends", "recognised", "choose_scores", "listen", "terminal_tensors"):
        with monkeypatch.context() as patch:
            patch.setattr(f"equipoise.watching.watcher.{name}", broken)
            watchers: list[Watcher] = []
            weights = bits(
                loops.LOOPS["tutorial"](
                    lambda one, other, seen=watchers: seen.append(
                        Watcher(one, other, History(None), every=1)
                    ),
                    5,
                )
            )
        assert all(torch.equal(one, other) for one, other in zip(plain, weights))
        assert any("planted" in sentence for sentence in watchers[0].problems.sentences), name


def test_a_fault_in_a_hook_of_the_backward_pass_never_reaches_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        def hook(*_: Any) -> None:
            raise ValueError("planted")

        return hook

    plain = bits(loops.LOOPS["wgan-gp"](unwatched, 3))
    for name in (
        "watcher.keep_gradient",
        "watcher.keep_input_gradient",
        "gradients.keep_pull",
        "gradients.keep_adversarial",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"equipoise.watching.{name}", broken)
            watchers: list[Watcher] = []
            weights = bits(
                loops.LOOPS["wgan-gp"](
                    lambda one, other, seen=watchers: seen.append(
                        Watcher(one, other, History(None), every=1)
                    ),
                    3,
                )
            )
        assert all(torch.equal(one, other) for one, other in zip(plain, weights))
        assert any("planted" in sentence for sentence in watchers[0].problems.sentences), name


def test_an_optimizer_of_both_beside_one_for_each_is_nobodys_update() -> None:
    _, (watcher,) = watched("information")
    assert watcher.updates == {"generator": STEPS, "discriminator": STEPS}
    players = [entry["player"] for entry in watcher.facts.collect()["optimizers"]]
    assert sorted(players) == ["both", "discriminator", "generator"]


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_an_optimizer_of_both_beside_one_belongs_to_the_other_player(player: str) -> None:
    generator, discriminator = loops.mlp_pair()
    networks = {"generator": generator, "discriminator": discriminator}
    watcher = Watcher(generator, discriminator, History(None))
    own, joint = loops.adam(networks[player]), loops.adam(generator, discriminator)
    discriminator(generator(torch.randn(4, loops.LATENT))).mean().backward()
    own.step()
    joint.step()
    entries = watcher.facts.collect()["optimizers"]
    assert [entry["player"] for entry in entries] == [player, *({*networks} - {player})]


def test_no_graph_and_no_tensor_is_kept_alive() -> None:
    generator, discriminator = loops.mlp_pair(sigmoid=True)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = loops.adam(discriminator), loops.adam(generator)
    kept = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(4):
            update_d.zero_grad()
            fake = generator(torch.randn(8, loops.LATENT))
            score = discriminator(fake.detach())
            kept.append(StorageWeakRef(score.untyped_storage()))
            score.mean().backward()
            update_d.step()
            score = discriminator(fake)
            kept += [StorageWeakRef(value.untyped_storage()) for value in (score, fake)]
            (-score.mean()).backward()
            update_g.step()
        del score, fake
        # The watcher may still hold what the last update showed it, nothing older.
        assert all(reference.expired() for reference in kept[:-3])
    finally:
        gc.enable()
    watcher.close()
    assert all(reference.expired() for reference in kept)


def test_two_watchers_on_one_pair_do_not_disturb_each_other() -> None:
    watchers: list[Watcher] = []

    def attach(generator: nn.Module, discriminator: nn.Module) -> None:
        watchers.extend(Watcher(generator, discriminator, History(None), every=1) for _ in range(2))

    weights = bits(loops.LOOPS["tutorial"](attach, 5))
    plain = bits(loops.LOOPS["tutorial"](unwatched, 5))
    assert all(torch.equal(one, other) for one, other in zip(plain, weights))
    first, second = (watcher.history.observations().last("score.auc") for watcher in watchers)
    assert first == second


def test_discriminators_in_a_list_are_one_discriminator() -> None:
    _, (watcher,) = watched("discriminators-in-a-list")
    seen = watcher.history.observations()
    # Both members' scores are the discriminator's: 1 and 3 places.
    assert len(watcher.discriminator(torch.zeros(2, loops.SIZE))) == 2
    assert len(seen.series("score.real.mean")) >= STEPS - 1
    round_ = probe_all(watcher, ["gradient-anatomy", "fresh-discriminator", "batch-blindness"])
    assert watcher.problems.sentences == []
    assert round_.skipped == {}
    watcher.close()


def test_members_of_another_domain_have_no_part() -> None:
    torch.manual_seed(0)
    generator, first = loops.mlp_pair()
    other = nn.Linear(loops.SIZE, 1)
    watcher = Watcher(generator, nn.ModuleDict({"own": first, "other": other}), History(None), every=1)
    update_d, update_g = loops.adam(first, other), loops.adam(generator)
    for _ in range(8):
        fake = generator(torch.randn(32, loops.LATENT))
        update_d.zero_grad()
        (first(fake.detach()).mean() - first(loops.pick(loops.reals())).mean()).backward()
        other(torch.randn(32, loops.SIZE)).mean().backward()
        update_d.step()
        update_g.zero_grad()
        (-first(fake).mean()).backward()
        update_g.step()
    assert watcher.discriminator(torch.zeros(2, loops.SIZE))[1] is None
    assert watcher.facts.collect()["roles.decided"] == 1
    assert watcher.facts.collect()["objective.family"] == "wasserstein"


def test_a_class_whose_forward_was_listened_to_is_as_it_was() -> None:
    own = loops.Direct.forward
    _, (watcher,) = watched("forward-called-directly")
    assert loops.Direct.forward is own
    seen = watcher.history.observations()
    assert len(seen.series("score.real.mean")) >= STEPS - 3
    assert len(seen.series("score.fake.mean")) >= STEPS - 3
    assert watcher.reservoir.reals
    assert watcher.reservoir.calls


def test_a_call_is_not_seen_twice_where_forward_is_listened_to() -> None:
    from equipoise.watching.attachment import Hook
    from equipoise.watching.direct import DirectCalls

    class Owner:
        seen = 0

        def count(self, *_: Any) -> None:
            self.seen += 1

    owner, network = Owner(), loops.Direct(nn.Identity())
    other, copied = loops.Direct(nn.Identity()), copy.deepcopy(network)
    calls = DirectCalls(network, Hook(owner, "count"))
    value = torch.ones(2, 3)
    for one in (network, other, copied):
        assert torch.equal(one(value), value)
    assert owner.seen == 0
    assert torch.equal(network.forward(value), value)
    assert torch.equal(other.forward(value), value)
    assert owner.seen == 1
    assert pickle.loads(pickle.dumps(network)).forward(value).shape == value.shape
    assert owner.seen == 1
    calls.remove()
    network.forward(value)
    assert owner.seen == 1


def test_features_in_place_of_a_score_are_no_score() -> None:
    _, (watcher,) = watched("features-asked-for")
    seen = watcher.history.observations()
    assert watcher.facts.collect()["objective.family"] == "non-saturating"
    assert seen.series("gradient.generator.stale").largest() == 0
    assert all("features" not in kwargs for _, kwargs, _, _ in watcher.reservoir.reals)


class ActivationKeptLast(nn.Module):
    """Its last layer by name is not the last operation of its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(loops.LATENT, 16), nn.Linear(16, loops.SIZE)
        self.activation = nn.ReLU()

    def forward(self, latent: torch.Tensor, attributes: torch.Tensor) -> torch.Tensor:
        del attributes
        return torch.tanh(self.second(self.activation(self.first(latent))))


def adversaries(network: nn.Module, inputs: Any, steps: int = 12) -> Watcher:
    torch.manual_seed(0)
    discriminator = loops.mlp_pair()[1]
    watcher = Watcher(network, discriminator, History(None), every=1)
    update_d, update_g = loops.adam(discriminator), loops.adam(network)
    for _ in range(steps):
        fake = network(*inputs())
        update_d.zero_grad()
        (discriminator(fake.detach()).mean() - discriminator(loops.pick(loops.reals())).mean()).backward()
        update_d.step()
        update_g.zero_grad()
        (-discriminator(fake).mean()).backward()
        update_g.step()
    assert watcher.problems.sentences == []
    return watcher


def test_the_last_operation_and_not_the_last_layer_is_the_activation() -> None:
    watcher = adversaries(
        ActivationKeptLast(), lambda: (torch.randn(32, loops.LATENT), torch.eye(4).repeat(8, 1))
    )
    assert watcher.facts.collect()["generator.output_activation"] == "tanh"


@pytest.mark.parametrize("first", [True, False])
def test_attributes_beside_the_noise_are_no_latents(first: bool) -> None:
    class Either(ActivationKeptLast):
        def forward(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
            return super().forward(*((one, other) if first else (other, one)))

    attributes, place = torch.eye(4).repeat(8, 1), slice(None) if first else slice(None, None, -1)
    watcher = adversaries(Either(), lambda: (torch.randn(32, loops.LATENT), attributes)[place])
    assert watcher.history.observations().series("latent.repeated").largest() == 0
    alone = adversaries(Either(), lambda: (torch.zeros(32, loops.LATENT), attributes)[place])
    # Noise that is zero is still what is drawn beside attributes: it comes again and again.
    assert alone.history.observations().series("latent.repeated").last == 1


def test_gradients_accumulated_in_turn_are_no_leak_of_detached_fakes() -> None:
    from equipoise.checks import judge

    torch.manual_seed(0)
    generator, discriminator = loops.mlp_pair()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = loops.adam(discriminator), loops.adam(generator)
    data = loops.reals()
    for step in range(80):
        fake = generator(torch.randn(32, loops.LATENT))
        (discriminator(fake.detach()).mean() - discriminator(loops.pick(data)).mean()).backward()
        if step % 2:
            update_d.step()
            update_d.zero_grad()
        (-discriminator(fake).mean()).backward()
        if step % 2:
            update_g.step()
            update_g.zero_grad()
    watcher.history.set_facts(watcher.facts.collect())
    observed = watcher.history.observations()
    observed.updates, observed.source = dict(watcher.updates), "live"
    assert observed.recent("gradient.generator.leak").median() > 0
    assert "undetached-fakes" not in [finding.name for finding in judge(observed).findings]


def test_packs_that_are_judged_together_are_no_coupling_of_the_batch() -> None:
    from equipoise.history.observations import Observations

    _, (watcher,) = watched("packed")
    probe_all(watcher, ["batch-coupling"])
    observed: Observations = watcher.history.observations()
    probe = observed.probe("batch-coupling")
    assert probe is not None
    assert probe["change"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("target", [1.0, 0.0])
def test_a_wrong_target_does_not_turn_the_direction_where_some_fakes_are_finished_elsewhere(
    target: float,
) -> None:
    # Of two batches of fakes one goes through a network that is not watched, so only the other is known; the
    # generator comes first, and with the wrong target it votes for the wrong direction.
    torch.manual_seed(0)
    generator, discriminator = loops.mlp_pair()
    finish = nn.Linear(loops.SIZE, loops.SIZE).requires_grad_(False)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = loops.adam(discriminator), loops.adam(generator)
    judge = nn.BCEWithLogitsLoss()
    for _ in range(STEPS):
        for _ in range(2):
            update_g.zero_grad()
            fake = generator(torch.randn(32, loops.LATENT))
            scores = [discriminator(one) for one in (fake, finish(fake))]
            sum(judge(one, torch.full((32, 1), target)) for one in scores).backward()
            update_g.step()
        update_d.zero_grad()
        fake = generator(torch.randn(32, loops.LATENT)).detach()
        given = ((loops.pick(loops.reals()), 1.0), (finish(fake), 0.0), (fake, 0.0))
        sum(judge(discriminator(one), torch.full((32, 1), label)) for one, label in given).backward()
        update_d.step()
    assert watcher.facts.collect()["score.orientation"] == 1
    slopes = watcher.history.observations().series("slope.fake.mean").finite().values
    assert (slopes > 0).all()


@pytest.mark.parametrize("twice", [True, False])
def test_a_sigmoid_applied_twice_shows_in_half_precision_too(twice: bool) -> None:
    generator, discriminator = loops.mlp_pair(sigmoid=True)
    watcher = Watcher(generator, discriminator, History(None), every=1)
    update_d, update_g = loops.adam(discriminator), loops.adam(generator)
    ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)

    def judge(given: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        if twice:
            return nn.functional.binary_cross_entropy_with_logits(given, wanted)
        return nn.functional.binary_cross_entropy(given.float(), wanted)

    for _ in range(STEPS):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            fake = generator(torch.randn(32, loops.LATENT))
            scores = discriminator(loops.pick(loops.reals())), discriminator(fake.detach())
        update_d.zero_grad()
        (judge(scores[0], ones) + judge(scores[1], zeros)).backward()
        update_d.step()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            score = discriminator(fake)
        update_g.zero_grad()
        judge(score, ones).backward()
        update_g.step()
    watcher.facts.refit()
    assert watcher.facts.collect()["objective.double_sigmoid"] is twice


def test_a_score_computed_behind_the_last_layer_is_not_that_layers() -> None:
    class Energy(nn.Module):
        """How badly a sample is reconstructed by an autoencoder that ends in a tanh."""

        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(loops.SIZE, 4), nn.Linear(4, loops.SIZE), nn.Tanh())

        def forward(self, samples: torch.Tensor) -> torch.Tensor:
            return (self.net(samples) - samples).square().mean(dim=1)

    generator, discriminator = loops.mlp_pair()[0], Energy()
    watcher = Watcher(generator, discriminator, History(None), every=1)
    assert watcher.facts.collect()["discriminator.output_activation"] == "tanh"
    discriminator(torch.randn(8, loops.SIZE)).mean().backward()
    assert watcher.facts.collect()["discriminator.output_activation"] is None
