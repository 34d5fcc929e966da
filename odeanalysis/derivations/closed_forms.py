"""Classes of initial value problems that have closed forms, each one function from equations to their solution or None.

Every class is recognised, not searched for, so that the answer comes in bounded time; `solution` checks it by substitution.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import sympy as sp

from odeanalysis.derivations.antiderivatives import antiderivative, unlogged
from odeanalysis.derivations.exponentials import SIZE, propagate, square_root

OPERATIONS = 500
SEPARABLE = 60
SYMBOLS = 6


@dataclass(frozen=True)
class Equations:
    """z_i' = fields[i](depth, z), z_i(begin) = initial[i], for scalars z_i that depend on no others."""

    states: tuple[sp.Symbol, ...]
    fields: tuple[Any, ...]
    initial: tuple[Any, ...]
    depth: sp.Symbol
    begin: Any

    def since(self, antiderivative: Any) -> Any:
        """The integral from the beginning up to the depth."""
        return antiderivative - antiderivative.subs(self.depth, self.begin)


@dataclass(frozen=True)
class Closed:
    """The solution of some equations by its class; it holds as long as `positive` are positive from the beginning on."""

    kind: str
    values: tuple[Any, ...]
    positive: tuple[Any, ...] = ()


def closed_form(equations: Equations) -> Closed | None:
    """The solution by the first class that fits; None also where the fields are too long to be looked at."""
    if sum(map(sp.count_ops, equations.fields)) > OPERATIONS:
        return None
    return next((found for method in CLASSES if (found := method(equations)) is not None), None)


# ---------------------------------------------------------------- affine, with constant coefficients


def _affine(equations: Equations) -> Closed | None:
    """z' = A z + B u(s), where u is closed under differentiation (1, powers, exponentials, waves): one constant matrix for z and u."""
    linear = _coefficients(equations)
    if linear is None or any(entry.has(equations.depth) for entry in linear[0]):
        return None
    matrix, rest = linear
    signals = _signals(rest, equations.depth)
    if signals is None or matrix.rows + len(signals.basis) > SIZE:
        return None
    whole = sp.Matrix(sp.BlockMatrix([[matrix, signals.weights], [sp.zeros(len(signals.basis), matrix.rows), signals.flow]]))
    start = (*equations.initial, *(signal.subs(equations.depth, equations.begin) for signal in signals.basis))
    values = propagate(whole, start, equations.depth - equations.begin)
    return None if values is None else Closed("affine", tuple(map(tidy, values[: matrix.rows])))


def _coefficients(equations: Equations) -> tuple[Any, tuple[Any, ...]] | None:
    """A and b of fields A z + b; None where a field is not affine."""
    states = equations.states
    if len(states) > SIZE or not all(field.is_polynomial(*states) for field in equations.fields):
        return None
    fields = [sp.expand(field) for field in equations.fields]
    matrix: Any = sp.Matrix(len(fields), len(states), lambda i, j: sp.expand(sp.diff(fields[i], states[j])))
    if any(entry.has(*states) for entry in matrix):
        return None
    return matrix, tuple(sp.expand(field.subs(dict.fromkeys(states, 0))) for field in fields)


@dataclass(frozen=True)
class _Signals:
    """b = weights @ basis with basis' = flow @ basis."""

    basis: tuple[Any, ...]
    weights: Any
    flow: Any


def _signals(parts: tuple[Any, ...], depth: sp.Symbol) -> _Signals | None:
    basis: list[Any] = []
    rows = [_combination(part, depth, basis) for part in parts]
    flow: list[dict[Any, Any]] = []
    while len(flow) < len(basis):
        flow.append(_combination(sp.diff(basis[len(flow)], depth), depth, basis))
        if len(basis) > SIZE:
            return None
    count = len(basis)

    def table(rows: list[dict[Any, Any]]) -> sp.Matrix:
        return sp.Matrix(len(rows), count, lambda i, j: rows[i].get(basis[j], sp.Integer(0)))

    return _Signals(tuple(basis), table(rows), table(flow))


def _combination(part: Any, depth: sp.Symbol, basis: list[Any]) -> dict[Any, Any]:
    """The coefficients of a sum by its functions of depth; new functions join the basis."""
    row: dict[Any, Any] = {}
    for term in sp.Add.make_args(sp.expand(part)):
        factor, signal = term.as_independent(depth, as_Add=False)
        if factor != 0:
            row[signal] = row.get(signal, 0) + factor
    basis += [signal for signal in row if signal not in basis]
    return row


# ---------------------------------------------------------------- scalar, linear, with coefficients that vary with depth


def _linear(equations: Equations) -> Closed | None:
    """z' = alpha(s) z + beta(s):  z = exp(A) (z0 + int beta exp(-A) ds), A = int alpha ds;  beta = c alpha: z = exp(A) (z0 + c) - c."""
    linear = _coefficients(equations) if len(equations.states) == 1 else None
    if linear is None:
        return None
    (rate,), (forcing,), (start,) = linear[0], linear[1], equations.initial
    grown = antiderivative(rate, equations.depth)
    if grown is None:
        return None
    ratio = sp.cancel(forcing / rate) if rate != 0 else equations.depth
    wave = equations.since(grown)
    if not ratio.has(equations.depth):
        return Closed("linear", (unlogged(sp.exp(wave)) * (start + ratio) - ratio,))
    driven = antiderivative(sp.powsimp(sp.expand(unlogged(forcing * sp.exp(-grown)))), equations.depth)
    if driven is None:
        return None
    return Closed("linear", (unlogged(sp.exp(wave)) * start + unlogged(sp.exp(grown)) * equations.since(driven),))


# ---------------------------------------------------------------- scalar, separable


def _separable(equations: Equations) -> Closed | None:
    """z' = g(s) p(z): the solution of dy/dT = p(y) at T = int g ds."""
    if len(equations.states) != 1 or sp.count_ops(equations.fields[0]) > SEPARABLE:
        return None
    (state,), (start,), (field,) = equations.states, equations.initial, equations.fields
    speed, shape = cast(Any, sp.factor(sp.expand(field, power_base=False))).as_independent(state, as_Add=False)
    elapsed = antiderivative(speed, equations.depth)
    if shape.has(equations.depth) or elapsed is None:
        return None
    found = (method(shape, state, start, equations.since(elapsed)) for method in SHAPES)
    return next((one for one in found if one is not None), None)


def _riccati(shape: Any, state: sp.Symbol, start: Any, elapsed: Any) -> Closed | None:
    """p = a z^2 + b z + c, a linear system in disguise: z = (z0 C + (c + b z0/2) E) / (C - (a z0 + b/2) E).

    C = cosh(r T), E = sinh(r T)/r, r^2 = b^2/4 - a c.
    """
    if not shape.is_polynomial(state) or sp.Poly(shape, state).degree() != 2:
        return None
    a, b, c = sp.Poly(shape, state).all_coeffs()
    root = square_root(sp.cancel(b**2 / 4 - a * c))
    even, odd = _even(root, elapsed), _odd(root, elapsed)
    below = sp.expand(even - (a * start + b / 2) * odd)
    return Closed("separable", (sp.expand(start * even + (c + b * start / 2) * odd) / below,), (below,))


def _even(root: Any, elapsed: Any) -> Any:
    if root.has(sp.I):
        return sp.cos(root / sp.I * elapsed)
    return (sp.exp(root * elapsed) + sp.exp(-root * elapsed)) / 2


def _odd(root: Any, elapsed: Any) -> Any:
    if root == 0:
        return elapsed
    if root.has(sp.I):
        return sp.sin(root / sp.I * elapsed) / (root / sp.I)
    return (sp.exp(root * elapsed) - sp.exp(-root * elapsed)) / (2 * root)


def _bernoulli(shape: Any, state: sp.Symbol, start: Any, elapsed: Any) -> Closed | None:
    """p = a u + b u^m with u = c z + d: u = u0 w^(1/(1-m)), w = e + b u0^(m-1) (e - 1)/a, e = exp((1-m) a c T)."""
    found = _powers(shape, state) or _powers(sp.expand(shape, power_base=False), state)
    if found is None:
        return None
    base, linear, factor, power = found
    slope, shift = sp.diff(base, state), base.subs(state, 0)
    first, rate = base.subs(state, start), (1 - power) * linear * slope
    gain = elapsed if rate == 0 else (sp.exp(rate * elapsed) - 1) / rate
    inside = 1 + (rate + (1 - power) * factor * slope * first ** (power - 1)) * gain
    whole = power.is_Integer
    value = (first * inside ** (1 / (1 - power)) - shift) / slope
    return Closed("separable", (value,), (inside,) if whole else (inside, first))


def _powers(shape: Any, state: sp.Symbol) -> tuple[Any, Any, Any, Any] | None:
    """u, a, b, m of a sum a u + b u^m; a may be zero."""
    linear, power = sp.Integer(0), None
    for term in sp.Add.make_args(shape):
        factor, moving = term.as_independent(state, as_Add=False)
        base, exponent = moving.as_base_exp()
        if moving == state:
            linear += factor
        elif power is not None or exponent.has(state) or sp.diff(base, state).has(state):
            return None
        else:
            power = base, factor, exponent
    if power is None or (linear != 0 and power[0] != state):
        return None
    return power[0], linear, power[1], power[2]


def _exponential(shape: Any, state: sp.Symbol, start: Any, elapsed: Any) -> Closed | None:
    """p = k exp(c z): z = z0 - log(1 - c k T exp(c z0))/c."""
    factor, wave = sp.powsimp(shape).as_independent(state, as_Add=False)
    rate = sp.diff(wave.exp, state) if isinstance(wave, sp.exp) else state
    if rate.has(state):
        return None
    inside = 1 - rate * factor * elapsed * wave.subs(state, start)
    return Closed("separable", (start - sp.log(inside) / rate,), (inside,))


# ---------------------------------------------------------------- tables

Shape = Callable[[Any, sp.Symbol, Any, Any], Closed | None]
SHAPES: tuple[Shape, ...] = (_riccati, _bernoulli, _exponential)
CLASSES: tuple[Callable[[Equations], Closed | None], ...] = (_affine, _linear, _separable)


def tidy(value: Any) -> Any:
    """The same value as a sum over its exponentials and waves, with short coefficients; long ones and those with roots stay as they are."""
    if any(not node.exp.is_Integer for node in value.atoms(sp.Pow)) or len(value.free_symbols) > SYMBOLS:
        return value
    expanded = sp.expand(value, power_exp=False)
    waves = sorted(expanded.atoms(sp.exp, sp.sin, sp.cos), key=sp.default_sort_key)
    short = sp.collect(expanded, waves, sp.cancel) if waves else expanded
    return min((value, short), key=sp.count_ops)
