"""The numbers of the explicit methods as a table of a module: dense lines, which formatters are told to leave alone."""

from collections.abc import Iterator
from textwrap import wrap

from odeanalysis.generation.formatting import INDENT, WIDTH
from odeanalysis.tableaus import METHODS, tableau

Row = tuple[float, ...]


def methods() -> Iterator[str]:
    """The lines of METHODS: name -> order, order of the error estimate, and the coefficients."""
    yield "# fmt: off"
    yield "METHODS = {"
    for name in METHODS:
        if tableau(name).explicit:
            yield from _method(name)
    yield "}"
    yield "# fmt: on"


def _method(name: str) -> Iterator[str]:
    method, numbers = tableau(name), tableau(name).floats
    yield f'{INDENT}"{name}": {{'
    yield f'{INDENT * 2}"order": {method.order}, "estimate": {method.error_order},'
    yield from _row('"c": ', numbers.c)
    yield f'{INDENT * 2}"a": ('
    for i, row in enumerate(numbers.a):
        yield from _row("", row[:i], 3)
    yield f"{INDENT * 2}),"
    yield from _row('"b": ', numbers.b)
    yield from _row('"error": ', numbers.b_error) if numbers.b_error else [f'{INDENT * 2}"error": None,']
    yield f"{INDENT}}},"


def _row(head: str, row: Row, depth: int = 2) -> Iterator[str]:
    """A tuple of numbers, as many on a line as there is room for."""
    text = f"{head}({', '.join(map(repr, row))}{',' if len(row) == 1 else ''}),"
    yield from wrap(text, WIDTH, initial_indent=INDENT * depth, subsequent_indent=INDENT * (depth + 1))
