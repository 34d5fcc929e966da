"""`odeanalysis test`: a test file of a model, ready for pytest."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from odeanalysis.cli import options as opt
from odeanalysis.cli.errors import say, stop
from odeanalysis.cli.progress import progress

Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to FILE, not to the screen.")]
Module = Annotated[Path | None, typer.Option(metavar="FILE", help="The module of `generate` to be tested [default: one made then].")]


def test(
    model: opt.ModelFile,
    output: Output = None,
    module: Module = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it is there already.")] = False,
) -> None:
    """Writes Hypothesis tests of the model's gradient, and of what the model file claims.

    They draw values, inside the model's [ranges], and try to break what should hold.
    """
    if output is not None and output.exists() and not force:
        stop(f"{output} is there already, and may have been changed; name another file, or give --force")
    if module is not None and not module.is_file():
        stop(f"--module {module}: there is no such file; write it with `odeanalysis generate {model} -o {module}`")
    with progress("test"):
        from odeanalysis.generation.suite import Files, suite
        from odeanalysis.modeling.modelfile import read

        place = Path.cwd() if output is None else output.parent
        text, note = suite(read(model), Files(_beside(model, place), None if module is None else _beside(module, place)))
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
    if note:
        say(f"note: {note}")


def _beside(file: Path, place: Path) -> str:
    """The path of a file from a folder, with forward slashes; absolute where they share no drive."""
    try:
        return Path(os.path.relpath(file, place)).as_posix()
    except ValueError:
        return file.resolve().as_posix()
