"""Rules that the torch target has of its own: one fused call where the shared rules write several, and slices that torch lacks."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.shapes import Shape
from odeanalysis.targets import arrays
from odeanalysis.targets import text as tx
from odeanalysis.targets.printer import ALL, NEW, TALL, Printer, at_keys, is_range
from odeanalysis.targets.stacks import is_plain_product
from odeanalysis.targets.text import Text, call, index, suffix

# ---------------------------------------------------------------- slopes times cotangents


class Slope(NamedTuple):
    """A factor of a product that one call multiplies with: the word of that call, what it is a function of, the other factors."""

    word: str
    of: Any
    others: list[Any]


def product(p: Printer, node: Any) -> Text:
    """A product; times the slope of tanh, sigmoid or relu, as a backward sweep has it, it is one call."""
    constant, factors = arrays.split(p, node)
    slope = next(_slopes(p, factors), None)
    if slope is None:
        return arrays.product_of(p, constant, factors, shape_of(node))
    weight = arrays.product_of(p, sp.S.One, slope.others, shape_of(node))
    return tx.product(constant, [p.written(slope.word, weight, p.aligned(slope.of, len(shape_of(node))))])


def _slopes(p: Printer, factors: list[Any]) -> Iterator[Slope]:
    """1 - y**2, y*(1 - y) and step(x), of whatever y and x are."""
    for factor in factors:
        others = _without(factors, factor)
        if p.is_named(factor):
            continue
        if _is_step(factor) and others:
            yield Slope("relu slope", factor.args[-1], others)
        taken = _taken_from_one(factor)
        if isinstance(taken, (sp.Pow, nodes.Power)) and taken.args[1] == 2 and others:
            yield Slope("tanh slope", taken.args[0], others)
        if taken in others and len(others) > 1:
            yield Slope("sigmoid slope", taken, _without(others, taken))


def _without(factors: list[Any], one: Any) -> list[Any]:
    """The factors but for one of them, which may stand there twice."""
    place = factors.index(one)
    return factors[:place] + factors[place + 1 :]


def _is_step(node: Any) -> bool:
    return isinstance(node, scalars.step) or (isinstance(node, nodes.Map) and node.name == "step")


def _taken_from_one(node: Any) -> Any:
    """What a difference takes from 1; None for any other node."""
    if isinstance(node, (sp.Add, nodes.Plus)) and len(node.args) == 2 and sp.S.One in node.args:
        return ex.subtract(1, node)
    return None


# ---------------------------------------------------------------- sums


def total(p: Printer, node: Any) -> Text:
    """A sum; constants times terms are added with one call each, and so is a vector to a matrix times another."""
    shape = shape_of(node)
    terms = _factored(p, node.args, shape)
    pair = _affine(p, terms, shape)
    scaled = [term for term in terms if _constant(p, term) not in (1, -1)]
    plain = [term for term in terms if term not in scaled and term not in pair]
    if not pair and all(map(tx.is_constant, plain)):
        plain += [scaled.pop(0)] if scaled else []
    start = [arrays.total_of(p, plain, shape)] if plain else []
    text = tx.total([*start, _affine_text(p, *pair)] if pair else start)
    for count, term in enumerate(scaled, 1):
        constant, factors = arrays.split(p, term)
        added = p.aligned(ex.mul(*factors), len(shape))
        text = Text(f"{text.at(tx.ATOM)}.add({added.text}, alpha={tx.number(constant).text})")
        text = p.bind(text) if count % TALL == 0 else text
    return text


def _constant(p: Printer, term: Any) -> Any:
    """The constant factor of a term that has other factors, else 1."""
    if not isinstance(term, (sp.Mul, nodes.Times)) or p.is_named(term):
        return sp.S.One
    constant, factors = arrays.split(p, term)
    return constant if factors else sp.S.One


def _factored(p: Printer, terms: Sequence[Any], shape: Shape) -> list[Any]:
    """The terms, those with one scalar in common as a single product: h (a k + b l) for a h k + b h l."""
    groups: dict[Any, list[tuple[Any, Any]]] = {}
    for term in terms:
        scalar, arrays = ex.split(term)
        constant, factor = scalar.as_coeff_Mul() if arrays and shape_of(term) == shape and not p.is_named(term) else (1, sp.S.One)
        groups.setdefault(factor, []).append((term, ex.mul(constant, *arrays)))
    return [term for factor, pairs in groups.items() for term in _together(factor, pairs)]


def _together(factor: Any, pairs: list[tuple[Any, Any]]) -> list[Any]:
    if factor == 1 or len(pairs) == 1:
        return [term for term, _ in pairs]
    return [ex.mul(factor, ex.add(*(part for _, part in pairs)))]


def _affine(p: Printer, terms: Sequence[Any], shape: Shape) -> tuple[Any, ...]:
    """A product of a matrix and a vector among the terms, and a name for another vector, as a bias is; () where there are none."""
    vectors = [term for term in terms if shape_of(term) == shape] if len(shape) == 1 else []
    products = [term for term in vectors if is_plain_product(p, term)]
    names = [term for term in vectors if term in p.known]
    return (products[0], names[0]) if products and names else ()


def _affine_text(p: Printer, product: Any, bias: Any) -> Text:
    return call("affine", *map(p, (*product.args, bias)))


# ---------------------------------------------------------------- parts


def part(p: Printer, array: Any, items: Sequence[Any]) -> Text:
    """A part of an array; backward slices are cut forward and flipped, since torch has none."""
    ahead = [_ahead(item) for item in items]
    backward = [item != other for item, other in zip(items, ahead, strict=True) if is_range(item)]
    flipped = [axis for axis, turned in enumerate(backward, -len(backward)) if turned]
    keys = [_key(p, item, size) for item, size in zip(ahead, array.shape, strict=True)]
    text = index(p(array), keys) if set(keys) != {ALL} else p(array)
    return suffix(text, f".flip({', '.join(map(str, flipped))})") if flipped else text


def _ahead(item: Any) -> Any:
    """A range that names the same places in rising order; anything else as it is."""
    if not is_range(item) or item[2] > 0:
        return item
    start, count, step = item
    return sp.Tuple(0, 0, 1) if count == 0 else sp.Tuple(start + (count - 1) * step, count, -step)


def _key(p: Printer, item: Any, size: Any) -> str:
    found = p.bounds(item, size)
    return ALL if found is None else ":".join(found[:2] if found[2:] == ("1",) else found)


class Piece(NamedTuple):
    """A value that fills an axis from one place to another; an axis that it lacks is to be added."""

    start: int
    stop: int
    text: Text


def placed(p: Printer, shape: Shape, parts: list[tuple[Any, Text]]) -> Text:
    """Zeros of a shape with values at keys; values behind each other along one axis are joined."""
    axes = {axis for key, _ in parts for axis, item in enumerate(key) if not _is_all(item, shape[axis])}
    pieces = _pieces(parts, shape, min(axes)) if len(parts) > 1 and len(axes) == 1 else None
    if pieces is None:
        return at_keys(p, shape, parts)
    texts = list(_without_gaps(p, shape, min(axes), pieces))
    return call("concat", *texts) if len(shape) == 1 else call("join", str(min(axes) - len(shape)), str(len(shape)), *texts)


def _is_all(item: Any, size: Any) -> bool:
    return is_range(item) and tuple(item) == (0, size, 1)


def _pieces(parts: list[tuple[Any, Text]], shape: Shape, axis: int) -> list[Piece] | None:
    """The parts in order along an axis; None where their places are unknown, not in steps of 1, or shared."""
    pieces = []
    for key, text in parts:
        start, count, step = key[axis] if is_range(key[axis]) else (key[axis], 1, 1)
        if step != 1 or not all(isinstance(size, (int, sp.Integer)) for size in (start, count, shape[axis])):
            return None
        grown = text if is_range(key[axis]) else index(text, (NEW, *(ALL,) * (len(shape) - axis - 1)))
        pieces.append(Piece(int(start), int(start + count), grown))
    pieces.sort()
    return pieces if all(one.stop <= two.start for one, two in pairwise(pieces)) else None


def _without_gaps(p: Printer, shape: Shape, axis: int, pieces: list[Piece]) -> Iterator[Text]:
    """The pieces, and zeros before, between and behind them."""
    starts, stops = [one.start for one in pieces], [one.stop for one in pieces]
    for before, start, piece in zip((0, *stops), (*starts, shape[axis]), (*pieces, None), strict=True):
        if start != before:
            yield p.written("zeros", p.shape((*shape[:axis], start - before, *shape[axis + 1 :])))
        if piece:
            yield piece.text


RULES: dict[type, Callable[[Printer, Any], Text]] = {
    **dict.fromkeys((sp.Mul, nodes.Times), product),
    **dict.fromkeys((sp.Add, nodes.Plus), total),
    nodes.Element: lambda p, node: part(p, node.args[0], node.args[1:]),
    nodes.Slice: lambda p, node: part(p, node.args[0], node.args[1]),
    nodes.Diag: lambda p, node: call("torch.diag_embed", p(node.args[0])),
}
