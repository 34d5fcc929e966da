"""Fields of any signature as functions of depth, state and data, and what they read besides."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from odeanalysis.errors import ModelError

Function = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""(depth, state, data or None) -> a tensor."""

Cost = Callable[[Tensor, Tensor, Tensor | None, Tensor], Tensor]
"""(depth, state, data or None, slope of the state) -> [B]."""

SIGNATURES = {
    1: lambda f: lambda s, z, x: f(z),
    2: lambda f: lambda s, z, x: f(s, z),
    3: lambda f: lambda s, z, x: f(s, z, x),
}


def function(field: Callable[..., Tensor], what: str = "the field") -> tuple[Function, bool]:
    """The field as a function of (depth, state, data), and whether it takes data. Raises ModelError for another number of arguments.

    Depths of every sample's own, [B], reach it as they stand beside states: [B, 1, ...].
    """
    count = arity(field, what)
    call = SIGNATURES[count](field)
    return (lambda s, z, x: call(beside(s, z), z, x)), count == 3


def beside(depth: Tensor, state: Tensor) -> Tensor:
    """Depths of every sample's own with new axes, so that they line up with states [B, ...]; a common depth as it is."""
    return depth if depth.ndim == 0 else depth.reshape(-1, *(1,) * (state.ndim - 1))


def arity(field: Any, what: str = "the field") -> int:
    """1 for f(z), 2 for f(s, z), 3 for f(s, z, x). Raises ModelError for another number of arguments.

    A module with an attribute `takes_data`, True or False, is called as f(s, z, x) or f(s, z); of others the arguments are counted.
    """
    if hasattr(field, "takes_data"):
        return 2 + bool(field.takes_data)
    count = _count(_called(field))
    if count not in SIGNATURES:
        raise ModelError(f"{what} takes {count} arguments; give f(z), f(s, z) or f(s, z, x)")
    return count


def cost(running: Callable[..., Tensor]) -> Cost:
    """A running cost l(z), l(s, z), l(s, z, x) or l(s, z, x, f), where f is the slope of the state. Raises ModelError for another one."""
    if _count(_called(running)) == 4:
        return running
    call = SIGNATURES[arity(running, "the running cost")](running)
    return lambda s, z, x, f: call(s, z, x)


def drawn(running: Any, z: Tensor) -> Cost:
    """A running cost as the function of one solve from a state z.

    A cost with a method `drawn(z)` gives that by it: its noise stays the same from the solve's first step to its last gradient, whatever
    else is solved in between.
    """
    return cost(running.drawn(z) if hasattr(running, "drawn") else running)


def _called(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return function.forward if isinstance(function, torch.nn.Module) else function


def _count(call: Callable[..., Any]) -> int:
    """How many arguments a callable must be given, by place; one for functions that do not tell, as torch's own."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        stated = inspect.signature(call).parameters.values()
    except ValueError:
        return 1
    given = [one for one in stated if one.kind in kinds]
    needed = [one for one in given if one.default is inspect.Parameter.empty]
    return len(needed) or (1 if given else 0)


def leaves_of(value: Tensor) -> Iterator[Tensor]:
    """The tensors at which the graph of a value ends."""
    seen, stack = set(), [value.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None:
            yield variable
        stack.extend(before for before, _ in node.next_functions)


def strangers(value: Tensor, known: Iterable[Tensor]) -> list[Tensor]:
    """The tensors that require gradients, that a value was computed from, and that are not among those known."""
    ours = {id(one) for one in known}
    return [one for one in leaves_of(value) if id(one) not in ours]
