"""Steps of a proof: identities that SymPy reduces to zero, signs and facts that it decides, and the steps of a derivation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.proof import prove
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic.zero import is_zero


@dataclass(frozen=True)
class Step:
    """One step: what it says, whether it holds, how that was found ("symbolic", "structural", "numeric"), and its equation as LaTeX."""

    title: str
    holds: bool
    way: str = "symbolic"
    latex: str = ""


def identity(title: str, left: Any, right: Any = 0) -> Step:
    """left = right, for scalars or matrices: the difference of every entry is reduced to zero.

    Derivatives, integrals and limits may be given unevaluated, so that the equation reads as it is meant; they are evaluated here.
    """
    difference = sp.sympify(left) - (sp.zeros(*left.shape) if isinstance(left, sp.MatrixBase) and right == 0 else sp.sympify(right))
    holds = all(_vanishes(entry) for entry in _entries(difference.doit()))
    return Step(title, holds, latex=f"{sp.latex(left)} = {sp.latex(right)}")


def positive(title: str, value: Any) -> Step:
    """value > 0, decided by SymPy from the assumptions on its symbols, as it stands or in factors."""
    forms = (value, sp.factor(value), sp.simplify(value))
    return Step(title, any(form.is_positive is True for form in forms), latex=f"{sp.latex(value)} > 0")


def fact(title: str, holds: Any, latex: str = "") -> Step:
    """A statement that was decided by other exact means (a set, a rank, an order, an equality of formulas)."""
    return Step(title, holds is True or holds == sp.true, "structural", latex)


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


def derivation_holds(problems: Iterable[tuple[str, Problem]]) -> Iterator[Step]:
    """Each step of the adjoint derivation of each titled problem, checked by SymPy's own differentiation at small explicit sizes."""
    for title, problem in problems:
        for step in prove(adjoint(problem)).steps:
            yield Step(f"{title}: {step.title}", step.holds, step.way)


def _entries(value: Any) -> list[Any]:
    return value.flat() if isinstance(value, sp.MatrixBase) else [value]


def _vanishes(value: Any) -> bool:
    answer = is_zero(value)
    return answer.holds and (answer.way == "symbolic" or bool(sp.simplify(value) == 0))
