"""A network that is trained to fit targets."""

from collections.abc import Callable, Mapping
from typing import Any

import torchmetrics
from torch import Tensor, nn

from torchbridge.training.callbacks import STAGES
from torchbridge.training.task import Task


class SupervisedTask(Task):
    """Minimises loss(network(x), y) over batches (x, y).

    network: any module; it is a neural ODE, has some inside, or has none.  loss: (output, *targets) -> one number, which is to be a mean
    over samples: then it means the same in batches of any size, and on any number of processes.
    A batch is a tuple whose first entry goes to the network and the others to the loss: without targets, loss(output), as of densities.
    metrics: torchmetrics by name, of (output, *targets): `{"accuracy": MulticlassAccuracy(2)}` is logged as `train_accuracy` of each
    batch, and as `val_accuracy` and `test_accuracy` of a whole pass.  options: as for `Task`.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Callable[..., Tensor],
        *,
        metrics: Mapping[str, torchmetrics.Metric] | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.network, self.loss = network, loss
        known = torchmetrics.MetricCollection(dict(metrics or {}))
        self.metrics = nn.ModuleDict({f"{stage}_": known.clone(prefix=f"{stage}_") for stage in STAGES} if metrics else {})

    def forward(self, x: Any) -> Any:
        return self.network(x)

    def value(self, batch: Any, stage: str) -> Tensor:
        x, *targets = batch if isinstance(batch, tuple | list) else (batch,)
        output = self(x)
        self._measure(stage, output, targets)
        return self.loss(output, *targets)

    def _measure(self, stage: str, output: Any, targets: list[Any]) -> None:
        if not self.metrics:
            return
        metrics = self.metrics[f"{stage}_"]
        assert isinstance(metrics, torchmetrics.MetricCollection)
        output = output.detach() if isinstance(output, Tensor) else output
        if stage == "train":
            self.log_dict(metrics(output, *targets))
            metrics.reset()
        else:
            metrics.update(output, *targets)
            self.log_dict(metrics)
