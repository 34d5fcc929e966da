"""Random models, objectives and problems that have solutions, unless others are asked for; printed as code that makes them."""

from dataclasses import dataclass
from typing import Any

import sympy as sp
from hypothesis import strategies as st

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import abs as magnitude
from odeanalysis.symbolic.functions import sqrt, where
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.testing.strategies.parts import Shape, expressions, sizes_of
from odeanalysis.testing.strategies.printing import printed_as_code

s, P, Z, SEEN = ex.depth, ex.block("p"), ex.block("z"), "seen"
HALF = sp.Rational(1, 2)
FORWARD = ((0, 1), (0, 2), (-1, HALF))
DOMAINS = (*FORWARD, (1, 0))
SWITCHED = (HALF, sp.Rational(1, 5))
RATES = (100, 1000, 10000)
PARTS = (1, HALF, sp.Rational(1, 4), 0)  # of a domain, where observations lie
WEIGHTS = (1, HALF, sp.Rational(1, 10))

printed_as_code(Model, Problem, Objective)


def _ill(field: Any, start: Any, end: Any, name: str) -> Model:
    return Model({Z: field}, {Z: start}, (0, end), (P,), name=name)


# each for every value of p
ILL_POSED = (
    _ill(Z**2 + P**2 + 1, 0, 2, "escapes"),
    _ill((P**2 + 1) * sqrt(magnitude(Z)), 0, 1, "branches"),
    _ill((P**2 + 1) / (s - HALF), 1, 1, "pole"),
    _ill(-(P**2 + 1) / Z, 1, 1, "ends"),
)


@dataclass(frozen=True)
class Wish:
    """What models may have: see `models`."""

    states: tuple[int, int]
    shapes: tuple[Shape, ...]
    inputs: bool
    switches: bool
    kinks: bool
    stiff: bool


def models(
    *,
    states: tuple[int, int] = (1, 2),
    shape: Shape | None = None,
    inputs: bool = True,
    switches: bool = True,
    kinks: bool = False,
    stiff: bool = False,
    ill_posed: bool = False,
) -> st.SearchStrategy[Model]:
    """Models z' = f(s, z, theta) in which every parameter stands in the field; solutions exist at every depth, for all values.

    states: how many, at least and at most; their names are z0, z1, ...  shape: that of each; None: scalars, and vectors of up to 3 entries.
    inputs: initial values may be inputs.  switches: fields may be others from a depth on.
    kinks: fields may have kinks in the state, by relu and abs.  stiff: each field has a term -k (z - g) with k from 100 to 10 000.
    ill_posed: only models that have no solution, or more than one, whatever their values.
    """
    shapes = ((), (1,), (2,), (3,)) if shape is None else (shape,)
    return st.sampled_from(ILL_POSED) if ill_posed else _models(Wish(states, shapes, inputs, switches, kinks, stiff))


@st.composite
def _models(draw: st.DrawFn, wish: Wish) -> Model:
    known = [ex.block(f"z{i}", *draw(st.sampled_from(wish.shapes))) for i in range(draw(st.integers(*wish.states)))]
    matrices = {z: _matrix(z) for z in known if len(sizes_of(z)) == 1 and draw(st.booleans())}
    given = {z: _beside("x", z) for z in known if wish.inputs and draw(st.booleans())}
    parameters = (P, *matrices.values())
    own = {**dict.fromkeys(known, P), **matrices}
    field = {z: draw(_right_side(wish, tuple(known), z, parameters, own[z])) for z in known}
    initial = {z: given[z] if z in given else draw(_start(z)) for z in known}
    domain = draw(st.sampled_from(FORWARD if wish.stiff else DOMAINS))  # backward, what is stiff is unstable
    return Model(field, initial, domain, parameters, tuple(given.values()), name="drawn")


def _matrix(z: Leaf) -> Leaf:
    return ex.block(f"W{z.name[1:]}", *shape_of(z), *shape_of(z))


def _beside(name: str, z: Leaf) -> Leaf:
    return ex.block(f"{name}{z.name[1:]}", *shape_of(z))


def _start(z: Leaf) -> st.SearchStrategy[Any]:
    numbers = st.sampled_from((1, HALF, -HALF, P))
    return numbers.map(lambda number: ex.mul(number, ex.ones(*shape_of(z))) if shape_of(z) else number)


@st.composite
def _right_side(draw: st.DrawFn, wish: Wish, states: tuple[Leaf, ...], z: Leaf, parameters: tuple[Leaf, ...], own: Leaf) -> Any:
    """A field in which p stands for certain, and the matrix that belongs to the state."""
    shape, others = sizes_of(z), (*parameters, s)
    terms = [draw(expressions(states, shape, coefficients=others, must=must, kinks=wish.kinks)) for must in dict.fromkeys((own, P))]
    if wish.stiff:
        towards = draw(expressions((), shape, coefficients=others, kinks=wish.kinks))
        terms.append(ex.mul(-draw(st.sampled_from(RATES)), ex.add(z, ex.mul(-1, towards))))
    field = ex.add(*terms)
    if not (wish.switches and draw(st.booleans())):
        return field
    switch = draw(st.sampled_from([s < depth for depth in SWITCHED]))
    other = ex.add(*terms[:-1], draw(expressions(states, shape, coefficients=others, kinks=wish.kinks)))
    return where(switch, field, ex.add(other, *terms[-1:]) if wish.stiff else other)


# ---------------------------------------------------------------- objectives


def objectives(model: Model, *, running: bool = True, observed: bool = True) -> st.SearchStrategy[Objective]:
    """Objectives of a model: squares of states at its end; and, where wanted, as a running cost with parameters, and at inner depths.

    running, observed: whether there may be such costs. Observations have the data `seen`, of the shape of a state; for models whose domain
    depends on values there are none.
    """
    numbers = all(sp.sympify(end).is_number for end in model.domain)
    seen = _observations(model) if observed and numbers else st.none()
    costs = st.one_of(st.just(sp.Integer(0)), _running(model)) if running else st.just(sp.Integer(0))
    return st.builds(
        lambda terminal, running, one: Objective(terminal, running, () if one is None else (one,)),
        st.sampled_from(model.states).flatmap(_square),
        costs,
        seen,
    )


def _square(z: Leaf) -> st.SearchStrategy[Any]:
    return st.sampled_from(WEIGHTS).map(lambda weight: ex.mul(weight, ex.sumsq(z)))


def _running(model: Model) -> st.SearchStrategy[Any]:
    """A square of a state, times that of a parameter where there is one."""
    squares = st.sampled_from(model.states).flatmap(_square)
    factors = [sp.Integer(1), *(ex.sumsq(leaf) for leaf in model.parameters), model.depth**2 + 1]
    return st.tuples(squares, st.sampled_from(factors)).map(lambda made: ex.mul(*made))


@st.composite
def _observations(draw: st.DrawFn, model: Model) -> Observation | None:
    if not draw(st.booleans()):
        return None
    start, end = model.domain
    parts = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3))
    z = draw(st.sampled_from(model.states))
    seen = ex.block(SEEN, *shape_of(z))
    if seen in (*model.names, *model.states):
        raise ModelError(
            f"{model.name!r} has the name {SEEN!r}, which observations need; rename it, or draw objectives without observations"
        )
    return Observation(tuple(start + (end - start) * part for part in parts), ex.sumsq(ex.add(z, ex.mul(-1, seen))), (seen,))


def problems(*, running: bool = True, observed: bool = True, reduction: str = "mean", **options: Any) -> st.SearchStrategy[Problem]:
    """Problems: models with objectives.  options: those of `models`."""
    return _problems(models(**options), running, observed, reduction)


@st.composite
def _problems(draw: st.DrawFn, stated: st.SearchStrategy[Model], running: bool, observed: bool, reduction: str) -> Problem:
    model = draw(stated)
    return Problem(model, draw(objectives(model, running=running, observed=observed)), reduction)
