"""Mutants of a gradient, enumerated mechanically: every rule that the derivation reads, and every term that it gave, made wrong in turn.

A check that lets a wrong gradient pass is worth nothing; so each mutant is put before the same checks, which must refuse it.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy as sp

from odeanalysis.derivations.parts import H
from odeanalysis.errors import OdeAnalysisError
from odeanalysis.numerics.gradients.program import Compiled, Program, compiled
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus.activity import is_condition
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.rewrite import is_atom, rebuild, substitute, walk
from odeanalysis.symbolic.tables import read_through
from odeanalysis.verification.mutation.entries import CHANGES, Change, entries_read, is_square
from odeanalysis.verification.mutation.exchange import Exchanged, backward

SUMS = (sp.Add, nodes.Plus)
FOLDED = (nodes.BatchSum, nodes.BatchTotal)
NOT_DERIVED = (OdeAnalysisError, ValueError, TypeError, IndexError)  # what a wrong rule runs into: shapes that do not fit, missing axes


@dataclass(frozen=True, eq=False)
class Mutant:
    """A wrong gradient: what was changed, in words, and the formulas of the backward pass that are others (None: not even derivable).

    what, place: the title as lists show it in two columns: what was made wrong, and where; empty for a title that names no place.
    """

    title: str
    changed: Mapping[str, Compiled] | None
    what: str = ""
    place: str = ""

    @property
    def shown(self) -> tuple[str, str]:
        """What was made wrong, and where: a row of a formula, or all formulas that a rule changed."""
        return self.what or self.title, self.place or ", ".join(self.changed or ())

    def program(self, right: Program, method: str) -> Program | None:
        """The program that computes it."""
        return None if self.changed is None else Exchanged.of(right, method, self.changed)


def rule_mutants(run: Run, known: Container[str] = ()) -> Iterator[Mutant]:
    """Each entry of the rule tables that the derivation of this gradient reads, made wrong in each way, but for titles that are known."""
    program, method = run.setting.program, run.settings.method
    right = backward(program, method)
    for entry in entries_read(_derived, program, method):
        for words, change in entry.changes:
            title = f"{entry.title} {words}"
            if title not in known:
                yield Mutant(title, _others(right, _attempted(entry.wrong(change), program, method)))


def _derived(program: Program, method: str) -> dict[str, Compiled]:
    """The formulas of the backward pass, derived anew."""
    return backward(Program(program.parts, program.shared), method)


def _attempted(lens: Any, program: Program, method: str) -> dict[str, Compiled] | None:
    try:
        return read_through(lens, _derived, program, method)
    except NOT_DERIVED:
        return None


def _others(right: Mapping[str, Compiled], found: Mapping[str, Compiled] | None) -> dict[str, Compiled] | None:
    return None if found is None else {name: one for name, one in found.items() if one.formula != right[name].formula}


# ---------------------------------------------------------------- terms


def term_mutants(run: Run, terms: Iterable["Term"] | None = None) -> Iterator[Mutant]:
    """Each term of the derived formulas, made wrong in each way that changes it."""
    for term in terms_of_run(run) if terms is None else terms:
        for words, formula in term.wrong():
            yield Mutant(f"{term.title} {words}", {term.where: compiled(formula)}, f"{term.shown} {words}", f"{term.where}: {term.name}")


@dataclass(frozen=True, eq=False)
class Term:
    """A term of a sum in a formula.  row: of its let or, behind the lets, its output.  path: to its sum there.  k: its place in the sum."""

    where: str
    formula: Formula
    row: int
    path: tuple[int, ...]
    k: int

    @property
    def title(self) -> str:
        return f"{self.where}: {self.shown} in {self.name}"

    @cached_property
    def shown(self) -> str:
        _, expression = rows(self.formula)[self.row]
        return str(terms(at(expression, self.path))[self.k])

    @property
    def name(self) -> str:
        """That of its row."""
        name, _ = rows(self.formula)[self.row]
        return getattr(name, "name", name)

    def wrong(self) -> Iterator[tuple[str, Formula]]:
        """The formulas in which this term is wrong, with what was done to it."""
        for words, change in TERM_CHANGES.items():
            changed = self._changed(change)
            if changed != self.formula:
                yield words, changed

    def _changed(self, change: Change) -> Formula:
        found = rows(self.formula)
        name, expression = found[self.row]
        parts = list(terms(at(expression, self.path)))
        parts[self.k] = change(parts[self.k])
        found[self.row] = (name, exchanged(expression, self.path, ex.add(*parts)))
        count = len(self.formula.lets)
        return replace(self.formula, lets=tuple(found[:count]), outputs=tuple(found[count:]))


def without_step(term: Any) -> Any:
    """A term with the step size h left out."""
    return substitute(term, {H: sp.Integer(1)})


def with_a_transpose(node: Any) -> Any:
    """A term whose first square matrix stands transposed: W for its transpose in a product, v u^T for u v^T."""
    if is_atom(node) or is_condition(node):
        return node
    if isinstance(node, nodes.Permute) and is_square(node):
        return node.args[0]
    if isinstance(node, nodes.Outer) and is_square(node):
        return ex.outer(*reversed(node.args))
    for i, argument in enumerate(node.args):
        turned = ex.transpose(argument) if isinstance(node, nodes.MatMul) and is_square(argument) else with_a_transpose(argument)
        if turned != argument:
            return rebuild(node, (*node.args[:i], turned, *node.args[i + 1 :]))
    return node


TERM_CHANGES: dict[str, Change] = {
    **{words: CHANGES[words] for words in ("with its sign flipped", "dropped")},
    "without its step size": without_step,
    "with a transpose": with_a_transpose,
}


def terms_of_run(run: Run) -> list[Term]:
    """Each term of the backward pass of each derived formula."""
    found = backward(run.setting.program, run.settings.method)
    return [term for where, one in found.items() for term in terms_of(where, one.formula, lambda leaf: leaf.name.startswith("_bar_"))]


def terms_of(where: str, formula: Formula, carries: Callable[[Any], bool] = lambda leaf: True) -> list[Term]:
    """The terms of all sums in the rows of a formula that depend on an input that carries what is derived."""
    carrying = {leaf for leaf in formula.inputs if carries(leaf)}
    found = []
    for row, (name, expression) in enumerate(rows(formula)):
        if not carrying.isdisjoint(walk([expression])):
            carrying.add(name)
            found += [Term(where, formula, row, path, k) for path in sums(expression) for k in range(len(terms(at(expression, path))))]
    return found


def rows(formula: Formula) -> list[tuple[Any, Any]]:
    """The lets of a formula and, behind them, its outputs."""
    return [*formula.lets, *formula.outputs]


def terms(expression: Any) -> tuple[Any, ...]:
    """The terms of a sum; another expression is its only term."""
    return expression.args if isinstance(expression, SUMS) else (expression,)


def sums(expression: Any) -> Iterator[tuple[int, ...]]:
    """The paths to a row's outermost expression, below a sum over the batch, and to all sums inside it."""
    path = (0,) if isinstance(expression, FOLDED) else ()
    yield path
    yield from (inner for inner in _inner_sums(at(expression, path), path) if inner != path)


def _inner_sums(node: Any, path: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Not in keys, shapes and conditions, in which no derivative stands."""
    if is_atom(node) or is_condition(node):
        return
    if isinstance(node, SUMS):
        yield path
    inside = node.args[:1] if isinstance(node, nodes.Element) else node.args
    for i, argument in enumerate(inside):
        yield from _inner_sums(argument, (*path, i))


def at(expression: Any, path: tuple[int, ...]) -> Any:
    """What stands in an expression at a path of argument numbers."""
    for i in path:
        expression = expression.args[i]
    return expression


def exchanged(expression: Any, path: tuple[int, ...], value: Any) -> Any:
    """The expression with another value at a path; a sum over the batch of nothing is nothing."""
    if not path:
        return value
    inner = exchanged(expression.args[path[0]], path[1:], value)
    if isinstance(expression, FOLDED):
        return inner if ex.is_zero(inner) else type(expression)(inner)
    return rebuild(expression, (*expression.args[: path[0]], inner, *expression.args[path[0] + 1 :]))
