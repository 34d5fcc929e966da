"""`assert_order`: the order of methods by hand, with and without the exact solution."""

import math

import numpy as np
import pytest

from odeanalysis.testing import NotMeasurable, assert_order

EXACT = math.exp(math.sin(1))


def euler(field, s, z, h):
    return z + h * field(s, z)


def midpoint(field, s, z, h):
    return z + h * field(s + h / 2, z + h / 2 * field(s, z))


def rk4(field, s, z, h):
    a = field(s, z)
    b = field(s + h / 2, z + h / 2 * a)
    c = field(s + h / 2, z + h / 2 * b)
    d = field(s + h, z + h * c)
    return z + h * (a + 2 * b + 2 * c + d) / 6


def slipped(field, s, z, h):
    """The classical method with one depth wrong, which no field shows that does not depend on depth."""
    a = field(s, z)
    b = field(s + h / 2, z + h / 2 * a)
    c = field(s + h / 2, z + h / 2 * b)
    d = field(s + h / 2, z + h * c)
    return z + h * (a + 2 * b + 2 * c + d) / 6


ORDERS = {euler: 1, midpoint: 2, rk4: 4}


def solver(method, field=lambda s, z: z * math.cos(s)):
    def solve(steps):
        z, h = 1.0, 1 / steps
        for i in range(steps):
            z = method(field, i * h, z, h)
        return z

    return solve


@pytest.mark.parametrize("exact", [EXACT, None], ids=["exact", "against itself"])
@pytest.mark.parametrize("method", ORDERS)
def test_the_order_is_measured(method, exact):
    found = assert_order(solver(method), ORDERS[method], exact=exact)
    assert found.measured == pytest.approx(ORDERS[method], abs=0.05) and len(found.errors) == 6


@pytest.mark.parametrize("exact", [EXACT, None], ids=["exact", "against itself"])
@pytest.mark.parametrize("method", ORDERS)
def test_other_orders_fail(method, exact):
    with pytest.raises(AssertionError, match="is stated\n steps     error  order\n     8"):
        assert_order(solver(method), ORDERS[method] + 1, exact=exact)
    with pytest.raises(AssertionError, match="stated too low"):
        assert_order(solver(method), ORDERS[method] - 0.5, exact=exact)
    assert_order(solver(method), ORDERS[method] - 0.5, exact=exact, at_least=True)


def test_a_wrong_coefficient_lowers_the_order():
    with pytest.raises(AssertionError, match=r"the order is 1.0\d, where 4 is stated"):
        assert_order(solver(slipped), 4, exact=EXACT)
    assert_order(solver(slipped, lambda s, z: -z), 4, exact=math.exp(-1))


def test_a_limit_that_is_another_one_fails():
    with pytest.raises(AssertionError, match=r"the order is -?0.0\d"):
        assert_order(solver(rk4), 4, exact=EXACT + 1e-3)


def test_rounding_says_nothing():
    with pytest.raises(NotMeasurable, match="at the rounding"):
        assert_order(solver(rk4), 4, exact=EXACT, steps=(4096, 8192))
    with pytest.raises(NotMeasurable, match="not finite"):
        assert_order(lambda n: math.nan, 4, exact=EXACT)


def test_results_may_be_arrays_and_mappings():
    assert_order(lambda n: {"z": np.array([1 + 1 / n**2, 2.0]), "y": 1 / n**3}, 2, exact={"z": np.array([1.0, 2.0]), "y": 0.0})
    with pytest.raises(TypeError, match=r"has shape \[2\], the values have \[3\]"):
        assert_order(lambda n: np.ones(2), 2, exact=np.ones(3))


def test_steps_without_one_factor_need_the_exact_result():
    assert_order(solver(rk4), 4, exact=EXACT, steps=(8, 12, 20))
    with pytest.raises(TypeError, match="do not grow by one factor"):
        assert_order(solver(rk4), 4, steps=(8, 12, 20))
