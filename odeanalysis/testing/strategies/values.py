"""Random values, directions, grids of depths, bases: decimals of one place, the plainest first."""

from collections.abc import Hashable, Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases import Basis, Chebyshev, Dilated, Fourier, Hat, Indicator, Legendre, Monomial, Radial, Spline
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.values import sample
from odeanalysis.testing.arguments import Arguments, Array

PLAIN = (1.0, 0.5, -1.0, -0.5)
NUMBERS = (*PLAIN, *(sign * k / 10 for k in (2, 3, 4, 6, 7, 8, 9, 1) for sign in (1, -1)))  # never 0, where kinks and poles lie
STEPS = (1.0, 0.0, -1.0, 0.5, -0.5)
PARTS = (0.5, 0.25, 0.75, 0.375, 0.625, 0.125, 0.875, 0.0, 1.0)  # of a range, its ends last
DRAWN_SINGLY = 64  # entries; those of larger arrays come from a seed that is drawn
DIGITS = 4
PLACES = 20


def values_for(
    stated: Model | Problem, *, batch: int | None = None, sizes: Mapping[sp.Symbol, int] | None = None
) -> st.SearchStrategy[Any]:
    """Values for every name of a model or problem: name -> number or array.

    Names with a range have values inside it, all others between 0.1 and 1, of either sign.
    batch: how many samples of inputs and data; None: one, without an axis.  sizes: the lengths of symbolic sizes (default 2, 3, 4, ...).
    """
    problem = stated if isinstance(stated, Problem) else Problem(stated, Objective())
    shapes = {name: array.shape for name, array in sample(problem, np.random.default_rng(0), batch, sizes).items()}
    ranges = dict(problem.ranges)
    return st.fixed_dictionaries({name: arrays(shape, _numbers(ranges.get(name))) for name, shape in shapes.items()})


def _numbers(limits: tuple[float, float] | None) -> tuple[float, ...]:
    """The numbers that are drawn: inside a range, else of the order of one."""
    if limits is None:
        return NUMBERS
    low, high = limits
    inside = [float(f"{low + part * (high - low):.{DIGITS}g}") for part in PARTS]
    return tuple(dict.fromkeys(min(max(number, low), high) for number in inside))


def arrays(shape: tuple[int, ...], numbers: tuple[float, ...] = NUMBERS) -> st.SearchStrategy[Any]:
    """Arrays of some numbers, or a number where the shape is (); the first number is the simplest."""
    if not shape:
        return st.sampled_from(numbers)
    if prod(shape) > DRAWN_SINGLY:
        return st.builds(random_array, st.integers(0, 2**16), st.just(shape), st.just(numbers))
    return hnp.arrays(float, shape, elements=st.sampled_from(numbers), fill=st.nothing())


def random_array(seed: int, shape: tuple[int, ...], numbers: tuple[float, ...] = NUMBERS) -> Array:
    """An array of some numbers, drawn from a seed: how arrays too large to be written out are printed."""
    return np.random.default_rng(seed).choice(numbers, shape)


def directions(values: Any, *, wrt: Iterable[Hashable] | None = None) -> st.SearchStrategy[Any]:
    """Directions in the structure of values: entries of size 1, 1/2 or 0, of which one at least is not 0.

    values: what `assert_gradient` takes as `at`: a mapping, a tuple of arguments, or one array, number or tensor; entries that are NaN
    do not move.  wrt: which names or places move (default: all numbers and arrays of floating point); a direction has no other names, and
    0 in other places.
    """
    given = Arguments(values, None if wrt is None else tuple(wrt))
    parts = st.fixed_dictionaries({key: arrays(array.shape, STEPS) for key, array in given.arrays.items()})
    return parts.map(lambda drawn: _still(given, drawn)).filter(_moves).map(lambda drawn: _structured(given, drawn))


def _still(given: Arguments, drawn: Mapping[Hashable, Any]) -> dict[Hashable, Array]:
    return {key: np.where(np.isnan(given.arrays[key]), 0.0, step) for key, step in drawn.items()}


def _moves(drawn: Mapping[Hashable, Array]) -> bool:
    return any(np.any(step) for step in drawn.values())


def _structured(given: Arguments, drawn: Mapping[Hashable, Array]) -> Any:
    made = given.like(drawn)
    if isinstance(made, Mapping):
        return {key: made[key] for key in drawn}
    return tuple(part if key in drawn else 0.0 for key, part in enumerate(made)) if isinstance(made, tuple) else made


# ---------------------------------------------------------------- depths


def depth_grids(domain: Model | Problem | tuple[float, float] = (0.0, 1.0), *, most: int = 12) -> st.SearchStrategy[Any]:
    """Grids of depths from one end of a domain to the other, both included, of 2 to `most` depths; they fall where the domain does.

    domain: two numbers, or a model whose domain is of numbers. Raises ModelError for one that depends on values.
    """
    start, end = _ends(domain)
    inner = st.lists(st.integers(1, PLACES - 1), max_size=most - 2, unique=True)
    return inner.map(lambda places: _grid(start, end, [0, *sorted(places), PLACES]))


def _ends(domain: Any) -> tuple[float, float]:
    model = domain.model if isinstance(domain, Problem) else domain
    start, end = map(sp.sympify, model.domain if isinstance(model, Model) else model)
    if not (start.is_number and end.is_number):
        raise ModelError(f"the domain of {model.name!r} depends on values; give its two ends, as numbers, in its place")
    return float(start), float(end)


def _grid(start: float, end: float, places: list[int]) -> Array:
    """Depths at so many twentieths of a domain, rounded as decimals, and its ends as they are."""
    inner = [float(f"{start + (end - start) * place / PLACES:.{DIGITS}g}") for place in places[1:-1]]
    return np.array([start, *inner, end])


# ---------------------------------------------------------------- bases


def bases(domain: tuple[float, float] = (0.0, 1.0), *, most: int = 5, smooth: bool = False) -> st.SearchStrategy[Basis]:
    """Bases of functions of depth that are linearly independent on a domain.

    most: at most so many terms, 2 at least.  smooth: only those without kinks and jumps.
    """
    low, high = sorted(_ends(domain))
    terms, length = st.integers(1, most), high - low
    regular = st.integers(2, min(most, 4)).map(lambda count: tuple(float(f"{c:.{DIGITS}g}") for c in np.linspace(low, high, count)))
    nodes = depth_grids((low, high), most=most).map(lambda grid: tuple(map(float, grid)))
    plain = [
        st.builds(Monomial, st.integers(1, min(most, 6))),
        st.builds(Legendre, terms, st.just((low, high))),
        st.builds(Chebyshev, terms, st.just((low, high))),
        st.builds(Fourier, terms, st.just(length)),
        st.builds(Radial, regular, st.just(length / 2)),
        st.builds(Dilated, st.builds(Legendre, terms, st.just((low, high))), st.sampled_from((1.5, 2.0)), st.sampled_from((0.0, 0.25))),
    ]
    pieces = [st.builds(Indicator, nodes), st.builds(Hat, nodes), st.builds(Spline, nodes, st.integers(1, 3))]
    return st.one_of(*plain, *(() if smooth else pieces))
