"""How old a generator is, and from when on it is judged."""

from __future__ import annotations

import pytest

from equipoise.history.observations import Observations


def after(step: int, generator: int, discriminator: int) -> Observations:
    return Observations(
        step=step, updates={"generator": generator, "discriminator": discriminator}, warm_up=200
    )


@pytest.mark.parametrize(
    ("step", "generator", "discriminator", "warmed_up"),
    [
        (199, 199, 199, False),
        (200, 200, 200, True),
        # Five critic steps: 200 updates of the generator are reached at step 1000.
        (995, 199, 995, False),
        (1000, 200, 1000, True),
        # Two generator steps: the step counts the player that updates most often.
        (200, 200, 100, True),
        # One update in twenty-one steps is starvation, which is not waited for, but not before step 200.
        (210, 10, 210, True),
        (189, 9, 189, False),
        (200, 0, 200, True),
        # A log counts no updates.
        (199, 0, 0, False),
        (200, 0, 0, True),
    ],
)
def test_from_when_on_balance_is_judged(
    step: int, generator: int, discriminator: int, warmed_up: bool
) -> None:
    assert after(step, generator, discriminator).warmed_up is warmed_up


@pytest.mark.parametrize(
    ("generator", "discriminator", "at", "age"),
    [
        (1000, 1000, None, 1000),
        (200, 1000, None, 200),
        (200, 1000, 500, 100),
        # A starved generator stays young, however long the run is.
        (10, 1000, None, 10),
        (0, 0, None, 1000),
        (0, 0, 300, 300),
        # Restored counts may exceed the steps seen; nobody is older than the run.
        (5000, 1000, None, 1000),
    ],
)
def test_the_age_is_the_updates_made(generator: int, discriminator: int, at: int | None, age: float) -> None:
    assert after(1000, generator, discriminator).generator_age(at) == age


def test_the_age_now_is_exactly_the_updates_made() -> None:
    for step in range(200, 4000, 7):
        assert after(step, 200, step).generator_age() == 200
        assert after(step, 200, step).warmed_up
