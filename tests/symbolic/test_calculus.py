"""Both sweeps against each other, against complex steps, and against themselves one order higher; and these checks can fail."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.calculus.rules import PULLBACKS, PUSHES
from odeanalysis.symbolic.formula import Formula, formula, share
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Array, ArrayScalar
from odeanalysis.targets import emit
from tests.targets.bound import KNOWN, WEIGHTS, bound
from tests.targets.formulas import apply, closed, expressions, formulas, random_values, sizes

TINY = 1e-30
ROUNDING = 1e-9  # relative: two orders of summation, or a complex step, whose error is rounding only
JUMPS = ("sign", "step")
a, b = ex.block("a"), ex.block("b")
u, v, w = ex.block("u", 3), ex.block("v", 3), ex.block("w", 2)
M, N, S, T = ex.block("M", 2, 3), ex.block("N", 3, 2), ex.block("S", 3, 3), ex.block("T", 2, 3, 4)
positive = ex.add(2, fn.tanh(u))

# one formula or more for each class with a rule
EXAMPLES: dict[type, list[Any]] = {
    sp.Add: [a + sp.sin(b) + 2],
    sp.Mul: [3 * a * b * sp.sin(a)],
    sp.Pow: [a**3 / (2 + b), (2 + sp.sin(a)) ** b],
    scalars.where: [fn.where(a < b, a * b, b**2), fn.where(a > b, a * b, b**2)],
    nodes.Plus: [u + a + M, u - v],
    nodes.Times: [a * u * M, u * v / (2 + b)],
    nodes.Power: [positive**3, positive**v, positive**-a, 2**u],
    nodes.Map: [fn.tanh(u), fn.where(u < v, u * v, a * M), fn.where(a < b, M, u)],
    nodes.MatMul: [
        M @ u,
        w @ M,
        M @ N,
        T @ ex.block("Q", 4, 2),
        S @ ex.block("P", 2, 3, 4),
        T @ ex.block("q4", 4),
        u @ T,
        M.T @ w,
        ex.diag(w) @ M @ ex.diag(u),
    ],
    nodes.Outer: [ex.outer(u, w)],
    nodes.Permute: [M.T, ex.permute(T, (1, 2, 0))],
    nodes.Concat: [ex.concat(a, u, 2 * b, w)],
    nodes.Element: [u[0] * M[1, 2] * T[0, 1, -1]],
    nodes.Slice: [u[::-1] * M[0, :] + M[1, 1:2], T[:, ::-2, 1]],
    nodes.Place: [ex.place(u * v, (sp.Integer(1), sp.Tuple(0, 3, 1)), (2, 3)), ex.place(a**2, (sp.Integer(1),), (3,)) * u],
    nodes.Total: [ex.total(u * v), ex.sumsq(M), ex.trace(M @ N)],
    nodes.SumTo: [ex.sum_to(M * u, (3,)), ex.sum_to(T**2, (3, 1)), ex.sum_to(M * M, (2, 1)) * M],
    nodes.Full: [ex.full(a * b, (3,)) @ S],
    nodes.Diag: [ex.diag(u * v) + S],
    nodes.Diagonal: [ex.diag(S * S)],
    nodes.Solve: [ex.solve(S + 5 * ex.eye(3), u * v)],
    nodes.Apply: [KNOWN(u * a, w, WEIGHTS), KNOWN(v, w * w, WEIGHTS) * M + KNOWN(u, w, 2 * WEIGHTS)],
    **{cls: [apply(name, *(a / 3 + b / 7, b * a)[: FUNCTIONS[name].arity])] for cls, name in SCALAR_CLASSES.items()},
}
CONSTANT = {nodes.Block, nodes.Eye}  # leaves, and what no input can move
LAST = {nodes.BatchSum, nodes.BatchTotal}  # the sum over the samples ends a program; its derivative would need their number


# ---------------------------------------------------------------- the checks


def moved(program: Formula, seed: int) -> list[Any]:
    return random_values(program, seed)


def run(program: Formula, values: list[Any]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return [np.asarray(value) for value in bound(program)(*values)]


def by_complex_step(program: Formula, values: list[Any], directions: list[Any]) -> list[np.ndarray]:
    return [np.imag(y) / TINY for y in run(program, [x + 1j * TINY * d for x, d in zip(values, directions, strict=True)])]


def gap(found: list[Any], expected: list[Any]) -> float:
    """The largest difference, relative to the largest entry or to 1."""
    scale = max([1.0, *(np.max(np.abs(one), initial=0.0) for one in expected)])
    gaps = [np.max(np.abs(x - y), initial=0.0) / scale for x, y in zip(found, expected, strict=True)]
    return float(np.max(gaps, initial=0.0))  # NumPy's maximum keeps NaN


def dot(left: list[Any], right: list[Any]) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(left, right, strict=True)))


def forward_gap(program: Formula, seed: int = 0) -> float:
    """How far the forward sweep is from a complex step."""
    values, directions = moved(program, seed), moved(program, seed + 1)
    return gap(run(jvp(program), values + directions), by_complex_step(program, values, directions))


def reverse_gap(program: Formula, seed: int = 0) -> float:
    """How far <v, J u> with J u by a complex step is from <J^T v, u> of the reverse sweep."""
    values, directions = moved(program, seed), moved(program, seed + 1)
    pulled, rng = vjp(program), np.random.default_rng(seed + 2)
    weights = {output: rng.normal(size=sizes(shape)) for output, shape in program.shapes.items()}
    pushed = by_complex_step(program, values, directions)
    forth = [np.sum(weights[output] * tangent) for output, tangent in zip(program.output, pushed, strict=True)]
    back = run(pulled, values + [weights[leaf.name.removeprefix("_bar_")] for leaf in pulled.inputs[len(values) :]])
    scale = max([1.0, *map(abs, forth), *(float(np.sum(np.abs(x * d))) for x, d in zip(back, directions, strict=True))])
    return abs(sum(forth) - dot(back, directions)) / scale


def finite_and_small(value: float) -> bool:
    return bool(np.isfinite(value)) and value < ROUNDING


# ---------------------------------------------------------------- any expression


@given(formulas(), st.integers(0, 1000))
def test_the_forward_sweep_is_the_derivative(program: Formula, seed: int):
    assert finite_and_small(forward_gap(program, seed))


@given(formulas(), st.integers(0, 1000))
def test_the_reverse_sweep_is_its_transpose(program: Formula, seed: int):
    assert finite_and_small(reverse_gap(program, seed))


def gradient(program: Formula) -> Formula:
    """The gradient of a formula with one scalar output."""
    return vjp(program, {output: sp.Integer(1) for output in program.output})


@given(expressions((), 3), st.integers(0, 1000))
def test_second_derivatives_are_symmetric_and_agree(expression: Any, seed: int):
    program = closed(expression)
    first = gradient(program)
    values, one, other = (moved(program, seed + k) for k in range(3))
    names = [leaf.name for leaf in program.inputs]
    twice = vjp(first)
    order = [leaf.name.removeprefix("_bar_") for leaf in twice.inputs[len(values) :]]
    reverse = [run(twice, values + [dict(zip(names, d, strict=True))[name] for name in order]) for d in (one, other)]
    forward = run(jvp(first), values + one)
    scale = max([1.0, *(float(np.sum(np.abs(x * y))) for x, y in zip(reverse[0], other, strict=True))])
    assert abs(dot(reverse[0], other) - dot(reverse[1], one)) < ROUNDING * scale
    assert finite_and_small(gap(forward, reverse[0]))
    assert finite_and_small(gap(forward, by_complex_step(first, values, one)))


# ---------------------------------------------------------------- every rule


def rules() -> set[type]:
    found = {cls for _, cls in inspect.getmembers(nodes, inspect.isclass) if issubclass(cls, (Array, ArrayScalar))}
    return (found - {Array, ArrayScalar} - CONSTANT - LAST) | {sp.Add, sp.Mul, sp.Pow, scalars.where, *SCALAR_CLASSES}


@pytest.mark.parametrize("table", [PULLBACKS, PUSHES], ids=["pullbacks", "pushes"])
def test_every_node_and_function_has_its_rule(table: dict[type, Any]):
    assert set(table) == rules() == set(EXAMPLES)


def test_every_scalar_class_belongs_to_a_function():
    own = {cls for _, cls in inspect.getmembers(scalars, inspect.isclass) if issubclass(cls, scalars.Elementary)}
    assert own - {scalars.Elementary, scalars.where} <= set(SCALAR_CLASSES)
    assert set(SCALAR_CLASSES.values()) == set(FUNCTIONS)


@pytest.mark.parametrize("node", [nodes.BatchSum(u), nodes.BatchTotal(a)], ids=lambda node: type(node).__name__)
@pytest.mark.parametrize("sweep", [vjp, jvp])
def test_a_sum_over_the_batch_is_not_differentiated(sweep: Callable[[Formula], Formula], node: Any):
    with pytest.raises(DerivationError, match=type(node).__name__):
        sweep(closed(node))


def worst(check: Callable[[Formula], float], cls: type) -> float:
    return float(np.max([check(closed(expression)) for expression in EXAMPLES[cls]]))


@pytest.mark.parametrize("cls", EXAMPLES, ids=lambda cls: cls.__name__)
def test_each_rule_is_right(cls: type):
    assert finite_and_small(worst(forward_gap, cls))
    assert finite_and_small(worst(reverse_gap, cls))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_right_on_arrays(name: str):
    program = closed(*(apply(name, *pair[: FUNCTIONS[name].arity]) for pair in ((u, v), (M, u), (u, a))))
    assert finite_and_small(forward_gap(program))
    assert finite_and_small(reverse_gap(program))


def broken_pullback(rule: Any) -> Any:
    """The rule with the wrong sign; one that gives 0 gives the cotangent instead."""

    def pull(node: Any, out: Any, cotangent: Any, i: int) -> Any:
        value = rule(node, out, cotangent, i)
        return cotangent if ex.is_zero(value) else ex.negative(value)

    return pull


def broken_push(rule: Any) -> Any:
    def push(node: Any, out: Any, tangents: list[Any]) -> Any:
        value = rule(node, out, tangents)
        return next(t for t in tangents if t is not None) if ex.is_zero(value) else ex.negative(value)

    return push


@pytest.mark.parametrize("cls", PULLBACKS, ids=lambda cls: cls.__name__)
def test_a_broken_pullback_is_noticed(monkeypatch: pytest.MonkeyPatch, cls: type):
    monkeypatch.setitem(PULLBACKS, cls, broken_pullback(PULLBACKS[cls]))
    assert not finite_and_small(worst(reverse_gap, cls))


@pytest.mark.parametrize("cls", PUSHES, ids=lambda cls: cls.__name__)
def test_a_broken_push_is_noticed(monkeypatch: pytest.MonkeyPatch, cls: type):
    monkeypatch.setitem(PUSHES, cls, broken_push(PUSHES[cls]))
    assert not finite_and_small(worst(forward_gap, cls))


@pytest.mark.parametrize(("name", "place"), [(name, i) for name, f in FUNCTIONS.items() for i in range(f.arity)])
def test_a_broken_derivative_of_a_function_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str, place: int):
    partials = list(FUNCTIONS[name].partials)
    right = partials[place]
    partials[place] = (lambda y, *x: sp.Integer(1)) if name in JUMPS else (lambda y, *x: ex.negative(right(y, *x)))
    program = closed(apply(name, *(u, v)[: FUNCTIONS[name].arity]))
    monkeypatch.setitem(FUNCTIONS, name, replace(FUNCTIONS[name], partials=tuple(partials)))
    assert not finite_and_small(forward_gap(program))
    assert not finite_and_small(reverse_gap(program))


# ---------------------------------------------------------------- branches that are not taken

x, y = ex.block("x"), ex.block("y", 4)
grid, weight = np.array([-1.5, 0.0, 0.5, 2.0]), np.array([0.7, -1.1, 1.3, 0.4])
UNDEFINED: dict[str, Callable[[Any], Any]] = {
    "root": fn.sqrt,
    "log": fn.log,
    "quotient": lambda t: ex.divide(1, t),
    "power": lambda t: ex.power(t, sp.Rational(3, 2)),
    "power of itself": lambda t: ex.power(t, t),
    "inside a product": lambda t: ex.mul(t, fn.log(t), fn.sqrt(t)),
    "inside a function": lambda t: fn.tanh(fn.sqrt(t) + 1),
}
SLOPES = {
    "root": lambda t: (0.5 * t**-0.5, -0.25 * t**-1.5),
    "log": lambda t: (1 / t, -1 / t**2),
    "quotient": lambda t: (-1 / t**2, 2 / t**3),
    "power": lambda t: (1.5 * t**0.5, 0.75 * t**-0.5),
    "power of itself": lambda t: (t**t * (np.log(t) + 1), t**t * ((np.log(t) + 1) ** 2 + 1 / t)),
    "inside a product": lambda t: (t**0.5 * (1.5 * np.log(t) + 1), t**-0.5 * (0.75 * np.log(t) + 2)),
    "inside a function": lambda t: _tanh_of_root(t),
}


def _tanh_of_root(t: Any) -> tuple[Any, Any]:
    root = np.sqrt(t)
    h = np.tanh(root + 1)
    first = (1 - h**2) / (2 * root)
    return first, -2 * h * (1 - h**2) / (4 * t) - (1 - h**2) / (4 * t * root)


def expected_slopes(name: str, place: int) -> np.ndarray:
    """The first or second derivative where the branch is taken; of 2 t**2 elsewhere."""
    taken = grid > 0
    inside = SLOPES[name](np.where(taken, grid, 1.0))[place]
    return np.where(taken, inside, 4 * grid if place == 0 else 4.0)


@pytest.mark.parametrize("order", ["first", "second"])
@pytest.mark.parametrize("name", UNDEFINED)
def test_a_scalar_branch_that_is_undefined_is_cut_off(name: str, order: str):
    program = closed(fn.where(x > 0, UNDEFINED[name](x), 2 * x**2))
    first = gradient(program)
    sweeps = [first] if order == "first" else [gradient(first), jvp(first, {x: sp.Integer(1)})]
    for sweep in sweeps:
        np.testing.assert_allclose(run(sweep, [grid])[0], expected_slopes(name, int(order == "second")), rtol=1e-12)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("name", UNDEFINED)
def test_an_array_branch_that_is_undefined_is_cut_off(name: str, flipped: bool):
    branch, other = UNDEFINED[name](y), 2 * y**2
    chosen = fn.where(y <= 0, other, branch) if flipped else fn.where(y > 0, branch, other)
    first = gradient(closed(ex.total(chosen * ex.block("z_weight", 4))))
    pulled, pushed = vjp(first, {"y": ex.block("_bar_y", 4)}, [y]), jvp(first, {y: ex.block("_dot_y", 4)})
    np.testing.assert_allclose(run(first, [grid, weight])[0], weight * expected_slopes(name, 0), rtol=1e-12)
    for sweep in (pulled, pushed):
        np.testing.assert_allclose(run(sweep, [grid, weight, weight])[0], weight**2 * expected_slopes(name, 1), rtol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_scalar_condition_cuts_off_a_branch_of_any_shape(sign: int):
    branch = fn.tanh(S @ fn.sqrt(u * x) + fn.log(x))
    first = gradient(closed(ex.total(fn.where(x > 0, branch, S @ u * x))))
    values = [abs(value) for value in random_values(first, 0)]
    values[[leaf.name for leaf in first.inputs].index("x")] *= sign
    assert all(np.all(np.isfinite(value)) for value in run(first, values))
    assert all(np.all(np.isfinite(value)) for value in run(jvp(first), values + random_values(first, 1)))


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(("build", "printed"), [(fn.tanh, "np.tanh("), (fn.exp, "np.exp("), (fn.sigmoid, "sigmoid("), (fn.tan, "np.tan(")])
def test_outputs_are_reused(build: Any, printed: str):
    hidden = build(S @ u + v)
    text = emit(vjp(formula("layer", [S, u, v], {"out": S @ hidden})))
    assert text.split("def ")[1].count(printed) == 1


def test_the_derivative_of_a_network_reuses_every_activation():
    hidden = fn.tanh(S @ fn.tanh(S @ u + v) + v)
    program = vjp(formula("network", [S, u, v], {"out": S @ hidden}))
    assert emit(program).count("np.tanh(") == 2


def test_names_of_one_sweep_do_not_clash_with_those_of_the_next():
    program = closed(ex.total(fn.tanh(S @ fn.tanh(S @ u)) * u))
    for _ in range(2):
        program = vjp(program, {"out0": sp.Integer(1)} if len(program.outputs) == 1 else {"u": v}, [u])
        program = share("example", program.inputs, program.lets, {"u": program.output["u"]})
    assert program.shapes == {"u": (3,)}
