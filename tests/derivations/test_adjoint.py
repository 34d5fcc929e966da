"""Every formula of an adjoint derivation is the derivative of the one scalar that it is said to come from."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.parts import costate_of
from odeanalysis.numerics.gradients.program import compiled
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import leaves
from tests.cases import CASES

TINY = 1e-40
EVERY = pytest.mark.parametrize("name", CASES)
s = oda.depth
z, theta, z0 = oda.block("z"), oda.block("theta"), oda.block("z0")


@cache
def derived(name):
    return adjoint(CASES[name].problem())


def drawn(formula, seed=0):
    """A random array for each input; symbolic sizes become 2, 3, ...; flags are 1."""
    random = np.random.default_rng(seed)
    sizes = sorted({size for leaf in formula.inputs for size in shape_of(leaf) if not isinstance(size, int)}, key=str)
    known: dict[Any, int] = {size: 2 + i for i, size in enumerate(sizes)}

    def array(leaf):
        shape = tuple(int(known.get(size, size)) for size in shape_of(leaf))
        return np.ones(()) if leaf.name.startswith("_piece") else random.uniform(0.2, 0.9, shape)

    return {leaf.name: array(leaf) for leaf in formula.inputs}


def slope(formula, output, values, name):
    """The derivative of a scalar output in an input, by a complex step along each of its entries."""
    function, array = compiled(formula), values[name]
    found = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        moved = array.astype(complex)
        moved[place] += 1j * TINY
        found[place] = np.imag(function({**values, name: moved})[output]) / TINY
    return found


def close(one, other):
    return one == pytest.approx(other, rel=1e-12, abs=1e-13)


@EVERY
def test_the_hamiltonian_is_the_running_cost_plus_costate_times_field(name):
    parts, hamiltonian = derived(name).parts, derived(name).hamiltonian
    values = drawn(hamiltonian)
    field = compiled(parts.field)(values)
    products = [np.sum(values[costate_of(state).name] * field[state.name]) for state in parts.states]
    assert close(compiled(hamiltonian)(values)["H"], field["_cost"] + sum(products))


@EVERY
def test_costate_equation_and_integrands_are_its_partial_derivatives(name):
    hamiltonian, system, parts = derived(name).hamiltonian, derived(name).system, derived(name).parts
    values = drawn(system)
    found = compiled(system)(values)
    for state in parts.states:
        assert close(-found[f"a_{state.name}"], slope(hamiltonian, "H", values, state.name))
    for leaf in parts.names:
        assert close(found[f"grad_{leaf.name}"], slope(hamiltonian, "H", values, leaf.name))


@EVERY
def test_terminal_condition_and_jumps_are_derivatives_of_their_costs(name):
    one = derived(name)
    costs = [(one.end, one.parts.terminal, "terminal"), *((j, c, "cost") for j, c in zip(one.jumps, one.parts.observations, strict=True))]
    for formula, cost, output in costs:
        values = drawn(cost)
        found = compiled(formula)(values)
        assert close(found["depth"], slope(cost, output, values, one.parts.depth.name))
        for state in one.parts.states:
            assert close(found[f"a_{state.name}"], slope(cost, output, values, state.name))
        for leaf in cost.inputs:
            if f"grad_{leaf.name}" in found:
                assert close(found[f"grad_{leaf.name}"], slope(cost, output, values, leaf.name))


@EVERY
def test_the_start_is_the_costate_times_the_derivative_of_the_initial_value(name):
    start, initial, parts = derived(name).start, derived(name).parts.initial, derived(name).parts
    values = drawn(start)
    found = compiled(start)(values)
    for leaf, output in [(parts.depth, "depth"), *((leaf, f"grad_{leaf.name}") for leaf in parts.names)]:
        expected = sum(weighted(initial, values, state, leaf.name) for state in parts.states)
        assert close(found[output], expected)


def weighted(initial, values, state, name):
    """a^T dh/dname of one state."""
    array, found = values[name], np.zeros(values[name].shape)
    for place in np.ndindex(array.shape):
        moved = array.astype(complex)
        moved[place] += 1j * TINY
        change = np.imag(compiled(initial)({**values, name: moved})[state.name]) / TINY
        found[place] = np.sum(values[costate_of(state).name] * change)
    return found


@EVERY
def test_what_a_derivation_shows(name):
    one = derived(name)
    assert one.boundary == (one.start, one.end) and one.kind == "adjoint" and len(one.jumps) == len(one.problem.objective.observations)
    assert len({step.name for step in one.steps}) == len(one.steps) and all(step.source for step in one.steps)
    assert one == adjoint(CASES[name].problem())


def test_it_shows_as_latex():
    text = derived("closed_form")._repr_latex_()
    assert text.count("$$") == 2 * len(derived("closed_form").steps) and r"\theta" in text


def test_names_that_nothing_uses_have_gradient_zero():
    one = derived("unused_names")
    for formula in (one.system, one.start, one.end):
        assert not leaves(formula.output["grad_idle"]) and not leaves(formula.output["grad_aside"])


def test_depths_that_are_numbers_move_nothing():
    assert not derived("observed_unordered").parts.moves and derived("moving_observation").parts.moves
    assert all(not leaves(value) for _, value in derived("observed_unordered").marks.outputs)


def test_the_formulas_of_the_simplest_problem():
    """f = theta z, l = theta^2 z^2: a' = -theta a - 2 theta^2 z, dH/dtheta = a z + 2 theta z^2."""
    problem = oda.Problem(oda.Model({z: theta * z}, {z: z0}, (0, 1), (theta, z0)), oda.Objective(z, theta**2 * z**2))
    one, a = adjoint(problem), costate_of(z)
    written = {name: expanded(one.system, name) for name, _ in one.system.outputs}
    assert written["a_z"] == -theta * a - 2 * theta**2 * z and written["grad_theta"] == a * z + 2 * theta * z**2
    assert written["grad_z0"] == 0 and expanded(one.end, "a_z") == 1 and expanded(one.start, "grad_z0") == a


def expanded(formula, output):
    """An output with the lets put in their places."""
    value = formula.output[output]
    for leaf, inner in reversed(formula.lets):
        value = sp.sympify(value).subs(leaf, inner)
    return sp.expand(value)
