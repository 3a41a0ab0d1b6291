"""What one sample of a data set is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

SampleKind = Literal["image", "vector", "sequence"]


@dataclass(frozen=True)
class SampleSpecification:
    """Kind and shape of one sample, and the classes.

    Attributes:
        kind: `image` with shape (channels, height, width), `vector` (features,), `sequence`
            (channels, length).
        shape: without the batch dimension.
        classes: how many classes there are, or None for unlabelled data.
        class_names: their names in order, or None.

    Example:
        >>> SampleSpecification("image", (1, 8, 8), classes=10).size
        64
    """

    kind: SampleKind
    shape: tuple[int, ...]
    classes: int | None = None
    class_names: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """The number of values in one sample."""
        total = 1
        for length in self.shape:
            total *= length
        return total

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "shape": list(self.shape),
            "classes": self.classes,
            "class_names": None if self.class_names is None else list(self.class_names),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SampleSpecification:
        names = values.get("class_names")
        return cls(
            kind=values["kind"],
            shape=tuple(values["shape"]),
            classes=values.get("classes"),
            class_names=None if names is None else tuple(names),
        )
