"""Common subexpressions: every value that is used twice gets a name, once; what is used once stands where it is used.

Nothing is hoisted out of the branches of `where`: what is computed only there may be undefined elsewhere.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import sympy as sp

from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.nodes import Block, Leaf, shape_of
from odeanalysis.symbolic.rewrite import is_atom, is_leaf, rebuild, substitute, walk
from odeanalysis.symbolic.shapes import Shape

Let = tuple[Leaf, Any]
PREFIX = "_t"


def leaf(name: str, shape: Shape) -> Leaf:
    return Block(name, shape) if shape else sp.Symbol(name, real=True)


def tidy(lets: list[Let], outputs: list[Any], taken: set[str]) -> tuple[list[Let], list[Any]]:
    """The same program: duplicates merged, dead and single-use lets gone, repeated subexpressions named in order."""
    lets, outputs = _merge(lets, outputs)
    lets = _needed(lets, outputs)
    lets, outputs = _Namer(*_inline(lets, outputs, _used_once(lets, outputs)), taken).run()
    once = _used_once(lets, outputs)
    return _Namer(*_inline(lets, outputs, once), taken).run() if once else (lets, outputs)


def _merge(lets: list[Let], outputs: list[Any]) -> tuple[list[Let], list[Any]]:
    memo: dict[Any, Any] = {}
    seen: dict[Any, Leaf] = {}
    kept: list[Let] = []
    for name, expression in lets:
        value = substitute(expression, {}, memo)
        if is_atom(value) or value in seen:
            memo[name] = seen.get(value, value)
        else:
            seen[value] = name
            kept.append((name, value))
    return kept, [substitute(expression, {}, memo) for expression in outputs]


def _needed(lets: list[Let], outputs: list[Any]) -> list[Let]:
    wanted = {node for node in walk(outputs) if is_leaf(node)}
    kept: list[Let] = []
    for name, expression in reversed(lets):
        if name in wanted:
            kept.append((name, expression))
            wanted.update(node for node in walk([expression]) if is_leaf(node))
    return kept[::-1]


def _used_once(lets: list[Let], outputs: list[Any]) -> set[Leaf]:
    """The lets that stand in one place, which does not itself stand in two: written out, they would double at every level."""
    uses = count((expression for _, expression in lets), outputs)
    doubled = set(walk(part for node, times in uses.items() if times > 1 and not is_atom(node) for part in node.args))
    return {name for name, _ in lets if uses[name] == 1 and name not in doubled}


def _inline(lets: list[Let], outputs: list[Any], once: set[Leaf]) -> tuple[list[Let], list[Any]]:
    memo: dict[Any, Any] = {}
    kept: list[Let] = []
    for name, expression in lets:
        value = substitute(expression, {}, memo)
        if name in once:
            memo[name] = value
        else:
            kept.append((name, value))
    return kept, [substitute(expression, {}, memo) for expression in outputs]


def count(*groups: Iterable[Any], inside: bool = True) -> Counter[Any]:
    """How often each node stands below another one, or as a root; with `inside=False` not within branches of `where`."""
    uses: Counter[Any] = Counter()
    stack = [root for group in groups for root in group]
    while stack:
        node = stack.pop()
        seen = uses.get(node, 0)
        uses[node] = seen + 1
        if not seen and not is_atom(node):
            stack.extend(node.args if inside else visible(node))
    return uses


def visible(node: Any) -> tuple[Any, ...]:
    """The arguments from which a subexpression may be hoisted."""
    if isinstance(node, scalars.where):
        return node.args[:1]
    if isinstance(node, nodes.Map) and node.name == "where":
        return node.args[1:2]
    return node.args


def is_trivial(node: Any) -> bool:
    """Whether naming a node would save nothing: leaves, numbers, signs of leaves, views of leaves, conditions."""
    if is_atom(node) or isinstance(node, (nodes.Full, nodes.Eye, sp.logic.boolalg.Boolean)):
        return True
    if isinstance(node, nodes.Permute):
        return is_leaf(node.args[0])
    if isinstance(node, (sp.Mul, nodes.Times)):
        return len(node.args) == 2 and node.args[0] == -1 and is_leaf(node.args[1])
    return not any(is_leaf(part) for part in walk([node]))


class _Namer:
    """Names the repeated subexpressions of a program, in the order in which they are needed."""

    def __init__(self, lets: list[Let], outputs: list[Any], taken: set[str]):
        self.old, self.outputs, self.taken = lets, outputs, taken
        uses = count((expression for _, expression in lets), outputs, inside=False)
        self.repeated = {node for node, times in uses.items() if times > 1 and not is_trivial(node)}
        self.lets: list[Let] = []
        self.memo: dict[Any, Any] = {}
        self.number = 0

    def run(self) -> tuple[list[Let], list[Any]]:
        for name, expression in self.old:
            self.memo[name] = self.memo[expression] = self._named(self._rewritten(expression))
        return self.lets, [self._visit(expression) for expression in self.outputs]

    def _visit(self, node: Any) -> Any:
        if node not in self.memo:
            value = self._rewritten(node)
            self.memo[node] = self._named(value) if node in self.repeated else value
        return self.memo[node]

    def _rewritten(self, node: Any) -> Any:
        return node if is_atom(node) else rebuild(node, [self._visit(argument) for argument in node.args])

    def _named(self, value: Any) -> Any:
        if is_atom(value):
            return value
        name = leaf(self._fresh(), shape_of(value))
        self.lets.append((name, value))
        return name

    def _fresh(self) -> str:
        while True:
            self.number += 1
            if (name := f"{PREFIX}{self.number}") not in self.taken:
                return name
