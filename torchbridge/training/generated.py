"""Points in classes, drawn as often as they are wanted: (how many, random numbers) -> (points [n, d], classes [n])."""

import numpy as np
from numpy.typing import NDArray

Points = tuple[NDArray[np.float64], NDArray[np.int64]]


def two_moons(count: int, rng: np.random.Generator, noise: float = 0.1) -> Points:
    """Two half circles of radius 1 that reach into each other, with normal noise of a standard deviation."""
    label, angle = _labels(count), rng.uniform(0, np.pi, count)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = np.where(label[:, None] == 0, upper, [1, 0.5] - upper)
    return points + noise * rng.standard_normal((count, 2)), label


def rings(count: int, rng: np.random.Generator, radii: tuple[tuple[float, float], ...] = ((0.0, 0.5), (1.0, 2.0)), dim: int = 2) -> Points:
    """A class for each pair of an inner and an outer radius, with points drawn evenly from what is between them in `dim` dimensions.

    The default is a disc with a ring around it.
    """
    label = _labels(count, len(radii))
    direction = rng.standard_normal((count, dim))
    low, high = np.array(radii)[label].T ** dim
    radius = rng.uniform(low, high) ** (1 / dim)
    return radius[:, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True), label


def _labels(count: int, classes: int = 2) -> NDArray[np.int64]:
    """As many of one class as of another."""
    return np.arange(count) % classes
