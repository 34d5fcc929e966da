"""Objects of a user's own as the opaque networks of a problem, on NumPy arrays: values and first derivatives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from odeanalysis.errors import ModelError, TargetError
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.networks import Declared, check_bound, networks
from odeanalysis.symbolic.shapes import show

Array = NDArray[Any]
Batch = tuple[int, ...]
METHODS = ("call", "vjp", "jvp")


class ArrayNetwork(Protocol):
    """What is bound to a network: functions of its arguments. All have one batch axis, but for the vector of its parameters, the last."""

    @property
    def call(self) -> Callable[..., Array]:
        """The arrays, one by one -> the value."""
        ...

    def vjp(self, arrays: Sequence[Array], cotangent: Array, /) -> Sequence[Array]:
        """The cotangent of each array, of its shape."""
        ...

    def jvp(self, arrays: Sequence[Array], tangents: Sequence[Array], /) -> Array:
        """The tangent of the value, for one of each array."""
        ...


@dataclass(frozen=True, eq=False)
class OnArrays:
    """A network as printed text calls it: with any batch axes, or none."""

    declared: Declared
    network: ArrayNetwork

    def __call__(self, *arguments: Array) -> Array:
        return At(self, arguments).value

    def at(self, wanted: tuple[int, ...], *arguments: Array) -> "At":
        return At(self, arguments)

    def vjp(self, place: int) -> "OnArrays":
        raise TargetError(
            f"network {self.declared.name!r} is differentiated twice, and an object on arrays has first derivatives alone; bind a module "
            "to it in torchbridge"
        )

    jvp = vjp


class At:
    """A network at a place. Where samples have parameters of their own, or a gradient in them of their own, it is called for each."""

    def __init__(self, bound: OnArrays, arguments: Sequence[Array]):
        self.declared, self.network = bound.declared, bound.network
        self.arguments = tuple(map(np.asarray, arguments))
        self.ranks = tuple(map(len, self.declared.arguments))

    @cached_property
    def value(self) -> Array:
        batch = self._batch()
        found = [self._of(self.network.call(*arrays), arrays) for arrays, _ in self._calls(batch)]
        return _joined(found, batch)

    def vjp(self, cotangent: Array, place: int) -> Array:
        """The cotangent of an argument, for each sample."""
        batch, rank = self._batch((cotangent, len(self.declared.output))), len(self.declared.output)
        found = self._pulled(_flat(cotangent, batch, rank), place, batch, self._is_weights(place))
        return np.stack(found).reshape(batch + found[0].shape) if self._is_weights(place) else _joined(found, batch)

    def summed(self, cotangent: Array, place: int, batch: Batch = ()) -> Array:
        """The cotangent of an argument, summed over all batch axes, after broadcasting them to `batch`."""
        rank = len(self.declared.output)
        whole = np.broadcast_shapes(self._batch((cotangent, rank)), batch)
        found = self._pulled(_flat(cotangent, whole, rank), place, whole, False)
        return sum(found[1:], found[0]) if self._is_weights(place) else np.concatenate(found).sum(axis=0)

    def jvp(self, tangent: Array, place: int) -> Array:
        """The tangent of the value, for that of an argument."""
        rank, weights = self.ranks[place], self._is_weights(place)
        batch = self._batch((tangent, rank))
        shared = weights and np.ndim(tangent) == 1
        found = []
        for arrays, rows in self._calls(batch, weights and not shared):
            own = tangent if shared else _flat(tangent, batch, rank)[rows]
            tangents = [np.zeros_like(one) for one in arrays]
            tangents[place] = own[0] if weights and not shared else own
            found.append(self._of(self.network.jvp(arrays, tangents), arrays))
        return _joined(found, batch)

    def _pulled(self, cotangent: Array, place: int, batch: Batch, apart: bool) -> list[Array]:
        found = []
        for arrays, rows in self._calls(batch, apart):
            pulled = self.network.vjp(arrays, cotangent[rows])
            if [np.shape(one) for one in pulled] != [one.shape for one in arrays]:
                self._refuse("vjp", [np.shape(one) for one in pulled], [one.shape for one in arrays], arrays)
            found.append(np.asarray(pulled[place]))
        return found

    def _calls(self, batch: Batch, apart: bool = False) -> Iterator[tuple[list[Array], slice]]:
        """The arrays of each call, and which samples they are."""
        flat = [_flat(one, batch, rank) for one, rank in zip(self.arguments, self.ranks, strict=True)]
        if not self.declared.learns:
            yield flat, slice(None)
        elif self.arguments[-1].ndim == 1 and not apart:
            yield [*flat[:-1], self.arguments[-1]], slice(None)
        else:
            for i in range(len(flat[0])):
                yield [*(one[i : i + 1] for one in flat[:-1]), flat[-1][i]], slice(i, i + 1)

    def _batch(self, *more: tuple[Array, int]) -> Batch:
        known = (*zip(self.arguments, self.ranks, strict=True), *more)
        return np.broadcast_shapes(*(np.shape(one)[: np.ndim(one) - rank] for one, rank in known))

    def _is_weights(self, place: int) -> bool:
        return self.declared.learns and place == len(self.arguments) - 1

    def _of(self, found: Any, arrays: Sequence[Array]) -> Array:
        wanted = (len(arrays[0]), *self.declared.output)
        if np.shape(found) != wanted:
            self._refuse("value", [np.shape(found)], [wanted], arrays)
        return np.asarray(found)

    def _refuse(self, what: str, found: Sequence[Any], wanted: Sequence[Any], arrays: Sequence[Array]) -> None:
        given, returned, stated = (", ".join(map(show, shapes)) for shapes in ([one.shape for one in arrays], found, wanted))
        raise ModelError(f"network {self.declared.name!r}: for {given} its {what} has {returned}, which should be {stated}")


def _flat(array: Array, batch: Batch, rank: int) -> Array:
    """With one batch axis."""
    core = np.shape(array)[np.ndim(array) - rank :]
    return np.broadcast_to(array, batch + core).reshape(-1, *core)


def _joined(parts: Sequence[Array], batch: Batch) -> Array:
    whole = np.concatenate(parts)
    return whole.reshape(batch + whole.shape[1:])


def on_arrays(problem: Problem, given: Mapping[str, ArrayNetwork]) -> dict[str, Callable[..., Array]]:
    """The networks of a problem, bound to objects with the methods of `ArrayNetwork`.

    Raises TargetError for one that is not given, ModelError for other names and objects.
    """
    check_bound(problem, given)
    for name, network in given.items():
        missing = [method for method in METHODS if not callable(getattr(network, method, None))]
        if missing:
            raise ModelError(f"network {name!r} is bound to {type(network).__name__}, which has no {' and no '.join(missing)}; add them")
    return {name: OnArrays(declared, given[name]) for name, declared in networks(problem).items()}
