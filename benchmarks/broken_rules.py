"""Rules of the calculus made wrong, one by one, before complex steps of the formulas that they differentiate.

A product, a tangent, a Jacobian or a divergence is compared with the imaginary part of the formula itself, a tiny step off the real line
along each input: no rule of ours takes part in that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from benchmarks.vocabulary import PROBLEMS, formulas, x
from odeanalysis.errors import OdeAnalysisError
from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.gradients.program import Array, Compiled, compiled, stated
from odeanalysis.symbolic.calculus.divergence import divergence
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.calculus.jacobian import flat_jacobian
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.tables import read_through
from odeanalysis.verification.mutation.entries import Change, Entry, RuleTable, entries_read
from tests.cases import CASES

STEP = 1e-40
BOUND = 1e-9
ROUNDING = 1e-12
SURVIVES = "survives"
DRAWS = 8
SIZES = (0.7, 0.1, 2.0, 1e-3)
EXPLICIT = 3  # for each symbolic size
NOT_DERIVED = (OdeAnalysisError, ValueError, TypeError, IndexError)

Derive = Callable[[Formula], Formula]


@dataclass(frozen=True, eq=False)
class Subject:
    """A formula, what is derived of it, and what that has to be.  expected: (formula, values, random) -> outputs by name."""

    title: str
    formula: Formula
    derive: Derive
    more: Callable[[np.random.Generator], dict[str, Array]]
    expected: Callable[[Compiled, Mapping[str, Array]], dict[str, Array]]

    @cached_property
    def right(self) -> Formula:
        return self.derive(self.formula)

    @cached_property
    def entries(self) -> list[Entry]:
        return entries_read(self.derive, self.formula)

    @cached_property
    def draws(self) -> list[tuple[dict[str, Array], dict[str, Array]]]:
        """Inputs at which the formula is defined, and the outputs that are right there."""
        random, stated = np.random.default_rng(0), compiled(self.formula)
        drawn = []
        for i in range(DRAWS):
            values = {**inputs(self.formula, random, SIZES[i % len(SIZES)], bool(i % 2)), **self.more(random)}
            with np.errstate(all="ignore"):
                if all(np.isfinite(one).all() for one in stated(values).values()):
                    drawn.append((values, self.expected(stated, values)))
        return drawn

    def refuses(self, found: Formula | None) -> bool:
        """Whether a derived formula misses what it should be, at some draw at which that is a number."""
        if found is None:
            return True
        one = compiled(found)
        try:
            with np.errstate(all="ignore"):
                return any(missed(one(values), expected) for values, expected in self.draws)
        except NOT_DERIVED:
            return True

    def same(self, found: Formula | None) -> bool:
        """Whether a derived formula is the right one, or gives the same at every draw."""
        if found is None or found == self.right:
            return found is not None
        one, right = compiled(found), compiled(self.right)
        return not any(missed(one(values), right(values), ROUNDING) for values, _ in self.draws)

    def mutant(self, entry: Entry, change: Change) -> Formula | None:
        try:
            return read_through(entry.wrong(change), self.derive, self.formula)
        except NOT_DERIVED:
            return None


def missed(found: Mapping[str, Array], expected: Mapping[str, Array], bound: float = BOUND) -> bool:
    """Whether some output lies further from what is expected than a share of its largest entry."""
    for name, right in expected.items():
        known = np.isfinite(right)
        scale = np.max(np.abs(right), initial=0.0, where=known)
        if np.any(np.abs(np.where(known, found[name] - np.where(known, right, 0), 0)) > bound * max(scale, 1e-3)):
            return True
    return False


def inputs(formula: Formula, random: np.random.Generator, size: float, positive: bool) -> dict[str, Array]:
    """Random values of the inputs; symbolic sizes are 3."""
    found = {leaf.name: np.asarray(size * random.standard_normal(shape(leaf))) for leaf in formula.inputs}
    return {name: np.abs(array) + 1e-3 for name, array in found.items()} if positive else found


def shape(leaf: Any) -> tuple[int, ...]:
    return tuple(one if isinstance(one, int) else int(one.subs(dict.fromkeys(one.free_symbols, EXPLICIT))) for one in shape_of(leaf))


def along(one: Compiled, values: Mapping[str, Array], direction: Mapping[str, Array]) -> dict[str, Array]:
    """The derivative of a formula along a direction, by a complex step."""
    moved = {leaf.name: values[leaf.name] + 1j * STEP * direction.get(leaf.name, 0) for leaf in one.formula.inputs}
    return {name: np.imag(found) / STEP for name, found in one(moved).items()}


# ---------------------------------------------------------------- what is derived


def tangents(formula: Formula) -> Subject:
    """The tangent of a formula along all its inputs."""
    names = [leaf.name for leaf in formula.inputs]

    def more(random: np.random.Generator) -> dict[str, Array]:
        return {f"_dot_{leaf.name}": np.asarray(random.standard_normal(shape(leaf))) for leaf in formula.inputs}

    def expected(one: Compiled, values: Mapping[str, Array]) -> dict[str, Array]:
        return along(one, values, {name: values[f"_dot_{name}"] for name in names})

    return Subject(f"tangent of {formula.name}", formula, jvp, more, expected)


def products(formula: Formula) -> Subject:
    """The vector-Jacobian product of a formula in all its inputs."""
    outputs = formula.outputs

    def more(random: np.random.Generator) -> dict[str, Array]:
        return {f"_bar_{name}": np.asarray(random.standard_normal(shape(value))) for name, value in outputs}

    def expected(one: Compiled, values: Mapping[str, Array]) -> dict[str, Array]:
        bars = np.concatenate([np.ravel(values[f"_bar_{name}"]) for name, _ in outputs])
        matrices = {leaf: columns(one, values, [name for name, _ in outputs], [leaf]) for leaf in formula.inputs}
        return {leaf.name: (bars @ matrix).reshape(shape(leaf)) for leaf, matrix in matrices.items()}

    return Subject(f"product of {formula.name}", formula, vjp, more, expected)


def jacobians(formula: Formula, pairs: Mapping[Any, str]) -> Subject:
    """The Jacobian of some outputs in some inputs, flattened."""
    outputs, wrts = tuple(pairs.values()), tuple(pairs)

    def expected(one: Compiled, values: Mapping[str, Array]) -> dict[str, Array]:
        return {"jacobian": columns(one, values, outputs, wrts)}

    return Subject(f"Jacobian of {formula.name}", formula, partial(flat_jacobian, outputs=outputs, wrts=wrts), lambda random: {}, expected)


def divergences(formula: Formula, pairs: Mapping[Any, str]) -> Subject:
    """The divergence of some outputs in some inputs."""
    outputs, wrts = tuple(pairs.values()), tuple(pairs)

    def expected(one: Compiled, values: Mapping[str, Array]) -> dict[str, Array]:
        return {"divergence": np.trace(columns(one, values, outputs, wrts))}

    return Subject(f"divergence of {formula.name}", formula, partial(divergence, pairs=pairs), lambda random: {}, expected)


def columns(one: Compiled, values: Mapping[str, Array], outputs: Iterable[str], wrts: Iterable[Any]) -> Array:
    found = []
    for leaf in wrts:
        for unit in np.eye(int(np.prod(shape(leaf)))):
            moved = along(one, values, {leaf.name: unit.reshape(shape(leaf))})
            found.append(np.concatenate([np.ravel(moved[output]) for output in outputs]))
    return np.stack(found, axis=1)


# ---------------------------------------------------------------- subjects


def subjects() -> list[Subject]:
    """The formulas of all problems of the tests and those of the vocabulary, with their vector-Jacobian products."""
    found = [one for case in CASES.values() for one in of_problem(case.problem())]
    for problem, _ in (state() for state in PROBLEMS.values()):
        found += of_problem(problem)
    for one, pairs in formulas():
        back = vjp(one)
        found += [products(one), tangents(one), jacobians(one, pairs), divergences(one, pairs)]
        found += [products(back), tangents(back), jacobians(back, {x: "x"}), jacobians(back, {x: "c"})]
    return [one for one in found if derivable(one)]


def of_problem(problem: Problem) -> Iterator[Subject]:
    parts = stated(problem)
    for formula in (parts.field, parts.initial, parts.terminal, *parts.observations, parts.marks):
        yield from (products(formula), tangents(formula), tangents(vjp(formula)))
    pairs = {state: state.name for state in parts.states}
    yield from (jacobians(parts.field, pairs), divergences(parts.field, pairs))


def derivable(subject: Subject) -> bool:
    """A matrix of states with a symbolic size has no Jacobian."""
    try:
        return bool(subject.right.outputs)
    except OdeAnalysisError:
        return False


def broken(kind: RuleTable, every: Sequence[Subject]) -> dict[str, str]:
    """Makes each entry of a table wrong in each way, before all formulas whose derivation reads it, until one notices.

    Gives for each mutant "" where one does, why it is equivalent, or that it survives.
    """
    fates = {}
    for entry, reading in read_by(kind, every).items():
        for words, change in entry.changes:
            fates[f"{entry.title} {words}"] = fate(entry, change, reading)
    return fates


def fate(entry: Entry, change: Change, reading: Sequence[Subject]) -> str:
    mutants = []
    for one in reading:
        mutants.append((one, one.mutant(entry, change)))
        if mutants[-1][1] != one.right and one.refuses(mutants[-1][1]):
            return ""
    return why(mutants) if all(one.same(mutant) for one, mutant in mutants) else SURVIVES


def why(mutants: Sequence[tuple[Subject, Formula | None]]) -> str:
    """Why a wrong entry leaves every formula right: none changes, or those that do are the same functions (symmetric, or changed twice)."""
    changed = [one for one, mutant in mutants if mutant != one.right]
    if not changed:
        return f"none of {len(mutants)} derived formulas changes"
    draws = sum(len(one.draws) for one in changed)
    return f"{len(changed)} of {len(mutants)} derived formulas change, to the same functions at all of {draws} random inputs"


def read_by(kind: RuleTable, every: Sequence[Subject]) -> dict[Entry, list[Subject]]:
    """The entries of a table with the formulas whose derivation reads them; one that is turned somewhere can be transposed."""
    readers: dict[tuple[Any, int], list[Subject]] = {}
    turned = set()
    for one in every:
        for entry in one.entries:
            if entry.kind is kind:
                readers.setdefault((entry.key, entry.part), []).append(one)
                turned |= {(entry.key, entry.part)} if entry.turns else set()
    return {Entry(kind, *place, place in turned): reading for place, reading in readers.items()}
