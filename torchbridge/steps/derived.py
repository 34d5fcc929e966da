"""Steps of a stated problem: the derived formulas, in order, on tensors."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from odeanalysis.derivations.parts import H, Parts
from torchbridge.steps.formulas import StepFormulas, step_formulas
from torchbridge.steps.stepper import Back, Place, State, Taken
from torchbridge.steps.tableau_facts import OfTableau


@dataclass(frozen=True, eq=False)
class DerivedStepper(OfTableau):
    """A method on a stated field; its discrete adjoint is the derived vector-Jacobian product of its step.

    shared: the names whose values all samples share.  common: whether they share depths and steps, too.  target: whose text runs.
    networks: those that the field applies, in alphabetical order.
    """

    parts: Parts
    shared: frozenset[str]
    common: bool
    target: str = "torch"
    networks: tuple[Any, ...] = ()
    held: list[Any] = field(default_factory=list, init=False, repr=False)

    @cached_property
    def formulas(self) -> StepFormulas:
        own = frozenset((self.parts.depth.name, H.name)) if self.common else frozenset()
        return step_formulas(self.parts, self.tableau, self.shared | own, self.target)

    def slopes(self, place: Place, state: State, names: State) -> State:
        return self.formulas.slopes(self._flat(place, state, names))

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        flat = self._flat(place, state, names)
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
        weights = bars if self.parts.has_cost else (*bars, _nothing(place.depth))
        flat = (*self._flat(place, state, names), *weights, *kept)
        call, given = self.formulas.pair[1:] if kept else self.formulas.again
        found = dict(zip(given, call(flat), strict=True))
        before = tuple(found[z.name] for z in self.parts.states)
        carried = (bars[-1],) if self.parts.has_cost else ()
        moved = tuple(found.get(leaf.name) for leaf in self.parts.names)
        return Back((*before, *carried), moved, found.get(self.parts.depth.name), found.get(H.name))

    def _flat(self, place: Place, state: State, names: State) -> tuple[Any, ...]:
        return (place.step, place.depth, *state, *self._ready(names), *place.flags, *self.networks)

    def _ready(self, names: State) -> tuple[Any, ...]:
        """Names as the target takes them; a whole solve gives the same tuple of them, which is made ready once."""
        if torch.is_grad_enabled():
            return names
        if not self.held or self.held[0] is not names:
            self.held[:] = (names, self.formulas.ready(names))
        return self.held[1]

    def of_rows(self, names: State, rows: Tensor) -> State:
        leaves = zip(self.parts.names, names, strict=True)
        return tuple(name if leaf.name in self.shared else name.index_select(0, rows) for leaf, name in leaves)

    def pull(self, place: Place, state: State, names: State, bars: State) -> Back:
        call, given = self.formulas.pull
        found = dict(zip(given, call((*self._flat(place, state, names), *bars)), strict=True))
        blocks = zip(self.formulas.blocks, state, strict=True)
        before = tuple(found[name].expand_as(y) if name in found else torch.zeros_like(y) for name, y in blocks)
        return Back(before, tuple(found.get(leaf.name) for leaf in self.parts.names))


def _nothing(like: Tensor) -> Tensor:
    """The cotangent of a running cost that there is not."""
    return like.new_zeros(())
