"""`odeint`, `odeint_adjoint` and `odeint_event`: torchdiffeq's functions, so that code written for it runs by changing an import."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from torchbridge.facade.border import Given, given
from torchbridge.facade.ending import at_event
from torchbridge.facade.events import EventFn, event
from torchbridge.facade.implicit import linked
from torchbridge.facade.methods import method as named
from torchbridge.facade.solving import at_times, request
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.gradients.solving import Sensitivity
from torchbridge.modules.callables import leaves_of
from torchbridge.solvers.tapes import Full

Options = Mapping[str, Any] | None
ADJOINT = DiscreteAdjoint(Full(stages=False))  # the steps of any callable keep no stages


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Tensor,
    *,
    rtol: Any = 1e-7,
    atol: Any = 1e-9,
    method: str | None = None,
    options: Options = None,
    event_fn: EventFn | None = None,
) -> Any:
    """The states at times t of dy/dt = func(t, y), y(t[0]) = y0, differentiated through the steps.

    func: (t, y) -> slopes like y.  y0: a tensor, or a tuple of tensors, of real or complex numbers.  t: [T], increasing or decreasing.
    rtol, atol: an error may reach atol + rtol |y| in the norm of the options; numbers, tensors like y0, or one of these for each tensor of
    a tuple.  method: dopri5 (default), dopri8, tsit5, bosh3, fehlberg2, adaptive_heun; euler, midpoint, heun2, heun3, rk4 (3/8 rule).
    options: for the former first_step, safety, ifactor, dfactor, min_step, max_step, max_num_steps, step_t, jump_t, norm; for the latter,
    whose steps are given, step_size or grid_constructor, interp, perturb.
    event_fn: (t, y) -> numbers; the solve ends where one of them first changes its sign, and t is the first time and any on the side to go.

    Returns y [T, ...], or a tuple of such tensors; with event_fn the pair of the event's time and of the states [2, ...] at t[0] and at it,
    with the derivatives of a time that stays: `odeint_event` has those of the event.
    Raises ModelError for arguments that do not fit, SolveError for a solve that fails.
    """
    return _solved(func, y0, t, (rtol, atol), method, options, event_fn, Direct(), ())


def odeint_adjoint(
    func: Callable[..., Any],
    y0: Any,
    t: Tensor,
    *,
    rtol: Any = 1e-7,
    atol: Any = 1e-9,
    method: str | None = None,
    options: Options = None,
    event_fn: EventFn | None = None,
    adjoint_rtol: Any = None,
    adjoint_atol: Any = None,
    adjoint_method: str | None = None,
    adjoint_options: Options = None,
    adjoint_params: Iterable[Tensor] | None = None,
) -> Any:
    """`odeint` with little memory: the backward pass is the exact discrete adjoint of the steps that were taken, one step at a time.

    Gradients go to y0, to t, and to adjoint_params (the parameters of func, which is then a module, by default); one that the solution does
    not depend on gets zeros. No equation is solved backward, so that adjoint_rtol, adjoint_atol, adjoint_method and adjoint_options
    have nothing to say; they are accepted. It can be differentiated again, to any order.
    """
    names = _parameters(func, adjoint_params)
    return _solved(func, y0, t, (rtol, atol), method, options, event_fn, ADJOINT, names)


def odeint_event(
    func: Callable[..., Any],
    y0: Any,
    t0: Tensor,
    *,
    event_fn: EventFn,
    reverse_time: bool = False,
    odeint_interface: Callable[..., Any] = odeint,
    **kwargs: Any,
) -> tuple[Tensor, Any]:
    """The time of an event and the states at t0 and at it, with the derivatives of the event: those of its time, and of the state there.

    t0: one number, with its gradient.  reverse_time: whether the solve goes back in time.  odeint_interface: `odeint` or `odeint_adjoint`,
    which get the other arguments.  Gradients go also to what event_fn reads.
    """
    if not isinstance(t0, Tensor) or t0.numel() != 1 or not t0.is_floating_point():
        shown = f"a tensor of {t0.dtype} and shape {tuple(t0.shape)}" if isinstance(t0, Tensor) else type(t0).__name__
        raise ModelError(f"t0 is {shown}; give a tensor of one floating-point number")
    first = t0.reshape(-1)
    t = torch.cat([first, first.detach() + (-1 if reverse_time else 1)])
    time, solution = odeint_interface(func, y0, t, event_fn=event_fn, **kwargs)
    if not torch.is_grad_enabled():
        return time, solution
    start = given(func, y0, t)
    blocks = (solution,) if start.single else tuple(solution)
    sought = event(start, event_fn, t[0].detach())
    time, state = linked(start, sought, time, tuple(block[-1] for block in blocks))
    ends = tuple(torch.cat([block[:-1], last[None]]) for block, last in zip(blocks, state, strict=True))
    return time, start.shown(ends)


def _solved(
    func: Callable[..., Any],
    y0: Any,
    t: Tensor,
    tolerances: tuple[Any, Any],
    method: str | None,
    options: Options,
    event_fn: EventFn | None,
    sensitivity: Sensitivity,
    names: tuple[Tensor, ...],
) -> Any:
    start: Given = given(func, y0, t)
    asked = request(start, t, tolerances, named(method), options, sensitivity, names)
    return at_times(asked) if event_fn is None else at_event(asked, event_fn)


def _parameters(func: Any, given: Iterable[Tensor] | None) -> tuple[Tensor, ...]:
    """The tensors that receive gradients: those given, or the parameters of a module."""
    if given is None:
        if not isinstance(func, nn.Module):
            raise ModelError(
                f"func is {type(func).__name__} and no nn.Module, whose parameters would receive gradients; give adjoint_params, which may "
                "be (), or take odeint"
            )
        given = func.parameters()
    found = tuple(given)
    strange = [type(one).__name__ for one in found if not isinstance(one, Tensor)]
    if strange:
        raise ModelError(f"adjoint_params has {', '.join(strange)}; give tensors")
    _check_apart(found)
    return tuple(one for one in found if one.requires_grad)


def _check_apart(names: tuple[Tensor, ...]) -> None:
    """None is computed from another: what flows through both would be counted twice."""
    inner = {id(leaf) for one in names if one.grad_fn is not None for leaf in leaves_of(one)}
    for one in names:
        if id(one) in inner:
            raise ModelError(
                f"adjoint_params has a tensor of shape {tuple(one.shape)} and another that is computed from it, so that its gradient would "
                "be counted twice; give those that func reads"
            )
