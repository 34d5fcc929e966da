"""SBML documents and MathML in pieces."""

from pathlib import Path
from typing import Any

import odeanalysis as oda
from odeanalysis.importers.imported import Imported

MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
SYMBOLS = "http://www.sbml.org/sbml/symbols"
CORE = "http://www.sbml.org/sbml/level3/version2/core"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
X, K, ONE = "<ci>x</ci>", "<ci>k</ci>", "<cn>1</cn>"
TIME = f'<csymbol encoding="text" definitionURL="{SYMBOLS}/time">time</csymbol>'


def math(body: str) -> str:
    return f"<math {MATH}>{body}</math>"


def apply(operator: str, *arguments: str) -> str:
    return f"<apply><{operator}/>{''.join(arguments)}</apply>"


def called(function: str, *arguments: str) -> str:
    return f"<apply><ci>{function}</ci>{''.join(arguments)}</apply>"


def symbol(name: str, *arguments: str) -> str:
    """A call of a function that SBML adds to MathML."""
    return f'<apply><csymbol encoding="text" definitionURL="{SYMBOLS}/{name}">{name}</csymbol>{"".join(arguments)}</apply>'


def choice(*pieces: tuple[str, str], otherwise: str = "<cn>0</cn>") -> str:
    inner = "".join(f"<piece>{value}{condition}</piece>" for value, condition in pieces)
    return f"<piecewise>{inner}{otherwise and f'<otherwise>{otherwise}</otherwise>'}</piecewise>"


def function(name: str, body: str, *variables: str) -> str:
    bound = "".join(f"<bvar><ci>{one}</ci></bvar>" for one in variables)
    return f'<functionDefinition id="{name}">{math(f"<lambda>{bound}{body}</lambda>")}</functionDefinition>'


def rule(kind: str, name: str, body: str) -> str:
    return f'<{kind}Rule variable="{name}">{math(body)}</{kind}Rule>'


def start(name: str, body: str) -> str:
    return f'<initialAssignment symbol="{name}">{math(body)}</initialAssignment>'


def parameter(name: str, value: str | None = None, constant: bool = False) -> str:
    return f'<parameter id="{name}" constant="{str(constant).lower()}"{"" if value is None else f" value={value!r}"}/>'.replace("'", '"')


def sbml(model: str, spaces: str = "", head: str = HEAD) -> str:
    return f'{head}\n<sbml xmlns="{CORE}" level="3" version="2" {spaces}>{model}</sbml>'


def document(
    law: str = K,
    *,
    functions: str = "",
    parameters: str = "",
    starts: str = "",
    rules: str = "",
    more: str = "",
    spaces: str = "",
    head: str = HEAD,
) -> str:
    """x' = law, with a constant k."""
    listed = {"FunctionDefinitions": functions, "Parameters": parameter("x", "1") + parameter("k", "2") + parameters}
    listed |= {"InitialAssignments": starts, "Rules": rule("rate", "x", law) + rules}
    inner = "\n".join(f"<listOf{name}>{body}</listOf{name}>" for name, body in listed.items() if body)
    return sbml(f'<model id="m">{inner}{more}</model>', spaces, head)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "file.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def imported(folder: Path, text: str | bytes) -> Imported:
    return oda.from_sbml(written(folder, text))


def slope(found: Imported) -> Any:
    """The right side of the first state."""
    return next(iter(dict(found.model.field).values()))
