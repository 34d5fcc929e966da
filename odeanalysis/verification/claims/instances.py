"""The smallest problems that gradient claims are measured on, and random numbers for claims that need no models."""

import numpy as np

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.symbolic.expressions import block
from odeanalysis.verification.measure import Instance


def random(seed: int, claim: str) -> np.random.Generator:
    """Random numbers that depend on the seed and on the claim, and on nothing else."""
    return np.random.default_rng([seed, *claim.encode()])


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
