"""How expressions and formulas show themselves: `str` and `print` as text, notebooks as LaTeX. Importing this file sees to it."""

from collections.abc import Callable
from typing import Any

from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import Array, ArrayScalar
from odeanalysis.symbolic.printing.latex import formula_latex
from odeanalysis.symbolic.printing.latex_rules import lenient as as_latex
from odeanalysis.symbolic.printing.program import formula_text
from odeanalysis.symbolic.printing.text import lenient as as_text


def _text(self: Any, printer: Any) -> str:
    return as_text(self).text


def _latex(self: Any, printer: Any) -> str:
    return as_latex(self).text


def _display(self: Any) -> str:
    return rf"$\displaystyle {as_latex(self).text}$"


def _display_formula(self: Formula) -> str:
    return f"$${formula_latex(self)}$$"


EXPRESSION = {"_sympystr": _text, "_latex": _latex, "_repr_latex_": _display}
METHODS: dict[type, dict[str, Callable[..., str]]] = {
    Array: EXPRESSION,
    ArrayScalar: EXPRESSION,
    Formula: {"__str__": formula_text, "_repr_latex_": _display_formula},
}
for kind, methods in METHODS.items():
    for name, method in methods.items():
        setattr(kind, name, method)
