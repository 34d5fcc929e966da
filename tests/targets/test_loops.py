"""Formulas as loops: the text, run as plain Python, means what the formula says; a few texts are compiled, for both kinds of number."""

import math
import threading
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy.core.symbol import Str

from odeanalysis.derivations.step import attempt_vjp
from odeanalysis.errors import TargetError
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.gradients.program import stated, still
from odeanalysis.numerics.gradients.program import summed as summed_over
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.formula import Formula, name_of
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.tableaus import METHODS
from odeanalysis.targets.callables import compile_numpy
from odeanalysis.targets.loops.callables import CHUNK, Arena, Loops
from odeanalysis.targets.loops.entries import RULES as ENTRIES
from odeanalysis.targets.loops.functions import functions
from odeanalysis.targets.loops.program import program
from odeanalysis.targets.loops.wholes import RULES as WHOLES
from tests.cases import CASES
from tests.targets.formulas import closed, formulas, random_values, sizes
from tests.targets.reference import FUNCTIONS, run_batched
from tests.targets.test_batch_sums import matrices, summed
from tests.targets.test_batching import assert_agree
from tests.targets.test_vocabulary import NODES, SCALARS, Unknown, u

BATCH = 3
WORDS = {
    **{name: lambda *x, f=f: float(f(*x)) for name, f in FUNCTIONS.items()},
    "sign": lambda x: float(np.sign(x)),
    **{f"power{n}": lambda x, n=n: x**n for n in range(2, 33)},
    "sqrt": math.sqrt,
    "rows_times": lambda rows, matrix: rows @ matrix,
    "outer_sum": lambda left, right: left.T @ right,
    "solution": np.linalg.solve,
}


def run_as_python(formula: Formula, values: list[np.ndarray]) -> list[np.ndarray]:
    """What the text gives without Numba, entry by entry."""
    batched = [name_of(leaf) for leaf, value in zip(formula.inputs, values, strict=True) if value.ndim > len(shape_of(leaf))]
    written = program(formula, frozenset(batched))
    namespace: dict[str, Any] = {"np": np, "real": np.float64, **WORDS}
    exec(written.constants + written.definition, namespace)
    with np.errstate(all="ignore"):
        return list(map(np.asarray, namespace[written.name](*values)))


@st.composite
def one_batch_axis(draw: Any, formula: Formula) -> list[np.ndarray]:
    """Values of which some have a batch axis."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [rng.uniform(-1.5, 1.5, ((BATCH,) if draw(st.booleans()) else ()) + sizes(shape_of(one))) for one in formula.inputs]


def axes(formula: Formula, values: list[np.ndarray]) -> tuple[int, ...]:
    return (BATCH,) if any(value.ndim > len(shape_of(leaf)) for leaf, value in zip(formula.inputs, values, strict=True)) else ()


# ---------------------------------------------------------------- meaning


@pytest.mark.parametrize("cls", [*NODES, *SCALARS], ids=lambda cls: cls.__name__)
def test_each_class_has_a_rule(cls: type):
    assert cls in ENTRIES or cls in WHOLES or cls in (nodes.Block, *(c for c in SCALARS if c not in ENTRIES and c.__name__ == "Rational"))


@pytest.mark.parametrize("examples", [*NODES.values(), *SCALARS.values()], ids=[cls.__name__ for cls in (*NODES, *SCALARS)])
@given(st.data())
def test_each_node_means_what_it_says(examples: list[Any], data: Any):
    formula = closed(data.draw(st.sampled_from(examples)))
    values = data.draw(one_batch_axis(formula))
    over_samples = any(isinstance(value, (nodes.BatchSum, nodes.BatchTotal)) for _, value in formula.outputs)
    batch = () if over_samples else axes(formula, values)
    expected = compile_numpy(formula)(*values) if over_samples else run_batched(formula, batch, values)
    assert_agree(run_as_python(formula, values), list(map(np.asarray, expected)), batch)


@given(st.data())
def test_a_formula_means_what_it_says(data: Any):
    formula = data.draw(formulas(depth=2))
    values = data.draw(one_batch_axis(formula))
    with np.errstate(all="ignore"):
        assert_agree(run_as_python(formula, values), run_batched(formula, axes(formula, values), values), axes(formula, values))


@given(st.data())
def test_sums_over_the_batch_are_those_of_numpy(data: Any):
    formula = closed(*(summed(data.draw(matrices())) for _ in range(2)))
    values = data.draw(one_batch_axis(formula))
    with np.errstate(all="ignore"):
        expected = compile_numpy(formula)(*values)
    assume(all(np.isfinite(one).all() for one in expected))
    for found, wanted in zip(run_as_python(formula, values), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11 * max(1.0, np.abs(wanted).max(initial=0.0)))


@pytest.mark.parametrize("name", [name for name in CASES if name != "symbolic_sizes"])
def test_steps_of_every_case_and_their_adjoints_are_those_of_numpy(name: str):
    problem = CASES[name].problem()
    parts = stated(problem)
    shared = {leaf.name for leaf in problem.model.names} - bind(problem, CASES[name].values()).batched
    early, late = attempt_vjp(parts, METHODS["heun2"], still(parts))
    outputs = {name.removeprefix("_bar_"): value for name, value in late.outputs}
    late = summed_over(Formula(late.name, late.inputs, late.lets, tuple(outputs.items())), frozenset(shared))
    rng, known = np.random.default_rng(1), {}
    for formula in (early, late):
        for leaf in formula.inputs:
            batch = () if name_of(leaf) in shared else (BATCH,)
            known.setdefault(name_of(leaf), rng.uniform(0.2, 1.2, batch + sizes(shape_of(leaf))))
        values = [known[name_of(leaf)] for leaf in formula.inputs]
        with np.errstate(all="ignore"):
            expected = compile_numpy(formula)(*values)
        for (output, _), found, wanted in zip(formula.outputs, run_as_python(formula, values), expected, strict=True):
            known[output] = np.asarray(wanted, float)
            scale = max(1.0, np.nanmax(np.abs(known[output]), initial=0.0))
            np.testing.assert_allclose(np.broadcast_to(found, np.shape(wanted)), known[output], rtol=0, atol=1e-10 * scale)


def test_the_same_formula_always_has_the_same_text():
    formula = closed(*(expression for examples in NODES.values() for expression in examples))
    assert program(formula, frozenset("u")).text == program(formula, frozenset("u")).text


def test_values_of_one_loop_are_computed_in_one_loop():
    x, y = ex.block("x", 4), ex.block("y", 4)
    text = program(closed(x + y, x * y, x - y), frozenset("xy")).definition
    assert text.count("for _b in") == 1


def test_what_is_read_elsewhere_than_it_was_just_written_waits_for_its_loop():
    x, y = ex.block("x", 4), ex.block("_y", 4)
    formula = Formula("example", (x,), ((y, 2 * x),), (("same", y + x), ("reversed", y[::-1] + x), ("one", ex.full(y[3], (4,)) + x)))
    value = np.arange(12.0).reshape(3, 4)
    same, turned, one = run_as_python(formula, [value])
    np.testing.assert_array_equal(same, 3 * value)
    np.testing.assert_array_equal(turned, 2 * value[:, ::-1] + value)
    np.testing.assert_array_equal(one, 2 * value[:, 3:] + value)


# ---------------------------------------------------------------- compiled


@cache
def everything() -> Formula:
    """One example of every node, and every function on vectors."""
    return closed(*(examples[0] for examples in (*NODES.values(), *SCALARS.values())))


@pytest.mark.parametrize(("kind", "rounding"), [("float64", 1e-13), ("float32", 1e-5)])
def test_compiled_loops_are_what_numpy_gives(kind: str, rounding: float):
    formula = everything()
    rng = np.random.default_rng(5)
    values = [rng.uniform(-1.2, 1.2, ((BATCH,) if i % 2 else ()) + sizes(shape_of(one))) for i, one in enumerate(formula.inputs)]
    loops = Loops(formula)
    found = loops(*(np.array(value, kind) for value in values))
    for one, wanted in zip(found, compile_numpy(formula)(*values), strict=True):
        assert one.dtype == kind
        scale = max(1.0, np.abs(wanted).max(initial=0.0))
        np.testing.assert_allclose(np.broadcast_to(one, np.shape(wanted)), wanted, rtol=0, atol=rounding * scale)
    assert "@njit" in loops.texts[0]


UNITS = 4  # units in the last place


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid"])
def test_functions_are_right_to_a_few_units(name: str, kind: str):
    (function,) = functions(kind, name)
    exact = {"exp": mpmath.exp, "tanh": mpmath.tanh, "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x))}[name]
    rng = np.random.default_rng(1)
    for x in np.concatenate([rng.normal(size=200) * scale for scale in (1e-6, 0.1, 1, 10, 60)]).astype(kind):
        right = exact(mpmath.mpf(float(x)))
        if not np.finfo(kind).tiny <= abs(right) <= np.finfo(kind).max:
            continue  # beyond these numbers, or where the last digits are lost one by one
        unit = float(np.spacing(np.abs(np.dtype(kind).type(float(right)))))
        assert abs(function(x) - right) <= UNITS * unit, x


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_functions_at_the_ends_of_the_numbers(kind: str):
    one: Any = np.dtype(kind).type
    exp, tanh, sigmoid, relu, sign, maximum, minimum = functions(kind, "exp", "tanh", "sigmoid", "relu", "sign", "maximum", "minimum")
    assert [exp(one(x)) for x in (-np.inf, -1e4, 0, 1e4, np.inf)] == [0, 0, 1, np.inf, np.inf]
    assert [tanh(one(x)) for x in (-np.inf, -1e4, 0, 1e4, np.inf)] == [-1, -1, 0, 1, 1]
    assert [sigmoid(one(x)) for x in (-np.inf, -1e4, 0, 1e4, np.inf)] == [0, 0, 0.5, 1, 1]
    assert np.signbit(tanh(one(-0.0))) and abs(tanh(one(37.0))) <= 1
    for function in (exp, tanh, sigmoid, relu, sign):
        assert np.isnan(function(one(np.nan)))
    assert np.isnan(
        [maximum(one(np.nan), one(1)), maximum(one(1), one(np.nan)), minimum(one(np.nan), one(1)), minimum(one(1), one(np.nan))]
    ).all()


# ---------------------------------------------------------------- memory


def test_long_lived_arrays_do_not_overlap_and_their_memory_is_used_again():
    arena, kind = Arena(), np.dtype("float32")
    kept = [arena.empty((100, 1000), kind) for _ in range(40)]
    for k, one in enumerate(kept):
        one.fill(k)
    assert all((one == k).all() for k, one in enumerate(kept))
    pieces = len(arena.chunks)
    assert pieces == math.ceil(40 * 400_000 / CHUNK) or pieces == math.ceil(40 / (CHUNK // 400_000))
    survivor = kept[0]
    del kept, one
    again = [arena.empty((100, 1000), kind) for _ in range(30)]
    for other in again:
        other.fill(-1)
    assert (survivor == 0).all() and len(arena.chunks) == pieces


def test_threads_have_memory_of_their_own():
    arena, found = Arena(), []
    ours = arena.empty((10,), np.dtype("float64"))
    other = threading.Thread(target=lambda: found.append(arena.empty((10,), np.dtype("float64"))))
    other.start()
    other.join()
    assert not np.shares_memory(ours.base, found[0].base)


def test_what_is_kept_is_given_to_the_function_to_fill():
    x, y = ex.block("x", 4), ex.block("y", 4)
    formula = closed(x + y, x * y, ex.total(x))
    written = program(formula, frozenset("x"), kept=frozenset({"out0", "out2"}))
    assert [(one.batched, one.shape) for one in written.filled] == [(True, (4,)), (True, ())]
    loops, plain = Loops(formula, ("out0", "out2")), Loops(formula)
    values = random_values(formula, 0)
    values[0] = np.stack([values[0], 2 * values[0]])
    for one, other in zip(loops(*values), plain(*values), strict=True):
        np.testing.assert_array_equal(one, other)


# ---------------------------------------------------------------- refusals


def test_what_does_not_fit_is_refused():
    x, y = ex.block("x", 2), ex.block("y", 2)
    loops = Loops(closed(x + y))
    with pytest.raises(TargetError, match=r"one batch axis .* x \(4, 3, 2\)"):
        loops(np.ones((4, 3, 2)), np.ones(2))
    with pytest.raises(TargetError, match="float32, float64; convert"):
        loops(np.ones(2), np.ones(2, np.float32))
    with pytest.raises(TargetError, match="float32 or float64, not with int64"):
        loops(np.ones(2, int), np.ones(2, int))
    with pytest.raises(TargetError, match=r"different sizes: x \(3, 2\), y \(4, 2\)"):
        loops(np.ones((3, 2)), np.ones((4, 2)))


def test_symbolic_sizes_and_unknown_nodes_are_refused():
    with pytest.raises(TargetError, match="axis of length n"):
        program(closed(2 * ex.block("x", sp.Symbol("n", integer=True, positive=True))))
    with pytest.raises(TargetError, match="cannot write Unknown"):
        program(closed(u + Unknown(Str("x"))))
