"""What a solve keeps of its steps for the way back: memory plans as values, and the tapes that they make.

Full keeps the state at the start of every step, and the stages, or computes these again. Checkpointed keeps about the square root of as
many states and takes the steps between them again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from torch import Tensor

from odeanalysis.errors import ModelError
from torchbridge.steps.stepper import State

Kept = tuple[Tensor, ...]
Again = Callable[[int, State], State]
"""(number of a step, the state before it) -> the state after it."""
Undo = Callable[[int, State], State]
"""(number of a step, the state after it) -> the state before it."""


class Tape(Protocol):
    """`add` takes the steps of a solve in turn; `backwards` gives them back from the last one to the first.

    again, undo: take a step once more, and back; a tape needs one of them at most.

    of_rows: the tape of a choice of samples, [B], without what steps kept inside.
    """

    def add(self, state: State, kept: Kept) -> None: ...
    def backwards(self, again: Again, undo: Undo | None = None) -> Iterator[tuple[int, State, Kept]]: ...
    def of_rows(self, rows: Tensor) -> "Tape": ...


class Plan(Protocol):
    """A memory plan.  keeps_stages: whether steps are asked to keep what their adjoint uses."""

    @property
    def keeps_stages(self) -> bool: ...
    def tape(self) -> Tape: ...


@dataclass(frozen=True)
class Full:
    """Keeps every step. stages: whether what the steps compute inside is kept, too, which is faster and takes more memory."""

    stages: bool = True

    @property
    def keeps_stages(self) -> bool:
        return self.stages

    def tape(self) -> Tape:
        return EveryStep()


@dataclass(frozen=True)
class Checkpointed:
    """Keeps states at equal distances, not more than about twice `slots` at a time, and takes the steps between them again.

    slots: None lets their number grow as the square root of the number of steps, so that a solve of N steps keeps O(sqrt N) states and
    takes every step twice. With fewer slots the stretches between them are longer, and are split in turn: O(slots log N) states.
    Raises ModelError for less than one slot.
    """

    slots: int | None = None

    def __post_init__(self) -> None:
        if self.slots is not None and self.slots < 1:
            raise ModelError(f"Checkpointed(slots={self.slots}); give 1 or more, or None for the square root of the number of steps")

    @property
    def keeps_stages(self) -> bool:
        return False

    def tape(self) -> Tape:
        return Checkpoints(self.slots)


@dataclass(frozen=True)
class Reversible:
    """Keeps the last state alone: the method is made reversible, which is another method of the same order and twice the evaluations.

    coupling: how closely its two states are bound, above 0 and at most 1: with c below 1 a solve stays stable for longer, and taken back
    roundings grow by 1/c in every step. All samples share their steps (`own_steps=False`).
    Raises ModelError for another coupling.
    """

    coupling: float = 0.999
    keeps_stages = False

    def __post_init__(self) -> None:
        if not 0 < self.coupling <= 1:
            raise ModelError(f"Reversible(coupling={self.coupling}); give a number above 0 and not above 1, such as 0.999")

    def tape(self) -> Tape:
        return LastState()


@dataclass(frozen=True)
class Nothing:
    """Keeps nothing, for solves that have no way back; it is its own tape."""

    keeps_stages = False

    def tape(self) -> Tape:
        return self

    def add(self, state: State, kept: Kept) -> None: ...

    def backwards(self, again: Again, undo: Undo | None = None) -> Iterator[tuple[int, State, Kept]]:
        raise AssertionError("nothing was kept of this solve")

    def of_rows(self, rows: Tensor) -> Tape:
        return self


@dataclass(eq=False)
class EveryStep:
    """The tape of Full."""

    states: list[State] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)

    def add(self, state: State, kept: Kept) -> None:
        self.states.append(state)
        self.kept.append(kept)

    def backwards(self, again: Again, undo: Undo | None = None) -> Iterator[tuple[int, State, Kept]]:
        for k in range(len(self.states) - 1, -1, -1):
            yield k, self.states[k], self.kept[k]

    def of_rows(self, rows: Tensor) -> Tape:
        return EveryStep(_of_rows(self.states, rows), [()] * len(self.kept))


@dataclass(eq=False)
class LastState:
    """The tape of Reversible: the state before the last step."""

    count: int = 0
    state: State = ()

    def add(self, state: State, kept: Kept) -> None:
        self.count, self.state = self.count + 1, state

    def backwards(self, again: Again, undo: Undo | None = None) -> Iterator[tuple[int, State, Kept]]:
        assert undo is not None
        state = self.state
        for k in range(self.count - 1, -1, -1):
            yield k, state, ()
            state = undo(k - 1, state) if k else state

    def of_rows(self, rows: Tensor) -> Tape:
        return LastState(self.count, *_of_rows([self.state], rows))


@dataclass(eq=False)
class Checkpoints:
    """The tape of Checkpointed: a state every `stride` steps; where there are too many, every other one goes and the stride doubles."""

    slots: int | None
    stride: int = 1
    count: int = 0
    states: list[State] = field(default_factory=list)

    def add(self, state: State, kept: Kept) -> None:
        if self.count % self.stride == 0:
            self.states.append(state)
        self.count += 1
        if len(self.states) > 2 * (self.slots or self.stride):
            self.states, self.stride = self.states[::2], 2 * self.stride

    def backwards(self, again: Again, undo: Undo | None = None) -> Iterator[tuple[int, State, Kept]]:
        for i in range(len(self.states) - 1, -1, -1):
            first = i * self.stride
            yield from _backwards(first, min(first + self.stride, self.count), self.states[i], again, 2 * (self.slots or self.stride))

    def of_rows(self, rows: Tensor) -> Tape:
        return replace(self, states=_of_rows(self.states, rows))


def _backwards(first: int, end: int, state: State, again: Again, most: int) -> Iterator[tuple[int, State, Kept]]:
    """The steps from `first` up to before `end`, the last one first, from the state before the first of them; `most` states are held."""
    if end - first <= most:
        states = [state]
        for k in range(first, end - 1):
            states.append(again(k, states[-1]))
        for k in range(end - 1, first - 1, -1):
            yield k, states.pop(), ()
        return
    middle, later = (first + end) // 2, state
    for k in range(first, middle):
        later = again(k, later)
    yield from _backwards(middle, end, later, again, most)
    yield from _backwards(first, middle, state, again, most)


def _of_rows(states: list[State], rows: Tensor) -> list[State]:
    return [tuple(block.index_select(0, rows) for block in state) for state in states]
