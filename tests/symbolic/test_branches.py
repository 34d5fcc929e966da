"""Choices of one condition are put together, and nothing changes in value."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.symbolic.branches import merged

s, x, y, c = oda.depth, *map(oda.block, ("x", "y", "c"))
v, w = oda.block("v", 3), oda.block("w", 3)
early, late = s < c, s > 2 * c
# an expression, and what it is with its choices put together
TOGETHER = {
    "a sum": (oda.where(early, x, 0) + oda.where(early, 0, y), "where(s < c, x, y)"),
    "signs": (x - oda.where(early, x, 0) - oda.where(early, y, 1), "x + where(s < c, -x - y, -1)"),
    "factors": (y * oda.where(early, x, 1) + oda.where(early, y**2, y), "where(s < c, x*y + y**2, 2*y)"),
    "a product": (oda.where(early, x, 2) * oda.where(early, y, 3) * x, "where(s < c, x**2*y, 6*x)"),
    "a choice in a branch": (oda.where(early, oda.where(early, x, y), y) + oda.where(early, 1, 2), "where(s < c, x + 1, y + 2)"),
    "nothing to choose": (oda.where(early, x, 0) + oda.where(early, 0, x), "x"),
    "inside a function": (oda.exp(oda.where(early, x, 0) + oda.where(early, 1, y)), "exp(where(s < c, x + 1, y))"),
    "arrays": (oda.where(early, v, 0 * v) - oda.where(early, 0 * v, w), "where(s < c, v, -w)"),
    "a scalar beside an array": (x * oda.where(early, v, w) + oda.where(early, x, 0), "where(s < c, x*v + x, x*w)"),
}
APART = {
    "one choice": x * oda.where(early, x, 1) + y,
    "two conditions": oda.where(early, x, 1) + oda.where(late, y, 2),
    "of a function": oda.exp(oda.where(early, x, 1)) + oda.where(early, y, 2),
}
AT = {"x": 0.7, "y": -1.3, "c": 0.4, "v": np.array([0.3, -0.2, 1.1]), "w": np.array([2.0, 0.5, -0.7])}


def value(expression, depth):
    formula = oda.formula("f", (s, x, y, c, v, w), {"f": expression})
    return np.broadcast_to(
        oda.compile_numpy(formula)(np.array(depth), *(np.array(AT[name]) for name in ("x", "y", "c", "v", "w")))[0], (3,)
    )


@pytest.mark.parametrize("case", TOGETHER)
def test_choices_of_one_condition_become_one(case):
    expression, text = TOGETHER[case]
    assert str(merged(expression)) == text


@pytest.mark.parametrize("depth", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("case", [*TOGETHER, *APART])
def test_the_value_is_the_same(case, depth):
    expression = TOGETHER[case][0] if case in TOGETHER else APART[case]
    assert value(merged(expression), depth) == pytest.approx(value(expression, depth), rel=1e-14)


@pytest.mark.parametrize("case", APART)
def test_what_has_nothing_to_put_together_stays(case):
    assert merged(APART[case]) == APART[case]


def test_shapes_stay():
    """Both branches may be one scalar where the condition has entries."""
    total = oda.where(v < w, 1, 2) + oda.where(v < w, 2, 1)
    assert merged(total) == 3 * oda.ones(3)
