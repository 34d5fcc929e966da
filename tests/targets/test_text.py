"""The text of a NumPy program: legal names, exactly the helpers that it calls, no axis and no array too many."""

import ast
import inspect
import traceback
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.errors import TargetError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.formula import Formula, formula, share
from odeanalysis.targets import emit
from odeanalysis.targets.callables import compile_numpy
from odeanalysis.targets.numpy_ import HELPERS, program
from odeanalysis.targets.prelude import functions as prelude
from odeanalysis.targets.prelude import helper_source
from tests.targets.formulas import closed, formulas, random_values

a, b, s = ex.block("a"), ex.block("b"), ex.block("s")
u, v, w = ex.block("u", 3), ex.block("v", 3), ex.block("w", 2)
M, S = ex.block("M", 2, 3), ex.block("S", 3, 3)


def returned(*expressions: Any) -> str:
    """The text behind `return`."""
    return emit(closed(*expressions)).split("return ")[1].strip()


def test_a_program_as_it_reads():
    h = fn.tanh(S @ u + a * v)
    program = formula("layer", [S, a, u, v], {"out": h * h - 2 * u, "entry": h[0]}, "one layer")
    assert emit(program) == (
        "import numpy as np\n\nfrom odeanalysis.targets.prelude import matvec\n\n\n"
        'def layer(S, a, u, v):\n    """one layer"""\n'
        "    _t1 = np.tanh(matvec(S, u) + a[..., None]*v)\n"
        "    return (_t1*_t1 - 2.0*u, _t1[..., 0])\n"
    )


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (a * b + a, "(a + a*b,)"),
        (a * u, "(a[..., None]*u,)"),
        (M + u, "(M + u[..., None, :],)"),
        (M - a, "(M - a[..., None, None],)"),
        (2 * u - sp.Rational(1, 2), "(2.0*u - 0.5,)"),
        (fn.maximum(u, ex.zeros(3)), "(maximum(u, 0.0),)"),
        (u * ex.full(a, (3,)), "(a[..., None]*u,)"),
        (ex.diag(w) @ M, "(w[..., :, None]*M,)"),
        (M @ ex.diag(u), "(M*u[..., None, :],)"),
        (M.T @ w, "(vecmat(w, M),)"),
        (ex.dot(u, v), '(np.einsum("...i,...i->...", u, v),)'),
        (ex.sumsq(M), '(np.einsum("...ij,...ij->...", M, M),)'),
        (ex.trace(M @ M.T), '(np.einsum("...ij,...ji->...", M, M.mT),)'),
        (u / (a * v), "(u/(a[..., None]*v),)"),
        (u[::-1], "(u[..., 2:None:-1],)"),
        (ex.concat(a, b), "(stack(a, b),)"),
        (sp.Rational(-1, 3) * a, "(-0.3333333333333333*a,)"),
    ],
)
def test_nothing_is_written_that_is_not_needed(expression: Any, text: str):
    assert returned(expression) == text


def test_a_matrix_mixed_by_scalars_is_not_built_for_each_sample():
    stack = ex.block("W", 2, 2, 3)
    mixed, chosen = stack[0] + a * stack[1], fn.where(a < b, stack[0], stack[1])
    assert returned(mixed @ u) == "(matvec(W[..., 0, :, :], u) + a[..., None]*matvec(W[..., 1, :, :], u),)"
    assert returned(w @ mixed) == "(vecmat(w, W[..., 0, :, :]) + a[..., None]*vecmat(w, W[..., 1, :, :]),)"
    assert returned(mixed.T @ w) == returned(w @ mixed)
    assert returned(chosen @ u) == "(np.where(_v1, matvec(W[..., 0, :, :], u), matvec(W[..., 1, :, :], u)),)"
    assert "_t1 = " not in emit(closed(fn.tanh(mixed @ u), mixed @ (2 * u)))


def test_what_a_mixed_matrix_meets_is_computed_once():
    """Else each layer would write the one below as often as there are matrices, and that the one below it."""
    first, second = ex.block("W", 5, 3, 3), ex.block("V", 5, 3, 3)
    weights = ex.block("p", 5)
    mixed = [ex.add(*(weights[j] * stack[j] for j in range(5))) for stack in (first, second)]
    assert emit(closed(mixed[1] @ fn.tanh(mixed[0] @ fn.sin(u)))).count("np.tanh") == 1
    assert emit(closed(fn.tanh(fn.sin(u) @ mixed[0]) @ mixed[1])).count("np.sin") == 1


def test_what_only_dead_names_need_is_not_written():
    unused, used = ex.block("_t1", 3), ex.block("_t2", 3)
    program = Formula("f", (u, v), ((unused, u * v), (used, u + v)), (("out", used * used),))
    assert "_t1" not in emit(program)


def test_a_name_may_stand_for_a_number_or_for_another_name():
    two, same, hidden = ex.block("_t1"), ex.block("_t2"), ex.block("_t3", 3)
    lets = ((two, sp.Integer(2)), (same, a), (hidden, u * v))
    program = Formula("f", (a, u, v), lets, (("out", 2 * a + two + same), ("product", 2 * u * v + hidden)))
    assert "return (_t1 + _t2 + 2.0*a, 2.0*_t3 + _t3)" in emit(program)
    np.testing.assert_array_equal(compile_numpy(program)(np.float64(3), np.ones(3), np.ones(3))[1], [3, 3, 3])


def test_branches_of_a_choice_share_what_they_have_in_common():
    common = fn.tanh(u * v + 1)
    text = emit(closed(fn.where(a < b, common * 2, common * v)))
    assert text.count("np.tanh") == 1


def test_deep_brackets_are_cut():
    expression = a
    for _ in range(120):
        expression = fn.sin(expression + b)
    text = emit(closed(expression))
    assert max(line.count("np.sin(") for line in text.splitlines()) < 30
    assert np.isfinite(compile_numpy(closed(expression))(np.float64(1), np.float64(2))[0])


@given(formulas())
def test_exactly_the_helpers_that_are_called_are_imported(formula: Formula):
    tree = ast.parse(emit(formula))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == called - {"slice"} == set(program(formula).helpers)


# ---------------------------------------------------------------- names

NAMES = ["lambda", "np", "slice", "matvec", "_v1", "x y", "2nd", "θ", "ﬁ", "fi", "lambda_", "", "None", "relu", "x²", "print", "__debug__"]


@given(st.lists(st.sampled_from(NAMES) | st.text(max_size=4), unique=True, min_size=1, max_size=6))
def test_any_names_become_names_of_their_own(names: list[str]):
    leaves = [sp.Symbol(name, real=True) for name in names]
    weighted = sp.Add(*(2**k * leaf for k, leaf in enumerate(leaves)))
    program = formula("f", leaves, {"out": fn.relu(weighted**2) + fn.relu(weighted)})
    values = [np.float64(3**k) for k in range(len(names))]
    total = sum(2**k * value for k, value in enumerate(values))
    assert compile_numpy(program)(*values)[0] == total**2 + total


@pytest.mark.parametrize("name", ["f", "lambda", "np", "relu", "my field", "f'", ""])
def test_any_formula_has_a_function(name: str):
    function = compile_numpy(formula(name, [u], {"out": fn.relu(u)}))
    np.testing.assert_array_equal(function(np.array([-1.0, 0.0, 2.0]))[0], [0, 0, 2])


def test_legal_names_stay():
    assert "def field(alpha, β, print):" in emit(formula("field", [ex.block(n) for n in ("alpha", "β", "print")], {}))


@pytest.mark.parametrize("source", ['""" + x', "back\\slash", "two\nlines", 'ends with "', "x\\"])
def test_any_words_are_a_docstring(source: str):
    assert inspect.getdoc(compile_numpy(formula("f", [a], {"out": a}, source))) == inspect.cleandoc(source)


# ---------------------------------------------------------------- callables and helpers


def test_a_callable_shows_its_text_and_its_lines_in_tracebacks():
    function = compile_numpy(formula("product", [S, u], {"out": fn.tanh(S @ u)}))
    assert function.text == emit(formula("product", [S, u], {"out": fn.tanh(S @ u)}))
    with pytest.raises(ValueError, match="matmul") as caught:
        function(np.eye(3), np.ones(4))
    shown = "".join(traceback.format_exception(caught.value))
    assert "return (np.tanh(matvec(S, u)),)" in shown


def test_a_formula_without_inputs_or_outputs_can_be_called():
    assert compile_numpy(formula("nothing", [a], {}))(np.float64(1)) == ()
    (value,) = compile_numpy(formula("constant", [], {"out": ex.ones(2)}))()
    np.testing.assert_array_equal(value, [1, 1])


def test_every_helper_is_listed_and_documented():
    assert tuple(prelude.HELPERS) == HELPERS
    defined = {name for name, one in inspect.getmembers(prelude, inspect.isfunction) if one.__module__ == prelude.__name__}
    assert defined - {"helper_source"} == set(HELPERS)
    assert all(helper.__doc__ for helper in prelude.HELPERS.values())


@pytest.mark.parametrize("name", HELPERS)
def test_the_text_of_a_helper_stands_alone(name: str):
    tree = ast.parse(helper_source(name))
    namespace: dict[str, Any] = {"np": np}
    exec(helper_source(name), namespace)
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert not read & (set(HELPERS) - {name})
    assert callable(namespace[name])


def test_an_unknown_helper_is_refused():
    with pytest.raises(TargetError, match=r"no helper 'matmat'.*matvec"):
        helper_source("matmat")


@given(formulas())
def test_a_program_runs_with_the_text_of_its_helpers_in_place_of_the_import(formula: Formula):
    written = program(formula)
    text = "\n\n".join(["import numpy as np", *map(helper_source, written.helpers), written.definition])
    namespace: dict[str, Any] = {}
    exec(compile(text, "<standalone>", "exec"), namespace)
    values = random_values(formula, 0)
    with np.errstate(all="ignore"):
        for found, expected in zip(namespace[written.name](*values), compile_numpy(formula)(*values), strict=True):
            np.testing.assert_array_equal(found, expected)


# ---------------------------------------------------------------- corners


def test_singular_samples_leave_the_others_alone():
    program = closed(ex.solve(S, u))
    matrices = np.stack([np.eye(3), np.zeros((3, 3)), 2 * np.eye(3)])
    (found,) = compile_numpy(program)(matrices, np.ones(3))
    np.testing.assert_array_equal(found, [[1, 1, 1], [np.nan] * 3, [0.5] * 3])


def test_one_singular_matrix_for_all_samples():
    (found,) = compile_numpy(closed(ex.solve(S, u)))(np.zeros((3, 3)), np.ones((4, 3)))
    assert found.shape == (4, 3) and np.all(np.isnan(found))


def test_axes_of_length_zero():
    e = ex.block("e", 0)
    program = closed(ex.total(e), ex.concat(e, a), ex.block("E", 2, 0) @ e, e @ ex.block("F", 0, 2), e[::-1])
    for batch in ((), (4,), (2, 3)):
        values = [np.ones(batch + tuple(map(int, getattr(leaf, "shape", ())))) for leaf in program.inputs]
        shapes = [result.shape for result in compile_numpy(program)(*values)]
        assert shapes == [batch + core for core in ((), (1,), (2,), (2,), (0,))]


def test_shared_names_stay_unbatched():
    hidden = ex.block("_t1", 3)
    lets = ((hidden, fn.tanh(S @ u)),)
    program = share("f", [S, u, w], lets, {"shared": hidden, "both": ex.outer(w, hidden)})
    shared, both = compile_numpy(program)(np.eye(3), np.ones(3), np.ones((5, 2)))
    assert shared.shape == (3,) and both.shape == (5, 2, 3)
