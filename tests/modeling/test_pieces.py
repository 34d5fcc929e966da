"""Conditions on depth are read off and become flags; conditions on the state are kept where continuous, else refused."""

from typing import Any

import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.parts import Parts, parts
from odeanalysis.modeling.transforms.transform import inlined
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.rewrite import leaves, walk
from tests.cases import CASES

s = oda.depth
a, c, x, z, q, seen = (oda.block(name) for name in ("a", "c", "x", "z", "q", "seen"))
v, C = oda.block("v", 2), oda.block("C", 2)
where, step = oda.where, FUNCTIONS["step"]


def split(field: Any = 0, objective: Any = None, **more: Any) -> Parts:
    """The parts of a problem with two states, z with the field given, and v that stands still."""
    given = {"domain": (0, 1), "initial": {z: x, v: oda.zeros(2)}, **more}
    model = oda.Model(field={z: field, v: oda.zeros(2)}, parameters=[a, c, C], inputs=[x], **given)
    return parts(oda.Problem(model, objective or oda.Objective(terminal=z)))


def breaks(found: Parts) -> list[Any]:
    """The depths at which a path is split, beside its ends and observations."""
    return [inlined(found.marks.lets, found.marks.outputs[i][1]) for i in found.switching]


MANY = sum(oda.sin(i * x) for i in range(1, 60))
# what stands in the field, and where it switches
READ_OFF = {
    "number": (where(s < 0.35, 1, 2), [sp.Rational(7, 20)]),
    "parameter": (where(s < c, z, 2), [c]),
    "input": (where(x >= s, z, 2), [x]),
    "entry": (where(s > C[1], 1, 2), [C[1]]),
    "scaled": (where(2 * s - c < a, 1, 2), [(a + c) / 2]),
    "scaled by a name": (where(c * s < a, 1, 2), [a / c]),
    "scaled by many names": (where(MANY * s < 1, 1, 2), [1 / MANY]),
    "opaque to SymPy": (where(s < oda.softplus(c), 1, 2), [oda.softplus(c)]),
    "of a choice": (where(s < oda.maximum(a, 2 * c), 1, 2), [oda.maximum(a, 2 * c)]),
    "both": (where(sp.And(s > a, s < c), 1, 2), [c, a]),
    "either": (where(sp.Or(s > a, s < c), 1, 2), [c, a]),
    "negated": (where(sp.Not(s > a), 1, 2), [a]),
    "nested": (where(s < a, where(s < c, 1, 2), z), [a, c]),
    "twice the same": (where(s < a, 1, 2) + where(s < a, z, 3), [a]),
    "opposite": (where(s < a, 1, 2) + where(s >= a, z, 3), [a]),
    "of arrays": (oda.sum(where(s < a, v, 2 * v)), [a]),
    "abs": (oda.abs(s - c), [c]),
    "sign": (oda.sign(c - s), [c]),
    "relu": (oda.relu(2 * s - c) * z, [c / 2]),
    "step": (step(s - c), [c]),
    "maximum": (oda.maximum(s, 1 - s), [sp.Rational(1, 2)]),
    "minimum": (oda.minimum(a, s + c), [a - c]),
    "on names alone": (where(a > c, 1, 2), []),
    "with the state": (oda.maximum(z, s), []),
    "smooth kink elsewhere": (oda.abs(s**2 - c), []),
}


@pytest.mark.parametrize("name", READ_OFF)
def test_depths_are_read_off(name: str):
    field, wanted = READ_OFF[name]
    found = breaks(split(field))
    assert len(found) == len(wanted) and all(sp.simplify(one - other) == 0 for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("name", [name for name, (_, wanted) in READ_OFF.items() if wanted])
def test_no_condition_on_depth_is_left(name: str):
    """Every condition is a flag's, so that the field is smooth inside a segment."""
    found = split(READ_OFF[name][0])
    flags = set(found.pieces.flags)
    conditions = [node for _, value in found.field.outputs for node in walk([value]) if isinstance(node, sp.StrictGreaterThan)]
    assert conditions and all(leaves(one) <= flags for one in conditions)


def value_of(found: Parts, names: dict[Any, Any]) -> Any:
    """The first field's value: flags from their conditions first, then the field."""
    flags = {flag: found.flags.output[flag.name].subs(names) for flag in found.pieces.flags}
    lets = dict(reversed(found.field.lets))
    value = found.field.output["z"].subs(lets)
    return sp.sympify(value).subs({**names, **flags})


ONE_SIDED = {
    "abs": (oda.abs(s - c), lambda depth: abs(depth - 0.4)),
    "sign": (oda.sign(s - c), lambda depth: 1 if depth > 0.4 else -1),
    "relu": (oda.relu(s - c), lambda depth: max(depth - 0.4, 0)),
    "step": (step(s - c), lambda depth: 1 if depth > 0.4 else 0),
    "maximum": (oda.maximum(s, c), lambda depth: max(depth, 0.4)),
    "minimum": (oda.minimum(2 * s, c), lambda depth: min(2 * depth, 0.4)),
    "where": (where(s < c, 5, s), lambda depth: 5 if depth < 0.4 else depth),
    "window": (where(sp.And(s > c, s < 2 * c), 5, s), lambda depth: 5 if 0.4 < depth < 0.8 else depth),
}


@pytest.mark.parametrize("depth", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("name", ONE_SIDED)
def test_flags_keep_the_meaning(name: str, depth: float):
    field, meaning = ONE_SIDED[name]
    found = value_of(split(field), {s: sp.Rational(str(depth)), c: sp.Rational(2, 5)})
    assert float(found) == pytest.approx(meaning(depth), abs=1e-15)


NOT_AFFINE = where(s**2 < a, 1, 2)


@pytest.mark.parametrize("field", [NOT_AFFINE, where(oda.sin(s) > 0, 1, 2), where(s / (1 + s) < c, 1, 2), where(oda.sigmoid(s) < c, 1, 2)])
def test_what_cannot_be_read_off_is_refused_and_asks_for_its_depths(field: Any):
    with pytest.raises(
        oda.ModelError, match=r"field 'z' of 'model' has the condition .* list the depths at which it switches under breakpoints"
    ):
        split(field)


def test_depths_given_by_hand_stand_in():
    found = split(NOT_AFFINE, breakpoints=[oda.sqrt(a)])
    assert breaks(found) == [sp.sqrt(a)] and len(found.pieces.flags) == 1


def test_a_sign_that_cannot_be_read_off_is_refused():
    with pytest.raises(oda.ModelError, match="a jump in depth whose place cannot be read off; write it as where"):
        split(oda.sign(s**2 - a), breakpoints=[oda.sqrt(a)])


@pytest.mark.parametrize("field", [oda.sum(where(s < C, 1, 0)), oda.sum(oda.sign(C - s))])
def test_arrays_of_switches_are_refused(field: Any):
    with pytest.raises(oda.ModelError, match=r"field 'z' of 'model' (compares arrays with the depth|has sign)"):
        split(field)


# ---------------------------------------------------------------- the state

JUMPS = {
    "where": where(z > 0, 1, 0),
    "sign": oda.sign(z - 1),
    "step": step(z),
    "of two states": where(z > v[0], 1, 2),
    "not linear": where(z**2 > 1, z, 1),
    "not the same at the edge": where(z > s, z, 0),
    "joined": where(sp.And(z > 0, s < 1), z, 0),
    "entry by entry": oda.sum(where(v > 0, v, 1)),
    "signs of a vector": oda.sum(oda.sign(v)),
    "inside": oda.exp(where(z > 0, z, z + 1)),
}
CONTINUOUS = {
    "abs": oda.abs(z),
    "relu": oda.relu(z - s),
    "of a vector": oda.sum(oda.relu(v)),
    "maximum": oda.maximum(z, v[0]),
    "where": where(z > 0, z, 0),
    "where with names": where(z > a, z - a, 2 * (z - a)),
    "where with depth": where(z <= s, 0, (z - s) ** 2),
}


@pytest.mark.parametrize("name", JUMPS)
def test_a_field_that_jumps_with_the_state_is_refused(name: str):
    with pytest.raises(oda.ModelError, match=r"field 'z' of 'model' has .*jumps when the state crosses .*; write it with relu"):
        split(JUMPS[name])


@pytest.mark.parametrize("name", JUMPS)
def test_a_running_cost_that_jumps_with_the_state_is_refused(name: str):
    with pytest.raises(oda.ModelError, match=r"objective\.running of 'model' has"):
        split(objective=oda.Objective(running=JUMPS[name]))


@pytest.mark.parametrize("name", JUMPS)
def test_costs_at_a_depth_may_jump(name: str):
    """Their value at one state has a derivative wherever the state is not on the edge."""
    observation = oda.Observation([0.5], JUMPS[name])
    assert breaks(split(objective=oda.Objective(terminal=JUMPS[name], observations=(observation,)))) in ([], [1])


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_continuous_condition_is_accepted_as_it_is(name: str):
    found = split(CONTINUOUS[name], oda.Objective(running=CONTINUOUS[name]))
    assert breaks(found) == [] and not found.pieces.flags


# ---------------------------------------------------------------- marks and observations


def test_every_part_of_a_problem_is_looked_through():
    observation = oda.Observation([0.5], where(s < 0.4, z, 1))
    objective = oda.Objective(where(s < 0.3, z, 1), where(s < 0.2, z, 1), (observation,))
    found = split(where(s < 0.1, z, 1), objective, initial={z: where(s < 0.05, x, 1), v: oda.zeros(2)})
    assert sorted(breaks(found)) == [sp.Rational(1, 20), *(sp.Rational(i, 10) for i in (1, 2, 3, 4))]


def test_a_condition_between_depth_and_data_is_decided_at_the_datum():
    cost = where(s < seen, 1, 2) * z + oda.abs(s - seen)
    found = split(objective=oda.Objective(observations=(oda.Observation([0.5], cost, [seen]),)))
    assert not found.pieces.flags and breaks(found) == []


def test_functions_of_depth_are_put_in_their_place_first():
    signal = where(s < a, c, C[0])
    found = split(q * z, functions={q: signal})
    assert breaks(found) == [a] and q not in {leaf for _, value in found.field.outputs for leaf in leaves(value)}


def test_equal_depths_are_one_mark():
    observation = oda.Observation([c, 1, 0.5], (z - seen) ** 2, [seen])
    found = split(where(s < c, 1, 2) + oda.abs(s - c), oda.Objective(observations=(observation,)), breakpoints=[c, 0.5, 0])
    depths = [depth for _, depth in found.marks.outputs]
    assert len(set(depths)) == len(depths) and set(depths) == {0, 1, c, sp.Rational(1, 2)}
    assert [depths[i] for i in found.observed[0]] == [c, 1, sp.Rational(1, 2)]
    assert {depths[i] for i in found.switching} == {c, sp.Rational(1, 2), 0}


def test_fixed_marks_are_told_from_moving_ones():
    found = split(where(s < c, 1, 2), domain=(0, x))
    assert [found.is_fixed(i) for i in range(3)] == [True, False, False]


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_parts_over_its_own_names(name: str):
    """The formulas mention what values, depth, states and flags give, and no function of depth."""
    problem = CASES[name].problem()
    found = parts(problem)
    known = {problem.model.depth, *problem.model.states, *problem.model.names, *found.pieces.flags}
    assert set(found.field.inputs) == known and set(found.terminal.inputs) == known
    assert set(found.marks.inputs) == set(problem.model.names)
    assert len(found.observations) == len(problem.objective.observations)
