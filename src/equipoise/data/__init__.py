"""One way in for built-in sets, the Hugging Face Hub, folders, arrays and tables."""

from __future__ import annotations

from equipoise.data.builtin import DATASETS
from equipoise.data.dataset import Dataset
from equipoise.data.load import load_data
from equipoise.data.normalisation import Normalisation, fit_normalisation
from equipoise.data.raw import Mixture
from equipoise.data.sampler import BatchSampler
from equipoise.data.specification import SampleKind, SampleSpecification

__all__ = [
    "DATASETS",
    "BatchSampler",
    "Dataset",
    "Mixture",
    "Normalisation",
    "SampleKind",
    "SampleSpecification",
    "fit_normalisation",
    "load_data",
]
