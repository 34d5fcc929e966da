"""`assert_gradient`: right gradients pass, wrong ones are named, and what cannot be measured is neither."""

import math

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from odeanalysis.testing import NotMeasurable, assert_gradient, taylor_slopes
from tests.testing.functions import AT, WRONG, layer, layer_gradient, wrong

RATE = 1e9
LEAST = 1e-290  # beside numbers that are no more as exact


def test_a_right_gradient_passes_with_slopes_of_three():
    found = assert_gradient(layer, layer_gradient, at=AT)
    assert found.gap < 1e-8
    assert set(found.slopes) == {"'W'", "'b'", "'x'"}
    assert all(slope == pytest.approx(3, abs=0.1) for slopes in found.slopes.values() for slope in slopes)
    assert str(found).count("'W'") == 2


@pytest.mark.parametrize("way", WRONG)
def test_a_wrong_gradient_is_named(way: str):
    with pytest.raises(AssertionError, match=rf"(?s){WRONG[way].told}") as told:
        assert_gradient(layer, wrong(WRONG[way]), at=AT)
    assert not isinstance(told.value, NotMeasurable) and f"'{WRONG[way].name}'" in str(told.value)
    assert "the remainder falls with slope 1.0" in str(told.value)


@pytest.mark.parametrize("way", WRONG)
def test_the_other_names_stay_right(way: str):
    """A name that is not asked for is not looked at; the others are right."""
    others = tuple(name for name in AT if name != WRONG[way].name)
    assert_gradient(layer, wrong(WRONG[way]), at=AT, wrt=others)


def test_functions_of_several_arguments():
    def product(a, b):
        return float(a @ b * np.exp(b[0]))

    def gradient(a, b):
        e = np.exp(b[0])
        return b * e, a * e + np.array([a @ b * e, 0.0])

    at = (np.array([1.0, 2.0]), np.array([0.3, -0.4]))
    assert_gradient(product, gradient, at=at)
    assert_gradient(lambda a, b: (product(a, b), gradient(a, b)), at=at)
    assert_gradient(product, lambda a, b: gradient(a, b)[1], at=at, wrt=1)
    with pytest.raises(AssertionError, match=r"argument 1 is wrong at \[0\]"):
        assert_gradient(product, lambda a, b: (gradient(a, b)[0], a * np.exp(b[0])), at=at)


def test_functions_of_one_array_or_number():
    assert_gradient(rosen, rosen_der, at=np.array([0.8, 1.2, -0.5]))
    assert_gradient(rosen, rosen_der, at=[0.8, 1.2, -0.5])
    assert_gradient(math.log, lambda x: 1 / x, at=0.7)
    assert_gradient(math.log, 1 / 0.7, at=0.7)
    with pytest.raises(AssertionError, match=r"the gradient in the argument is wrong: 1, where differences say 1\.42857"):
        assert_gradient(math.log, 1.0, at=0.7)


def test_the_wrong_entry_of_a_large_array_is_found_by_halving():
    random = np.random.default_rng(0)
    weights, at = random.standard_normal((2, 50, 60))

    def gradient(x):
        right = 3 * x**2 * weights
        right[31, 7] *= 1.001
        return right

    with pytest.raises(AssertionError, match=r"is wrong at \[31, 7\].*factor 0.999"):
        assert_gradient(lambda x: float(np.sum(x**3 * weights)), gradient, at=at)


def test_a_gradient_that_vanishes_is_right_and_a_small_one_in_its_place_wrong():
    assert_gradient(lambda x: (x - 1) ** 2, lambda x: 2 * (x - 1), at=1.0)
    with pytest.raises(AssertionError, match="is wrong: 1e-05, where differences say 0"):
        assert_gradient(lambda x: (x - 1) ** 2, lambda x: 2 * (x - 1) + 1e-5, at=1.0)


def test_curvature_hides_no_small_slope():
    with pytest.raises(AssertionError, match=r"is wrong: 0\.0002, where differences say 0\.0001"):
        assert_gradient(lambda x: 1e3 * x**2 + 1e-4 * x, lambda x: 2e3 * x + 2e-4, at=0.0)


def test_names_that_the_function_does_not_read():
    assert_gradient(lambda v: v["a"] ** 2, lambda v: {"a": 2 * v["a"], "b": np.zeros(3)}, at={"a": 0.7, "b": np.ones(3)})
    with pytest.raises(AssertionError, match="in 'b' is wrong"):
        assert_gradient(lambda v: v["a"] ** 2, lambda v: {"a": 2 * v["a"], "b": np.full(3, 1e-9)}, at={"a": 0.7, "b": np.ones(3)})


# ---------------------------------------------------------------- not measurable


@pytest.mark.parametrize("claimed", [-1.0, 0.0, 0.5, 1.0])
def test_a_kink_has_no_gradient(claimed: float):
    with pytest.raises(NotMeasurable, match=r"kink here in the argument.*slopes are -1 before and 1 behind"):
        assert_gradient(abs, claimed, at=0.0)


def test_a_kink_nearby_does_not_matter():
    assert_gradient(abs, 1.0, at=1e-4)
    with pytest.raises(AssertionError, match="is wrong: -1, where differences say 1"):
        assert_gradient(abs, -1.0, at=1e-4)


def test_noise_that_hides_the_derivative_is_said():
    def shaken(x):
        return x * x + 1e-6 * math.sin(RATE * x)

    with pytest.raises(NotMeasurable, match=r"cannot be measured to rtol 1e-06.*or give a larger rtol"):
        assert_gradient(shaken, lambda x: 2 * x, at=0.3)
    assert_gradient(shaken, lambda x: 2 * x, at=0.3, rtol=0.01)
    with pytest.raises(AssertionError, match="is wrong") as told:
        assert_gradient(shaken, lambda x: -2 * x, at=0.3, rtol=0.01)
    assert not isinstance(told.value, NotMeasurable)


def test_waves_shorter_than_the_steps_are_no_flat_function():
    """Over long steps quotients of differences of a bounded function settle at 0; over the smallest they have not settled yet."""
    with pytest.raises(NotMeasurable, match="cannot be measured"):
        assert_gradient(lambda x: math.sin(1e5 * x), lambda x: 1e5 * math.cos(1e5 * x), at=30.0)
    sizes = 2.0 ** -np.arange(16, 36)
    assert_gradient(lambda x: math.sin(1e5 * x), lambda x: 1e5 * math.cos(1e5 * x), at=30.0, sizes=sizes, rtol=1e-5)


def test_a_function_without_values_beside_the_point():
    with pytest.raises(NotMeasurable, match="fails or is not finite"):
        assert_gradient(math.sqrt, 1.0, at=0.0)
    with pytest.raises(NotMeasurable, match="the function is inf"):
        assert_gradient(lambda x: np.inf, 1.0, at=0.0)


def test_a_domain_that_ends_nearby_is_kept():
    """Steps that lead out of it, where the function raises or is NaN, are left out."""
    assert_gradient(math.log, lambda x: 1 / x, at=1e-3)
    assert_gradient(lambda x: float(np.sqrt(x)), lambda x: 0.5 / np.sqrt(x), at=1e-3)
    assert_gradient(lambda x: math.sqrt(x - 0.999), lambda x: 0.5 / math.sqrt(x - 0.999), at=1.0)


def test_single_precision_is_measured_as_far_as_it_goes():
    at = AT["x"].astype(np.float32)

    def cubes(x):
        assert x.dtype == np.float32
        return np.sum(x**3, dtype=np.float32)

    assert_gradient(cubes, lambda x: 3 * x**2, at=at)
    with pytest.raises(AssertionError, match="is wrong"):
        assert_gradient(cubes, lambda x: 3.2 * x**2, at=at)
    with pytest.raises(NotMeasurable, match="doubles"):
        assert_gradient(cubes, lambda x: 3 * x**2, at=at, rtol=1e-8)


# ---------------------------------------------------------------- of any size


def waves(A, s, x):
    return np.sum(np.sin(s * (A @ x))), s * A.T @ np.cos(s * (A @ x))


def bells(A, s, x):
    y = A @ x
    return np.sum(np.exp(-(y**2))), A.T @ (-2 * y * np.exp(-(y**2)))


def quartics(A, s, x):
    return np.sum((A @ x) ** 4), 4 * A.T @ (A @ x) ** 3


def logarithms(A, s, x):
    return np.log1p(s * np.sum(x**2)), 2 * s * x / (1 + s * np.sum(x**2))


def layers(A, s, x):
    t = np.tanh(A @ x)
    return np.sum(t**2), A.T @ (2 * t * (1 - t**2))


@pytest.mark.parametrize("function", [waves, bells, quartics, logarithms, layers])
@pytest.mark.parametrize("seed", range(5))
def test_functions_of_any_size_raise_no_false_alarm(function, seed: int):
    """Steep, flat, far away, beside a large constant, short waves: a right gradient is never called wrong, a wrong one never right."""
    random = np.random.default_rng(seed)
    measured = 0
    for _ in range(10):
        n, c, s, far = random.integers(1, 6), 10 ** random.uniform(-8, 8), 10 ** random.uniform(-3, 3), 10 ** random.uniform(-3, 2)
        A, at, constant = random.standard_normal((n, n)), far * random.standard_normal(n), random.choice([0, 0, 1e3, -1]) * c
        right = c * function(A, s, at)[1]
        wrong = right * np.where(np.arange(n) == np.argmax(np.abs(right)), 1 + 3e-4, 1)

        def value(x, A=A, s=s, c=c, constant=constant):
            return c * function(A, s, x)[0] + constant

        measured += _verdict(value, right, at) == "right"
        assert _verdict(value, right, at) != "wrong"
        assert _verdict(value, wrong, at) != "right" or np.all(np.abs(right) < LEAST)
    assert measured >= 5


def _verdict(value, gradient, at) -> str:
    try:
        assert_gradient(value, gradient, at=at)
    except NotMeasurable:
        return "not measurable"
    except AssertionError:
        return "wrong"
    return "right"


# ---------------------------------------------------------------- what is refused


def test_what_is_no_function_or_gradient_is_told():
    with pytest.raises(TypeError, match="there is no gradient"):
        assert_gradient(layer, at=AT)
    with pytest.raises(TypeError, match=r"in 'b' has shape \[1, 3\], the values have \[3\]"):
        assert_gradient(layer, lambda v: {**layer_gradient(v), "b": np.ones((1, 3))}, at=AT)
    with pytest.raises(TypeError, match="no entry for 'x'"):
        assert_gradient(layer, lambda v: {k: g for k, g in layer_gradient(v).items() if k != "x"}, at=AT)
    with pytest.raises(TypeError, match=r"array of shape \[3\]; return one number"):
        assert_gradient(lambda v: v["x"], layer_gradient, at=AT)
    with pytest.raises(KeyError, match="there is no 'w'; there are 'W', 'b', 'x'"):
        assert_gradient(layer, layer_gradient, at=AT, wrt="w")
    with pytest.raises(TypeError, match="complex"):
        assert_gradient(lambda x: abs(x[0]), lambda x: x, at=np.array([1j]))
    with pytest.raises(TypeError, match="nothing in `at` can move"):
        assert_gradient(lambda x: 1.0, lambda x: x, at=np.arange(3))
    with pytest.raises(AssertionError, match=r"in 'b' is nan at \[1\]"):
        assert_gradient(layer, lambda v: {**layer_gradient(v), "b": np.array([0, np.nan, 0])}, at=AT)


def test_arrays_of_whole_numbers_and_missing_entries_stay():
    at = {"w": np.array([0.3, 0.7]), "index": np.array([0, 1, 1]), "seen": np.array([1.0, np.nan, 2.0]), "name": "text"}

    def loss(v):
        assert v["index"].dtype.kind == "i" and np.isnan(v["seen"][1])
        return float(np.nansum((v["w"][v["index"]] - v["seen"]) ** 2))

    def gradient(v):
        gap = np.nan_to_num(v["w"][v["index"]] - v["seen"])
        return {"w": 2 * np.bincount(v["index"], gap), "seen": -2 * gap}

    assert_gradient(loss, gradient, at=at)
    with pytest.raises(AssertionError, match="in 'seen' is wrong"):
        assert_gradient(loss, lambda v: {**gradient(v), "seen": 2 * gradient(v)["seen"]}, at=at)


# ---------------------------------------------------------------- slopes


def test_slopes_are_one_two_three():
    for one in taylor_slopes(layer, layer_gradient, at=AT):
        assert [one.value.slope, one.gradient.slope, one.central.slope] == pytest.approx([1, 2, 3], abs=0.05) and one.passed


@pytest.mark.parametrize("way", WRONG)
def test_a_wrong_gradient_has_slope_one(way: str):
    """At the smallest steps that rounding does not hide, the error of the gradient is all that the remainders have."""
    for one in taylor_slopes(layer, wrong(WRONG[way]), at=AT):
        assert one.central.slope == pytest.approx(1, abs=0.05) and not one.gradient.passed


def test_slopes_along_directions_that_are_given():
    along = {"W": np.zeros((3, 3)), "b": np.array([1.0, 0, 0]), "x": np.zeros(3)}
    (right,) = taylor_slopes(layer, wrong(WRONG["sign"]), at=AT, directions=[along])
    assert right.passed
    (alone,) = taylor_slopes(layer, layer_gradient, at=AT, wrt="b", directions=[{"b": np.array([0, 1.0, 0])}])
    assert alone.passed


def test_a_parabola_has_no_third_remainder():
    (one,) = taylor_slopes(lambda x: x * x, lambda x: 2 * x, at=0.7, directions=1)
    assert one.central.exact and one.gradient.slope == pytest.approx(2, abs=0.05) and one.passed
