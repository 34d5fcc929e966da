"""Depths of every sample's own: the domain ends where a function of the sample says, S = s0 + g(x, omega).

Source: Massaroli et al. 2020, Sec. 5.2.
"""

from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked, located
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.rewrite import leaves

KEYS = {"depth": True}
EXAMPLES = {"depth": 'depth = "w*x"'}


def adaptive_depth(model: Model, depth: Any) -> Model:
    """Lets the domain end at a depth of every sample's own.

        [s0, s0 + g(x, omega)],   dell/domega = (l(S) + a(S)^T f(S) + dL/ds) dg/domega + ...

    depth: g, a number or a scalar expression in parameters and inputs of the model, which replaces the length of the domain. Where it is
    negative the path runs backward from s0, and a running cost is its signed integral: `regularize` with the measure "absolute" penalises.
    `unit_domain` brings the problem to [0, 1], a common grid for all samples.
    Raises ModelError for an expression in anything else.
    """
    varying = sorted({leaf.name for leaf in leaves(ex.as_expression(depth))} & {leaf.name for leaf in model.varying})
    if varying:
        raise ModelError(
            f"the depth of {model.name!r} uses {varying[0]!r}, which varies with depth, where it has one value for each sample; "
            "use another name there"
        )
    declare = f"no parameter or input of {model.name!r}; declare it under parameters or inputs"
    length = checks.expression(depth, (), model.names, f"the depth of {model.name!r}", declare)
    start, _ = model.domain
    return model.with_(domain=(start, start + length))


def from_table(model: Model, table: Table, where: str, parse: Parse) -> Model:
    """A table of a model file: depth."""
    given = checked(table, where, KEYS, EXAMPLES)
    length = parse(given["depth"], f"{where}.depth")
    with located(where):
        return adaptive_depth(model, length)


TRANSFORM = Transform("model", KEYS, from_table)
