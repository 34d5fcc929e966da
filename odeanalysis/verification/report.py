"""What `verify` says of a claim: plain data that goes through JSON and other processes unchanged."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.verification.claim import Check, Claim, Evidence, Floor, Theorem, checks, verdict
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

    finished: ClassVar[bool] = True

    @property
    def backed(self) -> bool:
        """Whether every measurement backs the verdict, and there is one."""
        return self.verdict != "inconclusive" and all(check.passed for check in self.checks)


class Unfinished(Report):
    """The report of a claim that did not come to its end, which another run may do."""

    finished = False


def concluded(claim: Claim, proof: Iterable[Step], evidence: Evidence, seconds: float) -> Report:
    """The report of a claim that was proved and measured, as JSON gives it back. Raises ModelError for what JSON cannot hold."""
    steps = tuple(proof)
    refuted = evidence.printed is not None and evidence.printed.fails
    report = Report(
        **stated(claim),
        verdict=verdict(claim, evidence, bool(steps) and all(step.holds for step in steps)),
        checks=checks(claim, evidence, [replace(step, title=f"{step.title} ({step.way})") for step in steps]),
        counterexample=evidence.counterexample if refuted else None,
        seconds=seconds,
        proof=steps,
        figures=evidence.figures,
        beside=tuple(Finding(one.printed, one.meant, one.finding, one.instead, one.example) for one in evidence.beside),
    )
    return report_from(json.loads(json.dumps(document(report), default=_listed)))


def unfinished(claim: Claim, reason: str, seconds: float) -> Unfinished:
    """The report of a claim of which something raised, or whose worker was lost."""
    failed = Check(f"ran to its end: {reason}", 1.0, 0.0, False)
    return Unfinished(**stated(claim), verdict="inconclusive", checks=(failed,), counterexample=None, seconds=seconds)


def stated(claim: Claim) -> dict[str, Any]:
    """What a report takes over from its claim."""
    shared = {field.name for field in fields(Claim)} & {field.name for field in fields(Report)}
    return {name: getattr(claim, name) for name in sorted(shared)}


# ---------------------------------------------------------------- as a document


def document(report: Report) -> dict[str, Any]:
    """A report as JSON's own types; a check whose measurement must not fall below its bound has its sign beside it."""
    return {**asdict(report), "checks": [{**asdict(one), **_signed(one)} for one in report.checks]}


def _listed(value: Any) -> Any:
    """An array or a number of NumPy's as JSON's own types."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    kind = type(value).__name__
    raise ModelError(f"a claim gives back a {kind}, which JSON cannot hold; give numbers, texts, and lists or dicts of them")


def _signed(check: Check) -> dict[str, str]:
    return {} if check.sign == Check.sign else {"sign": check.sign}


def report_from(found: Mapping[str, Any]) -> Report:
    """The report that a document came from."""
    nested = {key: tuple(kind(**one) for one in found[key]) for key, kind in NESTED.items()}
    figures = tuple(Figure(**{**one, "lines": tuple(map(_line, one["lines"]))}) for one in found["figures"])
    return Report(**{**found, **nested, "hypotheses": tuple(found["hypotheses"]), "figures": figures})


def _check(sign: str = Check.sign, **found: Any) -> Check:
    return SIGNS[sign](**found)


SIGNS = {kind.sign: kind for kind in (Check, Floor)}
NESTED: dict[str, Callable[..., Any]] = {"checks": _check, "rests_on": Theorem, "proof": Step, "beside": Finding}


def _line(found: Mapping[str, Any]) -> Line:
    return Line(found["label"], tuple(found["x"]), tuple(found["y"]), found["kind"])
