"""The last part of every adjoint: from the costate at s0 and the nodes' cotangents to the values."""

import numpy as np

from odeanalysis.numerics.gradients.costs import Cotangents
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.setting import Setting


def finish(setting: Setting, costate: Array, back: Cotangents) -> dict[str, Array]:
    """Adds a(s0)^T dh and the moving depths' part; gives the gradient of every value in its shape.  costate: [B, n]."""
    stated = setting.program.parts
    bars = {f"_bar_{name}": bar for name, bar in setting.layout.unpack(costate).items()}
    grid = setting.path.grid
    values = setting.environment(grid.nodes[:, 0], setting.y0, grid.pieces[:, 0])
    found = setting.program.vjp.initial({**values, **bars})
    back.nodes[:, 0] += found.get(stated.depth.name, 0)
    for leaf in stated.names:
        back.names[leaf.name] += found[leaf.name]
    if stated.moves:
        _to_marks(setting, back)
    return back.names


def spread(setting: Setting, nodes: Array) -> dict[str, Array]:
    """Cotangents of the nodes [B, K+1] -> those of the marks they come from, by name: [B] each."""
    marks = np.zeros((setting.batch, len(setting.program.parts.marks.outputs)))
    np.add.at(marks, (np.arange(setting.batch)[:, None], setting.path.source), nodes)
    return {name: marks[:, i] for i, (name, _) in enumerate(setting.program.parts.marks.outputs)}


def _to_marks(setting: Setting, back: Cotangents) -> None:
    bars = {f"_bar_{name}": bar for name, bar in spread(setting, back.nodes).items()}
    with np.errstate(all="ignore"):  # a mark that no path meets may be infinite
        found = setting.program.vjp.marks({**setting.values, **setting.met, **bars})
    for leaf in setting.program.parts.names:
        back.names[leaf.name] += found[leaf.name]
