"""The arguments and options that commands share, and what they mean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from odeanalysis.cli.errors import stop

if TYPE_CHECKING:
    from odeanalysis.modeling.model import Problem
    from odeanalysis.numerics.gradients.settings import Settings

METHOD = "tsit5"
RTOL, ATOL = 1e-8, 1e-10
MAX_STEPS = 100_000

ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="The model file (TOML).")]
ValuesFile = Annotated[Path, typer.Argument(metavar="VALUES", help="The values: JSON or .npz.")]
Method = Annotated[str, typer.Option(metavar="M", help="euler, rk4, dopri5, tsit5, dopri8, kvaerno5, rodas5p, ..., or a SciPy solver.")]
Rtol = Annotated[float | None, typer.Option(metavar="R", help=f"Relative tolerance [default: {RTOL}].", show_default=False)]
Atol = Annotated[float | None, typer.Option(metavar="A", help=f"Absolute tolerance [default: {ATOL}].", show_default=False)]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Equal steps instead of tolerances.", show_default=False)]
MaxSteps = Annotated[
    int | None, typer.Option(metavar="N", help=f"The most steps to try in a solve [default: {MAX_STEPS}].", show_default=False)
]
Backend = Annotated[str, typer.Option(metavar="B", help="numpy, fused or torch.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
Reduction = Literal["mean", "sum"]
SensitivityName = Literal["discrete", "adjoint", "forward", "backsolve", "differences"]


def settings(method: str, rtol: float | None, atol: float | None, steps: int | None, max_steps: int | None = None) -> "Settings":
    """How to solve. Tolerances and a number of steps exclude each other."""
    from odeanalysis.numerics.gradients.settings import Settings

    if steps is not None and (rtol is not None or atol is not None):
        stop("--steps takes equal steps and --rtol, --atol control the error; give one or the other")
    limit = MAX_STEPS if max_steps is None else max_steps
    return Settings(method, RTOL if rtol is None else rtol, ATOL if atol is None else atol, steps, limit)


def read(model: Path, values: Path) -> "tuple[Problem, dict[str, Any]]":
    """The problem and the values of two files."""
    from odeanalysis.modeling.modelfile import read as read_model
    from odeanalysis.modeling.valuefile import read_values

    return read_model(model), dict(read_values(values))


def names(text: str | None) -> list[str] | None:
    """`a, b` -> ["a", "b"]; nothing given -> None."""
    if text is None:
        return None
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        stop(f"{text!r} names nothing; give names separated by commas")
    return found
