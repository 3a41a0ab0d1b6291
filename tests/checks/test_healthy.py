"""No check may warn on a run with nothing wrong, whatever the family; registering a check is enough."""

from __future__ import annotations

import pytest
from observe import HEALTHY

from equipoise.checks.base import CHECKS


@pytest.mark.parametrize("run", HEALTHY)
@pytest.mark.parametrize("name", CHECKS.names())
def test_no_warning_on_a_healthy_run(name: str, run: str) -> None:
    finding = CHECKS.get(name)().run(HEALTHY[run]())
    assert finding is None or finding.severity == "info", finding
