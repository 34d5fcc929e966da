"""torchdiffeq's callbacks: attributes of func that are told of the steps."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from torchbridge.facade.border import Given
from torchbridge.facade.methods import Method
from torchbridge.solvers.watching import Watch
from torchbridge.steps.stepper import Place, State, Taken

STEP, ACCEPT, REJECT = "callback_step", "callback_accept_step", "callback_reject_step"
BACKWARD = tuple(f"{name}_adjoint" for name in (STEP, ACCEPT, REJECT))
Callback = Callable[[Tensor, Tensor | tuple[Tensor, ...], Tensor], object]
"""(t0, y0, dt); dt is positive, also where t decreases."""


def _nothing(t0: Tensor, y0: Tensor | tuple[Tensor, ...], dt: Tensor) -> None: ...


@dataclass(frozen=True, eq=False)
class Callbacks(Watch):
    """Calls what func has of callbacks."""

    given: Given
    step: Callback = _nothing
    accept: Callback = _nothing
    reject: Callback = _nothing
    done = False

    def tried(self, place: Place, state: State) -> None:
        self._call(self.step, place, state)

    def accepted(self, place: Place, state: State, taken: Taken) -> None:
        self._call(self.accept, place, state)

    def rejected(self, place: Place, state: State) -> None:
        self._call(self.reject, place, state)

    def _call(self, callback: Callback, place: Place, state: State) -> None:
        callback(place.depth, self.given.shown(state), place.step.abs())


def watches(given: Given, method: Method) -> tuple[Watch, ...]:
    """The callbacks that func has, if any; warns of those that are never called."""
    known = (STEP, ACCEPT, REJECT) if method.adaptive else (STEP,)
    found = {name: getattr(given.func, name) for name in (STEP, ACCEPT, REJECT, *BACKWARD) if hasattr(given.func, name)}
    idle = [name for name in found if name not in known]
    if idle:
        reason = "steps that are given are neither accepted nor rejected, and gradients come from the steps taken, not from another solve"
        warnings.warn(f"{method.name}: {', '.join(idle)} will not be called: {reason}", stacklevel=5)
    called = [found.get(name, _nothing) if name in known else _nothing for name in (STEP, ACCEPT, REJECT)]
    return (Callbacks(given, *called),) if any(name in known for name in found) else ()
