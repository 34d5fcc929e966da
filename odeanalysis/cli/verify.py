"""`odeanalysis verify`: derives, proves and measures the claims, with a live table of verdicts."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odeanalysis.cli.errors import FAILED, say, stop
from odeanalysis.cli.extras import PAGES, PLOTS, require
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.verification.report import Report

HEADER = ("claim", "verdict", "checks", "seconds")
WIDTHS = (28, 22, 9, 8)
VERDICT_STYLES = {
    "holds": "green",
    "holds as corrected": "yellow",
    "false as stated": "magenta",
    "inconclusive": "bold red",
}
Show = Callable[[str, "Report"], None]


def verify(
    claims: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CLAIM]...", help="Claims, or Python files that hold some [default: all].", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Makes random instances repeatable.")] = 0,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the reports to FILE as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the reports to DIR as a page.")] = None,
    jobs: Annotated[int, typer.Option(metavar="N", help="Processes.")] = 1,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep finished claims in FILE, and take those kept there by a run that was killed."),
    ] = None,
) -> None:
    """Derives, proves and measures the claims.

    Ends with 0 only if every measurement backs its verdict and none is inconclusive.
    """
    _check(json, html, jobs, resume)
    if seed < 0:
        stop(f"--seed {seed}: give a number of 0 or more")
    with progress("loading"):
        from odeanalysis.verification import catalogue, runner

        references = catalogue.chosen(claims or [])
        found = runner.run(references, seed, jobs, resume=resume)
    if html is not None:
        html.mkdir(parents=True, exist_ok=True)  # before the claims are run, which takes minutes
    reports = {}
    with _table(references, seed) as show:
        for reference, report in found:
            reports[reference] = report
            show(reference, report)
    ordered = {reference: reports[reference] for reference in references}
    _write(ordered, json, html)
    _conclude(list(ordered.values()))


def _check(json: Path | None, html: Path | None, jobs: int, resume: Path | None) -> None:
    if jobs < 1:
        stop(f"--jobs {jobs}: give a number of 1 or more")
    for option, path in (("--json", json), ("--resume", resume)):
        if path is not None and not path.parent.is_dir():
            stop(f"{option} {path}: there is no folder {path.parent}; make it first")
        if path is not None and path.is_dir():
            stop(f"{option} {path}: this is a folder; name a file in it")
        if path is not None:
            _check_place(option, path, path if path.exists() else path.parent)
    if json is not None and resume is not None and json.resolve() == resume.resolve():
        stop(f"--json and --resume name one file, {json}; finished claims are kept line by line, name another for them")
    if html is not None:
        _check_page(html)


def _check_page(html: Path) -> None:
    require("--html", (*PAGES, *PLOTS))
    if html.exists() and not html.is_dir():
        stop(f"--html {html}: this is a file; name a folder")
    _check_place("--html", html, next(one for one in (html, *html.absolute().parents) if one.exists()))


def _check_place(option: str, path: Path, place: Path) -> None:
    if not os.access(place, os.W_OK) or (path != place and not place.is_dir()):
        stop(f"{option} {path}: {place} may not be written; name another place")


def _write(reports: "dict[str, Report]", json: Path | None, html: Path | None) -> None:
    if json is not None:
        from odeanalysis.cli.output import to_json
        from odeanalysis.reports.claims import facts

        json.write_text(to_json([facts(*one) for one in reports.items()], indent=1) + "\n", encoding="utf-8")
    if html is not None:
        with progress("drawing"):
            from odeanalysis.reports.claims import page

            (html / "index.html").write_text(page(reports), encoding="utf-8")


def _conclude(reports: "list[Report]") -> None:
    for report in reports:
        for one in report.checks:
            if not one.passed:
                say(f"{report.id}: {one.name}: measured {one.measured:.3g}, bound {one.bound:.3g}")
    unbacked = [report.id for report in reports if not report.backed]
    if unbacked:
        say(f"error: not backed by every measurement: {', '.join(unbacked)}")
        raise typer.Exit(FAILED)


# ---------------------------------------------------------------- the table


@contextmanager
def _table(names: list[str], seed: int) -> Iterator[Show]:
    """Shows each report when it is there: rows that fill in on a terminal, else a line for each."""
    with _live(names, seed) if sys.stdout.isatty() else _lines() as show:
        yield show


@contextmanager
def _lines() -> Iterator[Show]:
    def line(cells: tuple[str, ...]) -> None:
        sys.stdout.write("".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip() + "\n")
        sys.stdout.flush()

    line(HEADER)
    with progress("verify") as shown:

        def show(reference: str, report: "Report") -> None:
            line(_cells(report))
            shown.update(f"{report.id} done")

        yield show


def _cells(report: "Report") -> tuple[str, str, str, str]:
    passed = sum(one.passed is True for one in report.checks)
    return report.id, report.verdict, f"{passed}/{len(report.checks)}", f"{report.seconds:.1f}"


@contextmanager
def _live(names: list[str], seed: int) -> Iterator[Show]:
    from rich.live import Live

    done: dict[str, Report] = {}
    with Live(_Rows(names, seed, done), refresh_per_second=4) as live:

        def show(reference: str, report: "Report") -> None:
            done[reference] = report
            live.refresh()

        yield show


class _Rows:
    """All claims, finished or not, as a rich table made anew at each refresh."""

    def __init__(self, names: list[str], seed: int, done: "dict[str, Report]"):
        from rich.spinner import Spinner

        self.names, self.done = names, done
        self.title = f"{len(names)} claims, seed {seed}"
        self.spinner = Spinner("dots")

    def __rich__(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table(*HEADER, title=self.title, title_justify="left")
        for name in self.names:
            if name in self.done:
                verdict = self.done[name].verdict
                first, _, *rest = _cells(self.done[name])
                table.add_row(Text(first), Text(verdict, VERDICT_STYLES.get(verdict, "")), *map(Text, rest))
            else:
                table.add_row(Text(name), self.spinner, "", "")
        return table
