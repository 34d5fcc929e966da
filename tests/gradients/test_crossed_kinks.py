"""The derivative of steps across a kink errs by their length: whoever asks for it is told, and nobody else."""

import re
import warnings

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.kinks import KinkWarning
from odeanalysis.verification.certificate.certificate import check

s, z, p = oda.depth, oda.block("z"), oda.block("p")
v = oda.block("v", 3)
OF_STEPS = (oda.DiscreteAdjoint(), oda.Differences(), oda.ComplexStep())
RIGHT = (oda.ContinuousAdjoint(), oda.Forward())
SETTINGS = oda.Settings(rtol=1e-6, atol=1e-8)


def stated(field, domain=(0, 2), running=0, start=0.0, **more):
    return oda.Problem(oda.Model({z: field}, {z: start}, domain, (p,), name="bent", **more), oda.Objective(z**2, running=running))


MEASURED = stated(oda.cos(3 * s) + 2 * oda.maximum(z, p) * oda.relu(oda.sin(3 * s)), start=0.3)
CROSSED = {
    "maximum(z, p)": (MEASURED, 1),
    "relu(z - p)": (stated(1 + oda.relu(z - p)), 1),
    "minimum(z, p)": (stated(2 - oda.minimum(z, p)), 1),
    "abs(p - z)": (stated(1 + oda.abs(z - p)), 1),
    "where(z > 1, z, 1)": (stated(p * oda.where(z > 1, z, 1)), 1),
    "maximum(z, 1)": (stated(p * oda.elu(z - 1) + oda.maximum(z, 1) + 2 * oda.minimum(z, 1)), 1),
    "relu(z - 1)": (stated(p + 0 * z, running=oda.relu(z - 1)), 1),
    "relu(sin(p*s))": (stated(oda.relu(oda.sin(p * s)), (0, 7)), 1),
    "relu(sin(3*s))": (stated(oda.relu(oda.sin(3 * s)), (0, p + 1.5)), 2),
    "abs(u)": (stated(1 + oda.abs(oda.block("u")) * z, functions={oda.block("u"): s**2 - p}), 1),
}
SMOOTH = {
    "never reached": stated(1 + oda.relu(z - 9 - p)),
    "on one side": stated(1 + oda.maximum(z, -p)),
    "elu": stated(1 + oda.elu(z - p)),
    "a kink in depth, at a break point": stated(oda.relu(s - p) + z),
    "a kink at a depth that is fixed": stated(oda.relu(oda.sin(3 * s)) * z + p),
    "a kink at the end of a step": stated(1 + oda.relu(oda.sin(p * s) * 3), (0, 5), breakpoints=(np.pi / p, 2 * np.pi / p)),
    "in the terminal cost alone": oda.Problem(oda.Model({z: p}, {z: 0}, (0, 2), (p,)), oda.Objective(oda.relu(z - 0.5))),
}
EACH = pytest.mark.parametrize("name", CROSSED)


def told(problem, values, sensitivity, settings=SETTINGS):
    """An evaluation, and what was said of kinks."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = oda.evaluate(problem, values, settings, sensitivity)
    return found, [str(one.message) for one in heard if issubclass(one.category, KinkWarning)]


def penalised(measure):
    """int l |ds| or int l ds over [0, p x], l = 3, of which samples with x = 0 have nothing."""
    x = oda.block("x")
    model = oda.Model({z: -z}, {z: 1}, (0, p * x), (p,), (x,), name="penalised")
    return oda.regularize(oda.Problem(model, oda.Objective()), term=3, measure=measure)


@pytest.mark.parametrize("way", [*OF_STEPS, *RIGHT])
def test_a_penalty_on_a_domain_without_length_is_the_mean_of_both_sides_and_says_so(way):
    """3 |p x| has the derivatives 3 |x| and -3 |x| in p from the sides of p = 0, and 0 is given."""
    found, said = told(penalised("absolute"), {"p": 0.0, "x": 2.0}, way)
    assert found.gradients["p"] == pytest.approx(0, abs=1e-9)
    (message,) = said
    assert message.startswith(
        "the domain of 'penalised' has no length, and a cost int l abs(ds) has a kink in its ends there: what is given"
    )
    assert told(penalised("absolute"), {"p": 1.0, "x": np.array([1.0, 0.0])}, way)[1][0].startswith(
        "the domain of 'penalised' has no length in sample 1, and"
    )
    sides = [told(penalised("absolute"), {"p": side, "x": 2.0}, way) for side in (1e-3, -1e-3)]
    assert [one.gradients["p"] for one, _ in sides] == pytest.approx([6, -6], rel=1e-6) and all(not heard for _, heard in sides)


def test_no_kink_is_told_of_where_there_is_none():
    """int l ds is smooth there, and ends that are numbers do not move."""
    assert told(penalised("signed"), {"p": 0.0, "x": 2.0}, RIGHT[0])[1] == []
    still = oda.regularize(stated(p * z, (1, 1)), kinetic=1, measure="absolute")
    assert told(still, {"p": 1.0}, RIGHT[0])[1] == []


def test_the_gradient_of_steps_is_off_where_it_is_said_to_be():
    """What is told is true: the derivative of the steps errs by a per cent at 1e-8, and the other two agree to 1e-5."""
    settings = oda.Settings()
    steps, adjoint, forward = (told(MEASURED, {"p": 0.5}, one, settings)[0].gradients["p"] for one in (OF_STEPS[0], *RIGHT))
    assert adjoint == pytest.approx(forward, rel=1e-5) and abs(steps / forward - 1) > 5e-3


@EACH
@pytest.mark.parametrize("sensitivity", OF_STEPS, ids=lambda one: one.name)
def test_a_crossed_kink_is_told_once_and_counted(name, sensitivity):
    problem, count = CROSSED[name]
    found, heard = told(problem, {"p": 0.6}, sensitivity)
    assert len(heard) == 1 and f"'bent' crosses the kink of {name} near depth" in heard[0]
    assert "--sensitivity adjoint or forward" in heard[0] and found.statistics["kinks"] == count


@EACH
@pytest.mark.parametrize("sensitivity", RIGHT, ids=lambda one: one.name)
def test_sensitivities_with_steps_of_their_own_need_no_warning(name, sensitivity):
    assert told(CROSSED[name][0], {"p": 0.6}, sensitivity)[1] == []


@pytest.mark.parametrize("name", SMOOTH)
def test_nothing_is_said_where_no_kink_is_crossed(name):
    found, heard = told(SMOOTH[name], {"p": 0.7}, OF_STEPS[0])
    assert heard == [] and "kinks" not in found.statistics


@pytest.mark.parametrize(
    "settings", [SETTINGS, oda.Settings("heun2", steps=7), oda.Settings("radau", rtol=1e-6)], ids=lambda one: one.method
)
def test_the_depth_is_that_of_the_crossing(settings):
    """z = s until it reaches p."""
    heard = told(CROSSED["relu(z - p)"][0], {"p": 0.643}, OF_STEPS[0], settings)[1]
    place = re.search(r"near depth (\S+):", heard[0])
    assert place and float(place[1]) == pytest.approx(0.643, abs=0.02)


def test_entries_of_vectors_are_counted_one_by_one():
    """Two of three entries cross: v = s + v0 until it reaches 0."""
    model = oda.Model({v: 1 + oda.relu(v) * p}, {v: oda.concat(-0.25, 1, -0.5)}, (0, 1), (p,), name="bent")
    found, heard = told(oda.Problem(model, oda.Objective(oda.sumsq(v))), {"p": 0.6}, OF_STEPS[0])
    assert found.statistics["kinks"] == 2 and "relu(v) near depth 0.25, the first of 2 such crossings" in heard[0]


def test_samples_are_counted_one_by_one():
    """The first sample ends before its kink; the last takes the most steps."""
    problem = stated(1 + oda.relu(z - p) * (1 + p))
    found, heard = told(problem, {"p": [5.0, 1.3, 0.4]}, OF_STEPS[0])
    assert found.statistics["kinks"] == 2 and len(heard) == 1
    assert "near depth 0.4 in sample 2" in heard[0] or "near depth 1.3 in sample 1" in heard[0]


def test_a_kink_in_the_last_step_is_seen():
    assert told(stated(1 + oda.relu(z - p)), {"p": 1.99}, OF_STEPS[0], oda.Settings("rk4", steps=3))[0].statistics["kinks"] == 1


def test_a_kink_in_the_last_step_of_a_sample_that_waits_for_others_is_seen():
    found = told(stated(1 + oda.relu(z - p)), {"p": [1.9999, 0.3]}, OF_STEPS[0])[0]
    assert found.statistics["kinks"] == 2


def test_second_derivatives_lack_what_crossings_add():
    """z(2) = p + exp(2 - p) - 1: its second derivative is exp(2 - p), that of the steps has no part of it but rounding."""
    problem = oda.Problem(oda.Model({z: 1 + oda.relu(z - p)}, {z: 0}, (0, 2), (p,), name="bent"), oda.Objective(z))
    with pytest.warns(KinkWarning, match=r"the kink of relu\(z - p\) near depth 1: second derivatives of its steps lack"):
        found = oda.hessian(oda.solve_problem(problem, {"p": 1.0}), ("p",))
    assert abs(found[0, 0] - np.e) > 1


def kink_warnings(ask):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        ask()
    return [str(one.message) for one in heard if issubclass(one.category, KinkWarning)]


def test_a_fit_tells_of_kinks_at_its_estimate_alone():
    """p + exp(2 - p) - 1 = 3 at p = 0.854, where z = s crosses p; the search and its second derivatives cross elsewhere too."""
    at = oda.Observation((2.0,), (z - oda.block("y")) ** 2, (oda.block("y"),))
    problem = oda.Problem(stated(1 + oda.relu(z - p)).model, oda.Objective(observations=(at,)))
    heard = kink_warnings(lambda: oda.fit(problem, {"p": 0.6, "y": [3.0]}))
    assert len(heard) == len(set(heard)) and all("near depth 0.854:" in one for one in heard)
    assert ["standard errors" in one for one in heard].count(True) == 1


def test_a_certificate_tells_of_kinks_once():
    heard = kink_warnings(lambda: check(stated(1 + oda.relu(z - p)), {"p": 0.6}))
    assert len(heard) == 1 and "near depth 0.6:" in heard[0]
