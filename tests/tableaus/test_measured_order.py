"""Measured orders on a problem that depends on depth, in both directions and with steps of unequal sizes."""

from functools import cache

import numpy as np
import pytest

from odeanalysis.tableaus import METHODS
from tests.tableaus import reference
from tests.tableaus.reference import Array, field, solution, take

PATHS = {"forward": (-0.4, 1.4), "backward": (1.4, -0.4)}
COUNT, COUNT_OF_HIGH_ORDER = 32, 8  # steps at which the leading term of the error rules, and rounding does not
SLACK = 0.3

every_method = pytest.mark.parametrize("name", METHODS)
adaptive_methods = pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.adaptive])
both_directions = pytest.mark.parametrize("path", PATHS)


def depths(start: float, end: float, count: int) -> Array:
    """Nodes whose distances vary smoothly, by a factor of four."""
    t = np.linspace(0, 1, count + 1)
    return start + (end - start) * (t + 0.6 * np.sin(2 * np.pi * t) / (2 * np.pi))


def size(error: Array) -> float:
    return float(np.sqrt((error**2).mean()))


@cache
def errors(name: str, path: str, count: int) -> tuple[float, float]:
    """The error at the path's end, and the largest estimate of the error of a step that starts on the solution."""
    nodes = depths(*PATHS[path], count)
    z, estimates = solution(nodes[0]), []
    for s, h in zip(nodes, np.diff(nodes), strict=False):
        z, _ = take(METHODS[name], s, z, h)
        estimates.append(size(take(METHODS[name], s, solution(s), h)[1]))
    return size(z - solution(nodes[-1])), max(estimates)


def slopes(name: str, path: str) -> Array:
    """The powers of the step with which both fall."""
    count = COUNT if METHODS[name].order < 8 else COUNT_OF_HIGH_ORDER
    return np.log2(np.array(errors(name, path, count)) / errors(name, path, 2 * count))


@both_directions
@every_method
def test_half_the_step_divides_the_error_by_two_to_the_order(name: str, path: str):
    assert slopes(name, path)[0] == pytest.approx(METHODS[name].order, abs=SLACK)


@both_directions
@adaptive_methods
def test_the_estimate_falls_with_its_order_and_one_more(name: str, path: str):
    assert slopes(name, path)[1] == pytest.approx(METHODS[name].error_order + 1, abs=SLACK)


@every_method
def test_a_step_of_length_zero_changes_nothing(name: str):
    z = solution(0.3) + 0.1
    after, estimate = take(METHODS[name], 0.3, z, 0.0)
    assert (after == z).all()
    assert METHODS[name].adaptive == bool((estimate == 0).all())


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if "implicit" not in method.kind])
def test_fsal_says_whether_a_step_evaluates_last_what_the_next_one_evaluates_first(name: str, monkeypatch: pytest.MonkeyPatch):
    places: list[Array] = []

    def seen(s: float, z: Array) -> Array:
        places.append(np.append(z, s))
        return field(s, z)

    monkeypatch.setattr(reference, "field", seen)
    z, _ = take(METHODS[name], 0.3, solution(0.3), 0.1)
    take(METHODS[name], 0.3 + 0.1, z, 0.1)
    last, first = places[METHODS[name].stages - 1], places[METHODS[name].stages]
    assert METHODS[name].fsal == np.allclose(last, first, rtol=1e-13)
