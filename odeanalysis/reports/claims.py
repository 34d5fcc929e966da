"""The reports of claims as one HTML page that needs nothing else."""

import json
from collections.abc import Iterable
from html import escape

from odeanalysis.reports.pages import page as page_of
from odeanalysis.verification.claim import Check, Report

OUTCOMES = {True: "passed", False: "failed", None: "undecided"}


def page(reports: Iterable[Report]) -> str:
    """All reports: an overview, then each claim with its statements, checks and counterexample."""
    found = list(reports)
    rows = "".join(f'<tr><td><a href="#{escape(r.id)}">{escape(r.id)}</a></td><td>{escape(r.verdict)}</td></tr>' for r in found)
    overview = f"<table><tr><th>claim</th><th>verdict</th></tr>{rows}</table>"
    return page_of("Claims", overview + "".join(map(_section, found)))


def _section(report: Report) -> str:
    printed = "nothing" if report.printed is None else report.printed
    rows = "".join(map(_row, report.checks))
    shown = "" if report.counterexample is None else f"<h3>Counterexample</h3><pre>{_pretty(report.counterexample)}</pre>"
    return (
        f'<h2 id="{escape(report.id)}">{escape(report.title)}</h2>'
        f"<p><b>{escape(report.verdict)}</b>, in {report.seconds:.1f} s</p>"
        f"<p><i>Printed:</i> {escape(printed)}</p><p><i>As it should read:</i> {escape(report.corrected)}</p>"
        f"<table><tr><th>check</th><th>measured</th><th>bound</th><th></th></tr>{rows}</table>{shown}"
    )


def _row(one: Check) -> str:
    outcome = OUTCOMES[one.passed]
    numbers = "".join(f'<td class="number">{number:.3g}</td>' for number in (one.measured, one.bound))
    return f'<tr><td>{escape(one.name)}</td>{numbers}<td class="{outcome}">{outcome}</td></tr>'


def _pretty(value: object) -> str:
    return escape(json.dumps(value, indent=1, ensure_ascii=False, default=str))
