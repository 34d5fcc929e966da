"""Central differences and the complex step: the recorded steps are taken again for values that moved a little.

All perturbed copies of a problem are solved as one batch; samples do not interact, so one perturbation serves all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.methods import bound_method
from odeanalysis.numerics.gradients.paths import Path
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.setting import settle
from odeanalysis.numerics.solvers.fixed import replay
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.record import Record

LANES = 4096
COMPLEX_STEP = 1e-40
DIFFERENCE = float(np.finfo(float).eps) ** (1 / 3)


@dataclass(frozen=True)
class Differences:
    """Central differences of the replayed steps: (ell(v + e) - ell(v - e)) / 2 e, with e = `step` max(1, |v|)."""

    step: float = DIFFERENCE
    name = "differences"

    def gradients(self, run: Run) -> dict[str, Array]:
        """The derivative of the value with respect to every value given, in its shape."""
        run.warn_of_kinks()

        def slope(values: Array, losses: Losses) -> Array:
            size = self.step * np.maximum(1, np.abs(values))
            high, low = values + size, values - size
            return (losses(high) - losses(low)) / (high - low)

        return perturbed(run, slope)


@dataclass(frozen=True)
class ComplexStep:
    """The imaginary part of ell(v + i e) / e for a tiny e: exact to rounding where every function is analytic."""

    name = "complex step"

    def gradients(self, run: Run) -> dict[str, Array]:
        """The derivative of the value with respect to every value given, in its shape."""
        run.warn_of_kinks()
        return perturbed(run, lambda values, losses: np.imag(losses(values + 1j * COMPLEX_STEP)) / COMPLEX_STEP)


Losses = Callable[[Array], Array]
Slope = Callable[[Array, Losses], Array]


def perturbed(run: Run, slope: Slope) -> dict[str, Array]:
    """For every entry of every value, the slope of the weighted losses along it."""
    entries = {name: _entries(run, name) for name in run.setting.bound.arrays}
    places = [(name, k) for name, rows in entries.items() for k in range(len(rows))]
    block = max(1, LANES // run.setting.batch)
    found = [_of_places(run, entries, places[i : i + block], slope) for i in range(0, len(places), block)]
    slopes = np.concatenate([np.zeros((0, run.setting.batch)), *found]) * run.setting.weights
    ends = np.cumsum([len(rows) for rows in entries.values()], dtype=int)
    parts = zip(run.setting.bound.arrays.items(), np.split(slopes, ends)[:-1], strict=True)
    return {name: (part.T if name in run.setting.bound.batched else part.sum(axis=1)).reshape(array.shape) for (name, array), part in parts}


def _entries(run: Run, name: str) -> Array:
    """The entries of a value, for each sample: [p, B]."""
    array, batch = run.setting.bound.arrays[name], run.setting.batch
    if name in run.setting.bound.batched:
        return array.reshape(batch, -1).T
    return np.broadcast_to(array.reshape(-1, 1), (array.size, batch))


def _of_places(run: Run, entries: Mapping[str, Array], places: Sequence[tuple[str, int]], slope: Slope) -> Array:
    """The slopes of the losses along some entries: [m, B]; 0 where data are missing."""
    here = np.stack([entries[name][k] for name, k in places])
    missing = np.isnan(here)
    return np.where(missing, 0, slope(np.where(missing, 0, here), lambda moved: _losses(run, places, missing, moved)))


def _losses(run: Run, places: Sequence[tuple[str, int]], missing: Array, moved: Array) -> Array:
    """Values [m, B] of the entries at m places -> losses [m, B], where copy i moves entry i alone, in every sample."""
    copies, arrays = len(places), {}
    for name in dict.fromkeys(name for name, _ in places):
        rows = [i for i, (other, _) in enumerate(places) if other == name]
        array = tiled(run, name, copies).astype(moved.dtype)
        flat = array.reshape(copies, run.setting.batch, -1)
        flat[rows, :, [places[i][1] for i in rows]] = np.where(missing, np.nan, moved)[rows]
        arrays[name] = flat.reshape(array.shape)
    return replayed(run, arrays, copies)


def tiled(run: Run, name: str, copies: int) -> Array:
    """A value for `copies` of the batch, laid one behind the other, each sample with its own: [copies * B, ...]."""
    array = run.setting.bound.arrays[name]
    if name in run.setting.bound.batched:
        return np.concatenate([array] * copies)
    return np.broadcast_to(array, (copies * run.setting.batch, *array.shape)).copy()


def replayed(run: Run, moved: Mapping[str, Array], copies: int) -> Array:
    """The recorded steps taken again for `copies` of the batch with other values [copies * B, ...] for some names: losses [copies, B]."""
    bound, batch, record = run.setting.bound, run.setting.batch, run.solution.record
    if record is None:
        raise ModelError(f"method {run.settings.method!r} keeps no steps to take again; take a method of ours")
    arrays = {key: tiled(run, key, copies) if key in bound.batched else old for key, old in bound.arrays.items()}
    copied = replace(bound, arrays={**arrays, **moved}, batch=copies * batch, batched=bound.batched | set(moved))
    setting = settle(run.setting.program, copied, _tile_path(run.setting.path, copies))
    with np.errstate(all="ignore"):
        solution = replay(bound_method(setting, run.settings), setting.path.grid, _tile_record(record, copies), setting.y0)
        return costs.losses(setting, solution).reshape(copies, batch)


def _tile_path(old: Path, copies: int) -> Path:
    grid = Grid(np.tile(old.grid.nodes, (copies, 1)), np.tile(old.grid.pieces, (copies, 1, 1)))
    return Path(grid, np.tile(old.source, (copies, 1)), np.tile(old.node, (copies, 1)), np.tile(old.switching, (copies, 1, 1)))


def _tile_record(old: Record, copies: int) -> Record:
    start, fraction, segment, closes = (np.tile(part, (1, copies)) for part in (old.start, old.fraction, old.segment, old.closes))
    return Record(start, fraction, segment, closes, np.tile(old.states, (1, copies, 1)))
