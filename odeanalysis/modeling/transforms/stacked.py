"""Piecewise constant parameters and inputs: theta(s) = theta[i] between node i and node i + 1.

Source: Massaroli et al. 2020, Sec. 3 (piecewise constant, stacked) and Cor. 2.
"""

from collections.abc import Iterable
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.modeling.bases.basis import increasing, is_number
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked, located, texts, vary
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import where as choose
from odeanalysis.symbolic.nodes import Leaf

KEYS = {"parameters": True, "nodes": True}
EXAMPLES = {"parameters": 'parameters = ["W"]', "nodes": "nodes = [0, 0.5, 1]"}


def stacked(model: Model, names: Iterable[str | Leaf], nodes: Iterable[Any]) -> Model:
    """Makes parameters or inputs piecewise constant in depth.

        theta(s) = theta[i] for nodes[i] <= s < nodes[i + 1]

    names: names or leaves; the value of each gains a leading axis of length len(nodes) - 1.
    nodes: two or more increasing depths that contain the domain, numbers or expressions in parameters and inputs; the inner ones are break
    points. What are numbers is checked here, the rest is left in `Model.nodes` to be checked for each sample.
    Raises ModelError for nodes that do not, and for names as `galerkin` does.
    """
    depths = increasing(nodes, "nodes")
    _contain(model, depths)
    depth = model.depth
    for name in checks.items(names, "stacked: names"):
        model = vary(model, name, len(depths) - 1, lambda value: pieces(depth, depths[1:-1], value), "stacked")
    return model.with_(nodes=tuple(dict.fromkeys((*model.nodes, depths))))


def pieces(depth: Any, inner: tuple[Any, ...], value: Any) -> Any:
    """value[0] before the first inner node, value[1] before the second one, ..."""
    result = ex.index(value, len(inner))
    for i in reversed(range(len(inner))):
        result = choose(depth < inner[i], ex.index(value, i), result)
    return result


def _contain(model: Model, nodes: tuple[Any, ...]) -> None:
    for end in filter(is_number, model.domain):
        low, high = nodes[0], nodes[-1]
        if (is_number(low) and end < low) or (is_number(high) and end > high):
            raise ModelError(
                f"nodes from {low} to {high} do not contain the end {end} of the domain of {model.name!r}; move the first or last node"
            )


def from_table(model: Model, table: Table, where: str, parse: Parse) -> Model:
    """A table of a model file: parameters, nodes."""
    given = checked(table, where, KEYS, EXAMPLES)
    names = texts(given["parameters"], f"{where}.parameters", EXAMPLES["parameters"])
    listed = tables.items(given["nodes"], f"{where}.nodes", EXAMPLES["nodes"])
    nodes = [parse(node, f"{where}.nodes[{i}]") for i, node in enumerate(listed)]
    with located(where):
        return stacked(model, names, nodes)


TRANSFORM = Transform("model", KEYS, from_table)
