"""Formulas as readers see them: the same values, by names that clash with none of the user's, with conditions in their places."""

from functools import cache
from typing import Any

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.derivations.parts import costate_of
from odeanalysis.derivations.readable import readable, readable_names, taken
from odeanalysis.numerics.gradients.program import compiled
from odeanalysis.symbolic.formula import name_of
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.printing.program import formula_text, parse_formula
from tests.cases import CASES

EVERY = pytest.mark.parametrize("name", CASES)
s = oda.depth
z, k, c = oda.block("z"), oda.block("k"), oda.block("c")


@cache
def derived(name):
    return oda.adjoint(CASES[name].problem())


def drawn(stated, formula, depth, seed):
    """A random array for each input, the flags as the conditions say at the depth."""
    random = np.random.default_rng(seed)
    sizes = sorted({size for leaf in formula.inputs for size in shape_of(leaf) if not isinstance(size, int)}, key=str)
    known: dict[Any, int] = {size: 2 + i for i, size in enumerate(sizes)}
    shapes = {leaf: tuple(int(known.get(size, size)) for size in shape_of(leaf)) for leaf in (*formula.inputs, *stated.names)}
    values = {name_of(leaf): random.uniform(0.2, 0.9, shape) for leaf, shape in shapes.items()}
    values[stated.depth.name] = np.array(depth)
    return {**values, **compiled(stated.flags)(values)}


@EVERY
@pytest.mark.parametrize("depth", [-0.71, 0.13, 0.52, 1.77])
def test_values_are_those_of_the_formula(name, depth):
    stated = derived(name).parts
    names = {name_of(old): name_of(new) for old, new in readable_names(stated).items()}
    for step in derived(name).steps:
        values = drawn(stated, step, depth, 3)
        shown = compiled(readable(stated, step))({names.get(one, one): value for one, value in values.items()})
        for output, value in compiled(step)(values).items():
            assert shown[output] == pytest.approx(value, rel=1e-11, abs=1e-12, nan_ok=True)


@EVERY
def test_every_name_is_one_that_a_reader_would_choose(name):
    stated = derived(name).parts
    for formula in derived(name).readable.values():
        names = [name_of(leaf) for leaf in (*formula.inputs, *(leaf for leaf, _ in formula.lets))]
        assert not [one for one in names if one.startswith("_")] and len(set(names)) == len(names)
        assert not {name_of(leaf) for leaf, _ in formula.lets} & taken(stated)


@EVERY
def test_readable_formulas_go_back_through_the_parser(name):
    for formula in derived(name).readable.values():
        assert parse_formula(formula_text(formula)) == formula


def test_conditions_stand_in_their_places_and_choices_are_put_together():
    field = oda.where(s < c, k * z, -z) + oda.where(s < c, z**2, k) * z
    found = oda.adjoint(oda.Problem(oda.Model({z: field}, {z: k}, (0, 1 + k), [k, c]), oda.Objective(z)))
    assert str(found.readable["field"].output["z"]) == "where(s < c, k*z + z**3, k*z - z)"
    assert str(found.readable["system"].output["grad_k"]) == "a_z*z"  # in both branches
    assert str(found.readable["hamiltonian"].output["H"]) == "a_z*where(s < c, k*z + z**3, k*z - z)"
    assert str(found.readable["moving_depths"].output["grad_k"]) == "ell_S"
    assert str(found.readable["moving_depths"].output["grad_c"]) == "ell_break0"


CLASHES = {
    ("a_z",): ("costate_z", "ell_S"),
    ("a_z", "costate_z"): ("costate2_z", "ell_S"),
    ("ell_S",): ("a_z", "dell_S"),
    ("ell_s0", "dell_break0", "t1"): ("a_z", "dell2_S"),
}


@pytest.mark.parametrize("own", CLASHES, ids="-".join)
def test_names_of_the_user_are_left_to_the_user(own):
    mine = [oda.block(name) for name in own]
    field = oda.where(s < c, z, -z) * oda.exp(k * z) * (1 + oda.exp(k * z)) + sum(mine)
    problem = oda.Problem(oda.Model({z: field}, {z: k}, (0, k), [k, c, *mine]), oda.Objective(z))
    found = oda.adjoint(problem)
    names = readable_names(found.parts)
    costate, slope = CLASHES[own]
    assert name_of(names[costate_of(z)]) == costate and slope in map(name_of, names.values())
    assert found.readable["field"].lets[0][0] == oda.block("t2" if "t1" in own else "t1")


def test_states_may_have_the_names_of_outputs():
    """The system of states called a_z, cost and grad_k loses none of its equations."""
    states = a, cost, grad = [oda.block(name) for name in ("a_z", "cost", "grad_k")]
    model = oda.Model({z: k * z, a: -a * z, cost: 2 * cost, grad: z}, {z: 1, **dict.fromkeys(states, k)}, (0, 1), [k])
    found = oda.adjoint(oda.Problem(model, oda.Objective(terminal=z + a + cost + grad, running=z**2)))
    system = found.system.output
    assert [system[name] for name in ("z", "a_z", "cost", "grad_k")] == [k * z, -a * z, 2 * cost, z]
    assert str(system["_cost"]) == "z**2" and str(system["_grad_k"]) == "_a_z*z" and "_a_a_z*a_z" in str(system["_a_z"])
    assert oda.prove(found).holds


def test_a_derived_problem_shows_itself_by_readable_names():
    found = derived("moving_switch")._repr_latex_()
    assert "piece" not in found and "\\bar" not in found
