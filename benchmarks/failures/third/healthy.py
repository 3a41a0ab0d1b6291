"""Healthy variants of the third half: ordinary trainings, and what looks like a fault and is none."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.failures.networks import perceptron
from benchmarks.failures.parts import Case, Optimizers, adam, r1_penalty
from benchmarks.failures.sources import Batches
from benchmarks.failures.third import networks
from benchmarks.failures.third.filed import replant, third_healthy
from benchmarks.failures.third.parts import ThirdParts

replant(
    "ordinary",
    "valid bce rings",
    "valid lsgan shapes",
    "valid bce-sigmoid swissroll",
    "valid wgan-gp survey",
    "valid wgan-clip rings",
    "wrapper hinge rings",
    "wrapper hinge shapes attention",
    "phases logistic swissroll",
    "phases logistic shapes",
    "vocoder lsgan waves",
    "superres ragan patches",
    "auxiliary bce rings",
    "auxiliary lsgan swissroll",
    "cycle lsgan rings",
    "cycle lsgan patches",
    "autoencoder bce swissroll",
    "autoencoder lsgan survey",
    "model lsgan rings std",
    "model bce waves",
    "model bce swissroll skip",
)
