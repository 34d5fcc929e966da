"""What the language does not have, and what to write instead."""

import ast
from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.logic.boolalg import Boolean

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.language.grammar import Grammar
from odeanalysis.symbolic.language.statement import Statement, nearest
from odeanalysis.symbolic.rewrite import walk

KINDS: dict[type, str] = {
    ast.Compare: "a condition is no value; it stands in where(condition, u, v)",
    ast.BoolOp: "a condition is no value; it stands in where(condition, u, v)",
    ast.UnaryOp: "a condition is no value; it stands in where(condition, u, v)",
    ast.IfExp: "a choice is written where(condition, u, v)",
    ast.Tuple: "values beside each other are joined by concat(u, v)",
    ast.List: "vectors are built by concat(u, v)",
    ast.Lambda: "functions cannot be defined here",
    ast.NamedExpr: "names cannot be assigned here",
    ast.Starred: "stars do not stand before values",
    ast.Slice: "slices stand in the index of an array",
}
OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.FloorDiv: ("//", "write / for division"),
    ast.Mod: ("%", "there is no remainder"),
    ast.LShift: ("<<", "compare with <"),
    ast.RShift: (">>", "compare with >"),
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
OTHER_FUNCTIONS = {
    "ln": "log",
    "max": "maximum",
    "min": "minimum",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "sgn": "sign",
    "tr": "trace",
    "norm": "sqrt(sumsq(u))",
    "pow": "u**v",
    "transpose": "u.T",
    "T": "u.T",
    "matmul": "u @ v",
    "mean": "sum(u)/n",
    "log2": "log(u)/log(2)",
    "log10": "log(u)/log(10)",
    "swish": "silu",
    "expit": "sigmoid",
    "logistic": "sigmoid",
    "vstack": "concat",
    "concatenate": "concat",
    "array": "concat",
    "identity": "eye",
    "piecewise": "where(condition, u, v)",
    "heaviside": "where(u > 0, 1, 0)",
}
KNOWN = frozenset(
    {sp.Add, sp.Mul, sp.Pow, sp.StrictLessThan, sp.LessThan, sp.StrictGreaterThan, sp.GreaterThan, sp.Equality, sp.Unequality}
    | {sp.And, sp.Or, sp.Not, scalars.where, Str, sp.Tuple, *SCALAR_CLASSES}
)


def refused(statement: Statement, node: ast.expr) -> LanguageError:
    """The error for a part that is no value of the language."""
    advice = KINDS.get(type(node), "use the names, operators and functions of the language")
    return statement.at(node, f"{statement.show(node)!r} is not of the language: {advice}")


def operator(statement: Statement, node: ast.BinOp) -> LanguageError:
    sign, advice = OPERATORS[type(node.op)]
    return statement.between(node.left, node.right, sign, f"the operator {sign} is not of the language; {advice}")


def comparison(statement: Statement, left: ast.expr, right: ast.expr, kind: ast.cmpop) -> LanguageError:
    sign = COMPARISONS[type(kind)]
    return statement.between(left, right, sign.split()[0], f"the comparison {sign} is not of the language; use < <= > >=")


def unknown_name(statement: Statement, node: ast.Name, known: list[str], grammar: Grammar) -> LanguageError:
    """The error for a name that nothing is declared for."""
    if node.id in grammar.functions:
        return statement.at(node, f"{node.id!r} is a function; write {node.id}{grammar.functions[node.id].form}")
    question = nearest(node.id, [*known, "pi"])
    return statement.at(node, f"unknown name {node.id!r}; {question}declare it under [parameters] or [inputs]")


def unknown_function(statement: Statement, node: ast.Name, known: list[str], grammar: Grammar) -> LanguageError:
    """The error for a call of something that is no function of the language."""
    if node.id in known:
        return statement.at(node, f"{node.id!r} is a name and no function; write {node.id}*(...) for a product")
    instead = OTHER_FUNCTIONS.get(node.id.lower())
    advice = f"write {instead}" if instead else nearest(node.id, sorted(grammar.functions)).rstrip()
    return statement.at(node, f"unknown function {node.id!r}; {advice or 'use ' + ', '.join(sorted(grammar.functions))}")


def check_vocabulary(statement: Statement, result: Any) -> None:
    """Refuses what SymPy's own simplifications bring in from outside the vocabulary (tan(u + pi/2) becomes -cot(u))."""
    for node in walk([result]):
        atom = isinstance(node, (sp.Symbol, sp.Rational, sp.NumberSymbol, nodes.Array, nodes.ArrayScalar)) or node in (sp.true, sp.false)
        if not atom and type(node) not in KNOWN:
            what = "is not finite or not real" if node in (sp.I, sp.zoo, sp.nan, sp.oo, -sp.oo) else "is not of the language"
            raise statement.error(f"SymPy simplifies this to an expression with {node}, which {what}; write it in another form")
    if isinstance(result, Boolean) and not isinstance(result, sp.Symbol):
        raise statement.error("the expression is a condition and no value; write where(condition, u, v)")
