"""Expressions and formulas as LaTeX."""

from collections.abc import Iterator, Mapping
from typing import Any

from odeanalysis.symbolic.formula import Formula, name_of
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.printing.latex_names import escaped, name_latex
from odeanalysis.symbolic.printing.latex_rules import shape_latex, strict
from odeanalysis.symbolic.shapes import Shape

COMMA = r",\ "


def latex(expression: Any) -> str:
    r"""The LaTeX of an expression, for mathematics mode with amsmath.

    A vector is a column, so that `v @ W` is W^T v and `dot(u, v)` is u^T v; a scalar added to an array is multiplied by ones; indices count
    from 0, as in Python. Raises TargetError for a node that is not of the vocabulary.
    """
    return strict(expression).text


def formula_latex(formula: Formula, labels: Mapping[str, str] | None = None) -> str:
    r"""A formula as an `aligned` environment: its source, the shapes of its inputs (W \in R^{4 x 2}), a line for each let and output.

    labels: output name -> LaTeX of its left side; by default the formula's name with the output's name below.
    Raises TargetError for a node that is not of the vocabulary.
    """
    rows = " \\\\\n".join(_rows(formula, labels or {}))
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def _rows(formula: Formula, labels: Mapping[str, str]) -> Iterator[str]:
    if formula.source:
        yield rf"&\text{{{escaped(formula.source)}}}"
    for shape, leaves in _by_shape(formula.inputs).items():
        yield f"{COMMA.join(map(leaf_latex, leaves))} &{_in(shape)}"
    for leaf, expression in formula.lets:
        yield f"{leaf_latex(leaf)} &= {latex(expression)}{_shaped(expression)}"
    for name, expression in formula.outputs:
        label = labels.get(name) or _label(formula.name, name, bool(shape_of(expression)))
        yield f"{label} &= {latex(expression)}{_shaped(expression)}"


def leaf_latex(leaf: Leaf) -> str:
    """A name, in bold where it is an array."""
    return name_latex(name_of(leaf), bold=bool(shape_of(leaf)))


def _label(formula: str, output: str, bold: bool) -> str:
    return rf"\mathrm{{{escaped(formula)}}}_{{{name_latex(output, bold)}}}"


def _by_shape(leaves: tuple[Leaf, ...]) -> dict[Shape, list[Leaf]]:
    groups: dict[Shape, list[Leaf]] = {}
    for leaf in leaves:
        groups.setdefault(shape_of(leaf), []).append(leaf)
    return groups


def _in(shape: Shape) -> str:
    return rf"\in \mathbb{{R}}^{{{shape_latex(shape)}}}" if shape else r"\in \mathbb{R}"


def _shaped(expression: Any) -> str:
    return rf" \;{_in(shape_of(expression))}" if shape_of(expression) else ""
