"""Costs at inner depths: the costate jumps, and depths of observations have gradients."""

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.symbolic.expressions import block, depth
from odeanalysis.symbolic.functions import sin, where
from odeanalysis.verification.claim import MISSING, Check, Claim, Evidence, Form, Gap, refused, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.costates import Seen
from odeanalysis.verification.independent import costates
from odeanalysis.verification.independent.interpreter import evaluate
from odeanalysis.verification.measure import TIGHT, Instance, gaps, instance, truths
from odeanalysis.verification.one_sided import Kink
from odeanalysis.verification.proof import derivation_holds
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import AT, Drawn, passed, problems

ID = "observations"
DRAWN, PASSED = 5, 3
TWICE = float(AT[1])


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


# ---------------------------------------------------------------- the jump of the costate


def _seen(seed: int) -> list[Seen]:
    """The stated problem, and the last one drawn, of which two data are observed at one depth."""
    stated = _instance(random(seed, ID), "k", False)
    drawn = [one for one in draw(problems(), DRAWN, stream(seed, ID)) if one.problem.data][-1:]
    found = [("six observations", stated.problem, stated.values), *((one.title, one.problem, one.values) for one in drawn)]
    return [Seen(title, solve_problem(problem, values, TIGHT)) for title, problem, values in found]


def _across(seen: Seen, sign: int = 1) -> tuple[list[Gap], Check]:
    """a(s_i-) - a(s_i+) against sign dL_i/dz, where s_i- is the side of s0."""
    return seen.across(TWICE, sign * seen.observed(TWICE))


# ---------------------------------------------------------------- an observation that stays, passed by a node


@dataclass(frozen=True)
class Passed:
    """z' = f where s < w, else g, and an observation at w that stays: where w passes it, the derivative in w jumps by (dL_i/dz)(g - f)."""

    drawn: Drawn

    @property
    def title(self) -> str:
        return f"w passes an observation that stays, domain {self.drawn.problem.model.domain}, {self.drawn.title}"

    @property
    def jump(self) -> float:
        (((z, field),), problem, values) = self.drawn.problem.model.field, self.drawn.problem, self.drawn.values
        start, end = map(float, problem.model.domain)
        first = {**values, "w": values["w"] + (end - start) / 4}  # one field up to the observation
        state = solve_problem(problem, first, TIGHT).solution.dense(np.array([values["w"]]))[0, 0, 0]
        here = {**values, problem.model.depth.name: values["w"], z.name: state}
        f, g = (float(evaluate(field, {**here, "w": values["w"] + side})) for side in (1, -1))
        return costates.observed(problem, values, values["w"], {z.name: state}, {z.name: np.array(g - f)})

    def gaps(self, wanted: float) -> list[Gap]:
        return Kink(self.drawn.problem, self.drawn.values, "w").gaps(self.title, wanted)

    @property
    def refusal(self) -> Check:
        """Whether a solve is refused, since the loss has no gradient."""
        try:
            solve_problem(self.drawn.problem, self.drawn.values)
        except ModelError:
            return within(f"solves that are not refused, {self.title}", 0, MISSING)
        return within(f"solves that are not refused, {self.title}", 1, MISSING)


# ---------------------------------------------------------------- the report


def _measure(seed: int) -> Evidence:
    right, wrong, seen, passing = [], [], _seen(seed), [Passed(one) for one in draw(passed(), PASSED, stream(seed, ID))]
    for one in _drawn(seed):
        truth = truths(one)
        right += gaps(one, _gradient(one), truth)
        wrong += gaps(one, _shuffled(one), truth)
    jumps, agreed = zip(*map(_across, seen), strict=True)
    extra = (
        *agreed,
        refused("a jump of the wrong sign is refused", Form(tuple(gap for one in seen for gap in _across(one, -1)[0]))),
        refused("a node that passes unnoticed is refused", Form(tuple(gap for one in passing for gap in one.gaps(0.0)))),
        *(one.refusal for one in passing),
    )
    right += [*chain.from_iterable(jumps), *(gap for one in passing for gap in one.gaps(one.jump))]
    return Evidence(Form(tuple(right)), Form(tuple(wrong)), extra=extra, figures=(seen[0].figure,))


OBSERVATIONS = Claim(
    id=ID,
    title="The costate jumps at observed depths, and the loss has a gradient with respect to them",
    source="not printed; costs at inner depths are the common case of data",
    printed=None,
    corrected=(
        "a(s_i-) = a(s_i+) + dL_i/dz; dell/ds_i = dL_i/ds + dL_i/dz f(s_i); at a node that moves with the observation: "
        "a(s_i-)^T f_{i-1} - a(s_i+)^T f_i + l_{i-1} - l_i + dL_i/ds"
    ),
    hypotheses=(
        "no node passes through an observation that stays: there the derivative in the node jumps by (dL_i/dz)(f_i - f_{i-1}), "
        "and a solve is refused",
    ),
    prove=lambda: derivation_holds([("six observations", _instance(random(0, ID), "k", False).problem)]),
    measure=_measure,
    shown=lambda: _instance(random(0, ID), "k", False).problem,
)
