"""The reports of claims as one HTML page that needs nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.reports.derivation import title_html
from odeanalysis.reports.equations import steps
from odeanalysis.reports.mathematics import mathml
from odeanalysis.reports.pages import page as page_of
from odeanalysis.reports.panels import legend, svg
from odeanalysis.verification.catalogue import at_home, find
from odeanalysis.verification.claim import Check
from odeanalysis.verification.report import Report, document

OUTCOMES = {True: "passed", False: "failed", None: "undecided"}
PROOF = "proof: "


def page(reports: Mapping[str, Report]) -> str:
    """The reports of references: an overview, then each claim with statements, counterexample, figures, derivation, proof, measurements."""
    return page_of("claims.html", title="Claims, proved and measured", claims=[_section(*one) for one in reports.items()])


def facts(reference: str, report: Report) -> dict[str, Any]:
    """What a page shows of a claim, as JSON's own types."""
    return {**document(report), "derivation": [{"title": step.title, "latex": step.latex} for step in _derivation(reference, report)]}


def _section(reference: str, report: Report) -> dict[str, Any]:
    return {
        **vars(report),
        "passed": sum(check.passed is True for check in report.checks),
        "counterexample": list(_entries(report.counterexample)),
        "beside": [{**vars(one), "example": list(_entries(one.example))} for one in report.beside],
        "figures": [{**vars(one), "svg": svg(one, f"{report.id} {i}"), "legend": legend(one)} for i, one in enumerate(report.figures)],
        "derivation": [{"title": title_html(step.title), "mathml": mathml(step.latex)} for step in _derivation(reference, report)],
        "equations": [{**vars(step), "mathml": mathml(step.latex)} for step in report.proof if step.latex],
        "steps": [step for step in report.proof if not step.latex],
        "measurements": [_measurement(check) for check in report.checks if not check.name.startswith(PROOF)],
    }


def _derivation(reference: str, report: Report) -> Iterator[Any]:
    """The derivation of the problem that a claim shows, step by step; none of a claim that did not come to its end."""
    claim = find(reference)
    if claim.shown is not None and report.finished:
        with at_home(reference):
            problem = claim.shown()
        yield from steps(adjoint(problem))


def _measurement(check: Check) -> dict[str, Any]:
    return {"name": check.name, "measured": check.measured, "bound": check.bound, "outcome": OUTCOMES[check.passed]}


def _entries(found: dict[str, Any] | None) -> Iterator[tuple[str, list[str]]]:
    """What a counterexample consists of, each entry with its lines."""
    for key, value in (found or {}).items():
        yield key, [f"{name}: {_said(part)}" for name, part in value.items()] if isinstance(value, dict) else [_said(value)]


def _said(value: Any) -> str:
    """Numbers, texts, and what is made of them, in a line."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_said(part)}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_said, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)
