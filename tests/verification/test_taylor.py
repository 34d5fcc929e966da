"""The Taylor test: slope 2 for a right gradient, slope 1 for a wrong one, and no verdict from noise."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.verification.independent import taylor
from tests.cases import CASES

SLOPES = ("closed_form", "everything_moves", "network_batch", "observed_on_a_switch", "holes_of_their_own", "ragged_switches")


def run_of(name, **settings):
    return oda.solve_problem(CASES[name].problem(), CASES[name].values(), oda.Settings(**settings))


def slopes(run, gradient, count=3):
    return [taylor.slope(line, gradient) for line in taylor.lines(run, taylor.directions(run, count, seed=1))]


def artificial(remainder, scale=1.0, noise=0.0):
    """A line along one number with slope 1 and a given remainder, and noise that changes its sign from size to size."""
    shaken = noise * (-1.0) ** np.arange(len(taylor.SIZES))
    values = 1 + taylor.SIZES + remainder(taylor.SIZES) + shaken
    return taylor.Line({"x": np.array(1.0)}, taylor.SIZES, values, 1.0, scale)


RIGHT, WRONG = {"x": np.array(1.0)}, {"x": np.array(1.0 + 1e-4)}


@pytest.mark.parametrize("name", SLOPES)
def test_the_discrete_adjoint_has_slope_two_at_coarse_steps(name):
    run = run_of(name, method="heun2", steps=5)
    assert all(one.passed for one in slopes(run, oda.DiscreteAdjoint().gradients(run)))


@pytest.mark.parametrize("name", SLOPES)
def test_a_wrong_gradient_has_slope_one(name):
    run = run_of(name, method="heun2", steps=5)
    gradient = oda.DiscreteAdjoint().gradients(run)
    for one in slopes(run, {key: 1.001 * block for key, block in gradient.items()}):
        assert one.slope == pytest.approx(1, abs=0.02) and not one.passed


def test_directions_are_as_large_as_the_values_and_leave_holes_alone():
    run = run_of("holes_of_their_own", method="heun2", steps=5)
    for direction in taylor.directions(run, 3, seed=5):
        for name, array in run.setting.bound.arrays.items():
            assert 0.5 <= np.linalg.norm(direction[name]) / np.sqrt(np.nansum(array**2)) <= 1
            assert not direction[name][np.isnan(array)].any()


def test_directions_are_repeatable_and_differ():
    run = run_of("closed_form", method="heun2", steps=5)
    first, again = (taylor.directions(run, 2, seed=3) for _ in range(2))
    assert all((first[i][key] == again[i][key]).all() for i in range(2) for key in first[i])
    assert first[0]["theta"] != first[1]["theta"]


def test_a_loss_that_is_affine_along_the_line_is_exact():
    """z' = c: z(S) is linear in c."""
    z, c = oda.block("z"), oda.block("c")
    problem = oda.Problem(oda.Model({z: c}, {z: 0}, (0, 1), (c,)), oda.Objective(z))
    run = oda.solve_problem(problem, {"c": 0.7}, oda.Settings("rk4", steps=3))
    assert all(one.exact and one.passed for one in slopes(run, {"c": np.array(1.0)}))
    assert not any(one.passed for one in slopes(run, {"c": np.array(1.0 + 1e-6)}))


def test_the_slope_is_fitted_above_the_noise():
    quadratic = artificial(lambda e: 0.3 * e**2, noise=5e-16)
    assert taylor.slope(quadratic, RIGHT).slope == pytest.approx(2, abs=0.02)
    assert taylor.slope(quadratic, WRONG).slope == pytest.approx(1, abs=0.02)


def test_noise_alone_is_no_remainder():
    assert taylor.slope(artificial(lambda e: 0 * e, noise=5e-16), RIGHT).exact


def test_a_remainder_that_stands_clear_at_two_sizes_only_decides_nothing():
    one = taylor.slope(artificial(lambda e: 4e-12 * (e >= 0.125)), RIGHT)
    assert one.slope is None and not one.exact and not one.passed


def test_the_noise_is_that_of_the_loss_where_it_is_more_than_rounding():
    """A loss that is shaken by 1e-9: the slope of a wrong gradient is fitted above that, and a remainder below it is none."""
    shaken = artificial(lambda e: 0.3 * e**2, noise=1e-9)
    assert 1e-9 < shaken.floor < 1e-7 and artificial(lambda e: 0.3 * e**2).floor < 1e-13
    assert taylor.slope(shaken, RIGHT).slope == pytest.approx(2, abs=0.05)
    assert taylor.slope(artificial(lambda e: 0 * e, noise=1e-9), RIGHT).exact
    assert taylor.slope(shaken, {"x": np.array(1.01)}).slope == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("curvature", "slope"), [(0.6, 3), (0.61, 2), (0.0, 2)])
def test_the_remainder_of_order_two_has_slope_three(curvature, slope):
    """ell = 1 + e + 0.3 e^2 + 0.1 e^3, whose second derivative is 0.6."""
    cubic = artificial(lambda e: 0.3 * e**2 + 0.1 * e**3)
    found = taylor.slope(cubic, RIGHT, curvature)
    assert found.due == 3 and found.slope == pytest.approx(slope, abs=0.1) and found.passed == (slope == 3)


def test_a_remainder_of_higher_order_is_seen_to_fall_fast_enough():
    """It stands clear at two sizes, and lies in the noise at the third: its slope is at least what noise would hide."""
    steep = taylor.slope(artificial(lambda e: 1e-4 * e**8), RIGHT, 0.0)
    assert steep.passed and 3 <= steep.measured < 8


def test_losses_that_are_not_finite_decide_nothing():
    """And are not taken for a remainder that vanishes."""
    assert taylor.slope(artificial(lambda e: np.nan * e), RIGHT) == taylor.Slope(None, exact=False)


def test_sizes_that_lead_out_of_the_domain_are_left_out():
    """log z along a direction that takes z below 0: the loss is not finite there, and the smaller sizes decide."""
    z, k = oda.block("z"), oda.block("k")
    problem = oda.Problem(oda.Model({z: -oda.log(z)}, {z: k}, (0, 0.5), (k,)), oda.Objective(z**2))
    run = oda.solve_problem(problem, {"k": 0.05}, oda.Settings("heun2", steps=60))
    downhill = {"k": np.array(-1.0)}
    with pytest.raises(oda.SolveError):
        taylor.lines(run, [downhill], sizes=np.array([0.25]))
    (line,) = taylor.lines(run, [downhill])
    assert line.sizes[0] < 0.05 and taylor.slope(line, oda.DiscreteAdjoint().gradients(run)).passed


def test_all_lines_at_once_are_the_lines_one_by_one():
    run = run_of("network_batch", method="heun2", steps=5)
    along = taylor.directions(run, 2, seed=4)
    together, alone = taylor.lines(run, along), [taylor.lines(run, [one])[0] for one in along]
    for one, other in zip(together, alone, strict=True):
        assert one.values == pytest.approx(other.values, rel=1e-14) and one.origin == other.origin
