"""What a step on tensors is: where it is taken, what it gives, and what its discrete adjoint gives back."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor

from odeanalysis.numerics.solvers.stepper import Array
from odeanalysis.tableaus import Tableau

State = tuple[Tensor, ...]
"""The state blocks, each [B, ...] or, where nothing is batched, of its own shape; a running cost is the last one."""


@dataclass(frozen=True, eq=False)
class Place:
    """Depth, signed step and flags: without axes where all samples share their steps, else [B] each; in the state's dtype.

    pieces: the flags again, as numbers of the host, [S, P].
    """

    depth: Tensor
    step: Tensor
    flags: tuple[Tensor, ...] = ()
    pieces: Array = field(default_factory=lambda: np.zeros((1, 0)))


@dataclass(frozen=True, eq=False)
class Taken:
    """One step: nothing is decided yet.

    error: the estimate of its local error, where the method has one.  last: the slopes at its end, where the method ends with them.
    kept: what `reverse` needs beside the state at the start; empty where it computes the stages again.
    evaluations: how often the field was evaluated, where that is not once for each stage.
    """

    after: State
    error: State | None = None
    last: State | None = None
    kept: tuple[Tensor, ...] = ()
    evaluations: int | None = None


@dataclass(frozen=True, eq=False)
class Back:
    """Cotangents of what a step starts from; None for what it does not depend on, or what never moves."""

    state: State
    names: tuple[Tensor | None, ...]
    depth: Tensor | None = None
    step: Tensor | None = None


class Stepper(Protocol):
    """A one-step method bound to a field. It holds no state, so that a step can be taken again anywhere.

    names: the tensors that the field reads beside depth and state.  reuses: whether the method takes the slopes at the start (`first`)
    from the step before.  stability: how long h |lambda| may be for a decay at the rate lambda to stay one.
    """

    @property
    def tableau(self) -> Tableau: ...
    @property
    def name(self) -> str: ...
    @property
    def order(self) -> int: ...
    @property
    def error_order(self) -> int: ...
    @property
    def adaptive(self) -> bool: ...
    @property
    def reuses(self) -> bool: ...
    @property
    def stability(self) -> float: ...
    @property
    def stages(self) -> int: ...

    def slopes(self, place: Place, state: State, names: State) -> State:
        """The field at a place."""
        ...

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        """One step; with `keep` it keeps what `reverse` needs, and takes no `first`."""
        ...

    def reverse(self, place: Place, state: State, names: State, kept: tuple[Tensor, ...], bars: State) -> Back:
        """The exact discrete adjoint of the step from `state`: cotangents of the state after it -> those of all it starts from."""
        ...

    def of_rows(self, names: State, rows: Tensor) -> State:
        """The names for a choice of samples, as far as there is one for each of them."""
        ...

    def pull(self, place: Place, state: State, names: State, bars: State) -> Back:
        """The vector-Jacobian product of the field: cotangents of its slopes -> those of state and names."""
        ...


def evaluated(stepper: Stepper, taken: Taken) -> int:
    """How often a step evaluated the field."""
    return stepper.stages if taken.evaluations is None else taken.evaluations
