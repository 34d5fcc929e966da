"""Closed forms agree with numeric integration, on and near the parameters at which their formulas divide by zero."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import odeanalysis as oda
from odeanalysis.derivations.antiderivatives import antiderivative
from odeanalysis.derivations.continuation import divisors, piecewise, restrict, value_at
from odeanalysis.derivations.solution import Solution, evaluate, gradient, loss, row, solution
from odeanalysis.errors import DerivationError
from odeanalysis.symbolic.explicit import explicit
from odeanalysis.symbolic.zero import is_zero

s = oda.depth
z, y, a, b, c, w, x = (oda.block(name) for name in ("z", "y", "a", "b", "c", "w", "x"))
Z, A, B, X, Q = oda.block("Z", 2), oda.block("A", 2, 2), oda.block("B", 2), oda.block("X", 2), oda.block("Q", 2, 2)
NEAR = 1e-8
TOLERANCE = 1e-10  # of an eighth-order solve with relative tolerance 3e-14 over a unit of depth
Values = dict[Any, Any]


class Model(NamedTuple):
    """A problem, the class of its closed form, and values: at least one generic, then degenerate ones."""

    problem: Any
    kind: str
    values: tuple[Values, ...]


def problem(field: Any, initial: Any, terminal: Any = 0, running: Any = 0, domain: Any = (0, 1), observations: Any = ()) -> Any:
    model = oda.Model(field=field, initial=initial, domain=domain, parameters=[a, b, c, w, A, B], inputs=[x, X])
    return oda.Problem(model, oda.Objective(terminal, running, observations))


GENERIC: Values = {a: 0.7, b: -0.4, c: 1.3, w: 2.1, x: 0.6, A: [[0.3, -1.2], [0.8, 0.5]], B: [0.4, -0.9], X: [1.1, -0.3]}


def at(**changes: Any) -> Values:
    names = {"a": a, "b": b, "c": c, "w": w, "x": x, "A": A, "B": B, "X": X}
    return GENERIC | {names[key]: value for key, value in changes.items()}


def matrices(*changes: Any) -> tuple[Values, ...]:
    return tuple(at(A=change) for change in changes)


DOUBLE, ZERO, TURN, REAL = [[0.5, 0], [1, 0.5]], [[0, 0], [0, 0]], [[0.1, 2], [-2, 0.1]], [[1, 0.2], [0.3, -1]]
SINGULAR = [[1, 2], [0.5, 1]]

MODELS: dict[str, Model] = {
    "growth": Model(problem({z: a * z}, {z: x}, running=z**2), "affine", (at(), at(a=0))),
    "cost with the parameter": Model(problem({z: a * z}, {z: x}, running=a**2 * z**2), "affine", (at(), at(a=0))),
    "reflection": Model(problem({z: -a * (z + x)}, {z: x}, (z + x) ** 2, z**2), "affine", (at(), at(a=0), at(a=math.log(2)))),
    "decay chain": Model(problem({z: -a * z, y: a * z - b * y}, {z: x, y: 0}, y**2, y), "affine", (at(), at(b=0.7), at(a=0, b=0))),
    "oscillator": Model(problem({z: y, y: -(w**2) * z}, {z: x, y: 1}, z, z**2 + y**2), "affine", (at(), at(w=0))),
    "damped": Model(problem({z: y, y: -z - 2 * a * y}, {z: x, y: 0}, z * y), "affine", (at(), at(a=1), at(a=2))),
    "matrix": Model(problem({Z: A @ Z + B}, {Z: X}, oda.sumsq(Z), Z[0]), "affine", (at(), *matrices(DOUBLE, ZERO, TURN, REAL, SINGULAR))),
    "matrix state": Model(problem({Q: A @ Q}, {Q: oda.outer(X, X)}, oda.trace(Q)), "affine", (at(), *matrices(DOUBLE, ZERO, TURN))),
    "forced": Model(problem({z: -a * z + sp.cos(w * s) + s**2}, {z: x}, z**2, z), "affine", (at(), at(a=0), at(w=0), at(a=0, w=0))),
    "resonance": Model(
        problem({z: -a * z + sp.exp(-b * s)}, {z: x}, z**2, z, (c, 2)), "affine", (at(), at(b=0.7), at(a=0, b=0), at(c=2), at(c=3))
    ),
    "polynomial": Model(problem({z: a * s**3 + 1}, {z: x + s}, z**2, z * s, (-1, w * x)), "affine", (at(), at(w=0), at(w=-4))),
    "network without activation": Model(problem({Z: oda.outer(B, B) @ Z}, {Z: X}, oda.sumsq(Z)), "affine", (at(), at(B=[0, 0]))),
    "depth-varying rate": Model(problem({z: a * sp.cos(s) * z}, {z: x}, z**2), "linear", (at(), at(a=0))),
    "depth-varying, towards 1": Model(problem({z: a * s**2 * (z - 1)}, {z: x}, z**2), "linear", (at(), at(a=0))),
    "power of depth": Model(problem({z: a * z / (1 + s) + 1}, {z: x}, z**2, z), "linear", (at(), at(a=1), at(a=-1), at(a=0))),
    "logistic": Model(problem({z: a * z * (1 - z / c)}, {z: x}, z**2, z), "separable", (at(), at(a=0), at(x=0), at(x=1.3))),
    "Riccati": Model(
        problem({z: a * z**2 + b * z - c}, {z: x}, z**2), "separable", (at(), at(a=0), at(a=0.5, b=1, c=-0.5), at(a=0, b=0), at(c=-0.9))
    ),
    "tangent": Model(problem({z: w / 4 * (1 + z**2)}, {z: x}, z), "separable", (at(), at(w=0))),
    "square": Model(problem({z: z**2}, {z: x}, z**2, z), "separable", (at(), at(x=-0.8))),
    "power": Model(problem({z: -c * z**w}, {z: x}, z**2), "separable", (at(), at(w=1), at(w=0, c=0.4), at(w=2), at(c=0))),
    "pitchfork": Model(problem({z: a * z - z**3}, {z: x}, z**2, z**2), "separable", (at(), at(a=0), at(a=-0.7), at(x=-0.6))),
    "shifted power": Model(problem({z: a * s * (2 * z + c) ** 3}, {z: -x}, z), "separable", (at(), at(a=0))),
    "emptying": Model(problem({z: -a * oda.sqrt(z) * s}, {z: x}, z**2, z), "separable", (at(), at(a=0))),
    "exponential": Model(problem({z: -c * oda.exp(a * z)}, {z: x}, z**2), "separable", (at(), at(a=0), at(c=0))),
    "groups": Model(
        problem({z: a * z, y: y * (1 - y), Z: A @ Z}, {z: x, y: 0.2, Z: X}, z * y * Z[1]), "affine", (at(), *matrices(DOUBLE, TURN))
    ),
}
POINTS = [(name, i) for name, model in MODELS.items() for i in range(len(model.values))]


@cache
def solved(name: str) -> Solution:
    found = solution(MODELS[name].problem)
    assert found is not None
    return found


@cache
def closed_loss(name: str) -> Any:
    found = loss(solved(name))
    assert found is not None
    return found


@cache
def closed_gradient(name: str) -> Any:
    return gradient(solved(name), closed_loss(name))


def entries_of(values: Values) -> dict[Any, Any]:
    """The numbers of all entries of the values."""
    return {entry: item for leaf, value in values.items() for entry, item in zip(explicit(leaf).items, np.ravel(value), strict=True)}


def numerically(stated: Any, values: Values) -> tuple[Any, float]:
    """The final state, entry by entry, and the loss, by SciPy on the stated expressions."""
    model, objective = stated.model, stated.objective
    point = entries_of(values)
    entries = [item for state in model.states for item in explicit(state).items]
    fields = [item.subs(point) for _, field in model.field for item in explicit(field).items]
    slope = sp.lambdify([s, entries], [*fields, explicit(objective.running).scalar.subs(point)])
    begin, end = (float(sp.sympify(depth).subs(point)) for depth in model.domain)
    start = [float(sp.sympify(item).subs(s, begin).subs(point)) for _, h in model.initial for item in explicit(h).items]
    options: Any = {"method": "DOP853", "rtol": 3e-14, "atol": 1e-14}
    last = np.array([*start, 0.0])
    if begin != end:
        last = solve_ivp(lambda depth, state: slope(depth, state[:-1]), (begin, end), [*start, 0.0], **options).y[:, -1]
    at_end = {**point, **dict(zip(entries, last, strict=False)), s: end}
    return last[:-1], float(explicit(objective.terminal).scalar.subs(at_end)) + last[-1]


def final(found: Solution, values: Values) -> list[float]:
    end = explicit(found.model.domain[1]).scalar
    return [float(evaluate(found, item.subs(s, end), values)) for _, entries in found.states for item in entries.items]


def near(values: Values) -> Values:
    """The values, moved by a little."""
    return {leaf: np.asarray(value) + NEAR * (1 + i) for i, (leaf, value) in enumerate(values.items())}


@pytest.mark.parametrize("name", MODELS)
def test_each_model_has_a_closed_form_of_its_class(name: str):
    assert MODELS[name].kind in solved(name).kinds


@pytest.mark.parametrize("move", [lambda values: values, near], ids=["on", "near"])
@pytest.mark.parametrize(("name", "i"), POINTS)
def test_states_and_losses_agree_with_integration(name: str, i: int, move: Callable[[Values], Values]):
    model, found = MODELS[name], solved(name)
    values = move(model.values[i])
    state, value = numerically(model.problem, values)
    np.testing.assert_allclose(final(found, values), state, rtol=TOLERANCE, atol=TOLERANCE)
    closed = closed_loss(name)
    assert float(evaluate(found, closed, values)) == pytest.approx(value, rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize(("name", "i"), POINTS)
def test_gradients_are_differences_of_losses(name: str, i: int):
    """Differences in a hundred digits with a step of 1e-30 have an error near 1e-60, also where the formula divides by zero."""
    found, values = solved(name), MODELS[name].values[i]
    for leaf, entries in closed_gradient(name).items():
        k = len(entries.items) - 1
        moved = [value_at(closed_loss(name), entries_of(values | {leaf: shifted(values[leaf], k, step)}), 100) for step in (1, -1)]
        with mpmath.workdps(100):
            expected = (moved[0] - moved[1]) / (2 * mpmath.mpf(10) ** -30)
        assert abs(evaluate(found, entries.items[k], values) - expected) <= 1e-25 * (1 + abs(expected)), leaf


def shifted(value: Any, k: int, sign: int) -> list[Any]:
    flat = [sp.Rational(float(item)) for item in np.ravel(value)]
    return [item + (sign * sp.Rational(1, 10**30) if i == k else 0) for i, item in enumerate(flat)]


# ---------------------------------------------------------------- known closed forms

S = sp.Rational(3, 2)
THEOREMS: dict[str, tuple[Any, Any]] = {
    "z^2": (z**2, x**2 * (sp.exp(2 * a * S) - 1) / (2 * a)),
    "a^2 z^2": (a**2 * z**2, a * x**2 * (sp.exp(2 * a * S) - 1) / 2),
}


@pytest.mark.parametrize("name", THEOREMS)
def test_the_closed_losses_of_growth(name: str):
    running, expected = THEOREMS[name]
    found = solution(problem({z: a * z}, {z: x}, running=running, domain=(0, S)))
    assert found is not None
    assert found[z].scalar == x * sp.exp(a * s)
    assert is_zero(loss(found) - expected) and is_zero(gradient(found)[a].scalar - sp.diff(expected, a))


def test_the_closed_form_of_the_reflection():
    found = solved("reflection")
    assert is_zero(found[z].scalar - (2 * sp.exp(-a * s) - 1) * x)
    assert found[z].scalar.subs({s: 1, a: sp.log(2)}) == 0


def test_observations_count_in_the_closed_loss():
    seen = oda.block("seen")
    observed = oda.Observation([0, w, 1], b * (z - seen) ** 2, [seen])
    found = solution(problem({z: a * z}, {z: x}, observations=[observed]))
    assert found is not None
    path = x * sp.exp(a * s)
    expected = sum(b * (path.subs(s, depth) - explicit(row(seen, i)).scalar) ** 2 for i, depth in enumerate((0, w, 1)))
    assert is_zero(loss(found) - expected)
    assert is_zero(gradient(found)[w].scalar - sp.diff(expected, w))


def test_functions_of_depth_are_put_in_their_places():
    k = oda.block("k")
    model = oda.Model(field={z: k * z}, initial={z: x * k}, domain=(0, 1), parameters=[a, b], inputs=[x], functions={k: a + b * s})
    found = solution(oda.Problem(model, oda.Objective(terminal=k * z)))
    assert found is not None
    assert is_zero(loss(found) - (a + b) * a * x * sp.exp(a + b / 2))


def test_symbolic_sizes_are_given():
    n = sp.Symbol("n", integer=True)
    state, start = oda.block("z", n), oda.block("x", n)
    model = oda.Model(field={state: a * state}, initial={state: start}, domain=(0, 1), parameters=[a], inputs=[start])
    found = solution(model, {n: 2})
    assert found is not None
    assert found[state].items == tuple(item * sp.exp(a * s) for item in explicit(start, {n: 2}).items)
    with pytest.raises(DerivationError, match="size n"):
        solution(model)


# ---------------------------------------------------------------- what has none, and what ends

third = oda.block("third")
UNKNOWN: dict[str, Any] = {
    "activation": problem({z: oda.tanh(a * z + b)}, {z: x}),
    "predator and prey": problem({z: z - z * y, y: z * y - y}, {z: x, y: 1}),
    "depth and state together": problem({z: oda.sin(z + s)}, {z: x}),
    "cubic characteristic": problem({z: y, y: third, third: a * z + b * y - c * third}, {z: x, y: 0, third: 1}),
    "switch": problem({z: oda.where(s < c, z, -z)}, {z: x}),
    "modulus": problem({z: oda.abs(z)}, {z: x}),
    "no elementary integral": problem({z: sp.exp(s**2) * z + sp.cos(s)}, {z: x}),
    "gelu network": problem({Z: A @ oda.gelu(A @ oda.gelu(A @ Z + B) + B)}, {Z: X}),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_of_no_class_has_no_closed_form(name: str):
    assert solution(UNKNOWN[name]) is None


def test_large_models_are_not_written_out():
    W, state = oda.block("W", 512, 512), oda.block("z", 512)
    model = oda.Model(field={state: W @ state}, initial={state: oda.ones(512)}, domain=(0, 1), parameters=[W])
    assert solution(model) is None


def test_a_running_cost_without_antiderivative_gives_no_loss():
    found = solution(problem({z: a * z}, {z: x}, running=oda.tanh(z)))
    assert found is not None
    assert loss(found) is None
    with pytest.raises(DerivationError, match="no antiderivative"):
        gradient(found)


def test_a_model_alone_has_no_loss():
    found = solution(problem({z: a * z}, {z: x}).model)
    assert found is not None
    with pytest.raises(DerivationError, match="without an objective"):
        loss(found)


ENDING: dict[str, tuple[str, Values]] = {
    "blow-up": ("square", at(x=1.25)),
    "past a pole": ("tangent", at(w=8)),
    "logistic of a negative start": ("logistic", at(x=-4, a=3)),
    "empty": ("emptying", at(a=9)),
}


@pytest.mark.parametrize("name", ENDING)
def test_a_solution_that_ends_before_is_refused(name: str):
    model, values = ENDING[name]
    found = solved(model)
    with pytest.raises(DerivationError, match="ends before s"):
        evaluate(found, loss(found), values)
    assert np.isfinite(float(evaluate(found, found[z].scalar, values | {s: 0.01})))


def test_values_that_are_missing_are_named():
    found = solved("growth")
    with pytest.raises(DerivationError, match="value for x"):
        evaluate(found, loss(found), {a: 1})


# ---------------------------------------------------------------- limits


def test_divisors_name_what_may_vanish():
    assert solved("decay chain").degenerate in ((a - b,), (b - a,))
    assert solved("growth").degenerate == ()
    assert set(divisors(loss(solved("growth")))) == {a}
    assert solved("logistic").degenerate == ()
    assert divisors(1 / (a * s + 1) + 1 / (2 * a - 2 * b) ** 2, s) in ((a - b,), (b - a,))


LIMITS: dict[str, tuple[Any, Values, Any]] = {
    "first order": ((sp.exp(a) - sp.exp(b)) / (a - b), {a: b}, sp.exp(b)),
    "second order": ((sp.exp(a) - 1 - a) / a**2, {a: 0}, sp.Rational(1, 2)),
    "two at once": ((sp.exp(a + b) - 1) / (a + b), {a: 0, b: 0}, 1),
    "nothing vanishes": (x / a, {a: 2}, x / 2),
}


@pytest.mark.parametrize("name", LIMITS)
def test_restrictions_are_limits(name: str):
    expression, values, expected = LIMITS[name]
    assert is_zero(restrict(expression, values) - expected)


def test_a_pole_has_no_limit():
    with pytest.raises(DerivationError, match="no limit"):
        restrict(1 / a, {a: 0})
    for pole in (1 / a, b / a**2):
        with pytest.raises(DerivationError, match="no finite real value"):
            value_at(pole, {a: 0, b: 1})
    with pytest.raises(DerivationError, match="no finite real value at a = -1"):
        value_at(sp.log(a), {a: -1})


@pytest.mark.parametrize("name", ["growth", "decay chain", "forced", "power of depth", "exponential"])
def test_cases_give_the_value_at_every_parameter(name: str):
    found = solved(name)
    state = found.model.states[-1]
    cases = piecewise(found[state].scalar, found.degenerate)
    for values in MODELS[name].values:
        exact = {e: sp.Rational(v) for leaf, value in values.items() for e, v in zip(explicit(leaf).items, np.ravel(value), strict=True)}
        expected = evaluate(found, found[state].scalar, values | {s: 0.7})
        assert abs(sp.N(cases.subs(exact).subs(s, sp.Rational(0.7)), 30) - sp.Float(expected, 30)) < 1e-25


@pytest.mark.parametrize(
    "integrand",
    [
        s**2 * sp.exp(a * s),
        sp.cos(w * s) ** 2,
        s * sp.exp(a * s) * sp.sin(w * s),
        1 / (1 + x * sp.exp(a * s)),
        s**a,
        sp.tanh(s),
        x / (a + s),
    ],
    ids=str,
)
def test_antiderivatives_have_the_right_derivative(integrand: Any):
    found = antiderivative(integrand, s)
    assert found is not None and is_zero(sp.diff(found, s) - integrand)


def test_what_has_no_elementary_antiderivative_has_none():
    assert antiderivative(sp.exp(s**2), s) is None
    assert antiderivative(sp.exp(sp.sin(s)), s) is None
