"""Label embedding, label plane, projection and conditional batch norm against closed forms."""

from __future__ import annotations

import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.layers.conditional_batch_norm import ConditionalBatchNorm
from equipoise.layers.label_embedding import LabelEmbedding, LabelPlane, check_labels
from equipoise.layers.projection import ProjectionHead


def test_projection_is_its_closed_form() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(4, classes=3).double()
    features = torch.randn(5, 4, dtype=torch.float64)
    labels = torch.tensor([0, 2, 1, 1, 0])
    weight, bias = head.linear.weight[0], head.linear.bias[0]
    for row, label, logit in zip(features, labels, head(features, labels)):
        expected = row @ weight + bias + row @ head.embedding.embedding.weight[label]
        torch.testing.assert_close(logit, expected)


def test_the_share_of_the_label_in_the_logit_starts_at_the_scale_of_the_features() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(400, classes=50)
    features, labels = torch.randn(2000, 400), torch.arange(2000) % 50
    share = head(features, labels) - head.linear(features).squeeze(1)
    assert share.std().item() == pytest.approx(1.0, abs=0.1)


def test_conditional_batch_norm_equals_batch_norm_then_the_class_affine() -> None:
    torch.manual_seed(0)
    layer = ConditionalBatchNorm(3, classes=2)
    features, labels = torch.randn(6, 3, 4, 4) * 2 + 1, torch.tensor([0, 1, 1, 0, 0, 1])
    plain = torch.nn.BatchNorm2d(3)
    torch.testing.assert_close(layer(features, labels), plain(features))  # all classes alike at first
    layer.gain.weight.data.normal_()
    layer.shift.weight.data.normal_()
    found = layer(features, labels)
    for sample, label, normalised in zip(found, labels, plain(features)):
        gain, shift = layer.gain.weight[label], layer.shift.weight[label]
        torch.testing.assert_close(sample, normalised * gain[:, None, None] + shift[:, None, None])


@pytest.mark.parametrize(("shape", "expected"), [((3,), (6,)), ((2, 5), (3, 5)), ((2, 4, 6), (3, 4, 6))])
def test_label_planes_stand_beside_the_sample(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    layer = LabelPlane(shape, classes=3)
    samples, labels = torch.randn(4, *shape), torch.tensor([0, 1, 2, 1])
    output = layer(samples, labels)
    assert output.shape == (4, *expected)
    assert torch.equal(output[:, : shape[0]], samples)
    assert torch.equal(output[1, shape[0] :], output[3, shape[0] :])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([0, 3]), "between 0 and 2"),
        (torch.tensor([-1, 0]), "between 0 and 2"),
        (torch.tensor([0.0, 1.0]), "int64"),
        (torch.tensor([0, 1, 2]), "shape"),
        (torch.tensor([[0], [1]]), "shape"),
    ],
)
def test_wrong_labels_are_refused(labels: torch.Tensor, message: str) -> None:
    with pytest.raises(EquipoiseError, match=message):
        check_labels(labels, samples=2, classes=3)


def test_embedding_names_a_missing_number_of_classes() -> None:
    with pytest.raises(EquipoiseError, match="classes"):
        LabelEmbedding.for_shape((4,))
