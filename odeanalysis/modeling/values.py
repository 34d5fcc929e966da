"""Values: numbers and arrays for every name of a problem, one for all samples or one for each; the rank decides."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import tables
from odeanalysis.modeling.arrays import Array, as_array, place
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.valuefile import read_values
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.shapes import Shape, Size, show

__all__ = ["Bound", "bind", "read_values", "sample"]

Sizes = Mapping[sp.Symbol, int]
SPREAD = 0.5


@dataclass(frozen=True, eq=False)
class Bound:
    """The values of a problem, checked: parameters, inputs and data by name, in float64 (complex128 where given so).

    batch: how many samples there are, None where nothing is per sample.
    batched: the names whose values have a leading axis of that length.
    sizes: the symbols in shapes with the lengths that the values give them.  networks: what is bound to opaque networks.
    """

    arrays: Mapping[str, Array]
    batch: int | None = None
    batched: frozenset[str] = frozenset()
    sizes: Sizes = field(default_factory=dict)
    networks: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Wanted:
    """What a problem wants for a name: its shape for one sample, an observation's depths first."""

    leaf: Leaf
    core: Shape
    is_data: bool

    @property
    def name(self) -> str:
        return self.leaf.name


def bind(problem: Problem, values: Mapping[str, Any]) -> Bound:
    """Values by name as arrays that fit the problem.

    values: name -> number, nested list or array, of the name's shape (one value for all samples), or with a leading
    axis (one for each sample). Observation data have shape [len(at), ...] or [batch, len(at), ...], and None or NaN
    where nothing was observed.
    Raises ModelError naming the value, its shape and the shapes it may have.
    """
    wanted = {one.name: one for one in _wanted(problem)}
    _check_names(problem, wanted, values)
    arrays = {name: as_array(values[name], f"value {name!r}") for name in wanted}
    sizes = _sizes(wanted.values(), arrays)
    batched = frozenset(one.name for one in wanted.values() if _is_batched(one, arrays[one.name], sizes))
    for one in wanted.values():
        _check_finite(one, arrays[one.name])
    for array in arrays.values():
        array.setflags(write=False)
    return Bound(arrays, _batch(arrays, batched), batched, sizes)


def _wanted(problem: Problem) -> Iterator[_Wanted]:
    for leaf in problem.model.names:
        yield _Wanted(leaf, shape_of(leaf), False)
    for observation in problem.objective.observations:
        for leaf in observation.data:
            yield _Wanted(leaf, (len(observation.at), *shape_of(leaf)), True)


def _check_names(problem: Problem, wanted: Mapping[str, _Wanted], values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in wanted:
            raise ModelError(f"value {tables.show(name)}: {_no_such(problem, name, wanted)}")
    missing = [name for name in wanted if name not in values]
    if missing:
        them = "it" if len(missing) == 1 else "them"
        raise ModelError(f"no value for {', '.join(map(repr, missing))} of {problem.name!r}; add {them}")


def _no_such(problem: Problem, name: Any, wanted: Iterable[str]) -> str:
    if name in {state.name for state in problem.model.states}:
        return f"a state of {problem.name!r}, whose start is stated under initial; remove the value"
    advice = tables.suggestion(str(name), wanted)
    return f"no parameter, input or observation data of {problem.name!r}; {advice}"


# ---------------------------------------------------------------- shapes


def _sizes(wanted: Iterable[_Wanted], arrays: Mapping[str, Array]) -> dict[sp.Symbol, int]:
    """The lengths of symbolic sizes, each read off the first value whose shape has it by itself."""
    found: dict[sp.Symbol, int] = {}
    owner: dict[sp.Symbol, str] = {}
    for one in wanted:
        for size, length in zip(reversed(one.core), reversed(arrays[one.name].shape), strict=False):
            if not isinstance(size, sp.Symbol):
                continue
            if found.setdefault(size, length) != length:
                raise ModelError(
                    f"values {owner[size]!r} and {one.name!r} have lengths {found[size]} and {length} where both are "
                    f"of size {size}; give them the same length"
                )
            owner.setdefault(size, one.name)
    return found


def _length(size: Size, sizes: Sizes, name: str) -> int:
    if isinstance(size, int):
        return size
    length = size.xreplace({symbol: sp.Integer(value) for symbol, value in sizes.items()})
    if not isinstance(length, sp.Integer):
        raise ModelError(
            f"value {name!r} has the size {size}, which no value tells; declare a name of size "
            f"{', '.join(sorted(map(str, size.free_symbols)))}"
        )
    return int(length)


def _is_batched(one: _Wanted, array: Array, sizes: Sizes) -> bool:
    core = tuple(_length(size, sizes, one.name) for size in one.core)
    if array.shape == core:
        return False
    if array.ndim == len(core) + 1 and array.shape[1:] == core:
        return True
    each = show((sp.Symbol("batch"), *core))
    rows = " (the first axis runs over the depths under 'at')" if one.is_data else ""
    raise ModelError(
        f"value {one.name!r} has shape {show(array.shape)}; give one of shape {show(core)} for all samples, "
        f"or {each} with one for each{rows}"
    )


def _batch(arrays: Mapping[str, Array], batched: frozenset[str]) -> int | None:
    lengths = {name: len(array) for name, array in arrays.items() if name in batched}
    if not lengths:
        return None
    first, batch = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != batch:
            raise ModelError(f"values {first!r} and {name!r} hold {batch} and {length} samples; give as many of each, or one for all")
    if batch == 0:
        raise ModelError(f"value {first!r} holds no sample (a leading axis of length 0); give at least one")
    return batch


# ---------------------------------------------------------------- entries


def _check_finite(one: _Wanted, array: Array) -> None:
    missing, infinite = np.isnan(array), np.isinf(array)
    if missing.any() and not one.is_data:
        where = f"value {one.name!r}{place(missing)}"
        raise ModelError(f"{where} is NaN or null; give a number: only observation data may be missing")
    if infinite.any():
        raise ModelError(f"value {one.name!r}{place(infinite)} is infinite; give a finite number")


# ---------------------------------------------------------------- random values


def sample(problem: Problem, rng: np.random.Generator, batch: int | None = None, sizes: Sizes | None = None) -> dict[str, Array]:
    """Random values for a problem: from its ranges, else normal with mean 0 and standard deviation 1/2.

    rng: the source of randomness.
    batch: how many samples of inputs and data (default: one, without a batch axis); parameters are shared.
    sizes: lengths of symbolic sizes (default: 2, 3, 4, ... in the order of their names).
    """
    wanted = list(_wanted(problem))
    lengths = {symbol: 2 + i % 3 for i, symbol in enumerate(_symbols(wanted))} | dict(sizes or {})
    ranges = dict(problem.ranges)
    shared = {leaf.name for leaf in problem.model.parameters}
    result = {}
    for one in wanted:
        lead = () if batch is None or one.name in shared else (batch,)
        shape = lead + tuple(_length(size, lengths, one.name) for size in one.core)
        result[one.name] = _drawn(rng, ranges.get(one.name), shape)
    return result


def _symbols(wanted: Iterable[_Wanted]) -> list[sp.Symbol]:
    sizes = (size for one in wanted for size in one.core if not isinstance(size, int))
    return sorted({symbol for size in sizes for symbol in size.atoms(sp.Symbol)}, key=str)


def _drawn(rng: np.random.Generator, limits: tuple[float, float] | None, shape: tuple[int, ...]) -> Array:
    return np.asarray(SPREAD * rng.standard_normal(shape) if limits is None else rng.uniform(*limits, shape))
