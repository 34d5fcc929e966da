"""The measure of how far two gradients lie apart: whatever is wrong in any block is seen, at any scale."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from odeanalysis.verification.independent.compare import FAINT, dot, projected_difference, relative_difference, scales

numbers = st.floats(-1e6, 1e6).map(lambda x: 0.0 if abs(x) < 1e-6 else x)
blocks = array_shapes(min_dims=0, max_dims=2, max_side=3).flatmap(lambda shape: arrays(float, shape, elements=numbers))
gradients = st.dictionaries(st.sampled_from("abcd"), blocks, min_size=1)
nonzero = gradients.filter(lambda gradient: any(np.any(block) for block in gradient.values()))


@given(gradients)
def test_a_gradient_is_at_no_distance_from_itself(gradient):
    assert relative_difference(gradient, gradient) == 0


@given(nonzero, st.floats(1e-9, 1e9))
def test_units_do_not_matter(gradient, factor):
    found = {name: 1.25 * block for name, block in gradient.items()}
    other = [{name: factor * block for name, block in one.items()} for one in (found, gradient)]
    assert relative_difference(*other) == pytest.approx(relative_difference(found, gradient), rel=1e-9)


@given(nonzero, st.floats(-3, 3))
def test_along_a_direction_a_wrong_derivative_is_measured_by_the_terms_that_it_is_made_of(gradient, error):
    """Along the gradient itself no terms cancel: they add up to its square."""
    square = dot(gradient, gradient)
    assert square == pytest.approx(sum(np.sum(block**2) for block in gradient.values()))
    assert projected_difference(gradient, gradient, (1 + error) * square) == pytest.approx(abs(error), abs=1e-12)


@given(nonzero, st.floats(1e-12, 1e3))
def test_a_relative_error_of_everything_is_itself(gradient, error):
    found = {name: (1 + error) * block for name, block in gradient.items()}
    assert relative_difference(found, gradient) == pytest.approx(error, rel=1e-3, abs=1e-15)


@given(nonzero, st.data())
def test_a_wrong_entry_is_seen_whatever_stands_beside_it(gradient, data):
    """Blocks are measured one by one: a large block does not hide a small one, unless by more than 1e4."""
    name = data.draw(st.sampled_from(sorted(gradient)))
    assume(gradient[name].size and np.any(gradient[name]))
    place = data.draw(st.sampled_from(list(np.ndindex(gradient[name].shape))))
    error = data.draw(st.floats(1e-6, 10))
    found = {key: block.copy() for key, block in gradient.items()}
    found[name][place] += error * np.max(np.abs(gradient[name]))
    largest = max(np.max(np.abs(block), initial=0) for block in gradient.values())
    share = np.max(np.abs(gradient[name])) / max(np.max(np.abs(gradient[name])), FAINT * largest)
    assert relative_difference(found, gradient) == pytest.approx(error * share, rel=1e-6)


@given(nonzero, st.data())
def test_a_flipped_and_a_dropped_block_are_seen(gradient, data):
    name = data.draw(st.sampled_from(sorted(key for key, block in gradient.items() if np.any(block))))
    for factor, least in ((-1, 2), (0, 1)):
        share = np.max(np.abs(gradient[name])) / scales(gradient)[name]
        assert relative_difference({**gradient, name: factor * gradient[name]}, gradient) == pytest.approx(least * share)


@given(gradients, st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_infinitely_far(gradient, value, data):
    name = data.draw(st.sampled_from(sorted(gradient)))
    assume(gradient[name].size)
    found = {**gradient, name: np.full(gradient[name].shape, value)}
    assert relative_difference(found, gradient) == np.inf
    assert relative_difference(gradient, found) == np.inf


def test_anything_beside_a_zero_gradient_is_far():
    zero = {"a": np.zeros(2), "b": np.zeros(())}
    assert relative_difference({"a": np.zeros(2), "b": np.array(1e-300)}, zero) > 1e6
    assert relative_difference(zero, zero) == 0


def test_a_block_far_below_the_largest_is_measured_against_a_share_of_it():
    reference = {"large": np.array([1.0, 0.5]), "faint": np.array(0.0)}
    assert relative_difference({**reference, "faint": np.array(1e-15)}, reference) == pytest.approx(1e-11)


def test_only_the_names_asked_for_are_compared():
    found, reference = {"a": np.array(1.0), "b": np.array(5.0)}, {"a": np.array(1.0), "b": np.array(1.0)}
    assert relative_difference(found, reference, ["a"]) == 0 and relative_difference(found, reference) == 4


def test_a_missing_block_is_an_error():
    with pytest.raises(KeyError):
        relative_difference({"a": np.array(1.0)}, {"a": np.array(1.0), "b": np.array(1.0)})
