"""Measuring gradient formulas: a problem is split so that each term of the full gradient can be had by itself.

Every place in which a name stands (field, running cost, terminal cost, initial value, domain, observations) gets its own copy of it. The
gradient with respect to a copy is one term of the full formula; a printed or sabotaged formula is another sum of the same terms.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.differences import ComplexStep
from odeanalysis.numerics.gradients.evaluate import Sensitivity, solve_problem
from odeanalysis.numerics.gradients.forward import Forward
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic.formula import like
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.verification.claim import Evidence, Form, Gap
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent import taylor
from odeanalysis.verification.strategies.drawing import SEARCHED, smallest
from odeanalysis.verification.strategies.problems import Drawn, small_problems

PLACES = ("field", "running", "terminal", "initial", "domain", "observations")
TIGHT = Settings(rtol=1e-11, atol=1e-12)
CLOSE = 1e-9
Combination = Mapping[str, float]
Broken = Callable[[Mapping[str, Array]], Array]
FULL: Combination = dict.fromkeys(PLACES, 1.0)
REFUTED = 1e-3
STEPS = 2.0 ** -np.arange(2, 15)


@dataclass(frozen=True)
class Instance:
    """A problem with values, on which a claim about the gradient with respect to `name` is measured."""

    title: str
    problem: Problem
    values: Mapping[str, Any]
    name: str


def instance(drawn: Drawn, name: str) -> Instance:
    """A drawn problem, to be measured in its gradient with respect to a name."""
    return Instance(f"{drawn.title}; gradient in {name}", drawn.problem, drawn.values, name)


def copy_of(name: str, place: str) -> str:
    return f"{name}_in_{place}"


def split(problem: Problem, name: str) -> Problem:
    """The problem with one copy of a name for each place in which it stands."""
    leaf = next(one for one in problem.model.names if one.name == name)
    copies = {place: like(leaf, copy_of(name, place)) for place in PLACES}
    model, objective = problem.model, problem.objective
    functions = dict(model.functions)

    def at(place: str) -> Callable[[Any], Any]:
        return lambda expression: substitute(substitute(expression, functions), {leaf: copies[place]})

    changed = Model(
        field=[(z, at("field")(f)) for z, f in model.field],
        initial=[(z, at("initial")(h)) for z, h in model.initial],
        domain=(at("domain")(model.domain[0]), at("domain")(model.domain[1])),
        parameters=_exchanged(model.parameters, leaf, copies),
        inputs=_exchanged(model.inputs, leaf, copies),
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


def truths(instance: Instance, settings: Settings = TIGHT) -> dict[str, Array]:
    """The gradient in three ways that know nothing of adjoints: complex steps through the solver, forward sensitivities, and, without
    any of our calculus, differences of SciPy's losses.

    settings: of our solver. Steps that follow the solution alone may be too long for how it varies; a number of steps is not."""
    run = solve_problem(instance.problem, instance.values, settings)
    ours = {"complex step": ComplexStep(), "forward sensitivities": Forward()}
    return {**{way: route.gradients(run)[instance.name] for way, route in ours.items()}, "SciPy, differences": by_scipy(instance)}


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


def scale(parts: Mapping[str, Array]) -> float:
    """What gaps are measured against: the largest entry of the sum of all terms' sizes, which is the gradient times its conditioning."""
    return float(np.max(np.sum([np.abs(part) for part in parts.values()], axis=0)))


def gaps(instance: Instance, gradient: Array, truth: Mapping[str, Array], size: float | None = None, bound: float = CLOSE) -> list[Gap]:
    """The gap of a gradient from each truth, relative to a size (by default that of the truth)."""
    return [Gap(instance.title, way, relative(gradient, known, size), bound) for way, known in truth.items()]


def relative(found: Array, known: Array, size: float | None = None) -> float:
    return float(np.max(np.abs(found - known)) / max(float(np.max(np.abs(known))) if size is None else size, 1e-12))


def evidence(
    instances: Iterable[Instance],
    sabotaged: Combination | Broken,
    printed: Combination | None = None,
    seed: int = 0,
    small: SearchStrategy[Drawn] | None = None,
) -> Evidence:
    """Measures three sums of the same terms against the truths; what is sabotaged may be made of the terms in any other way.

    A print that fails is shown on the smallest problem that refutes it.  small: where it is looked for, in the gradient with respect to p.
    """
    weights: dict[str, Combination | Broken] = {
        "corrected": FULL,
        "sabotaged": sabotaged,
        **({} if printed is None else {"printed": printed}),
    }
    found: dict[str, list[Gap]] = {name: [] for name in weights}
    figures = []
    for one in instances:
        parts, truth = terms(one), truths(one)
        gradients = {name: combine(parts, made) if isinstance(made, Mapping) else made(parts) for name, made in weights.items()}
        for name, gradient in gradients.items():
            found[name] += gaps(one, gradient, truth, scale(parts))
        if not figures:
            figures.append(remainders(one, gradients))
    forms = {name: Form(tuple(missed)) for name, missed in found.items()}
    shown = None if printed is None else smallest_refutation(printed, seed, small_problems() if small is None else small)
    right = forms["corrected"]
    return Evidence(right, forms["sabotaged"], forms.get("printed"), right, shown, figures=tuple(figures))


def exchanged(parts: Mapping[str, Array]) -> Array:
    """The gradient with its entries in reverse order: coefficients paired with the wrong functions, pieces with the wrong intervals."""
    return np.flip(combine(parts, FULL))


def remainders(instance: Instance, gradients: Mapping[str, Array]) -> Figure:
    """The Taylor test of some gradients: the remainder |ell(v + e d) - ell(v) - e g.d| against e; only a right one has slope 2."""
    run = solve_problem(instance.problem, instance.values, TIGHT)
    (direction,) = taylor.directions(run, 1, 0)
    along = {name: one if name == instance.name else np.zeros_like(one) for name, one in direction.items()}
    (path,) = taylor.lines(run, [along], STEPS)
    zeros = {name: np.zeros_like(one) for name, one in along.items()}
    lines = [line(label, path.sizes, path.remainder({**zeros, instance.name: gradient})) for label, gradient in gradients.items()]
    guides = [line(f"slope {p}", path.sizes, lines[0].y[0] * (path.sizes / path.sizes[0]) ** p, "dashed") for p in (1, 2)]
    return Figure(f"Taylor remainders: {instance.title}", "step e", "remainder", (*lines, *guides), logx=True, logy=True)


def smallest_refutation(
    printed: Combination, seed: int, small: SearchStrategy[Drawn], name: str = "p", tries: int = SEARCHED
) -> dict[str, Any] | None:
    """The smallest problem on which a sum of terms is not the gradient in a name, with the numbers; None where none was found."""

    def refuted(drawn: Drawn) -> bool:
        one = instance(drawn, name)
        parts = terms(one)
        return relative(combine(parts, printed), combine(parts, FULL), scale(parts)) > REFUTED

    found = smallest(small, refuted, seed, tries)
    return None if found is None else refutation(instance(found, name), combine(terms(instance(found, name)), printed))


def refutation(instance: Instance, gradient: Array) -> dict[str, Any] | None:
    """An instance on which a form clearly misses both truths, with the numbers; None where it does not."""
    truth = truths(instance)
    if not all(gap.clearly_missed for gap in gaps(instance, gradient, truth)):
        return None
    numbers = {"printed": gradient.tolist(), **{way: np.asarray(known).tolist() for way, known in truth.items()}}
    return {**described(instance), **numbers}


def described(instance: Instance) -> dict[str, Any]:
    """An instance as a report shows it."""
    model, objective = instance.problem.model, instance.problem.objective
    return {
        "field": {z.name: str(f) for z, f in model.field},
        **({"functions of depth": {name.name: str(value) for name, value in model.functions}} if model.functions else {}),
        "initial": {z.name: str(h) for z, h in model.initial},
        "running": str(objective.running),
        "terminal": str(objective.terminal),
        "domain": [str(end) for end in model.domain],
        "values": {name: np.asarray(value, dtype=float).tolist() for name, value in instance.values.items()},
        "name": instance.name,
    }
