"""Steps of a stated problem that are closed formulas: the derived formulas, in order, on tensors."""

from dataclasses import dataclass

from torch import Tensor

from torchbridge.steps.of_problem import OfProblem
from torchbridge.steps.stepper import Back, Place, State, Taken


@dataclass(frozen=True, eq=False)
class DerivedStepper(OfProblem):
    """An explicit or a Rosenbrock method on a stated field."""

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        flat = self.flat(place, state, names)
        if keep:
            found = self.formulas.pair[0](flat)
        else:
            found = self.formulas.fresh(flat) if first is None else self.formulas.reusing((*flat, *first))
        return self._taken(state, found)

    def _taken(self, state: State, found: tuple[Tensor, ...]) -> Taken:
        n, parts = len(state), self.formulas
        after = found[:n] if not self.parts.has_cost else (*found[: n - 1], state[-1] + found[n - 1])
        error = found[n : 2 * n] if self.adaptive else None
        at = n * (1 + self.adaptive)
        last = found[at : at + n] if parts.ends_with_slopes else None
        return Taken(after, error, last, found[len(parts.results) :])

    def reverse(self, place: Place, state: State, names: State, kept: tuple[Tensor, ...], bars: State) -> Back:
        flat = (*self.flat(place, state, names), *self.weights(place, bars), *kept)
        call, given = self.formulas.pair[1:] if kept else self.formulas.again
        return self.back(dict(zip(given, call(flat), strict=True)), bars)
