"""The parts of a module that are the same for every model: the texts of `runtime`, and the helpers that printed functions call."""

import ast
from collections.abc import Callable, Iterator
from importlib import resources

from odeanalysis.generation.formatting import WIDTH
from odeanalysis.targets.prelude.functions import helper_source
from odeanalysis.targets.sources import torch_helper, torch_section

RUNTIME = "odeanalysis.generation.runtime"
SECTIONS = ("values", "path", "steps", "forward", "backward", "gradient")

# what needs SciPy in the library, and must not here
SPECIAL = {
    "erf": 'def erf(x):\n    """The error function."""\n    return np.vectorize(math.erf, otypes=[float])(x)\n',
    "gelu": 'def gelu(x):\n    """x times the standard normal distribution function."""\n'
    "    return 0.5 * x * np.vectorize(math.erfc, otypes=[float])(x * -0.7071067811865476)\n",
}
HELPERS: dict[str, Callable[[str], str]] = {"numpy": lambda name: SPECIAL.get(name) or helper_source(name), "torch": torch_helper}


def rule(title: str) -> str:
    """The comment that begins a section."""
    return f"# {'-' * (WIDTH - 3 - len(title))} {title}"


def helpers(target: str, names: Iterator[str]) -> Iterator[str]:
    """The texts of helpers."""
    yield from map(HELPERS[target], names)


def words(target: str) -> tuple[str, str]:
    """(comment, text) of how a target makes and reads arrays."""
    return _section(torch_section() if target == "torch" else _text("words"))


def sections() -> Iterator[tuple[str, str]]:
    """(comment, text) of each section that is the same for all targets."""
    for name in SECTIONS:
        yield _section(_text(name))


def _text(name: str) -> str:
    return resources.files(RUNTIME).joinpath(f"{name}.py").read_text(encoding="utf-8")


def _section(text: str) -> tuple[str, str]:
    """A comment with the first line of a file's docstring, and the file without docstring and imports."""
    tree = ast.parse(text)
    title = (ast.get_docstring(tree) or "").split("\n")[0].rstrip(".")
    first = next(node for node in tree.body[1:] if not isinstance(node, (ast.Import, ast.ImportFrom)))
    return rule(title), "\n".join(text.split("\n")[_start(first) - 1 :]).rstrip("\n") + "\n"


def _start(node: ast.stmt) -> int:
    """The line on which a statement begins, with its decorators."""
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
