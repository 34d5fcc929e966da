"""Writing a figure to a file. What could go wrong is checked before the work begins."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from odeanalysis.cli.errors import stop
from odeanalysis.cli.extras import PLOTS, require

FORMATS = ("png", "pdf", "svg", "jpg")
Plot = Annotated[Path | None, typer.Option(metavar="FILE", help=f"Draw into FILE ({', '.join(FORMATS)}).")]


def drawing(path: Path | None) -> Callable[[Any], None] | None:
    """What saves a matplotlib figure to a path, or None where nothing is to be drawn."""
    if path is None:
        return None
    require("--plot", PLOTS)
    if path.suffix.lower().lstrip(".") not in FORMATS:
        stop(f"--plot {path}: the name's ending says the format; use one of {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        stop(f"--plot {path}: there is no folder {path.parent}; make it first")
    return lambda figure: figure.savefig(path, dpi=150)
