"""Whether a file that was written once is what would be written now."""

from itertools import zip_longest

from odeanalysis.generation.module import WRITTEN

SHOWN = 100


def difference(file: str, text: str) -> str | None:
    """The first line in which a file differs from a text; None where only the versions that wrote them differ, or nothing."""
    for number, (old, new) in enumerate(zip_longest(file.splitlines(), text.splitlines()), 1):
        versions = old is not None and new is not None and old.startswith(WRITTEN) and new.startswith(WRITTEN)
        if old != new and not versions:
            start = next((i for i, (a, b) in enumerate(zip(old or "", new or "", strict=False)) if a != b), 0)
            return f"line {number} is {_shown(old, start)}, would be {_shown(new, start)}"
    return None


def _shown(line: str | None, start: int) -> str:
    """A line, or its part about the first difference."""
    if line is None:
        return "missing"
    return repr(line.strip() if len(line) <= SHOWN else f"...{line[max(0, start - SHOWN // 2) : start + SHOWN // 2].strip()}...")
