"""The NumPy target: a formula as a Python function of arrays that may carry any leading batch axes."""

from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets import arrays
from odeanalysis.targets import program as programs
from odeanalysis.targets.printer import Dialect, Library
from odeanalysis.targets.program import Program
from odeanalysis.targets.text import Text, call

# the functions of prelude
HELPERS = (
    *("absolute", "maximum", "minimum", "relu", "sigmoid", "silu", "softplus", "elu", "erf", "gelu"),
    *("fill", "stack", "concat", "place", "diag", "matvec", "vecmat", "solve"),
    *("common_batch", "batch_sum", "outer_sum", "weighted_sum"),
)
WORDS = {
    **{name: f"np.{name}({{0}})" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "square", "sign")},
    **{name: f"np.arc{name[1:]}({{0}})" for name in ("asin", "acos", "atan")},
    **{name: f"{name}({{0}})" for name in ("relu", "sigmoid", "silu", "softplus", "elu", "erf", "gelu")},
    **{name: f"{name}({{0}}, {{1}})" for name in ("maximum", "minimum")},
    "abs": "absolute({0})",
    "step": "np.where({0} > 0.0, 1.0, 0.0)",
    "where": "np.where({0}, {1}, {2})",
    "true": "np.True_",
    "false": "np.False_",
    "real": ".real",
    "constant": "np.float64({0})",
    "zeros": "np.zeros({0})",
    "ones": "np.ones({0})",
    "full": "np.full({0}, {1})",
    "eye": "np.eye({0})",
    "moveaxis": "np.moveaxis({0}, {1}, {2})",
    "diagonal": "np.diagonal({0}, axis1=-2, axis2=-1)",
    "trace": "np.trace({0}, axis1=-2, axis2=-1)",
    "kept": "keepdims=True",
    "batch": "{0}",
}
RULES = arrays.RULES


def _einsum(inputs: tuple[str, str], output: str, *operands: Text) -> Text:
    return call("np.einsum", f'"{",".join(f"...{letters}" for letters in inputs)}->...{output}"', *operands)


def _vector(numbers: list[Text], like: str) -> Text:
    return call("np.array", f"[{', '.join(one.text for one in numbers)}]")


DIALECT = Dialect(
    name="numpy",
    library=Library("np", "import numpy as np"),
    prelude="odeanalysis.targets.prelude",
    helpers=HELPERS,
    rules=RULES,
    words=WORDS,
    contraction=_einsum,
    vector=_vector,
)


def emit(formula: Formula) -> str:
    """A module with one function `NAME(x, y, ...)` of the inputs in order that returns the tuple of the outputs in order.

    Every input is a NumPy array or scalar of its stated shape behind any leading batch axes. Results may share memory with the
    inputs: they are not to be written into. Raises TargetError for a node without a rule and for a size that is no number.
    """
    return program(formula).text


def program(formula: Formula) -> Program:
    """The text of a formula in its parts, for modules that carry the text of the helpers themselves."""
    return programs.program(formula, DIALECT)
