"""The steps of a run, and what happens between them: logs, checkpoints, pictures, callbacks, Ctrl-C."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor

from equipoise.errors import EquipoiseError
from equipoise.layers.gather import local_batch_only, world_size
from equipoise.training.callbacks import Callback
from equipoise.training.checkpoint import copy_checkpoint, read_checkpoint, write_checkpoint
from equipoise.training.distance import sliced_wasserstein_distance
from equipoise.training.distribution import read_scores
from equipoise.training.interruption import StopRequest, TrainingInterruptedError
from equipoise.training.pictures import save_curves, save_samples
from equipoise.training.randomness import derived_seed
from equipoise.training.run_directory import RunDirectory, refuse_changes
from equipoise.training.session import TrainingSession
from equipoise.training.trackers import start_trackers, stop_trackers, track

Distance = Callable[[Tensor, Tensor], float]

_COMPARED = 512
_AGREE_EVERY = 10
_SECONDS_BETWEEN_PICTURES = 15.0


class TrainingLoop:
    """Carries a session through its steps and keeps its folder.

    Args:
        session: what is trained.
        directory: the run's folder, claimed.
        callbacks: what listens.
        distance: of samples and reals, both normalised, smaller is better; chooses the best checkpoint.

    Attributes:
        seconds: spent in steps and between them in this process.
    """

    def __init__(
        self,
        session: TrainingSession,
        directory: RunDirectory,
        callbacks: Sequence[Callback] = (),
        distance: Distance = sliced_wasserstein_distance,
    ) -> None:
        self.session = session
        self.directory = directory
        self.callbacks = list(callbacks)
        self.distance = distance
        self.seconds = 0.0
        self.last_scores: dict[str, float] = {}
        self.first_step = 0
        self._saved_step: int | None = None
        self._drawn_at: float | None = None

    def resume(self) -> None:
        """Go on from the folder's last checkpoint.

        Raises:
            EquipoiseError: the settings or the data have changed, or the checkpoint is damaged.
        """
        session = self.session
        checkpoint = read_checkpoint(self.directory.last)
        refuse_changes(checkpoint.state["configuration"], session.configuration.to_values())
        if checkpoint.state["processes"] != session.accelerator.num_processes:
            raise EquipoiseError(
                f"The run used {checkpoint.state['processes']} processes and cannot go on exactly with "
                f"{session.accelerator.num_processes}; launch as many as before."
            )
        session.restore(checkpoint)
        self._saved_step = session.step
        states = checkpoint.state.get("callbacks", {})
        for callback in self.callbacks:
            name = getattr(callback, "name", None)
            if name in states:
                callback.load_state_dict(states[name])
        if self._is_main:
            self.directory.truncate_log(session.step)

    def run(self) -> None:
        """All steps that are left.

        Raises:
            TrainingInterruptedError: after Ctrl-C; the run is saved.
            EquipoiseError: a loss is no longer finite, or a checkpoint cannot be written.
        """
        session = self.session
        total = session.configuration.training.steps
        self.first_step = session.step
        if self._is_main:
            self.directory.write_configuration(session.configuration.to_values())
        start_trackers(session.accelerator, session.configuration)
        started = time.perf_counter()
        try:
            self._call("on_start", session, session.step, total)
            with StopRequest() as stop:
                while session.step < total:
                    scores = session.run_step()
                    self._call("on_step", session.step, scores)
                    self._between_steps(scores)
                    if self._stop_agreed(stop):
                        self._save(last=True)
                        raise TrainingInterruptedError(
                            f"Stopped at step {session.step} of {total} and saved in "
                            f"{str(self.directory.path)!r}; go on with the same command and --resume."
                        )
        finally:
            self.seconds = time.perf_counter() - started
            self._call("on_end", session.step)
            stop_trackers(session.accelerator)
            self._draw_curves()

    @property
    def _is_main(self) -> bool:
        return bool(self.session.accelerator.is_main_process)

    def _call(self, moment: str, *values: Any) -> None:
        for callback in self.callbacks:
            method = getattr(callback, moment, None)
            if method is not None:
                method(*values)

    def _between_steps(self, scores: dict[str, Tensor]) -> None:
        training = self.session.configuration.training
        step = self.session.step
        last = step == training.steps
        saving = last or step % training.checkpoint_every == 0
        if not saving and step % training.log_every != 0:
            return
        self.last_scores = read_scores(scores)
        self._refuse_not_finite(self.last_scores)
        if last or step % training.log_every == 0:
            self._log(step, self.last_scores)
        if saving:
            self._save(last)

    def _log(self, step: int, scores: dict[str, float]) -> None:
        if self._is_main:
            self.directory.append_log({"step": step} | scores)
            track(self.session.accelerator, scores, step)
        self._call("on_log", step, scores)

    def _refuse_not_finite(self, scores: dict[str, float]) -> None:
        bad = next((name for name, value in scores.items() if not math.isfinite(value)), None)
        if bad is None:
            return
        kept = (
            f"the checkpoint of step {self._saved_step} is from before it"
            if self._saved_step is not None
            else "there is no checkpoint from before it"
        )
        raise EquipoiseError(
            f"`{bad}` is {scores[bad]} at step {self.session.step}, so the run was stopped; {kept}; see "
            f"`equipoise diagnose {self.directory.path}`."
        )

    def _save(self, last: bool = False) -> None:
        """Write the checkpoint, and what belongs to it, from the main process; the others wait for it."""
        session = self.session
        if self._saved_step == session.step:
            return
        checkpoint = session.checkpoint()
        checkpoint.state["callbacks"] = {
            callback.name: callback.state_dict()
            for callback in self.callbacks
            if getattr(callback, "name", None) is not None and hasattr(callback, "state_dict")
        }
        failure: EquipoiseError | None = None
        if self._is_main:
            try:
                with local_batch_only():
                    better = self._measure(checkpoint.state)
                    write_checkpoint(self.directory.checkpoints, "last", checkpoint)
                    if better:
                        copy_checkpoint(self.directory.checkpoints, "last", "best")
                    self._draw_samples(now=last)
            except EquipoiseError as error:
                failure = error
        self._agree_on(failure)
        self._saved_step = session.step
        self._call("on_checkpoint", session.step, self.directory.last)

    def _measure(self, state: dict[str, Any]) -> bool:
        """Whether the samples are the best so far; the distance goes into the log."""
        session = self.session
        if not session.configuration.training.keep_best:
            return False
        seed = derived_seed(session.configuration.training.seed, "distance")
        count = min(_COMPARED, len(session.dataset))
        random = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(session.dataset), generator=random)[:count]
        reals, labels = session.dataset.batch(chosen.numpy())
        network = session.sampling_generator()
        latents = torch.randn(count, network.latent_dim, generator=random).to(session.device)
        classes = labels.to(session.device) if network.conditional and labels is not None else None
        with torch.no_grad():
            distance = self.distance(network(latents, classes).float().cpu(), reals)
        self.directory.append_log({"step": session.step, "distance": distance})
        if not math.isfinite(distance):
            return False
        better = session.best_distance is None or distance < session.best_distance
        if better:
            session.best_distance = state["best_distance"] = distance
        return better

    def _draw_samples(self, now: bool) -> None:
        """A new picture of samples; a scatter takes longer than many steps, so not at every checkpoint."""
        moment = time.perf_counter()
        if not now and self._drawn_at is not None and moment - self._drawn_at < _SECONDS_BETWEEN_PICTURES:
            return
        self._drawn_at = moment
        session = self.session
        specification = session.dataset.specification
        generator = session.sampling_generator()
        count = {"image": 100, "vector": min(2000, len(session.dataset)), "sequence": 16}[specification.kind]
        labels = None
        if generator.classes is not None and specification.kind == "image":
            labels = [number % min(generator.classes, 10) for number in range(count)]
        seed = derived_seed(session.configuration.training.seed, "samples")
        samples = generator.sample(count, labels, seed)
        reals = None
        if specification.kind == "vector":
            reals = session.dataset.raw(range(count))
        save_samples(self.directory.path / "samples.png", samples, specification, reals)

    def _draw_curves(self) -> None:
        if self._is_main and (log := self.directory.read_log()):
            save_curves(self.directory.path / "curves.png", log)

    def _agree_on(self, failure: EquipoiseError | None) -> None:
        """Raise the main process's failure everywhere, so that nobody waits for a process that is gone."""
        if world_size() > 1:
            told = torch.tensor([failure is not None], dtype=torch.float32, device=self.session.device)
            distributed.all_reduce(told)
            if failure is None and told.item() > 0:
                raise EquipoiseError("The main process could not write a checkpoint; see its message.")
        if failure is not None:
            raise failure

    def _stop_agreed(self, stop: StopRequest) -> bool:
        if world_size() == 1:
            return stop.made
        if self.session.step % _AGREE_EVERY:
            return False
        told = torch.tensor([stop.made], dtype=torch.float32, device=self.session.device)
        distributed.all_reduce(told)
        return bool(told.item() > 0)
