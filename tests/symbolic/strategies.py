"""Random texts of the language, well-shaped by construction, and the expressions that they state."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic.language import parse
from odeanalysis.symbolic.language.numbers import NumberError
from odeanalysis.symbolic.nodes import Leaf, shape_of

Shape = tuple[int, ...]
NUMBERS = ("2", "1", "3", "0.5", "0.1", "10", "1e-3", ".25", "7.", "pi")
BOUNDED = ("sin", "cos", "tanh", "atan", "sigmoid", "erf")
GROWING = ("softplus", "gelu", "silu", "elu", "relu", "abs")
PARTIAL = ("tan", "asin", "acos", "sinh", "cosh", "exp", "log", "sqrt", "sign")
INSIDE = {"log": "2 + cos({})", "sqrt": "2 + sin({})", "exp": "sin({})", "sinh": "sin({})", "asin": "sin({})/2", "acos": "cos({})/3"}

# wild texts divide by anything, take any root and logarithm; tame ones have values near 1, so that rounding is all that tells them apart
WILD, TAME = "wild", "tame"


def texts(names: Iterable[Leaf], shape: Shape = (), depth: int = 3, kind: str = TAME) -> st.SearchStrategy[str]:
    """Texts of expressions of a shape over names; shrinks towards a name or a number."""
    return _texts(tuple(names), shape, depth, kind)


def expressions(names: Iterable[Leaf], shape: Shape = (), depth: int = 3, kind: str = TAME) -> st.SearchStrategy[Any]:
    """Expressions of a shape over names."""
    known = tuple(names)
    return texts(known, shape, depth, kind).map(lambda text: stated(text, known))


def stated(text: str, names: Iterable[Leaf]) -> Any:
    """The expression of a text; one whose constants leave the language's bounds (a division by zero, say) is given up."""
    try:
        return parse(text, {leaf.name: leaf for leaf in names})
    except LanguageError as error:
        assume(not isinstance(error.__cause__, NumberError))
        raise


@st.composite
def _texts(draw: Any, names: tuple[Leaf, ...], shape: Shape, depth: int, kind: str) -> str:
    return _Writer(draw, names, kind).of(shape, depth)


Rule = Callable[["_Writer", Shape, int], str]


class _Writer:
    """Writes texts: `of(shape, depth)` has this shape; operands of operators are bracketed where the shape needs it, else at random."""

    def __init__(self, draw: Any, names: Sequence[Leaf], kind: str):
        self.draw, self.names, self.kind = draw, names, kind
        self.sizes = sorted({size for leaf in names for size in shape_of(leaf)}) or [2]

    def one(self, choices: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def size(self) -> int:
        return self.one(self.sizes)

    def of(self, shape: Shape, depth: int) -> str:
        rules: list[Rule] = [_leaf] if depth <= 0 else [_leaf, *RULES, *RULES_OF_RANK[min(len(shape), 3)]]
        return self.one(rules)(self, shape, depth - 1)

    def below(self, shape: Shape, depth: int) -> str:
        """An expression that broadcasts to a shape."""
        start = self.draw(st.integers(0, len(shape)))
        return self.of(shape[start:], depth)

    def operand(self, text: str) -> str:
        """With or without brackets: both are well-shaped, since only what broadcasts together stands there."""
        return f"({text})" if "@" in text or self.draw(st.booleans()) else text

    def space(self) -> str:
        return self.one([" ", "", "  "])


def _leaf(w: _Writer, shape: Shape, depth: int) -> str:
    named = [leaf.name for leaf in w.names if shape_of(leaf) == shape]
    if not shape:
        return w.one([*named, *NUMBERS])
    sizes = ", ".join(map(str, shape))
    return w.one([*named, f"ones({sizes})", f"zeros({sizes})", f"{w.one(NUMBERS)}*ones({sizes})"])


def _binary(w: _Writer, shape: Shape, depth: int) -> str:
    sign = w.one(["+", "-", "*", "+", "-", "*", *(["/"] if w.kind == WILD else [])])
    pair = [w.operand(w.of(shape, depth)), w.operand(w.below(shape, depth))]
    if w.draw(st.booleans()):
        pair.reverse()
    return f"{pair[0]}{w.space()}{sign}{w.space()}{pair[1]}"


def _quotient(w: _Writer, shape: Shape, depth: int) -> str:
    return f"({w.of(shape, depth)})/(2 + cos({w.below(shape, depth)}))"


def _power(w: _Writer, shape: Shape, depth: int) -> str:
    wild = ["-1", "-2", "0.5", "(1/3)", "-0.5", "1.5", f"({w.below(shape, depth)})"] if w.kind == WILD else []
    return f"({w.of(shape, depth)})**{w.one(['2', '3', *wild])}"


def _sign(w: _Writer, shape: Shape, depth: int) -> str:
    return f"{w.one(['-', '-', '+'])}{w.operand(w.of(shape, depth))}"


def _function(w: _Writer, shape: Shape, depth: int) -> str:
    inner = w.of(shape, depth)
    name = w.one([*BOUNDED, *GROWING, *INSIDE, *(PARTIAL if w.kind == WILD else ())])
    return f"{name}({inner if w.kind == WILD else INSIDE.get(name, '{}').format(inner)})"


def _pair(w: _Writer, shape: Shape, depth: int) -> str:
    pair = [w.of(shape, depth), w.below(shape, depth)]
    return f"{w.one(['maximum', 'minimum'])}({', '.join(w.draw(st.permutations(pair)))})"


def _where(w: _Writer, shape: Shape, depth: int) -> str:
    return f"where({_condition(w, shape)}, {w.of(shape, depth)}, {w.below(shape, depth)})"


def _condition(w: _Writer, shape: Shape) -> str:
    """One comparison or several; the left side is a name where there is one, as a Python number there would turn the comparison round."""
    named = [leaf.name for leaf in w.names if shape_of(leaf) in (shape, ())]
    parts = [f"{w.one(named or ['1'])} {w.one(['<', '<=', '>', '>='])} {w.below(shape, 0)}" for _ in range(w.one([1, 1, 2]))]
    if len(parts) == 1:
        return parts[0]
    return w.one([f"{parts[0]} and {parts[1]}", f"{parts[0]} or not ({parts[1]})", f"not {parts[0]} and not {parts[1]}"])


def _part(w: _Writer, shape: Shape, depth: int) -> str:
    """An entry, a row, a cut, a reversal of a larger array."""
    keys, longer = [], []
    for size in shape:
        more = w.one([size, size + 1])
        longer.append(more)
        keys.append(w.one([f":{size}", "::-1", "-1::-1"] if more == size else [f"1:{more}", f"{-size}:", f":{size}", ":-1"]))
    if not shape or (len(shape) < 3 and w.draw(st.booleans())):
        axis = w.draw(st.integers(0, len(shape)))
        longer.insert(axis, w.size())
        keys.insert(axis, str(w.draw(st.integers(-longer[axis], longer[axis] - 1))))
    return f"({w.of(tuple(longer), depth)})[{', '.join(keys)}]"


def _total(w: _Writer, shape: Shape, depth: int) -> str:
    return f"{w.one(['sum', 'sumsq'])}({w.of(tuple(w.size() for _ in range(w.one([1, 1, 2]))), depth)})"


def _dot(w: _Writer, shape: Shape, depth: int) -> str:
    size = w.size()
    first, second = w.of((size,), depth), w.of((size,), depth)
    return w.one([f"dot({first}, {second})", f"({first}) @ ({second})"])


def _trace(w: _Writer, shape: Shape, depth: int) -> str:
    size = w.size()
    return f"trace({w.of((size, size), depth)})"


def _matmul(w: _Writer, shape: Shape, depth: int) -> str:
    """A product of matrices, of stacks of them, or of a matrix and a vector."""
    inner = w.size()
    if len(shape) == 1:
        matrix, vector = w.one([((*shape, inner), (inner,)), ((inner,), (inner, *shape))])
        return f"({w.of(matrix, depth)}) @ ({w.of(vector, depth)})"
    left, right = (*shape[:-1], inner), (*shape[:-2], inner, shape[-1])
    cut = w.draw(st.integers(0, len(shape) - 2))
    left, right = w.one([(left, right[cut:]), (left[cut:], right)])
    return f"({w.of(left, depth)}) @ ({w.of(right, depth)})"


def _concat(w: _Writer, shape: Shape, depth: int) -> str:
    parts: list[str] = []
    rest = shape[0]
    while rest:
        size = w.draw(st.integers(0, rest))
        parts.append(w.of((size,) if size else (), depth))
        rest -= size or 1
    return f"concat({', '.join(parts)})"


def _diagonal(w: _Writer, shape: Shape, depth: int) -> str:
    return f"diag({w.of(shape * 2, depth)})"


def _square(w: _Writer, shape: Shape, depth: int) -> str:
    if shape[0] != shape[1]:
        return w.of(shape, depth)
    return w.one([f"eye({shape[0]})", f"diag({w.of(shape[:1], depth)})"])


def _outer(w: _Writer, shape: Shape, depth: int) -> str:
    return f"outer({w.of(shape[:1], depth)}, {w.of(shape[1:], depth)})"


def _transpose(w: _Writer, shape: Shape, depth: int) -> str:
    return f"({w.of(shape[::-1], depth)}).T"


RULES: list[Rule] = [_binary, _binary, _quotient, _power, _sign, _function, _pair, _where, _part]
RULES_OF_RANK: dict[int, list[Rule]] = {
    0: [_total, _dot, _trace],
    1: [_matmul, _concat, _diagonal],
    2: [_matmul, _square, _outer, _transpose],
    3: [_matmul, _transpose],
}
