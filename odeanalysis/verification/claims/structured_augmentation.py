"""Sec. 4: an input network that leaves the data as they are, h_x = [x, xi(x)]: they are kept at s = 0, and nothing keeps them after."""

from collections.abc import Iterator

import numpy as np
import sympy as sp

from odeanalysis.modeling.transforms import structured_augmentation
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification.claim import Claim, Evidence, Form, Gap
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.by_hand import CLOSE, Stated, against, agreement, apart, same_bits, same_ends
from odeanalysis.verification.proof import Step, half_turn, identity, positive
from odeanalysis.verification.strategies import augmented
from odeanalysis.verification.strategies.augmented import Size, affine, layer, sizes, structured, zero
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.exact_flows import linear

ID = "structured-augmentation"
DRAWN, POINTS = 3, 5
SLOPE = 0.5

# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    x, u = sp.Matrix(sp.symbols("x_1 x_2", real=True)), sp.Matrix([sp.Symbol("u_1", real=True)])
    U = sp.Matrix(1, 2, sp.symbols("U_1 U_2", real=True))
    whole = sp.MatAdd(sp.MatMul(sp.eye(2).col_join(U), x), sp.zeros(2, 1).col_join(u))
    yield identity("[x, U x + u] is the input layer H = [I; U], h = [0; u]", whole, x.col_join(U * x + u))
    n, added = sp.symbols("n_x n_a", positive=True, integer=True)
    saved = (n + added) * (n + 1) - added * (n + 1)
    yield identity("an affine xi costs n_a (n_x + 1) parameters instead of n_z (n_x + 1): fewer by", saved, n * (n + 1))
    yield positive("which is above 0", n * (n + 1))
    yield from _half_turn()


def closed_form() -> sp.Expr:
    """The first coordinate of exp(pi J s) [x, k x], by SymPy."""
    s, x, k = sp.symbols("s x k", real=True)
    return ((sp.pi * s * sp.Matrix([[0, -1], [1, 0]])).exp() * sp.Matrix([x, k * x]))[0]


def _half_turn() -> Iterator[Step]:
    s, x, k = sp.symbols("s x k", real=True)
    first = closed_form()
    yield from half_turn(s)
    yield identity("half a turn of [x, k x]: the first coordinate", first, x * (sp.cos(sp.pi * s) - k * sp.sin(sp.pi * s)))
    yield identity("it begins with x", first.subs(s, 0), x)
    yield identity("which it leaves at once, at the rate", sp.Subs(sp.Derivative(first, s), s, 0), -sp.pi * k * x)
    yield identity("to arrive at -x", first.subs(s, 1), -x)


# ---------------------------------------------------------------- measurement


def _kept(one: Stated, n: int, data: np.ndarray) -> Iterator[Gap]:
    """The first coordinates at s = 0 are the data, to the bit."""
    starts = {"solver": one.starts(data), "by hand": one.hand_starts(data)}
    yield from same_bits(f"the first coordinates at s = 0, {one.title}", {way: (start[:, :n], data) for way, start in starts.items()})


def _inclusions(size: Size) -> Iterator[Gap]:
    """xi = 0 has the bits of 0-augmentation; an affine xi is the input layer [I; U], [0; u]."""
    plain, one = zero(size), affine(size)
    U, u = one.values["U"], one.values["u"]
    yield from same_ends("the states of 0-augmentation, where xi = 0", plain, one.with_values(**plain.values, U=0 * U, u=0 * u))
    shared = {name: value for name, value in one.values.items() if name not in ("U", "u")}
    other = layer(size).with_values(**shared, H=np.concatenate([np.eye(size.n), U]), h=np.concatenate([np.zeros(size.n), u]))
    for way, found in one.ends.items():
        yield Gap(f"an affine xi against the input layer [I; U], [0; u], {one.title}", way, apart(found, other.ends[way]), CLOSE)


def _turned(x: float) -> Stated:
    """Half a turn of [x, x/2]."""
    model = structured_augmentation(linear(1), "z", ex.block("x", 1) * sp.Rational(1, 2), {"A": (2, 2)})
    title = f"half a turn of [x, x/2], x = {x:.3g}"
    return augmented.half_turn(title, model, {"x": [x]}, lambda values: np.append(values["x"], SLOPE * np.asarray(values["x"])))


def _known(x: float) -> np.ndarray:
    s, data, k = sp.symbols("s x k", real=True)
    return np.array([float(closed_form().subs({s: 1, data: x, k: SLOPE}))])


def _along(one: Stated) -> Iterator[Gap]:
    """The sabotaged form: the first coordinates are the data at S too."""
    yield from against(one, np.asarray(one.values["x"]), "the data at S")


def _figure(one: Stated) -> Figure:
    """How far the first coordinates are from the data along half a turn and along a drawn network."""
    s = np.linspace(0, float(one.model.domain[1]), 60)
    n = len(one.values["x"])
    away = np.max(np.abs(one.path(s)[:, :n] - one.values["x"]), axis=1)
    unit = np.linspace(0, 1, 60)
    turned = np.abs(np.cos(np.pi * unit) - SLOPE * np.sin(np.pi * unit) - 1)
    lines = (line("half a turn of [1, 1/2]", unit, turned), line(one.title, np.abs(s), away))
    return Figure("Distance of the first coordinates from the data", "|s|", "largest |z_i(s) - x_i|", lines)


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    drawn = draw(sizes(), DRAWN, stream(seed, ID))
    models = [structured(size) for size in drawn]
    x = float(rng.normal())
    kept = [gap for size, one in zip(drawn, models, strict=True) for gap in _kept(one, size.n, rng.normal(size=(POINTS, size.n)))]
    right = Form(
        (
            *kept,
            *agreement(models, rng),
            *(gap for size in drawn for gap in _inclusions(size)),
            *against(_turned(x), _known(x), "closed form"),
        )
    )
    along = Form(tuple(gap for one in (*models, _turned(x)) for gap in _along(one)))
    return Evidence(right, along, printed=Form(tuple(kept)), figures=(_figure(models[-1]),))


STRUCTURED_AUGMENTATION = Claim(
    id=ID,
    title="Augmentation that leaves the data as they are does so at s = 0 only",
    source="Massaroli et al. 2020, Sec. 4",
    printed=(
        "In applications where maintaining the structure of the first n_x dimensions is important, e.g. approximation of dynamical "
        "systems, a parameter efficient alternative of (4) can be obtained by modifying the input network h_x to only affect the "
        "additional n_a dimensions, i.e. h_x := [x, xi(x)], xi : R^{n_x} -> R^{n_a}."
    ),
    corrected=(
        "the first n_x coordinates of z(0) are x, bit for bit, and an affine xi costs n_x (n_x + 1) parameters less than a linear layer; "
        "xi = 0 is 0-augmentation, an affine xi the input layer H = [I; U], h = [0; u]. At s = 0 only: the flow moves these coordinates"
    ),
    hypotheses=("data are finite", "that x is kept is said of h_x, not of the flow: z' = pi J z takes [x, k x] to [-x, -k x]"),
    prove=_proof,
    measure=_measure,
    shown=lambda: structured(Size(1, 1, 2, "constant", 1.0, 0)).problem,
)
