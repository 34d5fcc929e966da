"""More coordinates than the data have: z(s0) = h(x) with h into a larger space.

Source: Massaroli et al. 2020, Sec. 4, eq. (4); Dupont et al. 2019 for h(x) = [x, 0].
"""

from collections.abc import Callable, Iterable
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import tables
from odeanalysis.modeling.model import Model, Pairs
from odeanalysis.modeling.transforms.derived import beforehand, kept
from odeanalysis.modeling.transforms.resizing import fitting, parts, replaced, resized, shapes_from, vector
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked, located, new_leaf
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import exact
from odeanalysis.symbolic.shapes import show

KEYS = {"state": True, "added": False, "initial": False, "resize": False}
EXAMPLES = {"state": 'state = "z"'}


def augment(model: Model, state: str | Leaf, initial: Any, resize: Pairs = (), parameters: Iterable[Leaf] = ()) -> Model:
    """The same field on a larger space: a state starts at an expression whose length becomes its own.

        z(s0) = h(x),   z' = f(s, z)

    state: a vector.  initial: h, a vector in parameters, inputs and depth.  resize: name -> shape, for the parameters and inputs that
    grow with the state, such as the first and the last weights of a network.  parameters: those that h adds.
    An index of the state keeps the coordinate that it names, and a slice of a whole axis stays whole.
    Raises ModelError for a state that is no vector, and where the field does not fit its new length.
    """
    old = vector(model, state, "augment")
    names = resized(model, resize)
    start = replaced(exact(initial), names)
    if len(shape_of(start)) != 1:
        raise ModelError(f"augment starts {old.name!r} of {model.name!r} at an expression of shape {show(shape_of(start))}; give a vector")
    new = ex.block(old.name, *shape_of(start))
    what = f"augment of {old.name!r} in {model.name!r}, whose length becomes {shape_of(new)[0]}"
    with fitting(what, lambda: beforehand(model, old, "augment")):
        made = parts(model, {**names, old: new})
        made["initial"][new] = start
        wide = model.with_(**{**made, "parameters": (*made["parameters"], *parameters)})
    return kept(model, wide, old, "augment")


def zero_augmentation(model: Model, state: str | Leaf, extra: Any, resize: Pairs = ()) -> Model:
    """More coordinates, which start at 0: z(s0) = [h, 0] where h is the stated initial value.

    extra: their number.  state, resize: as for `augment`.  Source: Dupont et al. 2019.
    """
    return structured_augmentation(model, state, ex.zeros(extra), resize)


def structured_augmentation(model: Model, state: str | Leaf, added: Any, resize: Pairs = (), parameters: Iterable[Leaf] = ()) -> Model:
    """More coordinates, which start at a function of the data: z(s0) = [h, xi(x)] where h is the stated initial value.

    added: xi, a scalar or a vector.  state, resize, parameters: as for `augment`.
    The old coordinates start where they did; nothing keeps them there along the flow.
    """
    old = vector(model, state, "augment")
    return augment(model, old, ex.concat(dict(model.initial)[old], added), resize, parameters)


def input_layer(model: Model, state: str | Leaf, size: Any, weight: str | Leaf, bias: str | Leaf, resize: Pairs = ()) -> Model:
    """A linear input layer: z(s0) = A h + c where h is the stated initial value.

    size: the state's new length.  weight, bias: the names of A, of shape (size, length of h), and of c, of shape (size,), which are
    parameters of the result.  state, resize: as for `augment`, which takes any other h(x).
    """
    old = vector(model, state, "augment")
    A, c = new_leaf(model, weight, (size, *shape_of(old)), "weight"), new_leaf(model, bias, (size,), "bias")
    return augment(model, old, A @ dict(model.initial)[old] + c, resize, (A, c))


# what each key of a table states, and the transform that it calls: just one of them stands in a table
STARTS: dict[str, Callable[..., Model]] = {"added": structured_augmentation, "initial": augment}


def from_table(model: Model, table: Table, where: str, parse: Parse) -> Model:
    """A table of a model file: state, added or initial, resize."""
    given = checked(table, where, KEYS, EXAMPLES)
    state = tables.text(given["state"], f"{where}.state", EXAMPLES["state"])
    stated = [key for key in STARTS if key in given]
    if len(stated) != 1:
        raise ModelError(
            f'{where} has {" and ".join(stated) or "neither added nor initial"}; give one: added = "zeros(2)", or initial = "A @ x + c"'
        )
    start = parse(given[stated[0]], f"{where}.{stated[0]}")
    with located(where):
        return STARTS[stated[0]](model, state, start, shapes_from(given, where))


TRANSFORM = Transform("model", KEYS, from_table)
