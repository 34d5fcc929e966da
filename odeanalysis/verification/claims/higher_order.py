"""Sec. 4, eq. (5)-(7): a model of order n is a system of first order in n blocks, and needs fewer parameters."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.derivations.solution import solution
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms import data_control, higher_order
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import sin, tanh
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.verification.claim import Claim, Evidence, Form, Gap
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.by_hand import Stated, against, agreement, states
from odeanalysis.verification.flows.jets import Equation
from odeanalysis.verification.proof import Step, derivation_holds, dsolved, identity, positive
from odeanalysis.verification.strategies.augmented import Size, ordered, sizes
from odeanalysis.verification.strategies.drawing import draw, stream

ID = "higher-order"
DRAWN = 3
Q, X, RATE, BEND = (ex.block(name) for name in ("z", "x", "rate", "bend"))
BLOCKS = ("v", "w", "u")

# ---------------------------------------------------------------- models with closed forms


def reflecting() -> Model:
    """z'' = -pi^2 z from (x, 0)."""
    return higher_order(Model({Q: -(sp.pi**2) * Q}, {Q: X}, (0, 1), (), (X,), name="reflecting"), "z", ("v",))


def cubic() -> Model:
    """z''' = 6 from (x, rate, bend)."""
    stated = Model({Q: 6}, {Q: X}, (0, 1), (RATE, BEND), (X,), name="cubic")
    return higher_order(stated, "z", ("v", "w"), {"v": RATE, "w": BEND})


def closed_forms() -> Iterator[tuple[Model, Any, Any]]:
    """(model, z by SymPy from the equation of order n, its highest derivative): no system is involved."""
    s, z = sp.Symbol("s", real=True), sp.Function("z")
    x, rate, bend = sp.symbols("x rate bend", real=True)
    velocity, force = z(s).diff(s), z(s).diff(s, 2)
    oscillation = dsolved(force + sp.pi**2 * z(s), z(s), {z(0): x, velocity.subs(s, 0): 0})
    yield reflecting(), oscillation, -(sp.pi**2) * oscillation
    yield cubic(), dsolved(z(s).diff(s, 3) - 6, z(s), {z(0): x, velocity.subs(s, 0): rate, force.subs(s, 0): bend}), sp.Integer(6)


# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    for order in (2, 3, 4):
        yield _system(order)
    yield from _solved()
    yield from _costates()
    yield from _counts()
    yield from derivation_holds([("a second-order network", ordered(Size(1, 1, 2, "constant", 1.0, 0)).problem)])


def _system(order: int) -> Step:
    """The derivative of order n of the first block along the system that the transform makes is f."""
    derivatives = [ex.block(name) for name in BLOCKS[: order - 1]]
    field = ex.add(ex.depth * sin(Q), *(ex.mul(i + 2, block, Q) for i, block in enumerate(derivatives)))
    stated = Model({Q: field}, {Q: X}, (0, 1), (), (X, *derivatives))
    slopes = dict(higher_order(stated, "z", derivatives).field)
    along = Q
    for _ in range(order):
        along = sum((sp.diff(along, block) * slope for block, slope in slopes.items()), sp.diff(along, ex.depth))
    return identity(f"order {order}: along z^i' = z^(i+1), z^n' = f the first block has d^{order} z/ds^{order} = f", along, field)


def _solved() -> Iterator[Step]:
    s, x, bend, rate = sp.symbols("s x bend rate", real=True)
    expected = (x * sp.cos(sp.pi * s), s**3 + bend * s**2 / 2 + rate * s + x)
    for (model, z, top), form in zip(closed_forms(), expected, strict=True):
        order = len(model.states)
        yield identity(f"{model.name}: SymPy solves the equation of order {order} by", z, form)
        yield identity(f"{model.name}: it satisfies the equation", sp.Derivative(z, (s, order)), top)
        made = solution(model)
        if made is None:
            raise LookupError(f"no closed form of the system {model.name!r} was found")
        for i, state in enumerate(model.states):
            derivative = z if i == 0 else sp.Derivative(z, (s, i))
            yield identity(f"{model.name}: block {i + 1} of the system is that derivative", _plain(made[state].items[0]), derivative)
    yield identity("reflecting: z(1) = -x", expected[0].subs(s, 1), -x)


def _plain(expression: Any) -> Any:
    """The expression over SymPy's own real symbols."""
    return expression.xreplace({leaf: sp.Symbol(leaf.name, real=True) for leaf in expression.free_symbols})


def _costates() -> Iterator[Step]:
    """Both forms have one gradient: the costate of the velocity solves the adjoint of the second-order equation."""
    s = sp.Symbol("s", real=True)
    costate, by_q, by_v = (sp.Function(name, real=True)(s) for name in ("a_p", "f_q", "f_p"))
    of_position = -sp.diff(costate, s) - by_v * costate
    left = sp.Derivative(costate, (s, 2)) + sp.Derivative(by_v * costate, s) - by_q * costate
    title = "a_p' = -a_q - f_p a_p and a_q' = -f_q a_p are the adjoint a_p'' + (f_p a_p)' - f_q a_p = 0 of z'' = f"
    yield identity(title, left, -sp.diff(of_position, s) - by_q * costate)


def _counts() -> Iterator[Step]:
    """One hidden layer of H units with biases, from a model whose lengths are symbols."""
    d, H = sp.symbols("d H", integer=True, positive=True)
    for order in (1, 2, 3):
        size = order * d
        expected = size * H + H + (H + 1) * size / order
        yield identity(
            f"order {order} has n_z H + H + (H + 1) n_z/{order} parameters, where n_z = {order} d", _count(order, d, H), expected
        )
    n_z, n = sp.symbols("n_z n", positive=True)
    extra = sp.Symbol("m", positive=True)
    saved = ((H + 1) * n_z * (1 - 1 / n)).subs(n, 1 + extra)
    yield positive("so that order n = 1 + m saves (H + 1) n_z (1 - 1/n)", saved)


def _count(order: int, d: sp.Symbol, H: sp.Symbol) -> sp.Expr:
    z, x = ex.block("z", d), ex.block("x", d)
    W, b, V, c = ex.block("W", H, d), ex.block("b", H), ex.block("V", d, H), ex.block("c", d)
    model = Model({z: V @ tanh(W @ z + b) + c}, {z: x}, (0, 1), (W, b, V, c), (x,))
    if order > 1:
        blocks = [ex.block(name, d) for name in BLOCKS[: order - 1]]
        model = data_control(higher_order(model, "z", blocks), "z", ex.concat(*blocks), {"W": (H, order * d)})
    return sp.Add(*(sp.Mul(*shape_of(leaf)) for leaf in model.parameters))


# ---------------------------------------------------------------- measurement


def _solved_by_hand(model: Model, values: Mapping[str, float], top: float, stiffness: float) -> Stated:
    """z^(n) = top - stiffness z, by hand."""
    start = np.array([[values["x"]], *([values.get(name, 0.0)] for name in ("rate", "bend")[: len(model.states) - 1])])
    equation = Equation(lambda s, jets: [top - stiffness * jets[0][:, 0]], (start,), 1.0)
    return Stated(f"{model.name}, x = {values['x']:.3g}", model, values, lambda given: equation)


def _closed(rng: np.random.Generator) -> Iterator[Gap]:
    """States at S = 1 against the closed forms, whose derivatives SymPy takes."""
    s = sp.Symbol("s", real=True)
    for (model, z, _), (top, stiffness) in zip(closed_forms(), ((0.0, np.pi**2), (6.0, 0.0)), strict=True):
        values = {leaf.name: float(rng.normal()) for leaf in model.names}
        known = [
            z.diff(s, i).subs({s: 1, **{sp.Symbol(name, real=True): value for name, value in values.items()}})
            for i in range(len(model.states))
        ]
        yield from against(_solved_by_hand(model, values, top, stiffness), np.array(known, dtype=float), "closed form")


def flipped(one: Stated) -> Stated:
    """The sabotaged form: z' = -z_p."""
    (position, slope), *rest = one.model.field
    return one.another(one.model.with_(field=((position, -slope), *rest)))


def _figure() -> Figure:
    s = np.linspace(0, 1, 60)
    lines = [line(f"z'' = -pi^2 z, x = {x:g}", s, x * np.cos(np.pi * s)) for x in (1.0, 0.5, -1.0)]
    return Figure(
        "Positions of models of second and third order: paths may cross",
        "s",
        "z",
        (*lines, line("z''' = 6 from (-1, 1, -2)", s, s**3 - s**2 + s - 1, "dashed")),
    )


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    drawn = [ordered(size) for size in draw(sizes((1, 2), (1, 3)), DRAWN, stream(seed, ID))]
    closed = tuple(_closed(rng))
    wrong = Form(tuple(gap for one in drawn for gap in states(flipped(one))))
    return Evidence(
        Form((*agreement(drawn, rng), *closed)),
        wrong,
        printed=Form((*(gap for one in drawn for gap in states(one)), *closed)),
        figures=(_figure(),),
    )


HIGHER_ORDER = Claim(
    id=ID,
    title="A model of order n is a first-order system of n blocks",
    source="Massaroli et al. 2020, Sec. 4, eq. (5)-(7)",
    printed=(
        "d^n z^1/ds^n = f_theta(s)(s, z, dz^1/ds, ..., d^{n-1}z^1/ds^{n-1}), z = [z^1, z^2, ..., z^n], z^i in R^{n_z/n} (7) or, "
        "equivalently, z'^i = z^{i+1}, z'^n = f_theta(s)(s, z). Note that the parameter efficiency of this method arises from the "
        "fact that f_theta(s) : R^{n_z} -> R^{n_z/n} instead of R^{n_z} -> R^{n_z}."
    ),
    corrected=(
        "d^n z^1/ds^n = f(s, z^1, dz^1/ds, ..., d^{n-1}z^1/ds^{n-1}) and z^i' = z^{i+1}, z^n' = f(s, z) have the same solutions and the "
        "same gradients. One hidden layer of H units with biases has n_z H + H + (H + 1) n_z/n parameters"
    ),
    hypotheses=(
        "n divides n_z",
        "(7) lists z^1 and its derivatives beside z, which consists of them: arguments that are repeated, a misprint of a symbol",
    ),
    prove=_proof,
    measure=_measure,
    shown=lambda: ordered(Size(1, 1, 2, "constant", 1.0, 0)).problem,
)
