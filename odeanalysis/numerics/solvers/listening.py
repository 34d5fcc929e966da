"""How far a solve is, told to whoever listens while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from odeanalysis.numerics.solvers.stiffness import METHODS_FOR_STIFF


@dataclass(frozen=True)
class Reached:
    """Where a solve stands: the depth of the sample that is furthest behind, and the steps it has tried.

    end: where its path ends.  stiff: whether stability holds its steps, and not the error.
    """

    depth: float
    end: float
    steps: int
    stiff: bool = False

    def __str__(self) -> str:
        advice = f"; it looks stiff: try {METHODS_FOR_STIFF}" if self.stiff else ""
        return f"depth {self.depth:.4g} of {self.end:.4g}, {self.steps} steps{advice}"


Listener = Callable[[Reached], None]
_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Inside, every solve in this thread calls the listener after each of its steps."""
    before = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(before)


def listener() -> Listener | None:
    """Who listens to solves here."""
    return _LISTENER.get()
