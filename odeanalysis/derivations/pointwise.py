"""The problem as seen at one depth: a name that varies with depth as a name of its own, which stands for its value there.

(dell/dtheta)(s) = dH/dtheta = a(s)^T df/dtheta + dl/dtheta, with theta left as it is

Source: Massaroli et al. 2020, Thm. 1, completed by dl/dtheta.
"""

import sympy as sp

from odeanalysis.derivations.parts import Parts
from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.pieces import open_kinks, sides
from odeanalysis.modeling.transforms.transform import one_of, vary
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import leaves

WHAT = "functional_gradient"


def varying_leaf(problem: Problem, name: str | Leaf) -> Leaf:
    """The leaf of a name as a function of depth, which it is already or could be.

    Raises ModelError for a name that is no parameter or input, or on which a depth rests: it has one value for all depths.
    """
    model, wanted = problem.model, getattr(name, "name", name)
    found = next((leaf for leaf in model.varying if leaf.name == wanted), None)
    if found is not None:
        return found
    leaf = one_of(name, model.names, "parameter, input or depth-varying name", model)
    vary(model, leaf, 1, lambda value: ex.index(value, 0), WHAT)  # refuses what cannot vary
    if leaf in leaves(*(depth for one in problem.objective.observations for depth in one.at)):
        raise ModelError(
            f"{WHAT} of {wanted!r}, on which the depth of an observation of {problem.name!r} rests: it has one value for all depths; "
            "use another name there"
        )
    return leaf


def pointwise(problem: Problem, name: str | Leaf) -> Problem:
    """The problem with a depth-varying name as a parameter: `adjoint` of it has dH/dtheta at a depth, in terms of theta there.

    Raises ModelError as `varying_leaf`.
    """
    leaf = varying_leaf(problem, name)
    model = problem.model
    if leaf not in model.varying:
        return problem
    at_depth = model.with_(
        parameters=(*(one for one in model.parameters if one.name != leaf.name), leaf),
        inputs=tuple(one for one in model.inputs if one.name != leaf.name),
        functions=tuple((one, value) for one, value in model.functions if one != leaf),
    )
    return Problem(at_depth, problem.objective, problem.reduction)


def value_at_depth(stated: Parts, name: Leaf) -> Formula:
    """`value`: a name's value at a depth, over depth, names and flags."""
    model = stated.problem.model
    value = dict(model.functions).get(name, name)
    applied = stated.pieces.apply(open_kinks(value, sides(stated.problem)))
    return share("value", (model.depth, *model.names, *stated.pieces.flags), (), {"value": applied}, f"{name.name} at a depth")


def shared_flags(seen: Parts, stated: Parts, name: Leaf) -> dict[sp.Symbol, sp.Symbol]:
    """The flags of a problem as seen at one depth -> those of the problem itself that stand for the same conditions.

    Raises ModelError where a condition on depth contains the name: to move it moves a break point, which has no density.
    """
    known = {piece.condition: piece.flag for piece in stated.pieces.items}
    for piece in seen.pieces.items:
        if name in leaves(piece.condition) or piece.condition not in known:
            raise ModelError(
                f"{WHAT} of {name.name!r}: the condition {piece.condition} of {stated.problem.name!r} on depth contains it, so that it "
                "moves a break point; use another name there"
            )
    return {piece.flag: known[piece.condition] for piece in seen.pieces.items}
