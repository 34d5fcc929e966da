"""Exact reduction: an elementary expression as a polynomial in its kernels, brought to zero where it is zero.

A kernel is a symbol, a function of something, a root, a power or a reciprocal. Each reciprocal, root and pair (sin, cos), (sinh, cosh)
carries its relation; the relations are used up from the outermost kernel inwards. What remains vanishes if and only if the expression does,
as long as the kernels have no other relation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import lcm
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyElement, PolyRing

TERMS = 20_000
PRODUCTS = 1_000_000


class TooLarge(Exception):
    """The polynomial grows beyond what is worth expanding."""


@dataclass(frozen=True)
class Relation:
    """What a kernel g obeys: `reciprocal`: g * value = 1; otherwise g**degree = value."""

    kernel: sp.Symbol
    value: Any
    degree: int
    reciprocal: bool = False


def reduces_to_zero(expression: Any) -> bool | None:
    """Whether the expression is zero as a function of its kernels; None where it is too large to expand."""
    try:
        return _reduced(expression) == 0
    except TooLarge:
        return None


def _reduced(expression: Any) -> Any:
    kernels = Kernels(expression)
    polynomial = kernels.of(expression)
    generators = sorted(polynomial.free_symbols | kernels.mentioned(), key=str)
    if not generators:
        return polynomial
    ring = PolyRing(generators, sp.QQ, sp.lex)
    to_ring = _Converter(ring)
    value = to_ring.of(polynomial)
    for relation in reversed(kernels.relations):
        value = _used(value, to_ring.of(relation.value), relation, ring)
        if value == 0:
            break
    return value


# ---------------------------------------------------------------- kernels


class Kernels:
    """Rewrites an expression as a polynomial in kernels, each a symbol of its own."""

    def __init__(self, expression: Any):
        self.relations: list[Relation] = []
        self.known: dict[Any, Any] = {}
        self.names: dict[Any, sp.Symbol] = {}
        self.denominators = _denominators(expression)

    def mentioned(self) -> set[sp.Symbol]:
        values = (symbol for relation in self.relations for symbol in sp.sympify(relation.value).free_symbols)
        return {*values, *(relation.kernel for relation in self.relations)}

    def of(self, node: Any) -> Any:
        if node not in self.known:
            self.known[node] = self._rewritten(node)
        return self.known[node]

    def _rewritten(self, node: Any) -> Any:
        if node.is_Float:
            return sp.Rational(str(node))
        if node.is_Rational:
            return node
        if node is sp.I:
            return self._kernel(node, sp.Integer(-1), 2)
        if isinstance(node, (sp.Add, sp.Mul)):
            return node.func(*map(self.of, node.args), evaluate=False)
        if isinstance(node, (sp.Pow, sp.exp)):
            return self._power(*node.as_base_exp())
        return self._function(node) if node.args else self._kernel(node)

    def _kernel(self, key: Any, value: Any = None, degree: int = 0, reciprocal: bool = False) -> sp.Symbol:
        key = (key, reciprocal)
        if key not in self.names:
            self.names[key] = sp.Symbol(f"k{len(self.names)}")
            if value is not None:
                self.relations.append(Relation(self.names[key], value, degree, reciprocal))
        return self.names[key]

    def _function(self, node: Any) -> Any:
        plain = node.func(*map(canonical, node.args))
        if isinstance(plain, sp.tan):
            return self.of(sp.sin(plain.args[0]) / sp.cos(plain.args[0]))
        if type(plain) is not type(node):
            return self.of(plain)
        if type(plain) in PAIRS:
            other, relation = PAIRS[type(plain)]
            return self._kernel(plain, relation(self._kernel(other(*plain.args))), 2)
        return self._kernel(plain)

    def _power(self, base: Any, exponent: Any) -> Any:
        if isinstance(exponent, sp.Integer):
            return sp.Pow(self.of(base), exponent, evaluate=False) if exponent > 0 else self._reciprocal(base) ** -exponent
        return sp.Mul(*(self._root(canonical(base), c, unit) for c, unit in exponent_terms(exponent)), evaluate=False)

    def _root(self, base: Any, coefficient: Any, unit: Any) -> Any:
        """`base ** (coefficient * unit)` as a whole power of the one kernel `base ** (unit / n)`."""
        whole = self.denominators.get((base, unit), int(coefficient.q))
        key = sp.Pow(base, unit / whole, evaluate=False)
        algebraic = unit == 1 and base is not sp.E
        kernel = self._kernel(key, self.of(base), whole) if algebraic else self._kernel(key)
        power = int(coefficient * whole)
        return kernel**power if power > 0 else self._kernel(key, kernel, reciprocal=True) ** -power

    def _reciprocal(self, base: Any) -> Any:
        if isinstance(base, sp.Mul):
            return sp.Mul(*map(self._reciprocal, base.args), evaluate=False)
        if isinstance(base, (sp.Pow, sp.exp)):
            inner, exponent = base.as_base_exp()
            return self._power(inner, -exponent)
        content, plain = canonical(base).primitive()
        if plain.could_extract_minus_sign():
            content, plain = -content, -plain
        if plain == 1:
            return 1 / content
        return sp.Mul(1 / content, self._kernel(plain, self.of(plain), reciprocal=True), evaluate=False)


PAIRS: dict[Any, tuple[Any, Callable[[Any], Any]]] = {
    sp.sin: (sp.cos, lambda cosine: 1 - cosine**2),
    sp.cosh: (sp.sinh, lambda sine: 1 + sine**2),
}


def canonical(argument: Any) -> Any:
    return sp.expand(argument) if isinstance(argument, sp.Expr) else argument


def exponent_terms(exponent: Any) -> list[tuple[Any, Any]]:
    """An exponent as a sum of rational coefficients times units."""
    terms = (term.as_coeff_Mul(rational=True) for term in sp.Add.make_args(canonical(exponent)))
    return [(sp.Rational(c), unit) for c, unit in terms]


def _denominators(expression: Any) -> dict[tuple[Any, Any], int]:
    found: dict[tuple[Any, Any], int] = {}
    for node in sp.preorder_traversal(expression):
        if isinstance(node, (sp.Pow, sp.exp)) and not isinstance(node.as_base_exp()[1], sp.Integer):
            base, exponent = node.as_base_exp()
            for c, unit in exponent_terms(exponent):
                key = canonical(base), unit
                found[key] = lcm(found.get(key, 1), int(c.q))
    return found


# ---------------------------------------------------------------- polynomials


class _Converter:
    """Expands expressions in a ring, and gives up before they fill the memory."""

    def __init__(self, ring: PolyRing):
        self.ring = ring
        self.known: dict[Any, PolyElement] = dict(zip(ring.symbols, ring.gens, strict=True))

    def of(self, node: Any) -> PolyElement:
        node = sp.sympify(node)
        if node not in self.known:
            self.known[node] = self._converted(node)
        return self.known[node]

    def _converted(self, node: Any) -> PolyElement:
        if isinstance(node, sp.Add):
            return self._sum(map(self.of, node.args))
        if isinstance(node, sp.Mul):
            return product(map(self.of, node.args), self.ring.one)
        if isinstance(node, sp.Pow):
            return product([self.of(node.base)] * int(node.exp), self.ring.one)
        return self.ring.ground_new(sp.QQ.from_sympy(node))

    def _sum(self, terms: Iterable[PolyElement]) -> PolyElement:
        return sum(terms, self.ring.zero)


def product(factors: Iterable[PolyElement], one: PolyElement) -> PolyElement:
    result = one
    for factor in factors:
        if len(result) * len(factor) > PRODUCTS:
            raise TooLarge
        result = result * factor
        if len(result) > TERMS:
            raise TooLarge
    return result


def _used(value: PolyElement, known: PolyElement, relation: Relation, ring: PolyRing) -> PolyElement:
    """The polynomial with one relation used up: it vanishes exactly where the former one does."""
    place = ring.symbols.index(relation.kernel)
    parts = _by_power(value, place, ring)
    highest = max(parts, default=0)
    result = ring.zero
    for power, part in parts.items():
        if relation.reciprocal:
            result += product([part, *[known] * (highest - power)], ring.one)
        else:
            times, rest = divmod(power, relation.degree)
            result += product([part, ring.gens[place] ** rest, *[known] * times], ring.one)
    return result


def _by_power(value: PolyElement, place: int, ring: PolyRing) -> dict[int, PolyElement]:
    """The coefficients of the powers of one generator."""
    parts: dict[int, dict[Any, Any]] = {}
    for monomial, coefficient in value.iterterms():
        rest = (*monomial[:place], 0, *monomial[place + 1 :])
        parts.setdefault(monomial[place], {})[rest] = coefficient
    return {power: ring.from_dict(terms) for power, terms in parts.items()}
