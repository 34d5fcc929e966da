"""libSBML, imported when it is first used."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from odeanalysis.errors import OdeAnalysisError


def library() -> Any:
    """The module libsbml. Raises OdeAnalysisError saying how to install it where it is not there."""
    if find_spec("libsbml") is None:
        raise OdeAnalysisError("reading SBML needs python-libsbml, which is not installed; run pip install 'odeanalysis[sbml]'")
    return import_module("libsbml")


def items(listed: Any) -> list[Any]:
    """The entries of one of libSBML's lists."""
    return [listed.get(i) for i in range(listed.size())]


@cache
def codes() -> dict[int, str]:
    """The kinds of nodes of a formula: number -> libSBML's name for it, as FUNCTION_LOG."""
    found = library()
    return {getattr(found, name): name.removeprefix("AST_") for name in dir(found) if name.startswith("AST_")}
