"""What one sample of a data set is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from equipoise.errors import EquipoiseError, parameter_error

SampleKind = Literal["image", "vector", "sequence"]

AXES: dict[str, tuple[str, ...]] = {
    "image": ("channels", "height", "width"),
    "vector": ("features",),
    "sequence": ("channels", "length"),
}


@dataclass(frozen=True)
class SampleSpecification:
    """Kind and shape of one sample, and the classes.

    Attributes:
        kind: `image` with shape (channels, height, width), `vector` (features,), `sequence`
            (channels, length).
        shape: without the batch dimension.
        classes: how many classes there are, or None for unlabelled data.
        class_names: their names in order, or None.

    Raises:
        EquipoiseError: when kind, shape and classes do not fit together.

    Example:
        >>> SampleSpecification("image", (1, 8, 8), classes=10).size
        64
    """

    kind: SampleKind
    shape: tuple[int, ...]
    classes: int | None = None
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(SampleKind):
            raise parameter_error("kind", "`image`, `vector` or `sequence`", self.kind)
        axes = AXES[self.kind]
        if len(self.shape) != len(axes) or any(length < 1 for length in self.shape):
            raise parameter_error(
                "shape",
                f"({', '.join(axes)}) of at least 1 each, as the samples are {self.kind}s",
                self.shape,
            )
        if self.classes is not None and self.classes < 1:
            raise parameter_error("classes", "None or at least 1", self.classes)
        if self.class_names is not None and len(self.class_names) != (self.classes or 0):
            raise parameter_error("class_names", f"{self.classes or 0} names, one a class", self.class_names)

    @property
    def size(self) -> int:
        """The number of values in one sample."""
        total = 1
        for length in self.shape:
            total *= length
        return total

    def to_json(self) -> dict[str, Any]:
        """The specification as plain JSON values."""
        return {
            "kind": self.kind,
            "shape": list(self.shape),
            "classes": self.classes,
            "class_names": None if self.class_names is None else list(self.class_names),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SampleSpecification:
        """The inverse of `to_json`; refuses what is not a specification."""
        try:
            names = values.get("class_names")
            return cls(
                kind=values["kind"],
                shape=tuple(int(length) for length in values["shape"]),
                classes=values.get("classes"),
                class_names=None if names is None else tuple(names),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EquipoiseError(
                f"The saved sample specification cannot be read ({type(error).__name__}: {error}); "
                "save it again with `to_json`."
            ) from error
