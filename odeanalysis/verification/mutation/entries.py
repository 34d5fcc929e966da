"""The entries of the rule tables, made wrong one by one: what a derivation reads is found by watching it, not by a list.

An entry is a key of a table and, where its rule has parts (the arguments of a reverse rule, the partial derivatives of a function), a part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.rows import ROWS
from odeanalysis.symbolic.calculus.rules import PULLBACKS, PUSHES
from odeanalysis.symbolic.calculus.structure import PICKS
from odeanalysis.symbolic.functions import FUNCTIONS, Function
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.tables import Lens, Table, read_through

Change = Callable[[Any], Any]
Around = Callable[[int, Any], Any]  # (part, what the rule gives) -> what is handed on


def transposed(value: Any) -> Any:
    """A square matrix transposed; anything else as it is."""
    return ex.transpose(value) if is_square(value) else value


def is_square(value: Any) -> bool:
    shape = shape_of(value)
    return len(shape) == 2 and shape[0] == shape[1]


def can_be_transposed(value: Any) -> bool:
    """Whether a value has a transpose of its shape that is not itself."""
    return transposed(value) != value


CHANGES: dict[str, Change] = {
    "with its sign flipped": ex.negative,
    "dropped": lambda value: ex.mul(0, value),
    "doubled": lambda value: ex.mul(2, value),
    "transposed": transposed,
}


@dataclass(frozen=True, eq=False)
class RuleTable:
    """A table of rules.  title: what one of them is called.  around: (rule, f) -> the rule with its results handed through f.

    parts: what a part of a rule is called; empty where rules have none.
    """

    title: str
    table: Table[Any, Any]
    around: Callable[[Any, Around], Any]
    parts: str = ""


def _rule(rule: Any, around: Around) -> Any:
    return lambda *arguments: around(0, rule(*arguments))


def _reverse_rule(rule: Any, around: Around) -> Any:
    return lambda node, out, cotangent, i: around(i, rule(node, out, cotangent, i))


def _part_rule(rule: Any, around: Around) -> Any:
    """A rule that may find nothing to do."""

    def picked(array: Any, items: Any) -> Any:
        found = rule(array, items)
        return None if found is None else around(0, found)

    return picked


def _function(function: Function, around: Around) -> Function:
    return replace(function, partials=tuple(_partial(partial, i, around) for i, partial in enumerate(function.partials)))


def _partial(partial: Callable[..., Any], i: int, around: Around) -> Callable[..., Any]:
    return lambda *arguments: around(i, partial(*arguments))


RULE_TABLES = (
    RuleTable("reverse rule", PULLBACKS, _reverse_rule, "argument"),
    RuleTable("derivative of", FUNCTIONS, _function, "argument"),
    RuleTable("forward rule", PUSHES, _rule),
    RuleTable("Jacobian rule", ROWS, _rule),
    RuleTable("rule of parts", PICKS, _part_rule),
)


@dataclass(frozen=True)
class Entry:
    """A part of a rule that was read.  turns: whether what it gave can be transposed."""

    kind: RuleTable
    key: Any
    part: int
    turns: bool = False

    @property
    def title(self) -> str:
        name = self.key if isinstance(self.key, str) else self.key.__name__
        return f"{self.kind.title} {name}" + (f", {self.kind.parts} {self.part + 1}" if self.kind.parts else "")

    @property
    def changes(self) -> Iterator[tuple[str, Change]]:
        """The ways to make it wrong, with their words."""
        return ((words, change) for words, change in CHANGES.items() if self.turns or change is not transposed)

    def wrong(self, change: Change) -> Lens:
        """A lens through which this entry alone is read wrong."""

        def around(part: int, result: Any) -> Any:
            return change(result) if part == self.part else result

        return lambda table, key, rule: self.kind.around(rule, around) if table is self.kind.table and key == self.key else rule


def entries_read(function: Callable[..., Any], *arguments: Any) -> list[Entry]:
    """The entries of all rule tables whose results a call asks for, in the order of the tables and of their titles."""
    read: dict[tuple[RuleTable, Any, int], bool] = {}

    def watching(table: Any, key: Any, rule: Any) -> Any:
        kind = next((one for one in RULE_TABLES if one.table is table), None)
        return rule if kind is None else kind.around(rule, lambda part, result: _noted(read, (kind, key, part), result))

    read_through(watching, function, *arguments)
    found = [Entry(*place, turns) for place, turns in read.items()]
    return sorted(found, key=lambda one: (RULE_TABLES.index(one.kind), one.title))


def _noted(read: dict[Any, bool], place: Any, result: Any) -> Any:
    read[place] = read.get(place, False) or can_be_transposed(result)
    return result
