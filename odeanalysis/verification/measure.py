"""Measuring gradient formulas: a problem is split so that each term of the full gradient can be had by itself.

Every place in which a name stands (field, running cost, terminal cost, initial value, domain, observations) gets its own copy of it. The
gradient with respect to a copy is one term of the full formula; a printed or sabotaged formula is another sum of the same terms.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.differences import ComplexStep
from odeanalysis.numerics.gradients.evaluate import Sensitivity, solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic.formula import like
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.verification import independent
from odeanalysis.verification.claim import Evidence, Form, Gap

PLACES = ("field", "running", "terminal", "initial", "domain", "observations")
TIGHT = Settings(rtol=1e-11, atol=1e-12)
CLOSE = 1e-7
Combination = Mapping[str, float]
FULL: Combination = dict.fromkeys(PLACES, 1.0)


@dataclass(frozen=True)
class Instance:
    """A problem with values, on which a claim about the gradient with respect to `name` is measured."""

    title: str
    problem: Problem
    values: Mapping[str, Any]
    name: str


def copy_of(name: str, place: str) -> str:
    return f"{name}_in_{place}"


def split(problem: Problem, name: str) -> Problem:
    """The problem with one copy of a name for each place in which it stands."""
    leaf = next(one for one in problem.model.names if one.name == name)
    copies = {place: like(leaf, copy_of(name, place)) for place in PLACES}

    def at(place: str) -> Callable[[Any], Any]:
        return lambda expression: substitute(expression, {leaf: copies[place]})

    model, objective = problem.model, problem.objective
    changed = Model(
        field=[(z, at("field")(f)) for z, f in model.field],
        initial=[(z, at("initial")(h)) for z, h in model.initial],
        domain=(at("domain")(model.domain[0]), at("domain")(model.domain[1])),
        parameters=_exchanged(model.parameters, leaf, copies),
        inputs=_exchanged(model.inputs, leaf, copies),
        functions=model.functions,
        breakpoints=tuple(map(at("domain"), model.breakpoints)),
        depth=model.depth,
        name=model.name,
    )
    observed = tuple(
        Observation(tuple(map(at("domain"), one.at)), at("observations")(one.cost), one.data) for one in objective.observations
    )
    return Problem(
        changed,
        Objective(at("terminal")(objective.terminal), at("running")(objective.running), observed),
        problem.reduction,
    )


def _exchanged(names: Iterable[Leaf], leaf: Leaf, copies: Mapping[str, Leaf]) -> tuple[Leaf, ...]:
    return tuple(other for name in names for other in (copies.values() if name == leaf else (name,)))


def terms(instance: Instance, sensitivity: Sensitivity | None = None) -> dict[str, Array]:
    """Place -> the term of the gradient that stands there, by the continuous adjoint (Prop. 1)."""
    values = {key: value for key, value in instance.values.items() if key != instance.name}
    values |= {copy_of(instance.name, place): instance.values[instance.name] for place in PLACES}
    run = solve_problem(split(instance.problem, instance.name), values, TIGHT)
    found = (sensitivity or ContinuousAdjoint()).gradients(run)
    return {place: found[copy_of(instance.name, place)] for place in PLACES}


def truths(instance: Instance) -> dict[str, Array]:
    """The gradient in two ways that know nothing of adjoints: complex steps through the solver, and differences of SciPy's losses."""
    run = solve_problem(instance.problem, instance.values, TIGHT)
    return {"complex step": ComplexStep().gradients(run)[instance.name], "SciPy differences": by_scipy(instance)}


def by_scipy(instance: Instance) -> Array:
    """The gradient entry by entry, from extrapolated differences of losses that SciPy solved from the statement."""
    bound = bind(instance.problem, instance.values)
    shape = bound.arrays[instance.name].shape
    found = np.zeros(shape)
    for place in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[place] = 1
        found[place] = independent.directional(instance.problem, bound, {instance.name: unit})
    return found


def combine(parts: Mapping[str, Array], weights: Combination) -> Array:
    return np.sum([weights.get(place, 0.0) * part for place, part in parts.items()], axis=0)


def gaps(instance: Instance, gradient: Array, truth: Mapping[str, Array], bound: float = CLOSE) -> list[Gap]:
    """The relative gap of a gradient from each truth."""
    return [Gap(instance.title, way, relative(gradient, known), bound) for way, known in truth.items()]


def relative(found: Array, known: Array) -> float:
    return float(np.max(np.abs(found - known)) / max(float(np.max(np.abs(known))), 1e-12))


def evidence(
    instances: list[Instance], sabotaged: Combination, printed: Combination | None = None, corrected: Combination = FULL
) -> Evidence:
    """Measures three sums of the same terms against the truths; the smallest instance that refutes the print is the counterexample."""
    forms: dict[str, list[Gap]] = {"corrected": [], "sabotaged": [], "printed": []}
    counterexample = None
    for instance in instances:
        parts, truth = terms(instance), truths(instance)
        for name, weights in (("corrected", corrected), ("sabotaged", sabotaged), ("printed", printed)):
            if weights is not None:
                forms[name] += gaps(instance, combine(parts, weights), truth)
        if printed is not None and counterexample is None:
            counterexample = refutation(instance, combine(parts, printed), truth)
    shown = Form(tuple(forms["printed"])) if printed is not None else None
    return Evidence(Form(tuple(forms["corrected"])), Form(tuple(forms["sabotaged"])), shown, counterexample)


def refutation(instance: Instance, gradient: Array, truth: Mapping[str, Array]) -> dict[str, Any] | None:
    """An instance on which a form clearly misses both truths, with the numbers; None where it does not."""
    if not all(gap.clearly_missed for gap in gaps(instance, gradient, truth)):
        return None
    model, objective = instance.problem.model, instance.problem.objective
    stated = {"field": {z.name: str(f) for z, f in model.field}, "initial": {z.name: str(h) for z, h in model.initial}}
    costs = {"running": str(objective.running), "terminal": str(objective.terminal)}
    numbers = {way: np.asarray(known).tolist() for way, known in truth.items()}
    values = {name: np.asarray(value, dtype=float).tolist() for name, value in instance.values.items()}
    domain = [str(end) for end in model.domain]
    return {
        **stated,
        **costs,
        "domain": domain,
        "values": values,
        "name": instance.name,
        "printed": gradient.tolist(),
        **numbers,
    }


def renamed(problem: Problem, title: str) -> Problem:
    return replace(problem, model=problem.model.with_(name=title))
