"""From the syntax tree to an expression: one rule for each kind of part, everything else refused with a word on what to do."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.language import conditions, keys, numbers, refusals
from odeanalysis.symbolic.language.grammar import CONDITION, KEY, MODELS, SIZE, VALUE, Function, Grammar
from odeanalysis.symbolic.language.literals import number
from odeanalysis.symbolic.language.reading import Reader, Way
from odeanalysis.symbolic.language.statement import Statement
from odeanalysis.symbolic.language.syntax import PRODUCTS, SUMS, chain, deep, tree
from odeanalysis.symbolic.nodes import Array, Leaf

BUILDERS: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", ex.add),
    ast.Sub: ("-", ex.subtract),
    ast.Mult: ("*", ex.mul),
    ast.Div: ("/", ex.divide),
    ast.Pow: ("**", ex.power),
    ast.MatMult: ("@", ex.matmul),
}
COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
EQUALITIES: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.NotEq: "!="}
HALF = sp.Rational(1, 2)


def parse(text: str, names: Mapping[str, Leaf], *, key: str = "", grammar: Grammar = MODELS) -> Any:
    """The expression that a text states, equal to the one that the same text builds in Python.

    text: an expression of the language.  names: what each name in it stands for: symbols and blocks (or expressions).
    key: where the text stands, for messages.  grammar: `MODELS`, or `FORMULAS` for the text that formulas print.
    Raises LanguageError with an excerpt and carets under the place: for anything outside the language, shapes that do not fit, numbers
    and texts out of bounds. Nothing is evaluated but arithmetic on numbers of bounded size.
    """
    if not isinstance(text, str):
        raise LanguageError(f"{key + ': ' if key else ''}an expression is a text, got {type(text).__name__}; write it as a string")
    statement = Statement(text.strip(), key)
    root = tree(statement, grammar)
    try:
        result = Reader(statement, names, grammar, WAYS).expression(root)
        refusals.check_vocabulary(statement, result)
    except RecursionError:
        raise deep(statement) from None
    return result


# ---------------------------------------------------------------- operators


def _value(reader: Reader, node: ast.expr) -> Any:
    rule = RULES.get(type(node))
    if rule is None:
        raise refusals.refused(reader.statement, node)
    return rule(reader, node)


def _binary(reader: Reader, node: ast.BinOp) -> Any:
    if isinstance(node.op, (*SUMS, *PRODUCTS)):
        return _chained(reader, node)
    return _operate(reader, node, reader.expression(node.left), reader.expression(node.right))


def _operate(reader: Reader, node: ast.BinOp, left: Any, right: Any) -> Any:
    """One operation on operands that are read."""
    if type(node.op) not in BUILDERS:
        raise refusals.operator(reader.statement, node)
    sign, build = BUILDERS[type(node.op)]
    with reader.placed(reader.between(sign, (node.left, left), (node.right, right))):
        if sign == "/":
            numbers.check_power(right, sp.S.NegativeOne, reader.grammar)
        if sign == "**":
            numbers.check_power(left, right, reader.grammar)
        return numbers.check_value(build(left, right), reader.grammar)


def _chained(reader: Reader, node: ast.BinOp) -> Any:
    """A chain of sums or products. Sums of scalars are built at once: SymPy orders their terms, and one by one would take very long."""
    links = chain(node)
    values = [reader.expression(part) for part in (links[0].left, *(link.right for link in links))]
    is_sum = isinstance(node.op, SUMS)
    if is_sum and (reader.grammar.internal or not any(isinstance(value, Array) for value in values)):
        return _sum(reader, node, values, links)
    if len(values) > reader.grammar.chain:
        what = "terms in a sum of arrays" if is_sum else "factors in a product"
        raise reader.statement.at(node, f"{len(values)} {what}, more than {reader.grammar.chain}; use arrays and sum, or brackets")
    result = values[0]
    for link, value in zip(links, values[1:], strict=True):
        result = _operate(reader, link, result, value)
    return result


def _sum(reader: Reader, node: ast.BinOp, values: list[Any], links: list[ast.BinOp]) -> Any:
    first, *rest = values
    signed = [ex.negative(value) if isinstance(link.op, ast.Sub) else value for link, value in zip(links, rest, strict=True)]
    with reader.placed(reader.at(node)):
        return numbers.check_value(ex.add(first, *signed), reader.grammar)


def _unary(reader: Reader, node: ast.UnaryOp) -> Any:
    if not isinstance(node.op, (ast.USub, ast.UAdd)):
        raise refusals.refused(reader.statement, node)
    value = reader.expression(node.operand)
    return ex.negative(value) if isinstance(node.op, ast.USub) else value


# ---------------------------------------------------------------- names, calls, parts


def _constant(reader: Reader, node: ast.Constant) -> Any:
    return number(reader.statement, node, reader.grammar)


def _name(reader: Reader, node: ast.Name) -> Any:
    if node.id in reader.names:
        return ex.as_expression(reader.names[node.id])
    if node.id == "pi":
        return sp.pi
    raise refusals.unknown_name(reader.statement, node, list(reader.names), reader.grammar)


def _call(reader: Reader, node: ast.Call) -> Any:
    name, function = _function(reader, node)
    arguments = [reader.read(kind, part) for kind, part in zip(function.kinds(len(node.args)), node.args, strict=True)]
    operands = [(part, one) for part, one in zip(node.args, arguments, strict=True) if isinstance(one, (sp.Basic, Array))]
    with reader.placed(reader.of(node, operands)):
        _check_arguments(name, arguments, reader.grammar)
        return numbers.check_value(function.build(*arguments), reader.grammar)


def _function(reader: Reader, node: ast.Call) -> tuple[str, Function]:
    """The function that is called, with arguments that it can take."""
    if not isinstance(node.func, ast.Name):
        raise reader.statement.at(node.func, "only the functions of the language can be called, by their names")
    name = node.func.id
    function = reader.grammar.functions.get(name)
    if function is None:
        raise refusals.unknown_function(reader.statement, node.func, list(reader.names), reader.grammar)
    for odd in (*node.keywords, *(part for part in node.args if isinstance(part, ast.Starred))):
        raise reader.statement.at(odd, f"{name} takes its arguments one by one, without names or stars; write {name}{function.form}")
    if not function.takes(len(node.args)):
        count = f"{len(node.args)} argument{'s' * (len(node.args) != 1)}"
        raise reader.statement.at(node, f"{name} cannot take {count}; write {name}{function.form}")
    return name, function


def _check_arguments(name: str, arguments: list[Any], grammar: Grammar) -> None:
    if name == "sqrt" and not isinstance(arguments[0], Array):
        numbers.check_power(arguments[0], HALF, grammar)
    if name in FUNCTIONS:
        numbers.check_call(name, tuple(arguments), grammar)


def _attribute(reader: Reader, node: ast.Attribute) -> Any:
    if node.attr != "T":
        problem = f"the attribute .{node.attr} is not of the language; only .T, the transpose, is"
        end = node.end_col_offset or 0
        raise reader.statement.error(problem, end - len(node.attr), end)
    return ex.transpose(reader.expression(node.value))


def _subscript(reader: Reader, node: ast.Subscript) -> Any:
    value = reader.expression(node.value)
    if not isinstance(value, Array):
        shown = repr(reader.statement.show(node.value))
        raise reader.statement.at(node, f"{shown} is a scalar and has no entries; leave the index out")
    with reader.placed(reader.of(node, [(node.value, value)])):
        return numbers.check_value(ex.part(value, keys.items(reader, node.slice, value.shape)), reader.grammar)


RULES: dict[type, Way] = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Call: _call,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
}

# ---------------------------------------------------------------- conditions


def _condition(reader: Reader, node: ast.expr) -> Any:
    if isinstance(node, ast.Compare):
        return _comparison(reader, node)
    if isinstance(node, ast.BoolOp):
        word = "and" if isinstance(node.op, ast.And) else "or"
        return conditions.join(word, [reader.condition(part) for part in node.values])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return conditions.join("not", [reader.condition(node.operand)])
    if reader.grammar.internal:
        return reader.expression(node)
    raise reader.statement.at(node, "where needs a condition here, such as s < 1; compare with < <= > >=, join with and, or, not")


def _comparison(reader: Reader, node: ast.Compare) -> Any:
    """`a < b`, and `a < b < c` as both of its halves."""
    places = [node.left, *node.comparators]
    values = [reader.expression(place) for place in places]
    known = {**COMPARISONS, **EQUALITIES} if reader.grammar.internal else COMPARISONS
    parts = []
    for i, operator in enumerate(node.ops):
        pair = places[i], places[i + 1]
        if type(operator) not in known:
            raise refusals.comparison(reader.statement, *pair, operator)
        parts.append(_compared(reader, pair, known[type(operator)], values[i], values[i + 1]))
    return conditions.join("and", parts)


def _compared(reader: Reader, places: tuple[ast.expr, ast.expr], sign: str, left: Any, right: Any) -> Any:
    with reader.placed(reader.between(sign, (places[0], left), (places[1], right))):
        numbers.check_relation(left, right, reader.grammar)
        if isinstance(left, sp.Rational) and not isinstance(right, Array) and not reader.grammar.internal:
            return conditions.compare(right, conditions.REFLECTED[sign], left)  # as in Python, where 1 > x asks x < 1
        return conditions.compare(left, sign, right)


WAYS: dict[str, Way] = {VALUE: _value, CONDITION: _condition, SIZE: keys.size, KEY: keys.place}
