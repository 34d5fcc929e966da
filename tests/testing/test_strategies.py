"""What strategies draw: problems that have solutions, simple when shrunk, printed as code that makes them."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import leaves, walk
from odeanalysis.testing import (
    assert_gradient,
    bases,
    blocks,
    code,
    depth_grids,
    directions,
    expressions,
    fields,
    models,
    objectives,
    problems,
    values_for,
)
from odeanalysis.testing.strategies.models import ILL_POSED
from odeanalysis.verification.strategies.drawing import draw, smallest
from tests.testing.pasted import printed, run

Z, W, B, P = oda.block("z", 2), oda.block("W", 2, 2), oda.block("b", 2), oda.block("p")
SOME = settings(max_examples=25)
PRINTED = settings(max_examples=5, database=None, phases=[Phase.generate])
KINKS = ("relu", "abs")


def limits(name: str, **ranges: tuple[float, float]) -> oda.Problem:
    q = oda.block("q", 3)
    model = oda.Model({Z: q[0] * Z}, {Z: B}, (0, 1), (q, P), (B,), name=name)
    return oda.Problem(model, oda.Objective(terminal=oda.sumsq(Z) * P), ranges=ranges)


# ---------------------------------------------------------------- well posed


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_problems_have_solutions_and_gradients_that_differences_confirm(data):
    """Also where a batch of inputs is drawn. Steps are fixed, since the discrete gradient is exact at any."""
    problem = data.draw(problems())
    values = data.draw(values_for(problem, batch=data.draw(st.sampled_from((None, 2)))))
    chosen, sizes = oda.Settings("rk4", steps=8), 2.0 ** -np.arange(5, 16)
    found = oda.evaluate(problem, values, chosen)
    assert np.isfinite(found.value)
    along = data.draw(directions(values))

    def on_line(size):
        return oda.evaluate(problem, {name: value + size * along[name] for name, value in values.items()}, chosen).value

    slope = sum(float(np.sum(found.gradients[name] * step)) for name, step in along.items())
    assert_gradient(on_line, slope, at=0.0, directions=1, rtol=1e-5, sizes=sizes)


@SOME
@given(st.data())
def test_solutions_exist_at_any_tolerance(data):
    """An adaptive solve at 1e-8 needs a moderate number of steps: nothing is stiff, nothing escapes."""
    problem = data.draw(problems(observed=False))
    values = data.draw(values_for(problem))
    assert np.isfinite(oda.solve_problem(problem, values, oda.Settings(max_steps=300)).value)


@settings(max_examples=15)
@given(st.data())
def test_stiff_models_are_stiff_and_solved(data):
    problem = data.draw(problems(stiff=True, observed=False, switches=False))
    values = data.draw(values_for(problem))
    assert np.isfinite(oda.solve_problem(problem, values, oda.Settings("radau", rtol=1e-4, atol=1e-4)).value)
    rates = [number for _, f in problem.model.field for number in walk([f]) if isinstance(number, sp.Integer)]
    assert max(map(abs, rates)) >= 99


SQUARE = P**2 + 1
DEPTH = oda.depth
# solutions in closed form, and depths inside the domain at which they end, or are not the only ones
SOLUTIONS = {
    "escapes": (sp.sqrt(SQUARE) * sp.tan(sp.sqrt(SQUARE) * DEPTH), sp.pi / 2 / sp.sqrt(SQUARE)),
    "branches": ((SQUARE * DEPTH / 2) ** 2, sp.Integer(0)),
    "pole": (1 + SQUARE * sp.log(1 - 2 * DEPTH), sp.Rational(1, 2)),
    "ends": (sp.sqrt(1 - 2 * SQUARE * DEPTH), 1 / (2 * SQUARE)),
}


@pytest.mark.parametrize("model", ILL_POSED, ids=lambda model: model.name)
@pytest.mark.parametrize("p", [1, sp.Rational(-3, 10), 0])
def test_ill_posed_models_have_no_solution_or_several(model: oda.Model, p: sp.Rational):
    """The solution in closed form leaves the numbers inside the domain; or 0 is another solution."""
    (state,), (solution, at) = model.states, SOLUTIONS[model.name]
    field = model.field[0][1]
    for depth in (sp.Rational(1, 20), sp.Rational(1, 7)):
        both = (sp.diff(solution, DEPTH), field.subs(state, solution))
        assert abs(float(sp.N((both[0] - both[1]).subs({DEPTH: depth, P: p})))) < 1e-12
    assert solution.subs(DEPTH, 0) == model.initial[0][1]
    start, end = model.domain
    reached = at.subs(P, p)
    if model.name == "branches":
        assert field.subs(state, 0) == 0 and reached == start
    else:
        assert start < reached < end and not sp.diff(solution, DEPTH).subs({P: p, DEPTH: reached}).is_finite


def test_ill_posed_models_are_drawn_when_asked_for_alone():
    assert {model.name for model in draw(models(ill_posed=True), 40, 0)} == {model.name for model in ILL_POSED}
    assert {model.name for model in draw(models(), 40, 0)} == {"drawn"}


@SOME
@given(models(), models(kinks=True))
def test_kinks_stand_in_models_that_may_have_them(smooth, kinked):
    for _, f in smooth.field:
        assert not any(getattr(node, "name", type(node).__name__) in KINKS for node in walk([f]))


def test_kinks_are_found():
    def has_kink(model):
        return any(getattr(node, "name", type(node).__name__.lower()) in KINKS for _, f in model.field for node in walk([f]))

    assert smallest(models(kinks=True), has_kink, 0) is not None


@SOME
@given(models())
def test_every_parameter_stands_in_the_field(model):
    assert set(model.parameters) <= leaves(*(f for _, f in model.field))


@SOME
@given(models(states=(2, 2), shape=(2,), inputs=False, switches=False))
def test_options_are_kept(model):
    assert [shape_of(z) for z in model.states] == [(2,), (2,)] and not model.inputs
    assert not any(type(node).__name__ == "Where" or "where" in str(node) for _, f in model.field for node in [f])


@SOME
@given(st.data())
def test_expressions_have_the_shape_and_names_asked_for(data):
    shape = data.draw(st.sampled_from(((), (2,), (3,), (2, 2))))
    made = data.draw(expressions((Z, P), shape, coefficients=(W, B, oda.depth), must=P))
    assert shape_of(made) == shape and P in leaves(made) <= {Z, P, W, B, oda.depth}


# ---------------------------------------------------------------- the simplest


def test_the_simplest_of_each():
    def anything(_):
        return True

    model = smallest(models(), anything, 0)
    assert model is not None
    assert [str(f) for _, f in model.field] == ["p*sin(z0) + z0"] and model.domain == (0, 1) and not model.inputs
    assert smallest(objectives(model), anything, 0) == oda.Objective(terminal=model.states[0] ** 2)
    assert repr(smallest(values_for(limits("limits")), anything, 0)) == repr({"q": np.ones(3), "p": 1.0, "b": np.ones(2)})
    assert str(smallest(depth_grids((2, -1)), anything, 0)) == "[ 2. -1.]"
    assert smallest(bases(), anything, 0) == oda.Monomial(1)
    assert smallest(blocks("q"), anything, 0) == oda.block("q")
    assert smallest(expressions((Z,), (2,)), anything, 0) == Z
    assert smallest(fields((Z, P)), anything, 0) == {Z: Z, P: P}


def test_shrinking_keeps_what_matters_alone():
    matrix = smallest(models(), lambda model: any(len(shape_of(leaf)) == 2 for leaf in model.parameters), 0)
    assert matrix is not None and len(matrix.states) == 1 and shape_of(matrix.states[0]) == (1,) and matrix.domain == (0, 1)
    backward = smallest(problems(), lambda problem: problem.model.domain == (1, 0), 0)
    assert backward is not None and backward.objective.running == 0 and not backward.objective.observations
    observed = smallest(problems(), lambda problem: len(problem.data) > 0, 0)
    assert observed is not None and observed.objective.observations[0].at == (1,)


# ---------------------------------------------------------------- values


@SOME
@given(st.data())
def test_values_lie_in_their_ranges(data):
    problem = limits("ranges", q=(2.0, 2.5), p=(-1e-3, 0.0))
    values = data.draw(values_for(problem, batch=3))
    assert values["q"].shape == (3,) and values["b"].shape == (3, 2)
    assert np.all((values["q"] >= 2) & (values["q"] <= 2.5)) and -1e-3 <= values["p"] <= 0
    assert np.all(np.abs(values["b"]) >= 0.1)
    assert np.isfinite(oda.evaluate(problem, values).value)


def test_large_arrays_are_drawn_and_printed_short():
    x = oda.block("x", 40, 40)
    wide = oda.Model({P: P}, {P: oda.sum(x)}, (0, 1), (), (x,))
    first, second = draw(values_for(wide), 2, 0)
    assert first["x"].shape == (40, 40) and len(np.unique(first["x"])) > 10 and not np.array_equal(first["x"], second["x"])

    @settings(PRINTED)
    @given(values_for(wide))
    def fails(values):
        assert values["x"].shape != (40, 40)

    assert run(printed(fails).replace("values=", "").rstrip(",\n )") + ")")["x"].shape == (40, 40)


@SOME
@given(directions({"W": np.ones((2, 2)), "b": 0.5, "labels": np.arange(3), "seen": np.array([np.nan, 1.0])}))
def test_directions_move_what_can_move(along):
    assert set(along) == {"W", "b", "seen"} and along["seen"][0] == 0 and isinstance(along["b"], float)
    assert any(np.any(step) for step in along.values())


def test_no_direction_stands_still():
    assert all(draw(directions(0.5), 30, 0))


@SOME
@given(depth_grids((1.0, 0.3), most=6), depth_grids(oda.Model({P: P}, {P: 1}, (0, 2))))
def test_grids_reach_from_end_to_end(falling, rising):
    assert falling[0] == 1 and falling[-1] == 0.3 and np.all(np.diff(falling) < 0) and len(falling) <= 6
    assert rising[0] == 0 and rising[-1] == 2 and np.all(np.diff(rising) > 0)


def test_grids_of_domains_that_move_are_refused():
    with pytest.raises(oda.ModelError, match="the domain of 'model' depends on values"):
        depth_grids(oda.Model({P: P}, {P: 1}, (0, B[0]), (), (B,)))


@settings(max_examples=30, deadline=None)
@given(bases((0.0, 2.0)))
def test_bases_are_independent(basis):
    """Their Gram matrix over the domain is positive definite."""
    assert basis.condition((0, 2)) < 1e10


@SOME
@given(bases(smooth=True))
def test_smooth_bases_have_no_pieces(basis):
    assert not isinstance(basis, oda.Indicator | oda.Hat | oda.Spline)


# ---------------------------------------------------------------- code


@SOME
@given(problems(), models(ill_posed=True), blocks("q"), expressions((Z,), (2,), coefficients=(W, P)), bases())
def test_code_makes_an_equal_object(problem, model, block, expression, basis):
    for thing in (problem, problem.model, problem.objective, model, block, expression, basis):
        assert run(code(thing)) == thing


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_code_of_problems_has_their_reduction(reduction: str):
    (problem,) = draw(problems(reduction=reduction), 1, 0)
    assert problem.reduction == reduction and run(code(problem)) == problem


def test_code_of_values_is_exact():
    values = {"a": np.array([[1 / 3, np.nan]]), "b": np.array([0.1], np.float32), "c": [1, (2.5, None)], "d": np.zeros((0, 2))}
    again = run(code(values))
    assert np.array_equal(again["a"], values["a"], equal_nan=True) and again["b"].dtype == np.float32 and again["b"] == values["b"]
    assert again["c"] == values["c"] and again["d"].shape == (0, 2)


def test_what_has_no_code_is_told():
    with pytest.raises(oda.ModelError, match="there is no code for object"):
        code(object())
    with pytest.raises(oda.ModelError, match="reads as another expression"):
        code(oda.where(oda.depth < 0.5, P, 1))


def test_a_failing_example_is_printed_as_code():
    @settings(PRINTED)
    @given(problems(states=(1, 1)), models(shape=(2,)), blocks("q"), expressions((Z,), (2,)), bases())
    def fails(problem, model, block, expression, basis):
        drawn.append((problem, model, block, expression, basis))
        raise AssertionError

    drawn: list[tuple] = []
    found = run(f"dict{printed(fails)}", z=Z, q=oda.block("q"))
    assert tuple(found.values()) == drawn[-1]
