"""What several tests ask of a case: its value and gradients on tensors, beside those of `odeanalysis`."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import odeanalysis as oda
from odeanalysis.numerics.gradients.kinks import unwarned
from odeanalysis.verification.independent.compare import relative_difference
from tests.cases import CASES
from torchbridge.gradients.solving import Sensitivity
from torchbridge.problems.solving import Solved, solve

AGREED = 1e-10  # relative, of the same steps: their errors are roundings, and those of tsit5's step sizes


class Found(NamedTuple):
    """A loss and its gradients by name."""

    value: float
    gradients: dict[str, np.ndarray]


def tensors(values: Mapping[str, Any], dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Values that want gradients."""
    return {name: torch.tensor(np.asarray(value), dtype=dtype, requires_grad=True) for name, value in values.items()}


def gradients(value: Tensor, wanted: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Derivatives by name; 0 where there is none."""
    found = torch.autograd.grad(value, list(wanted.values()), allow_unused=True, materialize_grads=True)
    return {name: one.numpy() for name, one in zip(wanted, found, strict=True)}


def on_tensors(
    problem: Any,
    values: Mapping[str, Any],
    settings: oda.Settings,
    how: Sensitivity | None = None,
    dtype: torch.dtype = torch.float64,
    **options: Any,
) -> Found:
    """Solved and differentiated by `torchbridge`."""
    given = tensors(values, dtype)
    value = solve(problem, given, settings, how, **options).value
    return Found(value.item(), gradients(value, given))


def hessian_times(
    problem: Any, values: Mapping[str, Any], settings: oda.Settings, how: Sensitivity, along: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """The Hessian of the loss times a direction: the gradient of the gradient along it."""
    given = tensors(values)
    first = torch.autograd.grad(solve(problem, given, settings, how).value, list(given.values()), create_graph=True, materialize_grads=True)
    return gradients(torch.stack([(one * torch.tensor(along[name])).sum() for name, one in zip(given, first, strict=True)]).sum(), given)


def on_arrays(problem: Any, values: Mapping[str, Any], settings: oda.Settings) -> Found:
    """Solved and differentiated by `odeanalysis`; that it warns of kinks is not what is looked at here."""
    with unwarned():
        found = oda.evaluate(problem, values, settings)
    return Found(found.value, found.gradients)


@cache
def expected(name: str, settings: oda.Settings) -> Found:
    """A case by `odeanalysis`."""
    return on_arrays(CASES[name].problem(), CASES[name].values(), settings)


def solved(name: str, settings: oda.Settings, **options: Any) -> Solved:
    """A case on tensors that want gradients."""
    return solve(CASES[name].problem(), tensors(CASES[name].values()), settings, **options)


def difference(found: Found, known: Found) -> float:
    """The largest relative difference, of the value and of the gradients by name."""
    return max(abs(found.value - known.value) / max(abs(known.value), 1e-8), relative_difference(found.gradients, known.gradients))
