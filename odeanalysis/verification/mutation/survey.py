"""The mutants of a problem's gradient, put before the checks: which are refused, which change nothing and why, and which slip through."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.gradients.program import Program
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification.mutation.equivalence import reason
from odeanalysis.verification.mutation.mutants import Mutant, rule_mutants, term_mutants, terms_of_run
from odeanalysis.verification.mutation.trials import Trial, drawn_trials, first_trial

TERMS = 150

Item = TypeVar("Item")


@dataclass(frozen=True)
class Survey:
    """tried: mutants.  killed: refused by a check, `elsewhere` of them not at the values given but at others drawn around them.

    equivalent: title -> why its gradient is the right one, computed.  survivors: titles of wrong gradients that no check refused.
    left_out: terms of the derivation that were not made wrong.  points: sets of values besides those given.  method, steps: of the solves.
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
    return Survey(**{**vars(found), "left_out": len(every) - len(chosen)})


def spread(every: Sequence[Item], most: int | None) -> Sequence[Item]:
    """At most so many of the items, evenly spread."""
    if most is None or len(every) <= most:
        return every
    return [every[k * len(every) // most] for k in range(most)]


def surveyed(first: Trial, mutants: Iterator[Mutant], seed: int) -> Survey:
    """Puts mutants before the checks at a first trial; those that pass are tried again at values drawn around it."""
    tried, passed = 0, []
    for mutant in titled(mutants):
        tried += 1
        if not _refused(first, mutant):
            passed.append(mutant)
    trials, remaining = _tried_elsewhere(first, passed, seed)
    reasons = {mutant.title: reason(mutant, trials, seed) for mutant in remaining if len(trials) > 1 and not _differs(trials, mutant)}
    return Survey(
        tried,
        tried - len(remaining),
        len(passed) - len(remaining),
        {title: why for title, why in reasons.items() if why},
        tuple(mutant.title for mutant in remaining if not reasons.get(mutant.title)),
        points=len(trials) - 1,
        method=first.run.settings.method,
        steps=first.run.settings.steps,
    )


def _tried_elsewhere(first: Trial, passed: list[Mutant], seed: int) -> tuple[list[Trial], list[Mutant]]:
    """The trials at values drawn around a first one, behind it, until no mutant passes them all; and those that do."""
    trials, remaining, others = [first], passed, drawn_trials(first, seed)
    while remaining and (one := next(others, None)) is not None:
        trials.append(one)
        remaining = [mutant for mutant in remaining if not _refused(one, mutant)]
    return trials, remaining


def titled(mutants: Iterator[Mutant]) -> Iterator[Mutant]:
    """The mutants, those of one title numbered."""
    seen: Counter[str] = Counter()
    for mutant in mutants:
        seen[mutant.title] += 1
        again = seen[mutant.title]
        yield mutant if again == 1 else Mutant(f"{mutant.title} ({again})", mutant.changed)


def _refused(one: Trial, mutant: Mutant) -> bool:
    return one.refuses(one.gradient(_program(one, mutant)))


def _program(one: Trial, mutant: Mutant) -> Program | None:
    return mutant.program(one.run.setting.program, one.run.settings.method)


def _differs(trials: Sequence[Trial], mutant: Mutant) -> bool:
    """Whether a mutant's gradient is another one somewhere."""
    found = ((one, one.gradient(_program(one, mutant))) for one in trials)
    return any(gradient is None or one.differs(gradient) for one, gradient in found)
