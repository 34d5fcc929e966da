"""The formulas that state a problem: field with running cost, initial value, costs, depths and pieces.

Every derivation differentiates these; every solver runs them. The depth's symbol is an input of each and is bound to the depth at which
the formula is used: s0 in `initial`, S in `terminal`, the observed depth in a cost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from odeanalysis.modeling import pieces as pc
from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic.formula import Formula, like, share
from odeanalysis.symbolic.functions import where
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import leaves, substitute

COST = sp.Symbol("_cost", real=True)
H = sp.Symbol("_h", real=True)


@dataclass(frozen=True)
class Parts:
    """A problem as formulas. `flags` are the pieces' names; `depths` lists s0, S, break points and observed depths, each once."""

    problem: Problem
    pieces: pc.Pieces
    field: Formula
    initial: Formula
    terminal: Formula
    observations: tuple[Formula, ...]
    flags: Formula
    marks: Formula

    @property
    def depth(self) -> sp.Symbol:
        return self.problem.model.depth

    @property
    def states(self) -> tuple[Leaf, ...]:
        return self.problem.model.states

    @property
    def names(self) -> tuple[Leaf, ...]:
        return self.problem.model.names

    @cached_property
    def has_cost(self) -> bool:
        """Whether there is a running cost to integrate along."""
        return self.field.output["_cost"] != 0

    def is_fixed(self, mark: int, still: frozenset[str] = frozenset()) -> bool:
        """Whether a mark is a number, or made of names whose values nobody moves, so that it never moves."""
        return {leaf.name for leaf in leaves(self.depths[mark])} <= still

    @cached_property
    def moves(self) -> bool:
        """Whether a depth (an end, a break point, an observed one) moves with a parameter or an input."""
        return not all(map(self.is_fixed, range(len(self.depths))))

    @cached_property
    def depths(self) -> tuple[Any, ...]:
        """The depths of the marks, as expressions in names."""
        return tuple(depth for _, depth in mark_expressions(self.problem, self.pieces))

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {depth: i for i, depth in enumerate(self.depths)}

    @cached_property
    def observed(self) -> tuple[tuple[int, ...], ...]:
        """For each observation, the positions of its depths among the marks."""
        return tuple(tuple(self._places[depth] for depth in one.at) for one in self.problem.objective.observations)

    @cached_property
    def switching(self) -> tuple[int, ...]:
        """The positions of the break points among the marks."""
        return tuple(sorted({self._places[depth] for depth in break_depths(self.problem, self.pieces)}))

    @cached_property
    def switches(self) -> tuple[int | None, ...]:
        """For each piece the position of the mark at which it switches; None where its depths are listed by hand."""
        return tuple(self._places[piece.depths[0]] if piece.depths else None for piece in self.pieces.items)

    @cached_property
    def listed(self) -> tuple[int, ...]:
        """The pieces whose depths are listed by hand."""
        return tuple(i for i, mark in enumerate(self.switches) if mark is None)

    @cached_property
    def gaps(self) -> Formula:
        """The gap of each condition whose depths are listed by hand, by its flag's name."""
        gaps = {self.pieces.items[i].flag.name: self.pieces.items[i].gap for i in self.listed}
        return share("gaps", (self.depth, *self.names), (), gaps, "how far conditions are from switching")

    @cached_property
    def nodes(self) -> Formula:
        """The nodes of piecewise constant names, `node<i>_<j>` for node j of sequence i."""
        listed = {f"node{i}_{j}": node for i, nodes in enumerate(self.problem.model.nodes) for j, node in enumerate(nodes)}
        return share("nodes", self.names, (), listed, "the nodes of piecewise constant names")

    @cached_property
    def meets(self) -> dict[str, sp.Symbol]:
        """For each inner mark that moves a flag by its name: whether a path meets the mark."""
        names = [name for name, _ in self.marks.outputs]
        return {names[i]: sp.Symbol(f"_meets_{names[i]}", real=True) for i in range(2, len(names)) if not self.is_fixed(i)}

    @cached_property
    def met(self) -> Formula:
        """The depths of the marks that a path meets: those of others may be infinite, and have no derivative."""
        named = zip((name for name, _ in self.marks.outputs), self.depths, strict=True)
        cut = {name: where(self.meets[name] > sp.Rational(1, 2), depth, 0) if name in self.meets else depth for name, depth in named}
        return share("met", (*self.names, *self.meets.values()), (), cut, "the depths that split the path")


def parts(problem: Problem) -> Parts:
    """The formulas of a problem, with depth-varying names and conditions on depth put in their places."""
    model = problem.model
    sides = pc.sides(problem)
    stated = {key: pc.open_kinks(_substituted(problem, value), sides) for key, value in _stated(problem)}
    pieces = pc.find(problem, stated.items())
    applied = {key: pieces.apply(value) for key, value in stated.items()}
    along = (model.depth, *model.states, *model.names, *pieces.flags)
    start = (model.depth, *model.names, *pieces.flags)
    return Parts(
        problem,
        pieces,
        share("field", along, (), _field_outputs(problem, applied), "the field and the running cost"),
        share("initial", start, (), {z.name: applied[f"initial {z.name!r}"] for z in model.states}, "the initial value"),
        share("terminal", along, (), {"terminal": applied["objective.terminal"]}, "the terminal cost"),
        tuple(_observation(problem, i, applied, along) for i in range(len(problem.objective.observations))),
        _flags(problem, pieces),
        share("marks", model.names, (), mark_expressions(problem, pieces), "the depths that split the domain"),
    )


def _stated(problem: Problem) -> Iterable[tuple[str, Any]]:
    model, objective = problem.model, problem.objective
    yield from ((f"field {state.name!r}", value) for state, value in model.field)
    yield from ((f"initial {state.name!r}", value) for state, value in model.initial)
    yield "objective.running", objective.running
    yield "objective.terminal", objective.terminal
    yield from ((f"objective.observations {i}", one.cost) for i, one in enumerate(objective.observations))


def _substituted(problem: Problem, expression: Any) -> Any:
    functions = dict(problem.model.functions)
    return substitute(expression, functions) if functions else expression


def _field_outputs(problem: Problem, applied: dict[str, Any]) -> dict[str, Any]:
    fields = {state.name: applied[f"field {state.name!r}"] for state in problem.model.states}
    return {**fields, COST.name: applied["objective.running"]}


def _observation(problem: Problem, i: int, applied: dict[str, Any], along: tuple[Leaf, ...]) -> Formula:
    data = problem.objective.observations[i].data
    return share(
        f"observation{i}",
        (*along, *data),
        (),
        {"cost": applied[f"objective.observations {i}"]},
        "the cost at an observed depth",
    )


def _flags(problem: Problem, pieces: pc.Pieces) -> Formula:
    from_condition = {p.flag.name: where(p.condition, 1, 0) for p in pieces.items}
    return share("pieces", (problem.model.depth, *problem.model.names), (), from_condition, "which pieces hold at a depth")


def break_depths(problem: Problem, pieces: pc.Pieces) -> tuple[Any, ...]:
    """The break points, read off and given by hand, each once."""
    read_off = (depth for piece in pieces.items for depth in piece.depths)
    return tuple(dict.fromkeys((*problem.model.breakpoints, *read_off)))


def mark_expressions(problem: Problem, pieces: pc.Pieces) -> tuple[tuple[str, Any], ...]:
    """s0, S, the break points and the observed depths by name; equal expressions are one mark, and move together."""
    start, end = problem.model.domain
    named: dict[Any, str] = {}
    for i, depth in enumerate(break_depths(problem, pieces)):
        named.setdefault(depth, f"break{i}")
    for one in problem.objective.observations:
        for depth in one.at:
            named.setdefault(depth, f"observed{len(named)}")
    rest = [(name, depth) for depth, name in named.items() if depth not in (start, end)]
    return (("start", start), ("end", end), *rest)


def costate_of(state: Leaf) -> Leaf:
    """The costate of a state: a leaf of its shape."""
    return like(state, f"_a_{state.name}")
