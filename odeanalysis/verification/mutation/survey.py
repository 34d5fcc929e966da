"""The mutants of a problem's gradient, put before the checks: which are refused, which change nothing and why, and which slip through."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, TypeVar

from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.gradients.program import Program
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification.mutation.equivalence import reason
from odeanalysis.verification.mutation.mutants import Mutant, rule_mutants, term_mutants, terms_of_run
from odeanalysis.verification.mutation.trials import Trial, drawn_trials, first_trial

TERMS = 150
DERIVATION = "the derivation itself"

Item = TypeVar("Item")


@dataclass(frozen=True)
class Fate:
    """What came of a mutant.  what, place: what was made wrong, and where.  refused_by: the names of all checks that refused it.

    elsewhere: whether they did so at other values than those given only.  equivalent: why its gradient is the right one, computed.
    """

    title: str
    what: str
    place: str
    refused_by: tuple[str, ...] = ()
    elsewhere: bool = False
    equivalent: str = ""

    @property
    def survives(self) -> bool:
        return not self.refused_by and not self.equivalent


@dataclass(frozen=True)
class Survey:
    """tried: mutants.  killed: refused by a check, `elsewhere` of them not at the values given but at others drawn around them.

    equivalent: title -> why its gradient is the right one, computed.  survivors: titles of wrong gradients that no check refused.
    left_out: terms of the derivation that were not made wrong.  points: sets of values besides those given.  method, steps: of the solves.
    each: what came of each mutant: first the survivors, the equivalent ones, and those refused at other values only.
    """

    tried: int
    killed: int
    elsewhere: int = 0
    equivalent: dict[str, str] = field(default_factory=dict)
    survivors: tuple[str, ...] = ()
    left_out: int = 0
    points: int = 0
    method: str = ""
    steps: int | None = None
    each: tuple[Fate, ...] = field(default=(), repr=False)


def survey(problem: Problem, values: Mapping[str, Any], asked: Settings, seed: int, most: int | None = TERMS) -> Survey:
    """Tries the mutants of a gradient.

    asked: the solve that is certified; mutants are tried on one of few steps (`first_trial`).  most: at most so many terms of the
    derivation are made wrong, evenly spread; None: every one. The rules that are read are all made wrong.
    Raises as `solve_problem` does.
    """
    first = first_trial(problem, values, asked, seed)
    every = terms_of_run(first.run)
    chosen = spread(every, most)
    found = surveyed(first, chain(rule_mutants(first.run), term_mutants(first.run, chosen)), seed)
    return replace(found, left_out=len(every) - len(chosen))


def spread(every: Sequence[Item], most: int | None) -> Sequence[Item]:
    """At most so many of the items, evenly spread."""
    if most is None or len(every) <= most:
        return every
    return [every[k * len(every) // most] for k in range(most)]


def surveyed(first: Trial, mutants: Iterator[Mutant], seed: int) -> Survey:
    """Puts mutants before the checks at a first trial; those that pass are tried again at values drawn around it."""
    fates, passed = {}, []
    for mutant in titled(mutants):
        fates[mutant.title] = Fate(mutant.title, *mutant.shown, _refusals(first, mutant))
        if not fates[mutant.title].refused_by:
            passed.append(mutant)
    trials, refused = _tried_elsewhere(first, passed, seed)
    for mutant, names in refused.items():
        why = "" if names else _reason(trials, mutant, seed)
        fates[mutant.title] = replace(fates[mutant.title], refused_by=names, elsewhere=bool(names), equivalent=why)
    return replace(_counted(fates.values()), points=len(trials) - 1, method=first.run.settings.method, steps=first.run.settings.steps)


def _tried_elsewhere(first: Trial, passed: list[Mutant], seed: int) -> tuple[list[Trial], dict[Mutant, tuple[str, ...]]]:
    """The trials at values drawn around a first one, behind it, until no mutant passes them all; and the checks that refused each there."""
    trials, others = [first], drawn_trials(first, seed)
    refused: dict[Mutant, tuple[str, ...]] = dict.fromkeys(passed, ())
    while not all(refused.values()) and (one := next(others, None)) is not None:
        trials.append(one)
        refused = {mutant: names or _refusals(one, mutant) for mutant, names in refused.items()}
    return trials, refused


def _reason(trials: Sequence[Trial], mutant: Mutant, seed: int) -> str:
    """Why a mutant that passed all trials is right; empty where it is not, or could be tried nowhere else."""
    return reason(mutant, trials, seed) if len(trials) > 1 and not _differs(trials, mutant) else ""


def _counted(fates: Iterable[Fate]) -> Survey:
    """The fates in their order, and how many there are of each kind."""
    each = sorted(fates, key=lambda one: (bool(one.refused_by), not one.elsewhere, bool(one.equivalent)))
    return Survey(
        len(each),
        sum(bool(one.refused_by) for one in each),
        sum(one.elsewhere for one in each),
        {one.title: one.equivalent for one in each if one.equivalent},
        tuple(one.title for one in each if one.survives),
        each=tuple(each),
    )


def titled(mutants: Iterator[Mutant]) -> Iterator[Mutant]:
    """The mutants, those of one title numbered."""
    seen: Counter[str] = Counter()
    for mutant in mutants:
        seen[mutant.title] += 1
        again = seen[mutant.title]
        yield mutant if again == 1 else replace(mutant, title=f"{mutant.title} ({again})")


def _refusals(one: Trial, mutant: Mutant) -> tuple[str, ...]:
    """The names of all checks that refuse a mutant at a trial."""
    return (DERIVATION,) if mutant.changed is None else tuple(one.refusals(one.gradient(_program(one, mutant))))


def _program(one: Trial, mutant: Mutant) -> Program | None:
    return mutant.program(one.run.setting.program, one.run.settings.method)


def _differs(trials: Sequence[Trial], mutant: Mutant) -> bool:
    """Whether a mutant's gradient is another one somewhere."""
    found = ((one, one.gradient(_program(one, mutant))) for one in trials)
    return any(gradient is None or one.differs(gradient) for one, gradient in found)
