"""Error control: every sample with steps of its own, ending at nodes."""

import numpy as np
import pytest

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers import Controller, Grid, Tolerance, solve
from odeanalysis.numerics.solvers.controller import rms
from odeanalysis.tableaus import tableau
from tests.solvers.problems import ADAPTIVE, ARITHMETIC, NONLINEAR, Problem, counting, jumping, one, recorded

Y0 = np.array([[0.7, 1.3], [30.0, 0.01], [-0.2, 5.0]])
RAGGED = Grid(np.array([[0.0, 0.5, 2.0], [0.5, 0.5, 9.0], [1.0, 0.2, -1.0]]))


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("nodes", [[0.0, 2.0], [2.0, 0.0]])
def test_the_error_follows_the_tolerance(name, nodes):
    y0 = np.array([[0.8, 1.0]])
    exact = NONLINEAR.exact(nodes[0], y0, nodes[1])
    # a step's error h^(q+1) is held at the tolerance, so that the global error h^p is tolerance^(p/(q+1))
    stepper = NONLINEAR.stepper(name)
    power = stepper.order / (stepper.error_order + 1)
    errors = []
    for rtol in (1e-4, 1e-7):
        final = solve(stepper, one(nodes), y0, rtol=rtol, atol=rtol).final
        errors.append(np.abs(final - exact).max())
        assert errors[-1] < 30 * rtol**power
    assert errors[1] < errors[0] / 1000**power * 20


@pytest.mark.parametrize("name", ADAPTIVE)
def test_a_batch_is_solved_like_each_sample_alone(name):
    """Bit for bit, where the field's own rounding does not depend on the batch."""
    together = solve(ARITHMETIC.stepper(name), RAGGED, Y0, rtol=1e-6, atol=1e-8)
    assert len(set(together.statistics.accepted.tolist())) > 1
    for b in range(3):
        alone = solve(ARITHMETIC.stepper(name), one(RAGGED.nodes[b]), Y0[b : b + 1], rtol=1e-6, atol=1e-8)
        assert np.array_equal(alone.node_states[0], together.node_states[b])
        for count in ("accepted", "rejected", "evaluations"):
            assert getattr(alone.statistics, count)[0] == getattr(together.statistics, count)[b]


def test_every_sample_ends_where_its_exact_solution_does():
    solution = solve(NONLINEAR.stepper("tsit5"), RAGGED, Y0, rtol=1e-9, atol=1e-11)
    for b in range(3):
        for node in range(3):
            exact = NONLINEAR.exact(RAGGED.nodes[b, 0], Y0[b : b + 1], RAGGED.nodes[b, node])[0]
            assert np.allclose(solution.node_states[b, node], exact, rtol=1e-7, atol=1e-9)


def test_a_record_holds_every_segment_from_end_to_end():
    record = recorded(solve(NONLINEAR.stepper("dopri5"), RAGGED, Y0))
    assert record.accepted.any(axis=1).all()
    for b in range(RAGGED.samples):
        taken = record.accepted[:, b]
        for j in range(RAGGED.segments):
            here = taken & (record.segment[:, b] == j)
            start, fraction, closes = record.start[here, b], record.fraction[here, b], record.closes[here, b]
            assert start[0] == 0 and closes.tolist() == [False] * (len(start) - 1) + [True]
            assert np.allclose(start + fraction, [*start[1:], 1], rtol=0, atol=1e-15)


def test_a_null_step_is_marked_and_waits_where_the_field_is_finite():
    record = recorded(solve(NONLINEAR.stepper("dopri5"), RAGGED, Y0))
    quick = int(record.accepted.sum(0).argmin())
    last = int(np.nonzero(record.accepted[:, quick])[0][-1])
    assert last + 1 < len(record)
    assert (record.fraction[last + 1 :, quick] == 0).all() and not record.closes[last + 1 :, quick].any()
    assert (record.states[last + 1 :, quick] == record.states[last, quick]).all()
    assert (record.start[last + 1 :, quick] == record.start[last, quick]).all()


@pytest.mark.parametrize("name", ["tsit5", "rodas5p", "kvaerno5"])
def test_a_segment_of_length_zero_is_one_step_without_length(name):
    solution = solve(NONLINEAR.stepper(name), one([0.5, 0.5, 1.0, 1.0]), Y0[:1])
    record = recorded(solution)
    for j in (0, 2):
        here = record.segment[:, 0] == j
        assert (record.start[here, 0].tolist(), record.fraction[here, 0].tolist()) == ([0.0], [1.0])
        assert (solution.node_states[0, j] == solution.node_states[0, j + 1]).all()


def test_a_domain_of_length_zero_costs_nothing():
    field, calls = counting(NONLINEAR.field)
    stepper = Problem(field).stepper("tsit5")
    solution = solve(stepper, one([0.5, 0.5]), Y0[:1])
    assert (solution.final == Y0[:1]).all() and not calls and solution.statistics.evaluations.tolist() == [0]
    assert (solution.dense(np.array([0.5])) == Y0[:1]).all()


@pytest.mark.parametrize("name", ["dopri5", "tsit5"])
@pytest.mark.parametrize("nodes", [[0.0, 2.0], [0.0, 0.3, 1.1, 2.0]])
def test_the_last_stage_of_a_step_is_the_first_of_the_next(name, nodes):
    """Two for the first step size, six for each step tried, one for each restart."""
    field, calls = counting(NONLINEAR.field)
    solution = solve(Problem(field).stepper(name), one(nodes), Y0[1:2])
    tried = solution.statistics.accepted[0] + solution.statistics.rejected[0]
    assert len(calls) == 2 + 6 * tried + len(nodes) - 2
    assert solution.statistics.evaluations[0] == len(calls)


def test_rejections_happen_and_are_counted_but_not_stored():
    sharp = Problem(lambda s, y, p: 1 / (1 + ((s - 1) / 0.01) ** 2)[:, None] + 0 * y)
    solution = solve(sharp.stepper("dopri5"), one([0.0, 2.0]), np.zeros((1, 1)), rtol=1e-6, atol=1e-9)
    assert solution.statistics.rejected[0] > 0
    assert len(recorded(solution)) == solution.statistics.accepted[0]
    assert abs(solution.final[0, 0] - 0.02 * np.arctan(100)) < 1e-6


def test_no_sliver_is_left_before_a_node():
    solution = solve(NONLINEAR.stepper("tsit5"), one(np.linspace(0, 5, 7)), Y0[:1], rtol=1e-9, atol=1e-9)
    record = recorded(solution)
    for j in range(6):
        steps = record.fraction[(record.segment[:, 0] == j), 0]
        assert len(steps) > 1 and steps[-1] >= 0.4 * steps[-2]


def test_a_restart_begins_with_the_step_size_it_has():
    """Many nodes on a smooth path cost no more than the steps between them need."""
    smooth = solve(NONLINEAR.stepper("tsit5"), one([0.0, 2.0]), Y0[:1]).statistics.accepted[0]
    cut = solve(NONLINEAR.stepper("tsit5"), one(np.linspace(0, 2, 11)), Y0[:1]).statistics.accepted[0]
    assert cut < smooth + 25


def test_a_short_segment_leaves_the_step_size_as_it_is():
    smooth = solve(NONLINEAR.stepper("tsit5"), one([0.0, 2.0]), Y0[:1]).statistics.accepted[0]
    cut = solve(NONLINEAR.stepper("tsit5"), one([0.0, 1.0, 1.0 + 1e-6, 2.0]), Y0[:1]).statistics.accepted[0]
    assert cut <= smooth + 3


def test_an_error_is_measured_beside_the_larger_of_both_states():
    scale = Tolerance(np.array([0.1, 0.01]), 1.0).scale(np.array([[3.0, -50.0]]), np.array([[-20.0, 4.0]]))
    assert scale.tolist() == [[3.0, 1.5]]
    assert rms(np.array([[3.0, 4.0, 0.0, 0.0]])).tolist() == [2.5]


def test_a_segment_of_length_zero_needs_no_field():
    """The field is infinite where the first sample stands still."""
    pole = Problem(lambda s, y, p: 1 / (s - 0.5)[:, None] + 0 * y)
    grid = Grid(np.array([[0.5, 0.5], [0.0, 0.25]]))
    for steps in (None, 3):
        solution = solve(pole.stepper("tsit5"), grid, np.ones((2, 1)), steps=steps)
        assert solution.final[0, 0] == 1 and abs(solution.final[1, 0] - (1 + np.log(0.5))) < 1e-3
        assert solution.dense(np.array([[0.5], [0.25]]))[0, 0, 0] == 1


def test_tolerances_may_differ_between_components():
    """Both components are exponentials; the second is free to be wrong and so does not make the steps small."""
    grow = Problem(lambda s, y, p: np.stack([0.1 * y[:, 0], 8 * np.cos(9 * s)], 1))
    y0, grid = np.ones((1, 2)), one([0.0, 3.0])
    both = solve(grow.stepper("tsit5"), grid, y0, rtol=1e-9, atol=1e-9)
    one_free = solve(grow.stepper("tsit5"), grid, y0, rtol=np.array([1e-9, 1.0]), atol=np.array([1e-9, 1e3]))
    assert one_free.statistics.accepted[0] < both.statistics.accepted[0] / 2
    assert abs(one_free.final[0, 0] - np.exp(0.3)) < 1e-8


@pytest.mark.parametrize("samples", [0, 1, 5])
@pytest.mark.parametrize("steps", [None, 3])
def test_any_batch_size_will_do(samples, steps):
    grid = Grid(np.tile([0.0, 1.0, 2.0], (samples, 1)))
    solution = solve(NONLINEAR.stepper("tsit5"), grid, np.full((samples, 2), 0.7), steps=steps)
    assert solution.node_states.shape == (samples, 3, 2)
    assert solution.dense(np.array([0.5, 1.5])).shape == (samples, 2, 2)
    assert np.isfinite(solution.node_states).all()


def test_a_method_without_error_estimate_needs_a_number_of_steps():
    assert not tableau("rk4").adaptive
    with pytest.raises(ModelError, match="'rk4' has no error estimate; give a number of steps"):
        solve(NONLINEAR.stepper("rk4"), one([0, 1]), Y0[:1])


@pytest.mark.parametrize("pair", [(-1e-3, 1e-3), (0.0, 0.0), (np.nan, 1.0), (1e-3, np.inf)])
def test_senseless_tolerances_are_refused(pair):
    with pytest.raises(ModelError, match="none negative, not both 0"):
        Tolerance(*pair)


@pytest.mark.parametrize("change", [{"safety": 1.5}, {"smallest": 1.2}, {"largest": 0.9}, {"integral": 0.0}])
def test_senseless_controllers_are_refused(change):
    with pytest.raises(ModelError, match="cannot control steps"):
        Controller(**change)


def test_a_controller_shrinks_on_large_errors_and_on_none():
    control = Controller()
    assert control.grow(np.array([1e-9]), np.ones(1), 5) == control.largest
    assert control.shrink(np.array([np.nan]), 5) == control.smallest
    assert control.grow(np.array([1.0]), np.array([1e-2]), 5) < control.grow(np.array([1.0]), np.array([1.0]), 5)


def test_flags_of_pieces_reach_the_field_segment_by_segment():
    grid = Grid(np.array([[0.0, 1.0, 2.0], [0.0, 0.5, 0.5]]), np.stack([np.eye(2), np.eye(2)[::-1]]))
    final = solve(jumping().stepper("tsit5"), grid, np.ones((2, 1)), rtol=1e-11, atol=1e-11).final[:, 0]
    assert np.allclose(final, np.exp([1 - 2, -1]), rtol=1e-9, atol=0)
