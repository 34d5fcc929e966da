"""Break points that meet each other, or an end, and move apart: the loss may have no derivative there, and is then refused.

In which order a path passes them depends on where the values move. The loss is differentiable if each of them makes the same difference to
f and l whichever of the others are passed before it, and makes none where it meets an end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.modeling.pieces import shown
from odeanalysis.numerics.gradients.clusters import clusters
from odeanalysis.numerics.gradients.motion import node_tangents
from odeanalysis.numerics.gradients.paths import END, START
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.gradients.switches import switched
from odeanalysis.numerics.solvers.solution import Solution
from odeanalysis.symbolic.rewrite import leaves

# what is this small beside the terms that cancel is rounding, and so is this fraction of the state
ROUNDING, TINY = 1e-9, 1e-14
# every subset of what meets is looked at; more than this many are refused
MOST = 8
LOST = -1


@dataclass(frozen=True, eq=False)
class Meeting:
    """A depth of one sample's path at which switches meet each other or an end.

    nodes: the nodes there.  marks: the marks they come from, and LOST for switches that no mark follows, [m].  switches: the conditions
    that each of these switches, [m, P].  movers: the conditions that switch together, for each motion of its own, [G, P]; what moves as
    the ends there do is left out.
    """

    sample: int
    nodes: Array
    marks: Array
    switches: Array
    movers: Array

    @property
    def ends(self) -> list[int]:
        """The ends of the domain that are there."""
        return sorted({START, END} & {*map(int, self.marks)})


def check_meetings(setting: Setting, solution: Solution) -> None:
    """Raises ModelError, naming what meets, the depth and the sample, where the loss has no derivative in the depths of a path."""
    for meeting in _meetings(setting):
        _check_boundary(setting, meeting)
        if len(meeting.movers) >= (1 if meeting.ends else 2) and not _agree(setting, solution, meeting):
            order = "" if meeting.ends else ", in another way where they are passed in another order"
            _refuse(setting, meeting, f"the field or the running cost jumps{order}: the loss has two one-sided derivatives there")


# ---------------------------------------------------------------- what meets


def _meetings(setting: Setting) -> Iterator[Meeting]:
    path, stated = setting.path, setting.program.parts
    if not stated.pieces.flags or not (stated.moves or path.switching.any()):
        return
    empty = path.grid.nodes[:, :-1] == path.grid.nodes[:, 1:]
    rows = np.nonzero(empty.any(axis=1) | path.switching[:, [0, -1]].any(axis=(1, 2)))[0]
    cluster, (own, lost) = clusters(empty[rows]), _switches(setting, rows)
    places = np.argwhere(_crowded(own | lost, cluster))
    tangents = node_tangents(setting.program, setting.values, path.source) if len(places) else np.zeros(0)
    for row, number in places:
        sample, nodes = int(rows[row]), np.nonzero(cluster[row] == number)[0]
        marks = np.append(path.source[sample, nodes], LOST)
        switches = np.concatenate([own[row, nodes], lost[row, nodes].any(axis=0, keepdims=True)])
        yield Meeting(sample, nodes, marks, switches, _movers(marks, np.append(tangents[sample, nodes], np.nan), switches))


def _switches(setting: Setting, rows: Array) -> tuple[Array, Array]:
    """What the nodes of some samples switch, [R, K+1, P], by their marks, and where no mark moves along with it.

    An end switches something only where it meets the other end: there the path turns round.
    """
    path = setting.path
    source, found = path.source[rows], path.switching[rows]
    inner = (source >= 2)[:, :, None]
    turning = (path.grid.nodes[rows, 0] == path.grid.nodes[rows, -1])[:, None, None]
    own = switched(setting.program.parts, source, found & inner)
    lost = np.zeros(own.shape, dtype=bool)
    lost[:, :, list(setting.program.parts.listed)] = found & ~inner
    return own & (inner | turning), lost


def _crowded(switches: Array, cluster: Array) -> Array:
    """The clusters in which two nodes switch something, or one beside an end: [R, K+1]."""
    count, needed, rows = np.zeros(cluster.shape, dtype=int), np.full(cluster.shape, 2), np.arange(len(cluster))
    np.add.at(count, (rows[:, None], cluster), switches.any(axis=2))
    needed[:, 0] = needed[rows, cluster[:, -1]] = 1
    return count >= needed


def _movers(marks: Array, tangents: Array, switches: Array) -> Array:
    """The conditions by motion. A path that is without length and stays so is not split."""
    ends = [tangents[marks == end][0] for end in (START, END) if (marks == end).any()]
    if len(ends) == 2 and _alike(*ends):
        return switches[:0]
    groups: list[tuple[float, Array]] = []
    for tangent, conditions in zip(tangents, switches, strict=True):
        if not conditions.any() or (ends and all(_alike(tangent, end) for end in ends)):
            continue
        same = [group for moved, group in groups if _alike(moved, tangent)]
        for group in same:
            group |= conditions
        if not same:
            groups.append((tangent, conditions.copy()))
    return np.array([group for _, group in groups], dtype=bool).reshape(-1, switches.shape[1])


def _alike(one: float, other: float) -> bool:
    return bool(abs(one - other) <= ROUNDING * max(abs(one), abs(other)))


# ---------------------------------------------------------------- what it does to the loss


def _check_boundary(setting: Setting, meeting: Meeting) -> None:
    """At an end, the initial value or the terminal cost may not depend on what switches there, unless it is bound to the ends."""
    stated = setting.program.parts
    formulas = {START: (stated.initial, "the initial value"), END: (stated.terminal, "the terminal cost")}
    loose = [here for mark, here in zip(meeting.marks, meeting.switches, strict=True) if not _is_bound(setting, int(mark), meeting.ends)]
    flags = {stated.pieces.flags[p] for here in loose for p in np.nonzero(here)[0]}
    for end in meeting.ends:
        formula, what = formulas[end]
        if flags & leaves(*(expression for _, expression in (*formula.lets, *formula.outputs))):
            _refuse(setting, meeting, f"{what} switches: the loss has no derivative there")


def _is_bound(setting: Setting, mark: int, ends: list[int]) -> bool:
    """Whether a mark never leaves the ends: as the same expression, or because all stand still."""
    depths, fixed = setting.program.parts.depths, setting.program.parts.is_fixed
    return mark != LOST and all(depths[mark] == depths[end] or (fixed(mark) and fixed(end)) for end in ends)


def _agree(setting: Setting, solution: Solution, meeting: Meeting) -> bool:
    """Whether every mover makes the same difference in all subsets of the others; beside an end, none."""
    size = len(meeting.movers)
    if size > MOST:
        return False
    members = np.arange(1 << size)[:, None] >> np.arange(size) & 1
    slopes = _slopes(setting, solution, meeting, members.astype(bool))
    each = slopes[1 << np.arange(size)] - slopes[0]
    expected = slopes[0] + members @ (0 * each if meeting.ends else each)
    state = solution.node_states[meeting.sample, meeting.nodes[0]]
    bound = ROUNDING * np.abs(slopes).max(axis=0) + TINY * np.abs(state)
    return bool((np.abs(slopes - expected) <= bound).all())


def _slopes(setting: Setting, solution: Solution, meeting: Meeting, members: Array) -> Array:
    """f and l at the meeting, once each subset of the movers is passed: [A, G] -> [A, n]."""
    grid, first, last = setting.path.grid, int(meeting.nodes[0]), int(meeting.nodes[-1])
    passed = (members[:, :, None] & meeting.movers).any(axis=1)
    held = grid.pieces[meeting.sample, first - 1 if first else min(last, grid.segments - 1)]
    sample = np.full(len(members), meeting.sample)
    with np.errstate(all="ignore"):
        found = setting.environment_of(sample, grid.nodes[sample, first], solution.node_states[sample, first], np.abs(held - passed))
        return setting.layout.pack(setting.program.field(found), sample.shape)


def _refuse(setting: Setting, meeting: Meeting, what: str) -> NoReturn:
    stated, pairs = setting.program.parts, [*zip(meeting.marks, meeting.switches, strict=True)]
    met = [f"the {('start', 'end')[end]} {stated.depths[end]}" for end in meeting.ends]
    met += [str(stated.depths[mark]) for mark, here in pairs if mark >= 2 and here.any()]
    met += [f"the switch of {shown(stated.pieces.items[p].condition)}" for p in np.nonzero(pairs[-1][1])[0]]
    depth = setting.path.grid.nodes[meeting.sample, meeting.nodes[0]]
    raise ModelError(
        f"{'domain' if meeting.ends else 'breakpoints'} of {stated.problem.name!r}: {' and '.join(met)} meet at depth {depth:.12g} for "
        f"sample {meeting.sample}, where {what}; move one"
    )
