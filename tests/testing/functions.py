"""Functions that are not ours, with their gradients by hand, in NumPy and in plain Python; and ways in which gradients go wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Values = Mapping[str, Any]
AT = {
    "W": np.array([[0.5, -1.0, 0.3], [1.0, 0.2, -0.7], [0.1, 0.8, 0.4]]),
    "b": np.array([0.1, 0.0, -0.4]),
    "x": np.array([1.0, -0.3, 0.6]),
}


def layer(values: Values) -> float:
    """abs(tanh(W x + b))^2."""
    return float(np.sum(np.tanh(values["W"] @ values["x"] + values["b"]) ** 2))


def layer_gradient(values: Values) -> dict[str, Any]:
    t = np.tanh(values["W"] @ values["x"] + values["b"])
    d = 2 * t * (1 - t**2)
    return {"W": np.outer(d, values["x"]), "b": d, "x": values["W"].T @ d}


@dataclass(frozen=True)
class Wrong:
    """A way in which a gradient is wrong: in which name, what stands there, and the words in which that is told."""

    name: str
    change: Callable[[np.ndarray], np.ndarray]
    told: str


def _with(place: tuple[int, ...], change: Callable[[float], float]) -> Callable[[np.ndarray], np.ndarray]:
    def changed(array: np.ndarray) -> np.ndarray:
        other = array.copy()
        other[place] = change(float(array[place]))
        return other

    return changed


WRONG: dict[str, Wrong] = {
    "sign": Wrong("W", lambda a: -a, r"its sign is wrong throughout"),
    "factor": Wrong("b", lambda a: 2 * a, r"every entry is off by the same factor: 0\.5 times"),
    "transposed": Wrong("W", lambda a: a.T.copy(), r"it is the transpose of the right one"),
    "sign of one entry": Wrong("W", _with((1, 2), lambda g: -g), r"in 'W' is wrong at \[1, 2\].*factor -1\)"),
    "one entry missing": Wrong("x", _with((0,), lambda g: 0.0), r"in 'x' is wrong at \[0\]: 0, where differences say"),
    "term added": Wrong("b", lambda a: a + 1e-4, r"wrong entries in 'b': 3 of 3"),
    "a little": Wrong("W", _with((0, 1), lambda g: g * (1 + 1e-4)), r"in 'W' is wrong at \[0, 1\]"),
    "all missing": Wrong("x", np.zeros_like, r"in 'x' is wrong"),
}


def wrong(one: Wrong) -> Callable[[Values], dict[str, Any]]:
    """The gradient of `layer` with what is wrong in it."""

    def gradient(values: Values) -> dict[str, Any]:
        right = layer_gradient(values)
        return {**right, one.name: one.change(right[one.name])}

    return gradient
