"""NumPy's operators on arrays, installed on `Array` from one table. Import it before arrays meet operators; `functions` does."""

from collections.abc import Callable
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.symbolic.expressions import (
    add,
    divide,
    elementwise,
    index,
    matmul,
    mul,
    negative,
    power,
    subtract,
    transpose,
)
from odeanalysis.symbolic.nodes import Array, Map

COMPARISONS = ("lt", "le")


def _reflected(build: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: build(other, self)


def _iterate(self: Array):
    return (index(self, position) for position in range(_length(self)))


def _length(self: Array) -> int:
    size = self.shape[0]
    if not isinstance(size, int):
        raise ModelError(f"the length {size} of an array is a symbol; index it with integers instead of iterating")
    return size


def _truth(self: Array) -> bool:
    """Whether there are entries, as of any sequence; a comparison has an answer for each entry only once there are values."""
    if isinstance(self, Map) and self.name in COMPARISONS:
        raise ModelError("a condition on arrays is neither true nor false before there are values; write where(condition, u, v), not if")
    return _length(self) != 0


def _less(self: Any, other: Any) -> Any:
    return elementwise("lt", self, other)


def _less_equal(self: Any, other: Any) -> Any:
    return elementwise("le", self, other)


OPERATORS: dict[str, Any] = {
    "__add__": add,
    "__radd__": _reflected(add),
    "__sub__": subtract,
    "__rsub__": _reflected(subtract),
    "__mul__": mul,
    "__rmul__": _reflected(mul),
    "__truediv__": divide,
    "__rtruediv__": _reflected(divide),
    "__pow__": power,
    "__rpow__": _reflected(power),
    "__matmul__": matmul,
    "__rmatmul__": _reflected(matmul),
    "__neg__": negative,
    "__pos__": lambda self: self,
    "__abs__": lambda self: elementwise("abs", self),
    "__lt__": _less,
    "__le__": _less_equal,
    "__gt__": _reflected(_less),
    "__ge__": _reflected(_less_equal),
    "__getitem__": index,
    "__iter__": _iterate,
    "__len__": _length,
    "__bool__": _truth,
    "T": property(transpose),
    "__array_ufunc__": None,  # NumPy's numbers leave the operation to the array instead of iterating over it
}


def install() -> None:
    """Gives `Array` its operators."""
    for name, operation in OPERATORS.items():
        setattr(Array, name, operation)
