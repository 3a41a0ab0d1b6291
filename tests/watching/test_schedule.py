"""When a record is due: dense at the start, then what the budget pays for."""

from __future__ import annotations

import pytest

from equipoise.watching.schedule import BUDGET, HEAVY_EVERY, Schedule


def steady(step_seconds: float, cost: float) -> Schedule:
    """A schedule that has seen a loop with steps and records of one length."""
    schedule = Schedule()
    for _ in range(HEAVY_EVERY):
        schedule.spent(cost, 10 * step_seconds + cost, 10)
    return schedule


@pytest.mark.parametrize(
    ("step", "due"), [(0, 1), (9, 1), (10, 5), (99, 5), (100, 10), (1000, 25), (10_000, 50)]
)
def test_records_get_rarer_where_they_cost_nothing(step: int, due: int) -> None:
    assert steady(1.0, 0.0).interval(step) == due
    assert Schedule().interval(step) == due


@pytest.mark.parametrize("step", [150, 2_000, 20_000])
def test_the_share_is_the_budget(step: int) -> None:
    base = Schedule().interval(step)
    # A record that the plain interval would make twice as dear as the budget allows.
    cost = 2 * base * BUDGET * 0.08
    due = steady(0.08, cost).interval(step)
    assert due == 2 * base
    assert cost / (due * 0.08) == pytest.approx(BUDGET)


def test_the_mean_of_light_and_heavy_records_counts() -> None:
    schedule = Schedule()
    for cost in (0.05, 0.01, 0.01, 0.01, 0.01):
        schedule.spent(cost, 1.0 + cost, 10)
    assert schedule.interval(150) == round(0.018 / (BUDGET * 0.1))
    # Whichever of them came last.
    schedule.spent(0.05, 1.0 + 0.05, 10)
    assert schedule.interval(150) == round(0.018 / (BUDGET * 0.1))


def test_never_more_than_four_times_as_rare() -> None:
    assert steady(0.001, 1.0).interval(150) == 40


def test_the_start_is_never_stretched() -> None:
    assert steady(0.001, 1.0).interval(50) == 5


def test_a_fixed_interval_ignores_the_cost() -> None:
    schedule = Schedule(every=7)
    schedule.spent(1.0, 1.1, 7)
    assert [schedule.interval(step) for step in (0, 150, 20_000)] == [7, 7, 7]


def test_one_record_in_five_is_heavy() -> None:
    schedule, heavy = Schedule(), []
    for _ in range(11):
        heavy.append(schedule.heavy())
        schedule.spent(0.1, 1.0, 1)
    assert [place for place, one in enumerate(heavy) if one] == [0, 5, 10]
