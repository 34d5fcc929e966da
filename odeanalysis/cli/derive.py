"""`odeanalysis derive`: the derived problem, step by step."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from odeanalysis.cli import options as opt
from odeanalysis.cli.extras import PAGES, require
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.derivations.derived import DerivedProblem

Format = Literal["text", "latex", "markdown", "html", "json"]


def derive(
    model: opt.ModelFile,
    format: Annotated[Format, typer.Option(help="How to print it.")] = "text",
) -> None:
    """Prints the derived problem, step by step.

    The Hamiltonian, the costate and its jumps, the boundary conditions, the gradient of every name.
    """
    if format == "html":
        require("--format html", PAGES)
    with progress("derive"):
        from odeanalysis.derivations.adjoint import adjoint
        from odeanalysis.modeling.modelfile import read
        from odeanalysis.reports.derivation import FORMATS

        show: Callable[[DerivedProblem], str] = FORMATS[format]
        text = show(adjoint(read(model)))
    sys.stdout.write(text.rstrip("\n") + "\n")
