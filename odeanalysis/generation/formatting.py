"""Printed functions as `ruff format` would write them: spaces, brackets, lines of at most 88 columns.

Where an expression is too long for a line its longest parts get names of their own, which no formatter has a view on.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from textwrap import wrap

from odeanalysis.errors import TargetError

WIDTH = 88
INDENT = "    "

# an operand that a power is written close to: a number, or names with dots
SIMPLE = r"(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|\d+(?:\.\d*)?(?:e[-+]?\d+)?)"
POWER = re.compile(rf"(?<![\w.)\]]){SIMPLE} \*\* -?{SIMPLE}(?![\w.(\[])")
BRACKET = "_bracket_"
QUOTED = re.compile(r"'([^'\"\\]*)'")


def formatted(function: ast.FunctionDef, documented: str, annotation: str, result: str) -> str:
    """A printed function with a docstring, every argument annotated.

    Its statements assign to names and return a tuple, as `targets.program` writes them.
    """
    arguments = [f"{one.arg}: {annotation}" for one in function.args.args]
    lines = list(_bracketed("", f"def {function.name}", arguments, f" -> {result}:", "," if len(arguments) == 1 else ""))
    lines += [f"{INDENT}{line}" if line else "" for line in _docstring(documented)]
    body = Body({node.id for node in ast.walk(function) if isinstance(node, ast.Name)})
    for statement in function.body:
        lines += body.statement(statement)
    return "\n".join(lines) + "\n"


def folded(lines: Iterable[str], width: int) -> Iterator[str]:
    """Lines of text, those that are too long on several."""
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        yield from wrap(line, width, subsequent_indent=indent + INDENT, break_long_words=False, break_on_hyphens=False) or [""]


def escaped(text: str) -> str:
    """A text as the inside of a docstring, whatever stands in it."""
    plain = "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode() for one in text.replace("\\", "\\\\")
    )
    safe = plain.replace('"""', '\\"\\"\\"')
    return f"{safe} " if safe.endswith('"') else safe


def heading(lines: Iterable[str]) -> list[str]:
    """The lines of a module's docstring."""
    return ['"""' + escaped("\n".join(lines)), '"""']


def quoted(value: str) -> str:
    """A text as a literal: in double quotes, but where single ones save escapes."""
    text = repr(value)
    return text if '"' in value or "'" in value else f'"{text[1:-1]}"'


def _docstring(documented: str) -> list[str]:
    lines = f'"""{documented}'.split("\n")
    return [f'{lines[0]}"""'] if len(lines) == 1 else [*lines, '"""']


class Body:
    """The lines of a function's body. taken: the names that it uses."""

    def __init__(self, taken: set[str]):
        self.taken, self.count = set(taken), 0

    def statement(self, node: ast.stmt) -> Iterator[str]:
        """The lines of an assignment or a return; what stands there for documentation is left out."""
        if isinstance(node, ast.Assign):
            yield from self.fitted(f"{spaced(node.targets[0])} = ", node.value)
        elif isinstance(node, ast.Return) and node.value is not None:
            yield from self.fitted("return ", node.value)

    def fitted(self, head: str, value: ast.expr) -> Iterator[str]:
        """`head value` on lines that are short enough."""
        line = f"{INDENT}{head}{spaced(value)}"
        if len(line) <= WIDTH:
            yield line
        elif isinstance(value, ast.Tuple):
            items = yield from self._short(value.elts, len(INDENT) * 2 + 1)
            alone = f"{INDENT}{head}({items[0]},)"
            yield from [alone] if len(items) == 1 and len(alone) <= WIDTH else _exploded(INDENT, f"{head}(", items, ")")
        elif isinstance(value, ast.Call) and not value.keywords and _is_dotted(value.func):
            items = yield from self._short(value.args, len(INDENT) * 2 + 1)
            yield from _bracketed(INDENT, f"{head}{spaced(value.func)}", items, "")
        else:
            yield from self._split(value)
            yield from self.fitted(head, value)

    def _short(self, values: list[ast.expr], used: int) -> Iterator[str]:
        """The texts of values, those that are too long for a line by name."""
        found = []
        for value in values:
            text = spaced(value)
            if len(text) + used > WIDTH:
                name = self._fresh()
                yield from self.fitted(f"{name} = ", value)
                text = name
            found.append(text)
        return found

    def _split(self, value: ast.expr) -> Iterator[str]:
        """Gives the longest part of an expression a name, in its place."""
        every = list(_children(value))
        parts = [part for part in every if not isinstance(part[0], (ast.Name, ast.Constant))] or every
        child, field, i = max(parts, key=lambda part: len(spaced(part[0])), default=(value, "", None))
        if isinstance(child, (ast.Name, ast.Constant)) and len(spaced(child)) + 2 * len(INDENT) > WIDTH - len(INDENT):
            raise TargetError(f"{spaced(child)!r} does not fit into a line of {WIDTH} columns; take a shorter name")
        name = self._fresh()
        yield from self.fitted(f"{name} = ", child)
        _replace(value, field, i, ast.Name(name))

    def _fresh(self) -> str:
        while True:
            self.count += 1
            if (name := f"_w{self.count}") not in self.taken:
                return name


def spaced(node: ast.AST) -> str:
    """An expression on one line."""
    text = QUOTED.sub(r'"\1"', ast.unparse(Bracketed().visit(deepcopy(node))))
    return POWER.sub(lambda found: found[0].replace(" ** ", "**"), text).replace(f"{BRACKET}(", "(")


class Bracketed(ast.NodeTransformer):
    """Marks the brackets that formatters put where Python needs none: -(x**2)."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.UnaryOp:
        self.generic_visit(node)
        if isinstance(node.operand, ast.BinOp) and isinstance(node.operand.op, ast.Pow):
            node.operand = ast.Call(ast.Name(BRACKET), [node.operand], [])
        return node


def _children(value: ast.expr) -> Iterator[tuple[ast.expr, str, int | None]]:
    """The parts of an expression that may get names: where they stand in it."""
    for field in ("left", "right", "operand", "value", "func", "args", "values", "comparators", "elts"):
        part = getattr(value, field, None)
        if field == "func" and isinstance(part, ast.Attribute):
            yield part.value, "func.value", None
        elif isinstance(part, list):
            yield from ((child, field, i) for i, child in enumerate(part))
        elif isinstance(part, ast.expr) and field != "func":
            yield part, field, None


def _replace(value: ast.expr, field: str, i: int | None, by: ast.expr) -> None:
    *path, last = field.split(".")
    owner = value if not path else getattr(value, path[0])
    if i is None:
        setattr(owner, last, by)
    else:
        getattr(owner, last)[i] = by


def _is_dotted(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_dotted(node.value))


def _bracketed(indent: str, head: str, items: list[str], tail: str, comma: str = "") -> Iterator[str]:
    """`head(a, b)tail` on one line, with the items (and a comma) on a line of their own, or on one line each."""
    inside = ", ".join(items)
    if len(line := f"{indent}{head}({inside}){tail}") <= WIDTH:
        yield line
    elif len(line := f"{indent}{INDENT}{inside}{comma}") <= WIDTH:
        yield from (f"{indent}{head}(", line, f"{indent}){tail}")
    else:
        yield from _exploded(indent, f"{head}(", items, f"){tail}")


def _exploded(indent: str, head: str, items: list[str], tail: str) -> Iterator[str]:
    yield f"{indent}{head}"
    yield from (f"{indent}{INDENT}{item}," for item in items)
    yield f"{indent}{tail}"


# ---------------------------------------------------------------- tables


def table(head: str, value: object, indent: str = "", tail: str = "") -> Iterator[str]:
    """Nested dicts and tuples of numbers and texts as a literal, on one line where it fits, else an item on each."""
    line = f"{indent}{head}{_literal(value)}{tail}"
    if len(line) <= WIDTH or not value or not isinstance(value, (dict, tuple)):
        yield line
        return
    opening, closing = "{}" if isinstance(value, dict) else "()"
    yield f"{indent}{head}{opening}"
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for key, item in pairs:
        yield from table("" if key is None else f"{_literal(key)}: ", item, indent + INDENT, ",")
    yield f"{indent}{closing}{tail}"


def _literal(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(key)}: {_literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    return quoted(value) if isinstance(value, str) else repr(value)
