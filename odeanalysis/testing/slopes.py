"""`taylor_slopes`: how the remainders of a function fall along directions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.testing.claimed import claimed
from odeanalysis.testing.lines import SIZES, given_directions, line
from odeanalysis.verification.independent.slopes import Slope


@dataclass(frozen=True)
class Slopes:
    """The slopes of three remainders: without the gradient (1 is due), with it (2), and of central differences (3).

    Wrong gradients have 1, 1, 1. A `Slope` is `exact` where its remainder never rises above the noise, None where it cannot be measured.
    """

    value: Slope
    gradient: Slope
    central: Slope

    @property
    def passed(self) -> bool:
        return self.gradient.passed and self.central.passed

    def __str__(self) -> str:
        return ", ".join(f"{one.measured:.2f}" for one in (self.value, self.gradient, self.central))


def taylor_slopes(
    function: Callable[..., Any],
    gradient: Any = None,
    *,
    at: Any,
    wrt: Any = None,
    directions: int | Sequence[Any] = 3,
    seed: int = 0,
    sizes: Any = SIZES,
) -> list[Slopes]:
    """The slopes of a function's Taylor remainders along directions, in each of which everything moves.

    directions: a list of them, in the structure of the arguments, or how many random ones are drawn from the seed.
    The other arguments are those of `assert_gradient`, which says more where something is wrong.
    """
    one = claimed(function, gradient, at, wrt)
    along = given_directions(one.at, directions, seed)
    steps = np.asarray(sizes, float)
    return [Slopes(*line(one.value, one.at, one.gradient, each, one.origin, steps).slopes()) for each in along]
