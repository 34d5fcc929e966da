"""Expressions at explicit small sizes, entry by entry, as plain SymPy scalars: what proofs and closed forms are about.

The meaning of every node stands here a second time, written with loops over indices and nothing of the calculus, so that a proof at
explicit sizes is a check of the rules and not a repetition of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, cast

import sympy as sp
from sympy.core.symbol import Str
from sympy.logic.boolalg import Boolean

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import nodes, scalars, shapes
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Block
from odeanalysis.symbolic.rewrite import is_leaf

Index = tuple[int, ...]
Sizes = Mapping[Any, int]


class Entry(sp.Symbol):
    """One entry of a block as a real scalar, named `W_0_1`; never equal to a symbol of the same name that a user declared."""

    __slots__ = ()


@dataclass(frozen=True)
class Entries:
    """An array of scalars: its explicit shape, and its items in row-major order; a scalar has the shape ()."""

    shape: Index
    items: tuple[Any, ...]

    def __post_init__(self) -> None:
        if prod(self.shape) != len(self.items):
            raise DerivationError(f"{len(self.items)} entries were given for shape {shapes.show(self.shape)}; give one for each place")

    @property
    def scalar(self) -> Any:
        """The only item."""
        (item,) = self.items
        return item

    def at(self, index: Index) -> Any:
        """The item at an index of this shape, or of one that this shape broadcasts to."""
        flat = 0
        for size, place in zip(self.shape, index[len(index) - len(self.shape) :], strict=True):
            flat = flat * size + (place if size > 1 else 0)
        return self.items[flat]

    def map(self, function: Callable[[Any], Any]) -> "Entries":
        return Entries(self.shape, tuple(map(function, self.items)))


def explicit(expression: Any, sizes: Sizes | None = None, known: Mapping[Any, Entries] | None = None) -> Entries:
    """The entries of an expression at explicit sizes.

    expression: a scalar or an array.  sizes: symbolic size -> integer.  known: leaf -> its entries; other blocks become symbols, entry
    by entry. Raises DerivationError for a size without a value, and for a node without a meaning here.
    """
    return _Reader(sizes or {}, known or {}).of(expression)


def explicit_formula(formula: Formula, sizes: Sizes | None = None, known: Mapping[Any, Entries] | None = None) -> dict[str, Entries]:
    """The entries of each output of a formula over its inputs, with the lets substituted in; `known` gives entries to inputs."""
    reader = _Reader(sizes or {}, known or {})
    for leaf, expression in formula.lets:
        reader.known[leaf] = reader.of(expression)
    return {name: reader.of(expression) for name, expression in formula.outputs}


def indices(shape: Iterable[int]) -> Iterator[Index]:
    """All indices of a shape, in row-major order."""
    return product(*map(range, shape))


def scalar(value: Any) -> Entries:
    return Entries((), (value,))


class _Reader:
    """Reads expressions node by node; every shared node once."""

    def __init__(self, sizes: Sizes, known: Mapping[Any, Entries]):
        self.sizes = dict(sizes)
        self.known: dict[Any, Entries] = dict(known)

    def of(self, node: Any) -> Entries:
        if node not in self.known:
            self.known[node] = self._read(node)
        return self.known[node]

    def _read(self, node: Any) -> Entries:
        if is_leaf(node):
            return self._leaf(node)
        if isinstance(node, (sp.Expr, Boolean)) and not node.args:
            return scalar(node)
        rule = RULES.get(type(node))
        if rule is None and isinstance(node, Boolean):
            rule = _rebuilt
        if rule is None:
            raise DerivationError(f"there is no explicit meaning for {type(node).__name__} in {node}; the vocabulary is closed")
        return rule(self, node, *(self.of(a) for a in node.args if not isinstance(a, (Str, sp.Tuple))))

    def _leaf(self, leaf: Any) -> Entries:
        if not isinstance(leaf, Block):
            return scalar(sp.Integer(self.sizes[leaf]) if leaf in self.sizes else leaf)
        shape = self.shape(leaf.shape)
        return Entries(shape, tuple(Entry("_".join([leaf.name, *map(str, index)]), real=True) for index in indices(shape)))

    def size(self, size: Any) -> int:
        value = sp.sympify(size).subs(self.sizes)
        if not isinstance(value, sp.Integer):
            raise DerivationError(f"the size {size} has no value; give one in sizes")
        return int(value)

    def shape(self, sizes: Iterable[Any]) -> Index:
        return tuple(map(self.size, sizes))

    def place(self, items: Iterable[Any], index: Index) -> Index:
        """Where in the whole array the entry `index` of a slice stands."""
        rest = iter(index)
        return tuple(
            self.size(item[0]) + next(rest) * self.size(item[2]) if isinstance(item, sp.Tuple) else self.size(item) for item in items
        )


def _rebuilt(reader: _Reader, node: Any, *arguments: Entries) -> Entries:
    return scalar(node.func(*(argument.scalar for argument in arguments)))


def _elementary(reader: _Reader, node: Any, *arguments: Entries) -> Entries:
    return scalar(MEANINGS[SCALAR_CLASSES[node.func]](*(argument.scalar for argument in arguments)))


def _where(condition: Any, chosen: Any, other: Any) -> Any:
    return sp.Piecewise((chosen, condition), (other, True))


def _entrywise(function: Callable[..., Any], arguments: Iterable[Entries]) -> Entries:
    operands = tuple(arguments)
    shape = cast(Index, shapes.broadcast(*(one.shape for one in operands)))
    return Entries(shape, tuple(function(*(one.at(index) for one in operands)) for index in indices(shape)))


def _map(reader: _Reader, node: Any, *arguments: Entries) -> Entries:
    if node.name not in MEANINGS:
        raise DerivationError(f"there is no explicit meaning for the function {node.name!r}; the vocabulary is closed")
    return _entrywise(MEANINGS[node.name], arguments)


def _full(reader: _Reader, node: Any, value: Entries) -> Entries:
    shape = reader.shape(node.args[1])
    return Entries(shape, value.items * prod(shape))


def _eye(reader: _Reader, node: Any, *_: Any) -> Entries:
    shape = reader.shape(node.shape)
    return Entries(shape, tuple(sp.Integer(i == j) for i, j in indices(shape)))


def _matmul(reader: _Reader, node: Any, left: Entries, right: Entries) -> Entries:
    shape = cast(Index, shapes.matmul(left.shape, right.shape))
    rows = left if len(left.shape) > 1 else Entries((1, *left.shape), left.items)
    columns = right if len(right.shape) > 1 else Entries((*right.shape, 1), right.items)
    batch = cast(Index, shapes.broadcast(rows.shape[:-2], columns.shape[:-2]))
    inner, each = range(rows.shape[-1]), indices((*batch, rows.shape[-2], columns.shape[-1]))
    items = (sp.Add(*(rows.at((*b, i, k)) * columns.at((*b, k, j)) for k in inner)) for *b, i, j in each)
    return Entries(shape, tuple(items))


def _outer(reader: _Reader, node: Any, left: Entries, right: Entries) -> Entries:
    return Entries(left.shape + right.shape, tuple(u * v for u in left.items for v in right.items))


def _permute(reader: _Reader, node: Any, array: Entries) -> Entries:
    axes = [int(axis) for axis in node.args[1]]
    shape = tuple(array.shape[axis] for axis in axes)
    places = (tuple(index[axes.index(axis)] for axis in range(len(axes))) for index in indices(shape))
    return Entries(shape, tuple(map(array.at, places)))


def _concat(reader: _Reader, node: Any, *parts: Entries) -> Entries:
    items = tuple(item for one in parts for item in one.items)
    return Entries((len(items),), items)


def _slice(reader: _Reader, node: Any, array: Entries) -> Entries:
    shape = reader.shape(node.shape)
    return Entries(shape, tuple(array.at(reader.place(node.args[1], index)) for index in indices(shape)))


def _place(reader: _Reader, node: Any, value: Entries) -> Entries:
    shape = reader.shape(node.shape)
    placed = {reader.place(node.args[1], index): value.at(index) for index in indices(value.shape)}
    return Entries(shape, tuple(placed.get(index, sp.Integer(0)) for index in indices(shape)))


def _diag(reader: _Reader, node: Any, vector: Entries) -> Entries:
    shape = vector.shape * 2
    return Entries(shape, tuple(vector.items[i] if i == j else sp.Integer(0) for i, j in indices(shape)))


def _diagonal(reader: _Reader, node: Any, matrix: Entries) -> Entries:
    return Entries(matrix.shape[:1], tuple(matrix.at((i, i)) for i in range(matrix.shape[0])))


def _sum_to(reader: _Reader, node: Any, array: Entries) -> Entries:
    shape = reader.shape(node.shape)
    sums: dict[Index, list[Any]] = {index: [] for index in indices(shape)}
    for index in indices(array.shape):
        kept = index[len(index) - len(shape) :]
        sums[tuple(place if size > 1 else 0 for size, place in zip(shape, kept, strict=True))].append(array.at(index))
    return Entries(shape, tuple(sp.Add(*terms) for terms in sums.values()))


def _solve(reader: _Reader, node: Any, matrix: Entries, right: Entries) -> Entries:
    square = sp.Matrix(*matrix.shape, matrix.items)
    columns = sp.Matrix(right.shape[0], len(right.items) // right.shape[0], right.items)
    solved = square.adjugate() * columns / square.det(method="berkowitz")
    return Entries(right.shape, tuple(solved))


@lru_cache(maxsize=1024)
def _unknown(name: str, orders: Index = ()) -> Any:
    """A real function of which nothing is known, differentiated in the arguments listed: its derivatives are such functions."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return _unknown(name, tuple(sorted((*orders, argindex))))(*self.args)

    title = "_".join([name, *(f"d{order}" for order in orders)])
    return type(title, (sp.Function,), {"fdiff": fdiff, "is_real": True})


def _apply(reader: _Reader, node: Any, *arguments: Entries) -> Entries:
    """A network, whose entries are unknown functions; SymPy says what the derivatives of its value are."""
    count = len(arguments) - len(node.path)
    places = [one.map(lambda _: sp.Dummy(real=True)) for one in arguments]
    inner = [dummy for one in places[:count] for dummy in one.items]
    pulled = (one.shape for (kind, _), one in zip(node.path, places[count:], strict=True) if kind == "vjp")
    items = [_unknown("_".join(map(str, (node.name, *index))))(*inner) for index in indices(next(pulled, reader.shape(node.shape)))]
    for (kind, place), along in zip(node.path, places[count:], strict=True):
        columns = [[sp.diff(item, dummy) for item in items] for dummy in places[place].items]
        rows = columns if kind == "vjp" else zip(*columns, strict=True)
        items = [sp.Add(*(u * v for u, v in zip(row, along.items, strict=True))) for row in rows]
    known = {d: value for one, given in zip(places, arguments, strict=True) for d, value in zip(one.items, given.items, strict=True)}
    return Entries(reader.shape(node.shape), tuple(item.xreplace(known) for item in items))


def _same(reader: _Reader, node: Any, value: Entries) -> Entries:
    """Sums over the batch: a proof looks at one sample."""
    return value


Rule = Callable[..., Entries]

MEANINGS: dict[str, Callable[..., Any]] = {
    **{name: function.meaning for name, function in FUNCTIONS.items()},
    "where": _where,
    "lt": lambda u, v: u < v,
    "le": lambda u, v: u <= v,
}

RULES: dict[type, Rule] = {
    **dict.fromkeys((sp.Add, sp.Mul, sp.Pow), _rebuilt),
    **dict.fromkeys(SCALAR_CLASSES, _elementary),
    scalars.where: lambda reader, node, *arguments: scalar(_where(*(argument.scalar for argument in arguments))),
    nodes.Full: _full,
    nodes.Eye: _eye,
    nodes.Plus: lambda reader, node, *terms: _entrywise(sp.Add, terms),
    nodes.Times: lambda reader, node, *factors: _entrywise(sp.Mul, factors),
    nodes.Power: lambda reader, node, *arguments: _entrywise(sp.Pow, arguments),
    nodes.Map: _map,
    nodes.MatMul: _matmul,
    nodes.Outer: _outer,
    nodes.Permute: _permute,
    nodes.Concat: _concat,
    nodes.Slice: _slice,
    nodes.Place: _place,
    nodes.Diag: _diag,
    nodes.Diagonal: _diagonal,
    nodes.SumTo: _sum_to,
    nodes.Solve: _solve,
    nodes.Apply: _apply,
    nodes.BatchSum: _same,
    nodes.Element: lambda reader, node, array, *_: scalar(array.at(reader.place(node.args[1:], ()))),
    nodes.Total: lambda reader, node, array: scalar(sp.Add(*array.items)),
    nodes.BatchTotal: _same,
}
