"""The elementary functions of the vocabulary: what each is, and what its derivative is.

One table serves scalars and arrays: every entry is written with operators that work on both. A derivative is given the output and the
arguments, so that it reuses the output where that is cheaper (tanh: 1 - y**2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.symbolic import operators, scalars
from odeanalysis.symbolic.expressions import as_expression, divide, elementwise, mul, power
from odeanalysis.symbolic.nodes import Array
from odeanalysis.symbolic.tables import Table

operators.install()


@dataclass(frozen=True)
class Function:
    """An elementary function: SymPy's own for scalars, its partial derivatives, and its meaning in SymPy's words for proofs.

    `partials[i](y, *x)` is dy/dx_i. `kink` marks functions whose derivative jumps: `'continuous'` (relu) or `'jump'` (sign).
    """

    name: str
    scalar: Callable[..., Any]
    partials: tuple[Callable[..., Any], ...]
    meaning: Callable[..., Any]
    kink: str | None = None

    @property
    def arity(self) -> int:
        return len(self.partials)

    def __call__(self, *arguments: Any) -> Any:
        values = [as_expression(argument) for argument in arguments]
        if len(values) != self.arity:
            raise ModelError(f"{self.name} takes {self.arity} argument{'s' * (self.arity > 1)}, got {len(values)}")
        return elementwise(self.name, *values) if any(isinstance(v, Array) for v in values) else self.scalar(*values)


def _sigmoid(x: Any) -> Any:
    return FUNCTIONS["sigmoid"](x)


def _of(name: str) -> Callable[..., Any]:
    return lambda *x: FUNCTIONS[name](*x)


def _zero(y: Any, *x: Any) -> Any:
    return sp.Integer(0)


def _normal_cdf(x: Any) -> Any:
    return (1 + FUNCTIONS["erf"](mul(x, sp.sqrt(2) / 2))) / 2


def _normal_density(x: Any) -> Any:
    return FUNCTIONS["exp"](mul(sp.Rational(-1, 2), power(x, 2))) * (1 / sp.sqrt(2 * sp.pi))


def _larger(u: Any, v: Any) -> Any:
    return (1 + FUNCTIONS["sign"](u - v)) / 2


def _piecewise(condition: Any, u: Any, v: Any) -> Any:
    return sp.Piecewise((u, condition), (v, True))


def _unary(name: str, scalar: Any, partial: Callable[[Any, Any], Any], meaning: Any = None, kink: str | None = None) -> Function:
    return Function(name, scalar, (partial,), meaning or scalar, kink)


_TABLE = (
    _unary("sin", sp.sin, lambda y, x: _of("cos")(x)),
    _unary("cos", sp.cos, lambda y, x: mul(-1, _of("sin")(x))),
    _unary("tan", sp.tan, lambda y, x: 1 + power(y, 2)),
    _unary("asin", sp.asin, lambda y, x: power(1 - power(x, 2), sp.Rational(-1, 2))),
    _unary("acos", sp.acos, lambda y, x: mul(-1, power(1 - power(x, 2), sp.Rational(-1, 2)))),
    _unary("atan", sp.atan, lambda y, x: divide(1, 1 + power(x, 2))),
    _unary("sinh", sp.sinh, lambda y, x: _of("cosh")(x)),
    _unary("cosh", sp.cosh, lambda y, x: _of("sinh")(x)),
    _unary("tanh", sp.tanh, lambda y, x: 1 - power(y, 2)),
    _unary("exp", sp.exp, lambda y, x: y),
    _unary("log", sp.log, lambda y, x: divide(1, x)),
    _unary("abs", sp.Abs, lambda y, x: _of("sign")(x), kink="continuous"),
    _unary("sign", sp.sign, _zero, kink="jump"),
    _unary("erf", sp.erf, lambda y, x: 2 / sp.sqrt(sp.pi) * _of("exp")(mul(-1, power(x, 2)))),
    _unary("sigmoid", scalars.sigmoid, lambda y, x: y * (1 - y), lambda x: 1 / (1 + sp.exp(-x))),
    _unary("softplus", scalars.softplus, lambda y, x: _sigmoid(x), lambda x: sp.log(1 + sp.exp(x))),
    _unary("relu", scalars.relu, lambda y, x: _of("step")(x), lambda x: _piecewise(x > 0, x, 0), "continuous"),
    _unary("elu", scalars.elu, lambda y, x: _of("exp")(_of("minimum")(x, 0)), lambda x: _piecewise(x > 0, x, sp.exp(x) - 1)),
    _unary("gelu", scalars.gelu, lambda y, x: _normal_cdf(x) + x * _normal_density(x), lambda x: x * _normal_cdf(x)),
    _unary("silu", scalars.silu, lambda y, x: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))), lambda x: x / (1 + sp.exp(-x))),
    _unary("step", scalars.step, _zero, lambda x: _piecewise(x > 0, 1, 0), "jump"),
    Function(
        "maximum",
        scalars.maximum,
        (lambda y, u, v: _larger(u, v), lambda y, u, v: _larger(v, u)),
        lambda u, v: _piecewise(u > v, u, v),
        "continuous",
    ),
    Function(
        "minimum",
        scalars.minimum,
        (lambda y, u, v: _larger(v, u), lambda y, u, v: _larger(u, v)),
        lambda u, v: _piecewise(u < v, u, v),
        "continuous",
    ),
)

FUNCTIONS: Table[str, Function] = Table({function.name: function for function in _TABLE})
SCALAR_CLASSES: dict[Any, str] = {function.scalar: function.name for function in _TABLE}

sin, cos, tan, asin, acos, atan = (FUNCTIONS[n] for n in ("sin", "cos", "tan", "asin", "acos", "atan"))
sinh, cosh, tanh, exp, log, erf = (FUNCTIONS[n] for n in ("sinh", "cosh", "tanh", "exp", "log", "erf"))
sigmoid, softplus, relu, elu, gelu, silu = (FUNCTIONS[n] for n in ("sigmoid", "softplus", "relu", "elu", "gelu", "silu"))
abs, sign, maximum, minimum = (FUNCTIONS[n] for n in ("abs", "sign", "maximum", "minimum"))


def sqrt(value: Any) -> Any:
    """The square root, entry by entry."""
    return power(value, sp.Rational(1, 2))


def where(condition: Any, chosen: Any, other: Any) -> Any:
    """`chosen` where the condition holds, else `other`; scalars and arrays, with broadcasting."""
    condition = as_expression(condition) if not isinstance(condition, bool) else sp.sympify(condition)
    chosen, other = as_expression(chosen), as_expression(other)
    if any(isinstance(value, Array) for value in (condition, chosen, other)):
        return elementwise("where", condition, chosen, other)
    return scalars.where(condition, chosen, other)
