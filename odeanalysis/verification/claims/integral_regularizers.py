"""Sec. 6: costs on the speed of the state and on the Jacobian of the field, handled by the adjoint without another state."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import regularize
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.symbolic.expressions import block, sumsq
from odeanalysis.verification.claim import Check, Claim, Evidence, within
from odeanalysis.verification.measure import CLOSE, FULL, TIGHT, Instance, evidence, instance, relative
from odeanalysis.verification.proof import derivation_holds
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import Drawn, networks, regularized

ID = "integral-regularizers"
SCALARS, NETWORKS = 6, 2
RATE = 0.6


def _networks(seed: int) -> Iterator[Drawn]:
    """Two-layer networks with both regularizers, the second one estimated with fixed noise."""
    for one in draw(networks(), NETWORKS, stream(seed, ID)):
        bare = replace(one.problem, objective=Objective(sumsq(one.problem.model.states[0])))
        noise = np.ones(one.values["y"].shape[-1])
        yield Drawn(regularize(bare, kinetic=0.1, jacobian=0.1, noise="eps", measure="absolute"), {**one.values, "eps": noise})


def _drawn(seed: int) -> Iterator[Instance]:
    yield from (instance(one, "p") for one in draw(regularized(), SCALARS, stream(seed, ID)))
    for one in _networks(seed):
        yield from (instance(one, name) for name in ("W", "V"))


def _stated() -> Iterator[tuple[str, Problem]]:
    yield "one state", draw(regularized(), 1, stream(0, ID))[0].problem
    yield "a network", next(_networks(0)).problem


def augmented(problem: Problem) -> Problem:
    """The same loss with the running cost as a state of its own: what the adjoint with l does without."""
    cost = block("accumulated")
    model, objective = problem.model, problem.objective
    grown = model.with_(field=(*model.field, (cost, objective.running)), initial=(*model.initial, (cost, 0)))
    return replace(problem, model=grown, objective=Objective(objective.terminal + cost))


def _unaugmented(seed: int) -> Iterator[Check]:
    """The gradient without another state is the one with it."""
    for one in (*draw(regularized(), 2, stream(seed, ID)), next(_networks(seed))):
        found, other = (
            ContinuousAdjoint().gradients(solve_problem(problem, one.values, TIGHT)) for problem in (one.problem, augmented(one.problem))
        )
        miss = max(relative(found[name], other[name], max(1.0, float(np.max(np.abs(other[name]))))) for name in found)
        yield within(f"gap to the gradient with the cost as another state: {one.title}", miss, CLOSE)


def _closed_form() -> Iterator[Check]:
    """z' = p z from 1 over [0, 1]: int |f|^2 = p (e^{2 p} - 1)/2, and int |f_z|^2 = p^2."""
    z, p = block("z"), block("p")
    bare = Problem(Model({z: p * z}, {z: 1}, (0, 1), (p,), name="growth"), Objective())
    known = {"kinetic": RATE * np.expm1(2 * RATE) / 2, "jacobian": RATE**2}
    for term, exact in known.items():
        weight: dict[str, Any] = {term: 1}
        found = solve_problem(regularize(bare, **weight), {"p": RATE}, TIGHT).value
        yield within(f"the {term} cost of z' = p z in closed form", abs(found - exact), CLOSE)


def _measure(seed: int) -> Evidence:
    measured = evidence(_drawn(seed), {**FULL, "running": -1.0}, {"field": 1.0}, stream(seed, ID), regularized())
    return replace(measured, extra=(*_unaugmented(seed), *_closed_form()))


INTEGRAL_REGULARIZERS = Claim(
    id=ID,
    title="The generalized adjoint handles integral regularizers without augmenting the state",
    source="Massaroli et al. 2020, Prop. 1 and Sec. 6; Finlay et al. 2020",
    printed=(
        "dell/dtheta = int_S a^T(tau) df_theta/dtheta dtau where a(s) satisfies a'^T(s) = -a^T df_theta/dz - dl/dz, a^T(S) = dL/dz(S) "
        "(...) Leveraging our generalized adjoint formulation provides an approach to integral regularization terms without augmentation"
    ),
    corrected=(
        "with l = |f|^2 or l = |eps^T f_z|^2 the gradient is dell/dtheta = int (a^T df/dtheta + dl/dtheta) ds, without another state; "
        "Prop. 1 as printed drops dl/dtheta, which does not vanish on these costs; the value of the loss still needs a quadrature"
    ),
    hypotheses=("f is C^1 for the kinetic energy, and C^2 for the norm of the Jacobian, whose gradient holds second derivatives",),
    prove=lambda: derivation_holds(_stated()),
    measure=_measure,
    shown=lambda: draw(regularized(), 1, stream(0, ID))[0].problem,
)
