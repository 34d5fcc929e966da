"""Claims on flows: their counterexamples by hand, their verdicts under other seeds, and what is left of them when something is wrong."""

import sys
from itertools import product

import numpy as np
import pytest
import sympy as sp

from odeanalysis.numerics.gradients import methods
from odeanalysis.verification import runner
from odeanalysis.verification.claims import CLAIMS, deep_limit, depth_variance, orientation, well_posedness
from odeanalysis.verification.flows import residual
from odeanalysis.verification.strategies.drawing import draw
from odeanalysis.verification.strategies.scalar_fields import continuous, lipschitz
from tests.verification.test_claims import VERDICTS, flipped_derivative, report

NAMES = ("well-posedness", "order-preservation", "orientation", "depth-variance", "deep-limit")


def counterexample(name):
    found = report(name).counterexample
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_does_not_depend_on_what_is_drawn(name):
    found = runner.examine(name, 3)
    assert found.verdict == VERDICTS[name] and found.backed, [check for check in found.checks if not check.passed]
    assert {check.name for check in found.checks} != {check.name for check in report(name).checks}


@pytest.mark.parametrize("name", NAMES)
def test_theorems_from_outside_are_named_and_checked(name):
    claim = CLAIMS[name]
    assert claim.rests_on and all(one.source and one.checked for one in claim.rests_on)


# ---------------------------------------------------------------- by hand


@pytest.mark.xdist_group("well-posedness")
def test_lines_through_the_origin_all_solve_the_singular_problem():
    """z' = z/s: z = c s has the slope c = c s/s."""
    shown = counterexample("well-posedness")
    assert shown["field"] == "z' = s^(-1) z from 0" and shown["solutions"] == "z = c s for every c"
    assert shown["with theta in L2"].startswith("f = theta^3 z, ") and well_posedness._power(sp.Rational(3, 2)) == "^(3/2)"
    stays, leaves = shown["two of them there, Picard's iteration"]
    assert stays == 0 and leaves == pytest.approx(shown["depth"], abs=1e-12)
    assert list(shown["distance of solutions"].values()) == pytest.approx([shown["depth"]] * 3, rel=1e-3)


@pytest.mark.xdist_group("order-preservation")
def test_paths_of_a_wave_visit_a_common_point_and_never_meet():
    """sin(pi/6) = 1/2: the path of 0 passes 1/2, where that of 1/2 begins; they share [1/2, sin 1]."""
    shown = counterexample("order-preservation")
    assert (shown["field"], shown["starting values"]) == ("z' = cos(s)", [0.0, 0.5])
    first, second = shown["depths at which the paths visit it"]
    assert first == pytest.approx(np.pi / 6) and second == 0 and shown["common point"] == 0.5
    assert list(shown["length of the interval that both visit"].values()) == pytest.approx([np.sin(1) - 0.5] * 3, abs=1e-9)


@pytest.mark.xdist_group("orientation")
def test_the_smallest_dimension_that_cannot_be_reflected_and_the_disc_between_the_extremes():
    """Half a turn about an axis that contracts by e^-4: the pole lands on e^-4, at 1 + e^-4 from its reflection."""
    shown = counterexample("orientation")
    space, plane = shown["reflection"], shown["annuli"]
    assert (space["dimension"], space["det of the reflection"]) == (3, -1) and plane["dimension"] == 2
    assert space["det of its flow"] == pytest.approx(np.exp(-4))
    assert list(space["sup |phi(x) + x| over |x| = 1"].values()) == pytest.approx([1 + np.exp(-4)] * 2)
    assert plane["values on the disc of radius 0.5"] == pytest.approx([-0.5, 0.5], abs=1e-9)
    assert plane["values on the circle of radius 1.5"] == pytest.approx([-1.5, 1.5], abs=1e-9)


def test_layers_that_are_not_scaled_have_no_limit():
    """z + theta z, N times: 2, 4, 16, 256 for theta = 1, where z + theta z / N tends to e."""
    one = residual.growing(np.array([1.0, 0.0, 0.0]))
    unscaled, scaled = (deep_limit.measured(one, np.ones((1, 1)), power) for power in (0, 1))
    assert deep_limit._diverges([unscaled]).passed and not deep_limit._diverges([scaled]).passed


@pytest.mark.xdist_group("depth-variance")
def test_two_pieces_reach_what_their_mean_does_not():
    """exp(diag(0, ln 2)) exp(pi J) = diag(1, 2) (-1)."""
    assert report("depth-variance").counterexample is None
    turn, stretch = (piece / 2 for piece in depth_variance.generators(1, 2))
    exact = (sp.Matrix(2, 2, [0, 0, 0, sp.log(2)])).exp() * (sp.pi * sp.Matrix([[0, -1], [1, 0]])).exp()
    assert exact == sp.diag(-1, -2) and turn[1, 0] == pytest.approx(np.pi) and stretch[1, 1] == pytest.approx(np.log(2))


# ---------------------------------------------------------------- what the measurements see


def test_one_solution_is_told_from_many():
    """Picard's iteration and both solvers tell fields with an integrable Lipschitz constant from one that is merely continuous."""
    for one in draw(lipschitz(), 3, seed=5):
        assert max(well_posedness.solutions(one).apart.values()) < 1e-6, one.title
    found = well_posedness.solutions(continuous(sp.Integer(2)))
    assert list(found.apart.values()) == pytest.approx([well_posedness.LATE**2] * 3, rel=1e-3)


def test_the_order_of_the_deep_limit_is_measured():
    """Errors that fall like 1/N^2 are not taken for order 1."""
    layers = deep_limit.LAYERS.astype(float)
    good, bad = (deep_limit.Measured("made", {"SciPy": layers**-power}) for power in (1.0, 2.0))
    assert all(gap.kept for gap in (*good.order(), *good.falling())) and not bad.order()[0].kept
    stuck = deep_limit.Measured("made", {"SciPy": np.full(len(layers), 0.3)})
    assert stuck.falling()[0].clearly_missed


def test_no_choice_of_two_planes_of_read_outs_parts_disc_and_ring():
    """The overlap is the spread of the disc's values at least, for turned and for stretched planes."""
    for angle, read_out in product((0.0, 1.0), (np.array([1.0, 0.0]), np.array([0.6, -0.8]))):
        seen = orientation._seen(orientation.turning(2, angle), [read_out])
        assert all(values.overlap >= 1 and values.outside == 0 for found in seen.read_outs for values in found.values())


# ---------------------------------------------------------------- something is wrong


def module(name):
    """A module by its name, also where its package has a function of that name."""
    return sys.modules[f"odeanalysis.{name}"]


def flipped_divergence(monkeypatch):
    """ld' = -div f."""
    flow = module("modeling.transforms.flow")
    right = flow.growth
    monkeypatch.setattr(flow, "growth", lambda *arguments: -right(*arguments))


def jacobian_without_its_carrier(monkeypatch):
    """D' = f_z in place of f_z D + f_x."""
    jacobian = module("modeling.transforms.total_jacobian")
    monkeypatch.setattr(jacobian, "growth", lambda model, z, c, added: jacobian._block(jacobian.field_formula(model), z, z))


def reversed_pieces(monkeypatch):
    stacked = module("modeling.transforms.stacked")
    right = stacked.pieces
    monkeypatch.setattr(stacked, "pieces", lambda depth, inner, value: right(depth, inner, value[::-1]))


def shifted_coefficients(monkeypatch):
    """sum_j alpha_{-j} psi_j."""
    galerkin = module("modeling.transforms.galerkin")
    right = galerkin.combination
    monkeypatch.setattr(galerkin, "combination", lambda functions, value: right(functions[::-1], value))


def detached_data(monkeypatch):
    """The field is given -x for x."""
    control = module("modeling.transforms.data_control")
    right = control._expression
    monkeypatch.setattr(control, "_expression", lambda model, data: -right(model, data))


def wrong_closed_form(monkeypatch):
    right = residual.evaluate
    monkeypatch.setattr(residual, "evaluate", lambda *arguments: 1.01 * right(*arguments))


def pieces_that_stick(monkeypatch):
    """Conditions on depth are decided once, and never again."""
    right = methods.field_of

    def wrong(setting):
        field = right(setting)
        return lambda s, y, pieces: field(s, y, np.zeros_like(pieces))

    monkeypatch.setattr(methods, "field_of", wrong)


def reversed_field(monkeypatch):
    """Our solvers run along -f."""
    right = methods.field_of

    def wrong(setting):
        field = right(setting)
        return lambda s, y, pieces: -field(s, y, pieces)

    monkeypatch.setattr(methods, "field_of", wrong)


BREAKS = {
    "the divergence in log det": (flipped_divergence, ("order-preservation",)),
    "the total Jacobian": (jacobian_without_its_carrier, ("orientation",)),
    "the derivative of tanh": (lambda m: flipped_derivative(m, "tanh"), ("order-preservation",)),
    "the pieces of stacked weights": (reversed_pieces, ("depth-variance",)),
    "the series of spectral weights": (shifted_coefficients, ("deep-limit",)),
    "the data that the field sees": (detached_data, ("order-preservation",)),
    "the closed form": (wrong_closed_form, ("deep-limit",)),
    "the field": (reversed_field, ("reflection", "well-posedness")),
    "conditions on depth": (pieces_that_stick, ("well-posedness", "depth-variance")),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_one_thing_wrong_and_the_verdict_is_gone(monkeypatch, broken):
    breaks, claims = BREAKS[broken]
    breaks(monkeypatch)
    for name in claims:
        found = runner.examine(name, 0)
        assert found.verdict == "inconclusive" and not found.backed, name
