"""`odeanalysis check`: the certificate of a gradient."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odeanalysis.cli import options as opt
from odeanalysis.cli.backends import OURS
from odeanalysis.cli.backends import backend as chosen
from odeanalysis.cli.errors import FAILED, say
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.numerics.gradients.evaluate import Evaluation
    from odeanalysis.verification.certificate import Certificate

CONFIRMED = "confirmed"


def check(
    model: opt.ModelFile,
    values: opt.ValuesFile,
    backend: opt.Backend = OURS,
    mutants: Annotated[bool, typer.Option("--mutants", help="Also break the derivation in every way; each must be noticed.")] = False,
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
        from odeanalysis.verification import certificate

        problem, given = opt.read(model, values)
        settings = opt.settings(method, rtol, atol, steps)
        found = certificate.check(problem, given, settings=settings, mutants=mutants, seed=seed, report=shown.update)
        if backend != OURS:
            found = _with_backend(found, backend, evaluate(problem, given, settings))
    (_print_json if json else _print)(found)
    if found.verdict != CONFIRMED:
        say(f"error: {found.verdict}: {_why(found)}")
        raise typer.Exit(FAILED)


def _with_backend(found: "Certificate", name: str, evaluation: "Evaluation") -> "Certificate":
    """The certificate with one route more: another backend's gradient, within the error bar of the certified one."""
    from odeanalysis.verification import certificate as cert
    from odeanalysis.verification.compare import relative_difference

    gap = relative_difference(evaluation.gradients, found.gradient)
    bound = max(cert.EXACT_BOUND * found.conditioning, 2 * found.error_bar)
    checks = (*found.checks, cert.Check(f"backend {name}", gap, bound, gap <= bound))
    return replace(found, checks=checks, routes={**found.routes, name: gap}, verdict=cert.verdict(list(checks)))


def _why(found: "Certificate") -> str:
    """The checks that did not pass."""
    failed = [one for one in found.checks if not one.passed]
    return "; ".join(f"{one.name} is {one.measured:.3g}, its bound {one.bound:.3g}" for one in failed)


def document(found: "Certificate") -> dict[str, Any]:
    """A certificate as JSON shows it."""
    survey = found.mutants
    counts = {"tried": 0, "killed": 0, "survivors": []}
    if survey is not None:
        counts = {
            "tried": survey.tried,
            "killed": survey.killed,
            "survivors": survey.survivors,
            "equivalent": survey.equivalent,
        }
    return {
        "verdict": found.verdict,
        "routes": found.routes,
        "slopes": found.slopes,
        "mutants": counts,
        "error_bar": found.error_bar,
        "conditioning": found.conditioning,
        "checks": [{"name": one.name, "measured": one.measured, "bound": one.bound, "passed": one.passed} for one in found.checks],
        "skipped": found.skipped,
    }


def _print_json(found: "Certificate") -> None:
    from odeanalysis.cli.output import write_json

    write_json(document(found))


def _print(found: "Certificate") -> None:
    from odeanalysis.cli.output import write_pairs, write_table

    passed = {True: "passed", False: "failed", None: "undecided"}
    rows = [(one.name, f"{one.measured:.2e}", f"{one.bound:.2e}", passed[one.passed]) for one in found.checks]
    write_table(["check", "measured", "bound", ""], rows)
    survey = found.mutants
    killed = [] if survey is None else [("mutants", f"{survey.killed} of {survey.tried} refused, {len(survey.equivalent)} equivalent")]
    left_out = [(f"not taken: {route}", reason) for route, reason in found.skipped.items()]
    summary = [("error bar", f"{found.error_bar:.2e}"), ("conditioning", f"{found.conditioning:.3g}")]
    write_pairs([("", ""), ("verdict", found.verdict), *summary, *killed, *left_out])
