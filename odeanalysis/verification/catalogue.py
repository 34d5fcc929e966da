"""Which claims there are: the library's own, those that packages register, and those of a Python file that is named.

A reference is a claim's id, or `file.py:id`; it is plain text, so that any process can look the claim up again.
"""

import warnings
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from odeanalysis.errors import ModelError
from odeanalysis.verification.claim import Claim
from odeanalysis.verification.claims import CLAIMS

GROUP = "odeanalysis.claims"
UNLOADABLE = (ArithmeticError, AttributeError, ImportError, LookupError, NameError, OSError, SyntaxError, TypeError, ValueError)


def known() -> dict[str, Claim]:
    """The library's claims, then those that installed packages register in the entry-point group `odeanalysis.claims`."""
    return {**_registered(), **CLAIMS}


@lru_cache(maxsize=1)
def _registered() -> dict[str, Claim]:
    """Claims of other packages. One that cannot be loaded, or takes an id of ours, is left out with a warning."""
    found: dict[str, Claim] = {}
    for entry in entry_points(group=GROUP):
        try:
            claim = entry.load()
        except UNLOADABLE as error:
            warnings.warn(f"the claim {entry.name!r} of an installed package cannot be loaded: {error}; mend or remove it", stacklevel=2)
            continue
        if not isinstance(claim, Claim) or claim.id in CLAIMS:
            warnings.warn(
                f"the entry {entry.name!r} of an installed package is no claim with an id of its own; it is left out", stacklevel=2
            )
            continue
        found[claim.id] = claim
    return found


def source_of(reference: str) -> str | None:
    """The file of a known claim's measurement; None where there is no such claim."""
    claim = known().get(reference)
    code = getattr(claim.measure, "__code__", None) if claim is not None else None
    return None if code is None else code.co_filename


def chosen(asked: Iterable[str]) -> list[str]:
    """The references asked for, or all claims; a file stands for all claims in it. Raises ModelError for one that is not there."""
    references = [one for name in asked for one in _expanded(name)]
    return list(dict.fromkeys(references)) or list(known())


def _expanded(name: str) -> Iterator[str]:
    if name.endswith(".py"):
        yield from (f"{name}:{claim}" for claim in _in_file(name))
    else:
        find(name)
        yield name


def find(reference: str) -> Claim:
    """The claim of a reference. Raises ModelError where there is none."""
    path, _, name = reference.rpartition(":")
    there = _in_file(path) if path.endswith(".py") else known()
    wanted = name if path.endswith(".py") else reference
    if wanted in there:
        return there[wanted]
    near = get_close_matches(wanted, there, 1)
    hint = f"; did you mean {near[0]!r}" if near else ""
    raise ModelError(f"there is no claim {wanted!r}{hint}; the claims are {', '.join(there)}")


@lru_cache(maxsize=16)
def _in_file(path: str) -> dict[str, Claim]:
    """The claims of a Python file, which is run."""
    if not Path(path).is_file():
        raise ModelError(f"there is no file {path}; name a claim, or a Python file with claims in it")
    spec = spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} cannot be loaded as a Python file")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except UNLOADABLE as error:
        raise ModelError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    found = {value.id: value for value in vars(module).values() if isinstance(value, Claim)}
    if not found:
        raise ModelError(f"{path} has no claim in it; state one as a Claim, as docs/extending.md shows")
    return found
