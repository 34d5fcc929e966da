"""A module, or any callable, as the field of a neural ODE."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Problem
from odeanalysis.numerics.solvers.controller import Tolerance
from torchbridge.integrate import integrate
from torchbridge.modules.callables import Function, function, leaves_of, strangers
from torchbridge.modules.laid import Laid, laid
from torchbridge.modules.neural_ode import NeuralODE
from torchbridge.modules.settings import Solver
from torchbridge.problems.solving import counts
from torchbridge.solvers.solve import Steps
from torchbridge.steps.stepper import State

Depth = float | Tensor
Ends = Callable[[Tensor], Depth]


class FieldODE(NeuralODE, accepts=lambda model: callable(model) and not isinstance(model, (Model, Problem))):
    """A neural ODE of any field: z' = f(z), f(s, z) or f(s, z, x), from z(s0), the module's first argument.

    field: a module or another callable on tensors [B, ...]; gradients go to the parameters of a module, and to the data x.
    domain: (s0, S), each a number, a tensor (with its gradient), or a callable of the first state that gives [B]: adaptive depth.
    running: l(z), l(s, z) or l(s, z, x) -> [B], a cost whose integral forward then gives beside the state.
    breakpoints: depths at which the field may jump, between the ends; steps end there.
    Other options: those of `Solver`; samples take common steps, except where their ends differ. Methods are explicit ones.
    Raises ModelError for a field that takes other arguments, and when it is first called where it gives another shape, dtype or device, or
    reads a tensor that requires a gradient and is no parameter.
    """

    def __init__(
        self,
        field: nn.Module | Callable[..., Tensor],
        *,
        domain: tuple[Depth | Ends, Depth | Ends] = (0.0, 1.0),
        running: nn.Module | Callable[..., Tensor] | None = None,
        breakpoints: Sequence[float] = (),
        **options: Any,
    ):
        super().__init__()
        self.field, self.running, self.breakpoints = field, running, tuple(breakpoints)
        self.start, self.end = domain
        self.solver = Solver(**options)
        self._checked = False
        self._last: dict[str, Any] = {}
        function(field)
        if running is not None:
            function(running, "the running cost")

    def forward(self, z: Tensor, x: Tensor | None = None, *, at: Sequence[float] | Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """The state at S, or at depths.

        z: the state at s0, [B, ...].  x: data that the field takes, [B, ...].  at: depths between the ends, in their order, as numbers or
        as a tensor [m], which then receives gradients.
        Returns z(S), or with `at` [m, B, ...]; with a running cost the pair of this and its integral, [B] or [m, B].
        """
        way = self._depths(z, at)
        parts = Parts(*function(self.field), None if self.running is None else function(self.running)[0], x)
        self._check(parts, z, way.nodes)
        state = (z,) if parts.running is None else (z, z.new_zeros(len(z)))
        settings = self.solver.settings(z.dtype)
        steps = Steps(settings.steps, Tolerance(settings.rtol, settings.atol), max_steps=settings.max_steps, throw=self.solver.throw)
        blocks, trace = integrate(
            parts.slopes, state, way.nodes, method=settings.method, steps=steps, sensitivity=self.solver.sensitivity, names=self._names(x)
        )
        self._last = {"method": settings.method, **counts(trace)}
        found = tuple(block[-1] if at is None else way.seen(block) for block in blocks)
        return found[0] if len(found) == 1 else (found[0], found[1])

    @property
    def statistics(self) -> dict[str, Any]:
        return self._last

    def extra_repr(self) -> str:
        return f"domain=({self.start}, {self.end}), {self.solver}"

    def _names(self, x: Tensor | None) -> list[Tensor]:
        """The tensors that the field reads beside depth and state."""
        return [*self.parameters(), *([x] if x is not None and x.requires_grad else [])]

    def _depths(self, z: Tensor, at: Sequence[float] | Tensor | None) -> Laid:
        start, end = (torch.as_tensor(one(z) if callable(one) else one, device=z.device).double() for one in (self.start, self.end))
        inner = torch.as_tensor(() if at is None else at, device=z.device).double()
        return laid(start, end, torch.as_tensor(self.breakpoints, device=z.device).double(), inner)

    def _check(self, parts: "Parts", z: Tensor, depths: Tensor) -> None:
        """Once: what the field reads is known."""
        if self._checked:
            return
        with torch.enable_grad():
            depth = depths.detach()[..., 0].to(z.dtype)
            value = parts.field(depth, z.detach(), None if parts.x is None else parts.x)
        _check_data(parts, self)
        others = strangers(value, self._names(parts.x))
        if others:
            shapes = ", ".join(str(tuple(one.shape)) for one in others)
            raise ModelError(
                f"the field reads a tensor of shape {shapes} that requires a gradient and is no parameter of the module: no gradient "
                "would reach it; make it an nn.Parameter of a module, pass it as x, or detach it"
            )
        _warn_unused(self.field, value)
        self._checked = True


@dataclass(frozen=True, eq=False)
class Parts:
    """The functions of a solve, and the data that they take."""

    field: Function
    takes_data: bool
    running: Function | None
    x: Tensor | None

    def slopes(self, depth: Tensor, blocks: State) -> State:
        found = self.field(depth, blocks[0], self.x)
        return (found,) if self.running is None else (found, self.running(depth, blocks[0], self.x))


def _check_data(parts: Parts, module: FieldODE) -> None:
    if parts.takes_data and parts.x is None:
        raise ModelError("the field takes data, f(s, z, x); call the module with it: module(z, x)")


def _warn_unused(field: Any, value: Tensor) -> None:
    """Parameters that the field's value does not depend on."""
    if not isinstance(field, nn.Module):
        return
    reached = {id(one) for one in leaves_of(value)}
    unused = [name for name, one in field.named_parameters() if one.requires_grad and id(one) not in reached]
    if unused:
        warnings.warn(
            f"parameters {', '.join(unused)} do not reach the value of the field: their gradients are 0; use them or remove them",
            stacklevel=5,
        )
