"""Formulas as compiled loops over arrays: one compilation for each kind of number, and for which inputs have a batch axis."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from sys import getrefcount
from threading import local
from typing import Any

import numpy as np

from odeanalysis.errors import TargetError
from odeanalysis.symbolic.formula import Formula, name_of
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.targets.callables import compiled
from odeanalysis.targets.loops.program import program
from odeanalysis.targets.loops.writer import Domain

CHUNK = 1 << 22  # from this size on NumPy asks for large pages, which the system provides a hundred times faster
LARGEST = CHUNK // 4
LINE = 64
MOST = 16  # pieces that are held for a next use


def _references(pieces: list[np.ndarray], i: int) -> int:
    return getrefcount(pieces[i])


UNUSED = _references([np.empty(0)], 0)


class Arena(local):
    """Arrays that are kept for long, cut one behind the other from large pieces of memory, which are used again once no array lies there.

    Each thread has pieces of its own.
    """

    def __init__(self) -> None:
        self.chunks: list[np.ndarray] = []
        self.chunk, self.used = np.empty(0, np.uint8), 0

    def empty(self, shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
        """A new array. One that is large by itself is by itself."""
        size = math.prod(shape) * kind.itemsize
        if size > LARGEST:
            return np.empty(shape, kind)
        if self.used + size > len(self.chunk):
            self.chunk, self.used = self._free(), 0
        part = self.chunk[self.used : self.used + size].view(kind).reshape(shape)
        self.used += -(-size // LINE) * LINE
        return part

    def _free(self) -> np.ndarray:
        """A piece of memory in which no array lies: to such a piece only the list of pieces refers."""
        self.chunk = np.empty(0, np.uint8)
        for i in range(len(self.chunks)):
            if _references(self.chunks, i) == UNUSED:
                return self.chunks[i]
        found = np.empty(CHUNK, np.uint8)
        self.chunks = [*self.chunks[-MOST + 1 :], found]
        return found


@dataclass(frozen=True, eq=False)
class Kernel:
    """A compiled function; which of its inputs have a batch axis, and what it is given to fill."""

    function: Callable[..., tuple[Any, ...]]
    kind: np.dtype
    batched: tuple[int, ...]
    filled: tuple[Domain, ...]


class Loops:
    """A formula as a function of NumPy arrays of its inputs' shapes, with one batch axis in front or none: -> its outputs, in order.

    All arrays have one kind of number, float32 or float64, and so have the outputs. It is compiled when it is first called, which takes
    seconds; `texts` are the modules that were compiled. kept: outputs that lie in large pieces of memory, which are used again and again.
    Raises TargetError for arrays that do not fit, and for a formula that applies networks.
    """

    def __init__(self, formula: Formula, kept: Iterable[str] = ()):
        for name in formula.networks:
            raise TargetError(f"target 'loops' cannot call network {name!r}, which formula {formula.name!r} applies; take another target")
        self.formula, self.kept = formula, frozenset(kept)
        self.arena = Arena()
        self.ranks = tuple(len(shape_of(leaf)) for leaf in formula.inputs)
        self.compiled: dict[tuple[Any, ...], Kernel] = {}

    def __call__(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        key = tuple([(array.ndim, array.dtype) for array in arrays])
        if key not in self.compiled:
            self.compiled[key] = self._compile(arrays)
        kernel = self.compiled[key]
        sizes = {len(arrays[i]) for i in kernel.batched}
        if len(sizes) > 1:
            raise TargetError(f"batches of different sizes: {self._shapes(arrays)}; give one size")
        shapes = [(*sizes, *one.shape) if one.batched else one.shape for one in kernel.filled]
        found = kernel.function(*arrays, *[self.arena.empty(shape, kernel.kind) for shape in shapes])
        return tuple([one if isinstance(one, np.ndarray) else np.asarray(one, kernel.kind) for one in found])

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(getattr(one.function, "text", "") for one in self.compiled.values())

    def _compile(self, arrays: tuple[np.ndarray, ...]) -> Kernel:
        kinds = {array.dtype.name for array in arrays} or {"float64"}
        surplus = [array.ndim - rank for array, rank in zip(arrays, self.ranks, strict=True)]
        if len(kinds) > 1:
            raise TargetError(f"arrays of different kinds: {', '.join(sorted(kinds))}; convert them to one")
        if not set(surplus) <= {0, 1}:
            raise TargetError(f"loops take one batch axis before a shape, or none; there are {self._shapes(arrays)}; flatten the batch")
        kind = kinds.pop()
        batched = tuple(i for i, more in enumerate(surplus) if more)
        written = program(self.formula, frozenset(name_of(self.formula.inputs[i]) for i in batched), kind, self.kept)
        return Kernel(compiled(written), np.dtype(kind), batched, written.filled)

    def _shapes(self, arrays: tuple[np.ndarray, ...]) -> str:
        return ", ".join(f"{name_of(leaf)} {array.shape}" for leaf, array in zip(self.formula.inputs, arrays, strict=True))
