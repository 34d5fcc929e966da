"""The public names: each loads from its home when it is first used, says what it is, and works as users would use it."""

from types import ModuleType

import numpy as np
import pytest

import odeanalysis as oda

z, theta = oda.block("z"), oda.block("theta")
GROWTH = oda.Problem(oda.Model({z: theta * z}, {z: 1}, (0, 1), [theta]), oda.Objective(terminal=z))


@pytest.mark.parametrize("name", oda.__all__)
def test_every_name_loads_and_is_no_module(name: str):
    value = getattr(oda, name)
    assert not isinstance(value, ModuleType) and name in dir(oda)
    assert not callable(value) or name.startswith("_") or value.__doc__


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = oda.no_such_name


def test_second_derivatives_of_a_solved_problem():
    """ell = e^theta, so that every derivative is e^theta."""
    run = oda.solve_problem(GROWTH, {"theta": 0.3})
    assert oda.hessian_vector(run, {"theta": 2.0})["theta"] == pytest.approx(2 * np.exp(0.3), rel=1e-7)
    assert oda.hessian(run, ("theta",)) == pytest.approx(np.array([[np.exp(0.3)]]), rel=1e-7)
    assert oda.prove_tangents(oda.second_order(oda.adjoint(GROWTH))).holds


def test_steps_and_tangents_as_formulas():
    stated = oda.parts(GROWTH)
    assert oda.text(oda.step(stated, oda.tableau("euler")).output["z"]) == "z + _h*theta*z"
    assert "_bar_z" in [leaf.name for leaf in oda.step_vjp(stated, oda.tableau("euler")).inputs]
    assert oda.text(oda.variational(stated).output["z"]) == "_dot_theta*z + _dot_z*theta"


def test_formulas_as_text_and_latex():
    formula = oda.formula("f", (z, theta), {"y": theta * oda.exp(z)})
    assert oda.parse_formula(oda.formula_text(formula)) == formula
    assert oda.latex(formula.output["y"]) == r"\theta\,\exp\left(z\right)" and r"\theta" in oda.formula_latex(formula)


def test_listening_to_a_solve():
    heard: list[oda.Reached] = []
    with oda.listening(heard.append):
        oda.solve_problem(GROWTH, {"theta": 0.3})
    assert heard[-1].depth == heard[-1].end == 1
