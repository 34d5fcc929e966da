"""Names that models allow, made of names from elsewhere: as near to them as can be, and no two alike."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from itertools import chain

from odeanalysis.errors import ModelError
from odeanalysis.symbolic.language import RESERVED

DEPTHS = ("t", "s", "time", "depth")
USUAL = DEPTHS[:2]  # what depth is called where nobody says it
OTHER = re.compile(r"_*[^A-Za-z0-9_]+_*")
LAMBDA = {"lamda": "lambda"}  # as Unicode spells the letter


class Names:
    """Names in use. `fresh` gives one more, and remembers it."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)

    def fresh(self, *wanted: str) -> str:
        """The first of the wanted names that is free, made readable; else the last of them with a number behind."""
        found = [readable(one) for one in wanted]
        numbered = (f"{found[-1]}_{i}" for i in range(2, len(self.taken) + 3))
        name = next(one for one in chain(found, numbered) if one not in self.taken)
        self.taken.add(name)
        return name


def readable(name: str) -> str:
    """A name that may be declared: Greek letters spelled out, other signs as underscores, reserved words with one behind."""
    spelled = "".join(map(_spelled, name)).lstrip("_")
    plain = spelled if spelled.isidentifier() and spelled.isascii() else OTHER.sub("_", spelled).strip("_")
    if not plain[:1].isalpha():
        plain = f"x{plain}"
    return f"{plain}_" if plain in RESERVED else plain


def _spelled(letter: str) -> str:
    words = unicodedata.name(letter, "").split()
    if letter.isascii() or words[:1] != ["GREEK"] or "LETTER" not in words:
        return letter
    spelled = words[words.index("LETTER") + 1].lower()
    spelled = LAMBDA.get(spelled, spelled)
    return spelled.capitalize() if "CAPITAL" in words else spelled


def depth_among(names: Collection[str], states: Collection[str], what: str) -> str:
    """What depth is called where it is not said: t or s, whichever of them stands among the names; else a name that nothing has."""
    found = [name for name in USUAL if name in names and name not in states]
    if len(found) > 1:
        raise ModelError(f"{what} has both {' and '.join(map(repr, found))}; say which of them is the depth, as in depth={found[0]!r}")
    return found[0] if found else free_depth({*names, *states})


def free_depth(names: Collection[str]) -> str:
    """A name for the depth that is none of the names."""
    return next((name for name in DEPTHS if name not in names), None) or Names(names).fresh(DEPTHS[0])
