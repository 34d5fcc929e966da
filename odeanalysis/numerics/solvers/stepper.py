"""What every part of a solve agrees on: arrays, fields, and the one thing a method has to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Field = Callable[[Array, Array, Array], Array]
"""(depth [B], state [B, n], pieces [B, P]) -> [B, n]."""
Jacobian = Callable[[Array, Array, Array], Array]
"""(depth [B], state [B, n], pieces [B, P]) -> [B, n, n]; entry (i, j) is the derivative of field i in state j."""


@dataclass(frozen=True)
class Broadcasting:
    """A field that takes further leading axes: (depth [..., B], state [..., B, n], pieces [..., B, P]) -> [..., B, n]."""

    function: Field

    def __call__(self, s: Array, y: Array, pieces: Array) -> Array:
        return self.function(s, y, pieces)


@dataclass(frozen=True, eq=False)
class Attempt:
    """One trial step of every sample: nothing is decided yet.

    y1: [B, n], the state after the step.
    error: [B, n], the estimate of its local error, or None where the method has none.
    last: [B, n], the field at the step's end where the method knows it (first same as last), or None.
    evaluations: [B] or one number, how often the field was evaluated.
    """

    y1: Array
    error: Array | None
    last: Array | None
    evaluations: Array | int


class Stepper(Protocol):
    """A one-step method bound to a field; steppers hold no state, so that a step can be taken again anywhere.

    `reuses` says that the method starts with the field at the step's start, which it then takes from the caller
    (`first`); `stiff` that slopes amplify its errors, so that dense output must use states alone; `broadcasts` that it takes
    many steps at once, side by side on leading axes. `stability` is how long h |lambda| may be for a decay at the rate
    lambda to stay one: infinite for methods for stiff problems.
    """

    def field(self, s: Array, y: Array, pieces: Array) -> Array: ...
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
    def stiff(self) -> bool: ...
    @property
    def broadcasts(self) -> bool: ...
    @property
    def stability(self) -> float: ...

    def attempt(self, s: Array, h: Array, y: Array, pieces: Array, first: Array | None) -> Attempt:
        """Step from depth s [B] by h [B] from y [B, n]; `first` [B, n] is the field at (s, y), computed if None."""
        ...


def column(per_sample: Array) -> Array:
    """[..., B] -> [..., B, 1], to scale states [..., B, n]."""
    return np.asarray(per_sample)[..., None]


def combine(weights: Sequence[float], stages: Array) -> Array:
    """sum_j weights_j stages_j for stages [m, ..., n] and at most m weights: [..., n].

    Summed entry by entry in the order of the stages, not by a matrix product, whose rounding depends on the batch: so
    a sample's steps do not depend on the samples beside it.
    """
    total = np.zeros(stages.shape[1:], dtype=stages.dtype)
    for weight, stage in zip(weights, stages, strict=False):
        if weight:
            total += weight * stage
    return total
