"""Tables of rules that one call may read otherwise than all others do.

Whoever asks which rules a derivation reads, or what follows from a wrong one, calls it through a lens. The lens belongs to that call: other
threads, and code that runs before or after it, read the tables as they are stated.
"""

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

Key = TypeVar("Key")
Rule = TypeVar("Rule")
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Lens = Callable[["Table[Any, Any]", Any, Any], Any]

_LENS: ContextVar[Lens | None] = ContextVar("lens", default=None)


class Table(dict[Key, Rule]):
    """A dictionary whose entries are read, with `table[key]`, through the lens of the running call where it has one."""

    def __getitem__(self, key: Key) -> Rule:
        rule, lens = super().__getitem__(key), _LENS.get()
        return rule if lens is None else lens(self, key, rule)


def read_through(lens: Lens, function: Callable[Arguments, Result], *arguments: Arguments.args, **more: Arguments.kwargs) -> Result:
    """What a function gives when it reads every table through a lens (table, key, rule) -> rule.

    Its result must not depend on the lens any more: a generator would run on without it.
    """
    return copy_context().run(_under, lens, function, *arguments, **more)


def _under(lens: Lens, function: Callable[Arguments, Result], *arguments: Arguments.args, **more: Arguments.kwargs) -> Result:
    _LENS.set(lens)
    return function(*arguments, **more)
