"""A stated problem that is trained on its own objective."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from odeanalysis.errors import ModelError
from torchbridge.modules import StatedODE
from torchbridge.training.task import Task


class ObjectiveTask(Task):
    """Minimises the objective of a stated problem: running costs, terminal loss and observations, reduced as the problem says.

    module: a neural ODE of a `Problem`.  A batch is a tuple of the model's inputs in their order, or a mapping by name, which may hold the
    data of observations too.  options: as for `Task`.
    A problem that sums over samples is trained on the sum, on any number of processes.
    Raises ModelError for a module of another kind.
    """

    def __init__(self, module: StatedODE, **options: Any):
        super().__init__(**options)
        if not isinstance(module, StatedODE):
            raise ModelError(f"an ObjectiveTask takes a neural ODE of a stated problem, got {type(module).__name__}; see SupervisedTask")
        self.module = module

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.module(*inputs, **named)

    def value(self, batch: Any, stage: str) -> Tensor:
        if isinstance(batch, Mapping):
            return self.module.loss(**batch)
        return self.module.loss(*(batch if isinstance(batch, tuple | list) else (batch,)))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Gradients are averaged over processes, those of sums are to be added."""
        found = super().training_step(batch, batch_idx)
        return found * self.trainer.world_size if self.module.problem.reduction == "sum" else found
