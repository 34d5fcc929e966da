"""Sec. 4, eq. (4): an input layer chooses the initial value; it contains 0-augmentation, and reaches maps that this one does not."""

from collections.abc import Iterator

import numpy as np
import sympy as sp

from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms import input_layer
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.by_hand import CLOSE, Stated, against, agreement, apart, same_ends
from odeanalysis.verification.flows.jets import WAYS
from odeanalysis.verification.proof import Step, derivation_holds, half_turn, identity
from odeanalysis.verification.strategies import augmented
from odeanalysis.verification.strategies.augmented import Size, layer, sizes, zero
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.exact_flows import linear

ID = "input-layer"
DRAWN = 3
FREE = 1e-2
DATA = np.linspace(-2, 2, 41)
PLANE = Size(1, 1, 3, "constant", 1.0, 0)

# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    n, wide = sp.symbols("n_x n_z", integer=True)
    x, y = (sp.Matrix(sp.symbols(f"{name}_1 {name}_2", real=True)) for name in "xy")
    layer_of_x = sp.MatAdd(sp.MatMul(sp.eye(3)[:, :2], x), sp.zeros(3, 1))
    yield identity("h_x(x) = H x + h is (x, 0) for H = [I; 0], h = 0", layer_of_x, x.col_join(sp.zeros(1, 1)))
    yield identity("a linear layer costs n_z (n_x + 1) parameters", _cost(n, wide), wide * (n + 1))
    yield from _odd()
    yield from half_turn(sp.Symbol("s", real=True))
    yield identity("so that z' = pi J z takes h_x(x) = y to -y", sp.MatMul(-sp.eye(2), y), -y)
    yield from derivation_holds([("an input layer", layer(PLANE).problem)])


def _cost(n: sp.Symbol, wide: sp.Symbol) -> sp.Expr:
    """The entries of the parameters that the transform adds to a model whose lengths are symbols."""
    z, x, A = ex.block("z", n), ex.block("x", n), ex.block("A", n, n)
    model = Model({z: A @ z}, {z: x}, (0, 1), (A,), (x,))
    made = input_layer(model, "z", wide, "H", "h", {"A": (wide, wide)})
    return sp.Add(*(sp.Mul(*shape_of(leaf)) for leaf in made.parameters if leaf.name != "A"))


def _odd() -> Iterator[Step]:
    """Where f is odd, -z(s) solves the equation of z(s): from [x, 0] all maps are odd, from H x + h they are not."""
    z, h = (sp.Matrix(sp.symbols(f"{name}_1 {name}_2", real=True)) for name in "zh")
    W, V = (sp.Matrix(2, 2, sp.symbols(f"{name}_1:5", real=True)) for name in "wv")

    def field(state: sp.Matrix) -> sp.Matrix:
        return V * (W * state).applyfunc(sp.tanh)

    yield identity("f = V tanh(W z) is odd, so that 0-augmentation sends -x to -z(S), and 0 to 0", field(-z), -field(z))
    yield identity("while an input layer starts the datum 0 at h", sp.MatAdd(sp.MatMul(W, sp.zeros(2, 1)), h), h)


# ---------------------------------------------------------------- measurement


def _contained(size: Size) -> Iterator[Gap]:
    """0-augmentation with the same weights has the bits of H = [I; 0] and h = 0."""
    one = zero(size)
    other = layer(size).with_values(**one.values, H=np.eye(size.total, size.n), h=np.zeros(size.total))
    yield from same_ends("the states of 0-augmentation", one, other)


def _turned(rng: np.random.Generator) -> Iterator[Gap]:
    """z' = pi J z from H x + h: z(1) = -(H x + h)."""
    model = input_layer(linear(1), "z", 2, "H", "h", {"A": (2, 2)})
    values = {"H": rng.normal(size=(2, 1)), "h": rng.normal(size=2), "x": rng.normal(size=1)}
    title = f"half a turn of H x + h, x = {values['x'][0]:.3g}"
    one = augmented.half_turn(title, model, values, lambda given: given["H"] @ given["x"] + given["h"])
    yield from against(one, -(values["H"] @ values["x"] + values["h"]), "closed form")


def unbiased(one: Stated) -> Stated:
    """The same network without biases: its field is odd in the state."""
    return one.with_values(b=np.zeros_like(one.values["b"]))


def _at_zero(one: Stated) -> Stated:
    """The datum 0 under an odd field."""
    return unbiased(one).with_values(x=np.zeros(len(one.values["x"])))


def _constrained(size: Size) -> Check:
    kept = float(np.max(np.abs(_at_zero(zero(size)).final)))
    return within(f"0-augmentation keeps the datum 0 under an odd field: {size}", kept, CLOSE)


def _freed(size: Size) -> Iterator[Gap]:
    """An input layer moves the datum 0, which 0-augmentation keeps: by how much of FREE it moves it less."""
    free = _at_zero(layer(size))
    for way in WAYS:
        moved = float(np.max(np.abs(free.written(way))))
        yield Gap(f"the datum 0 under an odd field, {size}", way, max(0.0, 1 - moved / FREE), CLOSE)


def _without_shift(drawn: list[Stated]) -> Iterator[Gap]:
    """The sabotaged form: z(0) = H x."""
    for one in drawn:
        for way in WAYS:
            dropped = one.written(way, {**one.values, "h": np.zeros_like(one.values["h"])})
            yield Gap(f"states, {one.title}", way, apart(one.final, dropped), CLOSE)


def _figure() -> Figure:
    """The first coordinate of z(1) over scalar data for an odd field."""
    lines = []
    for label, make in (("0-augmentation", zero), ("input layer", layer)):
        one = unbiased(make(PLANE))
        lines.append(line(label, DATA, [one.with_values(x=np.array([x])).final[0] for x in DATA]))
    return Figure("The map of scalar data under one odd field: odd from [x, 0], free from H x + h", "x", "z1(1)", tuple(lines))


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    drawn = draw(sizes(), DRAWN, stream(seed, ID))
    layers = [layer(size) for size in drawn]
    contained = [gap for size in drawn for gap in _contained(size)]
    return Evidence(
        Form((*agreement(layers, rng), *contained, *_turned(rng))),
        Form(tuple(_without_shift(layers))),
        printed=Form((*contained, *(gap for size in drawn for gap in _freed(size)))),
        extra=tuple(map(_constrained, drawn)),
        figures=(_figure(),),
    )


INPUT_LAYER = Claim(
    id=ID,
    title="An input layer chooses the initial value, and contains 0-augmentation",
    source="Massaroli et al. 2020, Sec. 4, eq. (4)",
    printed=(
        "z(0) = h_x(x) (4) (...) This approach (4) gives the model more freedom in determining the initial condition for the IVP instead "
        "of constraining it to a concatenation of x and 0, at a small parameter cost if h_x is, e.g., a linear layer."
    ),
    corrected=(
        "z(0) = H x + h costs n_z (n_x + 1) parameters, which get their gradients through z(0): dell/dH = a(0) x^T, dell/dh = a(0). "
        "0-augmentation is the case H = [I; 0], h = 0, bit for bit up to the sign of zero; under an odd field it makes odd maps only, an "
        "input layer others too"
    ),
    hypotheses=("data are finite", "f is Lipschitz in z, so that z(0) determines z(S)"),
    prove=_proof,
    measure=_measure,
    shown=lambda: layer(PLANE).problem,
)
