"""Keys of arrays: integers and slices brought to one form, item by item.

An item is an `Integer` (one entry) or `Tuple(start, size, step)`; every axis has one item.
"""

from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.symbolic import shapes
from odeanalysis.symbolic.nodes import Concat, shape_of
from odeanalysis.symbolic.shapes import Shape, ShapeError, Size


def normalise(shape: Shape, key: Any) -> tuple[Any, ...]:
    """The key as one item for each axis; what NumPy would refuse is refused with the shape and the key."""
    keys = key if isinstance(key, tuple) else (key,)
    if len(keys) > len(shape):
        raise ShapeError(f"{len(keys)} indices are too many for {{}}", shape)
    keys = keys + (slice(None),) * (len(shape) - len(keys))
    return tuple(_item(size, one, shape) for size, one in zip(shape, keys, strict=True))


def _item(size: Size, key: Any, shape: Shape) -> Any:
    if isinstance(key, slice):
        return sp.Tuple(*_slice(size, key))
    if isinstance(key, bool) or not isinstance(key, (int, sp.Integer)):
        raise ModelError(f"index {key!r} is no integer and no slice; arrays are indexed with whole numbers")
    place = int(key)
    if isinstance(size, int) and not -size <= place < size:
        raise ShapeError(f"index {place} is out of bounds for an axis of length {size} of {{}}", shape)
    if not isinstance(size, int) and place < 0:
        raise ModelError(f"index {place} counts from the end of an axis of symbolic length {size}; count from its start")
    return sp.Integer(place % size if isinstance(size, int) else place)


def _slice(size: Size, key: slice) -> tuple[Any, Any, Any]:
    if key.step == 0:
        raise ModelError(f"the step of the slice {key} is 0; give a step of 1, or another one")
    if isinstance(size, int):
        start, stop, step = key.indices(size)
        count = len(range(start, stop, step))
        return (start, count, step) if count else (0, 0, 1)
    start, stop, step = key.start or 0, key.stop, key.step or 1
    if start < 0 or step != 1 or (stop is not None and stop < 0):
        raise ModelError(f"a slice of an axis of symbolic length {size} needs a start of 0 or more, no negative stop and step 1")
    return start, size - start if stop is None else stop - start, 1


def compose(first: Any, second: tuple[Any, ...]) -> tuple[Any, ...]:
    """The items of `x[first][second]` as items on x."""
    rest = iter(second)
    return tuple(item if not isinstance(item, sp.Tuple) else _within(item, next(rest)) for item in first)


def _within(outer: Any, inner: Any) -> Any:
    start, _, step = outer
    if isinstance(inner, sp.Tuple):
        return sp.Tuple(start + inner[0] * step, inner[1], inner[2] * step)
    return start + inner * step


def entries(vector: Concat, item: Any) -> list[Any] | None:
    """The parts of a concatenation that an item picks, where it cuts between parts; else None."""
    if not all(isinstance(size, int) for part in vector.args for size in shape_of(part)):
        return None
    numbers: Any = tuple(item) if isinstance(item, sp.Tuple) else (item, 1, 1)
    place, count, step = map(int, numbers)
    starts = _starts(vector)
    parts: list[Any] = []
    while count > 0:
        part, length = starts.get(place, (None, 0))
        if part is None or length > count or (length > 1 and step != 1):
            return None
        parts.append(part)
        count -= length
        place += length * step
    return parts


def _starts(vector: Concat) -> dict[int, tuple[Any, int]]:
    """Where each part begins, with its length."""
    found: dict[int, tuple[Any, int]] = {}
    place = 0
    for part in vector.args:
        length = int(shapes.size_of(shape_of(part)))
        if length:
            found[place] = (part, length)
        place += length
    return found
