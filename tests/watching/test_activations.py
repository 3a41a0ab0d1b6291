"""Activations one behind another at the output, and what they leave possible."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import equipoise
from equipoise.watching.activations import activation_chain, output_range

CHAINS = [
    ((nn.Sigmoid(), nn.Sigmoid()), ["sigmoid", "sigmoid"], (0.5, 1 / (1 + math.exp(-1)))),
    ((nn.ReLU(), nn.Sigmoid()), ["sigmoid", "relu"], (0.5, 1.0)),
    ((nn.Tanh(), nn.Tanh()), ["tanh", "tanh"], (math.tanh(-1), math.tanh(1))),
    ((nn.ReLU(), nn.Tanh()), ["tanh", "relu"], (0.0, 1.0)),
    ((nn.LeakyReLU(0.2), nn.Tanh()), ["tanh", "leaky-relu"], (-1.0, 1.0)),
    ((nn.Sigmoid(), nn.LeakyReLU(0.2)), ["leaky-relu", "sigmoid"], (0.0, 1.0)),
    ((nn.Sigmoid(), nn.Softplus()), ["softplus", "sigmoid"], (math.log(2), math.log(1 + math.e))),
    ((nn.Hardtanh(), nn.Sigmoid()), ["sigmoid", "hardtanh"], (1 / (1 + math.e), 1 / (1 + math.exp(-1)))),
    ((nn.Sigmoid(), nn.Hardtanh()), ["hardtanh", "sigmoid"], (0.0, 1.0)),
    ((nn.ReLU(), nn.LogSoftmax(1)), ["log-softmax", "relu"], (-math.inf, 0.0)),
    ((nn.ReLU(),), ["relu"], (0.0, math.inf)),
]


@pytest.mark.parametrize(("layers", "names", "ends"), CHAINS, ids=lambda value: None)
def test_chains_and_their_ranges_against_what_a_network_gives(layers, names, ends) -> None:
    body = nn.Sequential(*layers)
    wide = torch.linspace(-1e3, 1e3, 4001).reshape(-1, 1).repeat(1, 2).requires_grad_()
    value = body(wide * 1.0).view(-1)
    smallest, largest = float(value.detach().min()), float(value.detach().max())
    assert activation_chain(value) == names
    if "log-softmax" not in names:
        low, high = output_range(names)
        assert (low, high) == pytest.approx(ends)
        assert smallest == pytest.approx(low, abs=1e-6)
        assert largest == pytest.approx(high, abs=1e-6) or math.isinf(high)
    assert output_range(names) == pytest.approx(ends)


def test_other_operations_end_the_chain() -> None:
    values = torch.randn(4, 3, requires_grad=True)
    assert activation_chain(torch.sigmoid(nn.functional.relu(values).mean(1))) == ["sigmoid"]
    assert activation_chain(values * 2) == []
    assert activation_chain(values.detach()) == []


def _run(head: nn.Module, loss: nn.Module, last: nn.Module, updates: int = 20) -> equipoise.Monitor:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3), last)
    discriminator = nn.Sequential(nn.Linear(3, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), head)
    step_g = torch.optim.Adam(generator.parameters(), 1e-3)
    step_d = torch.optim.Adam(discriminator.parameters(), 1e-3)
    monitor = equipoise.watch(generator, discriminator)
    ones, zeros = torch.ones(16, 1), torch.zeros(16, 1)
    for _ in range(updates):
        real, fake = torch.rand(16, 3) * 2 - 1, generator(torch.randn(16, 4))
        step_d.zero_grad()
        (loss(discriminator(real), ones) + loss(discriminator(fake.detach()), zeros)).backward()
        step_d.step()
        step_g.zero_grad()
        loss(discriminator(fake), ones).backward()
        step_g.step()
    monitor.close()
    return monitor


@pytest.mark.parametrize(
    ("head", "loss", "said"),
    [
        (nn.Sequential(nn.Sigmoid(), nn.Sigmoid()), nn.BCELoss(), "sigmoid behind sigmoid"),
        (nn.Sequential(nn.ReLU(), nn.Sigmoid()), nn.BCELoss(), "it can call no sample fake"),
        (nn.ReLU(), nn.BCEWithLogitsLoss(), "no score can be negative"),
    ],
)
def test_a_discriminator_that_cannot_give_what_its_loss_asks_for(head, loss, said) -> None:
    first = _run(head, loss, nn.Tanh()).diagnose().findings[0]
    assert (first.name, first.severity) == ("logit-loss-mismatch", "error")
    assert said in first.message


@pytest.mark.parametrize(
    ("head", "loss"),
    [(nn.Sigmoid(), nn.BCELoss()), (nn.ReLU(), nn.MSELoss()), (nn.LeakyReLU(0.2), nn.BCEWithLogitsLoss())],
)
def test_heads_that_can(head, loss) -> None:
    """One sigmoid; a relu under least squares with targets 0 and 1; a leaky relu, which goes below zero."""
    names = {finding.name for finding in _run(head, loss, nn.Tanh()).diagnose().findings}
    assert not names & {"logit-loss-mismatch", "range-mismatch"}


def test_a_generator_with_two_tanh_cannot_reach_its_data() -> None:
    first = _run(nn.Sigmoid(), nn.BCELoss(), nn.Sequential(nn.Tanh(), nn.Tanh())).diagnose().findings[0]
    assert (first.name, first.severity) == ("range-mismatch", "error")
    assert "tanh behind tanh and can only give [-0.762, 0.762]" in first.message


def test_a_softmax_of_one_answer_comes_before_the_networks_that_it_freezes() -> None:
    found = _run(nn.Softmax(dim=1), nn.BCELoss(), nn.Tanh(), updates=150).diagnose().findings
    assert (found[0].name, found[0].severity) == ("logit-loss-mismatch", "error")
    assert "a single answer" in found[0].message
    frozen = [finding for finding in found if finding.name == "frozen-network"]
    assert all(finding.caused_by == "logit-loss-mismatch" for finding in frozen)
