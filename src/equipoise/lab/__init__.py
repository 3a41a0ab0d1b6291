"""The laboratory: known failures rerun from a fixed seed, and what cures them or only hides them."""

from __future__ import annotations

from equipoise.lab.base import EXPERIMENTS as EXPERIMENTS
from equipoise.lab.base import Experiment as Experiment
from equipoise.lab.base import scaled as scaled
from equipoise.lab.outcome import Arm as Arm
from equipoise.lab.outcome import Expectation as Expectation
from equipoise.lab.outcome import Number as Number
from equipoise.lab.outcome import Outcome as Outcome
from equipoise.lab.outcome import Series as Series
