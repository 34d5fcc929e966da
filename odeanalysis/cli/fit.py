"""`odeanalysis fit`: minimises the objective; estimates, standard errors, convergence."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odeanalysis.cli import options as opt
from odeanalysis.cli.errors import FAILED, say
from odeanalysis.cli.plots import Plot, drawing
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.numerics.fitting import Fit


def fit(
    model: opt.ModelFile,
    values: opt.ValuesFile,
    free: Annotated[str | None, typer.Option(metavar="NAMES", help="What to fit [default: all parameters].", show_default=False)] = None,
    method: opt.Method = opt.METHOD,
    rtol: opt.Rtol = None,
    atol: opt.Atol = None,
    steps: opt.Steps = None,
    max_steps: opt.MaxSteps = None,
    json: opt.Json = False,
    plot: Plot = None,
) -> None:
    """Minimises the objective.

    Over the free names, starting from the values, within the model's ranges. Standard errors are right where the loss of a
    sample is a negative log-likelihood.
    """
    save = drawing(plot)
    with progress("fit") as shown:
        from odeanalysis.numerics.fitting import fit as minimise
        from odeanalysis.numerics.solvers.listening import listening

        problem, given = opt.read(model, values)
        settings = opt.settings(method, rtol, atol, steps, max_steps)
        with listening(shown.reach):
            found = minimise(
                problem,
                given,
                opt.names(free),
                settings,
                on_iteration=lambda n, value: shown.update(f"iteration {n}, value {value:.9g}"),
            )
        if save is not None:
            from odeanalysis.reports import fitted

            save(fitted.figure(found))
    (_print_json if json else _print)(found)
    _conclude(found)


def _conclude(found: "Fit") -> None:
    if found.reason:
        say(f"standard errors: {found.reason}")
    if not found.converged:
        say(f"error: {found.message}")
        raise typer.Exit(FAILED)


def document(found: "Fit") -> dict[str, Any]:
    """A fit as JSON shows it."""
    return {
        "status": "ok" if found.converged else "not converged",
        "value": found.value,
        "estimates": found.estimates,
        "standard_errors": found.standard_errors,
        "correlation": {"entries": found.entries, "matrix": found.correlation},
        "gradient_norm": found.gradient_norm,
        "converged": found.converged,
        "iterations": found.iterations,
        "evaluations": found.evaluations,
        "message": found.message,
        "reason": found.reason or None,
        "hessian_source": found.hessian_source,
        "method": found.run.settings.method,
    }


def _print_json(found: "Fit") -> None:
    from odeanalysis.cli.output import write_json

    write_json(document(found))


def _print(found: "Fit") -> None:
    from odeanalysis.cli.output import write_pairs, write_table

    write_table(["", "estimate", "standard error"], _rows(found))
    counts = f"{found.iterations} iterations, {found.evaluations} evaluations, gradient {found.gradient_norm:.1e}"
    write_pairs([("", ""), ("value", found.value), ("converged", f"{'yes' if found.converged else 'no'} ({counts})")])


def _rows(found: "Fit") -> Iterator[tuple[str, str, str]]:
    import numpy as np

    nothing = {name: np.full(value.shape, np.nan) for name, value in found.estimates.items()}
    errors = found.standard_errors or nothing
    flat = (np.concatenate([np.ravel(arrays[name]) for name in found.estimates]) for arrays in (found.estimates, errors))
    for entry, estimate, error in zip(found.entries, *flat, strict=True):
        yield entry, f"{estimate:.6g}", "-" if np.isnan(error) else f"{error:.3g}"
