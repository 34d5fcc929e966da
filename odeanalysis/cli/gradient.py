"""`odeanalysis gradient`: the value of the objective and its gradient with respect to every value given."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odeanalysis.cli import options as opt
from odeanalysis.cli.backends import backend as chosen
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.numerics.gradients.evaluate import Evaluation


def gradient(
    model: opt.ModelFile,
    values: opt.ValuesFile,
    method: opt.Method = opt.METHOD,
    rtol: opt.Rtol = None,
    atol: opt.Atol = None,
    steps: opt.Steps = None,
    max_steps: opt.MaxSteps = None,
    sensitivity: Annotated[opt.SensitivityName, typer.Option(help="How to differentiate the solve.")] = "discrete",
    backend: opt.Backend = "numpy",
    reduction: Annotated[opt.Reduction | None, typer.Option(help="Over the batch [default: the model's].", show_default=False)] = None,
    wrt: Annotated[str | None, typer.Option(metavar="NAMES", help="Only these names, separated by commas.")] = None,
    json: opt.Json = False,
) -> None:
    """Computes the objective and its gradient.

    The gradient is that of the printed value, with respect to every value given, in its shape.
    """
    evaluate = chosen(backend)
    with progress("gradient") as shown:
        from odeanalysis.numerics.gradients.evaluate import SENSITIVITIES
        from odeanalysis.numerics.solvers.listening import listening

        problem, given = opt.read(model, values)
        stated = problem if reduction is None else replace(problem, reduction=reduction)
        settings = opt.settings(method, rtol, atol, steps, max_steps)
        with listening(shown.reach):
            found = evaluate(stated, given, settings, SENSITIVITIES[sensitivity], opt.names(wrt))
    (_print_json if json else _print)(found)


def _document(found: "Evaluation") -> dict[str, Any]:
    return {
        "value": found.value,
        "gradients": found.gradients,
        "final": found.final,
        "status": "ok",
        "statistics": found.statistics,
    }


def _print_json(found: "Evaluation") -> None:
    from odeanalysis.cli.output import write_json

    write_json(_document(found))


def _print(found: "Evaluation") -> None:
    from odeanalysis.cli.output import write_pairs

    write_pairs([("value", found.value), *found.gradients.items()])
