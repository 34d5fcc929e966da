"""Equations of any order by hand: two ways that agree with closed forms, with each other, and in imaginary parts."""

import numpy as np
import pytest

from odeanalysis.errors import SolveError
from odeanalysis.verification.flows.jets import TINY, WAYS, Equation

CLOSE = 1e-10
ways = pytest.mark.parametrize("way", WAYS)


@ways
@pytest.mark.parametrize("end", [1.0, -0.5])
def test_an_oscillation_and_a_cubic_side_by_side(way, end):
    """z'' = -pi^2 z from (x, v) and y''' = 6 from (a, b, c), in one equation of two groups."""
    x, v = np.array([1.3, -0.2]), np.array([0.4, 2.0])
    starts = (np.stack([x, v]), np.array([[0.3], [-1.1], [0.7]]))
    equation = Equation(lambda s, jets: [-(np.pi**2) * jets[0][:, 0], np.full((len(s), 1), 6.0)], starts, end)
    oscillation, cubic = WAYS[way](equation)
    cos, sin = np.cos(np.pi * end), np.sin(np.pi * end)
    assert np.allclose(oscillation, [x * cos + v * sin / np.pi, v * cos - np.pi * x * sin], atol=CLOSE)
    expected = [end**3 + 0.35 * end**2 - 1.1 * end + 0.3, 3 * end**2 + 0.7 * end - 1.1, 6 * end + 0.7]
    assert np.allclose(cubic[:, 0], expected, atol=CLOSE)


@ways
def test_a_field_that_depends_on_depth(way):
    """z' = 2 s z from x: z(1) = e x."""
    equation = Equation(lambda s, jets: [2 * s[:, None] * jets[0][:, 0]], (np.array([[0.7]]),), 1.0)
    assert WAYS[way](equation)[0] == pytest.approx(0.7 * np.e, abs=CLOSE)


@ways
def test_imaginary_parts_are_derivatives(way):
    """z' = z^2 from x: z(1/2) = x/(1 - x/2), of slope 1/(1 - x/2)^2."""
    x = 0.6 + 1j * TINY
    equation = Equation(lambda s, jets: [jets[0][:, 0] ** 2], (np.array([[x]]),), 0.5)
    (found,) = WAYS[way](equation)
    assert found[0, 0].real == pytest.approx(0.6 / 0.7, abs=CLOSE) and found[0, 0].imag / TINY == pytest.approx(1 / 0.7**2, abs=CLOSE)


def test_approximations_that_do_not_settle_are_refused():
    with pytest.raises(SolveError, match=r"successive approximations still move by .*; take a shorter domain"):
        WAYS["repeated integration"](Equation(lambda s, jets: [-400 * jets[0][:, 0]], (np.ones((1, 1)),), 1.0))
