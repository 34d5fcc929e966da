"""What the steps of a stated problem have in common, however its method finds them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from odeanalysis.derivations.parts import H, Parts
from torchbridge.steps.formulas import StepFormulas, step_formulas
from torchbridge.steps.stepper import Back, Place, State
from torchbridge.steps.tableau_facts import OfTableau


@dataclass(frozen=True, eq=False)
class OfProblem(OfTableau):
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
        return self.formulas.slopes(self.flat(place, state, names))

    def flat(self, place: Place, state: State, names: State) -> tuple[Any, ...]:
        """What formulas read, in the order of their slots."""
        return (place.step, place.depth, *state, *self._ready(names), *place.flags, *self.networks)

    def _ready(self, names: State) -> tuple[Any, ...]:
        """Names as the target takes them; a whole solve gives the same tuple of them, which is made ready once."""
        if torch.is_grad_enabled():
            return names
        if not self.held or self.held[0] is not names:
            self.held[:] = (names, self.formulas.ready(names))
        return self.held[1]

    def weights(self, place: Place, bars: State) -> State:
        """Cotangents of the state after a step, that of a running cost among them, whether there is one or not."""
        return bars if self.parts.has_cost else (*bars, place.depth.new_zeros(()))

    def back(self, found: dict[str | None, Tensor], bars: State) -> Back:
        """What the discrete adjoint of a step gives, by name, in its places."""
        before = tuple(found[z.name] for z in self.parts.states)
        carried = (bars[-1],) if self.parts.has_cost else ()
        moved = tuple(found.get(leaf.name) for leaf in self.parts.names)
        return Back((*before, *carried), moved, found.get(self.parts.depth.name), found.get(H.name))

    def of_rows(self, names: State, rows: Tensor) -> State:
        leaves = zip(self.parts.names, names, strict=True)
        return tuple(name if leaf.name in self.shared else name.index_select(0, rows) for leaf, name in leaves)

    def pull(self, place: Place, state: State, names: State, bars: State) -> Back:
        call, given = self.formulas.pull
        found = dict(zip(given, call((*self.flat(place, state, names), *bars)), strict=True))
        blocks = zip(self.formulas.blocks, state, strict=True)
        before = tuple(found[name].expand_as(y) if name in found else torch.zeros_like(y) for name, y in blocks)
        return Back(before, tuple(found.get(leaf.name) for leaf in self.parts.names))
