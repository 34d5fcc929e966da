"""Numbers, nested lists and arrays as float64 (or complex128) arrays; anything else is refused with its place."""

from collections.abc import Iterator
from numbers import Complex, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeanalysis.errors import ModelError
from odeanalysis.modeling.tables import show

Array = NDArray[Any]
RANK_LIMIT = 32
KINDS = {"b": "booleans", "U": "strings", "S": "bytes", "M": "dates", "m": "time spans", "V": "records"}
NAMES = {
    bool: "the boolean",
    str: "the string",
    dict: "the object",
    list: "the list",
    float: "the number",
    int: "the number",
}


def as_array(value: Any, what: str) -> Array:
    """A new array of the entries; None is NaN. `what` names the value in messages. Raises ModelError."""
    if not hasattr(value, "__array__"):
        return _from_nested(value, what)
    array = np.asarray(value)
    if array.dtype.kind == "O":
        return _from_nested(array.tolist(), what)
    if array.dtype.kind not in "iufc":
        raise ModelError(f"{what} holds {KINDS.get(array.dtype.kind, str(array.dtype))}; give numbers")
    return np.array(array, dtype=complex if array.dtype.kind == "c" else float)


def place(mask: Array) -> str:
    """The first place where a mask holds, as an index; nothing for a scalar."""
    return _index(tuple(int(i) for i in np.argwhere(mask)[0]))


def _index(indices: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, indices))}]" if indices else ""


def _from_nested(value: Any, what: str) -> Array:
    shape = _shape(value, what)
    flat = list(_entries(value, shape, what, ()))
    kind = complex if any(isinstance(entry, complex) for entry in flat) else float
    return np.array(flat, dtype=kind).reshape(shape)


def _shape(value: Any, what: str) -> tuple[int, ...]:
    """The shape that the first entries show."""
    sizes: list[int] = []
    while isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        sizes.append(len(value))
        if len(sizes) > RANK_LIMIT:
            raise ModelError(f"{what} nests more than {RANK_LIMIT} lists; give an array of the declared shape")
        if not len(value):
            break
        value = value[0]
    return tuple(sizes)


def _entries(value: Any, shape: tuple[int, ...], what: str, at: tuple[int, ...]) -> Iterator[float | complex]:
    if not shape:
        yield _number(value, what, at)
        return
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != shape[0]:
        found = f"{len(value)} entries" if isinstance(value, (list, tuple, np.ndarray)) else _described(value)
        raise ModelError(f"{what}{_index(at)} has {found}, where {shape[0]} entries stand before it; make them equal")
    for i, entry in enumerate(value):
        yield from _entries(entry, shape[1:], what, (*at, i))


def _number(value: Any, what: str, at: tuple[int, ...]) -> float | complex:
    if value is None:
        return float("nan")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Complex):
        raise ModelError(f"{what}{_index(at)} is {_described(value)}; give a number")
    try:
        return float(value) if isinstance(value, Real) else complex(value)
    except OverflowError as error:
        raise ModelError(f"{what}{_index(at)} is {show(value)}, beyond 1.8e308; give a smaller number") from error


def _described(value: Any) -> str:
    return "null" if value is None else f"{NAMES.get(type(value), type(value).__name__)} {show(value)}"
