"""Arguments of functions that are not ours, as NumPy arrays by name, and moved ones as the function wants them.

A mapping is one argument with names; a tuple holds several arguments; anything else is a single one. Tensors of torch come and go as
tensors, without that this module imports torch.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray
Arrays = Mapping[Hashable, Array]
MANTISSAS = (52, 23, 10, 7)  # of the floating-point numbers in use, the longest first
COARSEST = 7


@dataclass(frozen=True)
class Kind:
    """How the arrays of a library are read as NumPy's, made from those like one that is given, and made to collect their gradient."""

    read: Callable[[Any], Any]
    like: Callable[[Array, Any], Any]
    leaf: Callable[[Any], Any] = lambda given: given


def _like_numpy(array: Array, given: Any) -> Any:
    """A Python number for a number; else an array of the precision that was given, whole numbers and lists in doubles."""
    if isinstance(given, int | float):
        return float(array)
    kind = np.asarray(given).dtype
    return array.astype(kind if kind.kind == "f" else float)[()]


NUMPY = Kind(np.asarray, _like_numpy)
KINDS = {
    "torch": Kind(
        lambda given: given.detach().double().cpu().numpy(),
        lambda array, given: given.detach().new_tensor(array),
        lambda given: given.detach().clone().requires_grad_(),
    ),
}


def kind_of(given: Any) -> Kind:
    """By the package that the type of an array comes from."""
    return KINDS.get(type(given).__module__.partition(".")[0], NUMPY)


def read(given: Any, what: str) -> Array:
    """An array or number in doubles. Raises TypeError for what is none."""
    try:
        array = np.asarray(kind_of(given).read(given))
        if array.dtype.kind == "c":
            raise TypeError(f"{what} is complex; give its real and imaginary parts as separate arguments")
        return array.astype(float)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{what} is no array of real numbers: {error}") from error


def precision(given: Any) -> float:
    """The rounding of an array's numbers, relatively."""
    kind = kind_of(given)
    found = (bits for bits in MANTISSAS if float(kind.read(kind.like(np.array(1 + 2.0**-bits), given))) != 1)
    return 2.0 ** -next(found, COARSEST)


@dataclass(frozen=True, eq=False)
class Arguments:
    """What a function is called with.  given: as the user gave it.  wrt: which of its names or places may move; None: all that can."""

    given: Any
    wrt: tuple[Hashable, ...] | None = None

    @cached_property
    def parts(self) -> dict[Hashable, Any]:
        """The arguments as they were given, by name, by place, or a single one by None."""
        if isinstance(self.given, Mapping):
            return dict(self.given)
        return dict(enumerate(self.given)) if isinstance(self.given, tuple) else {None: self.given}

    @cached_property
    def arrays(self) -> dict[Hashable, Array]:
        """Those that move, in doubles. Raises TypeError where one is no array, KeyError where there is none of a name."""
        chosen = [key for key, part in self.parts.items() if _moves(part)] if self.wrt is None else self.wrt
        for key in chosen:
            if key not in self.parts:
                raise KeyError(f"there is no {label(key)}; there are {', '.join(map(label, self.parts))}")
        return {key: read(self.parts[key], label(key)) for key in chosen}

    @cached_property
    def precision(self) -> float:
        """The coarsest rounding among those that move."""
        return max((precision(self.parts[key]) for key in self.arrays), default=2.0 ** -MANTISSAS[0])

    def moved(self, steps: Arrays) -> Any:
        """The arguments with steps added, as they were given otherwise: of their types, precision and structure."""
        made = {key: _made(self.arrays[key] + step, self.parts[key]) for key, step in steps.items()}
        return self._as_given({**self.parts, **made})

    def walked(self, moved: Any) -> dict[Hashable, Array]:
        """How far moved arguments lie from the given ones: the steps, as they were rounded; none where there is no value."""
        parts = Arguments(moved).parts
        return {key: np.where(np.isnan(array), 0, read(parts[key], label(key)) - array) for key, array in self.arrays.items()}

    def like(self, arrays: Arrays) -> Any:
        """Arrays in the structure and of the types of the arguments."""
        return self._as_given({**self.parts, **{key: _made(array, self.parts[key]) for key, array in arrays.items()}})

    def leaves(self) -> Any:
        """The arguments, with those that move made to collect their gradient where their library can."""
        return self._as_given({**self.parts, **{key: kind_of(self.parts[key]).leaf(self.parts[key]) for key in self.arrays}})

    def call(self, function: Callable[..., Any], given: Any = None) -> Any:
        """A function of these arguments, or of moved ones."""
        given = self.given if given is None else given
        return function(*given) if isinstance(given, tuple) else function(given)

    def read_like(self, found: Any, what: str) -> dict[Hashable, Array]:
        """What a function returned in the structure of the arguments, by name: a single array where there is but one argument.

        None stands for zero. Raises TypeError where entries are missing, and where shapes differ.
        """
        parts = found if isinstance(found, Mapping) else self._by_place(found, what)
        return {key: self._entry(parts, key, what) for key in self.arrays}

    def _by_place(self, found: Any, what: str) -> dict[Hashable, Any]:
        keys = tuple(self.parts)
        found = found if isinstance(found, tuple | list) and keys != (None,) else (found,)
        if len(found) == len(self.arrays):
            keys = tuple(self.arrays)
        if len(found) != len(keys):
            raise TypeError(f"{what} has {len(found)} parts for {len(keys)} arguments: {', '.join(map(label, keys))}; give one for each")
        return dict(zip(keys, found, strict=True))

    def _entry(self, parts: Mapping[Any, Any], key: Hashable, what: str) -> Array:
        shape = self.arrays[key].shape
        if key not in parts:
            raise TypeError(f"{what} has no entry for {label(key)}; give one, or say with wrt=(...) which names are meant")
        array = np.zeros(shape) if parts[key] is None else read(parts[key], f"{what} in {label(key)}")
        if array.shape != shape:
            raise TypeError(f"{what} in {label(key)} has shape {show(array.shape)}, the values have {show(shape)}")
        return array

    def _as_given(self, parts: Mapping[Hashable, Any]) -> Any:
        if isinstance(self.given, Mapping):
            return dict(parts)
        return tuple(parts.values()) if isinstance(self.given, tuple) else parts[None]


def _made(array: Array, given: Any) -> Any:
    return kind_of(given).like(array, given)


def _moves(part: Any) -> bool:
    """Numbers and arrays of floating-point numbers move; arrays of whole numbers (indices, labels) and what is no array stay."""
    if isinstance(part, bool | str) or part is None:
        return False
    if isinstance(part, int | float | list):
        return True
    kind = str(getattr(part, "dtype", ""))
    return "float" in kind or "complex" in kind


def label(key: Hashable) -> str:
    """An argument in words."""
    return "the argument" if key is None else f"argument {key}" if isinstance(key, int) else repr(key)


def show(shape: Iterable[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"
