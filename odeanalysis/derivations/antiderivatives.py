"""Antiderivatives of a few recognisable classes, in bounded time, each checked by differentiation before it is returned."""

from dataclasses import dataclass
from math import factorial
from typing import Any

import sympy as sp
from sympy.integrals.manualintegrate import manualintegrate
from sympy.integrals.rationaltools import ratint

from odeanalysis.symbolic.zero import is_zero

OPERATIONS = 60
SYMBOLS = 6
WAVES = (sp.sin, sp.cos, sp.sinh, sp.cosh)


def antiderivative(integrand: Any, variable: sp.Symbol) -> Any:
    """An antiderivative of a scalar by the first class that fits; None where none does.

    Where it divides by a parameter that may vanish, it is meant as the limit there (see `continuation`).
    Classes: sums of s**m exp(alpha s) cos(beta s); rational functions of one exponential; what SymPy's rules for integration by hand know.
    """
    for method in (_exponential_polynomial, _rational_in_exponential, _by_rules):
        found = method(integrand, variable)
        if found is not None and is_zero(sp.diff(found, variable) - integrand):
            return found
    return None


def unlogged(expression: Any) -> Any:
    """exp(k log(u)) as u**k, everywhere."""
    return expression.replace(sp.exp, _unlogged)


def _unlogged(exponent: Any) -> Any:
    factors = []
    expanded: Any = sp.expand_mul(exponent)
    for term in sp.Add.make_args(expanded):
        logs = [factor for factor in sp.Mul.make_args(term) if isinstance(factor, sp.log)]
        factors.append(logs[0].args[0] ** (term / logs[0]) if len(logs) == 1 else sp.exp(term))
    return sp.Mul(*factors)


# ---------------------------------------------------------------- sums of s**m exp(alpha s)


def _exponential_polynomial(integrand: Any, variable: sp.Symbol) -> Any:
    waves = {node: node.rewrite(sp.exp) for node in integrand.atoms(*WAVES) if node.has(variable)}
    names: dict[Any, sp.Symbol] = {}
    expanded = sp.expand(_named(integrand.xreplace(waves), variable, names))
    meant = {symbol: constant for constant, symbol in names.items()}
    terms = [_exponential_term(term, variable) for term in sp.Add.make_args(expanded)]
    if any(term is None for term in terms):
        return None
    value = sp.Add(*(part for term in terms if term for part in term.integrated(meant)))
    return (sp.expand(value, complex=True).as_real_imag()[0] if waves else value).xreplace(meant)


def _named(node: Any, variable: sp.Symbol, names: dict[Any, sp.Symbol]) -> Any:
    """The expression with a symbol for each real sum and power that does not move, so that expanding leaves those alone."""
    if not node.args:
        return node
    if not node.has(variable, sp.I) and isinstance(node, (sp.Add, sp.Pow)):
        return names.setdefault(node, sp.Dummy(real=True))
    return node.func(*(_named(argument, variable, names) for argument in node.args))


@dataclass(frozen=True)
class _Term:
    """factor * s**power * exp(rate * s + shift)."""

    factor: Any
    power: int
    rate: Any
    shift: Any
    variable: sp.Symbol

    def integrated(self, meant: dict[Any, Any]) -> list[Any]:
        """The parts of the antiderivative; `meant` says what the named constants are, which may cancel in the rate."""
        s, m = self.variable, self.power
        if is_zero(self.rate.xreplace(meant)):
            return [self.factor * sp.exp(self.shift) * s ** (m + 1) / (m + 1)]
        wave = self.factor * sp.exp(self.rate * s + self.shift)
        ratios = (sp.Rational(factorial(m), factorial(m - j)) for j in range(m + 1))
        return [wave * (-1) ** j * ratio * s ** (m - j) / self.rate ** (j + 1) for j, ratio in enumerate(ratios)]


def _exponential_term(term: Any, variable: sp.Symbol) -> _Term | None:
    factor, moving = term.as_independent(variable, as_Add=False)
    power, exponent = 0, sp.Integer(0)
    for base, degree in (one.as_base_exp() for one in sp.Mul.make_args(moving)):
        if base == variable and degree.is_Integer and degree >= 0:
            power = int(degree)
        elif base is sp.E:
            exponent += degree
        elif base.has(variable) or degree.has(variable):
            return None
    exponent = sp.expand(exponent)
    rate = exponent.coeff(variable, 1)
    shift = exponent - rate * variable
    return None if sp.expand(shift).has(variable) else _Term(factor, power, rate, shift, variable)


# ---------------------------------------------------------------- rational functions of exp(k s)


def _rational_in_exponential(integrand: Any, variable: sp.Symbol) -> Any:
    exponents = [node.exp for node in integrand.atoms(sp.exp) if node.has(variable)]
    if sp.count_ops(integrand) > OPERATIONS or len(integrand.free_symbols) > SYMBOLS:
        return None
    rates = [sp.diff(sp.expand(exponent), variable) for exponent in exponents]
    if not rates or any(rate.has(variable) for rate in rates):
        return None
    unit = min(rates, key=lambda rate: (sp.count_ops(rate), abs(rate.as_coeff_Mul()[0])))
    wave = sp.Symbol("_wave", positive=True)
    powers = {}
    for exponent, rate in zip(exponents, rates, strict=True):
        times = sp.cancel(rate / unit)
        if not times.is_Integer:
            return None
        powers[sp.exp(exponent)] = sp.exp(sp.expand(exponent - rate * variable)) * wave**times
    rational = sp.cancel(integrand.xreplace(powers) / (unit * wave))
    if rational.has(variable) or not rational.is_rational_function(wave) or sp.count_ops(rational) > OPERATIONS:
        return None
    return ratint(rational, wave).subs(wave, sp.exp(unit * variable))


# ---------------------------------------------------------------- by SymPy's rules


def _by_rules(integrand: Any, variable: sp.Symbol) -> Any:
    if sp.count_ops(integrand) > OPERATIONS:
        return None
    value = manualintegrate(unlogged(integrand), variable)
    generic = value.replace(lambda node: isinstance(node, (sp.Eq, sp.Ne)), lambda node: sp.S(isinstance(node, sp.Ne)))
    unknown = generic.has(sp.Integral, sp.Piecewise, sp.I, sp.Ei, sp.erfi, sp.fresnels, sp.uppergamma)
    return None if unknown else generic
