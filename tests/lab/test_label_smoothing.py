"""The best discriminator for smoothed targets, and the targets that the arms really give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from equipoise.lab.experiments import label_smoothing


@pytest.mark.parametrize("targets", label_smoothing.ALL, ids=lambda targets: targets.name)
def test_the_closed_form_minimises_the_loss_at_each_place(targets: label_smoothing.Targets) -> None:
    for place in (-0.5, 1.2, 2.0):
        p, q = norm.pdf(place), norm.pdf(place, loc=3.0)

        def loss(d: float, p: float = p, q: float = q) -> float:
            on_reals = targets.real * np.log(d) + (1 - targets.real) * np.log(1 - d)
            on_fakes = targets.fake * np.log(d) + (1 - targets.fake) * np.log(1 - d)
            return float(-p * on_reals - q * on_fakes)

        found = minimize_scalar(loss, bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-10})
        assert targets.best(np.array([place]), 3.0)[0] == pytest.approx(found.x, abs=1e-5)


@pytest.mark.parametrize("targets", label_smoothing.ALL, ids=lambda targets: targets.name)
def test_the_loss_of_an_arm_has_its_targets(targets: label_smoothing.Targets) -> None:
    """With targets a and b the slope at a logit l is sigmoid(l) - target; noisy labels have it on average."""
    objective = targets.objective()
    objective.random = torch.Generator().manual_seed(0)
    real = torch.zeros(200_000, requires_grad=True)
    fake = torch.zeros(200_000, requires_grad=True)
    objective.discriminator_loss(real, fake).backward()
    assert float(real.grad.sum()) == pytest.approx(0.5 - targets.real, abs=3e-3)
    assert float(fake.grad.sum()) == pytest.approx(0.5 - targets.fake, abs=3e-3)
