"""A formula as loops: which values stand in memory, and the text of one entry of any other.

A value that is made entry by entry is written where it is used; products of matrices, sums and parts put together stand in memory.
Every input has one batch axis or none, so that a value either belongs to a sample or is shared by all.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from odeanalysis.errors import TargetError
from odeanalysis.symbolic.formula import Formula, name_of
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.nodes import BatchSum, BatchTotal, Diag, Map, Permute, Power, shape_of
from odeanalysis.symbolic.rewrite import is_atom
from odeanalysis.symbolic.shapes import Shape
from odeanalysis.symbolic.sharing import count, is_trivial
from odeanalysis.targets import text as tx
from odeanalysis.targets.arrays import MOST_PRODUCTS
from odeanalysis.targets.text import Text, identifiers, is_constant, number

Index = tuple[str, ...]
BATCH, SIZE = "_b", "_n"
COUNT = sp.Symbol("_count", real=True)
"""The number of samples, as a real number."""
RESERVED = (
    *("np", "njit", "real", "range", "functions", "FAST", "abs", "sqrt", BATCH, SIZE, COUNT.name),
    *("rows_times", "outer_sum", "solution", *FUNCTIONS, *(f"power{exponent}" for exponent in range(2, MOST_PRODUCTS + 1))),
    *(f"_i{axis}" for axis in range(8)),
)


@dataclass(frozen=True)
class Whole:
    """A value in memory: an array, behind a batch axis where it belongs to a sample; a shared scalar is a number."""

    name: str
    batched: bool

    def at(self, index: Index) -> Text:
        keys = (*((BATCH,) if self.batched else ()), *index)
        return Text(f"{self.name}[{', '.join(keys)}]" if keys else self.name)


@dataclass(frozen=True)
class Domain:
    """What a loop runs over: the samples, or not, and the axes of a shape."""

    batched: bool
    shape: tuple[int, ...]

    @property
    def index(self) -> Index:
        return tuple(f"_i{k}" for k in range(len(self.shape)))

    @property
    def heads(self) -> list[str]:
        over = [(BATCH, SIZE)] if self.batched else []
        over += [(name, str(size)) for name, size in zip(self.index, self.shape, strict=True)]
        return [f"for {name} in range({size}):" for name, size in over]


@dataclass
class Loop:
    """Assignments in one loop.  before: the arrays that are made ahead of it.  growing: the names that are complete only at its end."""

    domain: Domain
    before: list["New"] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    growing: set[str] = field(default_factory=set)

    def admits(self, text: str) -> bool:
        """Whether a text can be evaluated in this loop: of what is written here it reads the entries just written alone."""
        if tx.words(text) & self.growing:
            return False
        return all(set(re.findall(rf"(?<!\w){re.escape(name)}\[[^\]]*\]", text)) <= {entry} for name, entry in self.written.items())

    @property
    def lines(self) -> list[str]:
        heads = self.domain.heads
        nested = [f"{'    ' * depth}{head}" for depth, head in enumerate(heads)]
        return [*(line for new in self.before for line in new.lines), *nested, *(f"{'    ' * len(heads)}{line}" for line in self.body)]


@dataclass
class New:
    """A new array, `empty` or `zeros`, or a number where there is no axis.  given: whether the function is given it instead, to fill."""

    name: str
    domain: Domain
    maker: str
    given: bool = False

    @property
    def lines(self) -> list[str]:
        sizes = (*((SIZE,) if self.domain.batched else ()), *map(str, self.domain.shape))
        if not sizes:
            return [f"{self.name} = real(0.0)"]
        if self.given:
            return [f"{self.name}.fill(real(0.0))"] if self.maker == "zeros" else []
        return [f"{self.name} = np.{self.maker}({tx.tuple_of(sizes)}, real)"]


@dataclass
class Line:
    """A statement outside of loops."""

    text: str

    @property
    def lines(self) -> list[str]:
        return [self.text]


EntryRule = Callable[["Writer", Any, Index], Text]
WholeRule = Callable[["Writer", Any], Whole]


class Writer:
    """Writes one formula; `statements` is its body, `constants` the numbers that it names, `made` its new arrays.

    batched: the names of the inputs that belong to samples.  entries, wholes: the rules.
    """

    def __init__(self, formula: Formula, batched: frozenset[str], entries: dict[type, EntryRule], wholes: dict[type, WholeRule]):
        leaves = [*formula.inputs, *(leaf for leaf, _ in formula.lets)]
        self.names = identifiers(map(name_of, leaves), RESERVED)
        self.formula, self.entries, self.wholes = formula, entries, wholes
        self.definitions: dict[Any, Any] = dict(formula.lets)
        self.known: dict[Any, Whole] = {leaf: Whole(self.names[name_of(leaf)], name_of(leaf) in batched) for leaf in formula.inputs}
        self.belongs: dict[Any, bool] = {leaf: one.batched for leaf, one in self.known.items()}
        self.known[COUNT] = Whole(COUNT.name, False)
        expressions = [expression for _, expression in (*formula.lets, *formula.outputs)]
        self.repeated = {node for node, uses in count(expressions).items() if uses > 1 and not is_trivial(node)}
        self.taken = {*self.names.values(), *RESERVED}
        self.statements: list[Loop | Line | New] = []
        self.made: dict[str, New] = {}
        self.constants: dict[str, str] = {}
        self.called: set[str] = set()
        self.number = 0

    # ------------------------------------------------------------ what is known of a node

    def batched(self, node: Any) -> bool:
        """Whether a value belongs to a sample."""
        if node in self.belongs:
            return self.belongs[node]
        if node in self.definitions:
            found = self.batched(self.definitions[node])
        else:
            found = not isinstance(node, (BatchSum, BatchTotal)) and any(map(self.batched, node.args if not is_atom(node) else ()))
        self.belongs[node] = found
        return found

    def domain(self, node: Any) -> Domain:
        return Domain(self.batched(node), self.sizes(shape_of(node)))

    def sizes(self, shape: Shape) -> tuple[int, ...]:
        """A shape as numbers."""
        unknown = [size for size in shape if not isinstance(size, int)]
        if unknown:
            raise TargetError(
                f"target 'loops' cannot write formula {self.formula.name!r}, which has an axis of length {unknown[0]}; substitute a number"
            )
        return tuple(size for size in shape if isinstance(size, int))

    def opened(self, node: Any) -> Any:
        """The definition of a named value where it is a view or a diagonal matrix, which products need not build."""
        definition = self.definitions.get(node)
        return definition if isinstance(definition, (Diag, Permute)) else node

    # ------------------------------------------------------------ entries

    def entry(self, node: Any, index: Index) -> Text:
        """The text of one entry. What stands in memory has been put there by `prepare`."""
        if node in self.known:
            return self.known[node].at(index)
        if is_constant(node):
            return self.constant(node)
        return self._rule(self.entries, node)(self, node, index)

    def operand(self, node: Any, index: Index) -> Text:
        """The entry of a value that is broadcast to more axes."""
        shape = shape_of(node)
        return self.entry(node, tuple("0" if size == 1 else one for size, one in zip(shape, index[len(index) - len(shape) :], strict=True)))

    def constant(self, value: Any) -> Text:
        text = number(value).text
        if text not in self.constants:
            self.constants[text] = self.fresh("_c")
        return Text(self.constants[text])

    def calling(self, function: str, *arguments: Text) -> Text:
        self.called.add(function)
        return tx.call(function, *arguments)

    def _rule(self, rules: dict[type, Any], node: Any) -> Any:
        rule = rules.get(type(node))
        if rule is None:
            raise TargetError(
                f"target 'loops' cannot write {type(node).__name__}, which formula {self.formula.name!r} uses in {node}; "
                "take another target, or give it a rule"
            )
        return rule

    # ------------------------------------------------------------ values in memory

    def whole(self, node: Any) -> Whole:
        """A value in memory."""
        if node not in self.known:
            self.known[node] = self._made(node)
        return self.known[node]

    def _made(self, node: Any) -> Whole:
        if node in self.definitions:
            return self.whole(self.definitions[node])
        if type(node) in self.wholes:
            return self.wholes[type(node)](self, node)
        return self.looped(node, shape_of(node), "=")

    def prepare(self, node: Any, domain: Domain) -> None:
        """Puts into memory what the entries of a node need there, and what would be computed again for many entries."""
        if node in self.known or (is_atom(node) and node not in self.definitions) or is_constant(node):
            return
        if self._stands(node) or (isinstance(node, (Map, Power)) and self.domain(node) != domain):
            self.whole(node)
            return
        for part in node.args:
            self.prepare(part, domain)

    def _stands(self, node: Any) -> bool:
        return node in self.definitions or node in self.repeated or type(node) in self.wholes

    def looped(self, node: Any, shape: Shape, sign: str, name: Whole | None = None, at: Index | None = None) -> Whole:
        """A loop over a node's entries that assigns them (`=`) or adds them up (`+=`)."""
        domain = self.domain(node)
        for part in node.args if not is_atom(node) else ():
            self.prepare(part, domain)
        into = name or self.array(domain.batched, shape, "empty")
        self.assign(domain, into.at(domain.index if at is None else at).text, sign, self.entry(node, domain.index).text)
        return into

    def array(self, batched: bool, shape: Shape, maker: str) -> Whole:
        """A new array: `empty` or `zeros`; a shared scalar is a number."""
        new = New(self.fresh("_t"), Domain(batched, self.sizes(shape)), maker)
        self.statements.append(new)
        self.made[new.name] = new
        return Whole(new.name, batched)

    def assign(self, domain: Domain, target: str, sign: str, text: str) -> None:
        """An assignment in a loop: the last one, where it runs over the same and has all that the text reads."""
        made, last = self._last_loop()
        if last is None or last.domain != domain or not last.admits(text) or not domain.heads:
            last = Loop(domain)
            self.statements.append(last)
        else:
            last.before += made
            del self.statements[len(self.statements) - len(made) :]
        last.body.append(f"{target} {sign} {text}")
        name = target.partition("[")[0]
        if sign == "=" and last.written.setdefault(name, target) == target:
            return
        last.growing.add(name)

    def _last_loop(self) -> tuple[list[New], Loop | None]:
        """The new arrays at the end of the statements, and the loop that stands before them."""
        made: list[New] = []
        for one in reversed(self.statements):
            if not isinstance(one, New):
                return made[::-1], one if isinstance(one, Loop) else None
            made.append(one)
        return made, None

    def line(self, text: str, batched: bool) -> Whole:
        """A new value by one statement."""
        found = Whole(self.fresh("_t"), batched)
        self.statements.append(Line(f"{found.name} = {text}"))
        return found

    def fresh(self, prefix: str) -> str:
        while True:
            self.number += 1
            if (name := f"{prefix}{self.number}") not in self.taken:
                return name

    def run(self) -> list[Whole]:
        """The values of the outputs; `statements` then are complete."""
        return [self.whole(expression) for _, expression in self.formula.outputs]


def moved(start: Any, step: Any, index: str) -> str:
    """start + step * index."""
    scaled = index if step == 1 else f"{step}*({index})"
    return scaled if start == 0 else f"{start} + {scaled}"


def keyed(items: Sequence[Any], index: Index) -> Index:
    """The index into the whole of an index into the part that a key cuts out."""
    rest = iter(index)
    return tuple(moved(item[0], item[2], next(rest)) if hasattr(item, "__len__") else str(item) for item in items)
