"""The loss and its gradient, in one call."""

import math
from collections.abc import Mapping
from typing import Any

from odeanalysis.generation.runtime.backward import _differentiated
from odeanalysis.generation.runtime.forward import _solved
from odeanalysis.generation.runtime.stated import METHODS, PARAMETERS, REDUCTION
from odeanalysis.generation.runtime.values import SolveError, _batch, _bound, _checked
from odeanalysis.generation.runtime.words import Array, _quiet, _result, _stacked


def value_and_gradient(
    values: Mapping[str, Any],
    *,
    method: str = "tsit5",
    steps: int | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
) -> tuple[Any, dict[str, Any]]:
    """The loss and its derivative by every value: exactly that of the steps taken.

    values: name -> number, nested list or array of the shape under PARAMETERS, INPUTS
        or OBSERVATIONS (a row for each depth; None or NaN where nothing was seen),
        with or without a leading axis for the samples.
    method: a name of METHODS.  steps: so many equal steps over the domain instead of
        steps whose error is at most rtol |y| + atol.
    Returns the loss, its mean or sum over the samples (REDUCTION), and name -> gradient
    in the value's shape. Raises ValueError for values that do not fit, SolveError for a
    solve that fails or a result that is not finite.
    """
    chosen = _method(method, steps)
    if not (0 <= rtol < math.inf and 0 <= atol < math.inf and rtol + atol > 0):
        raise ValueError(f"rtol = {rtol}, atol = {atol}; give finite ones, not both 0")
    arrays, batched = _checked(values)
    batch = _batch(arrays, batched)
    with _quiet():
        found = _each(arrays, batched, batch, chosen, (steps, rtol, atol))
    for name, gradient in {"the loss": found[0], **found[1]}.items():
        if not (abs(gradient) < math.inf).all():
            raise SolveError(f"{name}: the value or the gradient is not finite")
    return _result(found[0]), found[1]


def _method(name: str, steps: int | None) -> dict[str, Any]:
    if name not in METHODS:
        raise ValueError(
            f"there is no method {name!r}; take one of {', '.join(METHODS)}"
        )
    if steps is not None and (steps != int(steps) or steps < 1):
        raise ValueError(f"steps = {steps}; give a whole number of 1 or more")
    if steps is None and METHODS[name]["error"] is None:
        raise ValueError(f"method {name!r} estimates no error; give a number of steps")
    return METHODS[name]


def _each(arrays: Any, batched: set[str], batch: int | None, *how: Any) -> Any:
    """All samples at once, or one by one where they have their own parameters."""
    if not batched & PARAMETERS.keys():
        return _together(arrays, batched, batch, 1.0 / (batch or 1), *how)
    found = []
    for b in range(batch or 1):
        one = {
            name: array[b] if name in batched else array
            for name, array in arrays.items()
        }
        found.append(_together(one, set(), None, 1.0 / (batch or 1), *how))
    gradients = {}
    for name in arrays:
        each = [gradient[name] for _, gradient in found]
        gradients[name] = _stacked(each) if name in batched else sum(each)
    return sum(loss for loss, _ in found), gradients


def _together(
    arrays: Any,
    batched: set[str],
    batch: int | None,
    share: float,
    method: Any,
    how: Any,
) -> tuple[Array, dict[str, Array]]:
    """The loss and the gradients, each in its value's shape."""
    weight = share if REDUCTION == "mean" else 1.0
    solved = _solved(_bound(arrays, batched, batch or 1), method, how)
    loss, found = _differentiated(solved, method, weight)
    shared = found.keys() - batched - PARAMETERS.keys()
    return loss, {
        name: one.sum(0) if name in shared else one for name, one in found.items()
    }
