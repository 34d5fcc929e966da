"""From text to Python's syntax tree, with everything refused that could be large, deep or strange before it is looked at."""

import ast
import re
import warnings
from collections.abc import Iterator

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic.language.grammar import Grammar
from odeanalysis.symbolic.language.statement import Statement

ODD = re.compile(r"[^A-Za-z0-9_+\-*/@.,()\[\]:<>=! ]")
ADVICE = {
    "^": "powers are written **",
    "%": "there is no remainder",
    "'": "names stand without quotes, as in theta*z",
    '"': "names stand without quotes, as in theta*z",
    "#": "comments stand in the model file, outside the expression",
    "&": "conditions are joined by 'and'",
    "|": "conditions are joined by 'or'; absolute values are abs(u)",
    "~": "conditions are negated by 'not'",
    ";": "one expression stands alone",
    "\n": "write the expression in one line, or in TOML end each line but the last with a backslash",
    "\r": "write the expression in one line, or in TOML end each line but the last with a backslash",
    "\t": "use spaces",
}
ELSE = "use letters, digits and operators of ASCII"
SUMS = (ast.Add, ast.Sub)
PRODUCTS = (ast.Mult, ast.Div)


def tree(statement: Statement, grammar: Grammar) -> ast.expr:
    """The syntax tree of a text within the bounds of a grammar."""
    text = statement.text
    if not text:
        raise statement.error("the expression is empty; write a number or an expression")
    if len(text) > grammar.characters:
        raise statement.error(f"the expression has {len(text)} characters, more than {grammar.characters}; split it, or use arrays")
    odd = ODD.search(text)
    if odd:
        raise statement.error(f"{odd[0]!r} is not of the language; {ADVICE.get(odd[0], ELSE)}", odd.start())
    root = _parsed(statement)
    _bounded(statement, root, grammar)
    return root


def _parsed(statement: Statement) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(statement.text, mode="eval").body
    except SyntaxError as error:
        raise _malformed(statement, error) from None
    except (RecursionError, MemoryError, ValueError):
        raise deep(statement) from None


def _malformed(statement: Statement, error: SyntaxError) -> LanguageError:
    place = min(max((error.offset or 1) - 1, 0), len(statement.text))
    reason = (error.msg or "invalid syntax").split("; Maybe")[0].split(". Perhaps")[0]
    return statement.error(f"this is no expression: {reason}; check the operators and brackets here", place)


def deep(statement: Statement) -> LanguageError:
    """The error for an expression that nests too far."""
    return statement.error("the expression is nested too deeply, or is too long a chain; split it, or use arrays")


def _bounded(statement: Statement, root: ast.expr, grammar: Grammar) -> None:
    """Counts parts and nesting without recursion."""
    stack: list[tuple[ast.AST, int]] = [(root, 1)]
    count = 0
    while stack:
        node, depth = stack.pop()
        count += 1
        if depth > grammar.depth:
            raise deep(statement)
        if count > grammar.nodes:
            raise statement.error(f"the expression has more than {grammar.nodes} parts; split it, or use arrays")
        stack.extend((child, depth + nests) for child, nests in _children(node))


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """The parts of a node, and whether each counts as one level deeper; the links of a chain do not."""
    linked = node.left if isinstance(node, ast.BinOp) and _linked(node) else None
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.expr, ast.keyword, ast.comprehension, ast.arguments)):
            yield child, child is not linked


def _linked(node: ast.BinOp) -> ast.BinOp | None:
    """The left operand of an operation, where the operation goes on with its chain."""
    left = node.left
    same = isinstance(left, ast.BinOp) and any(isinstance(node.op, kind) and isinstance(left.op, kind) for kind in (SUMS, PRODUCTS))
    return left if isinstance(left, ast.BinOp) and same else None


def chain(node: ast.BinOp) -> list[ast.BinOp]:
    """The links of a chain `a + b - c` or `a * b / c`, the first operation first."""
    links = [node]
    while (link := _linked(links[-1])) is not None:
        links.append(link)
    return links[::-1]
