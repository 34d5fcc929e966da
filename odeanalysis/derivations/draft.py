"""The lets of a formula while it is put together out of others."""

from collections.abc import Mapping
from typing import Any

from odeanalysis.symbolic.expressions import is_zero
from odeanalysis.symbolic.formula import Formula, Let, instantiate, like
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import is_atom


class Draft:
    """`lets` in order; values get names, formulas are called with expressions."""

    def __init__(self) -> None:
        self.lets: list[Let] = []

    def named(self, value: Any, name: str) -> Any:
        """A name for a value; what is a name already, or zero, stays as it is."""
        if is_atom(value) or is_zero(value):
            return value
        leaf = like(value, name)
        self.lets.append((leaf, value))
        return leaf

    def called(self, formula: Formula, arguments: Mapping[Leaf, Any], prefix: str) -> dict[str, Any]:
        """The outputs of a formula, called with expressions for its inputs; its own names get a prefix."""
        inner, outputs = instantiate(formula, arguments, prefix)
        self.lets += inner
        return outputs
