"""Mutants of a gradient, enumerated mechanically: every rule that the derivation used, and every term that it gave, made wrong in turn.

A check that lets a wrong gradient pass is worth nothing; so each mutant is put before the same checks, which must refuse it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from odeanalysis.errors import OdeAnalysisError
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.program import Array, Compiled, Program, compiled
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.calculus.rules import PULLBACKS
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES, Function
from odeanalysis.symbolic.rewrite import walk

Change = Callable[[Any], Any]
CHANGES: dict[str, Change] = {
    "with its sign flipped": ex.negative,
    "dropped": lambda value: ex.mul(0, value),
    "doubled": lambda value: ex.mul(2, value),
}
AT_NODES = ("initial", "terminal", "marks", "observations")
SUMMED = (nodes.BatchSum, nodes.BatchTotal)
ELEMENTWISE = {nodes.Map, *SCALAR_CLASSES}


@dataclass(frozen=True, eq=False)
class Mutant:
    """A wrong gradient: what was changed, in words, and the program that computes it (None: it could not even be derived)."""

    title: str
    program: Program | None


@dataclass(frozen=True)
class Survey:
    """tried: mutants run.  killed: refused by a check.  equivalent: title -> why no check can refuse it.  survivors: titles."""

    tried: int
    killed: int
    equivalent: dict[str, str] = field(default_factory=dict)
    survivors: tuple[str, ...] = ()


def survey(
    run: Run,
    kills: Callable[[dict[str, Array]], bool],
    differs: Callable[[dict[str, Array]], bool],
    most: int | None = None,
) -> Survey:
    """Runs the mutants of a run's gradient.  kills: whether the checks refuse a gradient.  differs: whether it is another one at all."""
    tried, killed, equivalent, survivors = 0, 0, {}, []
    for mutant in mutants(run, most):
        tried += 1
        gradient = _gradient(run, mutant)
        if gradient is None or kills(gradient):
            killed += 1
        elif not differs(gradient):
            equivalent[mutant.title] = "the changed term is zero, or cancels, at these values: the gradient is the same to rounding"
        else:
            survivors.append(mutant.title)
    return Survey(tried, killed, equivalent, tuple(survivors))


def _gradient(run: Run, mutant: Mutant) -> dict[str, Array] | None:
    if mutant.program is None:
        return None
    try:
        return DiscreteAdjoint().gradients(replace(run, setting=replace(run.setting, program=mutant.program)))
    except (OdeAnalysisError, ValueError, FloatingPointError):
        return None


def mutants(run: Run, most: int | None = None) -> Iterator[Mutant]:
    """Every mutant of the rules used, then of the terms derived; at most `most` terms, evenly spread."""
    yield from rule_mutants(run)
    places = list(term_places(run))
    stride = 1 if most is None else max(1, -(-len(places) // most))
    for place in places[::stride]:
        yield from place.mutants(run.setting.program, run.settings.method)


def rule_mutants(run: Run) -> Iterator[Mutant]:
    """Each entry of the rule tables that this problem's derivation uses, made wrong in each way."""
    method, stated = run.settings.method, run.setting.program.parts
    formulas = (stated.field, stated.initial, stated.terminal, *stated.observations, stated.marks)
    found = {node for f in formulas for node in walk([e for _, e in (*f.lets, *f.outputs)])}
    for kind in sorted({type(node) for node in found} & set(PULLBACKS) - ELEMENTWISE - {scalars.where}, key=lambda k: k.__name__):
        for words, change in CHANGES.items():
            with swapped(PULLBACKS, kind, _changed_rule(PULLBACKS[kind], change)):
                yield Mutant(f"rule {kind.__name__} {words}", _derived(run.setting.program, method))
    for name in sorted(filter(None, map(_function_name, found))):
        for words, change in CHANGES.items():
            with swapped(FUNCTIONS, name, _changed_function(FUNCTIONS[name], change)):
                yield Mutant(f"derivative of {name} {words}", _derived(run.setting.program, method))


def _function_name(node: Any) -> str | None:
    name = node.name if isinstance(node, nodes.Map) else SCALAR_CLASSES.get(type(node))
    return name if name in FUNCTIONS else None


def _changed_rule(rule: Any, change: Change) -> Any:
    return lambda node, out, cotangent, i: change(rule(node, out, cotangent, i))


def _changed_function(function: Function, change: Change) -> Function:
    return replace(function, partials=tuple(_changed_partial(partial, change) for partial in function.partials))


def _changed_partial(partial: Callable[..., Any], change: Change) -> Callable[..., Any]:
    return lambda *arguments: change(partial(*arguments))


@contextmanager
def swapped(table: dict[Any, Any], key: Any, value: Any) -> Iterator[None]:
    """A table with one entry exchanged, restored afterwards."""
    old = table[key]
    table[key] = value
    try:
        yield
    finally:
        table[key] = old


def _derived(program: Program, method: str) -> Program | None:
    """A new program with everything that the gradient needs derived now, under the tables as they stand."""
    fresh = Program(program.parts, program.shared)
    try:
        for name in AT_NODES:
            getattr(fresh.vjp, name)
        fresh.step_vjp(method)
    except (OdeAnalysisError, ValueError):
        return None
    return fresh


# ---------------------------------------------------------------- terms


@dataclass(frozen=True, eq=False)
class Term:
    """A place in a derived formula: term k of its row (a let, or, behind them, an output), and how to put a changed formula back."""

    where: str
    formula: Formula
    row: int
    k: int
    exchange: Callable[[Compiled], Mapping[str, Any]]

    def mutants(self, program: Program, method: str) -> Iterator[Mutant]:
        for words in ("with its sign flipped", "dropped"):
            changed = compiled(self._changed(CHANGES[words]))
            yield Mutant(f"{self.title} {words}", Exchanged.of(program, method, self.exchange(changed)))

    @property
    def rows(self) -> list[tuple[Any, Any]]:
        return [*self.formula.lets, *self.formula.outputs]

    @property
    def title(self) -> str:
        name, expression = self.rows[self.row]
        return f"{self.where}: {terms(expression)[self.k]} in {getattr(name, 'name', name)}"

    def _changed(self, change: Change) -> Formula:
        rows = self.rows
        name, expression = rows[self.row]
        parts = list(terms(expression))
        parts[self.k] = change(parts[self.k])
        rows[self.row] = (name, wrapped(expression, ex.add(*parts)))
        count = len(self.formula.lets)
        return replace(self.formula, lets=tuple(rows[:count]), outputs=tuple(rows[count:]))


class Exchanged(Program):
    """A program that shares all compiled formulas with another one but those exchanged."""

    @classmethod
    def of(cls, program: Program, method: str, parts: Mapping[str, Any]) -> "Exchanged":
        fresh = cls(program.parts, program.shared)
        step = parts.get("stepping") or program.step_vjp(method)
        vars(fresh).update({name: getattr(program, name) for name in ("field", *AT_NODES)}, stepping=step)
        vars(fresh.vjp).update({name: parts.get(name) or getattr(program.vjp, name) for name in AT_NODES})
        return fresh

    def step_vjp(self, method: str) -> Compiled:
        return vars(self)["stepping"]


def term_places(run: Run) -> Iterator[Term]:
    """Each term of the backward pass of each derived formula."""
    program = run.setting.program
    for name in AT_NODES[:-1]:
        yield from _of_formula(name, getattr(program.vjp, name).formula, lambda c, name=name: {name: c})
    seen = program.vjp.observations
    for i, one in enumerate(seen):
        yield from _of_formula(f"observation {i}", one.formula, lambda c, i=i: {"observations": _put(seen, i, c)})
    yield from _of_formula("step", program.step_vjp(run.settings.method).formula, lambda c: {"stepping": c})


def _put(items: tuple[Compiled, ...], i: int, one: Compiled) -> tuple[Compiled, ...]:
    return (*items[:i], one, *items[i + 1 :])


def _of_formula(where: str, formula: Formula, exchange: Callable[[Compiled], Mapping[str, Any]]) -> Iterator[Term]:
    carrying: set[Any] = {leaf for leaf in formula.inputs if leaf.name.startswith("_bar_")}
    for row, (name, expression) in enumerate((*formula.lets, *formula.outputs)):
        if carrying.isdisjoint(walk([expression])):
            continue
        carrying.add(name)
        yield from (Term(where, formula, row, k, exchange) for k in range(len(terms(expression))))


def terms(expression: Any) -> tuple[Any, ...]:
    """The terms of a sum, looked at inside a sum over the batch."""
    inner = expression.args[0] if isinstance(expression, SUMMED) else expression
    return inner.args if isinstance(inner, (sp.Add, nodes.Plus)) else (inner,)


def wrapped(old: Any, new: Any) -> Any:
    """The new expression, summed over the batch where the old one was."""
    return type(old)(new) if isinstance(old, SUMMED) and not ex.is_zero(new) else new
