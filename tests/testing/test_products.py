"""The dot product test: adjoint maps pass, others fail, and maps that are not linear are told as such."""

import numpy as np
import pytest

from odeanalysis.testing import assert_adjoint_identity, assert_products

A = np.random.default_rng(3).standard_normal((4, 3))
S = np.random.default_rng(4).standard_normal((3, 3))
LIKE, AT = np.zeros(3), np.array([0.3, -0.2, 0.8])

NOT_ADJOINT = {
    "sign": lambda v: -A.T @ v,
    "factor": lambda v: 2 * A.T @ v,
    "one entry": lambda v: A.T @ v * np.array([1, 1, 1 + 1e-9]),
    "missing term": lambda v: A[1:].T @ v[1:],
}


def test_a_matrix_and_its_transpose():
    found = assert_adjoint_identity(lambda u: A @ u, lambda v: A.T @ v, like=LIKE)
    assert found.gap < 1e-14 and len(found.pairs) == 3


@pytest.mark.parametrize("way", NOT_ADJOINT)
def test_what_is_not_the_adjoint_fails(way: str):
    with pytest.raises(AssertionError, match="not adjoint to each other"):
        assert_adjoint_identity(lambda u: A @ u, NOT_ADJOINT[way], like=LIKE)


def test_a_square_matrix_is_not_its_transpose():
    with pytest.raises(AssertionError, match="not adjoint"):
        assert_adjoint_identity(lambda u: S @ u, lambda v: S @ v, like=LIKE)


def test_maps_that_are_not_linear_are_told():
    with pytest.raises(AssertionError, match="apply is not linear"):
        assert_adjoint_identity(lambda u: A @ u + 1, lambda v: A.T @ v, like=LIKE)
    with pytest.raises(AssertionError, match="adjoint is not linear"):
        assert_adjoint_identity(lambda u: A @ u, lambda v: A.T @ np.abs(v), like=LIKE)


def test_cumulative_sums_of_mappings_and_tuples():
    """u = (a, b) -> {"c": sums of a, "d": a_0 b}."""

    def apply(a, b):
        return {"c": np.cumsum(a), "d": 3 * b + a[0]}

    def adjoint(v):
        back = np.cumsum(v["c"][::-1])[::-1].copy()
        back[0] += np.sum(v["d"])
        return back, 3 * v["d"]

    assert_adjoint_identity(apply, adjoint, like=(np.zeros(4), np.zeros(2)))
    with pytest.raises(AssertionError, match="not adjoint"):
        assert_adjoint_identity(apply, lambda v: (np.cumsum(v["c"]), 3 * v["d"]), like=(np.zeros(4), np.zeros(2)))


def test_shapes_that_do_not_fit_are_told():
    with pytest.raises(TypeError, match=r"adjoint\(v\) in the argument has shape \[4\], the values have \[3\]"):
        assert_adjoint_identity(lambda u: A @ u, lambda v: v, like=LIKE)


# ---------------------------------------------------------------- functions


def function(x):
    return np.tanh(A @ x)


def jvp(x, d):
    return (1 - np.tanh(A @ x) ** 2) * (A @ d)


def vjp(x, v):
    return A.T @ ((1 - np.tanh(A @ x) ** 2) * v)


def test_right_products_pass():
    assert_products(function, jvp, vjp, at=AT)
    assert_products(function, jvp, at=AT)
    assert_products(function, vjp=vjp, at=AT)


def test_wrong_products_fail():
    with pytest.raises(AssertionError, match="not adjoint"):
        assert_products(function, jvp, lambda x, v: A.T @ v, at=AT)
    with pytest.raises(AssertionError, match="jvp, along a random direction"):
        assert_products(function, lambda x, d: A @ d, at=AT)
    with pytest.raises(AssertionError, match="in the argument is wrong at"):
        assert_products(function, vjp=lambda x, v: A.T @ v, at=AT)


def test_products_that_agree_and_are_wrong_fail():
    """The dot product test alone lets them pass: both belong to another function."""
    assert_adjoint_identity(lambda d: A @ d, lambda v: A.T @ v, like=AT)
    with pytest.raises(AssertionError, match="is wrong"):
        assert_products(function, lambda x, d: A @ d, lambda x, v: A.T @ v, at=AT)


def test_functions_of_several_arguments():
    def product(a, b):
        return a * b

    def forward(at, d):
        return at[0] * d[1] + d[0] * at[1]

    assert_products(product, forward, lambda at, v: (v * at[1], v * at[0]), at=(AT, AT + 1))
    with pytest.raises(AssertionError, match="not adjoint"):
        assert_products(product, forward, lambda at, v: (v * at[0], v * at[1]), at=(AT, AT + 1))
