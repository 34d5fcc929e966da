"""`Formula`: a closed, single-assignment program over the vocabulary. It is what is derived, printed, compared and run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import sharing
from odeanalysis.symbolic.nodes import Apply, Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves, substitute, walk
from odeanalysis.symbolic.shapes import Shape

Let = tuple[Leaf, Any]


@dataclass(frozen=True)
class Formula:
    """A named function `inputs -> outputs`, with intermediate names that are assigned once and in order.

    inputs: symbols and blocks.  lets: pairs (leaf, expression over the inputs and earlier lets).
    outputs: pairs (name, expression).  source: what the formula is, in words, for headers and LaTeX titles.
    Raises DerivationError where a name is used before it is assigned, or assigned twice.
    """

    name: str
    inputs: tuple[Leaf, ...]
    lets: tuple[Let, ...]
    outputs: tuple[tuple[str, Any], ...]
    source: str = ""

    def __post_init__(self) -> None:
        known = {*self.inputs, *sizes_of(self.inputs)}
        names = {name_of(leaf) for leaf in self.inputs}
        if len(names) != len(self.inputs):
            raise DerivationError(f"formula {self.name!r} has two inputs of one name: {', '.join(map(name_of, self.inputs))}")
        for leaf, expression in self.lets:
            _require(self.name, leaves(expression) - known, name_of(leaf))
            if name_of(leaf) in names:
                raise DerivationError(f"formula {self.name!r} assigns {name_of(leaf)!r} twice")
            known.add(leaf)
            names.add(name_of(leaf))
        for output, expression in self.outputs:
            _require(self.name, leaves(expression) - known, output)

    @property
    def output(self) -> dict[str, Any]:
        """The outputs by name."""
        return dict(self.outputs)

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shapes of the outputs by name."""
        return {name: shape_of(expression) for name, expression in self.outputs}

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of the networks that it applies, in alphabetical order."""
        expressions = [expression for _, expression in (*self.lets, *self.outputs)]
        return tuple(sorted({node.name for node in walk(expressions) if isinstance(node, Apply)}))

    def only(self, *names: str) -> "Formula":
        """The formula of some of the outputs, without what only the others need."""
        return share(self.name, self.inputs, self.lets, {name: self.output[name] for name in names}, self.source)

    def renamed(self, name: str, source: str | None = None) -> "Formula":
        return replace(self, name=name, source=self.source if source is None else source)


def sizes_of(inputs: Iterable[Leaf]) -> set[Any]:
    """The symbols in the shapes of the inputs, which formulas may use as numbers: `trace(eye(n))` is n."""
    return {symbol for leaf in inputs for size in shape_of(leaf) if isinstance(size, sp.Expr) for symbol in size.free_symbols}


def name_of(leaf: Any) -> str:
    return leaf.name


def _require(formula: str, unknown: set[Any], place: str) -> None:
    if unknown:
        missing = ", ".join(sorted(map(name_of, unknown)))
        raise DerivationError(f"formula {formula!r} uses {missing} in {place!r} before it is known; add it to the inputs or the lets")


def share(
    name: str,
    inputs: Iterable[Leaf],
    lets: Iterable[Let],
    outputs: Mapping[str, Any] | Iterable[tuple[str, Any]],
    source: str = "",
) -> Formula:
    """A formula in which everything used twice has a name, once, and nothing unused is left."""
    inputs, pairs = tuple(inputs), tuple(dict(outputs).items())
    lets, expressions = sharing.tidy(list(lets), [expression for _, expression in pairs], set(map(name_of, inputs)))
    return Formula(name, inputs, tuple(lets), tuple(zip((n for n, _ in pairs), expressions, strict=True)), source)


def formula(name: str, inputs: Iterable[Leaf], outputs: Mapping[str, Any], source: str = "") -> Formula:
    """A formula of expressions over the inputs; common subexpressions are shared."""
    return share(name, inputs, (), outputs, source)


def instantiate(called: Formula, arguments: Mapping[Leaf, Any], prefix: str) -> tuple[list[Let], dict[str, Any]]:
    """The lets and outputs of a formula called with expressions for its inputs; its own names get a prefix."""
    memo: dict[Any, Any] = dict(arguments)
    lets: list[Let] = []
    for leaf, expression in called.lets:
        fresh = like(leaf, f"{prefix}{name_of(leaf)}")
        lets.append((fresh, substitute(expression, {}, memo)))
        memo[leaf] = fresh
    return lets, {name: substitute(expression, {}, memo) for name, expression in called.outputs}


def like(expression: Any, name: str) -> Leaf:
    """A new leaf of the shape of an expression."""
    return sharing.leaf(name, shape_of(expression))


def is_number(expression: Any) -> bool:
    return isinstance(expression, sp.Number)
