"""`odeanalysis solve`: the trajectory at chosen depths."""

from typing import TYPE_CHECKING, Annotated

import typer

from odeanalysis.cli import options as opt
from odeanalysis.cli.errors import stop
from odeanalysis.cli.plots import Plot, drawing
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.reports.trajectory import Trajectory

POINTS = 21


def solve(
    model: opt.ModelFile,
    values: opt.ValuesFile,
    at: Annotated[str | None, typer.Option(metavar="D,D,...", help="The depths to show.")] = None,
    points: Annotated[int | None, typer.Option(metavar="N", help=f"Equally spaced depths [default: {POINTS}].", show_default=False)] = None,
    method: opt.Method = opt.METHOD,
    rtol: opt.Rtol = None,
    atol: opt.Atol = None,
    steps: opt.Steps = None,
    max_steps: opt.MaxSteps = None,
    json: opt.Json = False,
    plot: Plot = None,
) -> None:
    """Solves for the trajectory.

    At given depths, or at equally spaced ones from one end of the domain to the other.
    """
    wanted = _depths(at, points)
    save = drawing(plot)
    with progress("solve") as shown:
        from odeanalysis.numerics.gradients.run import solve_setting
        from odeanalysis.numerics.gradients.setting import prepare
        from odeanalysis.numerics.solvers.listening import listening
        from odeanalysis.reports import trajectory as paths

        problem, given = opt.read(model, values)
        setting = prepare(problem, given)
        paths.depths(setting, wanted)  # depths outside are refused before the solve
        with listening(shown.reach):
            run = solve_setting(setting, opt.settings(method, rtol, atol, steps, max_steps))
        found = paths.trajectory(run, wanted)
        if save is not None:
            save(paths.figure(run))
    (_print_json if json else _print)(found)


def _depths(at: str | None, points: int | None) -> list[float] | int:
    if at is not None and points is not None:
        stop("--at lists depths and --points counts them; give one or the other")
    if points is not None and points < 1:
        stop(f"--points {points}: give a number of 1 or more")
    return (points or POINTS) if at is None else [_number(part) for part in opt.names(at) or ()]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        stop(f"--at: {text!r} is no number; give depths separated by commas, as in --at 0,0.5,1")


def _print_json(found: "Trajectory") -> None:
    from odeanalysis.cli.output import write_json

    write_json({"depth": found.depth, "states": found.states, "status": "ok", "statistics": found.statistics})


def _print(found: "Trajectory") -> None:
    from odeanalysis.cli.output import number, write_table

    for title, depth, columns in found.tables():
        rows = [[number(entry) for entry in row] for row in zip(depth, *columns.values(), strict=True)]
        write_table([found.depth_name, *columns], rows, title)
