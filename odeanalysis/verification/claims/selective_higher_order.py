"""Sec. 4 and its supplement: only some coordinates get a velocity. The text states the purpose; the definition is ours.

z = [z_q, z_e],   z_q' = z_p,   z_p' = f_p(s, z, z_p),   z_e' = f_e(s, z, z_p)
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.derivations.solution import solution
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms import higher_order
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.explicit import explicit
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.by_hand import CLOSE, Stated, against, agreement, apart, states
from odeanalysis.verification.flows.jets import WAYS, Equation, Jets
from odeanalysis.verification.flows.sphere_maps import dets
from odeanalysis.verification.proof import Step, dsolved, fact, identity, kept_orientation
from odeanalysis.verification.strategies.augmented import Size, ordered, selective, sizes, vanilla
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.flows import flows

ID = "selective-higher-order"
DRAWN, PLANAR = 2, 2
Z, X = ex.block("z", 2), ex.block("x", 2)

# ---------------------------------------------------------------- the instance


def reflecting(selected: int = 1) -> Model:
    """z_q'' = -pi^2 z_q, z_p(0) = 0, z_e' = 0: (x, y) -> (-x, y)."""
    stated = Model({Z: ex.concat(-(sp.pi**2) * Z[0], 0)}, {Z: X}, (0, 1), (), (X,), name="reflecting")
    return higher_order(stated, "z", ("v",), selected=selected)


def by_hand(x: np.ndarray) -> Stated:
    def read(jets: Jets) -> np.ndarray:
        return np.array([jets[0][0, 0], jets[1][0, 0], jets[0][1, 0]])

    def highest(s: np.ndarray, jets: Jets) -> Jets:
        return [-(np.pi**2) * jets[0][:, 0], np.zeros_like(jets[1][:, 0])]

    equation = Equation(highest, (np.array([[x[0]], [0.0]]), np.array([[x[1]]])), 1.0)
    return Stated(f"z_q'' = -pi^2 z_q, z_e' = 0 from ({x[0]:.3g}, {x[1]:.3g})", reflecting(), {"x": x}, lambda values: equation, read)


# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    yield from _ends_of_the_range()
    yield from _solved()
    yield from kept_orientation(2)


def _ends_of_the_range() -> Iterator[Step]:
    size = Size(3, 2, 2, "constant", 1.0, 0)
    whole, all_of_them = (higher_order(size.narrow, "z", ("v",), selected=selected) for selected in (None, size.n))
    yield fact("n_a = n_x is the system (6)", whole == all_of_them)
    made = higher_order(size.narrow, "z", ("v",), selected=size.added)
    lengths = sum(shape_of(state)[0] for state in made.states)
    yield identity("the state has n_x + n_a coordinates, here for n_x = 3 and n_a = 2", sp.Integer(lengths), size.n + size.added)


def _solved() -> Iterator[Step]:
    s, x, y = sp.symbols("s x y", real=True)
    q = sp.Function("q")
    oscillation = dsolved(q(s).diff(s, 2) + sp.pi**2 * q(s), q(s), {q(0): x, q(s).diff(s).subs(s, 0): 0})
    yield identity("z_q'' = -pi^2 z_q from (x, 0) is solved by", oscillation, x * sp.cos(sp.pi * s))
    yield identity("it satisfies the equation", sp.Derivative(oscillation, (s, 2)), -(sp.pi**2) * oscillation)
    made = solution(reflecting())
    if made is None:
        raise LookupError("no closed form of the selective system was found")
    found = sp.Matrix([_plain(entry, (x, y)) for entry in made[reflecting().states[0]].items])
    yield identity("the system that the transform makes is solved by", found, sp.Matrix([oscillation, y]))
    end = found.subs(s, 1)
    yield identity("at s = 1", end, sp.Matrix([-x, y]))
    yield identity("the determinant of this map", sp.Determinant(end.jacobian([x, y])), -1)


def _plain(expression: Any, names: tuple[sp.Symbol, ...]) -> Any:
    """The expression over SymPy's own symbols: the entries of x by their names, and the depth."""
    entries = dict(zip(explicit(X).items, names, strict=True))
    return expression.xreplace({**entries, ex.depth: sp.Symbol("s", real=True)})


# ---------------------------------------------------------------- measurement


def _reflected(x: np.ndarray) -> Iterator[Gap]:
    """z(1) = (-x, y), with velocity 0."""
    yield from against(by_hand(x), np.array([-x[0], x[1], 0.0]), "closed form")


def _extremes(size: Size) -> Iterator[Gap]:
    """None selected: the first-order network. All selected: the second-order one."""
    none = replace(vanilla(size), model=higher_order(size.narrow, "z", ("v",), selected=0), seen=("z",))
    yield from states(replace(none, title=f"none of {size.n} selected, {size}"))
    order_two = ordered(replace(size, added=1))
    whole = selective(replace(size, added=size.n)).with_values(**{**order_two.values, "U": order_two.values["U"][0]})
    for way in WAYS:
        yield Gap(f"all of {size.n} selected, {order_two.title}", way, apart(whole.final, order_two.written(way)), CLOSE)


def resting(one: Stated) -> Stated:
    """The sabotaged form: the coordinates without a velocity rest."""
    (z, slope), *others = one.model.field
    count = shape_of(others[0][0])[0]
    stopped = ex.concat(ex.index(slope, slice(None, count)), ex.zeros(shape_of(z)[0] - count))
    return one.another(one.model.with_(field=((z, stopped), *others)))


def _orientation(seed: int) -> Iterator[Check]:
    """Drawn flows of the plane keep the orientation, which the instance reverses."""
    x = random(seed, f"{ID} plane").normal(size=(2, 2))
    for one in draw(flows(2), PLANAR, stream(seed, f"{ID} plane")):
        for way, found in dets(one, x).items():
            yield within(f"-det D phi of a flow of the plane is below 0, {way}: {one.title}", -float(np.min(found)), 0.0)
    for way in WAYS:
        columns = [by_hand(unit).written(way)[:2] for unit in np.eye(2)]
        yield within(f"the instance is linear in (x, y) and has the determinant -1, {way}", abs(np.linalg.det(columns) + 1), CLOSE)


def _figure() -> Figure:
    s = np.linspace(0, 1, 60)
    starts = [np.array([x, y]) for x, y in ((1.0, 0.2), (0.5, 0.6), (-0.8, 0.4))]
    lines = [line(f"from ({x[0]:g}, {x[1]:g})", *by_hand(x).path(s)[:, :2].T) for x in starts]
    return Figure("One coordinate has a velocity: (x, y) goes to (-x, y), and the axis x = 0 is crossed", "z_q", "z_e", tuple(lines))


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    drawn = draw(sizes((3, 3), (1, 2)), DRAWN, stream(seed, ID))
    models = [selective(size) for size in drawn]
    right = Form((*agreement(models, rng), *_extremes(replace(drawn[-1], n=2)), *_reflected(rng.normal(size=2))))
    wrong = Form(tuple(gap for one in models for gap in states(resting(one))))
    few = Form(tuple(gap for one in models for gap in states(one)))
    return Evidence(right, wrong, printed=few, extra=tuple(_orientation(seed)), figures=(_figure(),))


SELECTIVE_HIGHER_ORDER = Claim(
    id=ID,
    title="Velocities of a few coordinates alone: augmentation by any number of dimensions",
    source="Massaroli et al. 2020, Sec. 4; the definition is ours, since the text states only the purpose",
    printed=(
        "To allow for flexible augmentations of few dimensions n_a < n_x, the formulation of second-order Neural ODEs can be modified to "
        "select only a few dimensions to have higher order dynamics."
    ),
    corrected=(
        "z = [z_q, z_p, z_e], z_q' = z_p, z_p' = f_p, z_e' = f_e, with n_x + n_a coordinates: n_a = 0 is first order, n_a = n_x is (6). "
        "z_q'' = -pi^2 z_q from z_p = 0 with z_e' = 0 takes (x, y) to (-x, y), which no flow of the plane does: its determinant is -1, "
        "and det D phi = exp int div f is positive"
    ),
    hypotheses=("0 <= n_a <= n_x", "f is Lipschitz in the whole state"),
    prove=_proof,
    measure=_measure,
    shown=lambda: selective(Size(2, 1, 2, "constant", 1.0, 0)).problem,
)
