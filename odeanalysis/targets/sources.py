"""The text of what printed torch programs call, read from the file in which it stands: nothing here imports torch."""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from odeanalysis.errors import TargetError

HELPERS = "prelude/functions.py"


def torch_helper(name: str) -> str:
    """The text of a function of `torchbridge.prelude`, which needs `import torch` and nothing else of that module.

    Raises TargetError for a name that is no helper, and where the package is not there.
    """
    helpers = _texts()
    if name not in helpers:
        raise TargetError(f"there is no helper {name!r}; there are {', '.join(helpers)}")
    return helpers[name]


def torch_section() -> str:
    """The text of `torchbridge.prelude.standalone`: how modules make and read tensors. Raises TargetError where it is not there."""
    return _file("prelude/standalone.py").read_text(encoding="utf-8")


@cache
def _texts() -> dict[str, str]:
    text = _file(HELPERS).read_text(encoding="utf-8")
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {function.name: f"{ast.get_source_segment(text, function)}\n" for function in functions}


def _file(name: str) -> Path:
    found = find_spec("torchbridge")
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        if (path := Path(folder) / name).is_file():
            return path
    raise TargetError("the package torchbridge, whose functions torch programs call, is not there; install odeanalysis whole")
