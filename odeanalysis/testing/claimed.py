"""What a user claims: a function with its gradient, in the ways in which they are given."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.testing.arguments import Arguments, Array, label
from odeanalysis.testing.lines import number

THE_GRADIENT = "the gradient"


class NotMeasurable(AssertionError):
    """A function does not tell its gradient: for noise, a kink, or because it has no values beside these."""


@dataclass(frozen=True, eq=False)
class Claimed:
    """value: of moved arguments.  gradient: at the arguments, by name.  origin: the value there."""

    at: Arguments
    value: Callable[[Any], float]
    gradient: dict[Hashable, Array]
    origin: float


def claimed(function: Callable[..., Any], gradient: Any, at: Any, wrt: Any) -> Claimed:
    """A function with its gradient.

    gradient: a function, or what it returns; None where the function returns (value, gradient), or a tensor that knows its gradient.
    Raises TypeError for what is no function or gradient, NotMeasurable where the function has no finite value.
    """
    point = Arguments(at, _names(wrt))
    if not point.arrays:
        raise TypeError("nothing in `at` can move: give arrays or numbers of floating point")
    value, found = _taken(function, gradient, point)
    origin = value(point.given)
    if not np.isfinite(origin):
        raise NotMeasurable(f"the function is {origin} at these values; check the gradient where it is finite")
    return Claimed(point, value, _finite(point.read_like(found, THE_GRADIENT)), origin)


def _names(wrt: Any) -> tuple[Hashable, ...] | None:
    return wrt if wrt is None or isinstance(wrt, tuple) else tuple(wrt) if isinstance(wrt, list) else (wrt,)


def _taken(function: Callable[..., Any], gradient: Any, point: Arguments) -> tuple[Callable[[Any], float], Any]:
    if gradient is not None:
        found = point.call(gradient) if callable(gradient) else gradient
        return lambda moved: number(point.call(function, moved)), found
    leaves = point.leaves()
    returned: Any = point.call(function, leaves)
    if type(returned) in (tuple, list) and len(returned) == 2:
        return lambda moved: number(point.call(function, moved)[0]), returned[1]
    if not getattr(returned, "requires_grad", False):
        raise TypeError("there is no gradient: give one as gradient=, or let the function return (value, gradient)")
    returned.sum().backward()
    collected = {key: part.grad for key, part in Arguments(leaves).parts.items() if key in point.arrays}
    return lambda moved: number(point.call(function, moved)), collected


def _finite(gradient: dict[Hashable, Array]) -> dict[Hashable, Array]:
    for key, array in gradient.items():
        if not np.isfinite(array).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise AssertionError(f"{THE_GRADIENT} in {label(key)} is {array[place]}{spot(place)}, where the function is finite")
    return gradient


def spot(place: tuple[int, ...]) -> str:
    """A place in an array, in words; nothing for a number."""
    return f" at [{', '.join(map(str, place))}]" if place else ""
