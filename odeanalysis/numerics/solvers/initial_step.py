"""A first step size that fits the field at the start."""

from typing import Protocol

import numpy as np

from odeanalysis.numerics.solvers.grid import Grid, Place
from odeanalysis.numerics.solvers.stepper import Array

TINY = 1e-5
DEFAULT = 1e-6


class Probed(Protocol):
    """States at the start, of which only norms are seen; arrays are [S], an entry for each step size.

    start: the norms of the state and of its slope, over the scale of an error; `real` says which have a way to go.
    bend: the norm of how much the slope changes over a step of Euler's method, over the same scale.
    """

    grid: Grid

    def start(self, place: Place, real: Array) -> tuple[Array, Array]: ...
    def bend(self, place: Place, step: Array) -> Array: ...


def initial_step(walk: Probed, order: int) -> Array:
    """|h| of a method of an order, [S], at most the first segment that has a length; it costs two evaluations.

    Source: Hairer, Norsett, Wanner, Solving ODEs I, II.4, the starting step size.
    """
    place = _first_segment(walk.grid)
    real = place.step != 0
    if not real.any():
        return np.zeros(walk.grid.samples)
    size, slope = walk.start(place, real)
    length = np.abs(place.step)
    guess = np.minimum(_explicit_guess(size, slope), length)
    change = walk.bend(place, guess * place.step / np.where(real, length, 1))
    curved = _curvature_guess(guess, slope, change, order)
    visible = 100 * np.spacing(np.abs(place.depth))
    found = np.maximum(np.minimum(100 * guess, curved), visible)
    return np.minimum(np.where(np.isfinite(found), found, visible), length)


def _first_segment(grid: Grid) -> Place:
    """One step over all of each sample's first segment that has a length."""
    segment = (grid.lengths != 0).argmax(1)
    ones = np.ones(grid.samples)
    return grid.place(segment, 0 * ones, ones)


def _explicit_guess(size: Array, slope: Array) -> Array:
    """A step along which an Euler step changes the state by one percent."""
    return np.where((size < TINY) | (slope < TINY), DEFAULT, 0.01 * size / np.where(slope == 0, 1, slope))


def _curvature_guess(guess: Array, slope: Array, change: Array, order: int) -> Array:
    """The step at which h^(order+1) times the larger of slope and second derivative is one percent."""
    bend = np.where(np.isfinite(change), change / np.where(guess == 0, 1, guess), np.inf)
    largest = np.maximum(slope, bend)
    flat = largest <= 1e-15
    curved = (0.01 / np.where(flat, 1, largest)) ** (1 / (order + 1))
    return np.where(flat, np.maximum(DEFAULT, 1e-3 * guess), np.maximum(curved, 1e-3 * guess))
