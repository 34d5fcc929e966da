"""`Claim`: a statement as printed and as it should read, with a proof, a measurement, and a verdict that is computed from them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

CLEAR = 100.0


@dataclass(frozen=True)
class Check:
    """One measurement against its bound; `passed` says whether it backs the verdict, None that it cannot decide."""

    name: str
    measured: float
    bound: float
    passed: bool | None


@dataclass(frozen=True)
class Gap:
    """How far a form of a claim missed on one instance, measured in one way, beside the bound it had to keep."""

    instance: str
    way: str
    measured: float
    bound: float

    @property
    def kept(self) -> bool:
        return self.measured <= self.bound

    @property
    def clearly_missed(self) -> bool:
        """Missed by so much that no rounding explains it."""
        return not self.measured < CLEAR * self.bound


@dataclass(frozen=True)
class Form:
    """One reading of a claim (printed, corrected, sabotaged) with what was measured of it."""

    gaps: tuple[Gap, ...]

    @property
    def passes(self) -> bool:
        return bool(self.gaps) and all(gap.kept for gap in self.gaps)

    @property
    def fails(self) -> bool:
        """On some instance every way of measuring misses clearly."""
        return any(all(gap.clearly_missed for gap in self.gaps if gap.instance == one) for one in {gap.instance for gap in self.gaps})

    @property
    def worst(self) -> Gap:
        return max(self.gaps, key=lambda gap: gap.measured / gap.bound if gap.measured == gap.measured else float("inf"))


@dataclass(frozen=True)
class Evidence:
    """printed: None where the paper prints nothing, or its form is the corrected one.  counterexample: shown where the print fails.

    proof: title -> whether the identity reduces to zero.
    """

    corrected: Form
    sabotaged: Form
    printed: Form | None = None
    counterexample: dict[str, Any] | None = None
    extra: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A statement that can be proved, measured and broken.

    printed: the paper's sentence (None where it prints none).  corrected: as it should read.  restores: whether the correction (a term, a
    hypothesis) restores the printed conclusion, or says something else.  prove: -> pairs (title, holds).  measure: seed -> Evidence.
    """

    id: str
    title: str
    source: str
    printed: str | None
    corrected: str
    hypotheses: tuple[str, ...]
    prove: Callable[[], Iterable[tuple[str, bool]]]
    measure: Callable[[int], Evidence]
    restores: bool = True


@dataclass(frozen=True)
class Report:
    """What `verify` says of a claim."""

    id: str
    title: str
    printed: str | None
    corrected: str
    verdict: str
    checks: tuple[Check, ...]
    counterexample: dict[str, Any] | None
    seconds: float
    proof: tuple[tuple[str, bool], ...] = field(default=())

    @property
    def backed(self) -> bool:
        """Whether every measurement backs the verdict, and there is one."""
        return self.verdict != "inconclusive" and all(check.passed for check in self.checks)


def verdict(claim: Claim, evidence: Evidence, proved: bool) -> str:
    """holds, holds as corrected, false as stated, or inconclusive: from the measurements alone."""
    if not (proved and evidence.corrected.passes and evidence.sabotaged.fails):
        return "inconclusive"
    if evidence.printed is None or evidence.printed.passes:
        return "holds"
    if not evidence.printed.fails:
        return "inconclusive"
    return "holds as corrected" if claim.restores else "false as stated"


def checks(evidence: Evidence, proof: Iterable[tuple[str, bool]]) -> tuple[Check, ...]:
    """All measurements as lines of a report."""
    found = [Check(f"proof: {title}", 0.0 if holds else 1.0, 0.0, holds) for title, holds in proof]
    found += [Check(f"corrected, {gap.way}: {gap.instance}", gap.measured, gap.bound, gap.kept) for gap in evidence.corrected.gaps]
    if evidence.printed is not None:
        worst = evidence.printed.worst
        decided = evidence.printed.passes or evidence.printed.fails
        found.append(Check(f"printed form decided, {worst.way}: {worst.instance}", worst.measured, worst.bound, decided))
    worst = evidence.sabotaged.worst
    found.append(
        Check(
            f"sabotaged form refused, {worst.way}: {worst.instance}",
            worst.measured,
            worst.bound,
            evidence.sabotaged.fails,
        )
    )
    return (*found, *evidence.extra)
