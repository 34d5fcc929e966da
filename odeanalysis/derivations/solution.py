"""Closed forms of models, their losses and gradients: the ground truth where there is one.

Classes: affine fields with constant coefficients, forced by what is closed under differentiation (polynomials, exponentials, waves of
depth); scalar linear fields whose coefficients vary with depth; scalar separable fields g(s) p(z) with p quadratic (logistic), a power, a
sum of z and a power, an exponential. A model whose states split into groups of these has a closed form too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import mpmath
import sympy as sp
from sympy.core.relational import Relational

from odeanalysis.derivations.antiderivatives import antiderivative
from odeanalysis.derivations.closed_forms import Closed, Equations, closed_form
from odeanalysis.derivations.continuation import divisors, value_at
from odeanalysis.derivations.shrinking import LIMIT, entries
from odeanalysis.errors import DerivationError
from odeanalysis.modeling.model import Model, Problem
from odeanalysis.symbolic.explicit import Entries, explicit, scalar
from odeanalysis.symbolic.formula import like, name_of
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.symbolic.zero import is_zero

PLACES = 32
JUMPING = (Relational, sp.Piecewise, sp.Abs, sp.sign)


@dataclass(frozen=True)
class Solution:
    """A closed form of the initial value problem of a model, checked by substitution.

    states: state -> its entries as expressions in the depth, s0, parameters and inputs.  kinds: the classes used.
    degenerate: what the expressions divide by; where one vanishes they are meant as limits, which `value_at`, `restrict` and `piecewise`
    of `continuation` take.  positive: what must stay positive from s0 on for the solution to exist.
    """

    model: Model
    problem: Problem | None
    sizes: tuple[tuple[Any, int], ...]
    states: tuple[tuple[Leaf, Entries], ...]
    kinds: tuple[str, ...]
    degenerate: tuple[Any, ...]
    positive: tuple[Any, ...]

    def __getitem__(self, state: Leaf) -> Entries:
        return dict(self.states)[state]


def solution(stated: Problem | Model, sizes: Mapping[Any, int] | None = None) -> Solution | None:
    """The closed form of a model, or of a problem's model; None where it is of no class that is known to have one.

    sizes: symbolic size -> integer. Each entry is returned only if z' - f(s, z) and z(s0) - h vanish identically.
    """
    model, problem = (stated.model, stated) if isinstance(stated, Problem) else (stated, None)
    if entries((*model.states, *model.names), sizes) > LIMIT:
        return None
    statement = _Statement(model, dict(sizes or {}))
    if any(field.has(*JUMPING) for field in statement.fields):
        return None
    solved = [(group, closed_form(group)) for group in statement.groups()]
    if any(closed is None or not _holds(group, closed) for group, closed in solved):
        return None
    values = dict(chain.from_iterable(zip(g.states, c.values, strict=True) for g, c in solved if c))
    own = {factor for field in statement.fields for factor in divisors(field, model.depth, *statement.entries)}
    return Solution(
        model,
        problem,
        tuple(statement.sizes.items()),
        tuple((state, statement.of(state).map(values.__getitem__)) for state in model.states),
        tuple(dict.fromkeys(closed.kind for _, closed in solved if closed)),
        tuple(factor for factor in divisors(sp.Tuple(*values.values()), model.depth) if factor not in own),
        tuple(condition for _, closed in solved if closed for condition in closed.positive),
    )


class _Statement:
    """A model entry by entry, as scalars."""

    def __init__(self, model: Model, sizes: dict[Any, int]):
        self.model, self.sizes, self.functions = model, sizes, dict(model.functions)
        self.begin = self.of(model.domain[0]).scalar
        self.entries = self._all(model.states)
        self.fields = self._all(value for _, value in model.field)
        self.initial = self._all((value for _, value in model.initial), {model.depth: scalar(self.begin)})

    def of(self, expression: Any, known: Mapping[Any, Entries] | None = None) -> Entries:
        value = substitute(expression, self.functions) if self.functions else expression
        return explicit(value, self.sizes, known)

    def _all(self, expressions: Iterable[Any], known: Mapping[Any, Entries] | None = None) -> tuple[Any, ...]:
        return tuple(item for expression in expressions for item in self.of(expression, known).items)

    def groups(self) -> list[Equations]:
        """The equations, split into groups that do not depend on each other."""
        owner = list(range(len(self.entries)))
        for i, field in enumerate(self.fields):
            for j in (self.entries.index(symbol) for symbol in field.free_symbols & set(self.entries)):
                owner = [owner[i] if one == owner[j] else one for one in owner]
        members = ([k for k, one in enumerate(owner) if one == group] for group in dict.fromkeys(owner))
        return [self._group(places) for places in members]

    def _group(self, places: list[int]) -> Equations:
        states, fields, initial = (tuple(source[k] for k in places) for source in (self.entries, self.fields, self.initial))
        return Equations(states, fields, initial, self.model.depth, self.begin)


def _holds(equations: Equations, closed: Closed) -> bool:
    """Whether the closed form solves the equations, by substitution."""
    values = dict(zip(equations.states, closed.values, strict=True))
    rows = zip(closed.values, equations.fields, equations.initial, strict=True)
    for value, field, initial in rows:
        slope = sp.diff(value, equations.depth) - field.subs(values, simultaneous=True)
        start = value.subs(equations.depth, equations.begin) - initial
        if not all(is_zero(gap, positive=closed.positive) for gap in (slope, start)):
            return False
    return True


# ---------------------------------------------------------------- loss


def loss(solved: Solution) -> Any:
    """The loss in closed form, L(S, z(S)) + sum_i L_i(s_i, z(s_i)) + int l(s, z(s)) ds, of one sample; None where l has no antiderivative.

    It is an expression in the entries of parameters, inputs and data; `row(name, i)` is row i of observation data.
    Raises DerivationError for the solution of a model without an objective.
    """
    if solved.problem is None:
        raise DerivationError(f"{solved.model.name!r} was solved without an objective; give solution a Problem for its loss")
    objective, (start, end) = solved.problem.objective, solved.model.domain
    running = antiderivative(_at(solved, objective.running, solved.model.depth), solved.model.depth)
    if running is None:
        return None
    depths = [explicit(depth, dict(solved.sizes)).scalar for depth in (start, end)]
    integral = running.subs(solved.model.depth, depths[1]) - running.subs(solved.model.depth, depths[0])
    return sp.Add(integral, _at(solved, objective.terminal, depths[1]), *_observed(solved))


def gradient(solved: Solution, value: Any = None) -> dict[Leaf, Entries]:
    """The partial derivatives of the closed loss (or of `value`) with respect to every parameter and input, entry by entry.

    Raises DerivationError where there is no closed loss.
    """
    value = loss(solved) if value is None else value
    if value is None:
        raise DerivationError(
            f"the running cost of {solved.model.name!r} has no antiderivative that is known here; integrate it numerically"
        )
    leaves = ((name, explicit(name, dict(solved.sizes))) for name in solved.model.names)
    return {name: entries.map(lambda entry: sp.diff(value, entry)) for name, entries in leaves}


def _at(solved: Solution, cost: Any, depth: Any, data: Mapping[Any, Entries] | None = None) -> Any:
    """A cost on the path at a depth."""
    model = solved.model
    functions = dict(model.functions)
    path = {state: values.map(lambda value: value.subs(model.depth, depth)) for state, values in solved.states}
    known = {model.depth: scalar(depth), **path, **dict(data or {})}
    return explicit(substitute(cost, functions) if functions else cost, dict(solved.sizes), known).scalar


def _observed(solved: Solution) -> Iterable[Any]:
    for one in solved.problem.objective.observations if solved.problem else ():
        for i, at in enumerate(one.at):
            depth = explicit(at, dict(solved.sizes)).scalar
            yield _at(solved, one.cost, depth, {name: explicit(row(name, i), dict(solved.sizes)) for name in one.data})


def row(name: Leaf, i: int) -> Leaf:
    """The leaf that stands for row i of observation data in a closed loss."""
    return like(name, f"{name_of(name)}[{i}]")


# ---------------------------------------------------------------- numbers


def evaluate(solved: Solution, expression: Any, values: Mapping[Leaf, Any], digits: int = 30) -> Any:
    """The number that an expression of a closed form takes, also at degenerate parameters.

    values: leaf -> number or nested list, for parameters, inputs, the depth and rows of data (`row`); without the depth the path is
    meant to reach S. Raises DerivationError for a value that is missing, where the solution ends before, and where the closed form has no
    finite real value.
    """
    known: dict[sp.Symbol, Any] = {}
    for leaf, value in values.items():
        known |= zip(explicit(leaf, dict(solved.sizes)).items, _flat(value), strict=True)
    _require_path(solved, known)
    return value_at(expression, known, digits)


def _require_path(solved: Solution, known: dict[sp.Symbol, Any]) -> None:
    """The solution must exist from s0 up to the depth; looked at on a grid."""
    depth, sizes = solved.model.depth, dict(solved.sizes)
    start, end = (value_at(explicit(one, sizes).scalar, known) for one in solved.model.domain)
    last = known.get(depth, end)
    for k in range(PLACES + 1 if solved.positive else 0):
        there = known | {depth: start + (last - start) * k / PLACES}
        if any(value_at(condition, there) <= 0 for condition in solved.positive):
            raise DerivationError(
                f"the solution of {solved.model.name!r} ends before {depth} = {mpmath.nstr(there[depth], 6)} at these values, where "
                "it blows up or leaves the range of its field; evaluate it before that depth"
            )


def _flat(value: Any) -> list[Any]:
    nested = value.tolist() if hasattr(value, "tolist") else value
    return [item for one in nested for item in _flat(one)] if isinstance(nested, (list, tuple)) else [nested]
