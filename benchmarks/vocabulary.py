"""Problems and formulas that make the derivations read every entry of the rule tables, where those of the tests do not."""

from collections.abc import Callable
from typing import Any

import sympy as sp

import odeanalysis as oda
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import Formula, formula
from odeanalysis.symbolic.functions import FUNCTIONS

INSIDE = {"asin": 0.3, "acos": 0.3, "log": 1.0}  # arguments of what is defined on a part of the line are small, or moved
MOVED = {"log": 3}


def every_function(argument: Any, moved: Any) -> Any:
    """The sum of all elementary functions of an argument; those that jump take one that does not move."""
    terms = []
    for name, function in FUNCTIONS.items():
        inner = moved if function.kink == "jump" else INSIDE.get(name, 1.0) * argument + MOVED.get(name, 0)
        terms.append(function(inner) if function.arity == 1 else function(inner, moved) * inner)
    return ex.add(*terms) / len(terms)


def scalars() -> tuple[oda.Problem, dict[str, Any]]:
    """Every function of a scalar, in the field and in the terminal cost."""
    z, k, x = oda.block("z"), oda.block("k"), oda.block("x")
    model = oda.Model({z: every_function(k * z, k)}, {z: x}, (0, 0.5), (k,), (x,), name="scalars")
    return oda.Problem(model, oda.Objective(every_function(z / 2, k))), {"k": 0.7, "x": 0.9}


def arrays() -> tuple[oda.Problem, dict[str, Any]]:
    """Every function of a vector."""
    z, W, x = oda.block("z", 2), oda.block("W", 2, 2), oda.block("x", 2)
    model = oda.Model({z: every_function(W @ z, x)}, {z: x}, (0, 0.5), (W,), (x,), name="arrays")
    return oda.Problem(model, oda.Objective(oda.sumsq(z))), {"W": [[0.5, -0.4], [0.3, 0.8]], "x": [0.9, -0.6]}


PROBLEMS: dict[str, Callable[[], tuple[oda.Problem, dict[str, Any]]]] = {"scalars": scalars, "arrays": arrays}

x, y, W = oda.block("x", 4), oda.block("y", 4), oda.block("W", 4, 4)
c, k = oda.block("c", 1), oda.block("k")
m = sp.Rational(3, 2)


def formulas() -> list[tuple[Formula, dict[Any, str]]]:
    """Formulas whose Jacobians have every structure there is, with the pairs (input: output) of which they have a divergence."""
    turned = oda.dot(x, y) * oda.exp(y)
    stated = {
        "diagonal": oda.concat(oda.tanh(x)[1:3], oda.sin(x)[::2]),
        "outer": oda.concat(turned[1:], turned[:1]) + oda.dot(x, x) * oda.concat(y[2:], y[:2]),
        "product": oda.concat((W.T @ oda.exp(x / 3))[1:], (W @ x)[0]),
        "placed": oda.concat(oda.concat(x[2:], x[:2])[1:], x[0] * k),
        "power": (x**2 + 1) ** m + x**2 * k,
        "filled": ex.full(x[0] * x[1], (4,)) + oda.where(x > 0, x, k * x**2),
        "solved": ex.solve(oda.eye(4) + oda.outer(x, y) / 9 + oda.diag(x**2), y + W @ x),
        "matrix": oda.diag(oda.diag(W) * x) @ y + (W * x[0] + oda.outer(x, x)) @ x,
        "rows": ex.sum_to(oda.outer(y, oda.tanh(x)), (4,)) + x @ W,
        "one for all": c * oda.tanh(x) * y,
        "set in": ex.place(oda.sin(x[1:3]), (sp.Tuple(1, 2, 1),), (4,)) * x,
    }
    return [(formula(name, [x, y, W, c, k], {"f": value}), {x: "f"}) for name, value in stated.items()]
