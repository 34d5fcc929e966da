"""Written modules, loaded."""

from functools import cache
from types import ModuleType

from odeanalysis.generation import generate
from tests.cases import CASES

REFUSED = ("symbolic_sizes",)  # sizes have to be numbers
NAMES = tuple(name for name in CASES if name not in REFUSED)
TARGETS = ("numpy", "torch")


@cache
def module_of(name: str, target: str) -> ModuleType:
    return load(generate(CASES[name].problem(), target), name)


def load(text: str, name: str = "generated") -> ModuleType:
    found = ModuleType(name)
    exec(compile(text, f"<{name}>", "exec"), found.__dict__)
    return found
