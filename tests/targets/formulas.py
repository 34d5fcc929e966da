"""Hypothesis strategies: random expressions of a given shape over every node of the vocabulary, and values for their leaves."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.formula import Formula, formula, name_of, sizes_of
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import leaves

SHAPES = ((), (2,), (3,), (2, 3), (3, 3), (2, 3, 2))
LENGTHS = (2, 3)
KINKS = ("abs", "relu", "maximum", "minimum")
JUMPS = ("sign", "step")
HALF = sp.Rational(1, 2)

# arguments are brought into the domain of a function, and kept from growing, by a smooth map
DOMAINS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("asin", "acos", "tan", "exp", "sinh", "cosh"), lambda x: HALF * fn.tanh(x)),
    "log": lambda x: 1 + ex.power(x, 2),
}


def leaf(shape: tuple[int, ...], number: int) -> Any:
    return ex.block(f"x{''.join(map(str, shape))}_{number}", *shape)


def apply(name: str, *arguments: Any) -> Any:
    """A function of the vocabulary, on arguments inside its domain."""
    domain = DOMAINS.get(name, lambda x: x)
    return fn.FUNCTIONS[name](*map(domain, arguments))


def _numbers() -> st.SearchStrategy[Any]:
    return st.sampled_from([sp.Integer(-2), sp.Integer(1), sp.Integer(3), sp.Rational(1, 3), sp.Rational(-7, 10), sp.pi, sp.sqrt(2)])


class Grammar:
    """Draws expressions: `of(shape, depth)`; `smooth` leaves out functions with kinks and conditions, `jumps` adds those that jump."""

    def __init__(self, draw: Any, smooth: bool):
        self.draw = draw
        names = [name for name in fn.FUNCTIONS if name not in JUMPS and not (smooth and name in (*KINKS, "elu"))]
        self.names, self.smooth = names, smooth

    def of(self, shape: tuple[int, ...], depth: int) -> Any:
        if depth == 0:
            return self.draw(st.sampled_from([leaf(shape, 0), leaf(shape, 1)]))
        rules = [self.sum, self.product, self.function, self.function, self.power, self.quotient, self.constant]
        rules += [] if self.smooth else [self.choice]
        rules += RULES_OF_RANK[len(shape)]
        rule = self.draw(st.sampled_from(rules))
        found = rule(self, shape, depth - 1) if rule in RULES_OF_RANK[len(shape)] else rule(shape, depth - 1)
        return found if shape_of(found) == shape else ex.add(found, ex.zeros(*shape))

    def length(self) -> int:
        return self.draw(st.sampled_from(LENGTHS))

    def smaller(self, shape: tuple[int, ...], depth: int) -> Any:
        """An expression that broadcasts to a shape."""
        start = self.draw(st.integers(0, len(shape)))
        return self.of(shape[start:], depth)

    def sum(self, shape: tuple[int, ...], depth: int) -> Any:
        return ex.add(self.of(shape, depth), self.smaller(shape, depth), self.draw(_numbers()))

    def product(self, shape: tuple[int, ...], depth: int) -> Any:
        return ex.mul(self.draw(_numbers()), self.of(shape, depth), self.smaller(shape, depth))

    def quotient(self, shape: tuple[int, ...], depth: int) -> Any:
        return ex.divide(self.of(shape, depth), 1 + ex.power(self.smaller(shape, depth), 2))

    def function(self, shape: tuple[int, ...], depth: int) -> Any:
        name = self.draw(st.sampled_from(self.names))
        others = [self.smaller(shape, depth) for _ in range(fn.FUNCTIONS[name].arity - 1)]
        return apply(name, self.of(shape, depth), *others)

    def power(self, shape: tuple[int, ...], depth: int) -> Any:
        base = 1 + ex.power(fn.tanh(self.of(shape, depth)), 2)
        exponents = (-2, -1, 2, 3, 4, 5, HALF, -HALF, 3 * HALF, sp.Rational(1, 3))
        return ex.power(base, self.draw(st.sampled_from(exponents) | st.just(fn.tanh(self.smaller(shape, depth)))))

    def constant(self, shape: tuple[int, ...], depth: int) -> Any:
        return ex.mul(ex.full(self.of((), depth), shape), self.of(shape, depth))

    def choice(self, shape: tuple[int, ...], depth: int) -> Any:
        left, right = self.smaller(shape, 0), self.smaller(shape, 0)
        if left == right:
            return self.of(shape, depth)
        condition = left < right
        if shape_of(left) == shape_of(right) == () and self.draw(st.booleans()):
            condition = sp.And(condition, sp.Not(sp.Or(left > 1, right <= sp.Rational(-1, 2))))
        return fn.where(condition, self.of(shape, depth), self.smaller(shape, depth))


def _total(g: Grammar, shape: Any, depth: int) -> Any:
    return HALF * ex.total(g.of(g.draw(st.sampled_from(SHAPES[1:])), depth))


def _dot(g: Grammar, shape: Any, depth: int) -> Any:
    n = g.length()
    return ex.total(ex.mul(g.of((n,), depth), g.of((n,), depth), g.smaller((n,), depth)))


def _sumsq(g: Grammar, shape: Any, depth: int) -> Any:
    return ex.sumsq(g.of(g.draw(st.sampled_from(SHAPES[1:])), depth))


def _trace(g: Grammar, shape: Any, depth: int) -> Any:
    n = g.length()
    return ex.trace(g.of((n, n), depth))


def _entry(g: Grammar, shape: Any, depth: int) -> Any:
    array = g.of(g.draw(st.sampled_from(SHAPES[1:])), depth)
    return ex.index(array, tuple(g.draw(st.integers(-size, size - 1)) for size in array.shape))


def _slice(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    """A part of a larger array: cut, reversed, strided, and one axis fewer."""
    more = tuple(g.draw(st.sampled_from([size, size + 1, 2 * size])) for size in shape)
    keys = []
    for size, longer in zip(shape, more, strict=True):
        choices = [slice(0, size), slice(longer - size, longer), slice(size - 1, None, -1)]
        choices += [slice(0, longer, 2)] if longer == 2 * size else []
        keys.append(g.draw(st.sampled_from(choices)))
    if len(shape) < 3 and g.draw(st.booleans()):
        more, keys = (2, *more), [g.draw(st.sampled_from([0, -1])), *keys]
    return ex.index(g.of(more, depth), tuple(keys))


def _place(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    """Zeros with a smaller array in a corner, or in one entry of the first axis."""
    if g.draw(st.booleans()):
        items = (sp.Integer(shape[0] - 1), *(sp.Tuple(0, size, 1) for size in shape[1:]))
        return ex.place(g.of(shape[1:], depth), items, shape)
    part = tuple(g.draw(st.integers(1, size)) for size in shape)
    items = tuple(sp.Tuple(size - few, few, 1) for size, few in zip(shape, part, strict=True))
    return ex.place(g.of(part, depth), items, shape)


def _mixture(g: Grammar, shape: tuple[int, ...]) -> Any:
    """A matrix that scalars mix from others, or choose among others."""
    one, other, stack = leaf(shape, 0), leaf(shape, 1), leaf((2, *shape), 0)
    mixed = ex.add(one, ex.mul(leaf((), 0), stack[0]), ex.mul(fn.sin(leaf((), 1)), other))
    chosen = fn.where(leaf((), 0) < leaf((), 1), stack[1], ex.mul(leaf((), 0), one))
    whole = ex.add(ex.mul(leaf((), 0), stack[0]), ex.mul(fn.cos(leaf((), 1)), stack[1]))
    return g.draw(st.sampled_from([mixed, chosen, whole, ex.mul(leaf((), 1), one), ex.add(mixed, chosen)]))


def _matrix(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    matrix = _mixture if g.draw(st.booleans()) and not g.smooth else lambda g, shape: g.of(shape, depth)
    return ex.transpose(matrix(g, shape[::-1])) if g.draw(st.booleans()) else matrix(g, shape)


def _matvec(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    k = g.length()
    return ex.matmul(_matrix(g, (*shape, k), depth), g.of((k,), depth))


def _vecmat(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    k = g.length()
    return ex.matmul(g.of((k,), depth), _matrix(g, (k, *shape), depth))


def _concat(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    (n,) = shape
    kinds = g.draw(st.sampled_from([[()] * n, *([[(n - 1,), ()], [(), (n - 1,)]] if n > 1 else [])]))
    parts = [g.of(kind, depth) if kind or g.draw(st.booleans()) else g.draw(_numbers()) for kind in kinds]
    return ex.concat(*parts)


def _diagonal(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    k = g.length()
    product = ex.matmul(g.of((*shape, k), depth), g.of((k, *shape), depth))
    return ex.diag(g.draw(st.sampled_from([product, g.of(shape * 2, depth)])))


def _solve(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    (n,) = shape
    matrix = ex.add(ex.mul(4, ex.eye(n)), fn.tanh(g.of((n, n), depth)))
    return ex.solve(matrix, g.of(shape, depth))


def _sum_leading(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    return ex.sum_to(g.of((2, *shape), depth), shape)


def _sum_kept(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    """A sum along an axis that stays with length 1, broadcast again."""
    axis = g.draw(st.integers(0, len(shape) - 1))
    flat = tuple(1 if k == axis else size for k, size in enumerate(shape))
    lead = (2,) if len(shape) < 3 and g.draw(st.booleans()) else ()
    return ex.mul(ex.sum_to(g.of((*lead, *shape), depth), flat), g.of(shape, depth))


def _matmul(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    k = g.length()
    left, right = (*shape[:-1], k), (*shape[:-2], k, shape[-1])
    if len(shape) == 3 and g.draw(st.booleans()):
        left, right = g.draw(st.sampled_from([(left[1:], right), (left, right[1:])]))
    return ex.matmul(g.of(left, depth), g.of(right, depth))


def _stack_times_vector(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    k = g.length()
    if g.draw(st.booleans()):
        return ex.matmul(g.of((*shape, k), depth), g.of((k,), depth))
    return ex.matmul(g.of((k,), depth), g.of((shape[0], k, shape[1]), depth))


def _scaled(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    """A product with a diagonal matrix on one side or on both."""
    left, right = ex.diag(g.of(shape[-2:-1], depth)), ex.diag(g.of(shape[-1:], depth))
    kind = g.draw(st.integers(0, 2 if shape[-1] == shape[-2] and len(shape) == 2 else 1))
    if kind == 2:
        return ex.matmul(left, right)
    return ex.matmul(left, g.of(shape, depth)) if kind == 0 else ex.matmul(g.of(shape, depth), right)


def _outer(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    return ex.outer(g.of(shape[:1], depth), g.of(shape[1:], depth))


def _square(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    """Diagonal matrices, where the shape allows one."""
    if shape[0] != shape[1]:
        return g.of(shape, depth)
    return ex.add(ex.mul(g.of((), depth), ex.eye(shape[0])), ex.diag(g.of(shape[:1], depth)))


def _permute(g: Grammar, shape: tuple[int, ...], depth: int) -> Any:
    axes = g.draw(st.permutations(range(len(shape))))
    source = tuple(shape[axes.index(k)] for k in range(len(shape)))
    return ex.permute(g.of(source, depth), axes)


ANY_ARRAY = [_slice, _place, _sum_kept]
RULES_OF_RANK: dict[int, list[Any]] = {
    0: [_total, _dot, _sumsq, _trace, _entry],
    1: [*ANY_ARRAY, _sum_leading, _matvec, _vecmat, _concat, _diagonal, _solve],
    2: [*ANY_ARRAY, _sum_leading, _stack_times_vector, _matmul, _scaled, _outer, _square, _permute],
    3: [*ANY_ARRAY, _matmul, _scaled, _permute],
}


@st.composite
def expressions(draw: Any, shape: tuple[int, ...] | None = None, depth: int = 3, smooth: bool = False) -> Any:
    """A random expression of a shape (default: any of SHAPES)."""
    return Grammar(draw, smooth).of(draw(st.sampled_from(SHAPES)) if shape is None else shape, depth)


def closed(*outputs: Any) -> Formula:
    """A formula of expressions over all their leaves."""
    found = leaves(*outputs)
    inputs = sorted(found - sizes_of(found), key=name_of)
    return formula("example", inputs, {f"out{i}": e for i, e in enumerate(outputs)})


@st.composite
def formulas(draw: Any, outputs: int = 2, depth: int = 3, smooth: bool = False) -> Formula:
    """A random formula."""
    return closed(*(draw(expressions(None, depth, smooth)) for _ in range(draw(st.integers(1, outputs)))))


BATCHES = ((), (0,), (1,), (3,), (2, 3), (1, 2), (2, 0))


@st.composite
def batched_values(draw: Any, program: Formula) -> tuple[tuple[int, ...], list[np.ndarray]]:
    """The batch axes, and a value for each input: shared, or with all, the last, or some flattened batch axes."""
    batch = draw(st.sampled_from(BATCHES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = []
    for one in program.inputs:
        own = tuple(1 if size and draw(st.integers(0, 5)) == 0 else size for size in batch[draw(st.integers(0, len(batch))) :])
        values.append(rng.uniform(-1.5, 1.5, own + sizes(shape_of(one))))
    return batch, values


def sizes(shape: Any) -> tuple[int, ...]:
    """A shape without symbols, as NumPy takes it."""
    return tuple(map(int, shape))


def random_values(program: Formula, seed: int) -> list[np.ndarray]:
    """A value for each input, without batch axes."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1.5, 1.5, sizes(shape_of(one))) for one in program.inputs]
