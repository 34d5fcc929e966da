"""This library's rows: the derived discrete adjoint, with its memory plans, and autograd through the same steps."""

from collections.abc import Callable, Mapping

import torch

from benchmarks.training_rows.problem import Weights, data, stated, weights
from torchbridge import Checkpointed, Direct, DiscreteAdjoint, Full, NeuralODE

TOLERANCE = 1e-4
WAYS: dict[str, dict[str, object]] = {
    "ours": {"sensitivity": DiscreteAdjoint()},
    "ours, compiled loops": {"sensitivity": DiscreteAdjoint(), "target": "loops"},
    "ours, stages again": {"sensitivity": DiscreteAdjoint(Full(stages=False))},
    "ours, checkpointed": {"sensitivity": DiscreteAdjoint(Checkpointed())},
    "ours, autograd through the steps": {"sensitivity": Direct()},
}
REPLAYED: dict[str, dict[str, object]] = {"ours, compiled loops, steps replayed": {"target": "loops", "replay": True}}


def rows(harmonics: int, method: Mapping[str, object]) -> dict[str, Callable[[], Weights]]:
    tolerances = {} if "steps" in method else {"rtol": TOLERANCE, "atol": TOLERANCE, "own_steps": False}
    ways = {**WAYS, **({} if "steps" in method else REPLAYED)}
    return {name: _row(harmonics, {**method, **tolerances, **way}) for name, way in ways.items()}


def _row(harmonics: int, options: Mapping[str, object]) -> Callable[[], Weights]:
    flow = NeuralODE(stated(harmonics), values=weights(harmonics), dtype=torch.float32, **options)
    x = data()

    def run() -> Weights:
        flow.zero_grad()
        flow(x).square().sum(1).mean().backward()
        return {name: one.grad.numpy() for name, one in flow.named_parameters() if one.grad is not None}

    return run
