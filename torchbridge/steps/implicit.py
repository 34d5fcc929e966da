"""Implicit steps of a stated problem: stages by Newton's method with the derived Jacobian, and the derived adjoint of their equations."""

from dataclasses import dataclass, replace

from torch import Tensor

from odeanalysis.symbolic.nodes import shape_of
from torchbridge.steps.of_problem import OfProblem
from torchbridge.steps.rows import Rows, rows_of
from torchbridge.steps.stages import Stages
from torchbridge.steps.stepper import Back, Place, State, Taken


@dataclass(frozen=True, eq=False)
class ImplicitStepper(OfProblem):
    """An implicit Runge-Kutta method, diagonally so or in full, on a stated field; what a step keeps are its stages q_i = h k_i."""

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        rows = self._rows(state)
        stages = self._stages(rows, place, state, names)
        error = stages.error()
        kept = tuple(stages.found) if keep else ()
        return Taken(rows.split(stages.after), None if error is None else rows.split(error), None, kept, stages.evaluations)

    def reverse(self, place: Place, state: State, names: State, kept: tuple[Tensor, ...], bars: State) -> Back:
        found = kept or tuple(self._stages(self._rows(state), place, state, names).found)
        call, given = self.formulas.again
        flat = (*self.flat(place, state, names), *self.weights(place, bars), *found)
        return self.back(dict(zip(given, call(flat), strict=True)), bars)

    def _rows(self, state: State) -> Rows:
        ranks = [len(shape_of(leaf)) for leaf in self.parts.states]
        return rows_of(state, [*ranks, *((0,) if self.parts.has_cost else ())])

    def _stages(self, rows: Rows, place: Place, state: State, names: State) -> Stages:
        def at(depth: Tensor, x: Tensor) -> tuple[Tensor, ...]:
            return self.flat(replace(place, depth=depth), rows.split(x), names)

        def field(depth: Tensor, x: Tensor) -> Tensor:
            return rows.packed(self.formulas.slopes(at(depth, x)))

        def derivative(depth: Tensor, x: Tensor) -> Tensor:
            (found,) = self.formulas.jacobian(at(depth, x))
            return found.expand((*x.shape, x.shape[-1]))

        return Stages(self.tableau, self._filtered, field, derivative, place.depth, place.step, rows.packed(state)).solve()
