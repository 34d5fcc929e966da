"""The trajectory of a solved problem at chosen depths: as arrays, as tables, as a figure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.solvers.solution import locate
from odeanalysis.reports import axes

SAMPLES_SHOWN = 3
COLUMNS_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Trajectory:
    """States along the path.

    depth: [M], or [B, M] where the samples' depths differ.
    states: name -> [M, *shape], or [B, M, *shape] with a batch.
    statistics: method, backend and counts.  depth_name: what the depth is called.
    """

    depth: Array
    states: dict[str, Array]
    statistics: dict[str, Any]
    depth_name: str
    batch: int | None

    def sample(self, b: int) -> tuple[Array, dict[str, Array]]:
        """Depths [M] and states [M, *shape] of one sample."""
        depth = self.depth if self.depth.ndim == 1 else self.depth[b]
        return depth, self.states if self.batch is None else {name: state[b] for name, state in self.states.items()}

    def tables(self) -> Iterator[tuple[str, Array, dict[str, Array]]]:
        """Title, depths and columns for each of the first samples."""
        for b in range(min(self.batch or 1, SAMPLES_SHOWN)):
            depth, states = self.sample(b)
            columns = dict(column for name, state in states.items() for column in components(name, state))
            yield self._title(b, len(columns)), depth, dict(list(columns.items())[:COLUMNS_SHOWN])

    def _title(self, b: int, columns: int) -> str:
        whose = "" if self.batch is None else f"sample {b} of {self.batch}"
        left = f"the first {COLUMNS_SHOWN} of {columns} components; --json has all" if columns > COLUMNS_SHOWN else ""
        return ", ".join(filter(None, (whose, left)))


def components(name: str, state: Array) -> Iterator[tuple[str, Array]]:
    """Each component of states [M, *shape], by its name: `z[0, 1]`."""
    for place in np.ndindex(state.shape[1:]):
        yield (f"{name}[{', '.join(map(str, place))}]" if place else name), state[(slice(None), *place)]


def trajectory(run: Run, at: Sequence[float] | int) -> Trajectory:
    """The states at given depths, or at so many equally spaced ones from s0 to S.

    Raises ModelError for a depth outside a path.
    """
    setting = run.setting
    depth = depths(setting, at)
    found = {name: state for name, state in setting.layout.unpack(run.solution.dense(depth)).items() if name != COST.name}
    batch = setting.bound.batch
    shared = bool((depth == depth[:1]).all())
    return Trajectory(
        depth[0] if shared else depth,
        found if batch is not None else {name: state[0] for name, state in found.items()},
        statistics(run),
        setting.problem.model.depth.name,
        batch,
    )


def depths(setting: Setting, at: Sequence[float] | int) -> Array:
    """The depths at which a trajectory is wanted, on the path of each sample: [B, M]. Nothing needs to be solved.

    Raises ModelError for a depth outside a path.
    """
    if isinstance(at, int):
        return spaced(setting, at)
    wanted = np.broadcast_to(np.asarray(at, dtype=float), (setting.batch, len(at)))
    locate(setting.path.grid, wanted)
    return wanted


def spaced(setting: Setting, points: int) -> Array:
    """Equally spaced depths along each sample's path, s0 and S among them: [B, M]."""
    nodes = setting.path.grid.nodes
    part = np.linspace(0, 1, points)
    inside = nodes[:, :1] + part * (nodes[:, -1:] - nodes[:, :1])
    inside[:, -1] = nodes[:, -1] if points > 1 else nodes[:, 0]
    return inside


def statistics(run: Run) -> dict[str, Any]:
    """Method and backend, the most steps of a sample, all rejections and evaluations, the batch."""
    counts = run.solution.statistics
    return {
        "method": run.settings.method,
        "backend": "numpy",
        "steps": int(np.max(counts.accepted, initial=0)),
        "rejected": int(np.sum(counts.rejected)),
        "evaluations": int(np.sum(counts.evaluations)),
        "batch": run.setting.bound.batch,
    }


def figure(run: Run, title: str = "") -> Any:
    """The components over depth: scalar states in one panel, every other state in its own."""
    smooth = trajectory(run, axes.SMOOTH)
    panels = _panels(smooth)
    shown = (title or run.setting.problem.name) + axes.among(smooth.batch)
    drawn = axes.panels(len(panels), smooth.depth_name, shown)
    for axis, names in zip(drawn.axes, panels, strict=True):
        _draw(axis, smooth, names)
    return drawn.figure


def _panels(found: Trajectory) -> list[list[str]]:
    ranks = {name: state.ndim - (found.batch is not None) for name, state in found.states.items()}
    scalars = [name for name, rank in ranks.items() if rank == 1]
    return [*([scalars] if scalars else []), *([name] for name, rank in ranks.items() if rank > 1)]


def _draw(axis: Any, found: Trajectory, names: list[str]) -> None:
    for b in range(min(found.batch or 1, axes.SAMPLES)):
        depth, states = found.sample(b)
        columns = [column for name in names for column in components(name, states[name])]
        for i, (label, values) in enumerate(columns):
            axis.plot(
                depth,
                values,
                color=axes.color(i),
                alpha=axes.fade(found.batch),
                label=label if b == 0 and i < axes.LABELS else None,
            )
    axis.set_ylabel(", ".join(names[: axes.LABELS]))
    axes.legend(axis)
