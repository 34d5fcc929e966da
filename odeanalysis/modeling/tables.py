"""A parsed document, taken out key by key: each value of the kind that the contract asks for, or refused by its key."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from odeanalysis.errors import ModelError, question

RANK_LIMIT = 16
ENTRY_LIMIT = 2**31 - 1
SHOWN = 60
KINDS = {
    dict: "a table",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a whole number",
    float: "a number",
    type(None): "null",
}


def show(value: Any) -> str:
    """A value as messages show it: never longer than a line."""
    written = repr(value) if not isinstance(value, int) or abs(value) < 10**SHOWN else "a very large number"
    return written if len(written) <= SHOWN else f"{written[: SHOWN - 3]}..."


def kind(value: Any) -> str:
    return KINDS.get(type(value), "a date or time")


def suggestion(name: str, known: Iterable[str]) -> str:
    """What to write instead of an unknown name."""
    names = sorted(known)
    asked = question(name, names).rstrip()
    if asked:
        return asked
    return f"use one of {', '.join(names)}, or remove it" if names else "remove it"


def only(given: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuses the first key that the contract does not have."""
    known = tuple(allowed)
    for key in given:
        if key not in known:
            raise ModelError(f"{where} has the key {show(key)}, which means nothing there; {suggestion(key, known)}")


def table(value: Any, where: str) -> dict[str, Any]:
    return _of(dict, value, where, f"a table: write [{where}], or {{ name = ... }}")


def items(value: Any, where: str, example: str) -> list[Any]:
    return _of(list, value, where, f"an array, as in {example}")


def text(value: Any, where: str, example: str) -> str:
    return _of(str, value, where, f"a string, as in {example}")


def _of(wanted: type, value: Any, where: str, advice: str) -> Any:
    if not isinstance(value, wanted):
        raise ModelError(f"{where} is {kind(value)}, {show(value)}; it must be {advice}")
    return value


def required(given: Mapping[str, Any], key: str, where: str, example: str) -> Any:
    """The value of a key that must be there."""
    if key not in given:
        raise ModelError(f"{where} has no {key}; add {example}")
    return given[key]


def number(value: Any, where: str) -> int | float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ModelError(f"{where} is {kind(value)}, {show(value)}; it must be a number")
    if not _is_finite(value):
        raise ModelError(f"{where} is {show(value)}; it must be finite, below 1.8e308 in size")
    return value


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def interval(value: Any, where: str) -> tuple[int | float, int | float]:
    """Two numbers, [low, high]."""
    low, high = pair(value, where, "[0.1, 2]")
    return number(low, f"{where}[0]"), number(high, f"{where}[1]")


def pair(value: Any, where: str, example: str) -> list[Any]:
    found = items(value, where, example)
    if len(found) != 2:
        raise ModelError(f"{where} has {len(found)} entries; it needs two, as in {example}")
    return found


def shape(value: Any, where: str) -> tuple[int, ...]:
    """A shape: a list of axis lengths."""
    sizes = items(value, where, "[] for a scalar, [2] for a vector of length 2, [3, 2] for a matrix")
    if len(sizes) > RANK_LIMIT:
        raise ModelError(f"{where} has {len(sizes)} axes; at most {RANK_LIMIT} are possible")
    for i, size in enumerate(sizes):
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise ModelError(f"{where}[{i}] is {show(size)}, no length of an axis; write a whole number of 0 or more")
    if max(sizes, default=0) > ENTRY_LIMIT or math.prod(sizes) > ENTRY_LIMIT:
        raise ModelError(f"{where} is {show(sizes)}, more than {ENTRY_LIMIT} entries; make it smaller")
    return tuple(sizes)
