"""Depths read off expressions that are affine in depth."""

from typing import Any

import sympy as sp

from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.rewrite import leaves, substitute, walk


def switch(gap: Any, depth: sp.Symbol) -> Any:
    """The depth at which an affine gap vanishes; None where it is not affine in depth with a slope that does not vanish."""
    opaque = {node: sp.Dummy(real=True) for node in walk([gap]) if _is_opaque(node) and depth not in leaves(node)}
    plain = substitute(gap, opaque) if opaque else gap
    if any(map(_is_opaque, walk([plain]))):
        return None
    slope = sp.diff(plain, depth)
    if slope == 0 or depth in leaves(slope):
        return None
    found = -plain.subs(depth, 0) / slope
    found = found if slope.is_number else sp.cancel(found)  # as it is written, it may be an end of the domain
    return substitute(found, {name: node for node, name in opaque.items()}) if opaque else found


def _is_opaque(node: Any) -> bool:
    """Whether SymPy cannot differentiate a node."""
    return isinstance(node, (scalars.Elementary, nodes.ArrayScalar))
