"""The backend `torch` of the commands: a problem evaluated on tensors in float64, as `odeanalysis.evaluate` does on arrays."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.gradients import evaluate as core
from odeanalysis.numerics.gradients.settings import Settings
from torchbridge.gradients.continuous import Backsolve, ContinuousAdjoint
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.gradients.solving import Sensitivity
from torchbridge.problems.solving import Solved, solve

SENSITIVITIES: dict[str, Sensitivity] = {one.name: one for one in (DiscreteAdjoint(), ContinuousAdjoint(), Backsolve(), Direct())}


def evaluate(
    problem: Problem,
    values: Mapping[str, Any],
    settings: Settings | None = None,
    sensitivity: core.Sensitivity | Sensitivity | None = None,
    wrt: Iterable[str] | None = None,
) -> core.Evaluation:
    """The value, the gradient with respect to every value given (or to `wrt`), the final state and the statistics.

    sensitivity: one of torchbridge's, or one of `odeanalysis` that it has under the same name ("discrete", "adjoint", "backsolve").
    Raises ModelError for bad values, methods and sensitivities, SolveError for a failed solve or a result that is not finite.
    """
    bound = bind(problem, values)
    wanted = core.wanted(bound, wrt)
    tensors = {name: torch.tensor(array, dtype=torch.float64, requires_grad=name in wanted) for name, array in bound.arrays.items()}
    solved = solve(problem, tensors, settings, _chosen(sensitivity))
    gradients = _gradients(solved.value, {name: tensors[name] for name in wanted})
    final = {name: state.detach().numpy() for name, state in solved.final.items()}
    found = core.Evaluation(float(solved.value.detach()), gradients, final, _statistics(solved, sensitivity or DiscreteAdjoint()))
    core.check_finite(problem, found)
    return found


def _chosen(sensitivity: Any) -> Sensitivity:
    name = "discrete" if sensitivity is None else sensitivity.name
    if sensitivity is not None and not hasattr(sensitivity, "gradients"):
        return sensitivity
    if name not in SENSITIVITIES:
        raise ModelError(f"backend 'torch' has no sensitivity {name!r}; take one of {', '.join(SENSITIVITIES)}, or the backend numpy")
    return SENSITIVITIES[name]


def _gradients(value: Tensor, wanted: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    if not value.requires_grad:
        return {name: np.zeros(tuple(one.shape)) for name, one in wanted.items()}
    found = torch.autograd.grad(value, list(wanted.values()), allow_unused=True, materialize_grads=True)
    return {name: one.numpy() for name, one in zip(wanted, found, strict=True)}


def _statistics(solved: Solved, sensitivity: Any) -> dict[str, Any]:
    counts = {name: found for name, found in solved.statistics.items() if name != "failed"}
    return {**counts, "sensitivity": sensitivity.name, "backend": "torch", "batch": solved.bound.batch}
