"""A method as data: exact coefficients that are checked where they are made, and the facts that follow from them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from odeanalysis.errors import ModelError
from odeanalysis.tableaus.classical import Classical, Numbers, rosenbrock, runge_kutta
from odeanalysis.tableaus.exact import Matrix, Row, exact_matrix, exact_number, exact_row

DECIMAL_TOLERANCE = sp.Rational(1, 10**14)
DIGITS = 30
READERS: dict[str, Callable[[Any, str, int], Any]] = {
    "c": exact_row,
    "a": exact_matrix,
    "b": exact_row,
    "b_hat": exact_row,
    "gamma": lambda value, where, _: exact_number(value, where),
    "coupling": exact_matrix,
    "d": exact_row,
}


class Floats(NamedTuple):
    """A tableau's numbers in double precision: nested tuples of the same shapes, None where the tableau has None."""

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    b_hat: tuple[float, ...] | None
    b_error: tuple[float, ...] | None
    gamma: float | None
    coupling: tuple[tuple[float, ...], ...] | None
    d: tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Tableau:
    """A one-step method for z' = f(s, z), its coefficients exact numbers.

    A Runge-Kutta method with m stages has c [m], a [m, m], b [m], and takes the step

        k_i = f(s + c_i h, z + h sum_j a_ij k_j),    z1 = z + h sum_i b_i k_i.

    A Rosenbrock method (gamma is not None) has gamma, c [m], a [m, m], coupling = C [m, m], d [m], b [m] in the
    transformed form in which it is computed. With J = df/dz and f_s = df/ds, both at (s, z), it takes the step

        (I - h gamma J) u_i = h gamma f(s + c_i h, z + sum_j a_ij u_j) + gamma sum_j C_ij u_j + h^2 gamma d_i f_s,
        z1 = z + sum_i b_i u_i,

    with sums over j < i and no h before u, so that h = 0 changes nothing. Its classical form

        k_i = f(s + c_i h, z + h sum_j alpha_ij k_j) + h J sum_j Gamma_ij k_j + h d_i f_s,    z1 = z + h sum_i w_i k_i,

    with j <= i in Gamma, follows from u = h Gamma k:

        Gamma = (I/gamma - C)^-1,    alpha = a Gamma,    w = b Gamma,    c_i = sum_j alpha_ij,    d_i = sum_j Gamma_ij.

    In both kinds b_hat are the weights of the embedded solution in the place of b. The error estimate of a step is
    z1 - z1_hat, so h sum_i b_error_i k_i, or sum_i b_error_i u_i, with b_error = b - b_hat.

    Arguments: name; order, of b; embedded_order, of b_hat; the coefficients, as integers or SymPy numbers. Rows of a
    and coupling, b, b_hat and d may leave out their last zeros. exact=False says that the numbers are published
    rounded, and conditions hold only to within DECIMAL_TOLERANCE.
    Raises ModelError where a number is not exact, a shape is not right, or the rows of a do not sum to c, those of
    Gamma to d, or weights to 1.
    Source: Hairer, Norsett, Wanner, Solving ODEs I, II.1, II.4; Hairer, Wanner, Solving ODEs II, IV.7.
    """

    name: str
    order: int
    embedded_order: int | None = None
    exact: bool = True
    c: Row
    a: Matrix
    b: Row
    b_hat: Row | None = None
    gamma: sp.Expr | None = None
    coupling: Matrix | None = None
    d: Row | None = None

    def __post_init__(self):
        _check_presence(self)
        for name, value in _normalised(self).items():
            object.__setattr__(self, name, value)
        _check_form(self)
        _check_sums(self)

    def __repr__(self) -> str:
        order = f"{self.order}({self.embedded_order})" if self.adaptive else f"{self.order}"
        return f"Tableau({self.name!r}, {self.kind}, order {order}, {self.stages} stage{'s' * (self.stages > 1)})"

    def __getstate__(self) -> dict[str, Any]:
        """What makes the tableau, without what is cached."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @property
    def stages(self) -> int:
        return len(self.c)

    @cached_property
    def kind(self) -> str:
        """'explicit', 'diagonally implicit', 'implicit' or 'rosenbrock'."""
        if self.gamma is not None:
            return "rosenbrock"
        if _is_lower(self.a, 0):
            return "explicit"
        return "diagonally implicit" if _is_lower(self.a, 1) else "implicit"

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The stages in the order in which they are found, in groups whose equations are coupled."""
        every = tuple(range(self.stages))
        return tuple((i,) for i in every) if _is_lower(self.a, 1) else (every,)

    @property
    def explicit(self) -> bool:
        return self.kind == "explicit"

    @property
    def adaptive(self) -> bool:
        """A step comes with an estimate of its error."""
        return self.b_hat is not None

    @property
    def fsal(self) -> bool:
        """First same as last: the last evaluation of f in a step is the first one of the next step."""
        starts = self.c[0] == 0 and not any(self.a[0])
        return starts and self.c[-1] == 1 and self.a[-1] == self.b

    @property
    def error_order(self) -> int:
        """p where the error estimate is of size h^(p+1); the order where there is no estimate."""
        return min(self.order, self.embedded_order or self.order)

    @property
    def b_error(self) -> Row | None:
        """b - b_hat."""
        if self.b_hat is None:
            return None
        return tuple(sp.expand(b - b_hat) for b, b_hat in zip(self.b, self.b_hat, strict=True))

    @property
    def tolerance(self) -> sp.Expr:
        """By how much a condition may be missed."""
        return sp.Integer(0) if self.exact else DECIMAL_TOLERANCE

    @cached_property
    def floats(self) -> Floats:
        """All coefficients in double precision, each rounded once."""
        return Floats(*(_rounded(getattr(self, name)) for name in Floats._fields))

    @cached_property
    def classical(self) -> Classical:
        """alpha, beta = alpha + Gamma and w, in exact arithmetic."""
        numbers = Numbers(_flat(tuple(getattr(self, name) for name in READERS)))
        if self.gamma is None or self.coupling is None:
            return runge_kutta(numbers, self.a)
        return rosenbrock(numbers, self.a, self.coupling, self.gamma)


def _check_presence(tableau: Tableau) -> None:
    for name in ("order", "embedded_order"):
        value = getattr(tableau, name)
        if not (isinstance(value, int) and value > 0) and (name, value) != ("embedded_order", None):
            raise ModelError(f"{name} of method {tableau.name!r} is {value!r}; give an integer of at least 1")
    _check_together(tableau, "b_hat", "embedded_order")
    _check_together(tableau, "gamma", "coupling", "d")


def _check_together(tableau: Tableau, *names: str) -> None:
    missing = [name for name in names if getattr(tableau, name) is None]
    if missing and len(missing) < len(names):
        absent, all_names = " and ".join(missing), ", ".join(names)
        raise ModelError(f"method {tableau.name!r} has no {absent}; give all of {all_names}, or none")


def _normalised(tableau: Tableau) -> dict[str, Any]:
    """The coefficients as exact numbers in full rows."""
    stages = len(exact_row(tableau.c, f"c of method {tableau.name!r}"))
    given = {name: getattr(tableau, name) for name in READERS}
    return {name: READERS[name](value, f"{name} of method {tableau.name!r}", stages) for name, value in given.items() if value is not None}


def _check_form(tableau: Tableau) -> None:
    """A Rosenbrock method's stages can be computed one after the other."""
    if tableau.gamma is None or tableau.coupling is None:
        return
    if not tableau.gamma.is_positive:
        raise ModelError(f"gamma of method {tableau.name!r} is {tableau.gamma}; give a positive number")
    for name, matrix in (("a", tableau.a), ("coupling", tableau.coupling)):
        if not _is_lower(matrix, 0):
            raise ModelError(f"{name} of method {tableau.name!r} has entries on or above its diagonal; set them to 0")


def _check_sums(tableau: Tableau) -> None:
    """The method is consistent, also for fields that depend on depth."""
    for what, miss in _misses(tableau):
        if abs(miss) > tableau.tolerance:
            raise ModelError(f"method {tableau.name!r}: {what}, and misses it by {sp.N(miss, 3)}; correct the coefficients")


def _misses(tableau: Tableau) -> Iterator[tuple[str, sp.Expr]]:
    form = tableau.classical
    ones = form.ones()
    alphas, betas = form.alpha * ones, form.beta * ones
    yield from _row_misses(form.numbers, "a" if tableau.gamma is None else "alpha", alphas, "c", tableau.c)
    if tableau.d is not None:
        yield from _row_misses(form.numbers, "Gamma", betas - alphas, "d", tableau.d)
    for name, weights in (("b", tableau.b), ("b_hat", tableau.b_hat)):
        if weights is not None:
            yield f"{name} must sum to 1", _differences(form.numbers, form.weights(weights) * ones, (sp.S.One,))[0]


def _row_misses(numbers: Numbers, name: str, sums: DomainMatrix, target: str, stated: Row) -> Iterator[tuple[str, sp.Expr]]:
    for i, miss in enumerate(_differences(numbers, sums, stated), 1):
        yield f"row {i} of {name} must sum to {target}_{i}", miss


def _differences(numbers: Numbers, sums: DomainMatrix, stated: Row) -> list[sp.Expr]:
    return (sums - numbers.matrix(tuple((value,) for value in stated))).to_Matrix().flat()


def _is_lower(matrix: Matrix, diagonals: int) -> bool:
    return not any(any(row[i + diagonals :]) for i, row in enumerate(matrix))


def _rounded(value: Any) -> Any:
    if value is None:
        return None
    return tuple(map(_rounded, value)) if isinstance(value, tuple) else float(sp.N(value, DIGITS))


def _flat(value: Any) -> Iterator[sp.Expr]:
    """The numbers in nested tuples, None left out."""
    if isinstance(value, tuple):
        for item in value:
            yield from _flat(item)
    elif value is not None:
        yield value
