"""How far two gradients lie apart, block by block."""

from collections.abc import Iterable, Mapping

import numpy as np

from odeanalysis.numerics.gradients.program import Array

FAINT = 1e-4


def relative_difference(found: Mapping[str, Array], reference: Mapping[str, Array], names: Iterable[str] | None = None) -> float:
    """The worst over the blocks of max |found - reference| / max |reference|; inf where either is not finite.

    A block whose reference is below 1e-4 of the largest block is measured against that bound instead of its own rounding.
    """
    known = scales({name: reference[name] for name in (reference if names is None else names)})
    return max((_of_block(found[name], reference[name], scale) for name, scale in known.items()), default=0.0)


def dot(gradient: Mapping[str, Array], direction: Mapping[str, Array]) -> float:
    """g.d, over the names that move."""
    return float(sum(np.sum(gradient[name] * along) for name, along in direction.items()))


def projected_difference(found: Mapping[str, Array], direction: Mapping[str, Array], known: float) -> float:
    """|g.d - known| in units of the sum over the names |g_name . d_name|, or as it is where that vanishes."""
    size = sum(abs(dot(found, {name: along})) for name, along in direction.items())
    return abs(dot(found, direction) - known) / (size or 1.0)


def scales(gradient: Mapping[str, Array]) -> dict[str, float]:
    """What differences in each block are measured against: its largest entry, or 1e-4 of the largest of all blocks."""
    peaks = {name: peak(array) for name, array in gradient.items()}
    largest = max(peaks.values(), default=0.0)
    return {name: max(one, FAINT * largest, float(np.finfo(float).tiny)) for name, one in peaks.items()}


def peak(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def _of_block(found: Array, reference: Array, scale: float) -> float:
    gap = np.asarray(found) - reference
    return peak(gap) / scale if np.isfinite(gap).all() else float("inf")
