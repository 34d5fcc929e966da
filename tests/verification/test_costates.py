"""Costates and derivatives on both sides of a depth or a value: against closed forms, and what is seen of a jump."""

import numpy as np
import pytest
from scipy.stats import norm

import odeanalysis as oda
from odeanalysis.numerics.gradients import paths
from odeanalysis.verification.claims.observations import Passed
from odeanalysis.verification.costates import EQUATION, LOSS, Seen
from odeanalysis.verification.flows.conditional import masses_beside
from odeanalysis.verification.measure import TIGHT
from odeanalysis.verification.one_sided import Kink
from odeanalysis.verification.strategies.drawing import draw
from odeanalysis.verification.strategies.problems import passed, penalising

z, p, q, x, seen = (oda.block(name) for name in ("z", "p", "q", "x", "seen"))


def growing(observations=(), domain=(0, 1)):
    """z' = p z, l = z^2."""
    model = oda.Model({z: p * z}, {z: x}, domain, (p,), (x,), name="growing")
    return oda.Problem(model, oda.Objective(0, z**2, observations))


def measured(problem, values):
    return Seen("growing", oda.solve_problem(problem, values, TIGHT))


def test_a_closed_form():
    """a(s) = x (e^{p (2 - s)} - e^{p s})/p."""
    one = measured(growing(), {"p": 0.5, "x": 1.2})
    known = 1.2 * (np.exp(0.5 * 1.7) - np.exp(0.5 * 0.3)) / 0.5 * float(one.direction["z"])
    for sides in one.at(0.3).values():
        assert (sides.before, sides.after) == (pytest.approx(known, rel=1e-7), pytest.approx(known, rel=1e-7))


@pytest.mark.parametrize("domain", [(0, 1), (1, 0)])
def test_the_jump_where_data_are_observed_twice(domain):
    """2 (z - seen) for each datum, in both directions; the mean over two samples halves it."""
    problem = growing((oda.Observation((0.2, 0.4, 0.4), (z - seen) ** 2, (seen,)),), domain)
    one = measured(problem, {"p": 0.5, "x": np.array([1.2, -0.4]), "seen": np.array([9.0, 0.3, -0.1])})
    state = one.states(0.4)["z"]
    known = float(np.sum((2 * (state - 0.3) + 2 * (state + 0.1)) / 2 * one.direction["z"]))
    gaps, agreed = one.across(0.4, known)
    assert agreed.passed and [gap.way for gap in gaps] == [EQUATION, LOSS] and all(gap.kept for gap in gaps)
    assert one.observed(0.4) == pytest.approx(known) and all(gap.clearly_missed for gap in one.across(0.4)[0])


def test_the_figure_has_a_vertical_line_at_the_jump():
    problem = growing((oda.Observation((0.4,), (z - seen) ** 2, (seen,)),))
    (line,) = measured(problem, {"p": 0.5, "x": 1.2, "seen": np.array([0.3])}).figure.lines
    (place,) = np.nonzero(np.diff(line.x) == 0)[0]
    assert line.x[place] == 0.4 and line.y[place] - line.y[place + 1] == pytest.approx(2 * (1.2 * np.exp(0.2) - 0.3))


def test_a_length_has_a_kink_where_it_vanishes():
    """int |ds| over [0, q] is |q|, int ds is q."""
    stated = oda.Problem(oda.Model({z: z}, {z: 1}, (0, q), (q,), name="length"), oda.Objective(0, 1))
    for problem, jump in ((penalising(stated), 2), (stated, 0)):
        kink = Kink(problem, {"q": 0.0}, "q")
        assert list(kink.jumps.values()) == pytest.approx([jump, jump], abs=1e-9)
        assert [gap.kept for gap in kink.gaps("length", 2.0)] == [jump == 2] * 2


def test_a_solve_that_is_not_refused_is_seen(monkeypatch):
    (*_, one) = draw(passed(), 2, seed=0)
    assert Passed(one).refusal.passed
    monkeypatch.setattr(paths, "_check_passing", lambda *arguments: None)
    assert not Passed(one).refusal.passed


def test_masses_beside_a_fold_and_beside_an_ordinary_point():
    sizes = np.array([1e-2, 1e-4])
    assert masses_beside(lambda c: c**2, 0.0, 1.0, sizes) == pytest.approx(norm.cdf(np.sqrt(sizes)) - norm.cdf(-np.sqrt(sizes)))
    assert masses_beside(lambda c: -c, 0.5, 1.0, sizes) == pytest.approx(norm.cdf(0.5 + sizes) - norm.cdf(0.5))
