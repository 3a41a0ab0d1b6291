"""The configuration of a training run: six sections, every key known, every value checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PenaltyOptions = dict[str, Any]
Beta = Annotated[float, Field(ge=0, lt=1)]


class _Section(BaseModel):
    """A section refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)


class DataSection(_Section):
    """What to train on; `source` and the options are those of `equipoise.data.load_data`."""

    source: str = Field(default="digits", description="a built-in name, a Hub id, a folder or a file")
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="further arguments of `load_data`, such as `split` or `normalisation`",
    )


class NetworksSection(_Section):
    """The two networks. `auto`, or an architecture that the samples cannot use, is chosen by their kind:
    `dcgan` for images, `mlp` for vectors, `conv1d` for sequences."""

    architecture: str = Field(default="auto", description="an architecture's name, or `auto`")
    latent_dim: int | None = Field(
        default=None, ge=1, description="numbers in a latent; None for the architecture's own"
    )
    base_channels: int | None = Field(
        default=None, ge=1, description="width of the narrowest layers; None for the architecture's own"
    )
    conditional: bool = Field(default=False, description="whether both networks are given the class")
    conditioning: str | None = Field(
        default=None, description="how the class goes in; None for the architecture's own"
    )
    batch_layer: str | None = Field(
        default=None, description="a layer of the discriminator that sees the whole batch"
    )
    pack: int = Field(
        default=1, ge=1, description="how many samples the discriminator judges together (PacGAN)"
    )
    microbatch: int = Field(
        default=1, ge=1, description="how many discriminators share the batch (microbatchGAN)"
    )
    discriminator_normalisation: str | None = Field(
        default=None, description="normalisation in the discriminator; None for the architecture's own"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="further arguments of the architecture")


class ObjectiveSection(BaseModel):
    """The adversarial losses: a name of `OBJECTIVES`, and beside it that objective's own options."""

    model_config = ConfigDict(extra="allow", validate_assignment=True)

    name: str = "non-saturating"

    @property
    def options(self) -> dict[str, Any]:
        """All but the name."""
        return dict(self.model_extra or {})


class EmaSection(_Section):
    """The moving average of the generator's weights that samples are drawn from.

    With `half_life` h (in samples) and n samples a step, the weight of the past is ``0.5 ** (n / h)``,
    where h is at most `ramp_up` times the samples seen so far. With `decay` it is
    ``min(decay, (1 + t) / (10 + t))`` at step t.
    """

    enabled: bool = True
    half_life: float | None = Field(
        default=10_000, gt=0, description="in samples; used unless `decay` is given"
    )
    decay: float | None = Field(default=None, ge=0, lt=1, description="of each step, in place of `half_life`")
    ramp_up: float | None = Field(
        default=0.05, gt=0, description="half-life as a fraction of the samples seen so far"
    )


class TrainingSection(_Section):
    """How long, how much at once, and what is written down."""

    steps: int = Field(default=3000, ge=1, description="updates of the generator")
    batch_size: int = Field(default=64, ge=1, description="samples per process, update and accumulated part")
    seed: int = Field(default=0, ge=0, lt=2**63)
    discriminator_steps: int = Field(
        default=1, ge=1, description="updates of the discriminator per generator update"
    )
    gradient_accumulation: int = Field(default=1, ge=1, description="parts whose gradients are added up")
    mixed_precision: Literal["no", "bf16"] = "no"
    ema: EmaSection = EmaSection()
    compile: bool = Field(
        default=False, description="torch.compile for the passes that need no second derivative"
    )
    channels_last: bool = Field(default=True, description="memory layout of image networks")
    checkpoint_every: int = Field(default=500, ge=1, description="in steps")
    log_every: int = Field(default=50, ge=1, description="in steps")
    keep_best: bool = Field(
        default=True, description="whether to measure the samples and keep the best checkpoint"
    )
    trackers: list[Literal["tensorboard", "wandb"]] = Field(default_factory=list)


class OptimizerSection(_Section):
    """One player's optimizer; `betas` are Adam's, `momentum` is SGD's and RMSprop's."""

    name: Literal["adam", "rmsprop", "sgd"] = "adam"
    learning_rate: float = Field(default=2e-4, gt=0)
    betas: tuple[Beta, Beta] = (0.5, 0.999)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    final_fraction: float = Field(
        default=0.0, ge=0, le=1, description="of the learning rate, at the last step of a schedule"
    )


class OptimizersSection(_Section):
    """The players' optimizers."""

    generator: OptimizerSection = OptimizerSection()
    discriminator: OptimizerSection = OptimizerSection()


class TrainingConfiguration(_Section):
    """All that determines a run.

    Attributes:
        recipe: the name of the recipe that it came from; for the record only.
        penalties: names of `PENALTIES`, each with its options.

    Example:
        >>> configuration = TrainingConfiguration()
        >>> configuration.training.batch_size
        64
        >>> TrainingConfiguration.from_values({"training": {"batchsize": 8}})
        Traceback (most recent call last):
        equipoise.errors.EquipoiseError: There is no setting named `training.batchsize`; did you mean \
`training.batch_size`?
    """

    recipe: str | None = None
    data: DataSection = DataSection()
    networks: NetworksSection = NetworksSection()
    objective: ObjectiveSection = ObjectiveSection()
    penalties: dict[str, PenaltyOptions] = Field(default_factory=dict)
    training: TrainingSection = TrainingSection()
    optimizers: OptimizersSection = OptimizersSection()

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> TrainingConfiguration:
        """From plain values; a breach is one sentence.

        Raises:
            EquipoiseError: an unknown key, or a value that breaks its rule.
        """
        from pydantic import ValidationError

        from equipoise.training.configuration_errors import explain

        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise explain(error, cls) from None

    def to_values(self) -> dict[str, Any]:
        """Plain values that JSON and YAML can hold; `from_values` takes them back."""
        return self.model_dump(mode="json")
