"""What does not change along the path, for a right adjoint: each locates an error in depth.

a(s)^T dz(s) + int_s^S dH/dname dname ds + costs behind s   is the derivative of ell along the direction, at every s

H(s) = l + a^T f   is one number between two nodes, where neither f nor l depends on the depth
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.discrete import step_cotangents, step_values
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.second import Tangent
from odeanalysis.symbolic.rewrite import leaves


@dataclass(frozen=True)
class Drift:
    """worst: the largest relative change of an invariant.  depth: where; of an invariant of all samples together, that of the first."""

    worst: float
    depth: float


def costates(run: Run) -> Iterator[tuple[int, Array, costs.Cotangents]]:
    """The costate [B, n] before each recorded step, from S back, with the costs at its depth; and what the names have received so far."""
    back = costs.cotangents(run.setting, run.solution)
    reverse, layout, record = run.setting.program.step_vjp(run.settings.method), run.setting.layout, run.solution.record
    assert record is not None
    bar = back.states[:, -1].copy()
    yield len(record), bar, back
    for k in range(len(record) - 1, -1, -1):
        bars = {f"_bar_{name}": part for name, part in layout.unpack(bar).items()}
        bars.setdefault(f"_bar_{COST.name}", np.zeros(run.setting.batch))
        bar = step_cotangents(run, k, reverse({**step_values(run, k), **bars}), bar, back)
        yield k, bar, back


def _begun(run: Run, k: int) -> tuple[Array, Array]:
    """The samples that enter a segment with recorded step k, and these segments: the nodes at which they stand."""
    record = run.solution.record
    assert record is not None
    rows = np.nonzero((record.start[k] == 0) & record.accepted[k])[0]
    return rows, record.segment[k, rows]


# ---------------------------------------------------------------- a^T dz


def drift(run: Run, direction: Mapping[str, Array]) -> Drift:
    """How far the derivative along a direction changes along the recorded steps: rounding only, unless a step's adjoint is wrong.

    This is the dot product <a, J dz> = <J^T a, dz> of each step, with the costs.
    """
    with np.errstate(all="ignore"):
        sums, scale = _invariants(run, direction)
    changes = np.abs(np.diff(sums))
    if not len(changes) or not scale:
        return Drift(0.0, float(run.setting.path.grid.nodes[0, 0].real))
    worst = int(np.argmax(changes))
    return Drift(float(changes[worst] / scale), _depth(run, len(changes) - 1 - worst))


def _depth(run: Run, k: int, sample: int = 0) -> float:
    return float(step_values(run, k)[run.setting.program.parts.depth.name][sample])


def _invariants(run: Run, direction: Mapping[str, Array]) -> tuple[Array, float]:
    """The invariant before each step, from the last one back, and the size of its terms."""
    tangent = Tangent(run, dict(direction))
    sums, sizes, pending = [], [], None
    for k, bar, back in costates(run):
        if pending is None:
            pending = float(np.sum(back.states[:, :-1] * tangent.at_nodes[:, :-1]))
        else:
            at = _begun(run, k)
            pending -= float(np.sum(back.states[at] * tangent.at_nodes[at]))
        moved = tangent.states[k] if k < len(tangent.states) else tangent.at_nodes[:, -1]
        terms = [np.sum(bar * moved), pending, np.sum(back.nodes * tangent.nodes)]
        terms += [np.sum(back.names[name] * d) for name, d in direction.items()]
        sums.append(float(np.sum(terms)))
        sizes.append(float(np.max(np.abs(terms))))
    return np.array(sums), max(sizes)


# ---------------------------------------------------------------- H


@dataclass(frozen=True)
class Height:
    """H of one sample where a recorded step starts, or its segment ends; size: of the largest of the terms a_i f_i."""

    sample: int
    segment: int
    step: int
    value: float
    size: float


def is_autonomous(run: Run) -> bool:
    """Whether neither the field nor the running cost depends on the depth, but for the pieces that hold."""
    field = run.setting.program.parts.field
    return run.setting.program.parts.depth not in leaves(*(value for _, value in (*field.lets, *field.outputs)))


def hamiltonian_drift(run: Run) -> Drift | None:
    """How far H varies between two nodes, relative to its largest term: as the solution is wrong, so falls with the tolerance.

    None where the problem depends on the depth, or a number of steps is given: coarse steps of no method we have keep H.
    """
    if not is_autonomous(run) or run.settings.steps is not None:
        return None
    with np.errstate(all="ignore"):
        found = sorted(_heights(run), key=lambda one: (one.sample, one.segment, one.step))
    scale = max((one.size for one in found), default=0.0)
    ranges = [_range(list(group)) for _, group in groupby(found, key=lambda one: (one.sample, one.segment))]
    if not scale or not ranges:
        return Drift(0.0, float(run.setting.path.grid.nodes[0, 0].real))
    gap, at = max(ranges, key=lambda one: one[0])
    return Drift(gap / scale, _depth(run, at.step, at.sample))


def _range(group: list[Height]) -> tuple[float, Height]:
    """How far H varies over a segment, and the start of the step over which it changes most."""
    values = np.array([one.value for one in group])
    largest = int(np.argmax(np.abs(np.diff(values)))) if len(values) > 1 else 0
    return float(np.ptp(values)), group[largest]


def _heights(run: Run) -> Iterator[Height]:
    record, solution = run.solution.record, run.solution
    assert record is not None
    after = None
    for k, bar, back in costates(run):
        if after is not None:
            ends = np.nonzero(record.accepted[k] & record.closes[k])[0]
            yield from _at(run, k, ends, solution.node_states[np.arange(len(bar)), record.segment[k] + 1], after, last=True)
            at = _begun(run, k)
            inside = bar.copy()
            inside[at[0]] -= back.states[at]
            yield from _at(run, k, np.nonzero(record.accepted[k])[0], record.states[k], inside, last=False)
        after = bar


def _at(run: Run, k: int, rows: Array, states: Array, costate: Array, last: bool) -> Iterator[Height]:
    """H of some samples at the start of recorded step k, or, where it is the last of its segment, at its end."""
    record, setting = run.solution.record, run.setting
    assert record is not None
    depth, pieces = setting.path.grid.nodes[:, 0], setting.path.grid.pieces[np.arange(len(states)), record.segment[k]]
    slopes = setting.layout.pack(setting.program.field(setting.environment(depth, states, pieces)), depth.shape)
    terms = slopes * costate
    for row in rows:
        yield Height(int(row), int(record.segment[k, row]), k + last, float(terms[row].sum()), float(np.max(np.abs(terms[row]), initial=0)))
