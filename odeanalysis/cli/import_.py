"""`odeanalysis import`: an SBML file as a model file and its values."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odeanalysis.cli.errors import say, stop
from odeanalysis.cli.progress import progress

if TYPE_CHECKING:
    from odeanalysis.importers.imported import Imported

END = 10.0

SbmlFile = Annotated[Path, typer.Argument(metavar="FILE", help="The SBML file, of level 2 or 3.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="MODEL", help="Write the model file to MODEL, not to the screen.")]
Values = Annotated[Path | None, typer.Option(metavar="VALUES", help="Write the values that FILE gives to VALUES, as JSON.")]
End = Annotated[float, typer.Option(metavar="T", help="Where the domain [0, T] ends; SBML does not say it.")]


def import_sbml(file: SbmlFile, output: Output = None, values: Values = None, end: End = END) -> None:
    """States an SBML model as a model file.

    The values that it gives are a file of their own, as the other commands take them.
    """
    _check(file, output, values)
    with progress("import"):
        from odeanalysis.importers.sbml.reader import from_sbml

        found = from_sbml(file, end)
        text = found.text
    if values is not None:
        _write_values(found, values)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
    _tell(found, values)


def _check(file: Path, output: Path | None, values: Path | None) -> None:
    """Refuses places that cannot be written, and one file in two roles, before the work begins."""
    given = {"FILE": file, "-o": output, "--values": values}
    places = {option: path.resolve() for option, path in given.items() if path is not None}
    for option, path in places.items():
        if option != "FILE" and not path.parent.is_dir():
            stop(f"{option} {given[option]}: there is no folder {path.parent}; make it first")
        twin = next((other for other, one in places.items() if other != option and one == path), None)
        if twin is not None:
            stop(f"{option} and {twin} name one file, {given[option]}; name another")


def _write_values(found: "Imported", path: Path) -> None:
    from odeanalysis.cli.output import to_json

    path.write_text(to_json(found.values, indent=1) + "\n", encoding="utf-8")


def _tell(found: "Imported", values: Path | None) -> None:
    """What is still to be done before the model can be solved."""
    if values is None and found.values:
        say(f"note: the file gives {len(found.values)} values; write them with --values VALUES")
    if found.missing:
        say(f"note: the file gives no value for {', '.join(found.missing)}; add them to the values")
