"""The torch target: a formula as a Python function of tensors that may carry any leading batch axes.

Its texts keep the inputs' dtype and device, write into nothing, never wait for a device, and lose no gradient.
"""

import sympy as sp

from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets import arrays, stacks, tensors
from odeanalysis.targets import program as programs
from odeanalysis.targets.guards import guarded
from odeanalysis.targets.printer import Dialect, Library, lined_up
from odeanalysis.targets.program import Program
from odeanalysis.targets.text import ATOM, Text, call, product, suffix

# the functions of torchbridge/prelude
HELPERS = (
    *("step", "softplus", "gelu"),
    *("fill", "stack", "concat", "join", "place", "matvec", "vecmat", "affine", "solve"),
    *("mixed_matvec", "mixed_vecmat", "mixed_outer_sum", "forms"),
    *("common_batch", "batch_sum", "outer_sum", "weighted_sum"),
)
NAMES = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "square")
WORDS = {
    **{name: f"torch.{name}({{0}})" for name in (*NAMES, "abs", "sign", "erf", "sigmoid", "relu")},
    **{name: f"torch.{name}({{0}}, {{1}})" for name in ("maximum", "minimum")},
    **{name: f"torch.nn.functional.{name}({{0}})" for name in ("elu", "silu")},
    **{name: f"{name}({{0}})" for name in ("step", "softplus", "gelu")},
    "where": "torch.where({0}, {1}, {2})",
    "true": "{like}.new_ones((), dtype=torch.bool)",
    "false": "{like}.new_zeros((), dtype=torch.bool)",
    "real": "",
    "constant": "{like}.new_full((), {0})",
    "zeros": "{like}.new_zeros({0})",
    "ones": "{like}.new_ones({0})",
    "full": "{like}.new_full({0}, {1})",
    "eye": "torch.eye({0}, dtype={like}.dtype, device={like}.device)",
    "moveaxis": "torch.movedim({0}, {1}, {2})",
    "diagonal": "torch.diagonal({0}, dim1=-2, dim2=-1)",
    "trace": "torch.diagonal({0}, dim1=-2, dim2=-1).sum(-1)",
    "kept": "keepdim=True",
    "batch": "batch={0}",
    "tanh slope": "torch.ops.aten.tanh_backward({0}, {1})",
    "sigmoid slope": "torch.ops.aten.sigmoid_backward({0}, {1})",
    "relu slope": "torch.ops.aten.threshold_backward({0}, {1}, 0.0)",
}


def _summed_product(inputs: tuple[str, str], output: str, left: Text, right: Text) -> Text:
    """The product of two operands and its sum: far fewer calls than einsum makes."""
    if inputs[1] == inputs[0][::-1] != inputs[0]:
        transposed = right.level == ATOM and right.text.endswith(".mT")
        right = Text(right.text.removesuffix(".mT")) if transposed else suffix(right, ".mT")
    rank = max(map(len, inputs))
    parts = [lined_up(text, len(letters), rank) for text, letters in zip((left, right), inputs, strict=True)]
    summed = tuple(range(len(output) - rank, 0))
    return suffix(product(sp.S.One, parts), f".sum({summed[0] if len(summed) == 1 else summed})")


def _vector(numbers: list[Text], like: str) -> Text:
    """A constant vector, filled entry by entry on its device: a list of numbers would have to be copied there."""
    return call("stack", *(WORDS["constant"].format(one.text, like=like) for one in numbers))


RULES = {**arrays.RULES, **tensors.RULES, **stacks.RULES}
DIALECT = Dialect(
    name="torch",
    library=Library("torch", "import torch"),
    prelude="torchbridge.prelude",
    helpers=HELPERS,
    rules=RULES,
    words=WORDS,
    contraction=_summed_product,
    vector=_vector,
    lifts=True,
    default="torch.ones(())",
    placed=tensors.placed,
)


def emit(formula: Formula) -> str:
    """A module with one function `NAME(x, y, ...)` of the inputs in order that returns the tuple of the outputs in order.

    Every input is a tensor of its stated shape behind any leading batch axes; all have one dtype and one device. Results may
    share memory with the inputs: they are not to be written into. Raises TargetError for a node without a rule and for a size
    that is no number.
    """
    return program(formula).text


def program(formula: Formula) -> Program:
    """The text of a formula in its parts, for modules that carry the text of the helpers themselves."""
    return programs.program(guarded(formula), DIALECT)
