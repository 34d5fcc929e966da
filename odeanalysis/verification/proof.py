"""Steps of a proof: identities that SymPy reduces to zero, signs and facts that it decides, and the steps of a derivation."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.proof import Proved, prove
from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic.zero import Zero, is_zero

EXACT = ("symbolic", "structural")


@dataclass(frozen=True)
class Step:
    """One step: what it says, whether it is proved, how that was found, and its equation as LaTeX.

    way: "symbolic" (reduced to zero) or "structural" (decided by other exact means) where it holds; "numeric", "undecided" prove nothing.
    Raises ModelError for a step that holds in another way.
    """

    title: str
    holds: bool
    way: str
    latex: str = ""

    def __post_init__(self) -> None:
        if self.holds and self.way not in EXACT:
            raise ModelError(f"the step {self.title!r} cannot be proved in the way {self.way!r}; reduce it to zero, or measure it instead")


def decided(title: str, answer: Zero | Proved, latex: str = "") -> Step:
    """A step that something was found to vanish: proved where it was reduced to zero, not where numbers alone say so."""
    return Step(title, answer.holds and answer.way in EXACT, answer.way, latex)


def identity(title: str, left: Any, right: Any = 0) -> Step:
    """left = right, for scalars or matrices: the difference of every entry is reduced to zero.

    Derivatives, integrals and limits may be given unevaluated, so that the equation reads as it is meant; they are evaluated here.
    """
    difference = sp.sympify(left) - (sp.zeros(*left.shape) if isinstance(left, sp.MatrixBase) and right == 0 else sp.sympify(right))
    answers = [_reduced(entry) for entry in _entries(difference.doit())]
    weakest = min(answers, key=lambda answer: (answer.holds, answer.way in EXACT))
    return decided(title, weakest, f"{sp.latex(left)} = {sp.latex(right)}")


def positive(title: str, value: Any) -> Step:
    """value > 0, decided by SymPy from the assumptions on its symbols, as it stands or in factors."""
    forms = (value, sp.factor(value), sp.simplify(value))
    known = {form.is_positive for form in forms} - {None}
    return Step(title, True in known, "symbolic" if known else "undecided", f"{sp.latex(value)} > 0")


def fact(title: str, holds: Any, latex: str = "") -> Step:
    """A statement that was decided by other exact means (a set, a rank, an order, an equality of formulas)."""
    return Step(title, holds is True or holds == sp.true, "structural", latex)


def dsolved(equation: Any, unknown: Any, starts: Mapping[Any, Any]) -> Any:
    """The solution of an initial value problem, equation = 0, by SymPy."""
    solved: Any = sp.dsolve(equation, unknown, ics=dict(starts))
    return solved.rhs


def linear_flow(title: str, depth: sp.Symbol, flow: sp.Matrix, generator: sp.Matrix, end: sp.Matrix) -> Iterator[Step]:
    """exp(s A) over depths from 0 to 1, by its equation and its ends."""
    yield identity(
        f"{title}: exp(s A) solves z' = A z", flow.applyfunc(lambda entry: sp.Derivative(entry, depth)), sp.MatMul(generator, flow)
    )
    yield identity(f"{title}: it begins at the identity", flow.applyfunc(lambda entry: sp.Subs(entry, depth, 0)), sp.eye(flow.rows))
    yield identity(f"{title}: where it ends", flow.applyfunc(lambda entry: sp.Subs(entry, depth, 1)), end)


def half_turn(depth: sp.Symbol) -> Iterator[Step]:
    """exp(pi J) = -1 in the plane."""
    turn = sp.Matrix([[sp.cos(sp.pi * depth), -sp.sin(sp.pi * depth)], [sp.sin(sp.pi * depth), sp.cos(sp.pi * depth)]])
    yield from linear_flow("half a turn", depth, turn, sp.pi * sp.Matrix([[0, -1], [1, 0]]), -sp.eye(2))


def kept_orientation(*dimensions: int) -> Iterator[Step]:
    """Liouville's formula: the flow of a field has a derivative of positive determinant."""
    s, t = sp.symbols("s t", real=True)
    div = sp.Function("d", real=True)
    for n in dimensions:
        A, D = (_square(name, n) for name in "ad")
        slope = sum(sp.diff(D.det(), entry) * change for entry, change in zip(D, A * D, strict=True))
        yield identity(f"D' = f_z D has (det D)' = tr(f_z) det D, in R^{n}", slope, sp.Mul(A.trace(), D.det(), evaluate=False))
    grown = sp.exp(sp.Integral(div(t), (t, 0, s)))
    yield identity("so that det D phi_s = exp int div f, for it solves that equation from 1", sp.Derivative(grown, s), div(s) * grown)
    yield positive("which is above 0, with M = int div f", sp.exp(sp.Symbol("M", real=True)))


def _square(name: str, n: int) -> Any:
    return sp.Matrix(n, n, sp.symbols(f"{name}_1:{n * n + 1}", real=True))


def derivation_holds(problems: Iterable[tuple[str, Problem]]) -> Iterator[Step]:
    """Each step of the adjoint derivation of each titled problem, checked by SymPy's own differentiation at small explicit sizes."""
    for title, problem in problems:
        for step in prove(adjoint(problem)).steps:
            yield decided(f"{title}: {step.title}", step)


def _entries(value: Any) -> list[Any]:
    return value.flat() if isinstance(value, sp.MatrixBase) else [value]


def _reduced(value: Any) -> Zero:
    """Whether a scalar vanishes; where numbers alone say so, it is simplified as well."""
    answer = is_zero(value)
    return Zero(True, "symbolic") if answer.way == "numeric" and answer.holds and sp.simplify(value) == 0 else answer
