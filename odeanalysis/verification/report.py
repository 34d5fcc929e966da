"""What `verify` says of a claim: plain data that goes through JSON and other processes unchanged."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from odeanalysis.verification.claim import Check, Claim, Evidence, Theorem, checks, verdict
from odeanalysis.verification.figure import Figure, Line
from odeanalysis.verification.proof import Step


@dataclass(frozen=True)
class Finding:
    """A sentence beside a claim: as printed, as it was read, what was found of it, what holds, and an example where it fails."""

    printed: str
    meant: str
    finding: str
    instead: str
    example: dict[str, Any] | None


@dataclass(frozen=True)
class Report:
    """A claim's statement, its verdict with the checks behind it, its proof, its counterexample, its figures, and what stands beside it."""

    id: str
    title: str
    printed: str | None
    corrected: str
    verdict: str
    checks: tuple[Check, ...]
    counterexample: dict[str, Any] | None
    seconds: float
    source: str = ""
    hypotheses: tuple[str, ...] = ()
    rests_on: tuple[Theorem, ...] = ()
    proof: tuple[Step, ...] = ()
    figures: tuple[Figure, ...] = ()
    beside: tuple[Finding, ...] = ()

    @property
    def backed(self) -> bool:
        """Whether every measurement backs the verdict, and there is one."""
        return self.verdict != "inconclusive" and all(check.passed for check in self.checks)


def concluded(claim: Claim, proof: Iterable[Step], evidence: Evidence, seconds: float) -> Report:
    """The report of a claim that was proved and measured."""
    steps = tuple(proof)
    refuted = evidence.printed is not None and evidence.printed.fails
    return Report(
        **stated(claim),
        verdict=verdict(claim, evidence, bool(steps) and all(step.holds for step in steps)),
        checks=checks(claim, evidence, steps),
        counterexample=evidence.counterexample if refuted else None,
        seconds=seconds,
        proof=steps,
        figures=evidence.figures,
        beside=tuple(Finding(one.printed, one.meant, one.finding, one.instead, one.example) for one in evidence.beside),
    )


def broken(claim: Claim, error: Exception, seconds: float) -> Report:
    """The report of a claim whose proof or measurement raised."""
    failed = Check(f"ran to its end: {type(error).__name__}: {error}", 1.0, 0.0, False)
    return Report(**stated(claim), verdict="inconclusive", checks=(failed,), counterexample=None, seconds=seconds)


def stated(claim: Claim) -> dict[str, Any]:
    """What a report takes over from its claim."""
    shared = {field.name for field in fields(Claim)} & {field.name for field in fields(Report)}
    return {name: getattr(claim, name) for name in sorted(shared)}


# ---------------------------------------------------------------- as a document


def document(report: Report) -> dict[str, Any]:
    """A report as JSON's own types."""
    return asdict(report)


NESTED = {"checks": Check, "rests_on": Theorem, "proof": Step, "beside": Finding}


def report_from(found: Mapping[str, Any]) -> Report:
    """The report that a document came from."""
    nested = {key: tuple(kind(**one) for one in found[key]) for key, kind in NESTED.items()}
    figures = tuple(Figure(**{**one, "lines": tuple(map(_line, one["lines"]))}) for one in found["figures"])
    return Report(**{**found, **nested, "hypotheses": tuple(found["hypotheses"]), "figures": figures})


def _line(found: Mapping[str, Any]) -> Line:
    return Line(found["label"], tuple(found["x"]), tuple(found["y"]), found["kind"])
