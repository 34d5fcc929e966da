"""A formula as statements of Python text: names for leaves, a rule for each node, temporaries for what is needed twice.

What is in here holds for any target of Python text over arrays with leading batch axes; its rules say how nodes are written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sympy as sp

from odeanalysis.errors import TargetError
from odeanalysis.symbolic.formula import Formula, name_of
from odeanalysis.symbolic.nodes import Diag, Full, Permute, shape_of
from odeanalysis.symbolic.rewrite import is_atom
from odeanalysis.symbolic.shapes import Shape, Size, as_size, broadcast
from odeanalysis.symbolic.sharing import count, is_trivial
from odeanalysis.targets.text import Text, call, identifiers, index, is_constant, is_number, number, tuple_of, words

Rule = Callable[["Printer", Any], Text]
Placed = Callable[["Printer", Shape, list[tuple[Any, Text]]], Text]
TALL = 24  # nodes above each other between temporaries in a tall expression
ALL = ":"
NEW = "None"


def at_keys(p: "Printer", shape: Shape, parts: list[tuple[Any, Text]]) -> Text:
    """Zeros of a shape with values at keys, as a call of the helper `place`."""
    pairs = [Text(f"({p.key(key, shape)}, {value.text})") for key, value in parts]
    return call("place", p.shape(shape), *pairs)


class Library(NamedTuple):
    """What a text imports: the name that stands before its functions, and the statement."""

    name: str
    statement: str


@dataclass(frozen=True)
class Dialect:
    """A target: a rule for each node, and how it spells what the rules write.

    words: for each function and each maker of arrays its text, with {0}, {1}, ... for arguments and {like} for the first input.
    contraction: the text of a sum of products of two operands, as einsum has it, given letters, output letters and operands.
    vector: the text of a constant vector.  lifts: whether functions take values of the target only, not bare numbers.
    default: what {like} is in a formula without inputs.  placed: the text of values at keys in zeros.
    """

    name: str
    library: Library
    prelude: str
    helpers: tuple[str, ...]
    rules: Mapping[type, Rule]
    words: Mapping[str, str]
    contraction: Callable[..., Text]
    vector: Callable[[list[Text], str], Text]
    lifts: bool = False
    default: str = ""
    placed: Placed = at_keys

    @property
    def reserved(self) -> frozenset[str]:
        """The names that its texts use."""
        return frozenset((self.library.name, "slice", *self.helpers))


class Printer:
    """Writes the expressions of one formula, in order; `statements` collects what must be assigned first."""

    def __init__(self, formula: Formula, dialect: Dialect):
        leaves = [*formula.inputs, *(leaf for leaf, _ in formula.lets)]
        names = identifiers((*map(name_of, leaves), *formula.networks), dialect.reserved)
        expressions = [expression for _, expression in (*formula.lets, *formula.outputs)]
        self.formula, self.dialect, self.taken = formula, dialect, {*names.values(), *dialect.reserved}
        self.known: dict[Any, Text] = {leaf: Text(names[name_of(leaf)]) for leaf in leaves}
        self.networks: dict[str, str] = {name: names[name] for name in formula.networks}
        self.definitions: dict[Any, Any] = dict(formula.lets)
        self.repeated = {node for node, uses in count(expressions).items() if uses > 1 and not is_trivial(node)}
        self.sizes = {size: Text(f"{names[name_of(leaf)]}.shape[{axis}]") for leaf in formula.inputs for axis, size in _axes(leaf)}
        self.statements: list[tuple[str, str]] = []
        self.bound: dict[str, str] = {}
        self.heights: dict[Any, int] = {}
        self.number = 0

    def __call__(self, node: Any) -> Text:
        """The text of an expression."""
        if node in self.known:
            return self.known[node]
        if is_constant(node):
            return number(node)
        if node in self.sizes:
            return self.bind(self.written("constant", self.sizes[node]))
        rule = self.dialect.rules.get(type(node))
        if rule is None:
            raise TargetError(
                f"target {self.dialect.name!r} cannot write {type(node).__name__}, which formula {self.formula.name!r} uses "
                f"in {node}; bind it to something of the vocabulary, or give it a rule"
            )
        text = rule(self, node)
        if node in self.repeated:
            text = self.known[node] = self.bind(text)
        return text

    def bind(self, text: Text) -> Text:
        """A name for a value: its own, or that of a new temporary."""
        if text.is_name:
            return text
        if text.text not in self.bound:
            self.bound[text.text] = self._fresh()
            self.statements.append((self.bound[text.text], text.text))
        return Text(self.bound[text.text])

    def name(self, node: Any) -> None:
        """A name for a node that is about to be written more than once."""
        self.known[node] = self.bind(self(node))

    def is_named(self, node: Any) -> bool:
        """Whether a node has a name of its own, or will get one."""
        return node in self.known or node in self.repeated

    def opened(self, node: Any) -> Any:
        """The definition of a named value where it is a view or a diagonal matrix, which products need not build."""
        definition = self.definitions.get(node)
        return definition if isinstance(definition, (Diag, Permute)) else node

    def _fresh(self) -> str:
        while True:
            self.number += 1
            if (name := f"_v{self.number}") not in self.taken:
                return name

    def value(self, node: Any) -> Text:
        """The text of an expression whose value is sure to be an array or a scalar of the target, not a bare number."""
        return self.written("constant", number(node)) if is_constant(node) else self(node)

    def written(self, word: str, *arguments: Text | str) -> Text:
        """What the dialect writes for one of its words."""
        texts = (one.text if isinstance(one, Text) else one for one in arguments)
        return Text(self.dialect.words[word].format(*texts, like=self.like))

    @property
    def like(self) -> str:
        """The value from which arrays made of nothing take their kind: the first input."""
        return self.known[self.formula.inputs[0]].text if self.formula.inputs else self.dialect.default

    def vector(self, numbers: list[Text]) -> Text:
        return self.dialect.vector(numbers, self.like)

    def lifted(self, text: Text) -> Text:
        """The text of an argument: a bare number as a value, where the dialect's functions take nothing else."""
        return self.written("constant", text) if self.dialect.lifts and is_number(text) else text

    def aligned(self, node: Any, rank: int) -> Text:
        """The text of an operand with new axes, so that its own axes are the last ones of `rank` under any batch axes."""
        return number(node) if is_constant(node) else lined_up(self(node), len(shape_of(node)), rank)

    def operands(self, arguments: Sequence[Any], shape: Shape) -> list[Text]:
        """The operands of an elementwise node; where the others give its shape, an array of one value is that value."""
        rest = [shape_of(argument) for argument in arguments if not isinstance(argument, Full)]
        covered = bool(rest) and broadcast(*rest) == shape
        entries = [argument.args[0] if covered and isinstance(argument, Full) else argument for argument in arguments]
        return [self.aligned(entry, len(shape)) for entry in entries]

    # ------------------------------------------------------------ sizes and keys

    def size(self, size: Size) -> str:
        """An axis length: a number, or what the inputs' shapes say at run time."""
        if isinstance(size, int):
            return str(size)
        unknown = sorted(map(str, size.free_symbols - self.sizes.keys()))
        if unknown:
            raise TargetError(
                f"formula {self.formula.name!r} has an axis of length {size}, and no input has an axis of length "
                f"{', '.join(unknown)} from which to read it off; substitute a number for it"
            )
        return str(size.xreplace({symbol: sp.Symbol(self.bind(self.sizes[symbol]).text) for symbol in size.free_symbols}))

    def shape(self, shape: Shape) -> str:
        return tuple_of(map(self.size, shape))

    def bounds(self, item: Any, size: Size) -> tuple[str, ...] | None:
        """An item of a key on an axis: None for all of it, (index,), or (start, stop, step) as Python counts."""
        if not is_range(item):
            return (self.size(as_size(item)),)
        start, count, step = item
        if (start, count, step) == (0, size, 1):
            return None
        stop = start + count * step
        return self.size(as_size(start)), "None" if stop.is_negative else self.size(as_size(stop)), str(step)

    def placed(self, shape: Shape, parts: Iterable[tuple[Any, Text]]) -> Text:
        """Zeros of a shape with values at keys."""
        return self.dialect.placed(self, shape, list(parts))

    def key(self, items: Iterable[Any], shape: Shape) -> str:
        """A key of the last axes as a tuple: `(..., slice(1, 3, 1), 2)`."""
        found = [self.bounds(item, size) for item, size in zip(items, shape, strict=True)]
        parts = ["slice(None)" if b is None else b[0] if len(b) == 1 else f"slice({', '.join(b)})" for b in found]
        return tuple_of(("...", *parts))

    def run(self) -> list[tuple[str, str]]:
        """The assignments that the outputs need, in order; the outputs themselves are `results`."""
        for leaf, expression in self.formula.lets:
            self._cut(expression)
            self.statements.append((self.known[leaf].text, self.value(expression).text))
            if not is_trivial(expression):
                self.known[expression] = self.known[leaf]
        for _, expression in self.formula.outputs:
            self._cut(expression)
        self.results = [self.value(expression).text for _, expression in self.formula.outputs]
        return needed(self.statements, self.results)

    def _cut(self, expression: Any) -> None:
        """Temporaries inside a tall expression, so that neither brackets nor calls nest deeply: Python limits both."""
        for node in climb(expression, self.heights):
            if self.heights[node] % TALL == TALL - 1 and node not in self.known:
                self.name(node)


def is_range(item: Any) -> bool:
    return isinstance(item, sp.Tuple)


def _axes(leaf: Any) -> list[tuple[int, Any]]:
    """The axes of an input, counted from the last one, whose length is a symbol."""
    shape = shape_of(leaf)
    return [(k - len(shape), size) for k, size in enumerate(shape) if isinstance(size, sp.Symbol)]


def climb(expression: Any, heights: dict[Any, int]) -> Iterator[Any]:
    """The nodes of an expression that have no height yet, those below first; each gets its height over the leaves."""
    stack = [expression]
    while stack:
        node = stack[-1]
        below = [] if is_atom(node) else [part for part in node.args if part not in heights]
        if below and node not in heights:
            stack += below
            continue
        stack.pop()
        if node not in heights:
            heights[node] = 0 if is_atom(node) else 1 + max(heights[part] for part in node.args)
            yield node


def lined_up(text: Text, rank: int, target: int) -> Text:
    return text if rank == target else index(text, (*(NEW,) * (target - rank), *(ALL,) * rank))


def needed(statements: Iterable[tuple[str, str]], results: Iterable[str]) -> list[tuple[str, str]]:
    """The assignments on which the results depend."""
    wanted: set[str] = set().union(*map(words, results))
    kept: list[tuple[str, str]] = []
    for target, text in reversed(list(statements)):
        if target in wanted:
            kept.append((target, text))
            wanted |= words(text)
    return kept[::-1]
