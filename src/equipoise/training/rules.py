"""Combinations of settings that cannot work, or that do not do what one expects, each under a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from equipoise.data.specification import SampleSpecification
from equipoise.errors import EquipoiseError
from equipoise.networks import ARCHITECTURES, Architecture
from equipoise.objectives import Objective, build_objective
from equipoise.penalties import Penalty, build_penalty
from equipoise.registry import Registry
from equipoise.training.assembly import resolve_architecture
from equipoise.training.configuration import TrainingConfiguration

Level = Literal["refuse", "warn"]


@dataclass(frozen=True)
class Setting:
    """What a rule looks at: the configuration, what it builds, the data, and the machine."""

    configuration: TrainingConfiguration
    objective: Objective
    penalties: list[Penalty]
    specification: SampleSpecification
    processes: int = 1
    device: str = "cpu"

    @property
    def batch_norm_in_discriminator(self) -> bool:
        """Whether the discriminator will have batch normalisation, by its own default or by the setting."""
        chosen = self.configuration.networks.discriminator_normalisation
        if chosen in (None, "default"):
            chosen = self.architecture.default_normalisation
        return chosen == "batch"

    @property
    def architecture(self) -> type[Architecture]:
        """The architecture that will be used."""
        name = resolve_architecture(self.configuration.networks.architecture, self.specification)
        return ARCHITECTURES.get(name)

    def penalty(self, name: str) -> Penalty | None:
        """The penalty of that name, if it is used."""
        return next((penalty for penalty in self.penalties if penalty.name == name), None)


@dataclass(frozen=True)
class Rule:
    """A named combination: `judge` gives the sentence, or None where all is well."""

    name: str
    level: Level
    judge: Callable[[Setting], str | None]


RULES: Registry[Rule] = Registry("rule", None)


def rule(name: str, level: Level) -> Callable[[Callable[[Setting], str | None]], Callable]:
    """File a function as a rule of that name."""

    def file(judge: Callable[[Setting], str | None]) -> Callable[[Setting], str | None]:
        RULES.register(name)(Rule(name, level, judge))
        return judge

    return file


def check_rules(
    configuration: TrainingConfiguration,
    specification: SampleSpecification,
    processes: int = 1,
    device: str = "cpu",
) -> list[str]:
    """Refuse what cannot work; the warnings about the rest.

    Returns:
        One sentence a warning, each beginning with its rule's name.

    Raises:
        EquipoiseError: with the sentence of the first rule that refuses.

    Example:
        >>> from equipoise.training.configuration import TrainingConfiguration
        >>> wasserstein = TrainingConfiguration.from_values({"objective": {"name": "wasserstein"}})
        >>> check_rules(wasserstein, SampleSpecification("vector", (2,)))
        Traceback (most recent call last):
        equipoise.errors.EquipoiseError: wasserstein-without-lipschitz: the objective `wasserstein` needs a \
Lipschitz constraint on the discriminator; add the penalty gradient-penalty, spectral-normalisation or \
weight-clipping.
    """
    setting = Setting(
        configuration,
        build_objective(configuration.objective.name, **configuration.objective.options),
        [build_penalty(name, **options) for name, options in configuration.penalties.items()],
        specification,
        processes,
        device,
    )
    warnings = []
    for name, entry in RULES.items():
        sentence = entry.judge(setting)
        if sentence is None:
            continue
        if entry.level == "refuse":
            raise EquipoiseError(f"{name}: {sentence}")
        warnings.append(f"{name}: {sentence}")
    return warnings


@rule("wasserstein-without-lipschitz", "refuse")
def _wasserstein_without_lipschitz(setting: Setting) -> str | None:
    if not setting.objective.facts.needs_lipschitz or any(p.provides_lipschitz for p in setting.penalties):
        return None
    return (
        f"the objective `{setting.objective.name}` needs a Lipschitz constraint on the discriminator; add "
        "the penalty gradient-penalty, spectral-normalisation or weight-clipping."
    )


@rule("batch-norm-under-gradient-penalty", "refuse")
def _batch_norm_under_gradient_penalty(setting: Setting) -> str | None:
    if setting.penalty("gradient-penalty") is None or not setting.batch_norm_in_discriminator:
        return None
    return (
        "a gradient penalty is about each sample's own slope, which batch norm in the discriminator makes "
        "depend on the whole batch; set networks.discriminator_normalisation to `none` or `layer`."
    )


@rule("batch-norm-under-slope-penalty", "warn")
def _batch_norm_under_slope_penalty(setting: Setting) -> str | None:
    twice = [p.name for p in setting.penalties if p.differentiates_twice and p.name != "gradient-penalty"]
    if not twice or not setting.batch_norm_in_discriminator:
        return None
    return (
        f"`{twice[0]}` takes the slope at each sample, which batch norm in the discriminator mixes over the "
        "batch; consider networks.discriminator_normalisation=none."
    )


@rule("pack-does-not-divide-batch", "refuse")
def _pack_does_not_divide_batch(setting: Setting) -> str | None:
    pack, batch = setting.configuration.networks.pack, setting.configuration.training.batch_size
    if batch % pack == 0:
        return None
    return (
        f"networks.pack of {pack} must divide training.batch_size, but that is {batch}; take a "
        f"multiple of {pack}."
    )


@rule("microbatch-does-not-divide-batch", "refuse")
def _microbatch_does_not_divide_batch(setting: Setting) -> str | None:
    parts, batch = setting.configuration.networks.microbatch, setting.configuration.training.batch_size
    if batch % parts == 0:
        return None
    return (
        f"networks.microbatch of {parts} must divide training.batch_size, but that is {batch}; take a "
        f"multiple of {parts}."
    )


@rule("batch-layer-alone", "refuse")
def _batch_layer_alone(setting: Setting) -> str | None:
    networks, training = setting.configuration.networks, setting.configuration.training
    seen = training.batch_size * setting.processes // networks.pack
    if networks.batch_layer in (None, "none") or seen > 1:
        return None
    return (
        f"networks.batch_layer `{networks.batch_layer}` compares samples of a batch, but the discriminator "
        f"sees {seen}; raise training.batch_size."
    )


@rule("conditional-without-labels", "refuse")
def _conditional_without_labels(setting: Setting) -> str | None:
    if not setting.configuration.networks.conditional or setting.specification.classes is not None:
        return None
    return (
        "networks.conditional needs labelled data, but this data has no labels; set "
        "data.options.label_column, or networks.conditional=false."
    )


@rule("augmentation-needs-images", "refuse")
def _augmentation_needs_images(setting: Setting) -> str | None:
    if setting.penalty("diffaugment") is None or setting.specification.kind == "image":
        return None
    return (
        f"diffaugment shifts and recolours images, but the samples are "
        f"{setting.specification.kind}s; remove it."
    )


@rule("two-lipschitz-constraints", "refuse")
def _two_lipschitz_constraints(setting: Setting) -> str | None:
    if not setting.penalty("weight-clipping") or not setting.penalty("spectral-normalisation"):
        return None
    return (
        "weight clipping has no effect on spectrally normalised weights, which are divided by their own "
        "norm; remove one of the two."
    )


@rule("mode-seeking-alone", "refuse")
def _mode_seeking_alone(setting: Setting) -> str | None:
    seen = setting.configuration.training.batch_size * setting.processes
    if setting.penalty("mode-seeking") is None or seen >= 2:
        return None
    return "mode-seeking compares samples of a batch; raise training.batch_size to at least 2."


@rule("microbatch-owns-its-losses", "refuse")
def _microbatch_owns_its_losses(setting: Setting) -> str | None:
    networks = setting.configuration.networks
    if networks.microbatch <= 1:
        return None
    if networks.pack > 1:
        return "networks.microbatch and networks.pack both divide the batch; use one of them."
    if setting.objective.name != "non-saturating" or setting.configuration.objective.options:
        return (
            "the discriminators of networks.microbatch have losses of their own, which replace the "
            "objective; leave the objective at `non-saturating` without options."
        )
    return None


@rule("accumulated-batch-statistics", "warn")
def _accumulated_batch_statistics(setting: Setting) -> str | None:
    parts = setting.configuration.training.gradient_accumulation
    coupled = (
        setting.configuration.networks.batch_layer not in (None, "none")
        or setting.configuration.networks.microbatch > 1
        or setting.objective.name == "relativistic-average-hinge"
        or any(p.name in {"feature-matching", "mode-seeking"} for p in setting.penalties)
    )
    if parts == 1 or not coupled:
        return None
    return (
        f"with training.gradient_accumulation={parts} whatever compares the samples of a batch sees one "
        "part of it at a time, so that it is another training than one large batch."
    )


@rule("batch-norm-across-processes", "warn")
def _batch_norm_across_processes(setting: Setting) -> str | None:
    has = setting.batch_norm_in_discriminator or setting.architecture.name not in {"mlp", "r3gan"}
    if setting.processes == 1 or setting.device == "cuda" or not has:
        return None
    return (
        f"with {setting.processes} processes on {setting.device} batch norm uses each process's own batch, "
        "so that the training is not that of one process with the whole batch."
    )


@rule("compile-goes-around", "warn")
def _compile_goes_around(setting: Setting) -> str | None:
    twice = [p.name for p in setting.penalties if p.differentiates_twice]
    if not setting.configuration.training.compile or not twice:
        return None
    return (
        f"`{twice[0]}` needs a second derivative, which compiled functions do not have; its passes use the "
        "uncompiled discriminator, and gain nothing from training.compile."
    )


@rule("momentum-under-weight-clipping", "warn")
def _momentum_under_weight_clipping(setting: Setting) -> str | None:
    optimizer = setting.configuration.optimizers.discriminator
    if setting.penalty("weight-clipping") is None or optimizer.name != "adam" or optimizer.betas[0] == 0:
        return None
    return (
        "a clipped critic was reported to become unstable under momentum (Arjovsky et al. 2017, section 4); "
        "take optimizers.discriminator.name=rmsprop."
    )
