"""Python files of users as modules: loaded under names of their own, with their folders importable while they run, and no longer."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import RLock
from types import ModuleType

from odeanalysis.errors import ModelError

# folder -> the modules that its files imported from it, which no file of another folder sees
NEIGHBOURS: dict[Path, dict[str, ModuleType]] = {}
ONE = RLock()  # all threads share one path


def load(path: Path) -> ModuleType:
    """Runs a file as a module that Python knows, so that dataclasses and pickles in it find it; files of one stem do not clash."""
    name = f"{path.stem}_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} cannot be loaded as a Python file")
    module = sys.modules[name] = module_from_spec(spec)
    with importable(path.parent):
        spec.loader.exec_module(module)
    return module


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """While this lasts, a folder comes first on Python's path, as for a script in it; what is imported from it is kept for it alone."""
    folder = folder.resolve()
    with ONE:
        if any(Path(one).resolve() == folder for one in sys.path):
            yield
            return
        kept = NEIGHBOURS.setdefault(folder, {})
        before = {name.partition(".")[0] for name in sys.modules}
        sys.modules.update(kept)
        sys.path.insert(0, str(folder))
        try:
            yield
        finally:
            sys.path.remove(str(folder))
            kept.update(_new_in(folder, before))
            for name in kept:
                sys.modules.pop(name, None)


def _new_in(folder: Path, before: set[str]) -> dict[str, ModuleType]:
    """The modules that lie in a folder and came while it was importable.  before: the first names of those that were there."""
    now = dict(sys.modules)
    ours = {name for name, module in now.items() if name not in before and _home(module) == folder}
    return {name: module for name, module in now.items() if name.partition(".")[0] in ours}


def _home(module: ModuleType) -> Path | None:
    """The folder in which a module, or a package, lies; asked of its own entries, since some modules make up any attribute."""
    own = vars(module)
    place = next(iter(own.get("__path__") or ()), None) or own.get("__file__")
    return None if place is None else Path(place).resolve().parent


def sources(path: Path) -> list[Path]:
    """A file and the files beside it that it imports, wherever in it, and that those import in their turn; none where it is gone."""
    folder, found, waiting = path.resolve().parent, set[Path](), [path.resolve()]
    while waiting:
        one = waiting.pop()
        if one not in found and one.is_file():
            found.add(one)
            waiting += [near for name in _imported(one) for near in _files(folder / name)]
    return sorted(found)


def _imported(path: Path) -> set[str]:
    """The first names of what a file imports; those of a file that cannot be read are none."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError):
        return set()
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.partition(".")[0] for name in names}


def _files(place: Path) -> list[Path]:
    """The files of a module or of a package, which are all that lie in it."""
    module = place.with_name(f"{place.name}.py")
    return [one.resolve() for one in (module, *place.rglob("*.py")) if one.is_file()]


def package_of(module: str) -> list[Path]:
    """The files of the package in which an imported module lies, or of the module that stands alone."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    # a namespace that packages share has no file
    file = Path(next(str(sys.modules[name].__file__) for name in names if getattr(sys.modules[name], "__file__", None)))
    return sorted(file.parent.rglob("*.py")) if file.stem == "__init__" else [file]
