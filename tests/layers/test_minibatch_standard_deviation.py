"""Minibatch standard deviation against numpy, and against a known wrong tiling."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from equipoise.errors import EquipoiseError
from equipoise.layers.minibatch_standard_deviation import MinibatchStandardDeviation


def _expected(features: np.ndarray, group: int) -> np.ndarray:
    """One sample at a time: find its group, then the deviation, with no tiling at all."""
    result = []
    for index in range(len(features)):
        start = index // group * group
        members = features[start : start + group].reshape(group, -1)
        result.append(np.sqrt(members.var(axis=0) + 1e-8).mean())
    return np.array(result)


@pytest.mark.parametrize("shape", [(7,), (3, 5), (3, 4, 5)])
@pytest.mark.parametrize(("batch", "group"), [(12, 4), (12, 3), (12, None), (2, 4)])
def test_equals_numpy(shape: tuple[int, ...], batch: int, group: int | None) -> None:
    features = np.random.default_rng(0).normal(size=(batch, *shape)) * np.arange(1, batch + 1).reshape(
        -1, *[1] * len(shape)
    )
    output = MinibatchStandardDeviation(group)(torch.from_numpy(features)).numpy()
    np.testing.assert_array_equal(output[:, :-1] if len(shape) == 1 else output[:, : shape[0]], features)
    expected = _expected(features, min(group or batch, batch))
    appended = output[:, -1].reshape(batch, -1)
    np.testing.assert_allclose(appended, np.repeat(expected[:, None], appended.shape[1], 1), rtol=1e-12)


def test_each_sample_gets_the_deviation_of_its_own_group() -> None:
    # The values of facebookresearch/pytorch_GAN_zoo#69, where groups and batch were swapped on tiling. There
    # a group is every third sample; here the same groups are consecutive.
    values = torch.tensor([0, 0, 0, 0, 1, 2, 3, 4, 100, 200, 300, 400], dtype=torch.float64)
    arranged = values.reshape(4, 3).t().reshape(12, 1, 1, 1)  # group k holds samples k, k + 3, k + 6, k + 9
    found = MinibatchStandardDeviation(4)(arranged)[:, -1, 0, 0]
    # Each sample back to its place: group after group becomes every third sample.
    found = found.reshape(3, 4).t().flatten()
    groups = [[0, 0, 3, 200], [0, 1, 4, 300], [0, 2, 100, 400]]
    expected = [np.std(group) for group in groups] * 4
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_a_batch_that_cannot_be_cut_is_refused_with_both_numbers() -> None:
    with pytest.raises(EquipoiseError, match=r"10 samples.*groups of 4"):
        MinibatchStandardDeviation(4)(torch.zeros(10, 3))
    with pytest.raises(EquipoiseError, match="group_size"):
        MinibatchStandardDeviation(1)


def test_clones_have_finite_derivatives() -> None:
    clones = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    layer = MinibatchStandardDeviation(4)
    (gradient,) = torch.autograd.grad(layer(clones).square().sum(), clones, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), clones)
    assert second.isfinite().all()
    diverse = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, (diverse,))
