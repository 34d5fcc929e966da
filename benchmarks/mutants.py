"""Every rule and every term of the derivations made wrong, and whether the checks notice: `python -m benchmarks.mutants`.

Nothing here is chosen by hand: rules are found by watching which entries of the tables a derivation reads, terms by walking its formulas.
The problems are those of the tests, the contract's among them, and two that use every elementary function.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import odeanalysis as oda
from benchmarks.broken_rules import NOT_DERIVED, ROUNDING, SURVIVES, broken, inputs, missed, subjects
from benchmarks.timing import machine
from benchmarks.vocabulary import PROBLEMS
from odeanalysis.derivations.proof import Proof, prove, prove_tangents
from odeanalysis.derivations.second_order import second_order
from odeanalysis.numerics.gradients.program import compiled
from odeanalysis.symbolic.formula import Formula
from odeanalysis.verification.mutation.entries import RULE_TABLES, RuleTable
from odeanalysis.verification.mutation.mutants import rule_mutants, term_mutants, terms_of
from odeanalysis.verification.mutation.survey import Survey, surveyed
from odeanalysis.verification.mutation.trials import first_trial
from tests.cases import CASES

STIFF = ("closed_form", "moving_ends", "network_batch", "fourier_and_observations")
PROVED = (
    "closed_form",
    "running_cost",
    "linear_flow",
    "moving_ends",
    "everything_moves",
    "observed_twice",
    "observed_everywhere",
    "holes_of_their_own",
    "moving_switch",
    "named_depth",
    "per_sample_parameters",
)
CHECKS = {
    "gradient": "gradient: complex steps, Taylor",
    "formula": "formula: complex steps",
    "proof": "proof by SymPy",
}
SEED = 0
JUMPS = "jumps"


@dataclass
class Row:
    """What was made wrong, before which checks, and what came of it.  elsewhere: refused at other values than those given only."""

    what: str
    checks: str
    tried: int = 0
    killed: int = 0
    elsewhere: int = 0
    equivalent: dict[str, str] = field(default_factory=dict)
    survivors: list[str] = field(default_factory=list)

    def add(self, title: str, fate: str) -> None:
        """fate: "" where it was refused, "survives", or why it is equivalent."""
        self.tried += 1
        self.killed += not fate
        if fate == SURVIVES:
            self.survivors.append(title)
        elif fate:
            self.equivalent[title] = fate


# ---------------------------------------------------------------- before the checks of a gradient


def problems() -> Iterator[tuple[str, Any, Mapping[str, Any], str]]:
    """(title, problem, values, method)."""
    yield from ((name, case.problem(), case.values(), "tsit5") for name, case in CASES.items())
    yield from ((name, *state(), "tsit5") for name, state in PROBLEMS.items())
    yield from ((f"{name} by rosenbrock23", CASES[name].problem(), CASES[name].values(), "rosenbrock23") for name in STIFF)


def gradients() -> list[Row]:
    """The rules that derivations of gradients read, before one problem after another until one notices; and all terms."""
    terms, fates, noticed = Row("terms of the backward pass", CHECKS["gradient"]), {}, set()
    for title, problem, values, method in problems():
        first = first_trial(problem, values, oda.Settings(method), SEED)
        rules, others = list(rule_mutants(first.run, noticed)), list(term_mutants(first.run))
        found = surveyed(first, chain(rules, others), SEED)
        terms.elsewhere += found.elsewhere
        for mutant in others:
            terms.add(f"{title}: {mutant.title}", fate_in(found, mutant.title))
        for mutant in rules:
            fates.setdefault(mutant.title, []).append(fate_in(found, mutant.title))
            noticed |= {mutant.title} if not fates[mutant.title][-1] else set()
    return [*by_table(fates), terms]


def fate_in(found: Survey, title: str) -> str:
    return SURVIVES if title in found.survivors else found.equivalent.get(title, "")


def by_table(fates: Mapping[str, list[str]]) -> Iterator[Row]:
    """A rule made wrong is noticed where one problem notices it."""
    for kind in RULE_TABLES:
        row = Row(coverage(kind, fates), CHECKS["gradient"])
        for title, found in fates.items():
            if title.startswith(kind.title):
                row.add(title, "" if "" in found else SURVIVES if SURVIVES in found else f"in {len(found)} derivations; {found[0]}")
        if row.tried:
            yield row


def coverage(kind: RuleTable, titles: Iterable[str]) -> str:
    """How many entries of a table some derivation reads."""
    names = {f"{kind.title} {key if isinstance(key, str) else key.__name__}" for key in kind.table}
    read = {name for name in names for title in titles if title.startswith((f"{name},", f"{name} "))}
    return f"{kind.title}: {len(read)} of {len(names)} entries"


# ---------------------------------------------------------------- before complex steps of the formulas


def structures() -> Iterator[Row]:
    """The rules by which products, tangents, Jacobians and divergences are derived, each before all formulas that read it."""
    every = subjects()
    for kind in RULE_TABLES:
        fates = broken(kind, every)
        row = Row(coverage(kind, fates), CHECKS["formula"])
        for title, fate in fates.items():
            row.add(title, fate)
        yield row


# ---------------------------------------------------------------- before proofs


def proofs() -> Iterator[Row]:
    """The terms of the derivations as they are printed, of first and of second order."""
    yield proved("terms of the adjoint derivation", oda.adjoint, prove)
    yield proved("terms of the second-order derivation", lambda problem: second_order(oda.adjoint(problem)), prove_tangents)


def proved(what: str, derive: Callable[[Any], Any], proof: Callable[[Any], Proof]) -> Row:
    row = Row(what, CHECKS["proof"])
    for name in PROVED:
        whole = derive(CASES[name].problem())
        for formula, put in derived_formulas(whole):
            for term in terms_of(formula.name, formula):
                for words, changed in term.wrong():
                    row.add(f"{name}: {term.title} {words}", proof_fate(formula, changed, put, proof))
    return row


def derived_formulas(whole: Any) -> Iterator[tuple[Formula, Callable[[Formula], Any]]]:
    """Each formula of a derivation, and how to put another one in its place."""
    for one in fields(whole):
        value = getattr(whole, one.name)
        if isinstance(value, Formula):
            yield value, partial(_with_part, whole, one.name)
        elif one.name == JUMPS:
            yield from ((jump, partial(_with_jump, whole, i)) for i, jump in enumerate(value))


def _with_part(whole: Any, name: str, formula: Formula) -> Any:
    return replace(whole, **{name: formula})


def _with_jump(whole: Any, i: int, formula: Formula) -> Any:
    return replace(whole, jumps=(*whole.jumps[:i], formula, *whole.jumps[i + 1 :]))


def proof_fate(right: Formula, changed: Formula, put: Callable[[Formula], Any], proof: Callable[[Any], Proof]) -> str:
    try:
        holds = proof(put(changed)).holds
    except NOT_DERIVED:
        return ""
    if not holds:
        return ""
    return "proved by SymPy, and the same function at 8 random inputs" if same(right, changed) else SURVIVES


def same(right: Formula, changed: Formula) -> bool:
    random = np.random.default_rng(SEED)
    with np.errstate(all="ignore"):
        drawn = [inputs(right, random, 1.0, bool(i % 2)) for i in range(8)]
        return not any(missed(compiled(changed)(values), compiled(right)(values), ROUNDING) for values in drawn)


# ---------------------------------------------------------------- what is printed


def show(rows: Iterable[Row]) -> list[str]:
    """Prints the table, then the reasons of equivalent mutants and the survivors; gives the latter."""
    rows = list(rows)
    table = Table(title="Mutants", title_justify="left")
    for heading in ("made wrong", "before", "tried", "refused", "of them elsewhere", "equivalent", "survive"):
        table.add_column(heading, justify="left" if heading in ("made wrong", "before") else "right")
    for row in rows:
        numbers = (row.tried, row.killed, row.elsewhere, len(row.equivalent), len(row.survivors))
        table.add_row(row.what, row.checks, *map(str, numbers))
    console = Console(width=140)
    console.print(table)
    for row in rows:
        show_reasons(console, row)
    return [title for row in rows for title in row.survivors]


def show_reasons(console: Console, row: Row) -> None:
    """Equivalent mutants by their reason, then those that survive."""
    reasons = Counter(row.equivalent.values())
    for reason, count in reasons.most_common():
        titles = [title for title, other in row.equivalent.items() if other == reason]
        console.print(f"{row.what}, {count} equivalent: {reason}", style="bold", markup=False, highlight=False)
        for title in titles:
            console.print(f"    {title}", markup=False, highlight=False, soft_wrap=True)
    for title in row.survivors:
        console.print(f"{row.what}, SURVIVES: {title}", style="bold red", markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    print(machine("sympy", "numpy", "scipy"))
    begun = perf_counter()
    survivors = show([*gradients(), *structures(), *proofs()])
    print(f"{perf_counter() - begun:.0f} s")
    if survivors:
        raise SystemExit(f"{len(survivors)} mutants survive")


if __name__ == "__main__":
    main()
