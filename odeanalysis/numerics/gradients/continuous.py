"""The continuous adjoint (Prop. 1 in full), on the dense solution, and backward re-integration of the state under its own name.

a' = -dH/dz,   g' = dH/dname,   solved from S back to s0, with the costate's jumps at the nodes
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from odeanalysis.derivations.parts import COST, costate_of
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.boundary import finish
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.segments import between
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.solvers.listening import sweeping_backward
from odeanalysis.numerics.solvers.stepper import Broadcasting
from odeanalysis.symbolic.nodes import Leaf

States = Callable[[Array], Array]


@dataclass(frozen=True)
class ContinuousAdjoint:
    """The costate equation solved backward; the state is read off the stored dense solution."""

    name = "adjoint"

    def gradients(self, run: Run) -> dict[str, Array]:
        """The derivative of the value with respect to every value given, in its shape."""
        return _sweep(run, stored=True)


@dataclass(frozen=True)
class Backsolve:
    """The costate equation solved together with the state, which is integrated again from S to s0: little memory, and wrong on fields
    that contract: z' = -50 z loses every digit. Never the default."""

    name = "backsolve"

    def gradients(self, run: Run) -> dict[str, Array]:
        """The derivative of the value with respect to every value given, in its shape."""
        return _sweep(run, stored=False)


@sweeping_backward()
def _sweep(run: Run, stored: bool) -> dict[str, Array]:
    setting, solution = run.setting, run.solution
    back = costs.cotangents(setting, solution)
    forms = Forms(setting, setting.program.parts.names)
    costate = back.states[:, -1].copy()
    state = solution.final
    integrals = np.zeros((setting.batch, forms.width))
    for j in range(setting.path.grid.segments - 1, -1, -1):
        _end(forms, back, j, j + 1, state, costate, +1)
        carried = forms.join(None if stored else state, costate, integrals)
        field = forms.field(on_dense(run, j) if stored else None)
        label = partial(forms.label, stored=stored)
        state_again, costate, integrals = forms.part(between(run, j, field, carried, backward=True, label=label), stored)
        state = solution.node_states[:, j] if stored else state_again
        _end(forms, back, j, j, state, costate, -1)
        costate = costate + back.states[:, j]
    forms.collect(back, -integrals)
    return finish(setting, costate, back)


def _end(forms: "Forms", back: costs.Cotangents, j: int, node: int, state: Array, costate: Array, sign: int) -> None:
    """A segment that ends at a moving node gains H there, one that starts there loses it."""
    grid = forms.setting.path.grid
    back.nodes[:, node] += sign * forms.hamiltonian(grid.nodes[:, node], state, grid.pieces[:, j], costate)


def on_dense(run: Run, j: int) -> States:
    """The states of the stored solution at depths [..., B] in segment j: [..., B, n]."""
    a, b = run.setting.path.grid.nodes[:, j], run.setting.path.grid.nodes[:, j + 1]
    length = np.where(a == b, 1, b - a)

    def states(s: Array) -> Array:
        fraction = ((s - a) / length).reshape(-1, len(a)).T
        found = run.solution.inside(np.full(fraction.shape, j), fraction)
        return found.swapaxes(0, 1).reshape(*s.shape, -1)

    return states


class Forms:
    """The equations of the costate and of the integrals of some names, over flat vectors [state | costate | integrals]."""

    def __init__(self, setting: Setting, names: tuple[Leaf, ...]):
        self.setting = setting
        self.n = setting.y0.shape[1]
        self.names = names
        self.shapes = [setting.values[leaf.name].shape[leaf.name in setting.bound.batched :] for leaf in self.names]
        self.width = int(sum(np.prod(shape) for shape in self.shapes))

    def join(self, state: Array | None, costate: Array, integrals: Array) -> Array:
        kept = [part for part in (state, costate, integrals) if part is not None]
        return np.concatenate(kept, axis=-1)

    def part(self, y: Array, stored: bool) -> tuple[Array, Array, Array]:
        first = 0 if stored else self.n
        return y[..., :first], y[..., first : first + self.n], y[..., first + self.n :]

    def label(self, component: int, stored: bool) -> str:
        """What a component of the vector is, for messages."""
        costate = component - (0 if stored else self.n)
        if costate < 0:
            return f"component {self.setting.layout.entry(component)}"
        return f"the costate of {self.setting.layout.entry(costate)}" if costate < self.n else "the gradient's integral"

    def environment(self, s: Array, state: Array, pieces: Array, costate: Array) -> dict[str, Array]:
        """Names -> arrays for the derivatives of H, at depths [..., B], states and costates [..., B, n]."""
        parts = self.setting.layout.unpack(costate)
        bars = {costate_of(z).name: parts[z.name] for z in self.setting.program.parts.states}
        weight = parts.get(COST.name, np.zeros(s.shape))
        return {**self.setting.environment(s, state, pieces), **bars, "_weight": weight}

    def field(self, states: States | None) -> Callable[[Array, Array, Array], Array]:
        def field(s: Array, y: Array, pieces: Array) -> Array:
            again, costate, _ = self.part(y, states is not None)
            state = again if states is None else states(s)
            values = self.environment(s, state, pieces, costate)
            found = self.setting.program.adjoint(values)
            slope = None if states is not None else self.setting.layout.pack(self.setting.program.field(values), s.shape)
            fallen = -self.setting.layout.pack({**found, COST.name: np.zeros(())}, s.shape)
            return self.join(slope, fallen, self._integrands(found, s.shape))

        return Broadcasting(field)

    def _integrands(self, found: dict[str, Array], lead: tuple[int, ...]) -> Array:
        flat = [
            np.broadcast_to(found[leaf.name], (*lead, *shape)).reshape(*lead, -1)
            for leaf, shape in zip(self.names, self.shapes, strict=True)
        ]
        return np.concatenate([np.zeros((*lead, 0)), *flat], axis=-1)

    def hamiltonian(self, s: Array, state: Array, pieces: Array, costate: Array) -> Array:
        slope = self.setting.layout.pack(self.setting.program.field(self.setting.environment(s, state, pieces)), s.shape)
        return (slope * costate).sum(axis=1)

    def collect(self, back: costs.Cotangents, integrals: Array) -> None:
        """Adds the integrals to the gradients: summed over the samples for shared names."""
        start = 0
        for leaf, shape in zip(self.names, self.shapes, strict=True):
            size = int(np.prod(shape))
            part = integrals[:, start : start + size].reshape(-1, *shape)
            back.names[leaf.name] += part if leaf.name in self.setting.bound.batched else part.sum(axis=0)
            start += size
