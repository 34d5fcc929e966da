"""A solve or a gradient that fails says where: the depth, the component by its name, and its equation."""

from dataclasses import replace

import numpy as np
import pytest

import odeanalysis as oda

s = oda.depth
z, k, w = oda.block("z"), oda.block("k"), oda.block("w")


def problem(field, initial=k, domain=(0, 2), objective=None, **model):
    return oda.Problem(oda.Model({z: field}, {z: initial}, domain, (k,), name="trial", **model), objective or oda.Objective(z))


def failing(stated, values, **settings):
    with pytest.raises(oda.SolveError) as caught:
        oda.value_and_gradient(stated, values, **settings)
    return caught.value


@pytest.mark.parametrize("method", ["bosh3", "dopri5", "tsit5", "dopri8", "rosenbrock23", "rodas5p", "kvaerno5", "radau"])
def test_a_solution_that_blows_up(method):
    """z' = z^2 from 1: z = 1/(1 - s)."""
    error = failing(problem(z**2), {"k": 1.0}, method=method, rtol=1e-4, atol=1e-6)
    assert error.depth == pytest.approx(1, abs=1e-2) and error.sample == 0 and error.component == 0
    assert "'trial': " in str(error) and "component z of sample 0" in str(error)
    assert "(its equation is z' = z**2)" in str(error) and "end the domain before this depth" in str(error)


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_a_solution_that_blows_up_in_scipys_solvers(method):
    error = failing(problem(z**2), {"k": 1.0}, method=method, sensitivity=oda.ContinuousAdjoint())
    assert error.depth == pytest.approx(1, abs=0.05) and "component z" in str(error) and "z' = z**2" in str(error)


def test_a_solution_that_blows_up_on_the_way_back():
    error = failing(problem(-(z**2), domain=(0, -2)), {"k": 1.0})
    assert error.depth == pytest.approx(-1, abs=1e-2)


def test_fixed_steps_that_overflow():
    error = failing(problem(z**2, domain=(0, 4)), {"k": 5.0}, method="rk4", steps=12)
    assert "a step ends in a state that is not finite at depth" in str(error) and "z' = z**2" in str(error)


def test_the_equation_is_written_as_in_a_model_file():
    assert "(its equation is z' = k + 1/(1 - s)**2)" in str(failing(problem(1 / (1 - s) ** 2 + k), {"k": 1.0}))


def test_the_sample_is_named():
    """z' = z^2 from k: the sample with k = 1 alone blows up before 2."""
    error = failing(problem(z**2), {"k": [0.1, 0.3, 1.0]})
    assert error.sample == 2 and "of sample 2" in str(error)


def test_a_field_that_is_not_defined_at_the_start():
    error = failing(problem(oda.log(z)), {"k": -1.0})
    assert error.depth == 0 and "the field is not finite at depth 0: component z of sample 0 is nan" in str(error)
    assert "check exponentials, logarithms, roots and quotients" in str(error) and "z' = log(z)" in str(error)


def test_a_field_that_stops_being_defined():
    """z' = -1/sqrt(z): z reaches 0 at s = 2/3 and has no derivative there."""
    error = failing(problem(-1 / oda.sqrt(z)), {"k": 1.0})
    assert error.depth == pytest.approx(2 / 3, abs=1e-2) and "component z" in str(error)


def test_an_overflow():
    error = failing(problem(oda.exp(oda.exp(z))), {"k": 7.0})
    assert error.depth == 0 and "component z of sample 0 is inf" in str(error)


def test_a_state_that_outgrows_all_numbers():
    """z' = 1000 z: no step vanishes, and nothing jumps."""
    error = failing(problem(1000 * z), {"k": 1.0}, rtol=1e-3)
    assert "'trial': the state overflows at depth 0.7" in str(error) and error.depth == pytest.approx(0.7, abs=0.02)


def test_a_field_that_ends():
    """z' = log(z) - 1 falls below zero at s = 0.5963."""
    error = failing(problem(oda.log(z) - 1), {"k": 1.0})
    assert "no step, however short, ends in a finite state at depth 0.5963" in str(error) and "z of sample 0 is nan" in str(error)


def test_an_initial_state_that_is_not_finite():
    error = failing(problem(z, initial=oda.log(k)), {"k": 0.0})
    assert "the initial state is not finite at depth 0" in str(error) and "check the initial expressions" in str(error)


def test_the_component_of_an_array_is_named_as_users_write_it():
    Z = oda.block("Z", 2, 2)
    model = oda.Model({w: -w, Z: Z**2}, {w: 1, Z: k * oda.eye(2) / 2 + oda.zeros(2, 2)}, (0, 3), (k,), name="trial")
    error = failing(oda.Problem(model, oda.Objective(w)), {"k": [1.0, 2.0]})
    assert error.sample == 1 and error.depth == pytest.approx(1, abs=1e-2)
    assert "component Z[0, 0] of sample 1" in str(error) and "Z' = " in str(error)


def test_a_running_cost_that_is_not_finite_is_named():
    error = failing(problem(0 * z - 1, objective=oda.Objective(running=oda.log(z))), {"k": 1.0})
    assert "the running cost of sample 0" in str(error) and "running = log(z)" in str(error)


def test_a_value_that_is_not_finite():
    error = failing(problem(0 * z, objective=oda.Objective(oda.log(z - 1))), {"k": 0.5})
    assert "the value of 'trial' is nan; check logarithms, roots and quotients in the objective" in str(error)


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("discrete", "the gradient of 'trial' with respect to 'k' is not finite at [1]; an expression has no derivative"),
        ("forward", "the gradient of 'trial' with respect to 'k' is not finite at [1]; an expression has no derivative"),
        ("adjoint", "'trial': the costate of z of sample 1 is not finite at depth 2; an expression has no derivative there"),
    ],
)
def test_a_gradient_that_is_not_finite(way, message):
    """sqrt at 0: the value is finite, its derivative is not."""
    stated = problem(0 * z, objective=oda.Objective(oda.sqrt(z)))
    assert message in str(failing(stated, {"k": [1.0, 0.0]}, sensitivity=oda.SENSITIVITIES[way]))


@pytest.mark.parametrize("way", ["discrete", "forward", "differences"])
def test_a_scalar_has_no_place_where_its_gradient_is_not_finite(way):
    stated = problem(0 * z, objective=oda.Objective(oda.sqrt(z)))
    message = "the gradient of 'trial' with respect to 'k' is not finite; an expression has no derivative"
    assert message in str(failing(stated, {"k": 0.0}, sensitivity=oda.SENSITIVITIES[way]))


def test_a_costate_that_cannot_be_solved():
    """What failed on the way back is named, here for want of steps."""
    run = oda.solve_problem(problem(z, domain=(0, 3)), {"k": 1.0})
    with pytest.raises(oda.SolveError, match=r"'trial': the end is not reached .* the (costate of z|gradient's integral) of sample 0"):
        oda.ContinuousAdjoint().gradients(replace(run, settings=oda.Settings(max_steps=3)))


def test_a_branch_not_taken_leaves_the_gradient_finite():
    """sqrt(z) where z > 0, else 0, is continuous; at z = -1 its root is not even defined."""
    stated = problem(0 * z, objective=oda.Objective(oda.where(z > 0, oda.sqrt(z), 0)))
    value, gradient = oda.value_and_gradient(stated, {"k": [4.0, -1.0]}, reduction="sum")
    assert value == 2 and gradient["k"] == pytest.approx([0.25, 0])


def test_too_many_steps():
    with pytest.raises(oda.SolveError, match=r"the end is not reached within max_steps at depth .*loosen rtol"):
        oda.solve_problem(problem(-1000 * z), {"k": 1.0}, oda.Settings(max_steps=50))


# ---------------------------------------------------------------- depths that cannot be


def observed(at, domain=(0, 1), parameters=(k, w), field=z):
    model = oda.Model({z: field}, {z: 1}, domain, parameters, name="trial")
    return oda.Problem(model, oda.Objective(observations=(oda.Observation(at, z**2),)))


def refused(stated, values):
    with pytest.raises(oda.ModelError) as caught:
        oda.solve_problem(stated, values)
    return str(caught.value)


@pytest.mark.parametrize("depth", [1.5, -1e-9])
def test_an_observation_outside_the_domain(depth):
    message = refused(observed((0.5, w)), {"k": 1.0, "w": [0.2, depth]})
    assert message.startswith("objective.observations of 'trial': depth w (sample 1) lies outside the domain [0.0, 1.0]")


def test_an_observation_outside_a_domain_that_runs_backward():
    assert "lies outside the domain [-1.0, 0.0]" in refused(observed((0.5,), domain=(0, -w)), {"k": 1.0, "w": 1.0})


FLAT = {"k": 0.5, "w": [0.9, 0.5]}
MEETINGS = {
    "moving switch": (observed((0.5,), field=oda.where(s < w, z, -z)), FLAT, "at 1/2 coincides with w"),
    "moving observation": (observed((w,), field=oda.where(s < 0.5, z, -z)), FLAT, "at w coincides with 1/2"),
    "both move": (observed((w,), field=oda.where(s < k, z, -z)), FLAT, "at w coincides with k"),
    "moving end": (observed((0.5,), domain=(0, w)), FLAT, "at 1/2 coincides with w"),
    "fixed end": (observed((w,), domain=(0, 0.5)), {"k": 0.5, "w": [0.3, 0.5]}, "at w coincides with 1/2"),
    "moving start": (observed((0.5,), domain=(w, 2)), {"k": 0.5, "w": [0.3, 0.5]}, "at 1/2 coincides with w"),
}


@pytest.mark.parametrize("meeting", MEETINGS)
def test_an_observation_that_something_passes_through(meeting):
    """The loss has two one-sided derivatives there: which is meant cannot be known."""
    stated, values, passed = MEETINGS[meeting]
    assert f"the observation {passed} for sample 1; one passes through the other" in refused(stated, values)


def test_an_observation_may_stand_on_what_moves_with_it():
    """The same expression is one depth, which moves as one; so do a fixed observation and a fixed switch."""
    for stated in (observed((w,), field=oda.where(s < w, z, -z)), observed((0.5,), field=oda.where(s < 0.5, z, -z))):
        run = oda.solve_problem(stated, {"k": 1.0, "w": 0.5})
        assert np.isfinite(oda.DiscreteAdjoint().gradients(run)["w"])


def test_an_end_that_is_not_finite():
    message = refused(observed((0,), domain=(0, 1 / w), parameters=(k, w)), {"k": 1.0, "w": [1.0, 0.0]})
    assert message == "domain of 'trial': 1/w is inf for sample 1; change the values"
