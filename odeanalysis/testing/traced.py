"""What is claimed of a problem, evaluated along the paths of its samples, with the size of the terms that may cancel in it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from odeanalysis.modeling import pieces as pc
from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.modeling.properties import VALUE, Property
from odeanalysis.numerics.gradients.program import Array, Compiled, compiled
from odeanalysis.numerics.gradients.run import solved
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.jacobian import JACOBIAN, flat_jacobian
from odeanalysis.symbolic.formula import Formula, share
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves, substitute

Values = Mapping[str, Array]

ROUNDING = 64 * float(np.finfo(float).eps)  # of terms that cancel: what a few roundings make of them
FEW = 9  # depths in each segment at which the field of an equilibrium is looked at, and the size of what cancels in an expression


@dataclass(frozen=True, eq=False)
class Traced:
    """depth: along the samples' paths, [M, B].  parts: what is claimed of, by name, [M, B, E].  sizes: of the parts or of their terms, and
    noise: what rounding may do to them, [B, E] each.

    at: what the formulas were given.  entries: the name of each entry.
    """

    setting: Setting
    depth: Array
    parts: Values
    sizes: Array
    noise: Array
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
    solution, stated = solved(setting, settings), _stated(setting, claim)
    segment, fraction = _places(setting, points)
    y = np.moveaxis(solution.inside(segment, fraction), 0, 1)
    depth, at = _environment(setting, segment, fraction, y)
    found = _values(stated, at, depth.shape)
    few = (np.linspace(0, points - 1, FEW).astype(int) + points * np.arange(setting.path.grid.segments)[:, None]).ravel()
    _, there = _environment(setting, segment[:, few], fraction[:, few], y[few])
    terms = _terms(setting, stated.formula, there, depth[few].shape)
    moved = [terms[z] for z in setting.program.parts.states if z in terms]
    flat, shape = {name: _flat(one) for name, one in found.items()}, found[VALUE].shape[2:]
    noise = ROUNDING * _largest(flat, terms.values())
    return Traced(setting, depth, flat, _largest(flat, moved), noise, at, lambda entry: _entry(entry, shape))


def at_rest(setting: Setting, claim: Property) -> Traced:
    """The field, in the state that is claimed to be one of rest."""
    stated = setting.program.parts
    rest = compiled(share("rest", stated.names, (), claim.named, "a state of rest"))(setting.values)
    segment, fraction = _places(setting, FEW)
    y = np.broadcast_to(setting.layout.pack(rest, (setting.batch,)), (segment.shape[1], *setting.y0.shape))
    depth, at = _environment(setting, segment, fraction, y)
    field = _values(setting.program.field, at, depth.shape)
    flat = {VALUE: np.concatenate([_flat(one) for one in field.values()], axis=-1)}
    sizes = _largest(flat, _terms(setting, setting.program.field.formula, at, depth.shape).values())
    return Traced(setting, depth, flat, sizes, ROUNDING * sizes, at, setting.layout.entry)


def _stated(setting: Setting, claim: Property) -> Compiled:
    """What is claimed of, with depth-varying names and conditions on depth put in their places."""
    stated = setting.program.parts
    functions, sides = dict(stated.problem.model.functions), pc.sides(stated.problem)
    found = {name: stated.pieces.apply(pc.open_kinks(substitute(one, functions), sides)) for name, one in claim.named.items()}
    return compiled(share("claim", stated.field.inputs, (), found, "what is claimed of a path"))


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


def _values(stated: Compiled, at: Values, lead: tuple[int, ...]) -> dict[str, Array]:
    """The outputs of a formula, each in its shape behind the leading axes."""
    found, shapes = stated(at), stated.formula.shapes
    return {name: _led(found[name], lead, len(shape)) for name, shape in shapes.items()}


def _led(array: Array, lead: tuple[int, ...], rank: int) -> Array:
    own = np.shape(array)[np.ndim(array) - rank :]
    return np.broadcast_to(array, (*lead, *own))


def _flat(array: Array) -> Array:
    """[M, B, ...] as [M, B, E]."""
    return array.reshape(*array.shape[:2], -1)


def _entry(entry: int, shape: tuple[int, ...]) -> str:
    return f"its entry {[*map(int, np.unravel_index(entry, shape))]}" if shape else "it"


# ---------------------------------------------------------------- how large it is


def _terms(setting: Setting, formula: Formula, at: Values, lead: tuple[int, ...]) -> dict[Leaf, Array]:
    """sum_j abs(dv/dx_j) abs(x_j) over the entries of each name x, for each entry of the outputs, [M, B, R]: terms that may cancel in v."""
    used = leaves(*(value for _, value in (*formula.lets, *formula.outputs)))
    wrt = tuple(leaf for leaf in formula.inputs if leaf in used and leaf not in setting.program.parts.pieces.flags)
    if not wrt:
        return {}
    jacobian = _led(compiled(flat_jacobian(formula, formula.shapes, wrt))(at)[JACOBIAN], lead, 2)
    moved = [np.abs(_flat(_led(at[leaf.name], lead, len(shape_of(leaf))))) for leaf in wrt]
    columns = np.split(np.abs(jacobian), np.cumsum([one.shape[-1] for one in moved])[:-1], axis=-1)
    terms = [np.einsum("...en,...n->...e", column, one) for column, one in zip(columns, moved, strict=True)]
    return {leaf: np.where(np.isfinite(term), term, 0) for leaf, term in zip(wrt, terms, strict=True)}


def _largest(parts: Values, terms: Iterable[Array]) -> Array:
    """The largest that any of the parts, or the sum of its terms, gets along each path: [B, E]."""
    counts = [part.shape[-1] for part in parts.values()]
    split = np.split(sum(terms, np.zeros((1, 1, sum(counts)))), np.cumsum(counts)[:-1], axis=-1)
    return reduce(np.maximum, (np.max(np.abs(one), axis=0) for one in (*parts.values(), *split)))
