"""Torch modules as the opaque networks of a stated problem: their values, and their derivatives at a place, to any order.

A module is called as a function of its inputs and of its parameters, as one vector, so that it is differentiated in both alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.networks import Declared, check_bound, networks
from odeanalysis.symbolic.shapes import show

Batch = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class OnTensors:
    """A function of tensors with leading batch axes or none, as printed text calls it; its derivatives are such functions, too.

    ranks, rank: of the arguments and the value, without batch axes.
    """

    ranks: tuple[int, ...]
    rank: int
    function: Callable[..., Tensor]

    def __call__(self, *arguments: Tensor) -> Tensor:
        return self.function(*arguments)

    def at(self, wanted: tuple[int, ...], *arguments: Tensor) -> "At":
        """A place; wanted: the arguments in which transposed derivatives will be asked for."""
        return At(self, wanted, arguments)

    def vjp(self, place: int) -> "OnTensors":
        """The function (arguments, cotangent) -> cotangent of an argument."""
        ranks = (*self.ranks, self.rank)
        return OnTensors(ranks, self.ranks[place], lambda *given: self.at((place,), *given[:-1]).vjp(given[-1], place))

    def jvp(self, place: int) -> "OnTensors":
        """The function (arguments, tangent of one) -> tangent of the value."""
        ranks = (*self.ranks, self.ranks[place])
        return OnTensors(ranks, self.rank, lambda *given: self.at((), *given[:-1]).jvp(given[-1], place))


class At:
    """A network at a place. One pass forward serves all cotangents, and one pass backward all arguments in which they are wanted.

    Where autograd is on, it follows the derivatives: the place then stays part of its graph.
    """

    def __init__(self, network: OnTensors, wanted: tuple[int, ...], arguments: Sequence[Tensor]):
        self.network, self.wanted, self.arguments = network, wanted, tuple(arguments)
        self.follows = torch.is_grad_enabled()
        self.last: tuple[Tensor, tuple[Tensor, ...]] | None = None

    @cached_property
    def moved(self) -> dict[int, Tensor]:
        """The arguments in which derivatives are wanted, each by itself, whatever they have been computed from."""
        return {place: self._freed(self.arguments[place]) for place in self.wanted}

    @cached_property
    def value(self) -> Tensor:
        with torch.enable_grad():
            return self.network(*(self.moved.get(place, one) for place, one in enumerate(self.arguments)))

    def vjp(self, cotangent: Tensor, place: int) -> Tensor:
        """The cotangent of an argument, for each sample."""
        argument, rank = self.arguments[place], self.network.ranks[place]
        whole, batch = self._whole(cotangent)
        if batch == _batch(argument, rank):
            return self._pulled(whole, place)
        return self._with(place, _expanded(argument, batch, rank)).vjp(whole, place)

    def summed(self, cotangent: Tensor, place: int, batch: Batch | None = None) -> Tensor:
        """The cotangent of an argument, summed over all batch axes, after broadcasting them to `batch`."""
        whole, _ = self._whole(cotangent, batch or ())
        found = self._pulled(whole, place)
        axes = tuple(range(found.ndim - self.network.ranks[place]))
        return found.sum(axes) if axes else found

    def jvp(self, tangent: Tensor, place: int) -> Tensor:
        """The tangent of the value: the derivative in c of what pulls c back, which is linear in c."""
        argument, rank = self.arguments[place], self.network.ranks[place]
        batch = _common(_batch(argument, rank), _batch(tangent, rank))
        with torch.enable_grad():
            start = self._freed(_expanded(argument, batch, rank))
            value = self.network(*self.arguments[:place], start, *self.arguments[place + 1 :])
            cotangent = torch.zeros_like(value).requires_grad_()
            (pulled,) = _gradients(value, (start,), cotangent, True)
        return _gradients(pulled, (cotangent,), _expanded(tangent, batch, rank), self.follows)[0]

    def _pulled(self, cotangent: Tensor, place: int) -> Tensor:
        if self.last is None or self.last[0] is not cotangent:
            found = _gradients(self.value, tuple(self.moved.values()), cotangent.sum_to_size(self.value.shape), self.follows)
            self.last = cotangent, found
        return self.last[1][self.wanted.index(place)]

    def _whole(self, cotangent: Tensor, batch: Batch = ()) -> tuple[Tensor, Batch]:
        """A cotangent with all batch axes that there are, and these."""
        rank = self.network.rank
        own = _common(_batch(self.value, rank), _batch(cotangent, rank), batch)
        return _expanded(cotangent, own, rank), own

    def _freed(self, argument: Tensor) -> Tensor:
        if self.follows and argument.requires_grad:
            return argument.view_as(argument)
        return argument.detach().requires_grad_()

    def _with(self, place: int, argument: Tensor) -> "At":
        with torch.set_grad_enabled(self.follows):
            return At(self.network, (place,), (*self.arguments[:place], argument, *self.arguments[place + 1 :]))


def _gradients(value: Tensor, inputs: tuple[Tensor, ...], cotangent: Tensor, follow: bool) -> tuple[Tensor, ...]:
    if not value.requires_grad:
        return tuple(map(torch.zeros_like, inputs))
    options = {"create_graph": follow, "retain_graph": True, "allow_unused": True, "materialize_grads": True}
    return torch.autograd.grad(value, inputs, cotangent, **options)


def _batch(value: Tensor, rank: int) -> Batch:
    return tuple(value.shape[: value.ndim - rank])


def _common(*batches: Batch) -> Batch:
    """The axes of all; asked for at every call, and mostly those of the first."""
    return batches[0] if all(one in ((), batches[0]) for one in batches) else tuple(torch.broadcast_shapes(*batches))


def _expanded(value: Tensor, batch: Batch, rank: int) -> Tensor:
    """With batch axes; the tensor itself where it has them."""
    return value if _batch(value, rank) == batch else value.expand(batch + value.shape[value.ndim - rank :])


# ---------------------------------------------------------------- modules


@dataclass(frozen=True, eq=False)
class Applied:
    """A module as a function of its inputs and, where it learns, of the vector of its parameters."""

    declared: Declared
    module: nn.Module

    def __call__(self, *arguments: Tensor) -> Tensor:
        ranks = tuple(map(len, self.declared.arguments))
        batch = _common(*(_batch(one, rank) for one, rank in zip(arguments, ranks, strict=True)))
        given = arguments[:-1] if self.declared.learns else arguments
        samples = [_flattened(one, batch, rank) for one, rank in zip(given, ranks, strict=False)]
        found = self._with(arguments[-1], samples, batch) if self.declared.learns else self.module(*samples)
        self._check(found, samples)
        return found.reshape(batch + found.shape[1:])

    def _with(self, weights: Tensor, samples: list[Tensor], batch: Batch) -> Tensor:
        if weights.ndim == 1:
            return torch.func.functional_call(self.module, self._named(weights), tuple(samples))

        def single(own: Tensor, *one: Tensor) -> Tensor:
            return torch.func.functional_call(self.module, self._named(own), tuple(part.unsqueeze(0) for part in one)).squeeze(0)

        return torch.func.vmap(single, randomness="different")(_flattened(weights, batch, 1), *samples)

    def _named(self, weights: Tensor) -> dict[str, Tensor]:
        parts = weights.split(self.sizes)
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    @cached_property
    def shapes(self) -> dict[str, torch.Size]:
        """Of the parameters, in the order in which their vector has them."""
        return {name: one.shape for name, one in self.module.named_parameters()}

    @cached_property
    def sizes(self) -> list[int]:
        return [shape.numel() for shape in self.shapes.values()]

    def _check(self, found: Any, samples: list[Tensor]) -> None:
        wanted = (len(samples[0]), *self.declared.output)
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        if shape != wanted:
            given = ", ".join(show(tuple(one.shape)) for one in samples)
            raise ModelError(
                f"network {self.declared.name!r} gives {shape if isinstance(shape, str) else show(shape)} for {given}; it is stated to "
                f"give {show(wanted)}, where the first axis is the batch"
            )


def _flattened(value: Tensor, batch: Batch, rank: int) -> Tensor:
    """With one batch axis."""
    return _expanded(value, batch, rank).reshape(-1, *value.shape[value.ndim - rank :])


def has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def weights_of(module: nn.Module) -> Tensor:
    """The parameters of a module as one vector, through which gradients reach them."""
    return torch.cat([one.reshape(-1) for one in module.parameters()])


def bind(problem: Problem, given: Mapping[str, nn.Module]) -> dict[str, OnTensors]:
    """The networks of a problem, bound to modules.

    Raises TargetError for one that is not given, ModelError for other names, for what is no module, and for another number of parameters
    than is stated.
    """
    check_bound(problem, given)
    return {name: _bound(declared, given[name]) for name, declared in networks(problem).items()}


def _bound(declared: Declared, module: Any) -> OnTensors:
    if not isinstance(module, nn.Module):
        raise ModelError(f"network {declared.name!r} is bound to {type(module).__name__}; give a torch module")
    count, stated = sum(one.numel() for one in module.parameters()), declared.arguments[-1][0] if declared.learns else 0
    if stated == 0 or count == 0 or isinstance(stated, int):
        _check_count(declared, count, stated)
    return OnTensors(tuple(map(len, declared.arguments)), len(declared.output), Applied(declared, module))


def _check_count(declared: Declared, count: int, stated: Any) -> None:
    if count != stated:
        raise ModelError(
            f"network {declared.name!r} is bound to a module of {count} parameters, and stated to have {stated}; give it size={count}"
        )
