"""Running the command line inside the test process, and stating small models as files."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from odeanalysis.cli.main import app

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACT = ROOT / "tests" / "contract"
LYNX_HARE = ROOT / "examples" / "lynx_hare"

PROGRESS = re.compile(r"^\w+ \.\.\. \d+ s(, .*)?\n", re.MULTILINE)

GROWTH = """
domain = [0, 1.5]
[state]
z = []
[parameters]
theta = []
z0 = []
[field]
z = "theta*z"
[initial]
z = "z0"
[objective]
running = "theta**2*z**2"
"""
GROWTH_VALUES = '{"theta": 0.4, "z0": 1.2}'


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document it must be, without NaN."""
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"JSON holds {constant}")


def run(*arguments: str | Path) -> Outcome:
    """Runs `odeanalysis ARGUMENTS`; an error that is no exit is raised here."""
    found = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    return Outcome(found.exit_code, found.stdout, without_progress(found.stderr))


def without_progress(errors: str) -> str:
    """Standard error without the lines that a slow machine gets to see."""
    return PROGRESS.sub("", errors)


def files(folder: Path, model: str = GROWTH, values: str = GROWTH_VALUES) -> tuple[Path, Path]:
    """A model file and a file of values with these texts."""
    stated, given = folder / "model.toml", folder / "values.json"
    stated.write_text(model, encoding="utf-8")
    given.write_text(values, encoding="utf-8")
    return stated, given
