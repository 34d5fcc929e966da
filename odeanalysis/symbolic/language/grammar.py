"""What may be written: the functions of the language and how each is called; the grammar of models and that of formulas."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions, nodes, shapes
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.language.conditions import choose

# how an argument is read: an expression, a condition, an axis length, a key of zeros
VALUE, CONDITION, SIZE, KEY = "u", "condition", "n", "zeros(n)[key]"


@dataclass(frozen=True)
class Function:
    """A function of the language: how each argument is read, how further ones are (None: there are none), what builds the result."""

    arguments: tuple[str, ...]
    build: Callable[..., Any]
    rest: str | None = None

    @property
    def form(self) -> str:
        """The arguments as messages show them: `(condition, u, v)`."""
        letters = iter("uvw")
        shown = [next(letters) if argument == VALUE else argument for argument in self.arguments]
        return f"({', '.join([*shown, '...'] if self.rest else shown)})"

    def takes(self, count: int) -> bool:
        return count == len(self.arguments) or (self.rest is not None and count > len(self.arguments))

    def kinds(self, count: int) -> tuple[str, ...]:
        """How each of `count` arguments is read."""
        return (*self.arguments, *(self.rest or VALUE for _ in range(count - len(self.arguments))))


@dataclass(frozen=True)
class Grammar:
    """A vocabulary and its bounds.

    characters, nodes, depth: of the text, its parts and their nesting; a chain of + and - or of * and / nests once.
    chain: factors in one product, array terms in one sum.  bits: of numbers.  power: the largest constant exponent of what is no number.
    work: how often SymPy may look at the parts of a scalar.  size: of an axis written out.
    internal: whether formulas are read: sums at once, sizes with names, arrays and == as conditions.
    """

    functions: Mapping[str, Function]
    characters: int
    nodes: int
    depth: int
    chain: int
    bits: int
    power: int
    work: int
    size: int
    internal: bool


def _elementary(name: str) -> Function:
    function = FUNCTIONS[name]
    return Function((VALUE,) * function.arity, function)


def _batch_sum(value: Any) -> Any:
    return nodes.BatchSum(value) if isinstance(value, nodes.Array) else nodes.BatchTotal(value)


MODEL_FUNCTIONS = {
    **{name: _elementary(name) for name in FUNCTIONS if name != "step"},
    "sqrt": Function((VALUE,), functions.sqrt),
    "where": Function((CONDITION, VALUE, VALUE), choose),
    "sum": Function((VALUE,), ex.total),
    "sumsq": Function((VALUE,), ex.sumsq),
    "dot": Function((VALUE, VALUE), ex.dot),
    "outer": Function((VALUE, VALUE), ex.outer),
    "trace": Function((VALUE,), ex.trace),
    "concat": Function((VALUE,), ex.concat, VALUE),
    "zeros": Function((SIZE,), ex.zeros, SIZE),
    "ones": Function((SIZE,), ex.ones, SIZE),
    "eye": Function((SIZE,), ex.eye),
    "diag": Function((VALUE,), ex.diag),
}

FORMULA_FUNCTIONS = {
    **MODEL_FUNCTIONS,
    "step": _elementary("step"),
    "lt": Function((VALUE, VALUE), lambda u, v: ex.elementwise("lt", u, v)),
    "le": Function((VALUE, VALUE), lambda u, v: ex.elementwise("le", u, v)),
    "full": Function((VALUE, SIZE), lambda u, *sizes: ex.full(u, shapes.as_shape(sizes)), SIZE),
    "place": Function((VALUE, KEY), lambda u, key: ex.place(u, *key)),
    "permute": Function((VALUE, SIZE), lambda u, *axes: ex.permute(u, axes), SIZE),
    "sum_to": Function((VALUE, SIZE), lambda u, *sizes: ex.sum_to(u, shapes.as_shape(sizes)), SIZE),
    "solve": Function((VALUE, VALUE), ex.solve),
    "batch_sum": Function((VALUE,), _batch_sum),
}

MODELS = Grammar(
    MODEL_FUNCTIONS, characters=20_000, nodes=8_000, depth=60, chain=500, bits=4096, power=1000, work=6000, size=10**6, internal=False
)
FORMULAS = Grammar(
    FORMULA_FUNCTIONS, characters=10**6, nodes=10**6, depth=100, chain=10**5, bits=2**16, power=10**6, work=10**6, size=10**9, internal=True
)
