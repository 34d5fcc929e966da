"""The errors of the library: one family, so that one `except` catches what a user can mend."""

from collections.abc import Iterable
from difflib import get_close_matches


def question(name: str, known: Iterable[str]) -> str:
    """`did you mean 'theta'? ` for the known name that looks most like one; nothing where none does."""
    near = get_close_matches(name, sorted(known), 1)
    return f"did you mean {near[0]!r}? " if near else ""


class OdeAnalysisError(Exception):
    """Base of every error raised on purpose; its text names what is wrong and says what to do."""


class ModelError(OdeAnalysisError):
    """A model, an objective, a method's data or a set of values contradicts itself."""


class LanguageError(ModelError):
    """A text is no expression of the model language."""


class DerivationError(OdeAnalysisError):
    """A derivation has no rule for what it was given, or one of its steps does not hold."""


class TargetError(OdeAnalysisError):
    """A formula cannot be written for, or bound to, the target that was asked for."""


class SolveError(OdeAnalysisError):
    """A solve, a fit or a check ended without a finite result.

    `depth`, `sample` and `component` (each may be None) say where.
    """

    def __init__(self, message: str, *, depth: float | None = None, sample: int | None = None, component: int | None = None):
        super().__init__(message)
        self.depth, self.sample, self.component = depth, sample, component
