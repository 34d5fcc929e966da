"""Whether a scalar expression vanishes identically: by exact reduction, and where that does not decide, by numbers of fifty digits."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp
from sympy.core.relational import Relational

from odeanalysis.symbolic.kernels import reduces_to_zero

DIGITS = 50
TOLERANCE = mpmath.mpf(10) ** -35
POINTS = 16
ATTEMPTS = 64
RANGES = ((5, 150), (-150, -5), (-150, 150), (5, 95))
CONDITIONS = 8
REWRITABLE = 400


@dataclass(frozen=True)
class Zero:
    """The answer: whether it vanishes, and how that was found: "symbolic", "numeric", or "undecided" (which never holds)."""

    holds: bool
    way: str

    def __bool__(self) -> bool:
        return self.holds


def is_zero(expression: Any, seed: int = 0, positive: Iterable[Any] = ()) -> Zero:
    """Whether a scalar vanishes wherever it is defined, off the boundaries of its cases.

    Symbolic: each case of `Piecewise`, `Abs` and `sign` is reduced to zero exactly. Numeric: the value at random rational points is below
    1e-35 of its largest term in arithmetic of 50 digits; only points count at which `positive` are. A value that is not zero is always
    shown by numbers.
    """
    value = plain(sp.sympify(expression))
    if _all_cases(value):
        return Zero(True, "symbolic")
    found = by_numbers(value, seed, tuple(positive))
    if found.holds and sp.count_ops(value) < REWRITABLE and _all_cases(value.rewrite(sp.exp)):
        return Zero(True, "symbolic")
    return found


# ---------------------------------------------------------------- cases


def plain(expression: Any) -> Any:
    """The same function off its kinks and exceptional points, with `Abs` and `sign` as `Piecewise`."""
    return expression.replace(lambda node: type(node) in UNFOLDED, lambda node: UNFOLDED[type(node)](node.args[0]))


UNFOLDED: dict[Any, Callable[[Any], Any]] = {
    sp.Abs: lambda x: sp.Piecewise((x, x > 0), (-x, True)),
    sp.sign: lambda x: sp.Piecewise((1, x > 0), (-1, True)),
    sp.DiracDelta: lambda x: sp.Integer(0),
    sp.Eq: lambda x: sp.false,
    sp.Ne: lambda x: sp.true,
}


def _all_cases(expression: Any) -> bool:
    cases = cases_of(expression)
    return all(reduces_to_zero(case) for case in cases) if cases is not None else False


def cases_of(expression: Any) -> list[Any] | None:
    """The branches of an expression: every condition taken as true and as false, boundaries left out; None where there are too many."""
    found, open_ = [], [(expression, 0)]
    while open_:
        value, depth = open_.pop()
        relation = _innermost(value)
        if relation is None:
            found.append(value)
        elif depth == CONDITIONS:
            return None
        else:
            open_ += [(_decided(value, relation, answer), depth + 1) for answer in (True, False)]
    return found


def _innermost(expression: Any) -> Any:
    relations = (node for node in expression.atoms(Relational) if not node.has(sp.Piecewise))
    return min(relations, key=sp.default_sort_key, default=None)


def _decided(expression: Any, relation: Any, answer: bool) -> Any:
    """The expression where a relation, and with it every relation between the same two sides, is decided."""
    gap, flipped = _gap(relation)
    positive = answer != flipped
    answers = {node: sp.true if positive != other else sp.false for node, (found, other) in _gaps(expression) if found == gap}
    return expression.xreplace(answers)


def _gaps(expression: Any) -> Iterator[tuple[Any, tuple[Any, bool]]]:
    return ((node, _gap(node)) for node in expression.atoms(Relational) if not node.has(sp.Piecewise))


def _gap(relation: Any) -> tuple[Any, bool]:
    """The expression whose sign decides a relation, and whether the relation holds where it is negative."""
    gap = sp.expand(relation.gts - relation.lts)
    return (-gap, True) if gap.could_extract_minus_sign() else (gap, False)


# ---------------------------------------------------------------- numbers


def by_numbers(expression: Any, seed: int = 0, positive: tuple[Any, ...] = ()) -> Zero:
    """Whether the expression vanishes at random rational points at which it is real (or, if there are none, complex)."""
    terms = sp.Add.make_args(expression)
    symbols: list[Any] = sorted(sp.Tuple(*terms, *positive).free_symbols, key=lambda one: (str(one), type(one).__name__))
    function = numeric(symbols, (*positive, *terms))
    found: dict[bool, list[bool]] = {True: [], False: []}
    generator = random.Random(seed)
    with mpmath.workdps(DIGITS):
        for attempt in range(ATTEMPTS):
            values = numbers_at(function, _point(generator, len(symbols), RANGES[attempt % len(RANGES)]))
            if values is not None and all(mpmath.im(v) == 0 and v > 0 for v in values[: len(positive)]):
                rest = values[len(positive) :]
                found[not any(isinstance(value, mpmath.mpc) for value in rest)].append(_negligible(rest))
            if len(found[True]) == POINTS:
                break
    answers = found[True] or found[False]
    return Zero(bool(answers) and all(answers), "numeric" if answers else "undecided")


def numeric(symbols: list[sp.Symbol], expressions: Any) -> Callable[..., list[Any]]:
    """The expressions as one function of mpmath's numbers; symbols may share their names."""
    names = {symbol: sp.Symbol(f"x{i}", real=True) for i, symbol in enumerate(symbols)}
    renamed = [expression.xreplace(names) for expression in expressions]
    return sp.lambdify(list(names.values()), renamed, modules="mpmath", cse=True)


def numbers_at(function: Callable[..., list[Any]], point: list[Any]) -> list[Any] | None:
    """The values at a point, those that are real as reals; None where one is not defined there."""
    try:
        values = [mpmath.mpmathify(value) for value in function(*point)]
    except (ZeroDivisionError, ValueError, TypeError, OverflowError, NameError):
        return None
    real = [value.real if isinstance(value, mpmath.mpc) and value.imag == 0 else value for value in values]
    return real if all(map(mpmath.isfinite, real)) else None


def _point(generator: random.Random, count: int, bounds: tuple[int, int]) -> list[Any]:
    return [mpmath.mpf(generator.randint(*bounds)) / 100 + mpmath.mpf(generator.randint(1, 97)) / 9973 for _ in range(count)]


def _negligible(values: list[Any]) -> bool:
    return abs(mpmath.fsum(values)) <= TOLERANCE * max([1, *map(abs, values)])
