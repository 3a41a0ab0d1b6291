"""How a training shows where it is: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

import typer

from equipoise.cli.output import console
from equipoise.training.callbacks import Callback

if TYPE_CHECKING:
    from torch import Tensor

    from equipoise.training.session import TrainingSession

SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_UPDATES = 0.2
# The speed is that of the last seconds: the first steps and every checkpoint are slower than the rest.
_WINDOW_SECONDS = 10.0


class Pace:
    """Steps a second over the last seconds, and how long the rest will take.

    Example:
        >>> clock = iter([0.0, 2.0])
        >>> pace = Pace(total=100, clock=lambda: next(clock))
        >>> pace.update(10); pace.update(20)
        >>> pace.speed, pace.remaining
        (5.0, 16.0)
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.step = 0
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def update(self, step: int) -> None:
        """So many steps are done now."""
        now = self._clock()
        self.step = step
        self._seen.append((now, step))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def speed(self) -> float | None:
        """Steps a second, or None while it is not known."""
        if len(self._seen) < 2:
            return None
        (first_time, first), (last_time, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_time - first_time) if last_time > first_time and last > first else None

    @property
    def remaining(self) -> float | None:
        """Seconds until the last step, or None while the speed is not known."""
        speed = self.speed
        return (self.total - self.step) / speed if speed else None

    def words(self) -> str:
        """Speed and remaining time for people."""
        speed, remaining = self.speed, self.remaining
        if speed is None or remaining is None:
            return ""
        shown = f"{speed:.1f} steps/s" if speed >= 1 else f"{1 / speed:.1f} s/step"
        return f"{shown}, {duration(remaining)} left"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds as a clock shows them.

    Example:
        >>> duration(75), duration(3725)
        ('1:15', '1:02:05')
    """
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def players(scores: Mapping[str, float]) -> str:
    """The scores of both players in words.

    Example:
        >>> players({"discriminator_loss": 0.5, "real_score": 1.25, "fake_score": -1.0})
        'discriminator 0.500 (real +1.25, fake -1.00)'
    """
    parts = []
    if "discriminator_loss" in scores:
        means = [
            f"{name} {scores[f'{name}_score']:+.2f}" for name in ("real", "fake") if f"{name}_score" in scores
        ]
        between = f" ({', '.join(means)})" if means else ""
        parts.append(f"discriminator {scores['discriminator_loss']:.3f}{between}")
    if "generator_loss" in scores:
        parts.append(f"generator {scores['generator_loss']:.3f}")
    return ", ".join(parts)


class _Progress(Callback):
    """What both displays share: they update by the clock, in the main process, and never fail the run."""

    seconds = _SECONDS_BETWEEN_UPDATES

    def __init__(self, stream: TextIO, headline: str) -> None:
        self.stream = stream
        self.headline = headline
        self.pace = Pace(1)
        self._due = 0.0
        self._silent = True

    def on_start(self, session: TrainingSession, step: int, total_steps: int) -> None:
        self._silent = not session.accelerator.is_main_process
        self.pace = Pace(total_steps)
        self.pace.update(step)
        self._due = time.monotonic() + self.seconds
        self._safely(typer.echo, self.headline, self.stream)
        self._safely(self.begin)

    def on_step(self, step: int, scores: Mapping[str, Tensor]) -> None:
        moment = time.monotonic()
        if self._silent or (moment < self._due and step < self.pace.total):
            return
        self._due = moment + self.seconds
        self.pace.update(step)
        # Reading a score waits for the device; a few times a second that costs nothing.
        self._safely(self.show, players({name: float(value) for name, value in scores.items()}))

    def on_end(self, step: int) -> None:
        self._safely(self.end)

    def _safely(self, write: Callable[..., None], *values: Any) -> None:
        """Whoever reads the progress may go away; the training goes on."""
        if self._silent:
            return
        try:
            write(*values)
        except (OSError, ValueError):
            self._silent = True

    def begin(self) -> None:
        """The training begins."""

    def show(self, scores: str) -> None:
        """There is something new to show."""

    def end(self) -> None:
        """The training ended."""


class Lines(_Progress):
    """One line at the beginning, every ten seconds and at the end."""

    seconds = SECONDS_BETWEEN_LINES

    def begin(self) -> None:
        if self.pace.step < self.pace.total:
            self._line(f"step {self.pace.step:,} of {self.pace.total:,}")

    def show(self, scores: str) -> None:
        words = (f"step {self.pace.step:,} of {self.pace.total:,}", self.pace.words(), scores)
        self._line(", ".join(word for word in words if word))

    def _line(self, text: str) -> None:
        typer.echo(text, file=self.stream)
        self.stream.flush()


class Bar(_Progress):
    """A bar with speed and remaining time, and a line with the players' scores below it."""

    def begin(self) -> None:
        from rich.console import Group
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.text import Text

        self._bar = Progress(
            TextColumn("step {task.completed:,.0f} of {task.total:,.0f}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[pace]}"),
            expand=True,
        )
        self._task = self._bar.add_task("", total=self.pace.total, completed=self.pace.step, pace="")
        self._scores = Text()
        self._live = Live(Group(self._bar, self._scores), console=console(self.stream), refresh_per_second=5)
        self._live.start()

    def show(self, scores: str) -> None:
        self._bar.update(self._task, completed=self.pace.step, pace=self.pace.words())
        self._scores.plain = scores

    def end(self) -> None:
        self._live.stop()


def progress(stream: TextIO, headline: str) -> Callback:
    """The display that suits the stream; the headline comes before the first step."""
    return Bar(stream, headline) if stream.isatty() else Lines(stream, headline)
