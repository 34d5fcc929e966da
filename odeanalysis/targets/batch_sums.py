"""Sums over the batch that build no array for each sample: outer products become one product of matrices.

A sum over the batch distributes over terms, over places in zeros and over scalar factors. Terms may differ in the batch axes
that they carry; where there are several, each is told the axes that all have together.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import where
from odeanalysis.symbolic.nodes import Array, Full, Outer, Place, Plus, Times, shape_of
from odeanalysis.symbolic.shapes import Shape
from odeanalysis.targets.networks import is_pulled, place_of
from odeanalysis.targets.printer import Printer
from odeanalysis.targets.products import Names, is_switch
from odeanalysis.targets.text import Text, call, is_constant, product, total

Keys = tuple[tuple[Any, Shape], ...]
Cuts = tuple[tuple[Any, bool], ...]


class Term(NamedTuple):
    """A scalar factor times an expression, at a chain of keys in zeros, where scalar conditions hold, or do not; else 0."""

    body: Any
    factor: Any = sp.S.One
    keys: Keys = ()
    cuts: Cuts = ()

    def cut(self, expression: Any) -> Any:
        """An expression where the conditions hold, else 0."""
        for condition, holds in self.cuts:
            nothing = ex.zeros(*shape_of(expression))
            expression = where(condition, expression, nothing) if holds else where(condition, nothing, expression)
        return expression


class Sum(NamedTuple):
    """A term's sum over the batch: `head * function(*operands, *tail)`, filled into a shape where there is one.

    seen: what the function reads besides, whose batch axes count as well.
    """

    keys: Keys
    head: Any
    function: str
    operands: tuple[tuple[Text, int], ...]
    tail: tuple[str, ...] = ()
    filled: Shape = ()
    seen: tuple[tuple[Text, int], ...] = ()


def sums_of(p: Printer, terms: list[Term]) -> list[Sum]:
    """The sums over the batch of terms, one by one."""
    return [sum_of(p, term) for term in terms]


def batch_sum(p: Printer, node: Any, gather: Callable[[Printer, list[Term]], list[Sum]] = sums_of) -> Text:
    """The text of `BatchSum(x)` or `BatchTotal(x)`, whose terms `gather` sums."""
    sums = gather(p, list(terms_of(p, Term(node.args[0]))))
    if len(sums) == 1:
        return _placed(p, [(sums[0].keys, _called(p, sums[0], ()))])
    sums = [one._replace(operands=tuple((p.bind(text), rank) for text, rank in one.operands)) for one in sums]
    pairs = dict.fromkeys((text.text, rank) for one in sums for text, rank in (*one.operands, *one.seen))
    batch = p.bind(call("common_batch", *(f"({name}, {rank})" for name, rank in pairs)))
    return _placed(p, [(one.keys, _called(p, one, (p.dialect.words["batch"].format(batch.text),))) for one in sums])


def terms_of(p: Names, term: Term) -> Iterator[Term]:
    """The terms of a term; named intermediates are opened where that saves building them."""
    body = term.body
    if not is_special(p, body):
        yield term
    elif body in p.definitions:
        yield from terms_of(p, term._replace(body=p.definitions[body]))
    elif isinstance(body, Plus):
        special = [one for one in body.args if is_special(p, one) and shape_of(one) == body.shape]
        rest = [one for one in body.args if one not in special]
        for one in special:
            yield from terms_of(p, term._replace(body=one))
        if rest:
            yield term._replace(body=ex.add(*rest, ex.zeros(*body.shape)))
    elif isinstance(body, Times):
        yield from terms_of(p, term._replace(body=ex.mul(*body.args[1:]), factor=term.factor * body.args[0]))
    elif isinstance(body, Place):
        yield from terms_of(p, term._replace(body=body.args[0], keys=(*term.keys, (body.args[1], body.shape))))
    elif is_switch(body):
        for branch, holds in zip(body.args[2:], (True, False), strict=True):
            if not ex.is_zero(branch):
                yield from terms_of(p, term._replace(body=branch, cuts=(*term.cuts, (body.args[1], holds))))
    else:
        yield term


def is_special(p: Names, node: Any) -> bool:
    """Whether the sum of an expression over the batch can do without the expression itself."""
    if node in p.definitions:
        return is_special(p, p.definitions[node])
    if isinstance(node, Plus):
        return any(is_special(p, term) and shape_of(term) == node.shape for term in node.args)
    if is_switch(node):
        branches = [branch for branch in node.args[2:] if not ex.is_zero(branch)]
        return all(is_special(p, branch) and shape_of(branch) == node.shape for branch in branches)
    if isinstance(node, Times) and not isinstance(node.args[0], Array):
        matrix = len(node.shape) > 1 and not is_constant(node.args[0])
        return matrix or (len(node.args) == 2 and is_special(p, node.args[1]))
    return isinstance(node, (Outer, Place)) or is_pulled(node) or (isinstance(node, Full) and not is_constant(node.args[0]))


def sum_of(p: Printer, term: Term) -> Sum:
    keys, (head, factor), body = term.keys, term.factor.as_coeff_Mul(), term.body
    rank = len(shape_of(body))
    if isinstance(body, Outer):
        left, right = body.args
        return Sum(keys, head, "outer_sum", ((p(term.cut(ex.mul(factor, left))), 1), (p(term.cut(right)), 1)))
    if is_pulled(body):
        *_, cotangent = body.args
        seen = tuple((p.bind(p.value(one)), len(shape_of(one))) for one in body.args[3:-1])
        weighted = p.value(term.cut(ex.mul(factor, cotangent)))
        return Sum(keys, head, f"{place_of(p, body)}.summed", ((weighted, len(shape_of(cotangent))),), (str(body.path[-1][1]),), seen=seen)
    if isinstance(body, Full):
        return Sum(keys, head, "batch_sum", ((p.value(term.cut(factor * body.args[0])), 0),), ("0",), body.shape)
    if factor == 1 or rank == 0:
        return Sum(keys, head, "batch_sum", ((p.value(term.cut(ex.mul(factor, body))), rank),), (str(rank),))
    return Sum(keys, head, "weighted_sum", ((p.value(term.cut(factor)), 0), (p(term.cut(body)), rank)), (str(rank),))


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
