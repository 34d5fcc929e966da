"""The problems on which the gradient claims are measured: the smallest first, then random ones drawn from a seed."""

from typing import Any

import numpy as np

from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.symbolic.expressions import block, depth, sumsq
from odeanalysis.symbolic.functions import sin, tanh, where
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


def parameter_everywhere(rng: np.random.Generator) -> Instance:
    """A parameter in the field, both costs, the initial value, an observation and the ends, with a switch at a depth that moves."""
    z, p, seen = block("z"), block("p"), block("seen")
    field = where(depth < p, sin(p * z), -p * z) + depth
    objective = Objective(
        terminal=p * z**2 + depth * p,
        running=p**2 * z**2,
        observations=(Observation((0.3, 0.9), (z - p * seen) ** 2, (seen,)),),
    )
    model = Model({z: field}, {z: 1 + p**2}, (p / 10, 1 + p), (p,), name="parameter_everywhere")
    values = {"p": float(rng.uniform(0.45, 0.7)), "seen": rng.normal(size=2)}
    return Instance("p in field, costs, initial value, ends and switch", Problem(model, objective), values, "p")


def network(rng: np.random.Generator, name: str, kinetic: bool = True, batch: int = 2) -> Instance:
    """A two-layer network over a batch, with an input layer and, if wished, the kinetic cost, which contains all weights."""
    z, x, y = block("z", 2), block("x", 2), block("y", 2)
    W, b, V, U = block("W", 3, 2), block("b", 3), block("V", 2, 3), block("U", 2, 2)
    field = V @ tanh(W @ z + b) + depth * x
    running = sumsq(field) / 10 if kinetic else sumsq(z) / 10
    objective = Objective(terminal=sumsq(z - y) + sumsq(W) / 5, running=running)
    model = Model({z: field}, {z: U @ x}, (0, 1), (W, b, V, U), (x, y), name="network")
    shapes: dict[str, tuple[int, ...]] = {
        "W": (3, 2),
        "b": (3,),
        "V": (2, 3),
        "U": (2, 2),
        "x": (batch, 2),
        "y": (batch, 2),
    }
    values: dict[str, Any] = {key: 0.7 * rng.standard_normal(shape) for key, shape in shapes.items()}
    return Instance(f"two-layer network, gradient in {name}", Problem(model, objective), values, name)
