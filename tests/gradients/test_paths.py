"""The path of every sample: the order of its nodes, the marks they come from, the pieces between them."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.boundary import spread
from odeanalysis.numerics.gradients.paths import moved
from odeanalysis.numerics.gradients.setting import prepare
from tests.gradients.solved import EVERY, solved

s = oda.depth
z, k, a, b = (oda.block(name) for name in ("z", "k", "a", "b"))


def laid(field, domain, values, at=(), parameters=(k, a, b)):
    """The setting of a problem whose marks are s0, S, the break points of its field, then its observed depths."""
    observations = (oda.Observation(at, z),) if at else ()
    problem = oda.Problem(oda.Model({z: field}, {z: 1}, domain, parameters), oda.Objective(z, 0, observations))
    return prepare(problem, {"k": 1.0, **values})


SWITCHES = oda.where(s < a, z, -z) + oda.where(s < b, 1, s)


@pytest.mark.parametrize("domain", [(0, 1), (1, 0)])
def test_nodes_stand_in_the_order_of_each_samples_path(domain):
    setting = laid(SWITCHES, domain, {"a": [0.2, 0.7], "b": [0.5, 0.3]})
    along = setting.path.grid.nodes if domain == (0, 1) else setting.path.grid.nodes[:, ::-1]
    assert along.tolist() == [[0, 0.2, 0.5, 1], [0, 0.3, 0.7, 1]]


@pytest.mark.parametrize("domain", [(0, 1), (1, 0)])
def test_pieces_are_decided_inside_each_segment(domain):
    setting = laid(SWITCHES, domain, {"a": [0.2, 0.7], "b": [0.5, 0.3]})
    flags = setting.path.grid.pieces if domain == (0, 1) else setting.path.grid.pieces[:, ::-1]
    below = {a: [[1, 0, 0], [1, 1, 0]], b: [[1, 1, 0], [1, 0, 0]]}
    for i, piece in enumerate(setting.program.parts.pieces.items):
        assert flags[:, :, i].tolist() == below[a if a in piece.depths else b]


def test_break_points_outside_stand_at_the_end_they_lie_beyond_and_take_their_neighbours_pieces():
    setting = laid(SWITCHES, (0, 1), {"a": -0.5, "b": 1.5})
    assert setting.path.grid.nodes.tolist() == [[0, 0, 1, 1]]
    assert setting.path.source.tolist() == [[0, 0, 1, 1]]
    flags = setting.path.grid.pieces[0]
    assert (flags == flags[1]).all()


def test_a_domain_of_length_zero_has_the_pieces_of_its_midpoint():
    setting = laid(SWITCHES, (0.3, 0.3), {"a": 0.2, "b": 0.5})
    assert np.ptp(setting.path.grid.nodes) == 0
    assert {tuple(flags) for flags in setting.path.grid.pieces[0]} in ({(0.0, 1.0)}, {(1.0, 0.0)})


def test_equal_expressions_are_one_mark_and_equal_depths_are_two():
    setting = laid(oda.where(s < a, z, -z), (0, 1), {"a": 0.5, "b": 0.25}, at=(a, 0.5 * a, b, 0, 1))
    names = [name for name, _ in setting.program.parts.marks.outputs]
    assert len(names) == 5 and names[:3] == ["start", "end", "break0"]
    assert setting.path.grid.nodes.tolist() == [[0, 0.25, 0.25, 0.5, 1]]


def test_an_observation_stands_before_a_fixed_switch_at_its_depth():
    """A cost sees the side of s0."""
    setting = laid(oda.where(s < 0.5, z, -z), (0, 1), {"a": 0.1, "b": 0.2}, at=(0.5, 0.2))
    node = setting.path.node[:, list(setting.program.parts.observed[0])]
    flags = setting.path.flags_at(node)
    assert flags.ravel().tolist() == [1, 1]


@pytest.mark.parametrize("domain", [(0, 1), (1, 0)])
def test_each_of_the_switches_at_one_depth_is_passed_in_its_turn(domain):
    setting = laid(SWITCHES, domain, {"a": 0.4, "b": 0.4})
    source, flags = setting.path.source[0], setting.path.grid.pieces[0]
    assert setting.path.grid.nodes[0].tolist() == [domain[0], 0.4, 0.4, domain[1]]
    for node in (1, 2):
        switched = np.nonzero(flags[node - 1] != flags[node])[0]
        assert [setting.program.parts.switches[piece] for piece in switched] == [source[node]]


# domain, nodes, values, what is wrong
STACKS = {
    "beyond the last": (
        (0, a),
        [0, b, 1],
        {"a": [0.5, 1.5], "b": 0.2},
        "run from 0.0 to 1.0 for sample 1 and do not contain its domain [0.0, 1.5]",
    ),
    "before the first": (
        (a, 1),
        [0, b, 2],
        {"a": [0.5, -0.5], "b": 0.2},
        "run from 0.0 to 2.0 for sample 1 and do not contain its domain [-0.5",
    ),
    "on a way back": (
        (0, a),
        [0, b, 1],
        {"a": -0.5, "b": 0.2},
        "run from 0.0 to 1.0 for sample 0 and do not contain its domain [-0.5, 0.0]",
    ),
    "moved inside": (
        (0, 1),
        [a, 0.5, b],
        {"a": [0, 0, 0.1], "b": 1},
        "run from 0.1 to 1.0 for sample 2 and do not contain its domain [0.0, 1.0]",
    ),
    "out of order": ((0, 1), [0, a, b, 1], {"a": 0.6, "b": [0.7, 0.4]}, ": b is 0.4 for sample 1, not above a, which is 0.6"),
    "equal": ((0, 1), [0, a, b, 1], {"a": 0.6, "b": 0.6}, ": b is 0.6 for sample 0, not above a, which is 0.6"),
}


@pytest.mark.parametrize("name", STACKS)
def test_nodes_of_piecewise_constant_names_are_checked_for_each_sample(name):
    domain, nodes, values, message = STACKS[name]
    model = oda.stacked(oda.Model({z: k * z}, {z: 1}, domain, (k, a, b), name="trial"), ["k"], nodes)
    with pytest.raises(oda.ModelError) as caught:
        prepare(oda.Problem(model, oda.Objective(z)), {"k": np.ones(len(nodes) - 1), **values})
    assert f"nodes of 'trial'{' ' if message.startswith('run') else ''}{message}" in str(caught.value)


def test_nodes_that_increase_and_contain_every_domain_are_accepted():
    model = oda.stacked(oda.Model({z: k * z}, {z: 1}, (0, a), (k, a, b)), ["k"], [0, b, 1])
    problem = oda.Problem(model, oda.Objective(z))
    assert prepare(problem, {"k": [1.0, 2.0], "a": [0.0, 0.3, 1.0], "b": [0.1, 0.5, 0.9]}).batch == 3


@EVERY
def test_every_node_is_the_depth_of_its_mark(name):
    setting = solved(name).setting
    marks = np.stack([np.broadcast_to(m, (setting.batch,)) for m in setting.program.marks(setting.values).values()], axis=1)
    assert (np.take_along_axis(marks, setting.path.source, axis=1) == setting.path.grid.nodes).all()
    way = np.where(marks[:, 1] >= marks[:, 0], 1, -1)[:, None]
    assert (np.diff(setting.path.grid.nodes, axis=1) * way >= 0).all()


@EVERY
def test_observed_marks_stand_at_the_node_they_name(name):
    setting = solved(name).setting
    observed = sorted({mark for one in setting.program.parts.observed for mark in one})
    rows = np.arange(setting.batch)
    for mark in observed:
        at_mark = np.broadcast_to(list(setting.program.marks(setting.values).values())[mark], (setting.batch,))
        assert (setting.path.grid.nodes[rows, setting.path.node[:, mark]] == at_mark).all()


def test_moved_marks_keep_their_order_and_pieces_also_where_they_pass_each_other():
    setting = laid(SWITCHES, (0, 1), {"a": 0.4, "b": 0.4})
    further = moved(setting.program, {**setting.values, "b": np.array(0.39)}, 1, setting.path)
    assert sorted(further.grid.nodes[0].tolist()) == [0, 0.39, 0.4, 1]
    assert (further.grid.pieces == setting.path.grid.pieces).all() and further.source is setting.path.source


def test_cotangents_of_nodes_add_up_at_their_marks():
    setting = laid(SWITCHES, (0, 1), {"a": [-0.5, 0.7], "b": [0.5, 0.3]})
    back = spread(setting, np.array([[1.0, 10.0, 100.0, 1000.0], [1.0, 10.0, 100.0, 1000.0]]))
    first, second = ("break0", "break1") if setting.program.parts.marks.output["break0"] == a else ("break1", "break0")
    assert back["start"].tolist() == [11, 1] and back["end"].tolist() == [1000, 1000]
    assert back[first].tolist() == [0, 100] and back[second].tolist() == [100, 10]


@pytest.mark.parametrize("end", [-1.0, [0.5, -1.0]])
def test_a_regularizer_warns_where_values_run_its_domain_backward(end):
    plain = oda.Problem(oda.Model({z: k * z}, {z: 1}, (0, a), (k, a)), oda.Objective(z))
    signed, absolute = (oda.regularize(plain, kinetic=0.1, measure=measure) for measure in ("signed", "absolute"))
    with pytest.warns(UserWarning, match=rf"'model' runs backward for sample {np.size(end) - 1}, .* reward speed instead of limiting it"):
        prepare(replace(signed, reduction="sum"), {"k": 1.0, "a": end})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepare(signed, {"k": 1.0, "a": np.abs(end)})
        prepare(absolute, {"k": 1.0, "a": end})
        prepare(plain, {"k": 1.0, "a": end})
