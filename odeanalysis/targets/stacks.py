"""Stacks of matrices that scalars mix, W(s) = sum_j psi_j(s) W[j]: one product for the whole stack instead of one for each matrix.

Where the scalars are shared by all samples the helpers mix the matrices, where they differ from sample to sample the products:
only the ranks at run time tell.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.nodes import Diag, MatMul, Outer, Permute, Slice, Times, Total, shape_of
from odeanalysis.symbolic.shapes import Shape
from odeanalysis.targets import arrays, products
from odeanalysis.targets.batch_sums import Sum, Term, batch_sum, sum_of
from odeanalysis.targets.printer import Printer, Rule, is_range
from odeanalysis.targets.text import Text, call, index
from odeanalysis.targets.text import total as plus


class Stack(NamedTuple):
    """A mixture of all matrices of a stack: the array [number, rows, columns], and the scalar of each matrix."""

    array: Any
    weights: tuple[Any, ...]


def stack_of(p: Printer, matrix: Any) -> Stack | None:
    """The stack that a matrix mixes; None where it is no sum of scalars times the matrices of one stack, each once."""
    mixture = p.definitions.get(matrix, matrix)
    terms = [_layer(p, term) for term in mixture.args] if isinstance(mixture, nodes.Plus) else []
    layers = {int(layer.args[1][0]): (weight, layer.args[0]) for weight, layer in filter(None, terms)}
    arrays = {array for _, array in layers.values()}
    if not terms or len(layers) != len(terms) or len(arrays) != 1:
        return None
    (array,) = arrays
    return Stack(array, tuple(layers[j][0] for j in range(len(layers)))) if len(layers) == array.shape[0] else None


def _layer(p: Printer, term: Any) -> tuple[Any, Any] | None:
    """A term as a scalar and a layer of a stack."""
    weight, factors = ex.split(term)
    layer = p.definitions.get(factors[0], factors[0]) if len(factors) == 1 else None
    return (weight, layer) if isinstance(layer, Slice) and is_layer(layer.args[1], layer.args[0].shape) else None


def is_layer(key: Any, shape: Shape) -> bool:
    """Whether a key names one matrix of a stack whose number of matrices is known."""
    if len(shape) != 3 or not isinstance(shape[0], int) or is_range(key[0]):
        return False
    return all(is_range(item) and tuple(item) == (0, size, 1) for item, size in zip(key[1:], shape[1:], strict=True))


# ---------------------------------------------------------------- products


def matmul(p: Printer, node: Any) -> Text:
    """The text of `MatMul(left, right)`."""
    left, right = map(p.opened, node.args)
    if (left.ndim, right.ndim) == (2, 1):
        found = _mixed(p, left, right, "mixed_matvec", "mixed_vecmat")
    else:
        found = _mixed(p, right, left, "mixed_vecmat", "mixed_matvec") if (left.ndim, right.ndim) == (1, 2) else None
    return products.matmul(p, node) if found is None else found


def _mixed(p: Printer, matrix: Any, vector: Any, helper: str, other: str) -> Text | None:
    if isinstance(matrix, Permute):
        matrix, helper = matrix.args[0], other
    stack = stack_of(p, matrix)
    return call(helper, _vector(p, stack.weights), p(stack.array), p(vector)) if stack else None


def _vector(p: Printer, weights: Iterable[Any]) -> Text:
    return p.bind(p(ex.concat(*weights)))


def is_plain_product(p: Printer, node: Any) -> bool:
    """Whether a node is an unnamed product of a matrix, which is no diagonal, mixture or view of one, and a vector."""
    if not isinstance(node, MatMul) or p.is_named(node) or tuple(part.ndim for part in node.args) != (2, 1):
        return False
    matrix = p.opened(node.args[0])
    return not isinstance(matrix, (Diag, Permute)) and not products.is_mixed(p, matrix)


# ---------------------------------------------------------------- bilinear forms


def total(p: Printer, node: Any) -> Text:
    """The sum of all entries; that of outer products times a matrix, l . (M r) each, builds none of these products."""
    form = _form(p, node.args[0])
    if form is None:
        return arrays.RULES[Total](p, node)
    outers, matrix = form
    layer = p.definitions.get(matrix, matrix)
    if not isinstance(layer, Slice) or not is_layer(layer.args[1], layer.args[0].shape):
        return p(ex.add(*(ex.dot(left, ex.matmul(matrix, right)) for left, right in outers)))
    stack, number = p(layer.args[0]), p.size(int(layer.args[1][0]))
    return plus([index(p.bind(call("forms", p(left), stack, p(right))), (number,)) for left, right in outers])


def _form(p: Printer, inner: Any) -> tuple[list[Any], Any] | None:
    """The pairs of vectors and the matrix of a sum of outer products times a matrix, entry by entry; None for anything else."""
    if not isinstance(inner, Times) or len(inner.args) != 2 or {shape_of(factor) for factor in inner.args} != {inner.shape}:
        return None
    found = [(outers, other) for one, other in (inner.args, inner.args[::-1]) if (outers := _outers(p, one))]
    return found[0] if len(found) == 1 else None


def _outers(p: Printer, node: Any) -> list[Any]:
    """The pairs of vectors whose outer products a matrix is the sum of; none where it is not."""
    node = p.definitions.get(node, node)
    if isinstance(node, Outer):
        return [node.args]
    if isinstance(node, nodes.Plus):
        parts = [_outers(p, term) for term in node.args]
        return [pair for pairs in parts for pair in pairs] if all(parts) else []
    if isinstance(node, Times) and len(node.args) == 2 and shape_of(node.args[0]) == ():
        return [(ex.mul(node.args[0], left), right) for left, right in _outers(p, node.args[1])]
    return []


# ---------------------------------------------------------------- sums over the batch


def batch_sums(p: Printer, node: Any) -> Text:
    """The text of `BatchSum(x)` or `BatchTotal(x)`."""
    return batch_sum(p, node, _sums)


def _sums(p: Printer, terms: list[Term]) -> list[Sum]:
    """The sums of terms: those that fill a stack are one, and outer products at one place are summed together."""
    groups = _grouped(terms, _stack_filled)
    full = [group for place, group in groups.items() if place is not None and _fills(place, group)]
    rest = [term for group in groups.values() if group not in full for term in group]
    places = _grouped(rest, lambda term: term.keys if isinstance(term.body, Outer) else None)
    single = [sum_of(p, term) for term in places.pop(None, [])]
    return [*single, *(_stacked_sum(p, group) for group in full), *(_outer_sum(p, group) for group in places.values())]


def _grouped(terms: list[Term], place: Callable[[Term], Any]) -> dict[Any, list[Term]]:
    groups: dict[Any, list[Term]] = {}
    for term in terms:
        groups.setdefault(place(term), []).append(term)
    return groups


def _stack_filled(term: Term) -> Any:
    """What terms have in common that are one outer product at the layers of one stack; None for any other term."""
    if not isinstance(term.body, Outer) or not term.keys or not is_layer(*term.keys[-1]):
        return None
    return term.body, term.cuts, term.keys[:-1], term.keys[-1][1]


def _fills(place: Any, group: list[Term]) -> bool:
    """Whether each layer of the stack has its term."""
    return sorted(int(term.keys[-1][0][0]) for term in group) == list(range(place[-1][0]))


def _stacked_sum(p: Printer, group: list[Term]) -> Sum:
    group = sorted(group, key=lambda term: int(term.keys[-1][0][0]))
    left, right = group[0].body.args
    vectors = (ex.concat(*(term.factor for term in group)), left, right)
    operands = tuple((p.bind(p(group[0].cut(vector))), 1) for vector in vectors)
    return Sum(group[0].keys[:-1], sp.S.One, "mixed_outer_sum", operands)


def _outer_sum(p: Printer, group: list[Term]) -> Sum:
    """The sums of outer products at one place, as one call; a single one keeps its constant factor in front."""
    if len(group) == 1:
        return sum_of(p, group[0])
    vectors = (term.cut(vector) for term in group for vector in (ex.mul(term.factor, term.body.args[0]), term.body.args[1]))
    return Sum(group[0].keys, sp.S.One, "outer_sum", tuple((p(vector), 1) for vector in vectors))


RULES: dict[type, Rule] = {
    nodes.MatMul: matmul,
    nodes.Total: total,
    nodes.BatchSum: batch_sums,
    nodes.BatchTotal: batch_sums,
}
