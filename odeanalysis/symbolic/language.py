"""The language of model files: text becomes expressions through Python's `ast`, a whitelist, and nothing else.

No `eval`, no `sympify`. Texts are bounded in length, depth, number of parts, size of constants and of integer powers. What is refused is
shown with its key, an excerpt and a caret under the place.
"""

import ast
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import sympy as sp

from odeanalysis.errors import LanguageError, ModelError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, operators
from odeanalysis.symbolic.functions import FUNCTIONS, sqrt, where
from odeanalysis.symbolic.nodes import Array, Leaf

MAX_LENGTH, MAX_DEPTH, MAX_PARTS = 20_000, 80, 10_000
MAX_POWER, MAX_DIGITS, MAX_SIZE = 1_000, 400, 1_000_000
WINDOW = 60
DECIMAL = re.compile(r"(\d[\d_]*)?(\.[\d_]*)?([eE][+-]?\d+)?")

Builder = Callable[..., Any]


def _shape(*sizes: Any) -> tuple[int, ...]:
    for size in sizes:
        if not isinstance(size, sp.Integer) or not 0 <= int(size) <= MAX_SIZE:
            raise ModelError(f"{size} is no array size; write whole numbers from 0 to {MAX_SIZE}")
    return tuple(map(int, sizes))


ANY_NUMBER = 1_000
CALLS: dict[str, tuple[Builder, int, int]] = {
    **{name: (function, function.arity, function.arity) for name, function in FUNCTIONS.items() if name != "step"},
    "sqrt": (sqrt, 1, 1),
    "where": (where, 3, 3),
    "sum": (ex.total, 1, 1),
    "sumsq": (ex.sumsq, 1, 1),
    "dot": (ex.dot, 2, 2),
    "outer": (ex.outer, 2, 2),
    "trace": (ex.trace, 1, 1),
    "concat": (ex.concat, 1, ANY_NUMBER),
    "zeros": (lambda *sizes: ex.zeros(*_shape(*sizes)), 0, 8),
    "ones": (lambda *sizes: ex.ones(*_shape(*sizes)), 0, 8),
    "eye": (lambda size: ex.eye(*_shape(size)), 1, 1),
    "diag": (ex.diag, 1, 1),
}
INTERNAL: dict[str, tuple[Builder, int, int]] = {
    "step": (FUNCTIONS["step"], 1, 1),
    "lt": (lambda u, v: ex.elementwise("lt", u, v), 2, 2),
    "le": (lambda u, v: ex.elementwise("le", u, v), 2, 2),
    "solve": (ex.solve, 2, 2),
    "full": (lambda value, shape: ex.full(value, _shape(*shape)), 2, 2),
    "sum_to": (lambda value, shape: ex.sum_to(value, _shape(*shape)), 2, 2),
    "permute": (lambda value, axes: ex.permute(value, map(int, axes)), 2, 2),
    "place": (lambda value, key, shape: ex.place(value, key, _shape(*shape)), 3, 3),
    "batch_sum": (lambda value: nodes.BatchSum(value) if isinstance(value, Array) else nodes.BatchTotal(value), 1, 1),
}
RESERVED = frozenset((*keyword.kwlist, *CALLS, "pi"))
BINARY: dict[type, Builder] = {
    ast.Add: ex.add,
    ast.Sub: ex.subtract,
    ast.Mult: ex.mul,
    ast.Div: ex.divide,
    ast.MatMult: ex.matmul,
}
COMPARISONS: dict[type, tuple[Any, Builder]] = {
    ast.Lt: (sp.StrictLessThan, lambda u, v: u < v),
    ast.LtE: (sp.LessThan, lambda u, v: u <= v),
    ast.Gt: (sp.StrictGreaterThan, lambda u, v: u > v),
    ast.GtE: (sp.GreaterThan, lambda u, v: u >= v),
}
operators.install()


def parse(text: str, names: Mapping[str, Leaf], *, key: str = "", internal: bool = False) -> Any:
    """The expression that a text states.

    names: the symbols and blocks it may use, by name.  key: where it stands, for messages.  internal: also the vocabulary of derived
    formulas (`step`, `place`, `solve`, ...). Raises LanguageError with the key, an excerpt and a caret.
    """
    reader = _Reader(text, names, key, {**CALLS, **INTERNAL} if internal else CALLS)
    value = reader.expression(reader.tree())
    if not isinstance(value, (sp.Expr, Array)):
        raise reader.refusal(0, "this is a condition and no number; write where(condition, u, v)")
    return value


def check_name(name: str, what: str, depth: str) -> None:
    """Whether a name may be declared. Raises ModelError naming it, what it is, and what to do."""
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
        raise ModelError(f"{what} cannot be named {name!r}; a name has letters, digits and underscores, and begins with a letter")
    if name.startswith("_"):
        raise ModelError(f"{what} cannot be named {name!r}: names that begin with an underscore are kept for derived ones; rename it")
    if name in RESERVED:
        raise ModelError(f"{what} cannot be named {name!r}, which is reserved (a keyword, a function of the language, or pi); rename it")
    if name == depth:
        raise ModelError(f"{what} cannot be named {name!r}, which is the depth's name; rename one of them")


class _Reader:
    """One text on its way to an expression."""

    def __init__(self, text: str, names: Mapping[str, Leaf], key: str, calls: Mapping[str, tuple[Builder, int, int]]):
        self.text, self.names, self.key, self.calls = text, names, key, calls

    # ------------------------------------------------------------ refusals

    def refusal(self, place: Any, message: str) -> LanguageError:
        """The error for a node, or a position, of the text."""
        position = place if isinstance(place, int) else max(0, getattr(place, "col_offset", 0) - 1)
        start = max(0, min(position - WINDOW // 2, len(self.text) - WINDOW))
        shown = re.sub(r"[^ -~]", " ", self.text[start : start + WINDOW])
        head = f"{self.key}: " if self.key else ""
        return LanguageError(f"{head}{message}\n    {shown}\n    {' ' * (position - start)}^")

    def tree(self) -> ast.expr:
        text = self.text
        if not isinstance(text, str):
            raise LanguageError(f"{self.key}: {text!r} is no text; write an expression as a string, or a number")
        if len(text) > MAX_LENGTH:
            raise self.refusal(0, f"the expression has {len(text)} characters, more than {MAX_LENGTH}; split it into several names")
        if not text.strip():
            raise self.refusal(0, "the expression is empty; write a number or an expression")
        odd = re.search(r"[^\n\t -~]", text)
        if odd:
            raise self.refusal(odd.start(), f"the character {odd.group()!r} is not of the language; use plain ASCII")
        return self._bounded(self._parsed(re.sub(r"\s", " ", text)))

    def _parsed(self, text: str) -> ast.expr:
        try:
            return ast.parse(f"({text})", mode="eval").body
        except SyntaxError as error:
            raise self.refusal(max(0, (error.offset or 1) - 2), f"this is no expression ({error.msg}); mend it here") from None
        except (RecursionError, MemoryError, ValueError):
            raise self.refusal(0, f"the expression is nested too deeply (more than {MAX_DEPTH} levels); split it") from None

    def _bounded(self, root: ast.expr) -> ast.expr:
        parts, level = 0, [root]
        for _ in range(MAX_DEPTH):
            parts += len(level)
            level = [child for node in level for child in _below(node)]
            if not level:
                break
        if level:
            raise self.refusal(0, f"the expression is nested too deeply (more than {MAX_DEPTH} levels); split it into several names")
        if parts > MAX_PARTS:
            raise self.refusal(0, f"the expression has more than {MAX_PARTS} parts; split it into several names")
        return root

    # ------------------------------------------------------------ values

    def expression(self, node: ast.AST) -> Any:
        """The value of a node: a number, a scalar, an array (or, under `where`, a condition)."""
        rule = RULES.get(type(node))
        if rule is None:
            raise self.refusal(node, f"{_describe(node)} is not of the language; use the operators and functions of model files")
        return self._finite(node, rule(self, node))

    def _finite(self, node: ast.AST, value: Any) -> Any:
        if value in (sp.zoo, sp.nan, sp.oo, -sp.oo) or (isinstance(value, sp.Expr) and value.has(sp.zoo, sp.nan, sp.oo, sp.I)):
            raise self.refusal(node, "this is not a finite real number (a division by zero?); change it")
        if isinstance(value, sp.Rational) and max(abs(value.p), value.q) >= 10**MAX_DIGITS:
            raise self.refusal(node, f"this number has more than {MAX_DIGITS} digits; use a smaller one")
        return value

    def build(self, node: ast.AST, builder: Builder, *arguments: Any) -> Any:
        """A builder's result; what it refuses is shown at its place."""
        try:
            return builder(*arguments)
        except LanguageError:
            raise
        except ModelError as error:
            raise self.refusal(node, str(error)) from None
        except (TypeError, ValueError, AttributeError, OverflowError):
            raise self.refusal(node, f"{_describe(node)} cannot be applied to these operands; check their kinds and shapes") from None

    def constant(self, node: ast.Constant) -> Any:
        segment = ast.get_source_segment(f"({self.text})", node) or ""
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)) or not DECIMAL.fullmatch(segment):
            raise self.refusal(node, f"{segment or node.value!r} is no decimal number; only numbers such as 2, 0.5 or 1e-3 are constants")
        if len(segment) > MAX_DIGITS or (isinstance(node.value, float) and not 1e-300 < abs(node.value) < 1e300 and node.value != 0):
            raise self.refusal(node, f"the number {segment[:20]} is too large or too small; stay between 1e-300 and 1e300")
        if node.value == 0 and re.search(r"[1-9]", segment.lower().split("e")[0]):
            raise self.refusal(node, f"the number {segment[:20]} is too small; stay above 1e-300")
        return sp.Rational(segment.replace("_", "")) if isinstance(node.value, float) else sp.Integer(node.value)

    def name(self, node: ast.Name) -> Any:
        if node.id == "pi":
            return sp.pi
        if node.id in self.names:
            return self.names[node.id]
        if node.id in self.calls:
            raise self.refusal(node, f"{node.id} is a function; write {node.id}(...)")
        raise self.refusal(node, f"{node.id!r} is not declared{_near(node.id, self.names)}; declare it under [parameters] or [inputs]")

    def binary(self, node: ast.BinOp) -> Any:
        first, chain = _chain(node)
        value = self.expression(first)
        for part in chain:
            value = self._finite(part, self._combined(part, value, self.expression(part.right)))
        return value

    def _combined(self, node: ast.BinOp, left: Any, right: Any) -> Any:
        if isinstance(node.op, ast.Pow):
            return self.build(node, self._power(node, right), left, right)
        if type(node.op) not in BINARY:
            raise self.refusal(node, f"{_describe(node.op)} is not of the language; use + - * / ** and @")
        if isinstance(node.op, ast.Div) and right == 0:
            raise self.refusal(node, "this divides by zero; change the denominator")
        return self.build(node, BINARY[type(node.op)], left, right)

    def _power(self, node: ast.BinOp, exponent: Any) -> Builder:
        if isinstance(exponent, sp.Rational) and max(abs(exponent.p), exponent.q) > MAX_POWER:
            raise self.refusal(node, f"the power {exponent if abs(exponent) < 1e9 else 'here'} is larger than {MAX_POWER}; use exp and log")
        return ex.power

    def unary(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return self.build(node, sp.Not, self.condition(node.operand))
        if not isinstance(node.op, (ast.USub, ast.UAdd)):
            raise self.refusal(node, f"{_describe(node.op)} is not of the language; use + and -")
        value = self.expression(node.operand)
        return self.build(node, ex.negative, value) if isinstance(node.op, ast.USub) else value

    def attribute(self, node: ast.Attribute) -> Any:
        if node.attr != "T":
            raise self.refusal(node, f"the attribute .{node.attr} is not of the language; only .T (the transpose) is")
        return self.build(node, ex.transpose, self.expression(node.value))

    def subscript(self, node: ast.Subscript) -> Any:
        value = self.expression(node.value)
        if not isinstance(value, Array):
            raise self.refusal(node, "a scalar has no entries; index arrays only")
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return self.build(node, ex.index, value, tuple(map(self._item, items)))

    def _item(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Slice):
            return slice(*(None if part is None else self._integer(part) for part in (node.lower, node.upper, node.step)))
        return self._integer(node)

    def _integer(self, node: ast.AST) -> int:
        value = self.expression(node)
        if not isinstance(value, sp.Integer):
            raise self.refusal(node, f"the index {ast.unparse(node)} is no whole number; index with integers and slices")
        if abs(value) > MAX_SIZE:
            raise self.refusal(node, f"the index {ast.unparse(node)[:20]} is larger than {MAX_SIZE}")
        return int(value)

    def call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name):
            raise self.refusal(node, "only the functions of the language can be called, by their names")
        name = node.func.id
        if name not in self.calls:
            raise self.refusal(node, f"there is no function {name!r}{_near(name, self.calls)}; the functions are {', '.join(sorted(CALLS))}")
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refusal(node, f"{name} takes plain arguments, no keywords and no stars")
        builder, least, most = self.calls[name]
        if not least <= len(node.args) <= most:
            wanted = f"{least}" if least == most else f"{least} or more"
            raise self.refusal(node, f"{name} takes {wanted} argument{'s' * (wanted != '1')}, got {len(node.args)}")
        first = [self.condition(node.args[0])] if name == "where" else []
        return self.build(node, builder, *first, *map(self.argument, node.args[len(first) :]))

    def argument(self, node: ast.expr) -> Any:
        """An argument of a call: an expression, or a key or shape of the internal vocabulary."""
        if isinstance(node, ast.Tuple) and self.calls is not CALLS:
            return sp.Tuple(*map(self.argument, node.elts))
        return self.expression(node)

    # ------------------------------------------------------------ conditions

    def condition(self, node: ast.AST) -> Any:
        """A condition: comparisons, joined by and, or, not."""
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.BoolOp):
            joined = [self._scalar_condition(part) for part in node.values]
            return sp.And(*joined) if isinstance(node.op, ast.And) else sp.Or(*joined)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return sp.Not(self._scalar_condition(node.operand))
        value = self.expression(node)
        if isinstance(value, nodes.Map) and value.name in ("lt", "le"):
            return value
        raise self.refusal(node, "where needs a condition first: a comparison with < <= > >=, joined by and, or, not")

    def _scalar_condition(self, node: ast.AST) -> Any:
        value = self.condition(node)
        if isinstance(value, Array):
            raise self.refusal(node, "conditions on arrays cannot be joined; write where inside where")
        return value

    def _comparison(self, node: ast.Compare) -> Any:
        values = [self.expression(part) for part in (node.left, *node.comparators)]
        pairs = zip(node.ops, values, values[1:], strict=False)
        found = [self._compared(node, operator, left, right) for operator, left, right in pairs]
        if len(found) > 1 and any(isinstance(one, Array) for one in found):
            raise self.refusal(node, "comparisons of arrays cannot be chained; write where inside where")
        return found[0] if len(found) == 1 else sp.And(*found)

    def _compared(self, node: ast.Compare, operator: ast.cmpop, left: Any, right: Any) -> Any:
        if type(operator) not in COMPARISONS:
            raise self.refusal(node, f"{_describe(operator)} is not of the language; compare with < <= > >=")
        scalar, array = COMPARISONS[type(operator)]
        return self.build(node, array if isinstance(left, Array) or isinstance(right, Array) else scalar, left, right)


def _misplaced(reader: _Reader, node: ast.AST) -> Any:
    raise reader.refusal(node, "a condition stands only as the first argument of where(condition, u, v)")


RULES: dict[type, Callable[[_Reader, Any], Any]] = {
    ast.Constant: _Reader.constant,
    ast.Name: _Reader.name,
    ast.BinOp: _Reader.binary,
    ast.UnaryOp: _Reader.unary,
    ast.Attribute: _Reader.attribute,
    ast.Subscript: _Reader.subscript,
    ast.Call: _Reader.call,
    ast.Compare: _misplaced,
    ast.BoolOp: _misplaced,
}


def _chain(node: ast.BinOp) -> tuple[ast.expr, list[ast.BinOp]]:
    """A chain a + b - c ..., nested to the left by the grammar, as its first operand and its operations in order."""
    chain: list[ast.BinOp] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp):
        chain.append(left)
        left = left.left
    return left, chain[::-1]


def _below(node: ast.AST) -> list[ast.AST]:
    """The parts one level down; a chain of operators is one level, however long."""
    if isinstance(node, ast.BinOp):
        first, chain = _chain(node)
        return [first, *(part.right for part in chain)]
    return list(ast.iter_child_nodes(node))


def _near(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), 1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _describe(node: ast.AST) -> str:
    """A node in the words of Python's grammar."""
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", type(node).__name__).lower()
    return f"a {words}"
