"""torchdiffeq's names of methods, and what they mean here.

Its `rk4` is Kutta's 3/8 rule. Three of its methods are not among ours and are stated here; those that are no one-step methods, or no
methods on tensors, are refused.
"""

from dataclasses import dataclass

from odeanalysis.errors import ModelError, question
from odeanalysis.tableaus import Tableau, tableau
from odeanalysis.tableaus.exact import numbers, rows

HEUN3 = Tableau(
    name="heun3",
    order=3,
    c=numbers("0 1/3 2/3"),
    a=rows("0; 1/3; 0 2/3"),
    b=numbers("1/4 0 3/4"),
)
ADAPTIVE_HEUN = Tableau(
    name="adaptive_heun",
    order=2,
    embedded_order=1,
    c=numbers("0 1"),
    a=rows("0; 1"),
    b=numbers("1/2 1/2"),
    b_hat=numbers("0 1"),
)
FEHLBERG2 = Tableau(
    name="fehlberg2",
    order=2,
    embedded_order=1,
    c=numbers("0 1/2 1"),
    a=rows("0; 1/2; 1/256 255/256"),
    b=numbers("1/512 255/256 1/512"),
    b_hat=numbers("1/256 255/256"),
)

ADAPTIVE: dict[str, str | Tableau] = {
    "dopri8": "dopri8",
    "dopri5": "dopri5",
    "tsit5": "tsit5",
    "bosh3": "bosh3",
    "fehlberg2": FEHLBERG2,
    "adaptive_heun": ADAPTIVE_HEUN,
}
FIXED: dict[str, str | Tableau] = {
    "euler": "euler",
    "midpoint": "midpoint",
    "heun2": "heun2",
    "heun3": HEUN3,
    "rk4": "rk4_38",
}
MULTISTEP = "is a multistep method, and steps here know no step before; take rk4 with the same step_size, or dopri5"
REFUSED = {
    "explicit_adams": MULTISTEP,
    "implicit_adams": MULTISTEP,
    "fixed_adams": MULTISTEP,
    "scipy_solver": "has no gradients; take dopri5 or dopri8, or solve a stated Model by SciPy's methods with odeanalysis.solve_problem",
}
DEFAULT = "dopri5"


@dataclass(frozen=True)
class Method:
    """A method under its name in torchdiffeq."""

    name: str
    tableau: Tableau
    adaptive: bool


def method(name: str | None) -> Method:
    """The method of a name; None is dopri5. Raises ModelError for a name that is none, or is refused, and says what to take."""
    name = DEFAULT if name is None else name
    if name in REFUSED:
        raise ModelError(f"method {name!r} {REFUSED[name]}")
    known = {**ADAPTIVE, **FIXED}
    if name not in known:
        raise ModelError(f"there is no method {name!r}; {question(name, known)}take one of {', '.join(known)}")
    meant = known[name]
    return Method(name, tableau(meant) if isinstance(meant, str) else meant, name in ADAPTIVE)
