"""Costs at inner depths: the costate jumps, and depths of observations have gradients."""

from dataclasses import replace
from typing import Any

import numpy as np

from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.symbolic.expressions import block, depth
from odeanalysis.symbolic.functions import sin, where
from odeanalysis.verification.claim import Claim, Evidence, Form
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.measure import TIGHT, Instance, gaps, instance, truths
from odeanalysis.verification.proof import derivation_holds
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import problems

ID = "observations"
DRAWN = 5


def _instance(rng: np.random.Generator, name: str, backward: bool) -> Instance:
    """Observations at s0, twice at one depth, unordered, at S, and at a depth that moves with a switch of the field."""
    z, k, w, seen = block("z"), block("k"), block("w"), block("seen")
    ends = (1, 0) if backward else (0, 1)
    field = where(depth < w, sin(k * z) + depth, -k * z)
    observation = Observation((ends[0], 0.7, w, 0.3, 0.3, ends[1]), (z - seen) ** 2 * (1 + depth) + k * seen, (seen,))
    model = Model({z: field}, {z: 1 + k}, ends, (k, w), name="observed")
    values: dict[str, Any] = {"k": rng.uniform(0.5, 0.9), "w": rng.uniform(0.4, 0.6), "seen": rng.normal(size=6)}
    way = "backward" if backward else "forward"
    return Instance(f"six observations, {way}, gradient in {name}", Problem(model, Objective(z**2, 0, (observation,))), values, name)


def _drawn(seed: int) -> list[Instance]:
    rng = random(seed, ID)
    stated = [_instance(rng, name, backward) for name in ("k", "w", "seen") for backward in (False, True)]
    observed = [one for one in draw(problems(), DRAWN, stream(seed, ID)) if one.problem.data]
    return stated + [instance(one, name) for one in observed for name in ("p", "seen")]


def _gradient(instance: Instance) -> np.ndarray:
    return ContinuousAdjoint().gradients(solve_problem(instance.problem, instance.values, TIGHT))[instance.name]


def _shuffled(instance: Instance) -> np.ndarray:
    """The gradient when the jumps are paired with the wrong depths: the data taken in reverse order."""
    turned = replace(instance, values={**instance.values, "seen": instance.values["seen"][::-1]})
    return _gradient(turned)


def _measure(seed: int) -> Evidence:
    right, wrong = [], []
    for one in _drawn(seed):
        truth = truths(one)
        right += gaps(one, _gradient(one), truth)
        wrong += gaps(one, _shuffled(one), truth)
    return Evidence(Form(tuple(right)), Form(tuple(wrong)))


OBSERVATIONS = Claim(
    id=ID,
    title="The costate jumps at observed depths, and the loss has a gradient with respect to them",
    source="not printed; costs at inner depths are the common case of data",
    printed=None,
    corrected=(
        "a(s_i-) = a(s_i+) + dL_i/dz; dell/ds_i = dL_i/ds + dL_i/dz f(s_i); at a node that moves with the observation: "
        "a(s_i-)^T f_{i-1} - a(s_i+)^T f_i + l_{i-1} - l_i + dL_i/ds"
    ),
    hypotheses=("no node passes through an observation that stays: there the loss has two one-sided derivatives",),
    prove=lambda: derivation_holds([("six observations", _instance(random(0, ID), "k", False).problem)]),
    measure=_measure,
    shown=lambda: _instance(random(0, ID), "k", False).problem,
)
