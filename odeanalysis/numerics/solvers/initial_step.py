"""A first step size that fits the field at the start."""

import numpy as np

from odeanalysis.numerics.solvers.controller import Tolerance, rms
from odeanalysis.numerics.solvers.grid import Grid, Place
from odeanalysis.numerics.solvers.stepper import Array
from odeanalysis.numerics.solvers.walk import Walk, check_field

TINY = 1e-5
DEFAULT = 1e-6


def initial_step(walk: Walk, tolerance: Tolerance) -> Array:
    """|h| for every sample, [B], at most its first segment that has a length; the walk takes over the field it cost.

    Source: Hairer, Norsett, Wanner, Solving ODEs I, II.4, the starting step size.
    """
    grid, stepper, y = walk.grid, walk.stepper, walk.y
    place = _first_segment(grid)
    real = place.step != 0
    if not real.any():
        return np.zeros(grid.samples)
    f0 = np.asarray(stepper.field(place.depth, y, place.pieces))
    check_field(f0, place.depth, real)
    scale, length = tolerance.scale(y), np.abs(place.step)
    guess = np.minimum(_explicit_guess(rms(y / scale), rms(f0 / scale)), length)
    h = guess * place.step / np.where(real, length, 1)
    f1 = np.asarray(stepper.field(place.depth + h, y + h[:, None] * f0, place.pieces))
    curved = _curvature_guess(guess, rms(f0 / scale), rms((f1 - f0) / scale), stepper.order)
    walk.seed(f0, real, 2 * real)
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
