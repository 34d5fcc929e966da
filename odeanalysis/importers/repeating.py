"""Whether a function does with numbers what it did with symbols.

`if k == 0` and `if k` ask symbols what they are, not what they will be: Python answers at once, and a branch is lost without a word.
So f is called again with exact numbers, each argument in turn a special one, and has to give what its formulas give there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, cast

import numpy as np
import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.targets.callables import compile_numpy

SPECIAL = (0, 1, -1, 2, 10)
APART = 1e-9
MISSED = (ZeroDivisionError, ValueError, TypeError, OverflowError, ModelError)  # numbers at which f has no value


def check_repeats(
    f: Callable[..., Any], title: str, arguments: Mapping[str, Any], traced: Sequence[Any], shaped: Callable[[Any], Sequence[Any]]
) -> None:
    """Raises ModelError where f gives for numbers what the formulas that it gave for symbols do not."""
    run = compile_numpy(formula("traced", list(arguments.values()), {f"out{i}": value for i, value in enumerate(traced)}))
    for numbers in _points({name: cast(Any, shape_of(leaf)) for name, leaf in arguments.items()}):
        try:
            again = shaped(f(**{name: _exact(value) for name, value in numbers.items()}))
            here = [np.asarray(_value(one)) for one in again]
        except MISSED:
            continue
        with np.errstate(all="ignore"):
            there = run(*numbers.values())
        if not all(_alike(*pair) for pair in zip(here, there, strict=True)):
            shown = ", ".join(f"{name}={value.tolist()}" for name, value in numbers.items())
            raise ModelError(
                f"{title} gives other values at {shown} than its formulas do: it branches on what its arguments are, as `if k == 0` does, "
                "or draws random numbers; write oda.where(condition, u, v), and give what is drawn as an argument"
            )


def _points(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[dict[str, np.ndarray]]:
    """Numbers between 1/3 and 3 in size, and those with one number, or the first and the last entry of an array, special."""
    draw = np.random.default_rng(0)

    def ordinary(shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(draw.integers(32, 288, shape) / 96.0)

    yield {name: ordinary(shape) for name, shape in shapes.items()}
    yield {name: -ordinary(shape) for name, shape in shapes.items()}
    for special, shape in shapes.items():
        for value, entry in product(SPECIAL, {0, -1} if shape else {0}):
            point = {name: ordinary(one) for name, one in shapes.items()}
            point[special].flat[entry] = value
            yield point


def _exact(value: np.ndarray) -> Any:
    """Numbers as f gets them: rationals, which have no methods that symbols lack."""
    if value.ndim == 0:
        return sp.Rational(*float(value).as_integer_ratio())
    if value.ndim == 1:
        return ex.concat(*(_exact(one) for one in value))
    raise ValueError("there is no array of numbers with two axes or more")


def _value(expression: Any) -> Any:
    (found,) = compile_numpy(formula("again", [], {"out": expression}))()
    return found


def _alike(here: Any, there: Any) -> bool:
    there = np.broadcast_to(np.asarray(there, dtype=float), np.shape(here))
    known = np.isfinite(here)  # where f itself has no value, its formulas need none
    return bool(np.all(np.abs(here - there)[known] <= APART * (1 + np.abs(here[known]))))
