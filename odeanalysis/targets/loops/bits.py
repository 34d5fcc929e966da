"""Numbers as their bits, for functions that are computed by arithmetic alone, so that compilers turn loops over them into vectors."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

PAIRS = {types.float64: types.int64, types.float32: types.int32, types.int64: types.float64, types.int32: types.float32}
WIDTHS = {types.float64: ir.DoubleType(), types.float32: ir.FloatType(), types.int64: ir.IntType(64), types.int32: ir.IntType(32)}


def _reinterpreted(typing: Any, value: Any) -> Any:
    """The bits of a real number as a whole one of the same size, and back."""
    other = PAIRS.get(value)
    if other is None:
        return None

    def cast(context: Any, builder: Any, signature: Signature, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], WIDTHS[other])

    return other(value), cast


reinterpreted: Any = intrinsic(_reinterpreted)
"""x -> the number of the other kind that has the bits of x."""
