"""`odeanalysis check`: the certificate of a gradient."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odeanalysis.cli import options as opt
from odeanalysis.cli.backends import OURS
from odeanalysis.cli.backends import backend as chosen
from odeanalysis.cli.errors import FAILED, say
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.numerics.gradients.evaluate import Evaluation
    from odeanalysis.verification.certificate.certificate import Certificate
    from odeanalysis.verification.certificate.invariant import Drift
    from odeanalysis.verification.mutation.survey import Fate, Survey

CONFIRMED = "confirmed"
MUTANTS = "Also break the derivation in every way; lists each wrong gradient with the checks that refuse it. None may pass."
ALL_TERMS = "Break every term of the derivation, not 150 evenly spread ones; takes --mutants along."
LEGEND = "Each mutant. _h: step size; _bar_z: cotangent of z; _cost: running cost so far; _t1, _t2, ...: computed once in a formula."
PASSES = "PASSES"
LONG = 60


def check(
    model: opt.ModelFile,
    values: opt.ValuesFile,
    backend: opt.Backend = OURS,
    mutants: Annotated[bool, typer.Option("--mutants", help=MUTANTS)] = False,
    all_terms: Annotated[bool, typer.Option("--all-terms", help=ALL_TERMS)] = False,
    method: opt.Method = opt.METHOD,
    rtol: opt.Rtol = None,
    atol: opt.Atol = None,
    steps: opt.Steps = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Draws the directions.")] = 0,
    json: opt.Json = False,
) -> None:
    """Certifies the gradient.

    Independent routes, Taylor slopes, an error bar, a verdict; only `confirmed` ends with 0.
    """
    evaluate = chosen(backend)
    with progress("check") as shown:
        from odeanalysis.verification.certificate import certificate

        problem, given = opt.read(model, values)
        settings = opt.settings(method, rtol, atol, steps)
        terms = None if all_terms else certificate.TERMS
        options = {"mutants": mutants or all_terms, "terms": terms, "seed": seed, "report": shown.update}
        found = certificate.check(problem, given, settings=settings, **options)
        if backend != OURS:
            found = _with_backend(found, backend, evaluate(problem, given, settings))
    (_print_json if json else _print)(found)
    if found.verdict != CONFIRMED:
        say(f"error: {found.verdict}: {_why(found)}")
        raise typer.Exit(FAILED)


def _with_backend(found: "Certificate", name: str, evaluation: "Evaluation") -> "Certificate":
    """The certificate with one route more: another backend's gradient, within the error bar of the certified one."""
    from odeanalysis.verification.certificate import certificate as cert
    from odeanalysis.verification.independent.compare import relative_difference

    gap = relative_difference(evaluation.gradients, found.gradient)
    bound = max(cert.EXACT_BOUND * found.conditioning, 2 * found.error_bar)
    checks = (*found.checks, cert.Check(f"backend {name}", gap, bound, gap <= bound))
    return replace(found, checks=checks, routes={**found.routes, name: gap}, verdict=cert.verdict(checks))


def _why(found: "Certificate") -> str:
    """The checks that did not pass; of an invariant, the depth at which it changes most."""
    from odeanalysis.verification.certificate.certificate import HAMILTONIAN, INVARIANT

    failed = [one for one in found.checks if not one.passed]
    drifts = {INVARIANT: found.invariant, HAMILTONIAN: found.hamiltonian}
    places = {name: f" (near depth {drift.depth:.4g})" for name, drift in drifts.items() if drift}
    return "; ".join(f"{one.name} is {one.measured:.3g}, not {one.sign} {one.bound:.3g}{places.get(one.name, '')}" for one in failed)


def document(found: "Certificate") -> dict[str, Any]:
    """A certificate as JSON shows it."""
    return {
        "verdict": found.verdict,
        "routes": found.routes,
        "slopes": found.slopes,
        "exact": found.exact,
        "mutants": _counts(found.mutants),
        "error_bar": found.error_bar,
        "conditioning": found.conditioning,
        "invariant": _drift(found.invariant),
        "hamiltonian": found.hamiltonian and _drift(found.hamiltonian),
        "checks": [{"name": one.name, "measured": one.measured, "bound": one.bound, "passed": one.passed} for one in found.checks],
        "skipped": found.skipped,
    }


def _counts(survey: "Survey | None") -> dict[str, Any]:
    """tried, killed, survivors, where mutants were tried: what a survey says of them, and of each."""
    if survey is None:
        return {"tried": 0, "killed": 0, "survivors": []}
    return {**vars(survey), "each": [_fate(one) for one in survey.each]}


def _fate(one: "Fate") -> dict[str, Any]:
    """title: as among the survivors.  refused_by: all checks that did.  elsewhere: at other values only.  equivalent: why it is right."""
    return {
        "title": one.title,
        "changed": one.what,
        "in": one.place,
        "refused_by": one.refused_by,
        "elsewhere": one.elsewhere,
        "equivalent": one.equivalent or None,
    }


def _drift(found: "Drift") -> dict[str, float]:
    return {"worst": found.worst, "depth": found.depth}


def _print_json(found: "Certificate") -> None:
    from odeanalysis.cli.output import write_json

    write_json(document(found))


def _print(found: "Certificate") -> None:
    from odeanalysis.cli.output import write_pairs, write_table

    exact = {f"Taylor slope {i}": "exact" for i, one in enumerate(found.exact, 1) if one}
    passed = {True: "passed", False: "failed", None: "undecided"}
    rows = [
        (one.name, f"{one.measured:.2e}", f"{one.sign} {one.bound:.2e}", exact.get(one.name, passed[one.passed])) for one in found.checks
    ]
    write_table(["check", "measured", "bound", ""], rows)
    left_out = [(f"not taken: {name}", reason) for name, reason in found.skipped.items()]
    summary = [("error bar", f"{found.error_bar:.2e}"), ("conditioning", f"{found.conditioning:.3g}")]
    write_pairs([("", ""), ("verdict", found.verdict), *summary, *_survey(found.mutants), *left_out])
    if found.mutants is not None:
        write_pairs([("", "")])
        write_table(["made wrong", "in", "refused by"], map(_row, found.mutants.each), LEGEND)


def _survey(survey: "Survey | None") -> list[tuple[str, str]]:
    """The mutants in words: the kill rate, where they were tried, and what was left out."""
    if survey is None:
        return []
    refused = f"{survey.killed} of {survey.tried} refused, {survey.elsewhere} of them only at other values than those given"
    rows = [("mutants", refused), ("mutants tried on", f"{survey.steps} steps of {survey.method}")]
    if survey.left_out:
        rows.append(("mutants left out", f"those of {survey.left_out} terms of the derivation; --all-terms tries them too"))
    return rows


def _row(one: "Fate") -> tuple[str, str, str]:
    """A mutant in the table: what was made wrong, where, and which checks refused it, or why none did."""
    from odeanalysis.symbolic.language.statement import shortened

    refused = ("at other values: " if one.elsewhere else "") + ", ".join(_numbered(one.refused_by))
    came_of_it = PASSES if one.survives else f"equivalent: {one.equivalent}" if one.equivalent else refused
    return shortened(one.what, LONG), shortened(one.place, LONG), came_of_it


def _numbered(names: Sequence[str]) -> Iterator[str]:
    """Names of checks, those that differ in their number alone as one: Taylor slope 1, 2, 3."""
    for name, same in groupby(names, key=lambda one: one.rstrip("0123456789")):
        yield name + ", ".join(one.removeprefix(name) for one in same)
