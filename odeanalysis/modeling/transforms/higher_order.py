"""Fields that state a higher derivative: d^n z/ds^n = f, as a system of n blocks of first order.

Source: Massaroli et al. 2020, Sec. 4, eq. (5)-(7), where (7) repeats an argument.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.modeling.model import Model, Pairs, describe
from odeanalysis.modeling.transforms.derived import kept
from odeanalysis.modeling.transforms.resizing import vector
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked, located, new_leaf, one_of, texts
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.shapes import Shape, show

KEYS = {"state": True, "derivatives": True, "initial": False, "begins": False, "selected": False}
EXAMPLES = {"state": 'state = "z"', "derivatives": 'derivatives = ["v"]', "begins": 'begins = "v"'}


def higher_order(
    model: Model,
    state: str | Leaf,
    derivatives: Iterable[str | Leaf],
    initial: Pairs = (),
    begins: str | Leaf | None = None,
    selected: Any = None,
) -> Model:
    """Takes a state's field for its highest derivative; the lower ones become states of their own.

        z' = v_1,   v_1' = v_2,   ...,   v_{n-1}' = f(s, z, v_1, ..., v_{n-1})

    derivatives: the names of v_1, ..., v_{n-1}. One that the field uses is declared as an input, of the position's shape, until then.
    begins: the block that starts at the stated initial value (default: the position z); all others start at 0, or as `initial` says.
    selected: how many of a vector's coordinates, the first ones, have derivatives (default: all); the rest stays of first order:

        z = [z_q, z_e],   z_q' = v,   v' = f_q,   z_e' = f_e

    Raises ModelError for unknown and taken names, and for derivatives of another shape.
    """
    position = one_of(state, model.states, "state", model)
    count = None if selected is None else _count(model, position, selected)
    shape = shape_of(position) if count is None else (count,)
    blocks = tuple(_derivative(model, name, shape) for name in checks.items(derivatives, "higher_order: derivatives"))
    if not blocks:
        raise ModelError(f"higher_order of {position.name!r} names no derivative; name those below the highest, such as the velocity")
    slope = dict(model.field)[position]
    chain = ((position, _joined(blocks[0], slope, count)), *zip(blocks, (*blocks[1:], _first(slope, count)), strict=True))
    starts = _starts(model, (position, *blocks), count, begins, initial)
    with located(f"higher_order of {position.name!r}, of which {', '.join(repr(block.name) for block in blocks)} become states"):
        lifted = model.with_(
            field=tuple(_spliced(model.field, position, chain)),
            initial=tuple(_spliced(model.initial, position, starts)),
            inputs=tuple(one for one in model.inputs if one not in blocks),
        )
    return kept(model, lifted, position, "higher_order")


def _spliced(equations: Iterable[tuple[Leaf, Any]], position: Leaf, chain: Iterable[tuple[Leaf, Any]]) -> Iterator[tuple[Leaf, Any]]:
    """Equations with those of a chain in the place of the position's."""
    for state, value in equations:
        yield from chain if state == position else ((state, value),)


# ---------------------------------------------------------------- the coordinates that have derivatives


def _count(model: Model, position: Leaf, selected: Any) -> int | None:
    """How many first coordinates are selected; None for all of them."""
    (length,) = shape_of(vector(model, position, "higher_order with selected"))
    known = isinstance(selected, (int, sp.Integer)) and not isinstance(selected, bool)
    if not known or selected < 0 or (isinstance(length, int) and selected > length):
        raise ModelError(
            f"selected is {tables.show(selected)}; give a whole number of coordinates of {describe(position)}, from 0 to {length}"
        )
    return None if selected == length else int(selected)


def _first(value: Any, count: int | None) -> Any:
    """The selected coordinates."""
    return value if count is None else ex.index(value, slice(None, count))


def _joined(first: Any, value: Any, count: int | None) -> Any:
    """A vector with others in place of its selected coordinates."""
    return first if count is None else ex.concat(first, ex.index(value, slice(count, None)))


# ---------------------------------------------------------------- the blocks and where they start


def _derivative(model: Model, name: str | Leaf, shape: Shape) -> Leaf:
    """The block of a derivative: a new name, or an input, which becomes a state."""
    known = next((one for one in model.inputs if one.name == getattr(name, "name", name)), None)
    if known is not None and shape_of(known) != shape:
        raise ModelError(f"derivative {describe(known)} is declared as an input of another shape than {show(shape)}; give it that one")
    return known or new_leaf(model, name, shape, "derivative")


def _starts(model: Model, blocks: tuple[Leaf, ...], count: int | None, begins: Any, initial: Pairs) -> tuple[tuple[Leaf, Any], ...]:
    """Where the position and its derivatives start: one at the stated value, the others at 0 or at values of their own."""
    position, given = blocks[0], dict(model.initial)[blocks[0]]
    begun = position if begins is None else one_of(begins, blocks, "position or derivative", model)
    starts = {block: ex.zeros(*shape_of(block)) for block in blocks}
    starts[position] = given if begun == position else _joined(ex.zeros(*shape_of(blocks[1])), given, count)
    if begun != position:
        starts[begun] = _first(given, count)
    for name, value in checks.pairs(initial, "higher_order: initial"):
        block = one_of(name, blocks, "position or derivative", model)
        if block == begun:
            raise ModelError(
                f"initial starts {block.name!r}, which begins at the stated initial value; let another block begin, or leave it out"
            )
        starts[block] = value
    return tuple(starts.items())


def from_table(model: Model, table: Table, where: str, parse: Parse) -> Model:
    """A table of a model file: state, derivatives, initial, begins, selected."""
    given = checked(table, where, KEYS, EXAMPLES)
    state = tables.text(given["state"], f"{where}.state", EXAMPLES["state"])
    names = texts(given["derivatives"], f"{where}.derivatives", EXAMPLES["derivatives"])
    starts = tables.table(given.get("initial", {}), f"{where}.initial")
    initial = {name: parse(value, f"{where}.initial.{name}") for name, value in starts.items()}
    begins = tables.text(given["begins"], f"{where}.begins", EXAMPLES["begins"]) if "begins" in given else None
    with located(where):
        return higher_order(model, state, names, initial, begins, given.get("selected"))


TRANSFORM = Transform("model", KEYS, from_table)
