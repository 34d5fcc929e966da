"""Who is told of the steps of a solve while it runs."""

from typing import Protocol

from torchbridge.steps.stepper import Place, State, Taken


class Watch(Protocol):
    """Told of every step of a solve in which all samples share their steps; what it is told of is the solve's own and not to be changed.

    done: whether the solve may end before the end of its path.
    """

    done: bool

    def tried(self, place: Place, state: State) -> None:
        """A step is about to be tried from a state."""
        ...

    def accepted(self, place: Place, state: State, taken: Taken) -> None:
        """It was accepted."""
        ...

    def rejected(self, place: Place, state: State) -> None:
        """Its error was too large."""
        ...
