"""Kinks that a path crosses inside its steps: there the derivative of steps, held where they are, errs by the order of a step's length.

A step across a kink has an error that jumps when the kink passes one of its stages. The value feels the jump's size, which the error
control holds small; the derivative feels nothing of it. The second derivative lacks a term of order one.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.modeling.pieces import shown
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.solvers.record import Record
from odeanalysis.numerics.solvers.solution import Solution
from odeanalysis.symbolic.functions import sign
from odeanalysis.symbolic.rewrite import leaves, walk

LANES = 4096  # steps of samples that are looked at together
AT_A_NODE = 1e-9  # a crossing this near the end of a step, as a fraction of it, is at its end, where it harms nothing


class KinkWarning(UserWarning):
    """A derivative of steps is asked for along a path that crosses kinks."""


FIRST = (
    "the derivative of its steps errs there by the order of their length; take --sensitivity adjoint or forward "
    "(in Python ContinuousAdjoint() or Forward()), or a smaller tolerance"
)
SECOND = (
    "second derivatives of its steps lack what the crossings add, and standard errors with them, whatever the tolerance; "
    "take differences of gradients by ContinuousAdjoint() or Forward()"
)

MEAN = "what is given is the mean of its derivatives from both sides; keep the ends apart, or read it as one of many subgradients"


@dataclass(frozen=True)
class Crossing:
    """A kinked expression as it is stated, and where a sample's path crosses its kink."""

    node: Any
    depth: float
    sample: int


@dataclass(frozen=True)
class Crossings:
    """How often the samples' paths cross kinks inside steps, and the crossing met first."""

    count: int = 0
    first: Crossing | None = None


def crossings(setting: Setting, solution: Solution) -> Crossings:
    """The kinks whose gap changes sign between the ends of a recorded step; none where no steps are kept."""
    record = solution.record
    if record is None or not setting.program.kinks.nodes:
        return Crossings()
    ends, block = _ends(record, solution.final), max(1, LANES // setting.batch)
    with np.errstate(all="ignore"):
        found = [_crossings(setting, record, ends, slice(k, k + block)) for k in range(0, len(record), block)]
    return Crossings(sum(one.count for one in found), next((one.first for one in found if one.first), None))


def _ends(record: Record, final: Array) -> Array:
    """The states [N, B, n] at which accepted steps end: those the next ones start from."""
    ends = np.concatenate([record.states[1:], final[None]])
    last = len(record) - 1 - record.accepted[::-1].argmax(axis=0)
    ends[last, np.arange(len(final))] = final
    return ends


def _crossings(setting: Setting, record: Record, ends: Array, part: slice) -> Crossings:
    """The crossings in some iterations; the first is that of the first of them, in its first sample."""
    start, fraction = record.start[part], record.fraction[part]
    before = _gaps(setting, record.segment[part], start, record.states[part])
    after = _gaps(setting, record.segment[part], start + fraction, ends[part])
    count, places = 0, []
    for node, a, b in zip(setting.program.kinks.nodes, before, after, strict=True):
        along = a / (a - b)
        inside = (np.sign(a) * np.sign(b) < 0) & (along > AT_A_NODE) & (along < 1 - AT_A_NODE) & record.accepted[part][..., None]
        count += int(inside.sum())
        if inside.any():
            k, sample, entry = map(int, np.argwhere(inside)[0])
            place = start[k] + along[k, :, entry] * fraction[k]
            depth = setting.path.grid.depth(record.segment[part][k], place)[sample]
            places.append((k, sample, Crossing(node, float(depth), sample)))
    return Crossings(count, min(places, key=lambda one: one[:2])[2] if places else None)


def _gaps(setting: Setting, segment: Array, fraction: Array, states: Array) -> list[Array]:
    """The gaps of all kinks at fractions of segments [N, B]: [N, B, entries] each."""
    grid, known = setting.path.grid, setting.program.kinks
    depth, pieces = grid.depth(segment.T, fraction.T).T, grid.pieces[np.arange(setting.batch), segment]
    found = setting.program.kink_gaps(setting.environment(depth, states, pieces))
    ranks = [len(shape) for shape in known.gaps.shapes.values()]
    return [_flat(gap, segment.shape, rank) for gap, rank in zip(found.values(), ranks, strict=True)]


def _flat(gap: Array, lead: tuple[int, ...], rank: int) -> Array:
    own = np.shape(gap)[np.ndim(gap) - rank :]
    return np.broadcast_to(gap, (*lead, *own)).reshape(*lead, -1)


def warn(setting: Setting, found: Crossings, harm: str) -> None:
    """Says once which kink is crossed, where, and what harm it does."""
    if found.first is None:
        return
    place = f"depth {found.first.depth:.3g}" + (f" in sample {found.first.sample}" if setting.batch > 1 else "")
    more = f", the first of {found.count} such crossings" if found.count > 1 else ""
    warnings.warn(
        f"the path of {setting.problem.name!r} crosses the kink of {shown(found.first.node)} near {place}{more}: {harm}",
        KinkWarning,
        stacklevel=4,
    )


def warn_of_no_length(setting: Setting) -> None:
    """Says that a gradient is asked for where int l abs(ds) is taken over a domain without length, at whose moving ends it has a kink."""
    (start, end), nodes = setting.problem.model.domain, setting.path.grid.nodes
    measure, none = sign(end - start), nodes[:, 0] == nodes[:, -1]
    if none.any() and leaves(measure) and measure in walk((setting.problem.objective.running,)):
        place = f" in sample {int(none.argmax())}" if setting.batch > 1 else ""
        warnings.warn(
            f"the domain of {setting.problem.name!r} has no length{place}, and a cost int l abs(ds) has a kink in its ends there: {MEAN}",
            KinkWarning,
            stacklevel=4,
        )


@contextmanager
def unwarned() -> Iterator[None]:
    """Derivatives of steps whose kinks the caller tells of, or measures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KinkWarning)
        yield
