"""Values are checked, and get a leading axis for the samples."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from odeanalysis.generation.runtime.stated import INPUTS, NAME, OBSERVATIONS, PARAMETERS
from odeanalysis.generation.runtime.words import Array, _arrays, _is_missing, _spread


class SolveError(ArithmeticError):
    """A solve that cannot go on, or a result that is not finite."""


class _Bound(NamedTuple):
    """names: parameters as they are, inputs [batch, ...].  data: [batch, ...]."""

    names: tuple[Array, ...]
    data: dict[str, Array]
    batch: int


def _shapes() -> dict[str, tuple[int, ...]]:
    """The shape that each value has for one sample."""
    data = {}
    for one in OBSERVATIONS:
        rows = len(one["marks"])
        data |= {name: (rows, *shape) for name, shape in one["data"].items()}
    return {**PARAMETERS, **INPUTS, **data}


def _checked(values: Mapping[str, Any]) -> tuple[dict[str, Array], set[str]]:
    """The values as arrays, and the names of those with one for each sample."""
    shapes, listed = _shapes(), ", ".join(_shapes())
    for name in values:
        if name not in shapes:
            raise ValueError(f"{NAME!r} has no value {name!r}; its values are {listed}")
    missing = [name for name in shapes if name not in values]
    if missing:
        raise ValueError(f"no value for {', '.join(missing)} of {NAME!r}; add it")
    arrays = _arrays({name: _without_gaps(values[name]) for name in shapes})
    batched = set()
    for name, shape in shapes.items():
        found = tuple(arrays[name].shape)
        if found[1:] == shape and len(found) == len(shape) + 1:
            batched.add(name)
        elif found != shape:
            wanted = f"{shape} for all samples, or {('batch', *shape)}"
            raise ValueError(f"value {name!r} has shape {found}; give {wanted}")
        _check_numbers(name, arrays[name])
    return arrays, batched


def _without_gaps(value: Any) -> Any:
    """Nested lists with NaN for None."""
    if isinstance(value, (list, tuple)):
        return [_without_gaps(one) for one in value]
    return math.nan if value is None else value


def _check_numbers(name: str, array: Array) -> None:
    if (abs(array) == math.inf).any():
        raise ValueError(f"value {name!r} is infinite somewhere; give finite numbers")
    if name in {**PARAMETERS, **INPUTS} and _is_missing(array).any():
        raise ValueError(f"value {name!r} is NaN somewhere; only data may be missing")


def _batch(arrays: dict[str, Array], batched: set[str]) -> int | None:
    """How many samples there are; None where nothing has one for each."""
    counts = {len(arrays[name]) for name in batched}
    if len(counts) > 1 or 0 in counts:
        lengths = {name: len(arrays[name]) for name in sorted(batched)}
        raise ValueError(
            f"values hold different numbers of samples, or none: {lengths}"
        )
    return counts.pop() if counts else None


def _bound(arrays: dict[str, Array], batched: set[str], batch: int) -> _Bound:
    """Values of parameters that the samples share, and of the rest for each sample."""

    def spread(name: str) -> Array:
        array = arrays[name]
        if name in batched:
            return array
        return _spread(array, (batch, *array.shape), array)

    names = (*(arrays[name] for name in PARAMETERS), *map(spread, INPUTS))
    data = {name: spread(name) for one in OBSERVATIONS for name in one["data"]}
    return _Bound(names, data, batch)


def _like(bound: _Bound) -> Any:
    """Any value, for its kind of number."""
    return next(iter((*bound.names, *bound.data.values())), None)
