"""Parameters as functions of depth: drawn problems whose `p` is spectral or piecewise constant, and variations v(s) to test it with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.bases import Basis, Chebyshev, Dilated, Fourier, Hat, Legendre, Monomial, Radial
from odeanalysis.modeling.model import Observation, Problem
from odeanalysis.modeling.transforms import galerkin, stacked
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import where
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.verification.strategies.problems import Drawn, P, Q, problems, small_problems

s = ex.depth
HALF = sp.Rational(1, 2)
EPS = ex.block("eps")
# orthogonal or not, smooth or not, and two that learn how they lie
BASES: tuple[Basis, ...] = (
    *(Fourier(3, 1), Legendre(3), Monomial(3), Chebyshev(3), Hat((0, HALF, 1)), Radial((0, 1), HALF)),
    *(Fourier(3, 1 + Q**2), Dilated(Legendre(3, (0, 1)), 1 + Q**2, Q / 3)),
)
NODES = ((0, sp.Rational(2, 5), 1), (-1, sp.Rational(1, 4), sp.Rational(3, 5), 2), (0, HALF + Q / 10, 1))


@dataclass(frozen=True)
class Variation:
    """A function v of depth: as an expression, and on arrays; where it jumps."""

    title: str
    expression: Any
    function: Callable[[np.ndarray], np.ndarray]
    jumps: tuple[float, ...] = ()


VARIATIONS = (
    Variation("1", sp.Integer(1), np.ones_like),
    Variation("s^2 - s", s**2 - s, lambda x: x**2 - x),
    Variation("cos 2 pi s", sp.cos(2 * sp.pi * s), lambda x: np.cos(2 * np.pi * x)),
    Variation("sin 9 s", sp.sin(9 * s), lambda x: np.sin(9 * x)),
    Variation("1 before 2/5, else -2", where(s < sp.Rational(2, 5), 1, -2), lambda x: np.where(x < 0.4, 1.0, -2.0), (0.4,)),
)

# functions that are no constant, the simplest first
FUNCTIONS = (s, s**2 - 1, sp.cos(2 * sp.pi * s), where(s < HALF, 1, -1))


def spectral() -> st.SearchStrategy[Drawn]:
    """Problems in which p is a sum of functions of a basis."""
    return st.tuples(problems(), st.sampled_from(BASES), st.integers(0, 2**16)).map(_spectral)


def _spectral(drawn: tuple[Drawn, Basis, int]) -> Drawn:
    one, basis, seed = drawn
    return _with_values(one, galerkin(one.problem.model, {P.name: basis}), basis.terms, seed)


def piecewise() -> st.SearchStrategy[Drawn]:
    """Problems in which p is constant between nodes, which may lie outside the domain, or move with q."""
    return st.tuples(problems(), st.sampled_from(NODES), st.integers(0, 2**16)).map(_piecewise)


def _piecewise(drawn: tuple[Drawn, tuple[Any, ...], int]) -> Drawn:
    one, nodes, seed = drawn
    return _with_values(one, stacked(one.problem.model, [P.name], nodes), len(nodes) - 1, seed)


def _with_values(one: Drawn, model: Any, terms: int, seed: int) -> Drawn:
    """The problem with another model, stated anew so that its costs see the function, and coefficients of about the size of p."""
    objective = one.problem.objective
    coefficients = np.random.default_rng(seed).uniform(-0.7, 0.7, terms)
    return Drawn(Problem(model, objective, one.problem.reduction), {**one.values, P.name: coefficients})


def small_spectral() -> st.SearchStrategy[Drawn]:
    """The smallest problems with p = p_0 + p_1 s, at a constant: where counterexamples are shrunk."""
    return small_problems().map(lambda one: _constant(one, galerkin(one.problem.model, {P.name: Monomial(2)}), (1.0, 0.0)))


def small_piecewise() -> st.SearchStrategy[Drawn]:
    """The smallest problems with p constant on each half, at a constant."""
    return small_problems().map(lambda one: _constant(one, stacked(one.problem.model, [P.name], (0, HALF, 1)), (1.0, 1.0)))


def small_functions() -> st.SearchStrategy[Drawn]:
    """The smallest problems whose p is a function of depth, moved by a constant eps = 0: the derivative in eps is D ell[1]."""
    return st.tuples(small_problems(), st.sampled_from(FUNCTIONS)).map(_function)


def _function(drawn: tuple[Drawn, Any]) -> Drawn:
    one, function = drawn
    model = one.problem.model.with_(parameters=(EPS,), functions={P: function + EPS})
    return Drawn(Problem(model, one.problem.objective), {EPS.name: 0.0})


def _constant(one: Drawn, model: Any, coefficients: tuple[float, ...]) -> Drawn:
    problem = Problem(model, one.problem.objective, one.problem.reduction)
    return Drawn(problem, {**one.values, P.name: one.values[P.name] * np.array(coefficients)})


def varied(one: Drawn, variation: Variation) -> Drawn:
    """The problem with p + eps v(s) in the place of p, everywhere, at eps = 0: its derivative in eps is D ell[v]."""
    moved = P + EPS * variation.expression
    model, objective = one.problem.model, one.problem.objective

    def at(expression: Any) -> Any:
        return substitute(expression, {P: moved})

    grown = model.with_(
        field=[(z, at(f)) for z, f in model.field],
        initial=[(z, at(h)) for z, h in model.initial],
        parameters=(*model.parameters, EPS),
    )
    observed = tuple(Observation(seen.at, at(seen.cost), seen.data) for seen in objective.observations)
    costs = replace(objective, terminal=at(objective.terminal), running=at(objective.running), observations=observed)
    return Drawn(replace(one.problem, model=grown, objective=costs), {**one.values, EPS.name: 0.0})
