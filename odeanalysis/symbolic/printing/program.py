"""Formulas as plain text: a program of a few words that people read, and that is read back as an equal formula.

formula field: the field and the running cost
    input s
    input z: (2,)
    let _t1: (2,) = tanh(z)
    output z = s*_t1
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError, LanguageError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import Formula, name_of, sizes_of
from odeanalysis.symbolic.language import FORMULAS, parse
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.printing.text import text
from odeanalysis.symbolic.shapes import Shape, as_shape, show

INDENT = "    "
KINDS = ("integer", "positive", "nonnegative", "nonzero")  # what may be assumed of a symbol, beside that it is real
NAME = r"""(?P<name>[A-Za-z_]\w*|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
LINES = {
    "formula": re.compile(rf"{NAME}(?:: (?P<rest>.*))?"),
    "size": re.compile(rf"{NAME}(?:: (?P<rest>.*))?"),
    "input": re.compile(rf"{NAME}(?:: (?P<rest>.*))?"),
    "let": re.compile(rf"{NAME}(?:: (?P<shape>\([^=]*\)))? = (?P<rest>.*)"),
    "output": re.compile(rf"{NAME} = (?P<rest>.*)"),
}


def formula_text(formula: Formula) -> str:
    """A formula as a program: its name and source, then a line for each input (with its shape), let and output.

    `parse_formula` reads it back as an equal formula. Raises TargetError for a node that is not of the vocabulary.
    """
    return "\n".join([_title(formula), *(INDENT + line for line in _lines(formula))])


def _title(formula: Formula) -> str:
    source = formula.source if formula.source.isprintable() and formula.source == formula.source.strip(" '\"") else repr(formula.source)
    return f"formula {_quoted(formula.name)}{': ' if formula.source else ''}{source if formula.source else ''}"


def _lines(formula: Formula) -> Iterator[str]:
    yield from (f"size {_quoted(size.name)}{_of(_kinds(size))}" for size in _sizes(formula))
    for leaf in formula.inputs:
        yield f"input {_quoted(name_of(leaf))}{_of(_shape(leaf) if shape_of(leaf) else _kinds(leaf))}"
    for leaf, expression in formula.lets:
        yield f"let {_quoted(name_of(leaf))}{_of(_shape(leaf))} = {text(expression)}"
    for name, expression in formula.outputs:
        yield f"output {_quoted(name)} = {text(expression)}"


def _of(description: str) -> str:
    return f": {description}" if description else ""


def _quoted(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else repr(name)


def _shape(leaf: Leaf) -> str:
    return show(shape_of(leaf)) if shape_of(leaf) else ""


def _sizes(formula: Formula) -> list[Any]:
    """The symbols that stand in shapes, and must be known before what has these shapes."""
    leaves = {*formula.inputs, *(leaf for leaf, _ in formula.lets)}
    expressions = [*(e for _, e in formula.lets), *(e for _, e in formula.outputs)]
    found = {symbol for expression in expressions for symbol in expression.free_symbols}
    return sorted(sizes_of(formula.inputs) | (found - leaves), key=name_of)


def _kinds(symbol: Any) -> str:
    """What is assumed of a symbol, in as few words as will do."""
    for words in _choices():
        if _symbol(symbol.name, words) == symbol:
            return " ".join(words)
    raise DerivationError(f"the symbol {symbol} has assumptions other than {', '.join(KINDS)}; declare it with these only")


def _choices() -> Iterator[tuple[str, ...]]:
    for mask in sorted(range(2 ** len(KINDS)), key=lambda mask: (mask.bit_count(), mask)):
        yield tuple(word for i, word in enumerate(KINDS) if mask >> i & 1)


def _symbol(name: str, words: tuple[str, ...]) -> Any:
    return sp.Symbol(name, real=True, **dict.fromkeys(words, True))


# ---------------------------------------------------------------- reading


@dataclass
class _Program:
    """What has been read so far."""

    name: str = ""
    source: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    inputs: list[Leaf] = field(default_factory=list)
    lets: list[tuple[Leaf, Any]] = field(default_factory=list)
    outputs: list[tuple[str, Any]] = field(default_factory=list)


def parse_formula(program: str) -> Formula:
    """The formula that a text of `formula_text` states.

    Raises LanguageError with the number of the line that is wrong, and DerivationError where the lines make no formula.
    """
    read = _Program()
    lines = [line for line in enumerate(program.split("\n"), start=1) if line[1].strip()]
    if not lines:
        raise LanguageError("the text of a formula is empty; begin with 'formula NAME'")
    for position, (number, line) in enumerate(lines):
        word, _, rest = line.strip().partition(" ")
        if word not in LINES or (word == "formula") != (position == 0):
            raise LanguageError(f"line {number} of a formula begins with {word!r}; begin the first with 'formula', others with {_others()}")
        found = LINES[word].fullmatch(rest)
        if found is None:
            raise LanguageError(f"line {number} of a formula is {line.strip()!r}, which cannot be read; write it as formula_text does")
        READERS[word](read, _plain(found["name"]), found, f"line {number} of a formula")
    return Formula(read.name, tuple(read.inputs), tuple(read.lets), tuple(read.outputs), read.source)


def _others() -> str:
    return ", ".join(repr(word) for word in LINES if word != "formula")


def _plain(name: str) -> str:
    return ast.literal_eval(name) if name[0] in "'\"" else name


def _read_title(read: _Program, name: str, found: re.Match[str], where: str) -> None:
    source = found["rest"] or ""
    read.name, read.source = name, _plain(source) if re.fullmatch(NAME, source) and source[0] in "'\"" else source


def _read_size(read: _Program, name: str, found: re.Match[str], where: str) -> None:
    read.names[name] = _symbol(name, _words(found["rest"], where))


def _read_input(read: _Program, name: str, found: re.Match[str], where: str) -> None:
    rest = found["rest"] or ""
    leaf = ex.block(name, *_read_shape(read, rest, where)) if rest.startswith("(") else _symbol(name, _words(rest, where))
    read.names[name] = leaf
    read.inputs.append(leaf)


def _read_let(read: _Program, name: str, found: re.Match[str], where: str) -> None:
    expression = parse(found["rest"], read.names, key=where, grammar=FORMULAS)
    stated = _read_shape(read, found["shape"] or "()", where)
    if stated != shape_of(expression):
        raise LanguageError(f"{where}: {name!r} is stated with shape {show(stated)} but has {show(shape_of(expression))}; correct one")
    read.names[name] = ex.block(name, *stated)
    read.lets.append((read.names[name], expression))


def _read_output(read: _Program, name: str, found: re.Match[str], where: str) -> None:
    read.outputs.append((name, parse(found["rest"], read.names, key=where, grammar=FORMULAS)))


def _read_shape(read: _Program, shape: str, where: str) -> Shape:
    if not (shape.startswith("(") and shape.endswith(")")):
        raise LanguageError(f"{where}: {shape!r} is no shape; write it as Python writes a tuple")
    return as_shape([parse(size, read.names, key=where, grammar=FORMULAS) for size in shape[1:-1].split(",") if size.strip()])


def _words(rest: str | None, where: str) -> tuple[str, ...]:
    words = tuple((rest or "").split())
    for word in words:
        if word not in KINDS:
            raise LanguageError(f"{where}: {word!r} is nothing to assume of a symbol; use {', '.join(KINDS)}, or a shape in brackets")
    return words


READERS: dict[str, Callable[[_Program, str, re.Match[str], str], None]] = {
    "formula": _read_title,
    "size": _read_size,
    "input": _read_input,
    "let": _read_let,
    "output": _read_output,
}
