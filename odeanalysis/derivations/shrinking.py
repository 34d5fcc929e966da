"""The same problem at small sizes: what holds for arrays of any size is proved where every entry can be written out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, product
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError, ModelError
from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.nodes import Block, shape_of
from odeanalysis.symbolic.rewrite import is_atom, rebuild
from odeanalysis.symbolic.shapes import size_of

SMALL = 60
LIMIT = 240
OPTIONS = (2, 3, 4, 5)
ATTEMPTS = 300

Sizes = Mapping[Any, int]


class Pinned(Exception):
    """A size that cannot change, because an index or a part of an axis counts on it."""


def shrink(problem: Problem) -> Problem:
    """The problem with each size above 3 replaced by a small one, everywhere alike; the problem itself where it is small already.

    problem: its explicit sizes; symbolic ones are left alone. Sizes that an index or a slice counts on stay as they are.
    Raises DerivationError where what remains has too many entries to be written out.
    """
    if entries(named(problem)) <= SMALL:
        return problem
    small = next((one for one in _attempts(problem) if entries(named(one)) <= SMALL), problem)
    if entries(named(small)) > LIMIT:
        raise DerivationError(
            f"{problem.name!r} has {entries(named(small))} entries, too many to be written out, and its sizes cannot all be made "
            "smaller; prove the same problem at smaller sizes"
        )
    return small


def entries(leaves: Iterable[Any], sizes: Sizes | None = None) -> int:
    """How many scalars symbols and blocks have together; a symbolic size without a value counts as 3."""
    counted = [size_of(shape_of(leaf)).subs(dict(sizes or {})) for leaf in leaves]
    return int(sum(size.subs(dict.fromkeys(size.free_symbols, 3)) for size in counted))


def named(problem: Problem) -> tuple[Any, ...]:
    return (*problem.model.states, *problem.model.names, *problem.data)


def symbolic_sizes(problem: Problem, sizes: Sizes | None = None) -> dict[Any, int]:
    """A small integer for each symbol in a shape: those given, then 2, 3, 4, ... in the order of their names."""
    known = dict(sizes or {})
    symbols = {symbol for leaf in named(problem) for symbol in size_of(shape_of(leaf)).free_symbols}
    missing = sorted(symbols - set(known), key=str)
    return known | {symbol: 2 + i % 3 for i, symbol in enumerate(missing)}


def _attempts(problem: Problem) -> Iterator[Problem]:
    sizes = sorted({size for leaf in named(problem) for size in shape_of(leaf) if isinstance(size, int) and size > 3})
    pinned: set[int] = set()
    for values in islice(_candidates(len(sizes)), ATTEMPTS):
        chosen = {size: value for size, value in zip(sizes, values, strict=True) if size not in pinned}
        while chosen:
            try:
                yield resized(problem, chosen)
                break
            except Pinned as reason:
                pinned.add(reason.args[0])
                del chosen[reason.args[0]]
            except ModelError:
                break


def _candidates(count: int) -> Iterable[tuple[int, ...]]:
    """Small sizes, different ones first: where two are equal, a wrong transpose may go unseen."""
    every = islice(product(OPTIONS, repeat=count), 4 * ATTEMPTS)
    return sorted(every, key=lambda values: (count - len(set(values)), sum(values)))


def resized(problem: Problem, sizes: Sizes) -> Problem:
    """The problem with sizes replaced, without its claims: no proof needs them, and their entries would pin sizes.

    Raises Pinned, or ModelError where shapes no longer fit.
    """
    resize = _Resizer(sizes)
    model, objective = problem.model, problem.objective
    return Problem(
        Model(
            resize.pairs(model.field),
            resize.pairs(model.initial),
            (resize.of(model.domain[0]), resize.of(model.domain[1])),
            resize.all(model.parameters),
            resize.all(model.inputs),
            resize.pairs(model.functions),
            resize.all(model.breakpoints),
            model.depth,
            model.name,
        ),
        Objective(
            resize.of(objective.terminal),
            resize.of(objective.running),
            tuple(Observation(resize.all(o.at), resize.of(o.cost), resize.all(o.data)) for o in objective.observations),
        ),
        problem.reduction,
        problem.ranges,
    )


class _Resizer:
    """Rewrites expressions with other sizes; every shared node once."""

    def __init__(self, sizes: Sizes):
        self.sizes = dict(sizes)
        self.known: dict[Any, Any] = {}

    def pairs(self, pairs: Any) -> tuple[tuple[Any, Any], ...]:
        return tuple((self.of(key), self.of(value)) for key, value in pairs)

    def all(self, values: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(map(self.of, values))

    def of(self, node: Any) -> Any:
        if node not in self.known:
            self.known[node] = self._resized(node)
        return self.known[node]

    def _resized(self, node: Any) -> Any:
        if isinstance(node, Block):
            return Block(node.name, self.shape(node.shape))
        if is_atom(node):
            return node
        change = RESIZED.get(type(node))
        return rebuild(node, change(self, node) if change else map(self.of, node.args))

    def shape(self, shape: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(self.sizes.get(size, size) for size in shape)

    def items(self, items: Iterable[Any], shape: Any) -> tuple[Any, ...]:
        return tuple(self._item(item, size) for item, size in zip(items, shape, strict=True))

    def _item(self, item: Any, size: Any) -> Any:
        smaller: Any = self.sizes.get(size, size)
        if smaller == size:
            return item
        if isinstance(item, sp.Tuple) and item == sp.Tuple(0, size, 1):
            return sp.Tuple(0, smaller, 1)
        if not isinstance(item, sp.Tuple) and (item < smaller or item == size - 1):
            return sp.Integer(min(item, smaller - 1))
        raise Pinned(size)


def _full(resize: _Resizer, node: Any) -> tuple[Any, ...]:
    return resize.of(node.args[0]), sp.Tuple(*resize.shape(node.shape))


def _slice(resize: _Resizer, node: Any) -> tuple[Any, ...]:
    return resize.of(node.args[0]), sp.Tuple(*resize.items(node.args[1], node.args[0].shape))


def _element(resize: _Resizer, node: Any) -> tuple[Any, ...]:
    return (resize.of(node.args[0]), *resize.items(node.args[1:], node.args[0].shape))


def _place(resize: _Resizer, node: Any) -> tuple[Any, ...]:
    items, shape = resize.items(node.args[1], node.shape), resize.shape(node.shape)
    return resize.of(node.args[0]), sp.Tuple(*items), sp.Tuple(*shape)


RESIZED: dict[type, Callable[[_Resizer, Any], tuple[Any, ...]]] = {
    nodes.Full: _full,
    nodes.Eye: lambda resize, node: tuple(map(sp.Integer, resize.shape(node.shape[:1]))),
    nodes.SumTo: _full,
    nodes.Slice: _slice,
    nodes.Element: _element,
    nodes.Place: _place,
}
