"""Products with derivatives: the dot product test of a linear map and its adjoint, and of jvp and vjp of a function."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.testing.arguments import Arguments, Array, Arrays
from odeanalysis.testing.gradient import assert_gradient
from odeanalysis.testing.lines import dot

ROUNDED = 256  # roundings that two ways to one number may differ by, of the terms that are summed


@dataclass(frozen=True)
class Products:
    """<v, A u> and <A* v, u> for random u and v.  gap: the largest difference, relative to the sizes of A u, v, A* v and u."""

    pairs: tuple[tuple[float, float], ...]
    gap: float


def assert_adjoint_identity(
    apply: Callable[..., Any],
    adjoint: Callable[..., Any],
    *,
    like: Any,
    rtol: float | None = None,
    tries: int = 3,
    seed: int = 0,
) -> Products:
    """Asserts that two maps are linear, and adjoint to each other: <v, A u> = <A* v, u> for all u and v.

    apply: u -> A u.  adjoint: v -> A* v. What is mapped is an array or tensor, a mapping of them, or a tuple of several arguments.
    like: a u, for its shapes and types; the shapes of v are those of A u.
    rtol: default 256 roundings.  tries: how many random pairs, drawn from the seed.
    Returns the products. Raises AssertionError with both sides, and TypeError for shapes that do not fit.
    """
    random = np.random.default_rng(seed)
    inner = Arguments(like)
    outer = Arguments(inner.call(apply))
    found = [_pair(apply, adjoint, inner, outer, random) for _ in range(tries)]
    bound = ROUNDED * max(inner.precision, outer.precision) if rtol is None else rtol
    worst = max(found, key=lambda pair: pair[2])
    if not worst[2] <= bound:
        raise AssertionError(_told(apply, adjoint, inner, outer, worst, random))
    return Products(tuple(pair[:2] for pair in found), worst[2])


Pair = tuple[float, float, float]


def _pair(apply: Any, adjoint: Any, inner: Arguments, outer: Arguments, random: np.random.Generator) -> Pair:
    u, v = _drawn(inner, random), _drawn(outer, random)
    image, back = _mapped(apply, inner, outer, u, "apply(u)"), _mapped(adjoint, outer, inner, v, "adjoint(v)")
    left, right = dot(v, image), dot(back, u)
    scale = max(_norm(v) * _norm(image), _norm(back) * _norm(u))
    return left, right, abs(left - right) / scale if scale else 0.0


def _drawn(like: Arguments, random: np.random.Generator) -> dict[Hashable, Array]:
    """Random arrays as the library of the arguments rounds them."""
    drawn = {key: random.standard_normal(array.shape) for key, array in like.arrays.items()}
    return like.read_like(like.like(drawn), "a drawn argument")


def _mapped(function: Any, takes: Arguments, gives: Arguments, arrays: Arrays, what: str) -> dict[Hashable, Array]:
    return gives.read_like(takes.call(function, takes.like(arrays)), what)


def _norm(arrays: Arrays) -> float:
    return float(np.sqrt(sum(float(np.sum(array**2)) for array in arrays.values())))


def _told(apply: Any, adjoint: Any, inner: Arguments, outer: Arguments, worst: Pair, random: np.random.Generator) -> str:
    left, right, gap = worst
    sides = f"<v, A u> = {left:.9g} and <A* v, u> = {right:.9g} differ by {gap:.1e} of their size"
    maps = {"apply": (apply, inner, outer), "adjoint": (adjoint, outer, inner)}
    bent = [name for name, (function, takes, gives) in maps.items() if not _is_linear(function, takes, gives, random)]
    if bent:
        return f"{' and '.join(bent)} {'is' if len(bent) == 1 else 'are'} not linear: {sides}"
    factor = f" (factor {left / right:.3g})" if right else ""
    return f"the maps are not adjoint to each other: {sides}{factor}"


def _is_linear(function: Any, takes: Arguments, gives: Arguments, random: np.random.Generator) -> bool:
    """Whether the image of u - 2 w is that of u less twice that of w."""
    u, w = _drawn(takes, random), _drawn(takes, random)
    sums = {key: u[key] - 2 * w[key] for key in u}
    of_u, of_w, of_sums = (_mapped(function, takes, gives, one, "the image") for one in (u, w, sums))
    gap = _norm({key: of_sums[key] - of_u[key] + 2 * of_w[key] for key in of_u})
    return gap <= ROUNDED * max(takes.precision, gives.precision) * (_norm(of_u) + 2 * _norm(of_w))


def assert_products(
    function: Callable[..., Any],
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    *,
    at: Any,
    rtol: float | None = None,
    tries: int = 3,
    seed: int = 0,
) -> None:
    """Asserts that products of a function's Jacobian with vectors are right, from either side.

    function: arguments -> an array (or several).  jvp: (arguments, direction) -> J d.  vjp: (arguments, v) -> J^T v. Both take as their
    first argument what `at` is. One of them may be missing.
    Each is compared with differences of the function, as a gradient of <v, f>; and both with each other, to rounding.
    Raises AssertionError where one is wrong, which says where, and NotMeasurable and TypeError as `assert_gradient` does.
    """
    random, point = np.random.default_rng(seed), Arguments(at)
    outer = Arguments(point.call(function))
    if jvp is not None and vjp is not None:
        assert_adjoint_identity(_at(at, jvp, at), _at(at, vjp, outer.given), like=at, tries=tries, seed=seed)
    for _ in range(tries):
        d, v = _drawn(point, random), _drawn(outer, random)
        if vjp is not None:
            assert_gradient(_against(v, function, outer), vjp(at, outer.like(v)), at=at, rtol=rtol)
        if jvp is not None:
            along = outer.read_like(jvp(at, point.like(d)), "jvp")
            _assert_along(_against(v, function, outer), point, d, dot(v, along), rtol)


def _at(at: Any, product: Callable[..., Any], like: Any) -> Callable[..., Any]:
    """A product with the Jacobian at the arguments, as a map of the vector alone."""
    return lambda *vector: product(at, vector if isinstance(like, tuple) else next(iter(vector)))


def _against(v: Arrays, function: Callable[..., Any], outer: Arguments) -> Callable[..., float]:
    """<v, f>, whose gradient is J^T v."""
    return lambda *given: dot(v, outer.read_like(function(*given), "what the function returned"))


def _assert_along(function: Callable[..., float], point: Arguments, d: Arrays, claimed: float, rtol: float | None) -> None:
    """Whether <v, J d> is the derivative of <v, f> along d."""

    def on_line(size: float) -> float:
        return point.call(function, point.moved({key: size * step for key, step in d.items()}))

    try:
        assert_gradient(on_line, claimed, at=0.0, rtol=rtol)
    except AssertionError as error:
        raise type(error)(f"jvp, along a random direction and against a random vector: {error}") from error
