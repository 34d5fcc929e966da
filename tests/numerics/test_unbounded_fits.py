"""Fits whose objective has no minimum end soon and say so; those whose minimum is far from the start go on and reach it."""

import warnings

import numpy as np
import pytest

from odeanalysis import errors
from odeanalysis.modeling.modelfile import loads
from odeanalysis.numerics.fitting import fit
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.solvers.listening import Reached, listening


def stated(cost: str, field: str = "-z", shape: str = "[]", more: str = "") -> str:
    return f"""
domain = [0, 1]
[state]
z = []
[parameters]
a = {shape}
[field]
z = "{field}"
[initial]
z = "1"
[objective]
terminal = "{cost}"
{more}"""


# the cost, the field and the shape of the start
UNBOUNDED = {
    "linear": ("a + z", "-z", 1.0),
    "rising first": ("a - (a - 1)**2", "-z", 2.0),
    "one entry of three": ("a[0]**2 + (a[1] - 2)**2 + a[2]", "-z", np.zeros(3)),
    "a field that grows with it": ("a", "a*z", 1.0),
    "from a large start": ("-a*z", "-z", 1e5),
}


@pytest.mark.parametrize("name", UNBOUNDED)
def test_an_objective_without_a_minimum_is_an_error(name: str):
    cost, field, start = UNBOUNDED[name]
    entry = r"a\[2\]" if np.ndim(start) else "a"
    with warnings.catch_warnings(), pytest.raises(errors.SolveError, match=rf"fall without bound as {entry} runs to .* \[ranges\]"):
        warnings.simplefilter("error")
        fit(loads(stated(cost, field, str(list(np.shape(start))))), {"a": start})


def test_a_runaway_is_left_before_its_solves_become_dear():
    # stability has tsit5 take about 0.3 |a| steps, and each trial goes four times as far as the last
    steps: list[int] = []

    def watched(reached: Reached) -> None:
        steps.append(reached.steps)
        assert reached.steps < 4000

    with listening(watched), pytest.raises(errors.SolveError, match="fall without bound"):
        fit(loads(stated("a", "a*z")), {"a": 1.0})
    assert max(steps) > 1000


# minima far from the start at 1; the second cost is a straight line on the way there
FAR = {
    "parabola": ("(a - 1e4)**2", 1e4),
    "line": ("sqrt(1 + (a - 1e4)**2)", 1e4),
    "beyond the limit": ("(a/1e7 - 1)**2", 1e7),
    "slowly levelling": ("sqrt(1 + (a/1e7 - 3)**2)", 3e7),
}


@pytest.mark.parametrize("name", FAR)
def test_a_minimum_far_from_the_start_is_reached(name: str):
    cost, wanted = FAR[name]
    found = fit(loads(stated(f"{cost} + 0*z")), {"a": 1.0})
    assert found.converged and np.isclose(found.estimates["a"], wanted, rtol=1e-6)


def test_a_far_minimum_whose_solves_are_dear_is_reached_and_what_its_solve_warns_of_is_said():
    # at a = 3000 stability takes over a hundred times the steps of the start
    text = stated("(a/1e3 - 3)**2 + 0*z", "-a*z")
    with pytest.warns(UserWarning, match="looks stiff") as heard:
        found = fit(loads(text), {"a": 0.01}, settings=Settings(rtol=1e-4, atol=1e-6))
    assert found.converged and np.isclose(found.estimates["a"], 3000, rtol=1e-6) and len(heard) == 1


def test_a_range_keeps_the_search_where_it_is_told():
    found = fit(loads(stated("a + z", more="[ranges]\na = [-1e9, 1e9]\n")), {"a": 1.0})
    assert found.value < -0.99e9


def test_an_objective_that_levels_out_is_not_said_to_fall_without_bound():
    found = fit(loads(stated("exp(-a) + 0*z")), {"a": 1.0})
    assert 0 <= found.value < 1e-6
