"""The kinks that a path can cross: where f or l is continuous and its derivative jumps, at a depth that no break point marks."""

from dataclasses import dataclass
from typing import Any

from odeanalysis.derivations.parts import Parts
from odeanalysis.modeling import pieces as pc
from odeanalysis.modeling.depths import switch
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.rewrite import leaves, substitute, walk


@dataclass(frozen=True)
class Kinks:
    """nodes: the kinked expressions as they are stated.  gaps: for each, what changes sign at its kinks, `gap<i>` in its shape."""

    nodes: tuple[Any, ...]
    gaps: Formula


def kinks(stated: Parts) -> Kinks:
    """The kinks of the field and the running cost whose depth moves with a value; a kink at a fixed depth harms no derivative."""
    found: dict[Any, Any] = {}
    for node in sorted(walk(_along(stated)), key=str):
        gap = _gap(stated, node)
        if gap is not None:
            found.setdefault(gap, node)
    gaps = {f"gap{i}": gap for i, gap in enumerate(found)}
    return Kinks(tuple(found.values()), share("kinks", stated.field.inputs, (), gaps, "what changes sign at kinks"))


def _along(stated: Parts) -> list[Any]:
    """Field and running cost as they are stated, and the functions of depth that stand in them."""
    roots = [*(f for _, f in stated.problem.model.field), stated.problem.objective.running]
    used = leaves(*roots)
    return [*roots, *(value for name, value in stated.problem.model.functions if name in used)]


def _gap(stated: Parts, node: Any) -> Any:
    bend = pc.bend(node)
    if bend is None:
        return None
    sides = pc.sides(stated.problem)
    gap = substitute(bend, dict(stated.problem.model.functions))
    if sides.of_depth_alone(gap) and (pc.is_condition(node) or switch(gap, stated.depth) is not None):
        return None
    return stated.pieces.apply(pc.open_kinks(gap, sides)) if _moves(stated, gap) else None


def _moves(stated: Parts, gap: Any) -> bool:
    """Whether the depth of a kink, as a fraction of its segment, moves with a value."""
    found = leaves(gap)
    by_values = stated.moves or not found.isdisjoint(stated.names)
    return not found.isdisjoint(stated.states) or (stated.depth in found and by_values)
