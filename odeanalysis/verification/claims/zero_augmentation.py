"""Sec. 4: 0-augmentation starts more coordinates at 0; it contains the vanilla model and is one of the input layers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp

from odeanalysis.modeling.transforms import zero_augmentation
from odeanalysis.verification.claim import Claim, Evidence, Form, Gap, Theorem
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.by_hand import CLOSE, Stated, against, agreement, apart, same_bits, same_ends
from odeanalysis.verification.proof import Step, half_turn, identity
from odeanalysis.verification.strategies import augmented
from odeanalysis.verification.strategies.augmented import Size, layer, sizes, vanilla, zero
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.exact_flows import linear

ID = "zero-augmentation"
DRAWN = 3
# finite numbers at which a product or a sum might be rounded, overflow or vanish
HOSTILE = (np.finfo(float).max, np.finfo(float).smallest_normal, 5e-324, -0.0, 0.0, 0.1, -1 / 3, 1e16 + 2)


# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    first, second = sp.symbols("x_1 x_2", real=True)
    x = sp.Matrix([first, second])
    more = x.col_join(sp.zeros(1, 1))
    layer_of_x = sp.MatAdd(sp.MatMul(sp.eye(3)[:, :2], x), sp.zeros(3, 1))
    yield identity("[x, 0] = H x + h with H = [I; 0] and h = 0", layer_of_x, more)
    yield from _vanilla()
    yield from half_turn(sp.Symbol("s", real=True))
    title = "so that z' = pi J z takes [x, 0] to [-x, 0]: one coordinate more reflects x, which no scalar flow does"
    yield identity(title, sp.MatMul(-sp.eye(2), sp.Matrix([first, 0])), sp.Matrix([-first, 0]))


def _vanilla() -> Iterator[Step]:
    """The field on [y, 0] is [f(y), 0] where the last rows of V are 0, so that [y, 0] solves the wide equation."""
    y, b, more = (sp.Matrix(sp.symbols(f"{name}_1 {name}_2", real=True)) for name in "ybu")
    W, V = (sp.Matrix(2, 2, sp.symbols(f"{name}_1:5", real=True)) for name in "wv")
    none = sp.zeros(1, 1)
    wide = V.col_join(sp.zeros(1, 2)) * (W.row_join(more) * y.col_join(none) + b).applyfunc(sp.tanh)
    narrow = V * (W * y + b).applyfunc(sp.tanh)
    yield identity("V = [V_0; 0]: the wide field at [y, 0] is [f(y), 0], which contains the vanilla model", wide, narrow.col_join(none))


# ---------------------------------------------------------------- measurement


@dataclass(frozen=True, eq=False)
class Seen:
    """A 0-augmented network of some size."""

    size: Size
    one: Stated

    def as_layer(self, rows: np.ndarray) -> Iterator[Gap]:
        """Against an input layer H x with the same weights: bits of the states, and of the starts at hostile data."""
        one, other = self.one, layer(self.size).with_values(**self.one.values, H=rows, h=np.zeros(self.size.total))
        yield from same_ends("the states at S", one, other)
        x = np.array(HOSTILE)[(np.arange(len(HOSTILE))[:, None] + np.arange(self.size.n)) % len(HOSTILE)]
        starts = {"solver": (one.starts(x), other.starts(x)), "by hand": (one.hand_starts(x), other.hand_starts(x))}
        yield from same_bits(f"the starts at hostile data, {one.title}", starts)

    def vanilla(self) -> Iterator[Gap]:
        """Where the last rows of V are 0, the added coordinates stay 0 to the bit, and the others follow the narrow network."""
        n, W, V = self.size.n, self.one.values["W"], self.one.values["V"].copy()
        V[..., n:, :] = 0
        wide = self.one.with_values(V=V)
        narrow = vanilla(self.size).with_values(**{**self.one.values, "W": W[..., :n], "V": V[..., :n, :]})
        added = {way: (end[n:], np.zeros(self.size.added)) for way, end in wide.ends.items()}
        yield from same_bits(f"added coordinates that stay 0, {wide.title}", added)
        for way, known in narrow.ends.items():
            yield Gap(f"vanilla states, {wide.title}", way, apart(wide.ends[way][:n], known), CLOSE)


def _turned(x: float) -> Iterator[Gap]:
    """Half a turn in the plane of a coordinate and an added one: z(1) = [-x, 0]."""
    model = zero_augmentation(linear(1), "z", 1, {"A": (2, 2)})
    one = augmented.half_turn(f"half a turn of [x, 0], x = {x:.3g}", model, {"x": [x]}, lambda values: np.append(values["x"], 0))
    yield from against(one, np.array([-x, 0.0]), "closed form")


def _figure() -> Figure:
    s = np.linspace(0, 1, 60)
    lines = [line(f"x = {x:g}", s, x * np.cos(np.pi * s)) for x in (1.0, 0.5, -0.5, -1.0)]
    return Figure("The coordinate of the data along half a turn in the augmented plane: paths may cross", "s", "z1", tuple(lines))


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    drawn = [Seen(size, zero(size)) for size in draw(sizes(), DRAWN, stream(seed, ID))]
    as_layer = [gap for seen in drawn for gap in seen.as_layer(np.eye(seen.size.total, seen.size.n))]
    right = Form(
        (
            *as_layer,
            *agreement((seen.one for seen in drawn), rng),
            *(gap for seen in drawn for gap in seen.vanilla()),
            *_turned(float(rng.normal())),
        )
    )
    behind = Form(tuple(gap for seen in drawn for gap in seen.as_layer(np.eye(seen.size.total, seen.size.n, -seen.size.added))))
    return Evidence(right, sabotaged=behind, printed=Form(tuple(as_layer)), figures=(_figure(),))


ZERO_AUGMENTATION = Claim(
    id=ID,
    title="0-augmentation is an input layer, to the bit",
    source="Massaroli et al. 2020, Sec. 4; Dupont et al. 2019",
    printed=(
        "The proposed approach of the seminal paper relies on initializing to zero the n_a := n_z - n_x augmented dimensions: "
        "z(0) = [x, 0]. (...) Note that 0-augmentation is compatible with the general IL formulation, as it corresponds to "
        "x -> (x, 0) := h_x(x)"
    ),
    corrected=(
        "z(0) = [x, 0] = H x + h with H = [I; 0] and h = 0: the same states bit for bit, up to the sign of zero. With V = [V_0; 0] "
        "the added coordinates stay 0 and the vanilla model is contained; with one more coordinate z' = pi J z reflects x, which no "
        "scalar flow does"
    ),
    hypotheses=("data are finite: 0 times infinity is no number", "-0 may become +0"),
    prove=_proof,
    measure=_measure,
    rests_on=(
        Theorem(
            "Products with 1 and with 0 and sums with 0 are exact in floating-point arithmetic, up to the sign of zero",
            "IEEE 754-2019",
            "starts at the largest, the smallest normal and denormal numbers and at -0 have the same bits",
        ),
    ),
    shown=lambda: zero(Size(2, 1, 2, "constant", 1.0, 0)).problem,
)
