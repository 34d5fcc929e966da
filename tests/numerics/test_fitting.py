"""Fits against closed forms: where the minimum lies, how sure it is, and what is said where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from odeanalysis import errors
from odeanalysis.modeling.modelfile import loads
from odeanalysis.numerics.curvature import DerivedHessian, GradientDifferences
from odeanalysis.numerics.fitting import Fit, fit
from odeanalysis.numerics.gradients.settings import Settings

# z = a + b s, seen with a known noise of 0.5: weighted linear regression
DEPTHS = (0.0, 0.5, 1.0, 2.0, 3.5, 4.0)
LINE = f"""
domain = [0, 4]
[state]
z = []
[parameters]
a = []
b = []
[field]
z = "b"
[initial]
z = "a"
[[objective.observations]]
at = {list(DEPTHS)}
data = {{ seen = [] }}
cost = "(z - seen)**2/(2*0.5**2)"
"""
DESIGN = np.stack([np.ones(len(DEPTHS)), DEPTHS], axis=1)
SEEN = np.array([1.1, 1.4, 2.3, 2.9, 4.9, 5.0])
COVARIANCE = 0.25 * np.linalg.inv(DESIGN.T @ DESIGN)
# exponential decay from 1 with rate k, observed once
DECAY = """
domain = [0, 1]
[state]
z = []
[parameters]
k = []
[ranges]
k = [0.1, 10]
[field]
z = "-k*z"
[initial]
z = "1"
[objective]
terminal = "(z - 0.05)**2*1e4"
"""


def line_fit(**options):
    return fit(loads(LINE), {"a": 0, "b": 0, "seen": SEEN}, **options)


def covariance(found: Fit) -> np.ndarray:
    assert found.covariance is not None
    return found.covariance


def test_a_line_is_fitted_as_linear_regression_does():
    found = line_fit()
    wanted = np.linalg.lstsq(DESIGN, SEEN, rcond=None)[0]
    assert found.converged and found.message == "converged" and found.entries == ("a", "b")
    assert np.allclose([found.estimates["a"], found.estimates["b"]], wanted, rtol=1e-8)
    assert found.standard_errors is not None and found.correlation is not None
    assert np.allclose(covariance(found), COVARIANCE, rtol=1e-8)
    assert np.allclose([found.standard_errors["a"], found.standard_errors["b"]], np.sqrt(np.diag(COVARIANCE)), rtol=1e-8)
    assert np.allclose(np.diag(found.correlation), 1)
    assert found.values["seen"].shape == (6,) and found.values["a"] == found.estimates["a"]


def test_both_curvatures_agree():
    derived, differences = (line_fit(curvature=one) for one in (DerivedHessian(), GradientDifferences()))
    assert np.allclose(covariance(derived), covariance(differences), rtol=1e-7)
    assert derived.hessian_source != differences.hessian_source


@pytest.mark.parametrize("curvature", [DerivedHessian(), GradientDifferences()], ids=lambda one: type(one).__name__)
def test_curvatures_of_a_nonlinear_model_are_that_of_its_closed_form(curvature):
    found = fit(loads(DECAY), {"k": 1.0}, curvature=curvature)
    # with r = exp(-k) - 0.05 the minimum has r = 0 and the second derivative 2e4 exp(-2 k) = 2e4 * 0.05^2 = 50
    assert found.standard_errors is not None
    assert np.isclose(found.estimates["k"], -np.log(0.05), rtol=1e-6)
    assert np.isclose(found.standard_errors["k"], 50**-0.5, rtol=1e-4)


def test_standard_errors_do_not_depend_on_the_reduction():
    batch = np.stack([SEEN, SEEN + 0.3, SEEN - 0.2])
    mean = fit(loads(LINE), {"a": 0, "b": 0, "seen": batch})
    total = fit(replace(loads(LINE), reduction="sum"), {"a": 0, "b": 0, "seen": batch})
    assert np.allclose(covariance(mean), COVARIANCE / 3, rtol=1e-7)
    assert np.allclose(covariance(total), COVARIANCE / 3, rtol=1e-7)
    assert np.isclose(total.value, 3 * mean.value, rtol=1e-9)


def test_missing_data_are_left_out():
    gap = SEEN.copy()
    gap[2] = np.nan
    found = fit(loads(LINE), {"a": 0, "b": 0, "seen": gap})
    kept = [0, 1, 3, 4, 5]
    assert np.allclose(found.estimates["b"], np.linalg.lstsq(DESIGN[kept], SEEN[kept], rcond=None)[0][1], rtol=1e-8)


def test_what_is_not_free_stays():
    found = line_fit(free=["b"])
    assert set(found.estimates) == {"b"} and found.values["a"] == 0


def test_an_input_of_each_sample_can_be_fitted():
    text = LINE.replace("a = []\n", "", 1).replace("[field]", "[inputs]\na = []\n[field]")
    offsets = np.array([0.0, 1.0, -2.0])
    found = fit(loads(text), {"a": np.zeros(3), "b": 1.0, "seen": np.array(DEPTHS) + offsets[:, None]}, free=["a", "b"])
    assert found.entries == ("a[0]", "a[1]", "a[2]", "b")
    assert np.allclose(found.estimates["a"], offsets, atol=1e-7) and np.isclose(found.estimates["b"], 1)


def test_an_estimate_on_a_bound_has_no_standard_error():
    found = fit(loads(LINE + "[ranges]\nb = [0.1, 0.7]\n"), {"a": 0, "b": 0.5, "seen": SEEN})
    assert found.converged and found.estimates["b"] == 0.7 and "b" in found.reason
    assert found.standard_errors is not None and found.correlation is not None
    assert np.isnan(found.standard_errors["b"])
    # with b fixed, a is a mean of six data of noise 0.5
    assert np.isclose(found.standard_errors["a"], 0.5 / np.sqrt(6), rtol=1e-8)


@pytest.mark.parametrize(("limits", "bound"), [((3.7, 10), 3.7), ((0.1, 2.7), 2.7), ((-10, 2.7), 2.7)])
def test_a_bound_is_met_exactly(limits: tuple[float, float], bound: float):
    found = fit(loads(DECAY.replace("[0.1, 10]", str(list(limits)))), {"k": sum(limits) / 2})
    # the free minimum is k = 3.0; exp(log(3.7)) is not 3.7
    assert found.converged and found.estimates["k"] == bound and found.reason


def test_a_flat_direction_is_named():
    text = LINE.replace('z = "b"', 'z = "b*c"').replace("b = []", "b = []\nc = []", 1)
    found = fit(loads(text), {"a": 0, "b": 1, "c": 1, "seen": SEEN})
    assert found.converged and found.standard_errors is None and found.covariance is None
    assert "b" in found.reason and "c" in found.reason and "do not determine" in found.reason


def test_a_saddle_is_no_fit():
    text = DECAY.replace('"(z - 0.05)**2*1e4"', '"(k**2 - 1)**2"').replace("k = [0.1, 10]", "k = [-5, 5]")
    found = fit(loads(text), {"k": 0.0})
    assert not found.converged and "saddle" in found.message and found.standard_errors is None


def test_too_few_iterations_do_not_converge():
    text = DECAY.replace('"(z - 0.05)**2*1e4"', '"sqrt(1e-12 + (k - 3)**2)"')
    found = fit(loads(text), {"k": 0.2}, max_iterations=1)
    assert not found.converged and "not converged" in found.message


def test_trials_that_blow_up_are_stepped_back_from():
    # z = 1/(1 - k s) does not reach s = 1 for k >= 1; the first steps of the search go there
    text = DECAY.replace('"-k*z"', '"k*z**2"').replace("0.05)**2*1e4", "50)**2").replace("[0.1, 10]", "[-10, 10]")
    found = fit(loads(text), {"k": 0.0})
    assert found.converged and np.isclose(found.estimates["k"], 1 - 1 / 50, rtol=1e-7)


def test_the_listener_hears_falling_values():
    heard: list[tuple[int, float]] = []
    found = line_fit(on_iteration=lambda n, value: heard.append((n, value)))
    assert [n for n, _ in heard] == list(range(1, found.iterations + 1))
    assert heard[-1][1] == pytest.approx(found.value)


def test_stiff_methods_fit_too():
    found = line_fit(settings=Settings("rodas5p"))
    assert found.converged and np.allclose(covariance(found), COVARIANCE, rtol=1e-6)


REFUSED = {
    "unknown": ({"free": ["bb"]}, "did you mean 'b'"),
    "data": ({"free": ["seen"]}, "no parameter or input"),
    "nothing": ({"free": []}, "no parameters to fit"),
    "SciPy": ({"settings": Settings("BDF")}, "BDF"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_fitted_is_refused(name: str):
    options, words = REFUSED[name]
    with pytest.raises(errors.ModelError, match=words):
        line_fit(**options)


def test_a_start_outside_its_range_is_refused():
    with pytest.raises(errors.ModelError, match=r"'k' at 20, outside its range \[0.1, 10\]"):
        fit(loads(DECAY), {"k": 20})


def test_a_start_that_cannot_be_solved_is_an_error():
    text = DECAY.replace('"-k*z"', '"k*z**2"')
    with pytest.raises(errors.SolveError, match="z' ="):
        fit(loads(text), {"k": 5})
