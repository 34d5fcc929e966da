"""Conditions whose depths are listed by hand: what is missing from the list, or does not move as it should, is refused."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.gradients.second import hessian_vector
from odeanalysis.verification.independent import gradients as independent
from tests.cases import CASES
from tests.gradients.solved import solved

s, where = oda.depth, oda.where
z, k, c = (oda.block(name) for name in ("z", "k", "c"))
VALUES = {"k": 1.0, "c": 1.0}


def problem(condition, breakpoints, domain=(0, 2)):
    model = oda.Model({z: where(condition, k, -5 * k)}, {z: 1}, domain, (k, c), breakpoints=breakpoints, name="trial")
    return oda.Problem(model, oda.Objective(z))


def refused(stated, values):
    with pytest.raises(oda.ModelError) as caught:
        oda.solve_problem(stated, values)
    return str(caught.value)


# condition, what is listed, what the message says of the place
MISSING = {
    "one of them": (s**2 < 2, (0.3,), "switches between 0.3 and 2 (sample 0), near 1.41421356237;"),
    "on a way back": (s**2 < 2, (0.3,), "switches between 2 and 0.3 (sample 0), near 1.41421356237;"),
    "several of them": (
        oda.sin(9 * s) > 0,
        (np.pi / 9, np.pi / 3),
        "switches between 0.349065850399 and 1.0471975512 (sample 0), near 0.69813",
    ),
    "given roughly": (s**2 < 2, (1.41421,), "switches between 1.41421 and 2 (sample 0), near 1.41421356237;"),
    "a narrow window": ((s - 1.2345) ** 2 < 1e-6, (0.3,), "switches between 0.3 and 2 (sample 0), near 1.23"),
    "two windows that lie close": (oda.abs((s - 1.2345) ** 2 - 1e-6) < 1e-9, (0.3,), "switches between 0.3 and 2 (sample 0), near 1.23"),
    "a window beside a break point": ((s - 1.002) * (s - 1) * (s - 1.001) > 0, (1,), "switches between 1 and 2 (sample 0), near 1.00"),
    "a touch at the midpoint": ((s - 1) ** 2 > 0, (3,), "switches between 0 and 2 (sample 0), near 1;"),
    "where it ceases to be defined": (oda.sqrt(1.3 - s) < 2, (3,), "switches between 0 and 2 (sample 0), near 1.3;"),
    "where it is not defined": (oda.sqrt(s - 1.3) < 1, (3,), "switches between 0 and 2 (sample 0), near 1.3;"),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_depth_that_is_missing_is_refused_and_told(name):
    condition, listed, place = MISSING[name]
    message = refused(problem(condition, listed, (2, 0) if name == "on a way back" else (0, 2)), VALUES)
    assert message.startswith("the condition ") and f"of 'trial' {place}" in message
    assert "list that depth, as an expression where it moves, under breakpoints" in message


def test_the_value_without_it_would_be_another():
    """z' = k up to sqrt(2), -5 k behind: z(2) = 1 + sqrt(2) - 5 (2 - sqrt(2))."""
    stated = problem(s**2 < 2, (0.3, oda.sqrt(2)))
    exact = 1 + np.sqrt(2) - 5 * (2 - np.sqrt(2))
    assert independent.value(problem(s**2 < 2, (0.3,)), bind(stated, VALUES)) == pytest.approx(exact, rel=1e-10)
    assert float(oda.solve_problem(stated, VALUES).value) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    ("end", "edge", "sample"),
    [([0.5, 0.9, 2.0], 3.0, 2), ([0.5, 2.0], [5.0, 3.0], 1), (2.0, [5.0, 3.0], 1)],
    ids=["its domain", "both", "its condition"],
)
def test_the_sample_is_named(end, edge, sample):
    """Whether its own domain or its own condition brings the switch in."""
    message = refused(problem(s**2 < c, (1,), (0, k)), {"k": end, "c": edge})
    assert f"between 1 and 2 (sample {sample}), near 1.73205080757" in message


FLAT = s**4 - 4 * s**3 + 6 * s**2 - 4 * s + 1
STEADY = [(s - 1.2345) ** 2 > 0, s**2 - 2 * s + 1 >= 0, FLAT >= 0, s**2 < 9, (s - 1) ** 3 > -2, s**2 - 5 * s < 100]


@pytest.mark.parametrize("condition", STEADY)
def test_what_does_not_switch_is_accepted(condition):
    """Among them gaps that touch zero, in a form that rounds to either side."""
    stated = problem(condition, (3,), (0, 2.1))
    assert float(oda.solve_problem(stated, VALUES).value) == pytest.approx(3.1, rel=1e-12)


@pytest.mark.parametrize("condition", [(s - 1) ** 3 < 0, s**3 - 3 * s**2 + 3 * s < 1, s**5 - 5 * s**4 + 10 * s**3 - 10 * s**2 + 5 * s < 1])
def test_a_switch_at_which_the_gap_is_flat_is_accepted(condition):
    """Beside the switch, rounding decides on which side of 0 it is."""
    assert float(oda.solve_problem(problem(condition, (1,), (0, 1.7)), VALUES).value) == pytest.approx(1 + 1 - 5 * 0.7, rel=1e-12)


@pytest.mark.parametrize("listed", [(1,), (1, 0.5), (1, 3 * c)])
def test_a_switch_that_moves_away_from_a_break_point_is_refused(listed):
    """Its part of the gradient, 6 k ds/dc = 3, would be missing."""
    stated = problem(s**2 < c, listed)
    assert independent.directional(problem(s**2 < c, (oda.sqrt(c),)), bind(stated, VALUES), {"c": np.array(1.0)}) == pytest.approx(
        3, rel=1e-6
    )
    assert refused(stated, VALUES) == (
        "the condition s**2 < c of 'trial' switches at 1 (sample 0), where no break point moves along with it; "
        "list that depth as an expression under breakpoints"
    )


def test_a_break_point_that_moves_away_from_a_switch_is_refused():
    """It would be given a gradient, but nothing depends on it."""
    stated = problem(s**2 < 1, (c,))
    assert "the condition s**2 < 1 of 'trial' switches at 1 (sample 0), where no break point moves" in refused(stated, VALUES)


@pytest.mark.parametrize("listed", [(oda.sqrt(c),), (oda.sqrt(c), 1), (1, oda.sqrt(c))])
@pytest.mark.parametrize("way", ["discrete", "adjoint", "forward", "complex step"])
def test_the_one_that_moves_along_has_its_gradient(listed, way):
    stated = problem(s**2 < c, listed)
    _, gradient = oda.value_and_gradient(stated, VALUES, sensitivity=oda.SENSITIVITIES[way])
    assert gradient["c"] == pytest.approx(3, rel=1e-12)


# condition, its break point, and the derivative of that in w for the samples, w = 0 first
OUT_OF_REACH = {
    "infinite": ((c * s) ** 3 < 1, 1 / c, [0.0, 0.8, -1.0], [0, -1 / 0.8**2, 0]),
    "of infinite slope": ((s + 2) ** 2 < c, oda.sqrt(c) - 2, [0.0, 9.0, 25.0], [0, 1 / 6, 0]),
}


@pytest.mark.parametrize("name", OUT_OF_REACH)
@pytest.mark.parametrize("way", ["discrete", "adjoint", "forward", "backsolve", "complex step"])
def test_a_break_point_out_of_reach_has_no_part_in_the_gradient(name, way):
    """z' = k up to w, -5 k behind: dell/dw = 6 k where the path meets w, and nothing comes of the others, however they are."""
    condition, listed, values, slopes = OUT_OF_REACH[name]
    _, gradient = oda.value_and_gradient(
        problem(condition, (listed,)), {"k": 1.0, "c": values}, sensitivity=oda.SENSITIVITIES[way], reduction="sum"
    )
    assert gradient["c"] == pytest.approx(6 * np.array(slopes), rel=1e-9)


@pytest.mark.parametrize("name", OUT_OF_REACH)
def test_nor_in_its_second_derivatives(name):
    """The loss is linear in k, so that the Hessian times k is the gradient in c."""
    condition, listed, values, slopes = OUT_OF_REACH[name]
    run = oda.solve_problem(problem(condition, (listed,)), {"k": 1.0, "c": values})
    assert 3 * hessian_vector(run, {"k": np.array(1.0)})["c"] == pytest.approx(6 * np.array(slopes), rel=1e-9)


def test_only_conditions_listed_by_hand_are_looked_at():
    assert "gaps" in vars(solved("breakpoints_by_hand").setting.program)
    others = [name for name in CASES if not solved(name).setting.program.parts.listed]
    assert len(others) > 20 and not any("gaps" in vars(solved(name).setting.program) for name in others)
