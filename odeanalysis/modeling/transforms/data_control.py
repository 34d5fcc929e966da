"""A field that sees the data: z' = f(s, [z, x]).

Source: Massaroli et al. 2020, Sec. 5.1, eq. (10).
"""

from collections.abc import Iterable
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import tables
from odeanalysis.modeling.model import Model, Pairs
from odeanalysis.modeling.transforms.derived import beforehand, kept
from odeanalysis.modeling.transforms.resizing import fitting, parts, replaced, resized, shapes_from, vector
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked, located, new_leaf, one_of
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import exact, leaves
from odeanalysis.symbolic.shapes import show

KEYS = {"state": True, "data": True, "resize": False, "block": False}
EXAMPLES = {"state": 'state = "z"', "data": 'data = "x"', "block": 'block = "c"'}


def data_control(
    model: Model,
    state: str | Leaf,
    data: Any,
    resize: Pairs = (),
    block: str | Leaf | None = None,
    parameters: Iterable[Leaf] = (),
) -> Model:
    """Gives the field the data beside a state: wherever the field uses z, it takes both, one behind the other.

        z' = f(s, [z, x])    or, with a block c,    z' = f(s, [z, c]),   c' = 0,   c(s0) = x

    state: a vector.  data: a name, or a scalar or vector expression, such as an embedding `E @ x`, the depth, or another state.
    resize: name -> shape, for the parameters that take more coordinates, such as the first weights of a network.
    block: the name of a state that carries the data, an augmentation with the same states and gradients.  parameters: those that data add.
    Raises ModelError for a field that does not use the state or does not fit, and for a block whose data vary with depth.
    """
    old = vector(model, state, "data_control")
    names = resized(model, resize)
    given = replaced(_expression(model, data), names)
    if len(shape_of(given)) > 1:
        raise ModelError(f"data_control of {old.name!r} by data of shape {show(shape_of(given))}; give a scalar or a vector")
    if not any(old in leaves(f) for _, f in model.field):
        raise ModelError(
            f"data_control of {old.name!r}, which the field of {model.name!r} does not use; write the data into the field itself"
        )
    carried = given if block is None else _constant(model, block, given)
    with fitting(f"data_control of {old.name!r} in {model.name!r}", lambda: beforehand(model, old, "data_control")):
        made = parts(model, names, {old: ex.concat(old, carried)})
        if block is not None:
            made["field"][carried] = ex.zeros(*shape_of(given))
            made["initial"][carried] = given
        seeing = model.with_(**{**made, "parameters": (*made["parameters"], *parameters)})
    return kept(model, seeing, old, "data_control")


def _expression(model: Model, data: Any) -> Any:
    if isinstance(data, str):
        return one_of(data, (*model.varying, *model.names, *model.states, model.depth), "name", model)
    return exact(data)


def _constant(model: Model, block: str | Leaf, data: Any) -> Leaf:
    """The state that carries the data."""
    carried = new_leaf(model, block, shape_of(data), "block")
    moving = leaves(data) & {model.depth, *model.states, *model.varying}
    if moving:
        name = min(leaf.name for leaf in moving)
        raise ModelError(f"block {carried.name!r} carries data that contain {name!r}, which varies with depth; leave the block out")
    return carried


def from_table(model: Model, table: Table, where: str, parse: Parse) -> Model:
    """A table of a model file: state, data, resize, block."""
    given = checked(table, where, KEYS, EXAMPLES)
    state = tables.text(given["state"], f"{where}.state", EXAMPLES["state"])
    data = parse(given["data"], f"{where}.data")
    block = tables.text(given["block"], f"{where}.block", EXAMPLES["block"]) if "block" in given else None
    with located(where):
        return data_control(model, state, data, shapes_from(given, where), block)


TRANSFORM = Transform("model", KEYS, from_table)
