"""One entry of a value that is made entry by entry, as text: a rule for each node."""

from typing import Any

import sympy as sp
from sympy.logic import boolalg

from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.targets import text as tx
from odeanalysis.targets.arrays import MOST_PRODUCTS, RELATIONS
from odeanalysis.targets.loops.writer import EntryRule, Index, Writer, keyed
from odeanalysis.targets.text import Text, infix

COMPARISONS = {"lt": "<", "le": "<="}


# ---------------------------------------------------------------- arithmetic


def _sum(w: Writer, node: Any, index: Index) -> Text:
    return tx.total([w.operand(term, index) for term in node.args])


def _product(w: Writer, node: Any, index: Index) -> Text:
    """The constant first, then the factors; powers with a negative number divide."""
    constant, factors = _constant_first(node)
    above = [w.operand(factor, index) for factor in factors if not _divides(w, factor)]
    below = [_raised(w, w.operand(factor.args[0], index), -factor.args[1]) for factor in factors if _divides(w, factor)]
    if constant == -1:
        return Text(f"-{tx.product(sp.S.One, above or [w.constant(sp.S.One)], below).at(tx.PRODUCT)}", tx.PRODUCT)
    head = [] if constant == 1 and above else [w.constant(constant)]
    return tx.product(sp.S.One, [*head, *above], below)


def _constant_first(node: Any) -> tuple[Any, list[Any]]:
    constants = [factor for factor in node.args if tx.is_constant(factor)]
    return sp.Mul(*constants), [factor for factor in node.args if factor not in constants]


def _divides(w: Writer, factor: Any) -> bool:
    if not isinstance(factor, (sp.Pow, nodes.Power)) or factor in w.known:
        return False
    return isinstance(factor.args[1], sp.Rational) and bool(factor.args[1] < 0)


def _power(w: Writer, node: Any, index: Index) -> Text:
    base, exponent = node.args
    below = w.operand(base, index)
    if isinstance(exponent, sp.Rational):
        return _raised(w, below, exponent)
    return infix("**", tx.POWER, Text(below.at(tx.ATOM)), Text(w.operand(exponent, index).at(tx.ATOM)))


def _raised(w: Writer, base: Text, exponent: Any) -> Text:
    """Small powers as products, halves by square roots: both far faster than a general power."""
    if exponent < 0:
        return tx.product(sp.S.One, [w.constant(sp.S.One)], [_raised(w, base, -exponent)])
    if exponent == 1:
        return base
    if exponent == sp.S.Half:
        return w.calling("sqrt", base)
    if exponent.q == 1 and exponent <= MOST_PRODUCTS:
        return w.calling(f"power{exponent}", base)
    return Text(f"{base.at(tx.ATOM)}**{w.constant(exponent).text}", tx.POWER)


# ---------------------------------------------------------------- functions and conditions


def _scalar_function(w: Writer, node: Any, index: Index) -> Text:
    return w.calling(SCALAR_CLASSES[type(node)], *(w.entry(one, ()) for one in node.args))


def _map(w: Writer, node: Any, index: Index) -> Text:
    arguments = [w.operand(one, index) for one in node.args[1:]]
    if node.name == "where":
        return _choice(*arguments)
    if node.name in COMPARISONS:
        return infix(f" {COMPARISONS[node.name]} ", tx.COMPARE, *(Text(one.at(tx.OR)) for one in arguments))
    return w.calling(node.name, *arguments)


def _where(w: Writer, node: Any, index: Index) -> Text:
    return _choice(*(w.entry(one, ()) for one in node.args))


def _choice(condition: Text, chosen: Text, other: Text) -> Text:
    return Text(f"({chosen.text} if {condition.text} else {other.text})")


def _relation(w: Writer, node: Any, index: Index) -> Text:
    return infix(f" {RELATIONS[type(node)]} ", tx.COMPARE, *(Text(w.entry(one, ()).at(tx.OR)) for one in node.args))


def _joined(word: str) -> EntryRule:
    return lambda w, node, index: Text(f"({f' {word} '.join(w.entry(one, ()).at(tx.ATOM) for one in node.args)})")


def _not(w: Writer, node: Any, index: Index) -> Text:
    return Text(f"(not {w.entry(node.args[0], ()).at(tx.ATOM)})")


# ---------------------------------------------------------------- parts and views


def _full(w: Writer, node: Any, index: Index) -> Text:
    return w.entry(node.args[0], ())


def _eye(w: Writer, node: Any, index: Index) -> Text:
    return _where_equal(w, index, w.constant(sp.S.One))


def _diag(w: Writer, node: Any, index: Index) -> Text:
    return _where_equal(w, index, w.entry(node.args[0], index[:1]))


def _where_equal(w: Writer, index: Index, value: Text) -> Text:
    return _choice(Text(f"{index[0]} == {index[1]}"), value, w.constant(sp.S.Zero))


def _permute(w: Writer, node: Any, index: Index) -> Text:
    source = [""] * len(index)
    for place, axis in zip(index, node.args[1], strict=True):
        source[int(axis)] = place
    return w.entry(node.args[0], tuple(source))


def _outer(w: Writer, node: Any, index: Index) -> Text:
    parts = (w.entry(one, (place,)) for one, place in zip(node.args, index, strict=True))
    return tx.product(sp.S.One, list(parts))


RULES: dict[type, EntryRule] = {
    **dict.fromkeys((sp.Add, nodes.Plus), _sum),
    **dict.fromkeys((sp.Mul, nodes.Times), _product),
    **dict.fromkeys((sp.Pow, nodes.Power), _power),
    **dict.fromkeys(SCALAR_CLASSES, _scalar_function),
    scalars.where: _where,
    nodes.Map: _map,
    **dict.fromkeys(RELATIONS, _relation),
    sp.And: _joined("and"),
    sp.Or: _joined("or"),
    sp.Not: _not,
    boolalg.BooleanTrue: lambda w, node, index: Text("True"),
    boolalg.BooleanFalse: lambda w, node, index: Text("False"),
    nodes.Full: _full,
    nodes.Eye: _eye,
    nodes.Diag: _diag,
    nodes.Diagonal: lambda w, node, index: w.entry(node.args[0], index * 2),
    nodes.Permute: _permute,
    nodes.Outer: _outer,
    nodes.Element: lambda w, node, index: w.entry(node.args[0], tuple(map(str, node.args[1:]))),
    nodes.Slice: lambda w, node, index: w.entry(node.args[0], keyed(node.args[1], index)),
}
