"""Numbers and pictures as JSON, such that they come back as they were."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def encode_number(value: float) -> float | str:
    """A number as it is; one that is not finite as text, because JSON has no word for it.

    Example:
        >>> encode_number(0.5), encode_number(float("nan"))
        (0.5, 'nan')
    """
    return float(value) if math.isfinite(value) else str(float(value))


def decode_number(value: float | str) -> float:
    """What `encode_number` gave, as a number again.

    Example:
        >>> decode_number("-inf")
        -inf
    """
    return float(value)


def encode_array(values: NDArray[Any]) -> dict[str, Any]:
    """An array as base64 text with its shape and kind; floats are kept in 32 bits."""
    array = np.ascontiguousarray(values)
    if array.dtype.kind == "f":
        array = array.astype("<f4")
    return {
        "shape": list(array.shape),
        "kind": array.dtype.str,
        "base64": base64.b64encode(array.tobytes()).decode("ascii"),
    }


def decode_array(plain: dict[str, Any]) -> NDArray[Any]:
    """What `encode_array` gave, as an array again.

    Example:
        >>> decode_array(encode_array(np.arange(3, dtype=np.uint8)))
        array([0, 1, 2], dtype=uint8)
    """
    flat = np.frombuffer(base64.b64decode(plain["base64"]), dtype=np.dtype(plain["kind"]))
    return flat.reshape(plain["shape"]).copy()
