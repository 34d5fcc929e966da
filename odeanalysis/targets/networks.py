"""Networks in the text of targets: `conv(z, w)`, and `conv.at((0, 1), z, w)`, whose derivatives at one place share what they need.

A printed function is given its networks behind its inputs, each as an object of the target's own that is made of what a user binds.
"""

from typing import Any

from odeanalysis.symbolic.nodes import Apply
from odeanalysis.symbolic.rewrite import walk
from odeanalysis.targets.printer import Printer
from odeanalysis.targets.text import Text, call, tuple_of


def is_pulled(node: Any) -> bool:
    """Whether a node is a transposed derivative of a network, whose sum over the batch builds no array for each sample."""
    return isinstance(node, Apply) and node.path[-1:] != () and node.path[-1][0] == "vjp"


def applied(p: Printer, node: Apply) -> Text:
    """The text of a network at arrays, or of a derivative of it."""
    if not node.path:
        return call(p.networks[node.name], *map(p.value, node.args[3:]))
    kind, place = node.path[-1]
    return call(f"{place_of(p, node)}.{kind}", p.value(node.args[-1]), str(place))


def place_of(p: Printer, node: Apply) -> str:
    """The name of the place at which a derivative is taken; told the arguments in which transposed derivatives are wanted there."""
    network = "".join((p.networks[node.name], *(f".{kind}({place})" for kind, place in node.path[:-1])))
    wanted = tuple_of(map(str, sorted(_wanted(p, node))))
    return p.bind(call(f"{network}.at", wanted, *(p.bind(p.value(one)) for one in node.args[3:-1]))).text


def _wanted(p: Printer, node: Apply) -> set[int]:
    expressions = [expression for _, expression in (*p.formula.lets, *p.formula.outputs)]
    others = (one for one in walk(expressions) if is_pulled(one) and one.args[0] == node.args[0])
    return {one.path[-1][1] for one in others if one.path[:-1] == node.path[:-1] and one.args[3:-1] == node.args[3:-1]}
