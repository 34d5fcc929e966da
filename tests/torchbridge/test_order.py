"""Halving the steps divides the error by 2^p on tensors: on a depth-dependent field, uneven steps, both directions, both kinds of field."""

from functools import cache

import numpy as np
import pytest
import torch

import odeanalysis as oda
from odeanalysis.numerics.solvers import Grid
from odeanalysis.tableaus import tableau
from tests.solvers.problems import EXPLICIT, METHODS, MIX, NONLINEAR, PARTS, uneven_steps
from tests.solvers.test_order import COUNTS, DOMAINS, Y0, slope
from torchbridge.problems.program import program
from torchbridge.solvers.solve import Steps, solve
from torchbridge.solvers.tapes import Nothing
from torchbridge.steps.methods import STEPPERS, of_field

OPAQUE = (*EXPLICIT, "radau", "kvaerno5")
KINDS = [*(("derived", name) for name in METHODS), *(("opaque", name) for name in OPAQUE)]
s = oda.depth


def mixed(matrix, first, second):
    """Two rows of a matrix times two numbers of any kind."""
    return [float(a) * first + float(b) * second for a, b in matrix]


@cache
def stated():
    """The field of `NONLINEAR` as a model."""
    u, v = oda.block("u"), oda.block("v")
    p, q = mixed(PARTS, u, v)
    slopes = mixed(MIX, oda.cos(s) * oda.sqrt(1 + p**2), oda.sin(3 * s) * q)
    model = oda.Model(dict(zip((u, v), slopes, strict=True)), {u: 0, v: 0}, (0, 1), [])
    return program(oda.Problem(model, oda.Objective(u)), frozenset()).parts


def by_callable(depth, state):
    p, q = mixed(PARTS, *state)
    return tuple(mixed(MIX, torch.cos(depth) * torch.sqrt(1 + p**2), torch.sin(3 * depth) * q))


def stepper(kind, name, common=True):
    used = tableau(name)
    return STEPPERS[used.kind](used, stated(), frozenset(), common) if kind == "derived" else of_field(used, by_callable, True)


def error(kind, name, nodes, count):
    """Of the states at all nodes, of two samples that share their steps."""
    grid = Grid(np.array([nodes]))
    start = tuple(torch.tensor(Y0).unbind(1))
    found = solve(stepper(kind, name), grid, start, (), Steps(given=uneven_steps(grid, count)), Nothing()).nodes
    exact = [NONLINEAR.exact(nodes[0], Y0, depth) for depth in nodes]
    return np.abs(torch.stack(found, 2).numpy() - np.stack(exact)).max()


@pytest.mark.parametrize("direction", DOMAINS)
@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_the_nodes_have_the_order_of_the_method(kind, name, direction):
    counts = COUNTS[tableau(name).order]
    errors = [error(kind, name, DOMAINS[direction], count) for count in counts]
    assert errors[1] > 1e-14
    assert tableau(name).order - 0.35 < slope(errors, counts) < tableau(name).order + 1


@pytest.mark.parametrize("name", OPAQUE)
def test_both_kinds_of_field_take_the_same_steps(name):
    """Derived or called, for both samples at once or for each at depths of its own."""
    grid = Grid(np.array([[0.1, 0.6, 1.4], [1.2, 0.5, -0.3]]))
    steps, start = Steps(given=uneven_steps(grid, 3)), tuple(torch.tensor(Y0).unbind(1))
    one, other = (solve(stepper(kind, name, False), grid, start, (), steps, Nothing()).nodes for kind in ("derived", "opaque"))
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-13)
