"""Which methods take steps on tensors."""

from odeanalysis.errors import ModelError, question
from odeanalysis.tableaus import METHODS, Tableau

KINDS = ("explicit", "rosenbrock")


def on_tensors(name: str) -> Tableau:
    """The tableau of a method. Raises ModelError for one whose steps are no closed formulas: such are taken on arrays alone."""
    known = [one for one in METHODS if METHODS[one].kind in KINDS]
    if name in known:
        return METHODS[name]
    if name in METHODS:
        raise ModelError(
            f"method {name!r} is {METHODS[name].kind}: its steps are taken on arrays by odeanalysis, not on tensors; "
            "take rodas5p or rosenbrock23, which are for stiff problems too"
        )
    raise ModelError(f"there is no method {name!r} on tensors; {question(name, known)}take one of {', '.join(known)}")
