"""Values that stand in memory: products, sums, and arrays that are put together, each by its own loop or call."""

from typing import Any

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.nodes import Diag, Outer, Permute, shape_of
from odeanalysis.targets import text as tx
from odeanalysis.targets.batch_sums import Term, terms_of
from odeanalysis.targets.loops.writer import COUNT, Domain, Index, Whole, WholeRule, Writer, keyed, moved
from odeanalysis.targets.products import is_mixed, mixed
from odeanalysis.targets.text import Text

# ---------------------------------------------------------------- products


def _matmul(w: Writer, node: Any) -> Whole:
    left, right = map(w.opened, node.args)
    if isinstance(left, Diag) or isinstance(right, Diag):
        return w.whole(_scaled(left, right))
    ranks = left.ndim, right.ndim
    if ranks == (1, 1):
        return w.whole(ex.total(ex.mul(left, right)))
    if ranks == (2, 1):
        return _with_vector(w, node, left, right, rows=True)
    if ranks == (1, 2):
        return _with_vector(w, node, right, left, rows=False)
    return _entry_by_entry(w, node, left, right)


def _scaled(left: Any, right: Any) -> Any:
    """A product with a diagonal matrix: rows or columns scaled."""
    if isinstance(left, Diag) and isinstance(right, Diag):
        return ex.diag(ex.mul(left.args[0], right.args[0]))
    if isinstance(left, Diag):
        return ex.mul(left.args[0] if right.ndim == 1 else ex.outer(left.args[0], ex.ones(right.shape[-1])), right)
    return ex.mul(left, right.args[0])


def _with_vector(w: Writer, node: Any, matrix: Any, vector: Any, rows: bool) -> Whole:
    """Matrix times vector, or (not rows) vector times matrix; all samples at once where they share the matrix."""
    if isinstance(matrix, Permute):
        matrix, rows = matrix.args[0], not rows
    if w.batched(matrix):
        if is_mixed(w, matrix):
            w.whole(vector)
            return w.whole(mixed(w, matrix, lambda one: ex.matmul(one, vector) if rows else ex.matmul(vector, one)))
        return _entry_by_entry(w, node, *map(w.opened, node.args))
    m, v = w.whole(matrix), w.whole(vector)
    transposed = f"{m.name}.T" if rows else m.name
    if v.batched:
        return w.line(w.calling("rows_times", Text(v.name), Text(transposed)).text, True)
    return w.line(f"np.dot({m.name if rows else f'{m.name}.T'}, {v.name})", False)


def _entry_by_entry(w: Writer, node: Any, left: Any, right: Any) -> Whole:
    """Any product by loops: the last axis of the loop is the one that is summed over."""
    shape = w.sizes(node.shape)
    domain = Domain(w.batched(left) or w.batched(right), (*shape, *w.sizes(left.shape[-1:])))
    for part in (left, right):
        w.prepare(part, domain)
    into = w.array(domain.batched, shape, "zeros")
    *outer, inner = domain.index
    column = (outer.pop(),) if right.ndim > 1 else ()
    row = (outer.pop(),) if left.ndim > 1 else ()
    lead = tuple(outer)
    parts = [w.operand(left, (*lead, *row, inner)), w.operand(right, (*lead, inner, *column))]
    w.assign(domain, into.at(domain.index[:-1]).text, "+=", tx.product(sp.S.One, parts).text)
    return into


def _solve(w: Writer, node: Any) -> Whole:
    matrix, right = (w.whole(part) for part in node.args)
    if not (matrix.batched or right.batched):
        return w.line(w.calling("solution", Text(matrix.name), Text(right.name)).text, False)
    into = w.array(True, shape_of(node), "empty")
    w.assign(Domain(True, ()), into.at((":",)).text, "=", w.calling("solution", matrix.at((":", ":")), right.at((":",))).text)
    return into


# ---------------------------------------------------------------- sums


def _total(w: Writer, node: Any) -> Whole:
    """The sum of all entries."""
    inner = node.args[0]
    w.prepare(inner, w.domain(inner))
    into = w.array(w.batched(inner), (), "zeros")
    return w.looped(inner, (), "+=", into, ())


def _sum_to(w: Writer, node: Any) -> Whole:
    """The sum over the axes along which a shape was broadcast."""
    inner, shape = node.args[0], node.shape
    w.prepare(inner, w.domain(inner))
    into = w.array(w.batched(inner), shape, "zeros")
    index = w.domain(inner).index[inner.ndim - len(shape) :]
    return w.looped(inner, shape, "+=", into, tuple("0" if size == 1 else one for size, one in zip(shape, index, strict=True)))


def _batch_sum(w: Writer, node: Any) -> Whole:
    """The sum over the samples, term by term; outer products of two values of samples are one product of matrices."""
    inner = node.args[0]
    if not w.batched(inner):
        return w.whole(inner)
    into = w.array(False, shape_of(inner), "zeros")
    for term in terms_of(w, Term(inner)):
        _add_sum(w, into, term)
    return into


def _add_sum(w: Writer, into: Whole, term: Term) -> None:
    if isinstance(term.body, Outer) and all(map(w.batched, term.body.args)):
        summand = _outer_sum(w, term)
    else:
        summand = term.cut(ex.mul(term.factor, term.body))
        summand = summand if w.batched(summand) else ex.mul(COUNT, summand)
    domain = w.domain(summand)
    w.prepare(summand, domain)
    w.looped(summand, (), "+=", into, _through(term, domain.index))


def _outer_sum(w: Writer, term: Term) -> Any:
    """A sum of outer products as an expression of one product of matrices, which is computed once for all its factors."""
    left, right = term.body.args
    if w.batched(term.cut(term.factor)):
        left, right = term.cut(ex.mul(term.factor, left)), term.cut(right)
        return _product_of_samples(w, left, right)
    return term.cut(ex.mul(term.factor, _product_of_samples(w, left, right)))


def _product_of_samples(w: Writer, left: Any, right: Any) -> Any:
    product = nodes.BatchSum(Outer(left, right))
    if product not in w.known:
        w.known[product] = w.line(w.calling("outer_sum", Text(w.whole(left).name), Text(w.whole(right).name)).text, False)
    return product


def _through(term: Term, index: Index) -> Index:
    """The index into the sum of an index into a term that stands at a chain of keys, the outermost first."""
    for key, _ in reversed(term.keys):
        index = keyed(key, index)
    return index


# ---------------------------------------------------------------- arrays that are put together


def _concat(w: Writer, node: Any) -> Whole:
    into, start = w.array(w.batched(node), node.shape, "empty"), 0
    for part in node.args:
        size = w.sizes(shape_of(part) or (1,))[0]
        domain = Domain(into.batched, w.sizes(shape_of(part)))
        index = (moved(start, 1, domain.index[0]),) if shape_of(part) else (str(start),)
        w.prepare(part, domain)
        w.assign(domain, into.at(index).text, "=", w.entry(part, domain.index).text)
        start += size
    return into


def _place(w: Writer, node: Any) -> Whole:
    """Zeros with a value at a key."""
    value, key = node.args[:2]
    domain = Domain(w.batched(value), w.sizes(shape_of(value)))
    w.prepare(value, domain)
    into = w.array(domain.batched, node.shape, "zeros")
    w.assign(domain, into.at(keyed(key, domain.index)).text, "+=", w.entry(value, domain.index).text)
    return into


RULES: dict[type, WholeRule] = {
    nodes.MatMul: _matmul,
    nodes.Solve: _solve,
    nodes.Total: _total,
    nodes.SumTo: _sum_to,
    nodes.BatchSum: _batch_sum,
    nodes.BatchTotal: _batch_sum,
    nodes.Concat: _concat,
    nodes.Place: _place,
}
"""Nodes that always stand in memory."""
