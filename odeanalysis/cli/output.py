"""What commands print: JSON that keeps shapes and holds no NaN, and tables for people."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

DIGITS = 9
ENTRIES = 40
WIDTH = 96
GAP = "   "
LONG = 2000  # rows


def plain(value: Any) -> Any:
    """JSON's own types: arrays as nested lists, a number that is not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def to_json(document: Any, indent: int | None = None) -> str:
    return json.dumps(plain(document), allow_nan=False, ensure_ascii=False, indent=indent)


def write_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(to_json(document) + "\n")


def number(value: Any) -> str:
    """A number with nine digits, `-` where there is none."""
    return "-" if value is None or np.isnan(value) else f"{float(value):.{DIGITS}g}"


def array(value: Any) -> str:
    """A number or an array as people read it; long ones are shortened."""
    found = np.asarray(value)
    if found.ndim == 0:
        return number(found[()])
    return np.array2string(found, max_line_width=WIDTH, threshold=ENTRIES, precision=DIGITS)


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table on standard output. The first column stands left, the others right; a narrow terminal folds what is not long."""
    rows = list(rows)
    drawn = sys.stdout.isatty() and len(rows) <= LONG
    lines = _drawn(table(header, rows, title)) if drawn else plain_table(header, rows, title)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines))


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> list[str]:
    """The lines of a table, as wide as its cells are."""
    shown = [*([header] if any(header) else []), *rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = (
        GAP.join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in shown
    )
    return [*([title] if title else []), *lines]


def _drawn(found: Any) -> list[str]:
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, soft_wrap=False)
    with console.capture() as caught:
        console.print(found)
    return caught.get().rstrip("\n").split("\n")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> Any:
    """A rich table without lines."""
    from rich.table import Table
    from rich.text import Text

    found = Table(
        box=None,
        show_header=any(header),
        pad_edge=False,
        padding=(0, len(GAP), 0, 0),
        title=title or None,
        title_justify="left",
    )
    for i, name in enumerate(header):
        found.add_column(Text(name), justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        found.add_row(*(Text(cell) for cell in row))
    return found


def write_pairs(pairs: Iterable[tuple[str, Any]]) -> None:
    """Names, each with its number or array beside it, on standard output."""
    shown = [(name, value if isinstance(value, str) else array(value)) for name, value in pairs]
    width = max((len(name) for name, _ in shown), default=0)
    for name, text in shown:
        first, *rest = text.split("\n")
        lines = [f"{name:<{width}}   {first}", *(f"{'':<{width}}   {line}" for line in rest)]
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines))
