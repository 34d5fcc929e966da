"""The torch target: a formula as a Python function of tensors that may carry any leading batch axes.

Its texts keep the inputs' dtype and device, write into nothing, never wait for a device, and lose no gradient.
"""

from typing import Any

import sympy as sp

from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets import arrays
from odeanalysis.targets import program as programs
from odeanalysis.targets.guards import guarded
from odeanalysis.targets.printer import ALL, Dialect, Library, Printer, is_range, lined_up
from odeanalysis.targets.program import Program
from odeanalysis.targets.text import Text, call, index, product, suffix

# the functions of torchbridge/prelude.py
HELPERS = (
    *("step", "softplus", "gelu"),
    *("fill", "stack", "concat", "place", "matvec", "vecmat", "solve"),
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
}


def _summed_product(inputs: tuple[str, str], output: str, left: Text, right: Text) -> Text:
    """The product of two operands and its sum: far fewer calls than einsum makes."""
    if inputs[1] == inputs[0][::-1] != inputs[0]:
        right = suffix(right, ".mT")
    rank = max(map(len, inputs))
    parts = [lined_up(text, len(letters), rank) for text, letters in zip((left, right), inputs, strict=True)]
    summed = tuple(range(len(output) - rank, 0))
    return suffix(product(sp.S.One, parts), f".sum({summed[0] if len(summed) == 1 else summed})")


def _vector(numbers: list[Text], like: str) -> Text:
    """A constant vector, filled entry by entry on its device: a list of numbers would have to be copied there."""
    return call("stack", *(WORDS["constant"].format(one.text, like=like) for one in numbers))


def _part(p: Printer, array: Any, items: Any) -> Text:
    """A part of an array; torch has no backward slices, so that these are cut forward and flipped."""
    keys, flipped, kept = [], [], sum(map(is_range, items))
    for item, size in zip(items, array.shape, strict=True):
        kept -= is_range(item)
        if is_range(item) and item[2] < 0:
            start, count, step = item
            item = sp.Tuple(start + (count - 1) * step, count, -step) if count != 0 else sp.Tuple(0, 0, 1)
            flipped.append(-1 - kept)
        found = p.bounds(item, size)
        keys.append(ALL if found is None else ":".join(found[:2] if found[2:] == ("1",) else found))
    text = index(p(array), keys)
    return suffix(text, f".flip({', '.join(map(str, flipped))})") if flipped else text


RULES = {
    **arrays.RULES,
    nodes.Element: lambda p, node: _part(p, node.args[0], node.args[1:]),
    nodes.Slice: lambda p, node: _part(p, node.args[0], node.args[1]),
    nodes.Diag: lambda p, node: call("torch.diag_embed", p(node.args[0])),
}
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
