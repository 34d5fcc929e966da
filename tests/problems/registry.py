"""How a problem is stated for tests, and registered under its name."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import odeanalysis as oda

Values = dict[str, Any]


class Case(NamedTuple):
    """A problem and its values, both made anew by each call."""

    problem: Callable[[], Any]
    values: Callable[[], Values]


CASES: dict[str, Case] = {}


def case(**values: Any) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Registers a problem under its function's name, with its values."""

    def register(problem: Callable[[], Any]) -> Callable[[], Any]:
        assert problem.__name__ not in CASES, f"two problems are named {problem.__name__}"
        CASES[problem.__name__] = Case(problem, lambda: {name: np.array(value, dtype=float) for name, value in values.items()})
        return problem

    return register


def names(text: str) -> Any:
    """Scalar names: `names("a b")`."""
    return [oda.block(name) for name in text.split()]


def drawn(seed: int, *shape: int) -> Any:
    """Numbers of moderate size that never change."""
    return np.random.default_rng(seed).normal(0, 0.6, shape)


def stated(objective: Any, **parts: Any) -> Any:
    return oda.Problem(oda.Model(**parts), objective)


def network(n: Any, m: Any, field: Callable[..., Any]) -> Any:
    """A network of n states and m units under its field; its weights stand in the terminal cost too."""
    z, x, y, b = oda.block("z", n), oda.block("x", n), oda.block("y", n), oda.block("b", m)
    W, V = oda.block("W", m, n), oda.block("V", n, m)
    return stated(
        oda.Objective(terminal=oda.sumsq(z - y) + oda.sumsq(W) / 10),
        field={z: field(z, x, W, b, V)},
        initial={z: x},
        domain=(0, 1),
        parameters=[W, b, V],
        inputs=[x, y],
    )
