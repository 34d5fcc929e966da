"""Certificates: a right gradient is confirmed on every case, a wrong one refuted, and what cannot be decided is not decided."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.verification.certificate import ENTRIES, verdict
from odeanalysis.verification.claim import Check
from tests.cases import CASES

EVERY = pytest.mark.parametrize("name", CASES)
RIGHT = DiscreteAdjoint.gradients


@cache
def certified(name):
    return oda.check(CASES[name].problem(), CASES[name].values())


def failed(certificate):
    return {check.name for check in certificate.checks if check.passed is False}


@EVERY
def test_the_gradient_of_every_case_is_confirmed(name):
    """Forward, discrete and continuous at tolerance 1e-12 agree to 1e-9 times the conditioning, and SciPy's losses with them."""
    certificate = certified(name)
    assert certificate.verdict == "confirmed", [check for check in certificate.checks if not check.passed]
    assert set(certificate.routes) == {"adjoint", "forward", "complex step", "differences", "independent"}
    assert not certificate.skipped and all(slope >= 1.9 for slope in certificate.slopes)


@EVERY
def test_bounds_are_widened_by_kinks_alone(name):
    """Where steps fall matters less than the bounds allow; not so across a kink of the state, which a step resolves to its length.

    A break point given by hand at which nothing jumps has a gradient of nothing but errors, measured against a share of the largest.
    """
    certificate = certified(name)
    wide = name in ("kinks", "continuous_condition", "hand_given_breaks")
    assert (certificate.resolution > 3e-9 * certificate.conditioning) == wide
    bounds = {check.name: check.bound for check in certificate.checks}
    assert bounds["route complex step"] == max(1e-9 * certificate.conditioning, certificate.resolution)


# ---------------------------------------------------------------- wrong gradients


def flipped(name, factor=-1.0):
    return lambda gradient, run: {**gradient, name: factor * gradient[name]}


def transposed(name):
    return lambda gradient, run: {**gradient, name: gradient[name].T.reshape(gradient[name].shape)}


def swapped_samples(name):
    return lambda gradient, run: {**gradient, name: gradient[name][::-1]}


def summed(gradient, run):
    """The sum over the batch where the mean was asked for, in the shared names."""
    batched = run.setting.bound.batched
    return {name: block if name in batched else run.setting.batch * block for name, block in gradient.items()}


def without_missing_data(gradient, run):
    """Data that are missing counted as if they were 0."""
    return {name: np.where(np.isnan(run.setting.bound.arrays[name]), 0.1, block) for name, block in gradient.items()}


WRONG = {
    "a sign": ("closed_form", flipped("theta")),
    "a dropped block": ("everything_moves", flipped("w", 0.0)),
    "one part in a million": ("closed_form", flipped("theta", 1 + 1e-6)),
    "one part in ten million": ("state_blocks", flipped("B", 1 + 1e-7)),
    "a transpose": ("state_blocks", transposed("A")),
    "another order of the weights": ("network_batch", transposed("W")),
    "samples exchanged": ("network_batch", swapped_samples("x")),
    "a sum for a mean": ("network_batch", summed),
    "data shifted by one": ("observed_unordered", lambda g, run: {**g, "seen": np.roll(g["seen"], 1)}),
    "missing data": ("missing_data", without_missing_data),
    "the depth of a switch": ("moving_switch", flipped("s1", 0.999)),
    "a switch behind a kink": ("kinks", flipped("k", 1.01)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_gradient_is_refuted(monkeypatch, wrong):
    name, change = WRONG[wrong]
    monkeypatch.setattr(DiscreteAdjoint, "gradients", lambda self, run: change(RIGHT(self, run), run))
    certificate = oda.check(CASES[name].problem(), CASES[name].values())
    assert certificate.verdict == "refuted" and failed(certificate)


@pytest.mark.parametrize("wrong", ["a sign", "a sum for a mean", "data shifted by one"])
def test_every_check_that_can_see_it_refutes_it(monkeypatch, wrong):
    name, change = WRONG[wrong]
    monkeypatch.setattr(DiscreteAdjoint, "gradients", lambda self, run: change(RIGHT(self, run), run))
    found = failed(oda.check(CASES[name].problem(), CASES[name].values()))
    assert found >= {f"route {route}" for route in ("adjoint", "forward", "complex step", "differences", "independent")}
    assert found >= {"Taylor slope 1", "Taylor slope 2", "Taylor slope 3"}


def test_a_wrong_step_breaks_the_invariant(monkeypatch):
    """The reverse step with a factor too many in the cotangent of the state."""
    from odeanalysis.verification import invariant

    right = invariant.step_cotangents
    monkeypatch.setattr(invariant, "step_cotangents", lambda *arguments: 1.000001 * right(*arguments))
    certificate = oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values())
    assert failed(certificate) == {"invariant along the path"} and certificate.verdict == "refuted"


def test_a_gradient_that_is_not_finite_is_no_gradient(monkeypatch):
    monkeypatch.setattr(DiscreteAdjoint, "gradients", lambda self, run: flipped("theta", np.nan)(RIGHT(self, run), run))
    with pytest.raises(oda.SolveError, match="gradient of 'model' with respect to 'theta' is not finite"):
        oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values())


def test_a_zero_gradient_is_refused_in_every_run():
    control = {check.name: check for check in certified("closed_form").checks}["zero gradient refused"]
    assert control.passed and control.measured == pytest.approx(1, abs=0.05)


# ---------------------------------------------------------------- what cannot be decided


def test_a_loss_that_depends_on_nothing_is_inconclusive():
    z, k = oda.block("z"), oda.block("k")
    problem = oda.Problem(oda.Model({z: -z}, {z: 1}, (0, 1), (k,)), oda.Objective(terminal=z))
    certificate = oda.check(problem, {"k": 1.0})
    assert certificate.verdict == "inconclusive" and not failed(certificate)
    assert {check.name for check in certificate.checks if check.passed is None} == {"zero gradient refused"}


def test_a_remainder_that_no_size_shows_is_inconclusive(monkeypatch):
    from odeanalysis.verification import taylor

    monkeypatch.setattr(taylor, "slope", lambda line, gradient: taylor.Slope(None))
    certificate = oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values())
    assert certificate.verdict == "inconclusive" and np.isnan(certificate.slopes).all()


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        ([True, True], "confirmed"),
        ([True, None], "inconclusive"),
        ([None, False], "refuted"),
        ([True, False], "refuted"),
    ],
)
def test_one_failure_refutes_and_one_doubt_leaves_open(passed, expected):
    assert verdict([Check("", 0.0, 0.0, one) for one in passed]) == expected


# ---------------------------------------------------------------- settings


def test_fixed_steps_are_certified_as_they_are():
    """At any steps, against the routes through the same steps; others are left out, with the reason."""
    certificate = oda.check(CASES["moving_ends"].problem(), CASES["moving_ends"].values(), settings=oda.Settings("rk4", steps=4))
    assert certificate.verdict == "confirmed" and certificate.error_bar == 0
    assert set(certificate.routes) == {"complex step", "differences"}
    assert all("a fixed number of steps" in reason for reason in certificate.skipped.values())


def test_a_stiff_problem_with_a_rosenbrock_method():
    settings = oda.Settings("rodas5p", rtol=1e-6, atol=1e-8)
    certificate = oda.check(CASES["scalar_linear"].problem(), CASES["scalar_linear"].values(), settings=settings)
    assert certificate.verdict == "confirmed"


def test_the_error_bar_is_that_of_the_settings_asked_for():
    problem, values = CASES["closed_form"].problem(), CASES["closed_form"].values()
    bars = [oda.check(problem, values, settings=oda.Settings(rtol=rtol, atol=rtol)).error_bar for rtol in (1e-3, 1e-6)]
    exact = oda.evaluate(problem, values, oda.Settings(rtol=1e-13, atol=1e-13)).gradients
    rough = oda.evaluate(problem, values, oda.Settings(rtol=1e-3, atol=1e-3)).gradients
    assert bars[0] == pytest.approx(max(abs(rough[name] / exact[name] - 1) for name in exact), rel=1e-3)
    assert 1e-9 < bars[1] < bars[0] / 100


def test_the_conditioning_is_measured():
    """z' = theta z over S: the gradient in z0, e^{theta S}, changes by theta S relatively when theta does."""
    z, theta, z0 = oda.block("z"), oda.block("theta"), oda.block("z0")
    problem = oda.Problem(oda.Model({z: theta * z}, {z: z0}, (0, 4), (theta, z0)), oda.Objective(z))
    assert oda.check(problem, {"theta": 2.0, "z0": 1.0}).conditioning == pytest.approx(9, rel=1e-6)


def test_many_entries_leave_out_the_routes_that_take_each_of_them():
    n = 18
    z, W, x = oda.block("z", n), oda.block("W", n, n), oda.block("x", n)
    problem = oda.Problem(oda.Model({z: oda.tanh(W @ z)}, {z: x}, (0, 0.1), (W,), (x,)), oda.Objective(oda.sumsq(z)))
    random = np.random.default_rng(0)
    values = {"W": random.normal(size=(n, n)) / 4, "x": random.normal(size=n)}
    certificate = oda.check(problem, values, settings=oda.Settings(rtol=1e-6, atol=1e-6))
    assert n * n + n > ENTRIES and certificate.verdict == "confirmed"
    assert set(certificate.skipped) == {"forward", "complex step", "differences"}
    assert "342 entries for each sample, more than 300" in certificate.skipped["forward"]


def test_a_certificate_is_repeatable_and_leaves_everything_as_it_was():
    problem, values = CASES["network_batch"].problem(), CASES["network_batch"].values()
    before = {name: array.copy() for name, array in values.items()}
    state = np.random.get_state(legacy=False)
    first, again = oda.check(problem, values, seed=4), oda.check(problem, values, seed=4)
    assert replace(first, gradient={}) == replace(again, gradient={})
    assert all((values[name] == before[name]).all() for name in values)
    assert str(np.random.get_state(legacy=False)) == str(state)
    assert oda.check(problem, values, seed=5).slopes != first.slopes


def test_progress_is_reported():
    told = []
    oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values(), report=told.append)
    assert told[0] == "solving" and "route: independent" in told and "Taylor remainders" in told


def test_methods_without_a_discrete_adjoint_cannot_be_certified():
    with pytest.raises(oda.DerivationError, match="'kvaerno5'"):
        oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values(), settings=oda.Settings("kvaerno5"))
