"""The lynx-hare example: fitted and differentiated, against a likelihood written out here with SciPy alone.

That its gradient is certified, its page says, which `test_readmes` runs.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

from tests.cli.running import LYNX_HARE, run

MODEL, VALUES = LYNX_HARE / "model.toml", LYNX_HARE / "values.json"
# Howard 2009 and the textbooks after it: posterior means, with priors and rounding, so near the maximum but not on it
LITERATURE = {
    "alpha": (0.55, 0.1),
    "beta": (0.028, 0.005),
    "gamma": (0.80, 0.1),
    "delta": (0.024, 0.005),
    "hare0": (34, 3),
    "lynx0": (5.9, 0.6),
    "sigma_hare": (0.25, 0.05),
    "sigma_lynx": (0.25, 0.05),
}
NAMES = tuple(LITERATURE)
pytestmark = pytest.mark.xdist_group("lynx_hare")
STEP = 1e-3  # of the logarithms: Richardson's differences below are then good to 1e-8 times the curvature


def stated_values() -> dict[str, Any]:
    return json.loads(VALUES.read_text(encoding="utf-8"))


def negative_log_likelihood(logarithms: np.ndarray) -> float:
    """Of log-normal errors around SciPy's solution, from the definition of the normal density."""
    alpha, beta, gamma, delta, hare0, lynx0, *sigma = np.exp(logarithms)

    def field(_: float, z: np.ndarray) -> list[float]:
        return [(alpha - beta * z[1]) * z[0], (delta * z[0] - gamma) * z[1]]

    path = solve_ivp(field, (0, 20), [hare0, lynx0], method="DOP853", rtol=1e-12, atol=1e-12, t_eval=np.arange(21.0))
    seen = np.array(stated_values()["seen"])
    standard = (np.log(seen) - np.log(path.y.T)) / sigma
    return float((standard**2 / 2 + np.log(np.sqrt(2 * np.pi) * np.array(sigma) * seen)).sum())


def second_differences(x: np.ndarray, size: float) -> np.ndarray:
    """The Hessian by four-point differences with one step."""
    f, unit = negative_log_likelihood, np.eye(len(x)) * size
    found = np.zeros((len(x), len(x)))
    for i in range(len(x)):
        for j in range(i + 1):
            around = f(x + unit[i] + unit[j]) - f(x + unit[i] - unit[j]) - f(x - unit[i] + unit[j]) + f(x - unit[i] - unit[j])
            found[i, j] = found[j, i] = around / (4 * size**2)
    return found


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    outcome = run("fit", MODEL, VALUES, "--json")
    assert outcome.code == 0, outcome.err
    return outcome.document


@pytest.fixture(scope="module")
def estimate(fitted: dict[str, Any]) -> np.ndarray:
    return np.log([fitted["estimates"][name] for name in NAMES])


def test_the_values_hold_the_data_file():
    with (LYNX_HARE / "lynx_hare.csv").open(encoding="utf-8") as file:
        rows = [[float(row["hare"]), float(row["lynx"])] for row in csv.DictReader(file)]
    assert stated_values()["seen"] == rows


def test_the_estimates_are_those_of_the_literature(fitted: dict[str, Any]):
    assert fitted["converged"] and fitted["status"] == "ok"
    far = {n: fitted["estimates"][n] for n, (value, width) in LITERATURE.items() if abs(fitted["estimates"][n] - value) > width}
    assert not far


def test_another_likelihood_and_optimiser_find_the_same_maximum(fitted: dict[str, Any], estimate: np.ndarray):
    values = stated_values()
    found = minimize(negative_log_likelihood, np.log([values[name] for name in NAMES]), method="BFGS", options={"gtol": 1e-5})
    # the fit solved to 1e-8 of the states, which 42 residuals over noises of 0.2 make up to 1e-6 of the value
    assert abs(found.fun - fitted["value"]) < 1e-6
    assert negative_log_likelihood(estimate) - found.fun < 1e-9
    # BFGS stops where its differences, of 1e-8, no longer see a slope: 1e-5 over a curvature of 40 or more
    assert np.abs(found.x - estimate).max() < 1e-4


def test_the_standard_errors_are_those_of_differences(fitted: dict[str, Any], estimate: np.ndarray):
    hessian = (4 * second_differences(estimate, STEP) - second_differences(estimate, 2 * STEP)) / 3
    errors = np.exp(estimate) * np.sqrt(np.diag(np.linalg.inv(hessian)))
    assert np.allclose([fitted["standard_errors"][name] for name in NAMES], errors, rtol=1e-4)


def test_the_gradient_vanishes_at_the_estimates_and_not_at_the_start(fitted: dict[str, Any], tmp_path: Path):
    start = run("gradient", MODEL, VALUES, "--json").document["gradients"]
    there = tmp_path / "values.json"
    there.write_text(json.dumps({**stated_values(), **fitted["estimates"]}), encoding="utf-8")
    end = run("gradient", MODEL, there, "--json", "--wrt", ",".join(NAMES)).document["gradients"]
    assert set(end) == set(NAMES) and np.shape(start["seen"]) == (21, 2)
    assert max(abs(end[name]) * fitted["estimates"][name] for name in NAMES) < 1e-5 < max(abs(start[name]) for name in NAMES)


def test_fitting_some_names_leaves_the_others(fitted: dict[str, Any]):
    outcome = run("fit", MODEL, VALUES, "--free", "sigma_hare, sigma_lynx", "--json")
    assert outcome.code == 0 and set(outcome.document["estimates"]) == {"sigma_hare", "sigma_lynx"}
    assert outcome.document["value"] > fitted["value"]


def test_a_trajectory_is_printed_and_drawn(tmp_path: Path):
    plot = tmp_path / "path.png"
    outcome = run("solve", MODEL, VALUES, "--at", "0,10,20", "--json", "--plot", plot)
    assert outcome.code == 0 and plot.stat().st_size > 10_000
    assert outcome.document["depth"] == [0, 10, 20] and set(outcome.document["states"]) == {"hare", "lynx"}
