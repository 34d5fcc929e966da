"""`assert_order`: the order of a method, measured on a problem with any solver."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from odeanalysis.testing.arguments import Arguments, Arrays
from odeanalysis.testing.claimed import NotMeasurable

STEPS = (8, 16, 32, 64, 128, 256)
NOISE = 256  # roundings of the result, below which errors say nothing
WITHIN = 0.25


@dataclass(frozen=True)
class Order:
    """steps: numbers of steps.  errors: of each.  orders: from each number of steps to the next, NaN at the rounding of the result."""

    steps: tuple[int, ...]
    errors: tuple[float, ...]
    orders: tuple[float, ...]

    @property
    def measured(self) -> float:
        """The order at the finest steps that rounding does not hide; NaN where it hides all."""
        return next((order for order in reversed(self.orders) if np.isfinite(order)), float("nan"))

    def __str__(self) -> str:
        rows = zip(self.steps, self.errors, ("", *(f"{order:.2f}" for order in self.orders)), strict=True)
        return "\n".join([f"{'steps':>6} {'error':>9} {'order':>6}", *(f"{n:>6} {error:>9.1e} {order:>6}" for n, error, order in rows)])


def assert_order(
    solve: Callable[[int], Any],
    order: float,
    *,
    exact: Any = None,
    steps: Sequence[int] = STEPS,
    within: float = WITHIN,
    at_least: bool = False,
) -> Order:
    """Asserts that the error of a solver falls as n^-order with its number of steps n.

    solve: number of steps -> a result: a number, array or tensor, or a mapping or tuple of them.
    exact: what it tends to; default: each result is compared with the next one.
    steps: rising, by one factor where `exact` is not given.  within: how far the order measured may lie from the one stated.
    at_least: let a higher order pass, which fails otherwise: the problem is too easy to show the order, or that is stated too low.
    Returns the errors and orders. Raises AssertionError with their table, NotMeasurable where rounding hides the errors.
    """
    found = _measured(solve, exact, tuple(steps))
    if np.isnan(found.measured):
        raise NotMeasurable(f"the errors are not finite, or at the rounding of the result; give other steps\n{found}")
    if found.measured < order - within:
        raise AssertionError(f"the order is {found.measured:.2f}, where {order:g} is stated\n{found}")
    if found.measured > order + within and not at_least:
        words = "the problem is too easy to show it (at_least=True lets that pass), or it is stated too low"
        raise AssertionError(f"the order is {found.measured:.2f}, where {order:g} is stated: {words}\n{found}")
    return found


def _measured(solve: Callable[[int], Any], exact: Any, steps: tuple[int, ...]) -> Order:
    results = [solve(n) for n in (*steps, *(() if exact is not None else (_next(steps),)))]
    given = Arguments(results[-1] if exact is None else exact)
    read = [given.read_like(one, "the result") for one in (*results, *(() if exact is None else (exact,)))]
    against = read[1:] if exact is None else [read[-1]] * len(steps)
    errors = tuple(_distance(one, other) for one, other in zip(read, against, strict=False))
    noise = NOISE * given.precision * _norm(read[-1])
    pairs = zip(pairwise(steps), pairwise(errors), strict=True)
    return Order(steps, errors, tuple(_order(coarse, fine, two, noise) for (coarse, fine), two in pairs))


def _next(steps: tuple[int, ...]) -> int:
    """The number of steps behind the last one, in a row that grows by one factor: then differences of neighbours fall as errors do."""
    factors = {fine / coarse for coarse, fine in pairwise(steps)}
    if len(factors) != 1:
        raise TypeError(f"steps {steps} do not grow by one factor, as is needed without the exact result; give such, or exact=")
    return round(steps[-1] * factors.pop())


def _order(coarse: int, fine: int, errors: tuple[float, float], noise: float) -> float:
    clear = np.isfinite(errors).all() and min(errors) > noise
    return float(np.log(errors[0] / errors[1]) / np.log(fine / coarse)) if clear else float("nan")


def _distance(one: Arrays, other: Arrays) -> float:
    return _norm({key: one[key] - other[key] for key in other})


def _norm(arrays: Arrays) -> float:
    return float(np.sqrt(sum(float(np.sum(array**2)) for array in arrays.values())))
