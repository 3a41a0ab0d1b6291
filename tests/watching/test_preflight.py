"""What is known before the first step: structure, optimizers, one batch on copies, notes on the rest."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from equipoise.data.specification import SampleSpecification
from equipoise.networks import build_networks
from equipoise.watching.inputs import latent_widths
from equipoise.watching.preflight import preflight_observations

IMAGES = torch.rand(24, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def dcgan(activation: nn.Module) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.ConvTranspose2d(20, 16, 7), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1), activation,
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 14), nn.Flatten()
    )
    return generator, discriminator


class ConditionalGenerator(nn.Module):
    def __init__(self, label_first: bool) -> None:
        super().__init__()
        self.label_first = label_first
        self.embedding = nn.Embedding(10, 6)
        self.body = nn.Sequential(nn.Linear(20 + 6, 32), nn.ReLU(), nn.Linear(32, 28 * 28), nn.Tanh())

    def forward(self, *given: Tensor) -> Tensor:
        labels, latent = given if self.label_first else given[::-1]
        return self.body(torch.cat([latent, self.embedding(labels)], dim=1)).view(-1, 1, 28, 28)


class ConditionalDiscriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 6)
        self.body = nn.Sequential(nn.Linear(28 * 28 + 6, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    def forward(self, samples: Tensor, labels: Tensor) -> Tensor:
        return torch.sigmoid(self.body(torch.cat([samples.flatten(1), self.embedding(labels)], dim=1)))


def test_one_batch_shows_ranges_scores_and_activations() -> None:
    generator, discriminator = dcgan(nn.Tanh())
    observed = preflight_observations(generator, discriminator, real_batch=IMAGES)
    assert observed.source == "preflight"
    assert observed.step == 0
    assert observed.series("sample.real.low").values.tolist() == [float(IMAGES.min())]
    assert observed.last("sample.real.high") == float(IMAGES.max())
    assert observed.last("sample.real.mean") == pytest.approx(float(IMAGES.mean()), rel=1e-6)
    assert -1 <= observed.last("sample.fake.low") < 0 < observed.last("sample.fake.high") <= 1
    scores = discriminator(IMAGES)
    assert observed.last("score.real.mean") == pytest.approx(float(scores.mean()), rel=1e-5)
    assert observed.last("score.real.std") == pytest.approx(float(scores.std(correction=0)), rel=1e-4)
    assert observed.fact("generator.output_activation") == "tanh"
    assert observed.fact("generator.input") == "latent"
    assert observed.fact("generator.graph_cut") is False
    assert observed.fact("score.shape") == [[1]]
    assert observed.fact("data.kind") == "image"
    assert observed.fact("log.missing") == []
    # Nothing is said of an untrained generator's diversity, or of losses nobody has shown.
    assert "sample.distance.ratio" not in observed.signals
    assert not [name for name in observed.signals if name.startswith(("slope", "loss", "gradient"))]


def test_nothing_of_the_users_changes() -> None:
    generator, discriminator = dcgan(nn.Tanh())
    optimizer = torch.optim.Adam(generator.parameters())
    generator(torch.randn(4, 20, 1, 1)).sum().backward()
    before = copy.deepcopy((generator.state_dict(), discriminator.state_dict()))
    gradients = [parameter.grad.clone() for parameter in generator.parameters() if parameter.grad is not None]
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    preflight_observations(generator, discriminator, generator_optimizer=optimizer, real_batch=IMAGES)
    assert torch.equal(torch.rand(3), expected)
    for old, network in zip(before, (generator, discriminator)):
        assert all(torch.equal(value, old[name]) for name, value in network.state_dict().items())
    assert all(
        torch.equal(parameter.grad, old)  # type: ignore[arg-type]
        for parameter, old in zip(generator.parameters(), gradients)
    )
    assert all(parameter.grad is None for parameter in discriminator.parameters())


@pytest.mark.parametrize("label_first", [False, True])
def test_labels_are_found_and_given_in_either_place(label_first: bool) -> None:
    labels = torch.arange(24) % 10
    observed = preflight_observations(
        ConditionalGenerator(label_first), ConditionalDiscriminator(), real_batch=(IMAGES, labels)
    )
    assert observed.fact("log.missing") == []
    assert observed.fact("generator.conditional") is True
    assert observed.fact("discriminator.conditional") is True
    # A functional sigmoid is seen in the graph; probabilities are not passed off as scores.
    assert observed.fact("discriminator.output_activation") == "sigmoid"
    assert len(observed.series("score.real.mean")) == 0


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("shape", [(1, 28, 28), (5,), (2, 32)])
def test_our_own_networks_are_understood(shape: tuple[int, ...], labelled: bool) -> None:
    kind = {1: "vector", 2: "sequence", 3: "image"}[len(shape)]
    name = {1: "mlp", 2: "conv1d", 3: "dcgan"}[len(shape)]
    specification = SampleSpecification(kind, shape, 4 if labelled else None)  # type: ignore[arg-type]
    generator, discriminator = build_networks(
        name, specification, **({"conditional": True} if labelled else {})
    )
    observed = preflight_observations(generator, discriminator, real_batch=torch.zeros(8, *shape))
    assert observed.fact("log.missing") == []
    assert observed.fact("generator.conditional") is labelled
    assert observed.fact("data.kind") == kind


def test_the_latent_without_the_conditions_share() -> None:
    assert latent_widths(ConditionalGenerator(False))[:2] == [26, 20]
    assert latent_widths(dcgan(nn.Tanh())[0])[0] == 20
    named = nn.Linear(7, 2)
    named.z_dim = 5  # type: ignore[assignment]
    assert latent_widths(named)[0] == 5


def test_a_generator_that_takes_a_picture_is_left_out_and_said_so() -> None:
    generator = nn.Conv2d(1, 1, 3, padding=1)
    observed = preflight_observations(generator, dcgan(nn.Tanh())[1], real_batch=IMAGES)
    assert any("generator takes" in note for note in observed.fact("log.missing"))
    assert observed.last("sample.real.high") == float(IMAGES.max())
    assert len(observed.series("sample.fake.high")) == 0
    assert observed.fact("score.shape") == [[1]]


def test_a_cut_graph_shows_before_the_first_step() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, latent: Tensor) -> Tensor:
            return self.layer(latent).detach()

    observed = preflight_observations(Cut(), nn.Linear(2, 1), real_batch=torch.zeros(8, 2))
    assert observed.fact("generator.graph_cut") is True


def test_dead_units_are_counted_in_both_networks() -> None:
    generator = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    for network, dead in ((generator, 8), (discriminator, 2)):
        with torch.no_grad():
            network[0].bias.fill_(50.0)
            network[0].bias[:dead] = -50.0
    observed = preflight_observations(generator, discriminator, real_batch=torch.randn(8, 2))
    assert observed.last("activation.dead") == 1.0
    assert observed.last("activation.dead.discriminator") == 0.25


def test_optimizers_are_described_by_whose_they_are_said_to_be() -> None:
    generator, discriminator = dcgan(nn.Tanh())
    swapped = torch.optim.Adam(generator.parameters(), 2e-4, betas=(0.5, 0.999))
    observed = preflight_observations(generator, discriminator, discriminator_optimizer=swapped)
    (entry,) = observed.fact("optimizers")
    assert entry["player"] == "discriminator"
    assert entry["generator_share"] == 1.0
    assert entry["discriminator_share"] == 0.0
    assert entry["missing"] == len(list(discriminator.parameters()))
    assert entry["learning_rate"] == 2e-4


def test_without_reals_the_generators_own_output_is_judged() -> None:
    observed = preflight_observations(*dcgan(nn.Sigmoid()), objective="hinge")
    assert observed.fact("objective.declared") == "hinge"
    assert observed.fact("generator.output_activation") == "sigmoid"
    assert len(observed.series("score.fake.mean")) == 1
