"""Which claims there are: the library's own, those that packages register, and those of a Python file that is named.

A reference is a claim's id, or `file.py:id`; it is plain text, so that any process can look the claim up again.
"""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.metadata import entry_points
from pathlib import Path

from odeanalysis.errors import ModelError
from odeanalysis.verification.border import Raised, border
from odeanalysis.verification.claim import Claim
from odeanalysis.verification.claims import CLAIMS
from odeanalysis.verification.files import importable, load, package_of, sources

GROUP = "odeanalysis.claims"


def known() -> dict[str, Claim]:
    """The library's claims, then those that installed packages register in the entry-point group `odeanalysis.claims`."""
    return {**{name: claim for name, (claim, _) in _registered().items()}, **CLAIMS}


@lru_cache(maxsize=1)
def _registered() -> dict[str, tuple[Claim, str]]:
    """Claims of other packages, with their modules. One that cannot be loaded, or whose id is taken, is left out with a warning."""
    found: dict[str, tuple[Claim, str]] = {}
    for entry in entry_points(group=GROUP):
        try:
            with border():
                claim = entry.load()
        except Raised as error:
            warnings.warn(f"the claim {entry.name!r} of an installed package cannot be loaded: {error}; mend or remove it", stacklevel=2)
            continue
        if not isinstance(claim, Claim) or claim.id in {*CLAIMS, *found}:
            warnings.warn(
                f"the entry {entry.name!r} of an installed package is no claim with an id of its own; it is left out", stacklevel=2
            )
            continue
        found[claim.id] = claim, entry.module
    return found


def sources_of(reference: str) -> list[Path]:
    """The files that a claim from outside of the library is made of; none for the library's own."""
    path = file_of(reference)
    if path is not None:
        return sources(path)
    return [] if reference in CLAIMS or reference not in _registered() else package_of(_registered()[reference][1])


def at_home(reference: str) -> AbstractContextManager[None]:
    """While this lasts, a claim of a file can import what lies beside that file."""
    path = file_of(reference)
    return nullcontext() if path is None else importable(path.parent)


def file_of(reference: str) -> Path | None:
    """The file of a reference `file.py:id`; None for a claim's id alone."""
    path = reference.rpartition(":")[0]
    return Path(path) if path.endswith(".py") else None


def chosen(asked: Iterable[str]) -> list[str]:
    """The references asked for, or all claims; a file stands for all claims in it.

    Raises ModelError for one that is not there, and for two claims of one id, which a report could not tell apart.
    """
    references = dict.fromkeys(one for name in asked for one in _expanded(name))
    taken: dict[str, str] = {}
    for one in references:
        other = taken.setdefault(find(one).id, one)
        if other != one:
            raise ModelError(f"{other} and {one} are claims of one id; give one of them another, or run them one after the other")
    return list(references) or list(known())


def _expanded(name: str) -> Iterator[str]:
    if name.endswith(".py"):
        yield from (f"{name}:{claim}" for claim in _in_file(name))
    else:
        find(name)
        yield name


def find(reference: str) -> Claim:
    """The claim of a reference. Raises ModelError where there is none."""
    path = file_of(reference)
    there = known() if path is None else _in_file(str(path))
    wanted = reference if path is None else reference.rpartition(":")[2]
    if wanted in there:
        return there[wanted]
    near = get_close_matches(wanted, there, 1)
    hint = f"; did you mean {near[0]!r}" if near else ""
    raise ModelError(f"there is no claim {wanted!r}{hint}; the claims are {', '.join(there)}")


@cache
def _in_file(path: str) -> dict[str, Claim]:
    """The claims of a Python file, which is run."""
    if not Path(path).is_file():
        raise ModelError(f"there is no file {path}; name a claim, or a Python file with claims in it")
    try:
        with border():
            module = load(Path(path))
    except Raised as error:
        raise ModelError(f"{path} cannot be loaded: {error}") from error
    found: dict[str, Claim] = {}
    for claim in (value for value in vars(module).values() if isinstance(value, Claim)):
        if found.setdefault(claim.id, claim) is not claim:
            raise ModelError(f"{path} has two claims of the id {claim.id!r}; give one of them another")
    if not found:
        raise ModelError(f"{path} has no claim in it; state one as a Claim, as docs/extending.md shows")
    return found
