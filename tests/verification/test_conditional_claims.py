"""Claims on flows that see the data, or choose their depths: other seeds, counterexamples by hand, what the measurements see."""

from functools import cache

import numpy as np
import pytest

from odeanalysis.verification import runner
from odeanalysis.verification.claims import adaptive_reflection, conditional_flow, conditional_necessity
from odeanalysis.verification.claims.adaptive_reflection import PAIR, Tried
from odeanalysis.verification.strategies.drawing import draw
from odeanalysis.verification.strategies.exact_flows import pulled
from tests.verification.test_claims import VERDICTS

NAMES = ("conditional-necessity", "adaptive-reflection")


@cache
def report(name):
    return runner.examine(name, 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_does_not_depend_on_what_is_drawn(name):
    found = runner.examine(name, 3)
    assert found.verdict == VERDICTS[name] and found.backed, [check for check in found.checks if not check.passed]
    assert {check.name for check in found.checks} != {check.name for check in report(name).checks}


# ---------------------------------------------------------------- by hand


def test_the_flow_at_rest_fits_the_exchanged_mixture():
    shown = report("conditional-necessity").counterexample
    assert shown is not None and shown["field"] == "z' = 0, an unconditional flow"
    assert shown["largest distance of the distribution functions"] == {"solver": 0.0, "SciPy": 0.0}


def test_parallel_paths_reflect_one_sign_of_the_data_only():
    """z' = 1: the path of -1 passes 1 at s = 2, that of 1 only moves away from -1; backward it is the other way round."""
    shown = report("adaptive-reflection").counterexample
    assert shown is not None and shown["field"] == "z' = 1"
    assert set(shown["nearest to -1 from x = 1"].values()) == {2.0} and set(shown["nearest to 1 from x = -1"].values()) == {0.0}
    assert set(shown["the same over [-s_x, 0] from x = 1"].values()) == {0.0}


# ---------------------------------------------------------------- what the measurements see


def test_a_path_that_passes_between_two_depths_is_seen():
    far = Tried(adaptive_reflection.affine(0, 5), 1.0, 64.0)
    gaps = np.abs(far.paths["solver"] + far.x)
    assert far.nearest["solver"] == pytest.approx([2, 0]) and gaps[1].min() > 1e-3 and np.array_equal(far.x, PAIR)


def test_how_far_a_path_goes_back_is_seen():
    """Up and down, and down and up; noise on the way does not add up."""
    paths = np.array([[0.0, 1.0, 0.5, 2.0], [0.0, -1.0, -0.4, -2.0]])
    assert adaptive_reflection.farthest_back(paths) == pytest.approx(0.6)
    assert adaptive_reflection.farthest_back(np.array([[0.0, 1.0, 2.0], [0.0, -1.0, -2.0]])) == 0
    wiggles = np.linspace(0, 1, 101) + 1e-3 * np.tile((0, -12), 51)[:101]
    assert adaptive_reflection.farthest_back(np.array([wiggles, -wiggles])) == pytest.approx(2e-3)


def test_the_wave_reaches_both():
    """1 + 2 sin s = -1 at s = 3 pi/2, and -1 + 2 sin s = 1 at s = pi/2."""
    wave = Tried(adaptive_reflection._wave(), 1.0, 8.0)
    assert max(wave.errors.values()) < 0.01 and all(gap.clearly_missed for gap in wave.floor) and not wave.monotone.passed


def test_medians_are_missed_unless_the_field_sees_the_data():
    task = conditional_necessity.Task(1.5, 0.5)
    assert list(conditional_necessity.misses(conditional_necessity.affine(0, 0), task).values()) == pytest.approx([2, 2])
    assert list(conditional_necessity.misses(pulled(1, 0, 2), task).values()) == pytest.approx([0, 0], abs=1e-9)


def test_a_mixture_is_fitted_in_equal_parts_only():
    still, moved = conditional_necessity.affine(0, 0), conditional_necessity.affine(0, 1)
    even, uneven = conditional_necessity.Task(), conditional_necessity.Task(weight=0.25)
    assert max(conditional_necessity.distances(still, even).values()) == 0 < min(conditional_necessity.distances(moved, even).values())
    assert min(conditional_necessity.distances(still, uneven).values()) > 0.4


def test_every_map_with_a_fold_has_its_density_measured_with_a_margin():
    """Whichever a seed draws: six maps, a hundred times better than the bound on them."""
    models = {one.title: one for one in draw(conditional_flow.folding(), 40, 0)}
    assert len(models) == 6
    for title, one in models.items():
        gaps = conditional_flow._inside(one).gaps(conditional_flow.density)
        assert max(gap.measured / gap.bound for gap in gaps) < 1e-2, title
