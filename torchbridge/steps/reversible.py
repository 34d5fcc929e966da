"""Any method made reversible: two states that move in turn, so that a step can be taken back and nothing need be kept of it.

    y1 = c y + (1 - c) z + P(s, h, z),    z1 = z - P(s + h, -h, y1),

where P is what a step of the method adds to a state. It has the order of the method, at twice the evaluations (McCallum and Foster 2024,
"Efficient, accurate and stable gradients for neural ODEs"). y and z differ as a solve does from the solution; where the field contracts,
their difference grows as fast as solutions come together. Taken back, roundings grow by 1/c in every step. Both are measured, and told.
"""

import warnings
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from odeanalysis.tableaus import Tableau
from torchbridge.steps.stepper import Back, Place, State, Stepper, Taken, evaluated


@dataclass(frozen=True, eq=False)
class ReversibleStepper:
    """A method's steps on doubled states (*y, *z).  coupling: c."""

    base: Stepper
    coupling: float
    reuses = False

    @property
    def tableau(self) -> Tableau:
        return self.base.tableau

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def order(self) -> int:
        return self.base.order

    @property
    def error_order(self) -> int:
        return self.base.error_order

    @property
    def adaptive(self) -> bool:
        return self.base.adaptive

    @property
    def stability(self) -> float:
        return self.base.stability

    @property
    def stages(self) -> int:
        return 2 * self.base.stages

    def slopes(self, place: Place, state: State, names: State) -> State:
        y, z = halves(state)
        return (*self.base.slopes(place, y, names), *self.base.slopes(place, z, names))

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        y, z = halves(state)
        taken = self.base.step(place, z, names)
        y1 = self._mixed(place, y, z, taken.after)
        back = self.base.step(turned(place), y1, names)
        z1 = tuple(b + (y - moved) for b, y, moved in zip(z, y1, back.after, strict=True))
        error = None if taken.error is None else (*taken.error, *taken.error)
        return Taken((*y1, *z1), error, evaluations=evaluated(self.base, taken) + evaluated(self.base, back))

    def undo(self, place: Place, after: State, names: State) -> State:
        """The state before a step, from the state after it."""
        y1, z1 = halves(after)
        back = self.base.step(turned(place), y1, names).after
        z = tuple(b - (y - moved) for b, y, moved in zip(z1, y1, back, strict=True))
        c, moved = self._coupling(place), self.base.step(place, z, names).after
        return (*((a - (m - c * b)) / c for a, b, m in zip(y1, z, moved, strict=True)), *z)

    def reverse(self, place: Place, state: State, names: State, kept: tuple[Tensor, ...], bars: State) -> Back:
        (y, z), (y_bar, z_bar) = halves(state), halves(bars)
        c, y1 = self._coupling(place), self._mixed(place, y, z, self.base.step(place, z, names).after)
        second = self.base.reverse(turned(place), y1, names, (), z_bar)
        y_bar = tuple(a - (moved - b) for a, b, moved in zip(y_bar, z_bar, second.state, strict=True))
        first = self.base.reverse(place, z, names, (), y_bar)
        before_z = tuple(b + moved - c * a for a, b, moved in zip(y_bar, z_bar, first.state, strict=True))
        before_y = tuple(c * a for a in y_bar)
        moved = tuple(map(_less, first.names, second.names))
        step = _less(_less(first.step, second.depth), None if second.step is None else -second.step)
        return Back((*before_y, *before_z), moved, _less(first.depth, second.depth), step)

    def of_rows(self, names: State, rows: Tensor) -> State:
        return self.base.of_rows(names, rows)

    def pull(self, place: Place, state: State, names: State, bars: State) -> Back:
        (y, z), (y_bar, z_bar) = halves(state), halves(bars)
        one, other = self.base.pull(place, y, names, y_bar), self.base.pull(place, z, names, z_bar)
        return Back((*one.state, *other.state), tuple(map(_sum, one.names, other.names)))

    def _coupling(self, place: Place) -> Tensor:
        """c; 1 where a step has no length, which then leaves both states as they are."""
        return 1 - (1 - self.coupling) * (place.step != 0).to(place.step.dtype)

    def _mixed(self, place: Place, y: State, z: State, moved: State) -> State:
        """c y + (1 - c) z + P, where z moves to z + P."""
        c = self._coupling(place)
        return tuple(c * (a - b) + m for a, b, m in zip(y, z, moved, strict=True))


PARTED = 0.01  # of its size: two states of a solve differ as it differs from the solution, unless they part


def tell_if_parted(nodes: State) -> None:
    """Warns where the two states of a solve, [K+1, ...] at its nodes, are no longer near each other at its end."""
    y, z = halves(tuple(block[-1] for block in nodes))
    apart = _apart(y, z, nodes)
    if not apart <= PARTED:
        warnings.warn(
            f"the two states of a reversible method have parted by {apart:.1e} of their size: its steps are too long, or the field "
            "contracts for too long; take more steps, or Checkpointed()",
            stacklevel=3,
        )


def tell_if_lost(found: State, nodes: State) -> None:
    """Warns where the steps, taken back, do not end at the first of the nodes, to half of the digits."""
    apart = _apart(found, tuple(block[0] for block in nodes), nodes)
    if not apart <= torch.finfo(nodes[0].dtype).eps ** 0.5:
        warnings.warn(
            f"the steps of a reversible method, taken back, miss their start by {apart:.1e} of its size: so much of the gradient is lost "
            "to roundings; take a coupling nearer to 1, or Checkpointed()",
            stacklevel=3,
        )


def _apart(one: State, other: State, nodes: State) -> float:
    """The largest difference of two states, beside the largest entry of a solve."""
    size = max(float(block.detach().abs().max()) for block in nodes)
    return max(float((a - b).detach().abs().max()) for a, b in zip(one, other, strict=True)) / (size or 1.0)


def halves(state: State) -> tuple[State, State]:
    """(*y, *z) as y and z."""
    return state[: len(state) // 2], state[len(state) // 2 :]


def turned(place: Place) -> Place:
    """The place of the step back from the end of a step."""
    with torch.set_grad_enabled(place.depth.requires_grad or place.step.requires_grad):
        return replace(place, depth=place.depth + place.step, step=-place.step)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return other if one is None else one if other is None else one + other


def _less(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return _sum(one, None if other is None else -other)
