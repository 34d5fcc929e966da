"""How arrays are made and read: the words of NumPy."""

from typing import Any

import numpy as np

Array = np.ndarray


def _arrays(values: dict[str, Any]) -> dict[str, Array]:
    """Values as arrays of 64-bit numbers."""
    return {name: _array(name, value) for name, value in values.items()}


def _array(name: str, value: Any) -> Array:
    try:
        found = np.array(value)
    except ValueError:
        raise ValueError(f"value {name!r} is ragged; give rows of one length") from None
    if found.dtype.kind not in "iuf":
        raise ValueError(f"value {name!r} holds {found.dtype}; give numbers")
    return found.astype(float)


def _numbers(values: list, like: Array) -> Array:
    return np.array(values, dtype=float)


def _zeros(shape: tuple[int, ...], like: Array) -> Array:
    return np.zeros(shape)


def _spread(value: Any, shape: tuple[int, ...], like: Array) -> Array:
    """A value, perhaps one for all samples, as one for each."""
    return np.broadcast_to(value, shape)


def _picked(chosen: list[bool], new: Array, old: Array) -> Array:
    """The new value for the chosen samples, the old one for the others."""
    mask = np.array(chosen).reshape(-1, *(1,) * (old.ndim - 1))
    return np.where(mask, new, old)


def _stacked(parts: list[Array]) -> Array:
    return np.stack(parts)


def _larger(one: Any, other: Any) -> Any:
    return np.maximum(one, other)


def _quiet() -> Any:
    """Where what is not finite is looked for afterwards, and not warned of."""
    return np.errstate(all="ignore")


def _is_missing(value: Array) -> Array:
    return np.isnan(value)


def _result(value: Array) -> float:
    return float(value)
