"""Whether a file that was written once is what would be written now."""

from itertools import zip_longest

from odeanalysis.generation.module import WRITTEN


def difference(file: str, text: str) -> str | None:
    """The first line in which a file differs from a text; None where only the versions that wrote them differ, or nothing."""
    for number, (old, new) in enumerate(zip_longest(file.splitlines(), text.splitlines()), 1):
        versions = old is not None and new is not None and old.startswith(WRITTEN) and new.startswith(WRITTEN)
        if old != new and not versions:
            return f"line {number} is {_shown(old)}, would be {_shown(new)}"
    return None


def _shown(line: str | None) -> str:
    return "missing" if line is None else repr(line.strip()[:60])
