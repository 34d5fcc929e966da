"""SBML files against what they mean, written by hand: the slope at any place, the solution, the derivatives."""

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import odeanalysis as oda
from odeanalysis.importers.imported import Imported
from tests.importers.references import REFERENCES, Numbers, Reference

POSITIVE = st.floats(0.1, 3)
STEP = 1e-4  # of central differences: their error is some 1e-8, that of the two solves together below 1e-9/STEP


@cache
def imported(name: str) -> Imported:
    return oda.from_sbml(REFERENCES[name].path, REFERENCES[name].end)


@cache
def program(name: str, part: str) -> Any:
    """The field or the initial values, compiled: a function of the depth, states and parameters."""
    model = imported(name).model
    inputs = [model.depth, *model.states, *model.parameters]
    return oda.compile_numpy(oda.formula(part, inputs, {f"_{state}": value for state, value in getattr(model, part)}))


def final(reference: Reference, values: Numbers) -> np.ndarray:
    """The last state by SciPy alone, piece by piece."""
    state = np.array(reference.start(values), dtype=float)
    for low, high in pairwise((0.0, *reference.breaks, reference.end)):
        state = piece(reference, values, (low, high), state)
    return state


def piece(reference: Reference, values: Numbers, span: tuple[float, float], state: np.ndarray) -> np.ndarray:
    """The state behind a piece, whose last stage stands on this side of a break."""
    inside = span[1] - 1e-12

    def slope(t: float, y: np.ndarray) -> list[float]:
        return reference.slope(min(t, inside), y, values)

    return solve_ivp(slope, span, state, "DOP853", rtol=1e-12, atol=1e-13).y[:, -1]


def problem(name: str) -> oda.Problem:
    """A loss in which every state has its own weight."""
    model = imported(name).model
    return oda.Problem(model, oda.Objective(terminal=sum((i + 1) * oda.block(state.name) ** 2 for i, state in enumerate(model.states))))


@pytest.mark.parametrize("name", REFERENCES)
def test_the_file_gives_its_numbers(name: str):
    found = imported(name)
    assert dict(found.values) == REFERENCES[name].values and found.missing == ()
    assert [state.name for state in found.model.states] == list(REFERENCES[name].states)
    assert {leaf.name for leaf in found.model.parameters} == set(found.values)


@pytest.mark.parametrize("name", REFERENCES)
@given(data=st.data())
def test_slopes_and_starts_are_those_written_by_hand(name: str, data: st.DataObject):
    reference = REFERENCES[name]
    values = {key: data.draw(POSITIVE, key) for key in imported(name).values}
    states = [data.draw(POSITIVE, state) for state in reference.states]
    depth = data.draw(st.floats(0, reference.end).filter(lambda t: t not in reference.breaks))
    numbers = (depth, *states, *values.values())
    assert np.allclose(program(name, "field")(*numbers), reference.slope(depth, states, values), rtol=1e-12, atol=1e-12)
    assert np.allclose(program(name, "initial")(*numbers), reference.start(values), rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", REFERENCES)
def test_the_solution_is_scipys(name: str):
    reference = REFERENCES[name]
    found = oda.solve_problem(problem(name), imported(name).values)
    ours = [found.final[state] for state in reference.states]
    assert np.allclose(ours, final(reference, reference.values), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", REFERENCES)
def test_derivatives_are_the_differences_of_scipys_solutions(name: str):
    reference = REFERENCES[name]
    _, gradient = oda.value_and_gradient(problem(name), imported(name).values)

    def loss(key: str, change: float) -> float:
        state = final(reference, {**reference.values, key: reference.values[key] + change})
        return float(np.sum(np.arange(1, len(state) + 1) * state**2))

    differences = {key: (loss(key, STEP) - loss(key, -STEP)) / (2 * STEP) for key in reference.values}
    size = max(map(abs, differences.values()))
    wrong = {key: (gradient[key], one) for key, one in differences.items() if abs(gradient[key] - one) > 1e-6 * size}
    assert not wrong


@pytest.mark.parametrize("name", REFERENCES)
def test_the_text_is_a_model_file_of_the_same_model(name: str):
    found = imported(name)
    assert oda.loads(found.text) == oda.Problem(found.model, oda.Objective())


def test_what_the_model_does_not_hold_is_said():
    assert imported("driven").unused == ("idle",) and imported("driven").model.depth.name == "s"
    assert list(imported("driven").assigned) == ["drive", "energy"] and imported("driven").renamed == {}
    assert imported("cascade").renamed == {"yield": "yield_"}
    enzyme = {"k of binding": "binding_k", "k of turnover": "turnover_k", "what is given of lambda": "lambda_0"}
    assert imported("enzyme").renamed == enzyme
    comments = [line for line in imported("driven").text.splitlines() if line.startswith("#")]
    assert comments[1:] == [
        "# in no equation: idle",
        "# drive stands for where(s < 3, cos(2*pi*s/period), 0)",
        "# energy stands for v**2/2 + 2*pi**2*u**2/period**2",
    ]
