"""The problems that gradient claims are measured on, drawn or the smallest, and random numbers for claims that need no models."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hypothesis.strategies import SearchStrategy

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.symbolic.expressions import block
from odeanalysis.verification.measure import Instance, instance
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import Drawn

COUNT = 5


def random(seed: int, claim: str) -> np.random.Generator:
    """Random numbers that depend on the seed and on the claim, and on nothing else."""
    return np.random.default_rng([seed, *claim.encode()])


@dataclass(frozen=True, eq=False)
class Family:
    """The problems that a claim draws by a strategy, and the names with respect to which it measures their gradients."""

    claim: str
    strategy: SearchStrategy[Drawn]
    names: tuple[str, ...]

    def problems(self, seed: int) -> list[Drawn]:
        return draw(self.strategy, COUNT, stream(seed, self.claim))

    def instances(self, seed: int) -> Iterator[Instance]:
        return (instance(one, name) for one in self.problems(seed) for name in self.names)

    def shown(self) -> Problem:
        """The simplest of them, whatever the seed."""
        return self.problems(0)[0].problem


def costly_growth(name: str = "theta") -> Instance:
    """f = theta z, l = theta^2 z^2, L = 0: the parameter stands in the field and in the running cost. One state, one parameter."""
    z, theta, z0 = block("z"), block("theta"), block("z0")
    model = Model({z: theta * z}, {z: z0}, (0, 1), (theta, z0), name="costly_growth")
    return Instance(
        "z' = theta z, l = theta^2 z^2",
        Problem(model, Objective(running=theta**2 * z**2)),
        {"theta": 0.5, "z0": 1.0},
        name,
    )
