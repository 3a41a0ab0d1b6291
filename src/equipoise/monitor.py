"""`equipoise.watch` and `equipoise.preflight`: watching, checks and report put together."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from equipoise.checks import Diagnosis, judge
from equipoise.errors import EquipoiseError, parameter_error, unknown_name
from equipoise.history.observations import WARM_UP_STEPS, Observations
from equipoise.history.store import History

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

# Probes of an earlier moment still count for this share of the run.
_STALE_PROBES = 0.25


class Monitor:
    """Watches one generator and one discriminator in any loop; made by `equipoise.watch`.

    Use it as it is or as a context manager; `close` removes every hook.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        objective: str | None = None,
        every: int | None = None,
        history: str | Path | History | None = None,
    ) -> None:
        from equipoise.watching.watcher import Watcher

        _check_networks(generator, discriminator)
        _check_objective(objective)
        self.history = history if isinstance(history, History) else History(history)
        self._watcher = Watcher(generator, discriminator, self.history, objective=objective, every=every)
        self._probed_at = -1
        self._ended = False

    def real(self, samples: Tensor) -> Tensor:
        """Tag a batch as real, where its role cannot be inferred; returns it unchanged."""
        self._watcher.tag(samples, "real")
        return samples

    def fake(self, samples: Tensor) -> Tensor:
        """Tag a batch as the generator's, where its role cannot be inferred; returns it unchanged."""
        self._watcher.tag(samples, "fake")
        return samples

    def held_out(self, samples: Tensor) -> None:
        """Hand over reals that the discriminator never trains on: does it know its own by heart?"""
        self._watcher.reservoir.held_out = samples.detach().clone()

    def count_on(self, *, generator: int, discriminator: int) -> None:
        """For a run that goes on: so many updates are done; what was recorded after them is forgotten.

        Call it before the first step.
        """
        updates = {"generator": generator, "discriminator": discriminator}
        self.history.truncate_after(max(updates.values()))
        self._watcher.count_on(updates)

    @property
    def step(self) -> int:
        """Updates of the player that was updated most often."""
        return self._watcher.step

    def observations(self) -> Observations:
        """Everything measured so far, as plain numbers."""
        self.history.set_facts(self._watcher.facts.collect())
        self._note_weights()
        observed = self.history.observations()
        observed.source = "live"
        observed.step = max(observed.step, self._watcher.step)
        observed.updates = dict(self._watcher.updates)
        return observed

    def _note_weights(self) -> None:
        """Between two records the weights may have become NaN: a step that is not finite, as of now."""
        watcher = self._watcher
        if self._ended or watcher.closed:
            return
        networks = (watcher.generator, watcher.discriminator)
        weights = [w.detach() for network in networks for w in network.parameters() if w.is_floating_point()]
        if all(bool(w.isfinite().all()) for w in weights):
            return
        self._ended = True
        self.history.append(watcher.step, {"finite": 0.0}, watcher.updates)

    def diagnose(self) -> Diagnosis:
        """The verdict on all that is known.

        When the run is past its warm-up and the active probes have not run lately, they run first: on copies,
        in a second or two, without a trace in the training.
        """
        step = self._watcher.step
        due = self._probed_at < 0 or step - self._probed_at > max(WARM_UP_STEPS, _STALE_PROBES * step)
        if step >= WARM_UP_STEPS and due and not self._watcher.closed:
            return self.probe()
        return judge(self.observations())

    def probe(self) -> Diagnosis:
        """Run the active probes now; the verdict on all that is known then."""
        from equipoise.watching.probes import run_probes

        run_probes(self._watcher)
        self._probed_at = self._watcher.step
        return judge(self.observations())

    def report(self, path: str | Path) -> Path:
        """Write the verdict and what it rests on as one self-contained HTML page; returns its path."""
        from equipoise.report import write_report

        return write_report(self.diagnose(), self.observations(), self.history.samples(), path)

    def close(self) -> None:
        """Remove every hook and write what is buffered; the verdict stays available."""
        self._note_weights()
        self._watcher.close()
        self.history.set_facts(self._watcher.facts.collect())
        self.history.flush()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def watch(
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    objective: str | None = None,
    every: int | None = None,
    history: str | Path | None = None,
) -> Monitor:
    """Watch the two networks of a GAN while any loop trains them; nothing in the loop changes.

    Who plays which role, whose step it is, which loss is used and where the generator's gradient dies is
    inferred from two forward hooks and torch's own optimizer hooks. The trained weights are bit-identical
    with and without.

    Args:
        generator, discriminator: any modules, also wrapped by DistributedDataParallel or torch.compile.
        objective: the loss family, if you want to name it instead of having it inferred.
        every: record each `every`-th step; by default often at first and then ever more rarely, by cost.
        history: a folder or file for the record; by default it is kept in memory.

    Raises:
        EquipoiseError: an argument is not what it must be.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> generator, discriminator = nn.Linear(2, 2), nn.Linear(2, 1)
        >>> monitor = watch(generator, discriminator)
        >>> monitor.diagnose().healthy
        True
        >>> monitor.close()
    """
    return Monitor(generator, discriminator, objective=objective, every=every, history=history)


def preflight(
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    generator_optimizer: Optimizer | None = None,
    discriminator_optimizer: Optimizer | None = None,
    real_batch: Tensor | None = None,
    objective: str | None = None,
) -> Diagnosis:
    """The verdict before the first step: structure, optimizers, initialisation, one batch.

    Nothing is trained and nothing of the networks changes.

    Raises:
        EquipoiseError: an argument is not what it must be.
    """
    from equipoise.watching.preflight import preflight_observations

    _check_networks(generator, discriminator)
    _check_objective(objective)
    observed = preflight_observations(
        generator,
        discriminator,
        generator_optimizer=generator_optimizer,
        discriminator_optimizer=discriminator_optimizer,
        real_batch=real_batch,
        objective=objective,
    )
    return judge(observed, kinds=("preflight",))


def _check_networks(generator: Any, discriminator: Any) -> None:
    from torch import nn

    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, nn.Module):
            raise parameter_error(name, "a torch.nn.Module", network, "pass the network itself")
    if generator is discriminator:
        raise EquipoiseError(
            "`generator` and `discriminator` must be two networks, but they are the same object; pass both."
        )


def _check_objective(objective: str | None) -> None:
    from equipoise.objectives import OBJECTIVES

    if objective is not None and objective not in OBJECTIVES:
        raise unknown_name("objective", objective, OBJECTIVES.names())
