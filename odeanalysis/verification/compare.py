"""How far two gradients lie apart, block by block."""

from collections.abc import Iterable, Mapping

import numpy as np

from odeanalysis.numerics.gradients.program import Array

FAINT = 1e-8


def relative_difference(found: Mapping[str, Array], reference: Mapping[str, Array], names: Iterable[str] | None = None) -> float:
    """The worst over the blocks of max |found - reference| / max |reference|; inf where either is not finite.

    A block whose reference is below 1e-8 of the largest block is measured against that bound instead of its own rounding.
    """
    chosen = list(reference if names is None else names)
    largest = max((_peak(reference[name]) for name in chosen), default=0.0)
    return max((_of_block(found[name], reference[name], FAINT * largest) for name in chosen), default=0.0)


def _peak(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def _of_block(found: Array, reference: Array, faint: float) -> float:
    gap = np.asarray(found) - reference
    if not np.isfinite(gap).all():
        return float("inf")
    worst = _peak(gap)
    return 0.0 if worst == 0 else worst / max(_peak(reference), faint, np.finfo(float).tiny)
