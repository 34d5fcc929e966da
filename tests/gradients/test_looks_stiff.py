"""The derivative of steps at the limit of stability can be far off: whoever asks for it is told."""

import warnings

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.evaluate import statistics

a, b, c = (oda.block(name) for name in "abc")
k1, k2, k3 = (oda.block(f"k{i}") for i in (1, 2, 3))
FIELD = {a: -k1 * a + k3 * b * c, b: k1 * a - k2 * b**2 - k3 * b * c, c: k2 * b**2}
ROBERTSON = oda.Problem(oda.Model(FIELD, {a: 1, b: 0, c: 0}, (0, 2), (k1, k2, k3), name="robertson"), oda.Objective(a**2))
RATES = {"k1": 0.04, "k2": 3e7, "k3": 1e4}


def gradient(method: str, rtol: float) -> np.ndarray:
    return np.array(list(oda.value_and_gradient(ROBERTSON, RATES, method=method, rtol=rtol, atol=rtol / 100)[1].values()))


@pytest.mark.parametrize("method", ["tsit5", "dopri5", "bosh3", "dopri8"])
def test_the_gradient_of_steps_held_by_stability_comes_with_a_warning(method: str):
    """At this tolerance the error of bosh3 is three per cent, that of tsit5 has a hundred digits."""
    truth = gradient("rodas5p", 1e-9)
    with pytest.warns(UserWarning, match=f"'robertson' looks stiff to '{method}': .* take radau, kvaerno5 or rodas5p"):
        found = gradient(method, 1e-5)
    assert np.abs(found / truth - 1).max() > 1e-3


@pytest.mark.parametrize("method", ["rodas5p", "kvaerno5", "radau"])
def test_methods_for_stiff_problems_need_none(method: str):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = gradient(method, 1e-5)
    assert found == pytest.approx(gradient("rodas5p", 1e-9), rel=1e-4)


def test_the_statistics_say_so():
    runs = {name: oda.solve_problem(ROBERTSON, RATES, oda.Settings(name, 1e-5, 1e-7)) for name in ("bosh3", "RK45", "rodas5p", "BDF")}
    found = {name: statistics(run, oda.DiscreteAdjoint())["stiff"] for name, run in runs.items()}
    assert found == {"bosh3": True, "RK45": True, "rodas5p": False, "BDF": False}
