"""Sentences with mathematics in them as HTML: words as they stand, formulas in mathematics that browsers draw."""

from collections.abc import Iterator
from functools import lru_cache
from html import escape
from typing import Any

from odeanalysis.reports.mathematics import mathml
from odeanalysis.reports.notation import Reader, tokens

SHORT = 30  # signs of a formula that is not divided


def pieces(sentence: str) -> Iterator[tuple[bool, str]]:
    """The words of a sentence, and the LaTeX of its formulas, long ones in parts: (whether it is a formula, text)."""
    found = tokens(sentence)
    reader, words, i = Reader(found), "", 0
    while i < len(found):
        words += found[i].gap
        glued = i > 0 and not found[i].gap and found[i - 1].is_word
        formula = None if glued else reader.formula(i)
        if formula is None:
            words, i = words + found[i].text, i + 1
            continue
        parts, end = formula
        yield False, words
        yield from ((True, part) for part in _lined(parts, sum(len(one.gap + one.text) for one in found[i:end])))
        words, i = "", end
    yield False, words


def _lined(parts: list[str], length: int) -> list[str]:
    """One part where a formula is short, else all; a sign that begins one still stands between two terms."""
    return [" ".join(parts)] if length <= SHORT else [parts[0], *(f"{{}}{part}" for part in parts[1:])]


@lru_cache(maxsize=4096)
def typeset(sentence: str) -> Any:
    """A sentence as safe HTML."""
    from markupsafe import Markup

    return Markup("".join(mathml(part, "inline") + "<wbr>" if is_formula else escape(part) for is_formula, part in pieces(sentence)))
