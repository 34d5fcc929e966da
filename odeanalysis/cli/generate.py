"""`odeanalysis generate`: a module, or a section of a paper, of a model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from odeanalysis.cli import options as opt
from odeanalysis.cli.errors import FAILED, say, stop
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.modeling.model import Problem

Target = Literal["numpy", "torch", "latex", "markdown"]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to FILE, not to the screen.")]
Check = Annotated[Path | None, typer.Option("--check", metavar="FILE", help="Say whether FILE is up to date; write nothing.")]

HEADS = {"latex": "% a section: needs \\usepackage{amsmath,amssymb}\n"}


def generate(
    model: opt.ModelFile,
    target: Annotated[Target, typer.Option(help="What to write.")] = "numpy",
    output: Output = None,
    check: Check = None,
) -> None:
    """Writes a module of the model that needs NumPy or torch alone.

    With the formulas of the derivation and value_and_gradient; or, for latex and markdown, the derivation as a section of a paper.
    """
    if output is not None and check is not None:
        stop("-o writes a file and --check compares one; give one or the other")
    if output is not None and output.resolve() == model.resolve():
        stop(f"-o would replace the model file {model}; name another file")
    with progress("generate"):
        from odeanalysis.modeling.modelfile import read

        text = written(read(model), target)
    if check is not None:
        _compare(check, text)
    elif output is not None:
        output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def written(problem: "Problem", target: Target) -> str:
    """The text of a problem for a target."""
    from odeanalysis.derivations.adjoint import adjoint
    from odeanalysis.generation.module import generate as module
    from odeanalysis.reports.derivation import FORMATS

    if target not in FORMATS:
        return module(problem, target)
    return f"{HEADS.get(target, '')}{FORMATS[target](adjoint(problem)).rstrip()}\n"


def _compare(file: Path, text: str) -> None:
    from odeanalysis.generation.comparing import difference
    from odeanalysis.modeling.files import content, decoded

    found = difference(decoded(content(file, "a generated file"), str(file)), text)
    if found is not None:
        say(f"error: {file} is not up to date: {found}; generate it again")
        raise typer.Exit(FAILED)
    say(f"{file} is up to date")
