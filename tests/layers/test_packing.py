"""Packs: which samples they hold, and what becomes of their labels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from equipoise.data.specification import SampleKind, SampleSpecification
from equipoise.errors import EquipoiseError
from equipoise.layers.label_embedding import LabelEmbedding
from equipoise.layers.packing import Packed


class Recorder(nn.Module):
    """Keeps what it is called with; its logit is the sum of a pack."""

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        self.samples, self.labels = samples, labels
        return samples.flatten(1).sum(1)

    def features(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return samples.flatten(1)


@pytest.mark.parametrize("shape", [(3,), (2, 5), (2, 4, 4)])
def test_packs_hold_consecutive_samples_side_by_side(shape: tuple[int, ...]) -> None:
    seen = {}

    def factory(specification: SampleSpecification) -> nn.Module:
        seen["shape"] = specification.shape
        return Recorder()

    kinds: dict[int, SampleKind] = {1: "vector", 2: "sequence", 3: "image"}
    packed = Packed(factory, SampleSpecification(kinds[len(shape)], shape), pack=3)
    samples = torch.randn(6, *shape)
    logits = packed(samples, torch.arange(6))
    assert seen["shape"] == (3 * shape[0], *shape[1:])
    for index in range(2):
        torch.testing.assert_close(packed.network.samples[index], torch.cat(list(samples[3 * index :][:3])))
    assert packed.network.labels.tolist() == [[0, 1, 2], [3, 4, 5]]
    torch.testing.assert_close(logits, samples.reshape(2, -1).sum(1))
    assert packed.features(samples).shape[0] == 2
    assert packed.pack == 3


def test_labels_of_a_pack_are_a_linear_map_of_their_one_hot_labels_side_by_side() -> None:
    embedding = LabelEmbedding(classes=4, features=5, positions=3)
    labels = torch.tensor([[0, 3, 1], [2, 2, 2]])
    one_hot = nn.functional.one_hot(labels, 4).flatten(1).float()
    torch.testing.assert_close(embedding(labels), one_hot @ embedding.embedding.weight)


def test_a_batch_that_cannot_be_cut_is_refused_with_both_numbers() -> None:
    packed = Packed(lambda _: Recorder(), SampleSpecification("vector", (3,)), pack=4)
    with pytest.raises(EquipoiseError, match=r"10 samples.*packs of 4"):
        packed(torch.zeros(10, 3))
    with pytest.raises(EquipoiseError, match="pack"):
        Packed(lambda _: Recorder(), SampleSpecification("vector", (3,)), pack=0)
