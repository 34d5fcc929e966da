"""Tables of model files that give a model more coordinates, higher derivatives, or a field that sees the data."""

from typing import Any

import pytest

import odeanalysis as oda
from odeanalysis.errors import ModelError

HEAD = """
domain = [0, 1]
[state]
z = [2]
[parameters]
W = [3, 2]
V = [2, 3]
A = [4, 2]
[inputs]
x = [2]
[field]
z = "V @ tanh(W @ z)"
[initial]
z = "x"
[objective]
terminal = "sumsq(z)"
running = "sumsq(W)"
[[transforms]]
"""
z, x, A = oda.block("z", 2), oda.block("x", 2), oda.block("A", 4, 2)
W, V = oda.block("W", 3, 2), oda.block("V", 2, 3)
GROWN = "resize = { W = [3, 4], V = [4, 3] }"
WIDE = {"W": (3, 4), "V": (4, 3)}
TABLES: dict[str, Any] = {
    f'kind = "augment"\nstate = "z"\nadded = "zeros(2)"\n{GROWN}': lambda m: oda.zero_augmentation(m, "z", 2, WIDE),
    f'kind = "augment"\nstate = "z"\nadded = "sin(A[0] @ x)*x"\n{GROWN}': (
        lambda m: oda.structured_augmentation(m, "z", oda.sin(A[0] @ x) * x, WIDE)
    ),
    f'kind = "augment"\nstate = "z"\ninitial = "A @ x"\n{GROWN}': lambda m: oda.augment(m, "z", A @ x, WIDE),
    'kind = "augment"\nstate = "z"\ninitial = "A[:2] @ x"': lambda m: oda.augment(m, "z", A[:2] @ x),
    'kind = "augment"\nstate = "z"\nadded = 3\nresize = { W = [3, 3], V = [3, 3] }': (
        lambda m: oda.structured_augmentation(m, "z", 3, {"W": (3, 3), "V": (3, 3)})
    ),
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v"]': lambda m: oda.higher_order(m, "z", ["v"]),
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v", "w"]\nbegins = "v"\ninitial = { w = "A[0, :1]" }\nselected = 1': (
        lambda m: oda.higher_order(m, "z", ["v", "w"], {"w": A[0, :1]}, begins="v", selected=1)
    ),
    'kind = "data_control"\nstate = "z"\ndata = "x"\nresize = { W = [3, 4] }': lambda m: oda.data_control(m, "z", "x", {"W": (3, 4)}),
    'kind = "data_control"\nstate = "z"\ndata = "s"\nresize = { W = [3, 3] }': lambda m: oda.data_control(m, "z", oda.depth, {"W": (3, 3)}),
    'kind = "data_control"\nstate = "z"\ndata = "A[0] @ x"\nresize = { W = [3, 3] }\nblock = "c"': (
        lambda m: oda.data_control(m, "z", A[0] @ x, {"W": (3, 3)}, block="c")
    ),
}
FRICTION = HEAD.replace('"V @ tanh(W @ z)"', '"V @ tanh(W @ z) - v"').replace("x = [2]", "x = [2]\nv = [2]")
SECOND_ORDER = 'kind = "higher_order"\nstate = "z"\nderivatives = ["v"]\n'


def by_hand(**changes: Any) -> Any:
    default = {"field": {z: V @ oda.tanh(W @ z)}, "initial": {z: x}, "domain": (0, 1), "parameters": [W, V, A], "inputs": [x]}
    return oda.Model(**{**default, **changes})


def posed(model: Any) -> Any:
    """The file's objective, over what the transforms made of the model."""
    names = {leaf.name: leaf for leaf in (*model.states, *model.parameters)}
    return oda.Problem(model, oda.Objective(terminal=oda.sumsq(names["z"]), running=oda.sumsq(names["W"])))


@pytest.mark.parametrize("table", TABLES)
def test_a_table_equals_the_transform_in_python(table: str):
    found = oda.loads(HEAD + table)
    assert found == posed(TABLES[table](by_hand()))
    assert oda.loads(oda.dumps(found)) == found


def test_a_derivative_that_the_field_uses_is_an_input_until_then():
    v = oda.block("v", 2)
    stated = by_hand(field={z: V @ oda.tanh(W @ z) - v}, inputs=[x, v])
    found = oda.loads(FRICTION + SECOND_ORDER)
    assert found == posed(oda.higher_order(stated, "z", ["v"])) and found.model.inputs == (x,)


def test_tables_are_applied_in_their_order():
    """Velocities that the field sees together with the data."""
    sees = '[[transforms]]\nkind = "data_control"\nstate = "z"\ndata = "concat(v, x)"\nresize = { W = [3, 6] }'
    wanted = oda.data_control(oda.higher_order(by_hand(), "z", ["v"]), "z", oda.concat(oda.block("v", 2), x), {"W": (3, 6)})
    assert oda.loads(HEAD + SECOND_ORDER + sees) == posed(wanted)


WRONG_TABLES = {
    'kind = "augment"\nadded = 0': r"transforms\[0\] has no state; add state",
    'kind = "augment"\nstate = 3\nadded = 0': r"transforms\[0\]\.state is a whole number",
    'kind = "augment"\nstate = "z"': r"transforms\[0\] has neither added nor initial; give one: added = ",
    'kind = "augment"\nstate = "z"\nadded = 0\ninitial = "x"': r"transforms\[0\] has added and initial; give one",
    'kind = "augment"\nstate = "z"\nadded = "q"': r"transforms\[0\]\.added.*'q'",
    'kind = "augment"\nstate = "z"\nadded = "zeros(2)"': r"transforms\[0\]: augment of 'z' in 'model'.*\(3, 2\) and \(4,\).*under resize",
    'kind = "augment"\nstate = "z"\nadded = 0\nresize = 3': r"transforms\[0\]\.resize is a whole number",
    'kind = "augment"\nstate = "z"\nadded = 0\nresize = { W = 3 }': r"transforms\[0\]\.resize\.W is a whole number",
    'kind = "augment"\nstate = "z"\nadded = 0\nresize = { W = [3, -1] }': r"transforms\[0\]\.resize\.W\[1\] is -1",
    'kind = "augment"\nstate = "z"\nadded = 0\nresize = { Q = [3] }': r"transforms\[0\]: 'Q' is no parameter or input",
    'kind = "augment"\nstate = "z"\nzeros = 2': r"transforms\[0\] \(augment\) has the key 'zeros'",
    'kind = "higher_order"\nstate = "z"': r"transforms\[0\] has no derivatives; add derivatives",
    'kind = "higher_order"\nstate = "z"\nderivatives = "v"': r"transforms\[0\]\.derivatives is a string",
    'kind = "higher_order"\nstate = "z"\nderivatives = []': r"transforms\[0\]: higher_order of 'z' names no derivative",
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v", "v"]': r"transforms\[0\]\.derivatives has 'v' twice",
    'kind = "higher_order"\nstate = "z"\nderivatives = ["sin"]': r"transforms\[0\]: .*'sin'.*choose",
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v"]\ninitial = "x"': r"transforms\[0\]\.initial is a string",
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v"]\ninitial = { w = 0 }': r"transforms\[0\]: 'w' is no position or derivative",
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v"]\ninitial = { v = "q" }': r"transforms\[0\]\.initial\.v.*'q'",
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v"]\nbegins = 1': r"transforms\[0\]\.begins is a whole number",
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v"]\nselected = 1.5': r"transforms\[0\]: selected is 1\.5; give a whole number",
    'kind = "higher_order"\nstate = "z"\nderivatives = ["v"]\nselected = "z"': r"transforms\[0\]: selected is 'z'; give a whole number",
    'kind = "data_control"\nstate = "z"': r"transforms\[0\] has no data; add data",
    'kind = "data_control"\nstate = "z"\ndata = "y"': r"transforms\[0\]\.data.*'y'",
    'kind = "data_control"\nstate = "z"\ndata = "x"\nblock = 1': r"transforms\[0\]\.block is a whole number",
    'kind = "data_control"\nstate = "z"\ndata = "s"\nblock = "c"': r"transforms\[0\]: block 'c' carries data that contain 's'",
}


@pytest.mark.parametrize("table", WRONG_TABLES)
def test_wrong_tables_are_refused_by_key(table: str):
    with pytest.raises(ModelError, match=WRONG_TABLES[table]):
        oda.loads(HEAD + table)
