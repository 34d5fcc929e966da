"""Sec. 5.1, eq. (10): a field that sees the data is an augmentation by a constant block; that this regularizes has no support."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.transforms import data_control
from odeanalysis.modeling.transforms.total_jacobian import total_jacobian
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.verification.claim import Claim, Evidence, Form, Gap, Sentence, Theorem
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.by_hand import CLOSE, Stated, Values, agreement, gradients
from odeanalysis.verification.flows.jets import TINY, WAYS, Equation
from odeanalysis.verification.proof import Step, derivation_holds, dsolved, fact, identity, positive
from odeanalysis.verification.strategies.augmented import Size, carried, controlled, sizes
from odeanalysis.verification.strategies.drawing import draw, smallest, stream
from odeanalysis.verification.strategies.exact_flows import linear
from odeanalysis.verification.strategies.flows import largest

ID = "data-control"
DRAWN, LINEAR = 2, 1
SMALL = Size(1, 1, 2, "constant", 1.0, 0)

Array = np.ndarray

# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    yield from _constant_block()
    yield from _bound()
    yield from _sharp()
    yield from derivation_holds([("data in the field", controlled(SMALL).problem), ("data in a block", carried(SMALL).problem)])


def _constant_block() -> Iterator[Step]:
    seeing, block = controlled(SMALL).model, carried(SMALL).model
    z, c = block.states
    field, data = dict(block.field), dict(block.initial)[c]
    yield identity("c' = 0 from c(0) = E x is solved by c = E x", sp.Derivative(sp.Symbol("E_x"), sp.Symbol("s")), field[c][0])
    yield fact("with c = E x in its place, the field of z is that of (10)", substitute(field[z], {c: data}) == dict(seeing.field)[z])
    s, t, S = sp.symbols("s t S", real=True)
    pulled = sp.Function("g", real=True)
    costate = sp.Integral(pulled(t), (t, s, S))
    yield identity(
        "the costate of the block, with g = f_x^T a: a_c' = -g is solved by a_c = int_s^S g", sp.Derivative(costate, s), -pulled(s)
    )
    yield identity("it ends at 0", costate.subs(s, S), 0)
    yield identity("and a_c(0) is the part int f_x^T a of dell/dx", costate.subs(s, 0), sp.Integral(pulled(t), (t, 0, S)))


def _bound() -> Iterator[Step]:
    s, Lz, Lx = sp.symbols("s L_z L_x", positive=True)
    without, bound = sp.exp(Lz * s), _bound_of(s, Lz, Lx)
    slope = Lz * bound + Lx
    yield identity("J' = f_z J + f_x from I: |J| stays below the solution of m' = L_z m + L_x", sp.Derivative(bound, s), slope)
    yield identity("from m(0) = 1", bound.subs(s, 0), 1)
    more = Lx / Lz * sp.expand(without - 1)
    yield identity("which is above e^{L_z s}, the bound without data in the field, by", bound - without, more)
    rise = sp.Integral(Lx * sp.exp(Lz * sp.Symbol("t", real=True)), (sp.Symbol("t", real=True), 0, s))
    yield identity("the integral of L_x e^{L_z t}", more, rise)
    yield positive("which is positive", Lx * without)


def _bound_of(s: Any, Lz: Any, Lx: Any) -> Any:
    """e^{Lz s} + (Lx/Lz)(e^{Lz s} - 1)."""
    return sp.exp(Lz * s) + Lx / Lz * (sp.exp(Lz * s) - 1)


def closed_form() -> Any:
    """The solution of z' = a z + k x, z(0) = x, by SymPy."""
    s, a, k = sp.symbols("s a k", positive=True)
    x, z = sp.Symbol("x", real=True), sp.Function("z")
    return dsolved(z(s).diff(s) - a * z(s) - k * x, z(s), {z(0): x})


def _sharp() -> Iterator[Step]:
    s, a, k = sp.symbols("s a k", positive=True)
    x, z = sp.Symbol("x", real=True), closed_form()
    yield identity("z' = a z + k x is solved by", z, x * _bound_of(s, a, k))
    yield identity("it satisfies the equation", sp.Derivative(z, s), a * z + k * x)
    yield identity("from z(0) = x", z.subs(s, 0), x)
    yield identity("and attains the bound: L_z = a, L_x = k", sp.Derivative(z, x), _bound_of(s, a, k))
    yield identity(
        "z' = x, where L_z = 0: z(1) = 2 x, while z' = 0 keeps x", sp.Limit(sp.Derivative(z, x).doit().subs({s: 1, k: 1}), a, 0), 2
    )


# ---------------------------------------------------------------- how far z(S) moves with x


@dataclass(frozen=True, eq=False)
class Response:
    """|dz(S)/dx| of a field that sees x, with its Lipschitz constants in z and in x, over a length of depth."""

    one: Stated
    in_state: float
    in_data: float
    length: float

    @cached_property
    def norms(self) -> dict[str, float]:
        """By the variational equation, and from imaginary parts of the equation by hand."""
        found = {"variational equation": self._varied(), **{f"{way}, imaginary parts": self._imaginary(way) for way in WAYS}}
        return {way: float(np.linalg.norm(jacobian, 2)) for way, jacobian in found.items()}

    def _varied(self) -> Array:
        made = self.one.another(total_jacobian(self.one.model, "z", "x", "D"))
        return made.run.final["D"]

    def _imaginary(self, way: str) -> Array:
        x = np.asarray(self.one.values["x"], dtype=float)
        moved = ({**self.one.values, "x": x + 1j * TINY * unit} for unit in np.eye(len(x)))
        return np.stack([np.imag(self.one.written(way, values)) / TINY for values in moved], axis=1)

    @property
    def without(self) -> float:
        """The bound where the field does not see x."""
        return float(np.exp(self.in_state * self.length))

    @property
    def bound(self) -> float:
        """e^{Lz S} + (Lx/Lz)(e^{Lz S} - 1), for Lz = 0 too."""
        growth = self.in_state * self.length
        return self.without + self.in_data * self.length * (float(np.expm1(growth)) / growth if growth else 1.0)

    def above(self, bound: float) -> list[Gap]:
        """By how much of a bound |dz(S)/dx| exceeds it."""
        return [Gap(f"|dz(S)/dx|, {self.one.title}", way, max(0.0, norm / bound - 1), CLOSE) for way, norm in self.norms.items()]

    def attained(self) -> list[Gap]:
        """How far |dz(S)/dx| is from its bound."""
        title = f"the bound is attained, {self.one.title}"
        return [Gap(title, way, abs(norm / self.bound - 1), CLOSE) for way, norm in self.norms.items()]


def of_network(size: Size) -> Response:
    """A network that sees the embedded data: L_z = |V| |W_z|, L_x = |V| |W_x| |E|."""
    one = controlled(size)
    W, V = one.values["W"], one.values["V"]
    in_state, in_seen = (largest(V) * largest(part) for part in np.split(W, [size.n], axis=-1))
    return Response(one, in_state, in_seen * largest(one.values["E"]), abs(size.end))


def of_linear(a: float, k: float, x: float = 1.0) -> Response:
    """z' = a z + k x, z(0) = x over [0, 1]."""
    model = data_control(linear(1), "z", "x", resize={"A": (1, 2)})
    values = {"A": np.array([[a, k]]), "x": np.array([x])}

    def by_hand(given: Any) -> Equation:
        return Equation(lambda s, jets: [a * jets[0][:, 0] + k * given["x"]], (given["x"][None],), 1.0)

    return Response(Stated(f"z' = {a:.3g} z + {k:.3g} x, x = {x:.3g}", model, values, by_hand), abs(a), abs(k), 1.0)


# ---------------------------------------------------------------- measurement


def _equal(size: Size, rng: np.random.Generator) -> list[Gap]:
    """The model that sees the data against the constant block by hand, and the other way round."""
    one, other = controlled(size), carried(size)
    crossed = (replace(one, by_hand=other.by_hand), replace(other, by_hand=one.by_hand))
    return agreement(crossed, rng)


def _detached(sizes: Iterable[Size], rng: np.random.Generator) -> Iterator[Gap]:
    """The sabotaged form: the gradient does not pass through the data in the field."""
    for size in sizes:
        one = controlled(size)
        yield from gradients(replace(one, by_hand=_holding(one, {name: one.values[name] for name in ("E", "x")})), rng)


def _holding(one: Stated, held: dict[str, Any]) -> Callable[[Values], Equation]:
    """The equation by hand in which the field goes on seeing held data, whatever the values from which it starts."""
    return lambda given: Equation(one.by_hand({**given, **held}).highest, one.by_hand(given).starts, float(one.model.domain[1]))


def _beyond(response: Response) -> list[Gap]:
    return response.above(response.without)


def rates() -> st.SearchStrategy[tuple[int, int]]:
    """a and k of z' = a z + k x."""
    return st.tuples(st.integers(0, 2), st.integers(-2, 2))


def unsupported(seed: int) -> dict[str, Any] | None:
    """The simplest linear field on which data control moves z(S) more than e^{Lz S}, which bounds every field that does not see x."""
    found = smallest(rates(), lambda one: Form(tuple(_beyond(of_linear(*one)))).fails, seed)
    if found is None:
        return None
    (a, k), response = found, of_linear(*found)
    return {
        "field": f"z' = {a} z + {k} x, z(0) = x",
        "domain": [0, 1],
        "|dz(1)/dx|": response.norms,
        "without data in the field, z' = a z": float(np.exp(a)),
        "its bound e^{Lz S}": response.without,
        "e^{Lz S} + (Lx/Lz)(e^{Lz S} - 1)": response.bound,
    }


def _figure() -> Figure:
    """The slope of z(1) in x for z' = z/2 + k x."""
    k, a = np.linspace(-4, 4, 81), 0.5
    lines = (
        line("with data in the field", k, np.abs(np.exp(a) + k / a * np.expm1(a))),
        line("without", k, np.exp(a), "dashed"),
        line("bound with data in the field", k, np.exp(a) + np.abs(k) / a * np.expm1(a), "dashed"),
    )
    return Figure("How far z(1) moves with x: z' = z/2 + k x", "k", "|dz(1)/dx|", lines)


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    drawn = draw(sizes(), DRAWN, stream(seed, ID))
    networks = [of_network(size) for size in drawn]
    sharp = [of_linear(*map(float, rng.uniform(0.2, 1.5, size=2)), x=float(rng.normal())) for _ in range(LINEAR)]
    right = Form(
        (
            *(gap for size in drawn for gap in _equal(size, rng)),
            *(gap for one in networks for gap in one.above(one.bound)),
            *(gap for one in sharp for gap in one.attained()),
        )
    )
    return Evidence(
        corrected=right,
        sabotaged=Form(tuple(_detached(drawn, rng))),
        figures=(_figure(),),
        beside=(regularizer([*networks, *sharp], unsupported(seed)),),
    )


def regularizer(drawn: Iterable[Response], example: dict[str, Any] | None) -> Sentence:
    """The sentence on regularization, read as a bound that fields without the data have too."""
    return Sentence(
        printed=(
            "Direct dependence on x further constrains the ODE to be smooth with respect to the initial condition, acting as a regularizer."
        ),
        meant="with x in the field, |dz(S)/dx| stays below e^{Lz S}, the bound of fields that do not see x",
        instead="|dz(S)/dx| <= e^{Lz S} + (Lx/Lz)(e^{Lz S} - 1), which is larger, and is attained by z' = a z + k x with a, k > 0",
        form=Form(tuple(gap for one in drawn for gap in _beyond(one))),
        example=example,
    )


DATA_CONTROL = Claim(
    id=ID,
    title="A field that sees the data is an augmentation by a constant block",
    source="Massaroli et al. 2020, Sec. 5.1, eq. (10)",
    printed=None,
    corrected=(
        "(10), z' = f(s, x, z) from h_x(x), has the states and the gradients of an input layer [h_x(x), x] whose second block is constant, "
        "x' = 0. With h_x the identity |dz(S)/dx| <= e^{Lz S} + (Lx/Lz)(e^{Lz S} - 1), which z' = a z + k x attains for a, k > 0: more "
        "than the e^{Lz S} without x in f, so that the sentence on direct dependence on x 'acting as a regularizer' has no support"
    ),
    hypotheses=(
        "f has Lipschitz constants Lz in z and Lx in x",
        "fields that pull against the initial value, k < 0, may move less than without x; none has to",
    ),
    prove=_proof,
    measure=_measure,
    rests_on=(
        Theorem(
            "Grönwall's inequality: |J|' <= L_z |J| + L_x gives |J| <= m where m' = L_z m + L_x",
            "Grönwall 1919",
            "|dz(S)/dx| of drawn networks, from the variational equation and from imaginary parts, is below m; linear fields attain it",
        ),
    ),
    shown=lambda: controlled(SMALL).problem,
)
