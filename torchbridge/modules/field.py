"""A module, or any callable, as the field of a neural ODE."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Problem
from odeanalysis.numerics.solvers.controller import Tolerance
from torchbridge.gradients.direct import Direct
from torchbridge.integration import integrate
from torchbridge.modules.breakpoints import Breaks, breaks
from torchbridge.modules.callables import arity, cost, leaves_of, strangers
from torchbridge.modules.full_precision import full_precision
from torchbridge.modules.held import Held
from torchbridge.modules.laid import Laid, laid
from torchbridge.modules.neural_ode import NeuralODE
from torchbridge.modules.parts import Parts, parts
from torchbridge.modules.settings import Solver
from torchbridge.problems.solving import counts
from torchbridge.solvers.solve import Steps
from torchbridge.steps.segments import ends, inside
from torchbridge.steps.stepper import State

Depth = float | Tensor
Ends = Callable[[Tensor], Depth]
Domain = tuple[Depth | Ends, Depth | Ends]


class FieldODE(NeuralODE, accepts=lambda model: callable(model) and not isinstance(model, (Model, Problem))):
    """A neural ODE of any field: z' = f(z), f(s, z) or f(s, z, x), from z(s0), the module's first argument.

    field: a module or another callable on tensors [B, ...]; gradients go to the parameters of a module, and to the data x.
    domain: (s0, S), each a number, a tensor (with its gradient), or a callable of the first state that gives [B]: adaptive depth.
    running: l(z), l(s, z), l(s, z, x) or l(s, z, x, f) -> [B], a cost whose integral forward then gives beside the state; f is the slope
    of the state.
    A field or a cost with the attribute `derives = True` may call `torch.autograd.grad` in z; a cost may differentiate f.
    breakpoints: depths at which the field may jump; steps end there. Modules inside the field that have a property `breakpoints` add
    theirs. Those that are tensors which require gradients receive them.
    Other options: those of `Solver`. Samples take common steps, and s is one number, except where they have depths of their own: then s is
    [B, 1, ...], as it stands beside z, and [B] for a running cost, as it stands beside that. Methods are explicit or implicit ones; the
    latter solve for each sample by itself, with as many backward passes for a Jacobian as a sample has numbers.
    Raises ModelError for a field that takes other arguments, and when it is called for one that gives another shape, dtype or device, or
    reads a tensor that requires a gradient and is no parameter (with `Direct()` such a tensor gets its gradient).
    """

    def __init__(
        self,
        field: nn.Module | Callable[..., Tensor],
        *,
        domain: Domain = (0.0, 1.0),
        running: nn.Module | Callable[..., Tensor] | None = None,
        breakpoints: Sequence[Depth] = (),
        **options: Any,
    ):
        super().__init__()
        self.field, self.running, self.breakpoints = field, running, tuple(breakpoints)
        self.start, self.end = domain
        self.solver = Solver(**options)
        self._replay = self.solver.recorder()
        if self.solver.target != "torch":
            raise ModelError(f"target {self.solver.target!r} is for stated models; a field that is a module runs as it is, on torch")
        self._checked: bool | None = None  # whether the field that was looked at was in training
        self._last: dict[str, Any] = {}
        arity(field)
        if running is not None:
            cost(running)

    @property
    def costs(self) -> tuple[Callable[..., Tensor], ...]:
        """The functions whose integrals forward gives beside the state."""
        return () if self.running is None else (self.running,)

    def forward(self, z: Tensor, x: Tensor | None = None, *, at: Sequence[float] | Tensor | None = None) -> Tensor | tuple[Tensor, ...]:
        """The state at S, or at depths.

        z: the state at s0, [B, ...].  x: data that the field takes, [B, ...].  at: depths between the ends, in any order, as numbers or as
        a tensor [m] or [B, m], which then receives gradients.
        Returns z(S), or with `at` [m, B, ...]; with a running cost the pair of this and its integral, [B] or [m, B].
        """
        return self._solved(z, x, at, (self.start, self.end))

    @full_precision
    def _solved(self, z: Tensor, x: Tensor | None, at: Sequence[float] | Tensor | None, domain: Domain) -> Tensor | tuple[Tensor, ...]:
        if not isinstance(z, Tensor):
            raise ModelError(f"the first state is {type(z).__name__}; give a tensor [B, ...]")
        settings = self.solver.settings(z.dtype)
        jumps = breaks(self.breakpoints, (self.field, *self.costs))
        way, solved = _depths(domain, z, at, jumps), parts(self.field, self.costs, z, x, Held(self))
        if self._checked is not self.training and not torch.is_inference_mode_enabled():
            self._check(solved, z, _depths(domain, z, (), jumps).nodes, jumps)
        state = (z, *(z.new_zeros(len(z)) for _ in solved.costs))
        tolerance = Tolerance(settings.rtol, settings.atol)
        steps = Steps(settings.steps, tolerance, max_steps=settings.max_steps, throw=self.solver.throw, replay=self._replay)
        how = {"method": settings.method, "steps": steps, "sensitivity": self.solver.sensitivity, "names": self._names(x)}
        blocks, trace = integrate(solved.slopes, state, way.nodes, **how, batched=True)
        self._last = {"method": settings.method, **counts(trace), **(self._replay.counts if self._replay else {})}
        found = tuple(block[-1] if at is None else way.seen(block) for block in blocks)
        return found if solved.costs else found[0]

    @property
    def statistics(self) -> dict[str, Any]:
        return self._last

    def extra_repr(self) -> str:
        return f"domain=({self.start}, {self.end}), {self.solver}"

    def _names(self, x: Tensor | None) -> list[Tensor]:
        """The tensors that the field reads beside depth and state."""
        return [*self.parameters(), *([x] if x is not None and x.requires_grad else [])]

    def _check(self, solved: Parts, z: Tensor, nodes: Tensor, jumps: Breaks) -> None:
        """Once in training and once without, in every segment between break points: what the field reads is known."""
        chance = _chance(z.device)
        state = z.detach().requires_grad_() if solved.derives else z.detach()
        x = solved.x.detach().requires_grad_() if solved.x is not None and solved.x.requires_grad else solved.x
        found = list(_in_segments(replace(solved, x=x), state, nodes.detach()))
        if not isinstance(self.solver.sensitivity, Direct):
            _check_repeatable(chance, _chance(z.device))
            _check_known([one for values in found for one in values], [state, *([] if x is None else [x]), *self.parameters()])
        _warn_unused(self.field, [*(values[0] for values in found), *jumps.moving])
        self._checked = self.training


def _depths(domain: Domain, z: Tensor, at: Sequence[float] | Tensor | None, jumps: Breaks) -> Laid:
    def depths(values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float64, device=z.device)

    start, end = (depths(one(z) if callable(one) else one) for one in domain)
    return laid(start, end, jumps.of_fixed(z.device), jumps.of_moving(z.device), depths(() if at is None else at))


def _in_segments(solved: Parts, state: Tensor, nodes: Tensor) -> Iterator[State]:
    """The slope and the costs at the start of each segment."""
    pieces = ends(np.asarray(nodes.cpu()))
    for k in range(pieces.shape[1]):
        depth = nodes[:, k].to(state.dtype)
        with torch.enable_grad(), inside(pieces[:, k]):
            found = solved.slopes(depth[0] if len(depth) == 1 else depth, (state,))
        _check_kinds(found, state)
        yield found


def _check_kinds(found: Sequence[Any], state: Tensor) -> None:
    for value, what in zip(found, ("the field", *("the running cost",) * len(found)), strict=False):
        if not isinstance(value, Tensor):
            raise ModelError(f"{what} gives {type(value).__name__}; return a tensor")
    for value in found[1:]:
        if value.shape != state.shape[:1]:
            raise ModelError(f"the running cost has shape {tuple(value.shape)} for {len(state)} samples; return [B], a number for each")


def _chance(device: torch.device) -> list[Tensor]:
    """The states of the generators of random numbers that a field on a device may use."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


def _check_repeatable(before: Sequence[Tensor], after: Sequence[Tensor]) -> None:
    if not all(map(torch.equal, before, after)):
        raise ModelError(
            "the field draws random numbers, as dropout does: asked again for a gradient it has another value, and no gradient would be "
            "that of the steps taken; take sensitivity=Direct(), which keeps what was drawn, or put the field into eval()"
        )


def _check_known(values: Sequence[Tensor], known: Sequence[Tensor]) -> None:
    others = [one for value in values for one in strangers(value, known)]
    if others:
        shapes = ", ".join(str(tuple(one.shape)) for one in others)
        raise ModelError(
            f"the field reads a tensor of shape {shapes} that requires a gradient and is no parameter of the module: no gradient "
            "would reach it; make it an nn.Parameter of a module, pass it as x, or detach it"
        )


def _warn_unused(field: Any, values: Sequence[Tensor]) -> None:
    """Parameters that neither the field's value nor its break points depend on."""
    if not isinstance(field, nn.Module):
        return
    reached = {id(one) for value in values for one in (value, *leaves_of(value))}
    unused = [name for name, one in field.named_parameters() if one.requires_grad and id(one) not in reached]
    if unused:
        warnings.warn(
            f"parameters {', '.join(unused)} do not reach the value of the field: their gradients are 0; use them or remove them",
            stacklevel=6,
        )
