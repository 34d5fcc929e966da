"""Random networks with more coordinates, derivatives or data than z' = V tanh(W z + b), z(0) = x has: by transforms, and by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms import data_control, higher_order, input_layer, structured_augmentation, zero_augmentation
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import tanh
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.verification.flows.by_hand import Stated
from odeanalysis.verification.flows.jets import Equation, Jets
from odeanalysis.verification.flows.residual import waves
from odeanalysis.verification.strategies.exact_flows import J
from odeanalysis.verification.strategies.flows import CONSTANT, SIZE, SPECTRAL, network

ENDS = (1.0, 0.5, -1.0)
AXES = {"W": 2, "b": 1, "V": 2}

Array = np.ndarray
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Size:
    """n coordinates and `added` more; one hidden layer of `width` units, whose weights are constant or vary with depth in [0, end]."""

    n: int
    added: int
    width: int
    kind: str
    end: float
    seed: int

    @property
    def total(self) -> int:
        return self.n + self.added

    @property
    def narrow(self) -> Model:
        """The network over n coordinates, from which transforms make the others."""
        return network(self.n, self.width, self.kind).with_(domain=(0, self.end))

    def weights(self, takes: int, gives: int) -> dict[str, tuple[int, int]]:
        """The shapes of W and V in a network that takes and gives other numbers of coordinates."""
        return {"W": (self.width, takes), "V": (gives, self.width)}

    @property
    def wide(self) -> dict[str, tuple[int, int]]:
        return self.weights(self.total, self.total)

    def __str__(self) -> str:
        return (
            f"{self.kind} network of width {self.width} on {self.n} + {self.added} coordinates over [0, {self.end:g}], values {self.seed}"
        )


@st.composite
def sizes(draw: st.DrawFn, n: tuple[int, int] = (1, 3), added: tuple[int, int] = (1, 2)) -> Size:
    """Sizes with n and the number of added coordinates in these ranges."""
    return Size(
        draw(st.integers(*n)),
        draw(st.integers(*added)),
        draw(st.integers(2, 3)),
        draw(st.sampled_from((SPECTRAL, CONSTANT))),
        draw(st.sampled_from(ENDS)),
        draw(st.integers(0, 999)),
    )


def stated(size: Size, model: Model, start: Callable[[Values], Array]) -> Stated:
    """A first-order network with random values.  start: values -> z(0), by hand."""

    def by_hand(values: Values) -> Equation:
        return Equation(lambda s, jets: [layers(values, s, jets[0][:, 0])], (start(values)[None],), size.end)

    return Stated(str(size), model, random_values(model, size.seed), by_hand)


def vanilla(size: Size) -> Stated:
    """z(0) = x, without more coordinates."""
    return stated(size, size.narrow, lambda values: values["x"])


def zero(size: Size) -> Stated:
    """z(0) = [x, 0]."""
    model = zero_augmentation(size.narrow, "z", size.added, size.wide)
    return stated(size, model, lambda values: np.concatenate([values["x"], np.zeros(size.added)]))


def layer(size: Size) -> Stated:
    """z(0) = H x + h."""
    model = input_layer(size.narrow, "z", size.total, "H", "h", size.wide)
    return stated(size, model, lambda values: values["H"] @ values["x"] + values["h"])


def structured(size: Size) -> Stated:
    """z(0) = [x, tanh(U x + u)]."""
    return _beside(size, tanh, np.tanh)


def affine(size: Size) -> Stated:
    """z(0) = [x, U x + u]."""
    return _beside(size, lambda value: value, lambda value: value)


def _beside(size: Size, activation: Callable[..., Any], by_hand: Callable[[Array], Array]) -> Stated:
    U, u, x = ex.block("U", size.added, size.n), ex.block("u", size.added), ex.block("x", size.n)
    model = structured_augmentation(size.narrow, "z", activation(U @ x + u), size.wide, (U, u))
    return stated(size, model, lambda values: np.concatenate([values["x"], by_hand(values["U"] @ values["x"] + values["u"])]))


def half_turn(title: str, model: Model, values: Values, start: Callable[[Values], Array]) -> Stated:
    """z' = pi J z in the plane over [0, 1]: z(1) = -z(0).  start: values -> z(0), by hand."""

    def by_hand(given: Values) -> Equation:
        return Equation(lambda s, jets: [np.pi * jets[0][:, 0] @ J.T], (start(given)[None],), 1.0)

    return Stated(title, model, {"A": np.pi * J, **values}, by_hand)


def ordered(size: Size) -> Stated:
    """A network for the derivative of order 1 + added; the position starts at x, its derivatives at the rows of U."""
    U = ex.block("U", size.added, size.n)
    blocks = tuple(ex.block(f"d{i}", size.n) for i in range(1, size.added + 1))
    stated = size.narrow.with_(parameters=(*size.narrow.parameters, U))
    lifted = higher_order(stated, "z", blocks, {block: U[i] for i, block in enumerate(blocks)})
    order = size.added + 1
    model = data_control(lifted, "z", ex.concat(*blocks), size.weights(order * size.n, size.n))

    def by_hand(values: Values) -> Equation:
        start = np.concatenate([values["x"][None], values["U"]])
        return Equation(lambda s, jets: [layers(values, s, jets[0].reshape(len(s), -1))], (start,), size.end)

    return Stated(f"order {order}, {size}", model, random_values(model, size.seed), by_hand)


def selective(size: Size) -> Stated:
    """A network in which the first `added` of n coordinates have velocities, which start at U."""
    U, v = ex.block("U", size.added), ex.block("v", size.added)
    stated = size.narrow.with_(parameters=(*size.narrow.parameters, U))
    lifted = higher_order(stated, "z", (v,), {v: U}, selected=size.added)
    model = data_control(lifted, "z", v, size.weights(size.total, size.n))

    def by_hand(values: Values) -> Equation:
        def highest(s: Array, jets: Jets) -> Jets:
            (q, v), e = np.moveaxis(jets[0], 1, 0), jets[1][:, 0]
            return np.split(layers(values, s, np.concatenate([q, e, v], axis=1)), [size.added], axis=1)

        q, e = np.split(values["x"], [size.added])
        return Equation(highest, (np.stack([q, values["U"]]), e[None]), size.end)

    def read(jets: Jets) -> Array:
        return np.concatenate([jets[0][0], jets[1][0], jets[0][1]])

    return Stated(f"velocities of {size.added} among {size.n} coordinates, {size}", model, random_values(model, size.seed), by_hand, read)


def controlled(size: Size) -> Stated:
    """A network that sees the state and the embedded data, z' = V tanh(W [z, E x] + b)."""
    model = _seeing(size)

    def by_hand(values: Values) -> Equation:
        def highest(s: Array, jets: Jets) -> Jets:
            seen = np.broadcast_to(values["E"] @ values["x"], (len(s), size.added))
            return [layers(values, s, np.concatenate([jets[0][:, 0], seen], axis=1))]

        return Equation(highest, (values["x"][None],), size.end)

    return Stated(f"data in the field, {size}", model, random_values(model, size.seed), by_hand)


def carried(size: Size) -> Stated:
    """The same network with a constant block of the state in the place of the data: c' = 0, c(0) = E x."""
    model = _seeing(size, "c")

    def by_hand(values: Values) -> Equation:
        def highest(s: Array, jets: Jets) -> Jets:
            z, c = (jet[:, 0] for jet in jets)
            return [layers(values, s, np.concatenate([z, c], axis=1)), np.zeros_like(c)]

        return Equation(highest, (values["x"][None], (values["E"] @ values["x"])[None]), size.end)

    return Stated(f"data in a constant block, {size}", model, random_values(model, size.seed), by_hand, seen=("z",))


def _seeing(size: Size, block: str | None = None) -> Model:
    E, x = ex.block("E", size.added, size.n), ex.block("x", size.n)
    return data_control(size.narrow, "z", E @ x, size.weights(size.total, size.n), block, (E,))


def random_values(model: Model, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {leaf.name: SIZE * random.standard_normal([int(size) for size in shape_of(leaf)]) for leaf in model.names}


def layers(values: Values, s: Array, u: Array) -> Array:
    """V(s) tanh(W(s) u + b(s)) at depths s [N] and arguments u [N, m]."""
    W, b, V = (_at(values[name], axes, s) for name, axes in AXES.items())
    return _times(V, np.tanh(_times(W, u) + b))


def _at(weight: Array, axes: int, s: Array) -> Array:
    """A weight at depths s, where it has a leading axis; coefficients of a series have one more axis than the weight."""
    return weight if weight.ndim == axes else np.tensordot(waves(s), weight, axes=1)


def _times(matrix: Array, u: Array) -> Array:
    return np.einsum("...ij,...j->...i", matrix, u)
