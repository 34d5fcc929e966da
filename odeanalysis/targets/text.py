"""What targets of Python text share: expressions that know their precedence, exact numbers, safe names."""

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

import sympy as sp

from odeanalysis.errors import TargetError
from odeanalysis.symbolic import scalars
from odeanalysis.symbolic.nodes import ArrayScalar
from odeanalysis.symbolic.rewrite import walk

# how tightly Python binds, loosest first
COMPARE, OR, AND, SUM, PRODUCT, SIGN, POWER, ATOM = range(8)


NUMBER = re.compile(r"-?[\d.]+(e[-+]?\d+)?")


class Text(NamedTuple):
    """A piece of an expression: its text, and how tightly it binds."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """The text, in brackets where its surroundings bind tighter."""
        return self.text if self.level >= level else f"({self.text})"

    @property
    def is_name(self) -> bool:
        return self.text.isidentifier()


def call(function: str, *arguments: Text | str) -> Text:
    return Text(f"{function}({', '.join(one.text if isinstance(one, Text) else one for one in arguments)})")


def is_number(value: Text) -> bool:
    """Whether a text is one number."""
    return NUMBER.fullmatch(value.text) is not None


def suffix(value: Text, end: str) -> Text:
    """An attribute or an index behind a value, which a minus may as well precede; numbers stay as they are."""
    if is_number(value):
        return value
    if _is_minus(value):
        bare = value.text[1:]
        return _negated(suffix(Text(bare, ATOM if bare.isidentifier() else PRODUCT), end))
    return Text(value.at(ATOM) + end)


def index(value: Text, items: Sequence[str]) -> Text:
    """`value[..., items]`: an index of the last axes; the leading ones are left as they are."""
    return suffix(value, f"[{', '.join(('...', *items))}]")


def infix(operator: str, level: int, *parts: Text) -> Text:
    """`a*b*c`: parts that do not bind tighter than the operator go into brackets, but for the first one."""
    first, *rest = parts
    text = operator.join((first.at(level), *(part.at(level + 1) for part in rest)))
    return Text(text, level)


def total(terms: Sequence[Text]) -> Text:
    """`a + b - c`: terms that begin with a minus come last and are subtracted, which saves negating an array."""
    first, *rest = sorted(terms, key=_is_minus)
    if not rest:
        return first
    tail = (f" - {term.text[1:]}" if _is_minus(term) else f" + {term.at(PRODUCT)}" for term in rest)
    return Text(first.at(SUM) + "".join(tail), SUM)


def _is_minus(term: Text) -> bool:
    return term.level >= PRODUCT and term.text.startswith("-")


def product(factor: Any, numerators: Sequence[Text], denominators: Sequence[Text] = ()) -> Text:
    """`2.0*a*b/c/d` for a constant factor."""
    if factor == -1:
        return _negated(product(sp.S.One, numerators, denominators))
    head = [number(factor)] if factor != 1 or not numerators else []
    first, *rest = (*head, *numerators)
    if not rest and not denominators:
        return first
    tail = [*(f"*{part.at(POWER)}" for part in rest), *(f"/{part.at(POWER)}" for part in denominators)]
    return Text(first.at(PRODUCT) + "".join(tail), PRODUCT)


def _negated(value: Text) -> Text:
    return Text(f"-{value.at(PRODUCT)}", SIGN if value.level > PRODUCT else PRODUCT)


# ---------------------------------------------------------------- numbers

OPAQUE = (scalars.Elementary, ArrayScalar)  # scalars whose value SymPy does not know


def is_constant(expression: Any) -> bool:
    """Whether a scalar is one number that can be written down: nothing in it varies, and SymPy knows its value."""
    if isinstance(expression, sp.Symbol) or not isinstance(expression, sp.Expr):
        return False
    return bool(expression.is_number) and not any(isinstance(node, OPAQUE) for node in walk([expression]))


@lru_cache(maxsize=4096)
def number(expression: Any) -> Text:
    """A constant as the shortest decimal number that is read back as its nearest 64-bit number."""
    value = _rounded(expression)
    if not isfinite(value):
        raise TargetError(f"the constant {expression} is no finite 64-bit number; change the expression that gives it")
    return Text(repr(value), ATOM if value >= 0 else SIGN)


def _rounded(expression: Any) -> float:
    try:
        return expression.p / expression.q if isinstance(expression, sp.Rational) else float(expression.evalf(30))
    except OverflowError:
        return float("inf")
    except TypeError:
        return float("nan")


def tuple_of(items: Iterable[str]) -> str:
    parts = list(items)
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


# ---------------------------------------------------------------- names

WORD = re.compile(r"(?<![.\w])[^\W\d]\w*")


def words(text: str) -> set[str]:
    """The names that a text mentions, without attributes."""
    return set(WORD.findall(text))


def identifiers(names: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """For each name a Python identifier of its own: the name itself where it is free and legal, else one like it."""
    forbidden = {*reserved, *keyword.kwlist, "__debug__"}
    given = list(dict.fromkeys(names))
    result = {name: name for name in given if _is_legal(name) and name not in forbidden}
    taken = forbidden | set(result)
    for name in given:
        if name not in result:
            result[name] = _free(_legal(name), taken)
            taken.add(result[name])
    return result


def _is_legal(name: str) -> bool:
    return name.isidentifier() and unicodedata.normalize("NFKC", name) == name


def _legal(name: str) -> str:
    letters = "".join(letter if f"a{letter}".isidentifier() else "_" for letter in unicodedata.normalize("NFKC", name))
    return letters if letters.isidentifier() else f"v{letters}"


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def docstring(text: str) -> str:
    """A text as the body of a docstring, whatever stands in it."""
    safe = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{safe}"""'
