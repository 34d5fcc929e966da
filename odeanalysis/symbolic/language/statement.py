"""The text of one expression, and errors that point into it."""

import ast
from dataclasses import dataclass
from difflib import get_close_matches

from odeanalysis.errors import LanguageError

WINDOW = 100
SHORT = 40
NODE = ast.expr | ast.keyword


@dataclass(frozen=True)
class Statement:
    """An expression's text, and the key of the model file (or another name) under which it stands."""

    text: str
    key: str = ""

    def error(self, problem: str, start: int = 0, end: int | None = None) -> LanguageError:
        """The error whose carets stand under `text[start:end]`."""
        where = f"{self.key}: " if self.key else ""
        return LanguageError(f"{where}{problem}\n{self._excerpt(start, start + 1 if end is None else end)}")

    def at(self, node: NODE, problem: str) -> LanguageError:
        """The error whose carets stand under a part of the expression."""
        return self.error(problem, node.col_offset, node.end_col_offset)

    def between(self, left: ast.expr, right: ast.expr, operator: str, problem: str) -> LanguageError:
        """The error whose carets stand under the operator between two operands."""
        place = self.text.find(operator, left.end_col_offset, right.col_offset)
        return self.error(problem, place, place + len(operator))

    def show(self, node: NODE) -> str:
        """A part of the expression as messages name it, shortened in its middle."""
        return shortened(self.text[node.col_offset : node.end_col_offset])

    def _excerpt(self, start: int, end: int) -> str:
        """The text around a place, and carets under the place."""
        first = max(0, min(start - WINDOW // 3, len(self.text) - WINDOW))
        shown = "".join(letter if letter.isprintable() else "?" for letter in self.text[first : first + WINDOW])
        before, after = "..." if first else "", "..." if first + WINDOW < len(self.text) else ""
        width = max(1, min(end, first + len(shown), start + SHORT) - start)
        return f"    {before}{shown}{after}\n    {' ' * (len(before) + start - first)}{'^' * width}"


def shortened(text: str, length: int = SHORT) -> str:
    half = (length - 3) // 2
    return text if len(text) <= length else f"{text[:half]}...{text[-half:]}"


def nearest(name: str, known: list[str]) -> str:
    """A question for the names that look like this one; nothing where none does."""
    close = get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(map(repr, close))}? " if close else ""
