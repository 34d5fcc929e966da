"""Sums over the batch that build no array for each sample: outer products become one product of matrices.

A sum over the batch distributes over terms, over places in zeros and over scalar factors. Terms may differ in the batch axes
that they carry; where there are several, each is told the axes that all have together.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Array, Full, Outer, Place, Plus, Times, shape_of
from odeanalysis.symbolic.shapes import Shape
from odeanalysis.targets.printer import Printer
from odeanalysis.targets.text import Text, call, is_constant, product, total

Keys = tuple[tuple[Any, Shape], ...]
ONE = sp.Integer(1)


class Term(NamedTuple):
    """A scalar factor times an expression, standing at a chain of keys in zeros, outermost first."""

    keys: Keys
    factor: Any
    body: Any


class Sum(NamedTuple):
    """A term's sum over the batch: `head * function(*operands, *tail)`, filled into a shape where there is one."""

    keys: Keys
    head: Any
    function: str
    operands: tuple[tuple[Text, int], ...]
    tail: tuple[str, ...] = ()
    filled: Shape = ()


def batch_sum(p: Printer, node: Any) -> Text:
    """The text of `BatchSum(x)` or `BatchTotal(x)`."""
    sums = [_sum(p, term) for term in terms_of(p, node.args[0], (), ONE)]
    if len(sums) == 1:
        return _placed(p, [(sums[0].keys, _called(p, sums[0], ()))])
    sums = [one._replace(operands=tuple((p.bind(text), rank) for text, rank in one.operands)) for one in sums]
    pairs = dict.fromkeys((text.text, rank) for one in sums for text, rank in one.operands)
    batch = p.bind(call("common_batch", *(f"({name}, {rank})" for name, rank in pairs)))
    return _placed(p, [(one.keys, _called(p, one, (batch.text,))) for one in sums])


def terms_of(p: Printer, node: Any, keys: Keys, factor: Any) -> Iterator[Term]:
    """The terms of an expression; named intermediates are opened where that saves building them."""
    if not is_special(p, node):
        yield Term(keys, factor, node)
    elif node in p.definitions:
        yield from terms_of(p, p.definitions[node], keys, factor)
    elif isinstance(node, Plus):
        special = [term for term in node.args if is_special(p, term) and shape_of(term) == node.shape]
        rest = [term for term in node.args if term not in special]
        for term in special:
            yield from terms_of(p, term, keys, factor)
        if rest:
            yield Term(keys, factor, ex.add(*rest, ex.zeros(*node.shape)))
    elif isinstance(node, Times):
        yield from terms_of(p, ex.mul(*node.args[1:]), keys, factor * node.args[0])
    elif isinstance(node, Place):
        yield from terms_of(p, node.args[0], (*keys, (node.args[1], node.shape)), factor)
    else:
        yield Term(keys, factor, node)


def is_special(p: Printer, node: Any) -> bool:
    """Whether the sum of an expression over the batch can do without the expression itself."""
    if node in p.definitions:
        return is_special(p, p.definitions[node])
    if isinstance(node, Plus):
        return any(is_special(p, term) and shape_of(term) == node.shape for term in node.args)
    if isinstance(node, Times) and not isinstance(node.args[0], Array):
        matrix = len(node.shape) > 1 and not is_constant(node.args[0])
        return matrix or (len(node.args) == 2 and is_special(p, node.args[1]))
    return isinstance(node, (Outer, Place)) or (isinstance(node, Full) and not is_constant(node.args[0]))


def _sum(p: Printer, term: Term) -> Sum:
    keys, (head, factor), body = term.keys, term.factor.as_coeff_Mul(), term.body
    if isinstance(body, Outer):
        left, right = body.args
        return Sum(keys, head, "outer_sum", ((p(ex.mul(factor, left)), 1), (p(right), 1)))
    if isinstance(body, Full):
        return Sum(keys, head, "batch_sum", ((p.value(factor * body.args[0]), 0),), ("0",), body.shape)
    rank = len(shape_of(body))
    if rank == 0:
        return Sum(keys, head, "batch_sum", ((p.value(factor * body), 0),), ("0",))
    if factor == 1:
        return Sum(keys, head, "batch_sum", ((p(body), rank),), (str(rank),))
    return Sum(keys, head, "weighted_sum", ((p.value(factor), 0), (p(body), rank)), (str(rank),))


def _called(p: Printer, one: Sum, batch: tuple[str, ...]) -> Text:
    text = call(one.function, *(text for text, _ in one.operands), *one.tail, *batch)
    return product(one.head, [call("fill", text, p.shape(one.filled)) if one.filled else text])


def _placed(p: Printer, sums: list[tuple[Keys, Text]]) -> Text:
    """The sum of texts that stand at chains of keys: those at one outermost key are placed together."""
    terms = [text for keys, text in sums if not keys]
    inside: dict[Shape, dict[Any, list[tuple[Keys, Text]]]] = {}
    for keys, text in sums:
        if keys:
            key, shape = keys[0]
            inside.setdefault(shape, {}).setdefault(key, []).append((keys[1:], text))
    for shape, parts in inside.items():
        terms.append(p.placed(shape, [(key, _placed(p, group)) for key, group in parts.items()]))
    return total(terms)
