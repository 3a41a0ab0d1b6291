"""What must hold for every registered architecture, with and without labels, at every size."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import equipoise.networks
from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError
from equipoise.layers.virtual_batch_norm import VirtualBatchNorm
from equipoise.networks import ARCHITECTURES, BATCH_LAYERS, build_networks

SHAPES: dict[str, list[tuple[int, ...]]] = {
    "image": [(1, 8, 8), (3, 28, 28), (1, 32, 32), (2, 30, 45), (4, 7, 5), (1, 2, 3)],
    "vector": [(1,), (2,), (17,)],
    "sequence": [(1, 2), (3, 16), (2, 45)],
}
CASES = [
    (name, SampleSpecification(kind, shape, classes=3))  # type: ignore[arg-type]
    for name, architecture in ARCHITECTURES.items()
    for kind in architecture.kinds
    for shape in SHAPES[kind]
]
SMALL = [
    (
        name,
        SampleSpecification(kind, {"image": (1, 8, 8), "vector": (5,), "sequence": (2, 12)}[kind], classes=3),
    )  # type: ignore[arg-type]
    for name, architecture in ARCHITECTURES.items()
    for kind in architecture.kinds
]
BATCH = 4


def _identity(case: Any) -> str:
    return f"{case[0]}-{'x'.join(map(str, case[1].shape))}"


def _build(case: tuple[str, SampleSpecification], **options: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    name, specification = case
    return build_networks(name, specification, **{"latent_dim": 5, "base_channels": 8, **options})


def _arguments(conditional: bool, batch: int = BATCH) -> tuple[Tensor, ...]:
    return (torch.arange(batch) % 3,) if conditional else ()


@pytest.mark.parametrize("conditional", [False, True], ids=["unconditional", "conditional"])
@pytest.mark.parametrize("case", CASES, ids=_identity)
def test_shapes_range_and_gradients(case: tuple[str, SampleSpecification], conditional: bool) -> None:
    specification = case[1]
    generator, discriminator = _build(case, conditional=conditional)
    labels = _arguments(conditional)
    with torch.no_grad():
        # Residual branches start at exactly 0 in some architectures; off that point everything must learn.
        for parameter in [*generator.parameters(), *discriminator.parameters()]:
            parameter.add_(0.05 * torch.randn_like(parameter))
    samples = generator(torch.randn(BATCH, 5), *labels)
    assert samples.shape == (BATCH, *specification.shape)
    if specification.kind == "image":
        assert samples.abs().max() <= 1
    logits = discriminator(samples, *labels)
    assert logits.shape == (BATCH,)
    features = discriminator.features(samples, *labels)
    assert features.shape == (BATCH, discriminator.width)
    logits.square().sum().backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.norm() > 0, name


@pytest.mark.parametrize("conditional", [False, True], ids=["unconditional", "conditional"])
@pytest.mark.parametrize("name", [name for name, entry in ARCHITECTURES.items() if "image" in entry.kinds])
def test_the_largest_images(name: str, conditional: bool) -> None:
    case = (name, SampleSpecification("image", (3, 128, 128), classes=3))
    generator, discriminator = _build(case, conditional=conditional, base_channels=2)
    labels = _arguments(conditional)
    samples = generator(torch.randn(BATCH, 5), *labels)
    assert samples.shape == (BATCH, 3, 128, 128)
    assert discriminator(samples, *labels).isfinite().all()


@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_networks_say_what_they_are(case: tuple[str, SampleSpecification]) -> None:
    generator, discriminator = _build(case, conditional=True)
    assert generator.latent_dim == 5
    assert generator.specification == case[1]
    assert generator.classes == discriminator.classes == 3
    assert discriminator.pack == 1
    generator, discriminator = _build(case)
    assert generator.classes is discriminator.classes is None
    documentation = ARCHITECTURES.get(case[0]).__doc__
    assert documentation
    assert "Source:" in documentation


@pytest.mark.parametrize("conditioning", ["projection", "concatenation"])
@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_labels_matter_to_both_networks(case: tuple[str, SampleSpecification], conditioning: str) -> None:
    generator, discriminator = _build(case, conditional=True, conditioning=conditioning)
    with torch.no_grad():
        for parameter in [*generator.parameters(), *discriminator.parameters()]:
            parameter.add_(0.05 * torch.randn_like(parameter))
    latent = torch.randn(1, 5).expand(3, 5)
    generator.eval()
    discriminator.eval()
    samples = generator(latent, torch.arange(3))
    assert (samples[0] - samples[1]).abs().max() > 1e-4
    same = samples[:1].expand_as(samples)
    logits = discriminator(same, torch.arange(3))
    assert logits.std() > 1e-6


@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_projection_is_its_closed_form(case: tuple[str, SampleSpecification]) -> None:
    _, discriminator = _build(case, conditional=True, conditioning="projection")
    discriminator.eval()
    samples, labels = torch.randn(BATCH, *case[1].shape), torch.tensor([0, 2, 1, 1])
    features = discriminator.features(samples, labels)
    head = discriminator.head
    expected = features @ head.linear.weight[0] + head.linear.bias
    expected = expected + (features * head.embedding.embedding.weight[labels]).sum(1)
    torch.testing.assert_close(discriminator(samples, labels), expected)


@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_the_discriminator_differentiates_twice(case: tuple[str, SampleSpecification]) -> None:
    _, discriminator = _build(case, batch_layer="minibatch-discrimination")
    samples = torch.randn(BATCH, *case[1].shape, requires_grad=True)
    (gradient,) = torch.autograd.grad(discriminator(samples).sum(), samples, create_graph=True)
    gradient.square().sum().backward()
    moved = [parameter for parameter in discriminator.parameters() if parameter.grad is not None]
    assert sum(parameter.grad.norm() for parameter in moved) > 0
    assert all(parameter.grad.isfinite().all() for parameter in moved)


@pytest.mark.parametrize("conditional", [False, True], ids=["unconditional", "conditional"])
@pytest.mark.parametrize("pack", [1, 2])
@pytest.mark.parametrize("batch_layer", [None, *BATCH_LAYERS])
@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_combinations_run(
    case: tuple[str, SampleSpecification], batch_layer: str | None, pack: int, conditional: bool
) -> None:
    for conditioning in ("projection", "concatenation") if conditional else ("default",):
        _, discriminator = _build(
            case, batch_layer=batch_layer, pack=pack, conditional=conditional, conditioning=conditioning
        )
        samples = torch.randn(8, *case[1].shape)
        logits = discriminator(samples, *_arguments(conditional, 8))
        assert logits.shape == (8 // pack,)
        assert discriminator.pack == pack
        assert discriminator.features(samples, *_arguments(conditional, 8)).shape[0] == 8 // pack


@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_microbatches_run(case: tuple[str, SampleSpecification]) -> None:
    generator, discriminator = _build(case, microbatch=3, conditional=True)
    labels = _arguments(True, 6)[0]
    fake, real = generator(torch.randn(6, 5), labels), torch.randn(6, *case[1].shape)
    assert discriminator(fake, labels).shape == (6,)
    loss = discriminator.discriminator_loss(real, fake, labels, labels, alpha=0.5)
    (loss + discriminator.generator_loss(fake, labels, alpha=0.5)).backward()
    assert all(parameter.grad is not None for parameter in generator.parameters())


@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_all_normalisations_run_and_leave_the_first_layer_alone(
    case: tuple[str, SampleSpecification],
) -> None:
    kinds = {
        "batch": (nn.BatchNorm1d, nn.BatchNorm2d),
        "layer": (nn.LayerNorm, nn.GroupNorm),
        "instance": (nn.GroupNorm,),
        "virtual-batch": (VirtualBatchNorm,),
    }
    every = tuple({kind for group in kinds.values() for kind in group})
    specification = SampleSpecification(
        case[1].kind, {"image": (1, 16, 16), "vector": (5,), "sequence": (2, 24)}[case[1].kind]
    )
    for name in ARCHITECTURES.get(case[0]).normalisations:
        _, discriminator = _build((case[0], specification), discriminator_normalisation=name)
        samples = torch.randn(BATCH, *specification.shape)
        assert discriminator(samples).shape == (BATCH,)
        found = [module for module in discriminator.modules() if isinstance(module, every)]
        if name == "none":
            assert not found
        else:
            assert found
            assert all(isinstance(module, kinds[name]) for module in found)
            # No normalisation sees the sample itself, nor the first layer's output.
            first = [module for module in discriminator.modules() if not list(module.children())][:2]
            assert not any(isinstance(module, every) for module in first)


@pytest.mark.parametrize("conditional", [False, True], ids=["unconditional", "conditional"])
@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_state_survives_saving(case: tuple[str, SampleSpecification], conditional: bool) -> None:
    networks = _build(case, conditional=conditional)
    others = _build(case, conditional=conditional)
    latent, labels = torch.randn(BATCH, 5), _arguments(conditional)
    networks[0](latent, *labels)  # moves running statistics
    for ours, theirs in zip(networks, others):
        for parameter in theirs.parameters():
            nn.init.normal_(parameter)
        theirs.load_state_dict(ours.state_dict())
        ours.eval()
        theirs.eval()
    samples = networks[0](latent, *labels)
    assert torch.equal(others[0](latent, *labels), samples)
    assert torch.equal(others[1](samples, *labels), networks[1](samples, *labels))


@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_channels_last_gives_the_same(case: tuple[str, SampleSpecification]) -> None:
    if case[1].kind != "image":
        pytest.skip("a memory format of images")
    generator, discriminator = _build(case)
    latent = torch.randn(BATCH, 5)
    expected = discriminator(generator(latent))
    generator.to(memory_format=torch.channels_last)
    discriminator.to(memory_format=torch.channels_last)
    torch.testing.assert_close(discriminator(generator(latent)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", SMALL, ids=_identity)
def test_labels_missing_or_superfluous_are_refused(case: tuple[str, SampleSpecification]) -> None:
    latent, samples, labels = (
        torch.randn(BATCH, 5),
        torch.randn(BATCH, *case[1].shape),
        torch.arange(BATCH) % 3,
    )
    for network, given in zip(_build(case), (latent, samples)):
        with pytest.raises(EquipoiseError, match="without labels"):
            network(given, labels)
    for network, given in zip(_build(case, conditional=True), (latent, samples)):
        with pytest.raises(EquipoiseError, match="no labels"):
            network(given)
        with pytest.raises(EquipoiseError, match="between 0 and 2"):
            network(given, labels + 1)
    generator, discriminator = _build(case)
    with pytest.raises(EquipoiseError, match="latent"):
        generator(torch.randn(BATCH, 6))
    with pytest.raises(EquipoiseError, match="samples"):
        discriminator(torch.randn(BATCH, *case[1].shape, 1))


MODULES = [module.name for module in pkgutil.iter_modules(equipoise.networks.__path__)]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_the_documentation(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"equipoise.networks.{module}"))
    assert result.failed == 0
