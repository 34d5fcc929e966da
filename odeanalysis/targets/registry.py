"""The targets by name."""

from collections.abc import Callable

from odeanalysis.errors import TargetError
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.printing.latex import formula_latex
from odeanalysis.targets import numpy_, torch_

TARGETS: dict[str, Callable[[Formula], str]] = {"numpy": numpy_.emit, "torch": torch_.emit, "latex": formula_latex}


def emit(formula: Formula, target: str = "numpy") -> str:
    """The text of a formula for one of `TARGETS`; the same formula always has the same text. Raises TargetError."""
    if target not in TARGETS:
        raise TargetError(f"there is no target {target!r}; there are {', '.join(map(repr, sorted(TARGETS)))}")
    return TARGETS[target](formula)
