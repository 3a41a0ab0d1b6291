"""Everything that a run consists of while it is in memory, and how it is saved and taken back."""

from __future__ import annotations

import copy
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from equipoise.data import BatchSampler, Dataset
from equipoise.errors import EquipoiseError
from equipoise.objectives import build_objective
from equipoise.penalties import build_penalty
from equipoise.training.assembly import NetworkSettings, networks_for, plan_networks
from equipoise.training.checkpoint import Checkpoint
from equipoise.training.configuration import OptimizerSection, TrainingConfiguration
from equipoise.training.distribution import average_buffers
from equipoise.training.ema import ExponentialMovingAverage
from equipoise.training.inputs import Inputs
from equipoise.training.optimizer_state import (
    load_optimizer,
    optimizer_settings,
    optimizer_tensors,
)
from equipoise.training.optimizers import build_optimizer, learning_rate_factor
from equipoise.training.randomness import decode_state, derived_seed, encode_state
from equipoise.training.sampling import SavedGenerator
from equipoise.training.step import Scores, StepSettings, TrainingStep


class TrainingSession:
    """The networks, optimizers, data order and random states of a run, ready for its steps.

    Args:
        configuration: of the run; see `rules.check_rules` for what should have been checked before.
        dataset: what to train on.
        accelerator: device, processes, precision.

    Attributes:
        step: how many steps are done.
        training_step: carries out a step; its parts may be exchanged between steps.
        plan: how the networks were built.
        best_distance: the smallest distance measured so far, or None.
    """

    def __init__(
        self, configuration: TrainingConfiguration, dataset: Dataset, accelerator: Accelerator
    ) -> None:
        self.configuration = configuration
        self.dataset = dataset
        self.accelerator = accelerator
        self.device: torch.device = accelerator.device
        self.step = 0
        self.best_distance: float | None = None
        training = configuration.training
        self.plan: NetworkSettings = plan_networks(configuration.networks, dataset.specification)
        generator, discriminator = networks_for(self.plan, derived_seed(training.seed, "networks"))
        objective = build_objective(configuration.objective.name, **configuration.objective.options)
        penalties = [build_penalty(name, **options) for name, options in configuration.penalties.items()]
        for penalty in penalties:
            penalty.prepare(generator, discriminator)
        rank, processes = accelerator.process_index, accelerator.num_processes
        if processes > 1 and self.device.type == "cuda":
            generator, discriminator = (
                nn.SyncBatchNorm.convert_sync_batchnorm(network) for network in (generator, discriminator)
            )
        self.images = dataset.specification.kind == "image"
        channels_last = self.images and training.channels_last
        for network in (generator, discriminator):
            network.to(self.device)
            if channels_last:
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            network.train()
        # Copied now, before anybody hooks into the network: a copied hook would fire for the copy.
        self.average = ExponentialMovingAverage(generator, training.ema) if training.ema.enabled else None
        self._copy = None if self.average else copy.deepcopy(generator).eval().requires_grad_(False)
        optimizers = configuration.optimizers
        self.optimizer_sections: dict[str, OptimizerSection] = {
            "generator": optimizers.generator,
            "discriminator": optimizers.discriminator,
        }
        self.sampler = BatchSampler(
            len(dataset),
            training.batch_size,
            seed=derived_seed(training.seed, "order"),
            rank=rank,
            processes=processes,
        )
        self.latent_random = torch.Generator().manual_seed(derived_seed(training.seed, "latents"))
        self.step_random = torch.Generator(self.device).manual_seed(derived_seed(training.seed, "penalties"))
        torch.manual_seed(derived_seed(training.seed, "networks' own"))
        self.training_step = TrainingStep(
            generator=generator,
            discriminator=discriminator,
            objective=objective,
            penalties=penalties,
            generator_optimizer=build_optimizer(optimizers.generator, generator.parameters()),
            discriminator_optimizer=build_optimizer(optimizers.discriminator, discriminator.parameters()),
            inputs=Inputs(
                next_real=lambda: dataset.batch(self.sampler.next_batch()),
                latent_dim=int(getattr(generator, "latent_dim")),  # noqa: B009
                label_pool=self._label_pool(),
                batch_size=training.batch_size,
                parts=training.gradient_accumulation,
                rank=rank,
                processes=processes,
                random=self.latent_random,
                device=self.device,
                channels_last=channels_last,
            ),
            random=self.step_random,
            settings=StepSettings(
                total_steps=training.steps,
                discriminator_steps=training.discriminator_steps,
                compile=training.compile,
                autocast=None if training.mixed_precision == "no" else accelerator.autocast,
            ),
            average=self.average,
        )

    @property
    def generator(self) -> nn.Module:
        """The generator that is trained."""
        return self.training_step.generator

    @property
    def discriminator(self) -> nn.Module:
        """The discriminator that is trained."""
        return self.training_step.discriminator

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """By the player's name."""
        step = self.training_step
        return {"generator": step.generator_optimizer, "discriminator": step.discriminator_optimizer}

    def run_step(self) -> Scores:
        """Carry out the next step with its learning rates."""
        self._set_learning_rates()
        scores = self.training_step(self.step)
        self.step += 1
        return scores

    def sampling_generator(self) -> SavedGenerator:
        """The generator that samples are drawn from: the moving average, or a copy of the current one."""
        network = self.generator
        if self.average is not None:
            network = self.average.network
        elif self._copy is not None:
            self._copy.load_state_dict(self.generator.state_dict())
            network = self._copy
        return SavedGenerator(
            network,
            self.dataset.specification,
            self.dataset.normalisation,
            self.plan.conditional,
            self.step,
        )

    def checkpoint(self) -> Checkpoint:
        """All that is needed to go on as if nothing had happened."""
        average_buffers(self.generator)
        average_buffers(self.discriminator)
        if self.average is not None:
            average_buffers(self.average.network)
        optimizers: dict[str, Tensor] = {}
        for player, optimizer in self.optimizers.items():
            optimizers |= optimizer_tensors(optimizer, player)
        penalties = {
            f"{penalty.name}/{key}": value
            for penalty in self.training_step.penalties
            for key, value in penalty.state_dict().items()
        }
        tensors = {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimizers": optimizers,
            "penalties": penalties,
        }
        if self.average is not None:
            tensors["ema"] = self.average.network.state_dict()
        state: dict[str, Any] = {
            "step": self.step,
            "best_distance": self.best_distance,
            "configuration": self.configuration.to_values(),
            "networks": self.plan.to_json(),
            "specification": self.dataset.specification.to_json(),
            "normalisation": self.dataset.normalisation.to_json(),
            "data": {"name": self.dataset.name, "samples": len(self.dataset)},
            "sampler": self.sampler.state_dict(),
            "random": {
                "latents": encode_state(self.latent_random),
                "penalties": encode_state(self.step_random),
                "torch": encode_state(torch.default_generator),
            },
            "ema": None
            if self.average is None
            else {"samples_seen": self.average.samples_seen, "updates": self.average.updates},
            "optimizers": {name: optimizer_settings(entry) for name, entry in self.optimizers.items()},
            "processes": self.accelerator.num_processes,
            "versions": {"torch": torch.__version__},
        }
        return Checkpoint(state, tensors)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of the same configuration.

        Raises:
            EquipoiseError: the checkpoint does not fit the networks.
        """
        state, tensors = checkpoint.state, checkpoint.tensors
        if state["normalisation"] != self.dataset.normalisation.to_json():
            raise EquipoiseError(
                "The run cannot be gone on with, because its data is normalised otherwise now; give the "
                "data that it began with."
            )
        try:
            self.generator.load_state_dict(tensors["generator"])
            self.discriminator.load_state_dict(tensors["discriminator"])
            if self.average is not None:
                self.average.network.load_state_dict(tensors["ema"])
                self.average.samples_seen = state["ema"]["samples_seen"]
                self.average.updates = state["ema"]["updates"]
            for player, optimizer in self.optimizers.items():
                load_optimizer(optimizer, player, tensors.get("optimizers", {}), state["optimizers"][player])
            self._restore_penalties(tensors.get("penalties", {}))
            self.sampler.load_state_dict(state["sampler"])
            decode_state(self.latent_random, state["random"]["latents"])
            decode_state(self.step_random, state["random"]["penalties"])
            decode_state(torch.default_generator, state["random"]["torch"])
            self.step = state["step"]
            self.best_distance = state["best_distance"]
        except (KeyError, RuntimeError) as error:
            first = str(error).splitlines()[0]
            raise EquipoiseError(
                f"The checkpoint does not fit the networks of this configuration ({first}); start a new run "
                "in another --out."
            ) from error

    def _restore_penalties(self, tensors: dict[str, Tensor]) -> None:
        for penalty in self.training_step.penalties:
            prefix = f"{penalty.name}/"
            own = {
                name.removeprefix(prefix): value.to(self.device)
                for name, value in tensors.items()
                if name.startswith(prefix)
            }
            if own:
                penalty.load_state_dict(own)

    def _label_pool(self) -> Tensor | None:
        if not self.plan.conditional or self.dataset.labels is None:
            return None
        return torch.from_numpy(self.dataset.labels)

    def _set_learning_rates(self) -> None:
        total = self.configuration.training.steps
        for player, optimizer in self.optimizers.items():
            factor = learning_rate_factor(self.optimizer_sections[player], self.step, total)
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
