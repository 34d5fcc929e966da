"""Proofs: every step of a derivation, written out entry by entry and checked with SymPy's own differentiation.

Nothing of our calculus is used here. The claims are those of THEOREMS, Prop. 1 in full, and the argument behind them: for every variation
w of the state, w' = df/dz w + df/dtheta dtheta,

    d/ds (a^T w) = a'^T w + a^T w' = -dl/dz w - dl/dtheta dtheta + dH/dtheta dtheta,

so that integration by parts leaves int dH/dtheta dtheta and boundary terms, which the costate's conditions at S, at the observed depths and
at s0 make those of the gradient.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp

from odeanalysis.derivations.adjoint import adjoint, beside_states
from odeanalysis.derivations.derived import DerivedProblem
from odeanalysis.derivations.parts import COST, break_depths, costate_of
from odeanalysis.derivations.second_order import SecondOrder, second_order
from odeanalysis.derivations.shrinking import shrink, symbolic_sizes
from odeanalysis.errors import DerivationError
from odeanalysis.symbolic.calculus.forward import tangent_of
from odeanalysis.symbolic.explicit import Entries, explicit, explicit_formula, scalar
from odeanalysis.symbolic.formula import Formula, like, name_of
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.symbolic.zero import is_zero, plain


@dataclass(frozen=True)
class Proved:
    """One step: what it says, what is left of the difference of both sides, whether that vanishes, and how this was found.

    residual: the differences, entry by entry, that did not vanish; empty where the step holds.
    way: "symbolic" (reduced to zero), "numeric" (zero to 35 digits at random points), "structural" (compared as formulas), "undecided".
    """

    title: str
    residual: tuple[Any, ...] = field(repr=False)
    holds: bool
    way: str = "symbolic"


@dataclass(frozen=True)
class Proof:
    """The checked steps of a derivation, and the sizes at which they were written out."""

    steps: tuple[Proved, ...]
    sizes: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def holds(self) -> bool:
        return bool(self.steps) and all(step.holds for step in self.steps)

    @property
    def failures(self) -> tuple[Proved, ...]:
        return tuple(step for step in self.steps if not step.holds)

    @property
    def symbolic(self) -> bool:
        """Whether no step needed numbers."""
        return all(step.way in ("symbolic", "structural") for step in self.steps)


def prove(derived: DerivedProblem, sizes: Mapping[Any, int] | None = None) -> Proof:
    """Checks every step of a derivation at small explicit sizes.

    sizes: symbolic size -> integer (default 2, 3, 4). Explicit sizes that are too large to be written out are made smaller: then each
    formula must be the one that the derivation gives at the stated sizes, and the derivation at the small sizes is what is proved.
    Returns the steps with their verdicts; a step that does not hold says so. Raises DerivationError where the problem cannot be written
    out.
    """
    if derived.kind != "adjoint":
        raise DerivationError(f"there is no proof for a derivation of kind {derived.kind!r}; adjoint derivations have one")
    small = shrink(derived.problem)
    if small is derived.problem:
        return _proof(_Ground(derived, symbolic_sizes(derived.problem, sizes)), ())
    fresh = adjoint(derived.problem)
    return _proof(_Ground(adjoint(small), symbolic_sizes(small, sizes)), _same_formulas(derived, fresh))


def prove_tangents(second: SecondOrder, sizes: Mapping[Any, int] | None = None) -> Proof:
    """Checks that each formula of a second-order system is the directional derivative of the formula that it is the tangent of.

    sizes: as in `prove`, and sizes that are too large to be written out are made smaller in the same way.
    """
    problem = second.derived.problem
    small = shrink(problem)
    if small is problem:
        ground = _Ground(second.derived, symbolic_sizes(problem, sizes))
        return Proof(tuple(_tangents(ground, second)), ground.shapes)
    before = _same_formulas(second, second_order(adjoint(problem)))
    ground = _Ground(adjoint(small), symbolic_sizes(small, sizes))
    return Proof((*before, *_tangents(ground, second_order(ground.derived))), ground.shapes)


def _proof(ground: "_Ground", before: Iterable[Proved]) -> Proof:
    steps = (*before, *(step for check in STEPS for step in check(ground)))
    if all(step.holds for step in steps):
        steps += tuple(step for check in ARGUMENT for step in check(ground))
    return Proof(steps, ground.shapes)


def _same_formulas(derived: DerivedProblem | SecondOrder, fresh: DerivedProblem | SecondOrder) -> Iterator[Proved]:
    for one, other in zip(derived.steps, fresh.steps, strict=False):
        yield Proved(f"{one.name}: the rules give it at the stated sizes", (), one == other, "structural")
    if len(derived.steps) != len(fresh.steps):
        yield Proved("the derivation has all its steps", (), False, "structural")


# ---------------------------------------------------------------- what is stated, entry by entry


class _Ground:
    """A derived problem at explicit sizes: its statement as SymPy scalars, and readers for its formulas."""

    def __init__(self, derived: DerivedProblem, sizes: Mapping[Any, int]):
        self.derived, self.parts, self.sizes = derived, derived.parts, dict(sizes)
        self.depth = scalar(derived.parts.depth)

    @property
    def moving(self) -> tuple[Leaf, ...]:
        return (*self.parts.states, *self.parts.names)

    @property
    def shapes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return tuple((name_of(leaf), explicit(leaf, self.sizes).shape) for leaf in self.moving)

    def entries(self, expression: Any, known: Mapping[Any, Entries] | None = None) -> Entries:
        return explicit(expression, self.sizes, known).map(plain)

    def read(self, formula: Formula, known: Mapping[Any, Entries] | None = None) -> dict[str, Entries]:
        return {name: one.map(plain) for name, one in explicit_formula(formula, self.sizes, known).items()}

    @cached_property
    def field(self) -> dict[str, Entries]:
        return self.read(self.parts.field)

    @cached_property
    def hamiltonian(self) -> Any:
        """l + a^T f, from the stated field."""
        return sp.Add(self.field[COST.name].scalar, *(paired(*pair) for pair in self.slopes()))

    def slopes(self, known: Mapping[Any, Entries] | None = None) -> list[tuple[Entries, Entries]]:
        """Each state's costate and field; `known` renames what the field is read with."""
        fields = self.read(self.parts.field, known) if known else self.field
        return [(self.entries(costate_of(state)), fields[name_of(state)]) for state in self.parts.states]

    def derivative(self, value: Any, leaf: Leaf) -> Entries:
        """The partial derivatives of a scalar with respect to the entries of a leaf."""
        return self.entries(leaf).map(lambda entry: sp.diff(value, entry))


def paired(left: Entries, right: Entries) -> Any:
    return sp.Add(*(u * v for u, v in zip(left.items, right.items, strict=True)))


def combined(*terms: tuple[Any, Entries]) -> Entries:
    """A sum of entries with scalar factors."""
    rows = zip(*(tuple(factor * item for item in one.items) for factor, one in terms), strict=True)
    return Entries(terms[0][1].shape, tuple(sp.Add(*row) for row in rows))


# ---------------------------------------------------------------- verdicts

Claims = dict[str, tuple[str, Entries]]


def judged(title: str, difference: Entries) -> Proved:
    answers = [(item, is_zero(item)) for item in difference.items]
    ways = {answer.way for _, answer in answers} | {"symbolic"}
    way = next(one for one in ("undecided", "numeric", "symbolic") if one in ways)
    return Proved(title, tuple(item for item, answer in answers if not answer), all(answer for _, answer in answers), way)


def compared(ground: _Ground, formula: Formula, claims: Claims, known: Mapping[Any, Entries] | None = None) -> Iterator[Proved]:
    """Each output of a formula against what it should be; outputs that are missing, unknown or of another shape do not hold."""
    found = ground.read(formula, known)
    for name, (equation, expected) in claims.items():
        title = f"{formula.name}: {name} = {equation}"
        if name in found and found[name].shape == expected.shape:
            yield judged(title, combined((1, found[name]), (-1, expected)))
        else:
            yield Proved(title, expected.items, False)
    for name in found.keys() - claims.keys():
        yield Proved(f"{formula.name}: {name} is no part of the derivation", found[name].items, False)


# ---------------------------------------------------------------- the statement


def _statement(ground: _Ground) -> Iterator[Proved]:
    """The formulas of the problem are what was stated, with functions and conditions in their places."""
    parts, model, objective = ground.parts, ground.derived.problem.model, ground.derived.problem.objective
    functions = dict(model.functions)
    flags = ground.read(parts.flags)
    known = {flag: flags[flag.name] for flag in parts.pieces.flags}

    def stated(expression: Any) -> tuple[str, Entries]:
        return "as stated", ground.entries(substitute(expression, functions) if functions else expression)

    fields = {name_of(state): stated(value) for state, value in model.field}
    yield from compared(ground, parts.field, fields | {COST.name: stated(objective.running)}, known)
    yield from compared(ground, parts.initial, {name_of(state): stated(value) for state, value in model.initial}, known)
    yield from compared(ground, parts.terminal, {"terminal": stated(objective.terminal)}, known)
    for formula, observation in zip(parts.observations, objective.observations, strict=True):
        yield from compared(ground, formula, {"cost": stated(observation.cost)}, known)


def _depths(ground: _Ground) -> Iterator[Proved]:
    """The depths that split the domain: both ends, the depths given, and those at which conditions switch."""
    parts, problem = ground.parts, ground.derived.problem
    marks = ground.read(parts.marks)
    for name, depth in zip(("start", "end"), problem.model.domain, strict=True):
        yield judged(f"marks: {name} as stated", combined((1, marks[name]), (-1, ground.entries(depth))))
    places = list(marks.values())
    for one, found in zip(problem.objective.observations, parts.observed, strict=True):
        for depth, place in zip(one.at, found, strict=True):
            yield judged(f"marks: observed at {depth}", combined((1, places[place]), (-1, ground.entries(depth))))
    for depth in break_depths(problem, parts.pieces):
        gaps = (combined((1, places[place]), (-1, ground.entries(depth))).scalar for place in parts.switching)
        yield Proved(f"marks: {depth} is a break point", (), any(is_zero(gap).holds for gap in gaps))
    for piece in parts.pieces.items:
        for depth in piece.depths:
            gap = ground.entries(piece.condition.lhs - piece.condition.rhs, {parts.depth: ground.entries(depth)})
            yield judged(f"pieces: {piece.condition} switches at {depth}", gap)


# ---------------------------------------------------------------- the derivation


def _hamiltonian(ground: _Ground) -> Iterator[Proved]:
    yield from compared(ground, ground.derived.hamiltonian, {"H": ("l + a^T f", scalar(ground.hamiltonian))})


def _system(ground: _Ground) -> Iterator[Proved]:
    value = ground.hamiltonian
    claims: Claims = {name_of(state): ("f", ground.field[name_of(state)]) for state in ground.parts.states}
    claims[beside_states(ground.parts, "cost")] = "l", ground.field[COST.name]
    for state in ground.parts.states:
        slope = combined((-1, ground.derivative(value, state)))
        claims[beside_states(ground.parts, f"a_{name_of(state)}")] = f"-dH/d{name_of(state)}", slope
    for name in ground.parts.names:
        claims[beside_states(ground.parts, f"grad_{name_of(name)}")] = f"dH/d{name_of(name)}", ground.derivative(value, name)
    yield from compared(ground, ground.derived.system, claims)


def _end(ground: _Ground) -> Iterator[Proved]:
    value = ground.read(ground.parts.terminal)["terminal"].scalar
    yield from compared(ground, ground.derived.end, _of_cost(ground, value, "L", ground.parts.names))


def _jumps(ground: _Ground) -> Iterator[Proved]:
    observations = zip(ground.derived.jumps, ground.parts.observations, strict=True)
    for i, (jump, stated) in enumerate(observations):
        data = ground.derived.problem.objective.observations[i].data
        value = ground.read(stated)["cost"].scalar
        yield from compared(ground, jump, _of_cost(ground, value, f"L_{i}", (*ground.parts.names, *data)))


def _of_cost(ground: _Ground, value: Any, letter: str, names: Iterable[Leaf]) -> Claims:
    claims: Claims = {"depth": (f"d{letter}/ds", ground.derivative(value, ground.parts.depth))}
    for state in ground.parts.states:
        claims[f"a_{name_of(state)}"] = f"d{letter}/d{name_of(state)}", ground.derivative(value, state)
    for name in names:
        claims[f"grad_{name_of(name)}"] = f"d{letter}/d{name_of(name)}", ground.derivative(value, name)
    return claims


def _start(ground: _Ground) -> Iterator[Proved]:
    initial = ground.read(ground.parts.initial)
    value = sp.Add(*(paired(ground.entries(costate_of(z)), initial[name_of(z)]) for z in ground.parts.states))
    claims: Claims = {"depth": ("a(s0)^T dh/ds0", ground.derivative(value, ground.parts.depth))}
    for name in ground.parts.names:
        claims[f"grad_{name_of(name)}"] = f"a(s0)^T dh/d{name_of(name)}", ground.derivative(value, name)
    yield from compared(ground, ground.derived.start, claims)


def _marks(ground: _Ground) -> Iterator[Proved]:
    marks = ground.read(ground.parts.marks)
    weights = {name: ground.entries(weight) for name, weight in _mark_weights(ground).items()}
    value = sp.Add(*(paired(weights[name], marks[name]) for name in marks))
    claims = {
        f"grad_{name_of(name)}": (f"sum_k dell/ds_k ds_k/d{name_of(name)}", ground.derivative(value, name)) for name in ground.parts.names
    }
    yield from compared(ground, ground.derived.marks, claims)


def _mark_weights(ground: _Ground) -> dict[str, Leaf]:
    """The inputs of the formula of moving depths that carry dell/ds_k."""
    return {name: like(depth, f"_bar_{name}") for name, depth in ground.parts.marks.outputs}


# ---------------------------------------------------------------- the argument behind it


def _by_parts(ground: _Ground) -> Iterator[Proved]:
    """The coefficient of each entry of w and dtheta in l_z w + l_theta dtheta - (dH/dtheta) dtheta + d/ds(a^T w)."""
    system, cost = ground.read(ground.derived.system), ground.field[COST.name].scalar
    for leaf in ground.moving:
        name = name_of(leaf)
        moved = [(1, ground.derivative(cost, leaf)), *_weighted_jacobian(ground, leaf)]
        sign, output = (1, f"a_{name}") if leaf in ground.parts.states else (-1, f"grad_{name}")
        own = sign, system[beside_states(ground.parts, output)]
        yield judged(f"integration by parts: what moves with {name} cancels", combined(own, *moved))


def _weighted_jacobian(ground: _Ground, leaf: Leaf) -> list[tuple[Any, Entries]]:
    """a_j df_j/dleaf for each entry j of the state, each differentiated alone."""
    pairs = [pair for costate, slope in ground.slopes() for pair in zip(costate.items, slope.items, strict=True)]
    return [(weight, ground.derivative(slope, leaf)) for weight, slope in pairs]


def _ends(ground: _Ground) -> Iterator[Proved]:
    """dell/dS = l + dL/ds + dL/dz f = H(S) + dL/ds;  dell/ds0 = -l + a^T w(s0) = -H(s0) + a^T dh/ds0, where w(s0) = dh/ds0 - f."""
    cost, parts = ground.field[COST.name].scalar, ground.parts
    terminal = ground.read(parts.terminal)["terminal"].scalar
    moved = sp.Add(cost, sp.diff(terminal, parts.depth), *_moved(ground, terminal))
    end = ground.read(ground.derived.end)
    claimed = _hamiltonian_at(ground, {z: end[f"a_{name_of(z)}"] for z in parts.states}) + end["depth"].scalar
    yield judged("moving end: dell/dS = H(S) + dL/ds", scalar(moved - claimed))
    initial = {name: one.map(lambda h: sp.diff(h, parts.depth)) for name, one in ground.read(parts.initial).items()}
    jumps = ((a, combined((1, initial[name_of(z)]), (-1, f))) for z, (a, f) in zip(parts.states, ground.slopes(), strict=True))
    moved = sp.Add(-cost, *(paired(*pair) for pair in jumps))
    claimed = ground.read(ground.derived.start)["depth"].scalar - _hamiltonian_at(ground, {})
    yield judged("moving start: dell/ds0 = -H(s0) + a(s0)^T dh/ds0", scalar(moved - claimed))


def _moved(ground: _Ground, cost: Any) -> list[Any]:
    """dcost/dz f, state by state."""
    slopes = zip(ground.parts.states, ground.slopes(), strict=True)
    return [paired(ground.derivative(cost, state), slope) for state, (_, slope) in slopes]


def _hamiltonian_at(ground: _Ground, costates: Mapping[Leaf, Entries], known: Mapping[Any, Entries] | None = None) -> Any:
    """The derived Hamiltonian with other costates, and other flags."""
    others = {costate_of(state): value for state, value in costates.items()}
    return ground.read(ground.derived.hamiltonian, others | dict(known or {}))["H"].scalar


def _observed(ground: _Ground) -> Iterator[Proved]:
    """dell/ds_i = dL_i/ds + dL_i/dz f = H(s_i-) - H(s_i+) + dL_i/ds, where a(s_i-) = a(s_i+) + dL_i/dz."""
    for i, (jump, stated) in enumerate(zip(ground.derived.jumps, ground.parts.observations, strict=True)):
        cost, found = ground.read(stated)["cost"].scalar, ground.read(jump)
        moved = sp.Add(sp.diff(cost, ground.parts.depth), *_moved(ground, cost))
        states = ground.parts.states
        before = {z: combined((1, ground.entries(costate_of(z))), (1, found[f"a_{name_of(z)}"])) for z in states}
        claimed = _hamiltonian_at(ground, before) - _hamiltonian_at(ground, {}) + found["depth"].scalar
        yield judged(f"moving observation {i}: dell/ds_{i} = H(s-) - H(s+) + dL_{i}/ds", scalar(moved - claimed))


def _breaks(ground: _Ground) -> Iterator[Proved]:
    """dell/ds_k = l_- - l_+ + a^T (w_+ - w_-) = H(s_k-) - H(s_k+), where w_+ - w_- = f_- - f_+ keeps the state continuous."""
    flags = ground.parts.pieces.flags
    if not flags:
        return
    sides = [{flag: scalar(like(flag, f"{flag.name}_{side}")) for flag in flags} for side in ("before", "after")]
    costs = [ground.read(ground.parts.field, side)[COST.name].scalar for side in sides]
    before, after = (ground.slopes(side) for side in sides)
    gaps = (paired(a, combined((1, f), (-1, g))) for (a, f), (_, g) in zip(before, after, strict=True))
    claimed = _hamiltonian_at(ground, {}, sides[0]) - _hamiltonian_at(ground, {}, sides[1])
    yield judged("moving break point: dell/ds_k = H(s-) - H(s+)", scalar(sp.Add(costs[0], -costs[1], *gaps) - claimed))


# ---------------------------------------------------------------- tangents


def _tangents(ground: _Ground, second: SecondOrder) -> Iterator[Proved]:
    for formula, tangent in second.pairs:
        moving = [leaf for leaf in formula.inputs if leaf not in ground.parts.pieces.flags]
        claims = {name: (f"d {name}", _along(ground, value, moving)) for name, value in ground.read(formula).items()}
        yield from compared(ground, tangent, claims)


def _along(ground: _Ground, value: Entries, moving: list[Leaf]) -> Entries:
    """The derivative of entries along the tangents of leaves."""
    steps = [(ground.entries(leaf).items, ground.entries(tangent_of(leaf)).items) for leaf in moving]
    pairs = [pair for entries, tangents in steps for pair in zip(entries, tangents, strict=True)]
    return value.map(lambda item: sp.Add(*(sp.diff(item, entry) * tangent for entry, tangent in pairs)))


Check = Callable[[_Ground], Iterator[Proved]]
STEPS: tuple[Check, ...] = (_statement, _depths, _hamiltonian, _system, _end, _jumps, _start, _marks)
ARGUMENT: tuple[Check, ...] = (_by_parts, _ends, _observed, _breaks)
