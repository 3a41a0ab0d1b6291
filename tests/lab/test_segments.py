"""The two segments of the perfect discriminator: where they are, and how far apart."""

from __future__ import annotations

import pytest
import torch

from equipoise.lab.games import random_numbers
from equipoise.lab.segments import GAP, SegmentGenerator, segment, transport_distance


def test_the_generator_starts_on_its_segment_and_can_be_trained() -> None:
    generator = SegmentGenerator()
    fakes = generator(torch.randn(500, 1, generator=random_numbers(0, "latents")))
    assert torch.equal(fakes[:, 0], torch.full((500,), 1 - GAP))
    assert float(fakes[:, 1].detach().abs().max()) <= 1
    # erf(z / sqrt 2) of a normal z is uniform in [-1, 1]: variance one third.
    assert float(fakes[:, 1].detach().var()) == pytest.approx(1 / 3, rel=0.15)
    fakes[:, 0].sum().backward()
    assert float(generator.last.bias.grad.abs().sum()) > 0


def test_distances_are_those_of_the_best_assignment() -> None:
    reals = segment(64, random_numbers(0, "reals"))
    assert transport_distance(reals, reals.flip(0)) == pytest.approx(0.0, abs=1e-9)
    assert transport_distance(reals - torch.tensor([GAP, 0.0]), reals) == pytest.approx(GAP, rel=1e-6)
