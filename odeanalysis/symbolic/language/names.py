"""Which names a model may declare."""

import keyword
import re

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic.language.grammar import MODEL_FUNCTIONS

CONSTANTS = frozenset({"pi"})
RESERVED = frozenset(keyword.kwlist) | frozenset(MODEL_FUNCTIONS) | CONSTANTS
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def is_name(name: str) -> bool:
    """Whether a name may be declared: letters, digits and underscores of ASCII, a letter first, and not reserved."""
    return IDENTIFIER.fullmatch(name) is not None and name not in RESERVED


def check_name(name: str, what: str, depth: str) -> None:
    """Raises LanguageError for a name that may not be declared.

    what: what is named, for the message ('a state').  depth: the depth's name, which nothing else may have ('': not checked).
    """
    if IDENTIFIER.fullmatch(name) is None:
        raise LanguageError(f"{name!r} cannot name {what}; use letters, digits and underscores of ASCII, with a letter first")
    if name in RESERVED:
        raise LanguageError(f"{name!r} cannot name {what}: it is reserved, {_reason(name)}; choose another name, such as {name}1")
    if name == depth:
        raise LanguageError(f"{name!r} cannot name {what}: it is the name of the depth; rename one of them")


def _reason(name: str) -> str:
    if keyword.iskeyword(name):
        return "a keyword of Python"
    return "a constant" if name in CONSTANTS else "a function of the language"
