"""How far a solve is, told to whoever listens while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace

from odeanalysis.numerics.solvers.stiffness import METHODS_FOR_STIFF


@dataclass(frozen=True)
class Reached:
    """Where a solve stands: the depth of the sample that is furthest behind, and the steps it has tried.

    end: where its path ends.  stiff: whether stability holds its steps, and not the error.  backward: whether this is an adjoint's sweep,
    from the end of the path to its start.
    """

    depth: float
    end: float
    steps: int
    stiff: bool = False
    backward: bool = False

    def __str__(self) -> str:
        advice = f"; it looks stiff: try {METHODS_FOR_STIFF}" if self.stiff else ""
        place = "backward sweep at depth {:.4g} on its way to {:.4g}" if self.backward else "depth {:.4g} of {:.4g}"
        return f"{place.format(self.depth, self.end)}, {self.steps} steps{advice}"


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


@contextmanager
def sweeping_backward() -> Iterator[None]:
    """Inside, whoever listens is told that the backward sweep is what runs."""
    tell = listener()
    with nullcontext() if tell is None else listening(lambda reached: tell(replace(reached, backward=True))):
        yield
