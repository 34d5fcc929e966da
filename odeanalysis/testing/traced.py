"""What is claimed of a problem, evaluated along the paths of its samples, with the size of the terms that may cancel in it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from odeanalysis.modeling import pieces as pc
from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.modeling.properties import VALUE, Property
from odeanalysis.numerics.gradients.program import Array, compiled
from odeanalysis.numerics.gradients.run import solved
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.jacobian import JACOBIAN, flat_jacobian
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import substitute

Values = Mapping[str, Array]

FEW = 9  # depths in each segment at which the field of an equilibrium is looked at, and the size of what cancels in an expression


@dataclass(frozen=True, eq=False)
class Traced:
    """depth: along the samples' paths, [M, B].  parts: what is claimed of, by name, [M, B, E].  sizes: of their terms, [B, E].

    at: what the formulas were given.  entries: the name of each entry.
    """

    setting: Setting
    depth: Array
    parts: Values
    sizes: Array
    at: Values
    entries: Callable[[int], str]


def watched(problem: Problem, claim: Property) -> Problem:
    """The model with the claim in the place of costs: its conditions on depth then split the paths."""
    model, functions = problem.model, dict(problem.model.functions)
    if claim.kind == "equilibrium":
        return Problem(model, Objective())
    stated = [substitute(one, functions) for one in claim.named.values()]
    pc.find(Problem(model, Objective()), [(f"claims ({claim})", one) for one in stated])  # refuses by the right name
    squares = (ex.sumsq(one) if shape_of(one) else ex.power(one, 2) for one in claim.named.values())  # in their sum nothing cancels
    return Problem(model, Objective(terminal=ex.add(*squares)))


def along(setting: Setting, claim: Property, settings: Settings, points: int) -> Traced:
    """A claim at so many depths of every segment of the solution. Raises SolveError for a solve that fails."""
    solution = solved(setting, settings)
    formula = _formula(setting, claim)
    segment, fraction = _places(setting, points)
    y = np.moveaxis(solution.inside(segment, fraction), 0, 1)
    depth, at = _environment(setting, segment, fraction, y)
    parts = _values(formula, at, depth.shape)
    few = np.unique(np.linspace(0, points - 1, FEW).astype(int)) + points * np.arange(setting.path.grid.segments)[:, None]
    few = few.ravel()
    _, there = _environment(setting, segment[:, few], fraction[:, few], y[few])
    terms = _terms(formula, there, depth[few].shape, setting.program.parts.states)
    shape = np.shape(compiled(formula)(there)[VALUE])[-len(formula.shapes[VALUE]) :] if formula.shapes[VALUE] else ()
    return Traced(setting, depth, parts, _sizes(parts, terms), at, lambda entry: _entry(entry, shape))


def at_rest(setting: Setting, claim: Property) -> Traced:
    """The field, in the state that is claimed to be one of rest."""
    stated = setting.program.parts
    rest = compiled(share("rest", stated.names, (), claim.named, "a state of rest"))(setting.values)
    segment, fraction = _places(setting, FEW)
    y = np.broadcast_to(setting.layout.pack(rest, (setting.batch,)), (segment.shape[1], *setting.y0.shape))
    depth, at = _environment(setting, segment, fraction, y)
    field = stated.field.only(*(z.name for z in stated.states))
    parts = {VALUE: np.concatenate(list(_values(field, at, depth.shape).values()), axis=-1)}
    terms = np.concatenate(_terms(field, at, depth.shape, (*stated.states, *stated.names)), axis=-1)
    return Traced(setting, depth, parts, _sizes(parts, [terms]), at, setting.layout.entry)


def _formula(setting: Setting, claim: Property) -> Formula:
    """What is claimed of, with depth-varying names and conditions on depth put in their places."""
    stated = setting.program.parts
    functions, sides = dict(stated.problem.model.functions), pc.sides(stated.problem)
    found = {name: stated.pieces.apply(pc.open_kinks(substitute(one, functions), sides)) for name, one in claim.named.items()}
    return share("claim", stated.field.inputs, (), found, "what is claimed of a path")


def _places(setting: Setting, points: int) -> tuple[Array, Array]:
    """Segments and fractions of them along the path of each sample, [B, M] each; those without length give way to a neighbour's end."""
    long = setting.path.grid.lengths != 0
    last = np.maximum.accumulate(np.where(long, np.arange(long.shape[1]), -1), axis=1)
    segment = np.where(last < 0, long.argmax(axis=1)[:, None], last)
    fraction = np.where(long[..., None], np.linspace(0, 1, points), (last >= 0)[..., None])
    return np.repeat(segment, points, axis=1), fraction.reshape(len(long), -1).astype(float)


def _environment(setting: Setting, segment: Array, fraction: Array, y: Array) -> tuple[Array, dict[str, Array]]:
    """Depths [M, B], and what formulas are given there, for states [M, B, n]."""
    grid = setting.path.grid
    depth, pieces = grid.depth(segment, fraction).T, grid.pieces[np.arange(setting.batch), segment.T]
    return depth, setting.environment(depth, y, pieces)


def _values(formula: Formula, at: Values, lead: tuple[int, ...]) -> dict[str, Array]:
    """The outputs of a formula, each flattened behind the leading axes."""
    found = compiled(formula)(at)
    return {name: _flat(found[name], lead, len(shape)) for name, shape in formula.shapes.items()}


def _flat(array: Array, lead: tuple[int, ...], rank: int) -> Array:
    own = np.shape(array)[np.ndim(array) - rank :]
    return np.broadcast_to(array, (*lead, *own)).reshape(*lead, -1)


def _entry(entry: int, shape: tuple[int, ...]) -> str:
    return f"its entry {[*map(int, np.unravel_index(entry, shape))]}" if shape else "it"


# ---------------------------------------------------------------- how large it is


def _terms(formula: Formula, at: Values, lead: tuple[int, ...], wrt: tuple[Leaf, ...]) -> list[Array]:
    """sum_j abs(dv/dx_j) abs(x_j) for each output, [M, B, E]: the size of the terms that may cancel in it."""
    jacobian = compiled(flat_jacobian(formula, formula.shapes, wrt))(at)[JACOBIAN]
    moved = np.concatenate([_flat(at[leaf.name], lead, len(shape_of(leaf))) for leaf in wrt], axis=-1)
    rows = np.einsum("...en,...n->...e", np.abs(np.broadcast_to(jacobian, (*lead, *np.shape(jacobian)[-2:]))), np.abs(moved))
    sizes = [value.shape[-1] for value in _values(formula, at, lead).values()]
    return np.split(np.where(np.isfinite(rows), rows, 0), np.cumsum(sizes)[:-1], axis=-1)


def _sizes(parts: Values, terms: Iterable[Array]) -> Array:
    """The largest that any of the parts gets along each path, or its terms: [B, E]."""
    largest = (np.max(np.abs(one), axis=0) for one in (*parts.values(), *terms))
    return reduce(np.maximum, largest)
