"""Central differences and the complex step: the recorded steps are taken again for values that moved a little.

All perturbed copies of a problem are solved as one batch; samples do not interact, so one perturbation serves all of them.
"""

from collections.abc import Callable, Mapping
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

        def slope(values: Array, losses: Callable[[Array], Array]) -> Array:
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
        return perturbed(run, lambda values, losses: np.imag(losses(values + 1j * COMPLEX_STEP)) / COMPLEX_STEP)


Slope = Callable[[Array, Callable[[Array], Array]], Array]


def perturbed(run: Run, slope: Slope) -> dict[str, Array]:
    """For every entry of every value, the slope of the weighted losses along it."""
    return {name: _of_name(run, name, slope) for name in run.setting.bound.arrays}


def _of_name(run: Run, name: str, slope: Slope) -> Array:
    bound, batch = run.setting.bound, run.setting.batch
    array = bound.arrays[name]
    per_sample = name in bound.batched
    entries = array.reshape(batch, -1) if per_sample else np.broadcast_to(array.reshape(1, -1), (batch, array.size))
    found = np.zeros(entries.shape)
    block = max(1, LANES // batch)
    missing = np.isnan(entries)
    for start in range(0, entries.shape[1], block):
        places = np.arange(start, min(start + block, entries.shape[1]))
        here = np.where(missing[:, places], 0, entries[:, places])
        found[:, places] = slope(here.T, _losses(run, name, places, missing)).T
    weighted = np.where(missing, 0, found) * run.setting.weights[:, None]
    return weighted.reshape(array.shape) if per_sample else weighted.sum(axis=0).reshape(array.shape)


def _losses(run: Run, name: str, places: Array, missing: Array) -> Callable[[Array], Array]:
    """Values [m, B] of the entries at `places` -> losses [m, B], where copy k moves entry `places[k]` of every sample."""

    def losses(moved: Array) -> Array:
        copies = len(places)
        array = tiled(run, name, copies).astype(moved.dtype)
        flat = array.reshape(copies, run.setting.batch, -1)
        hole = missing[:, places].T
        flat[np.arange(copies), :, places] = np.where(hole, np.nan, moved)
        return replayed(run, {name: flat.reshape(array.shape)}, copies)

    return losses


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
    return Path(grid, np.tile(old.source, (copies, 1)), np.tile(old.node, (copies, 1)))


def _tile_record(old: Record, copies: int) -> Record:
    start, fraction, segment, closes = (np.tile(part, (1, copies)) for part in (old.start, old.fraction, old.segment, old.closes))
    return Record(start, fraction, segment, closes, np.tile(old.states, (1, copies, 1)))
