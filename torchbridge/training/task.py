"""What training tasks share: optimizer, schedule, random numbers, what is logged, what a checkpoint must fit."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast

import lightning.pytorch as L
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from odeanalysis.errors import ModelError
from torchbridge.training.callbacks import NFE, STAGES, SeededSteps
from torchbridge.training.checkpoints import check_same_model

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]
MakeScheduler = Callable[[Optimizer], Any]
ADAMW = partial(torch.optim.AdamW, lr=1e-3)


class Task(L.LightningModule):
    """A LightningModule whose value is computed by `value(batch, stage)`; it is logged as `train_loss` of each batch, and as `val_loss`
    and `test_loss`, the means over the samples of a whole pass.

    optimizer: parameters -> optimizer.  scheduler: optimizer -> schedule of the learning rate, which moves after every epoch.
    schedule: Lightning's other options of the schedule, as {"interval": "step"} or {"monitor": "val_loss"}.
    seed: of the random numbers that are drawn in steps, see `SeededSteps`; the numbers of function evaluations are logged by `NFE`.
    Raises ModelError for values that are not one number, and for the checkpoint of another model.
    """

    def __init__(
        self,
        *,
        optimizer: MakeOptimizer = ADAMW,
        scheduler: MakeScheduler | None = None,
        schedule: Mapping[str, Any] | None = None,
        seed: int = 0,
    ):
        super().__init__()
        self.make_optimizer, self.make_scheduler, self.schedule = optimizer, scheduler, dict(schedule or {})
        self.seed = seed
        self.means = nn.ModuleDict({f"{stage}_": MeanMetric() for stage in STAGES[1:]})

    def value(self, batch: Any, stage: str) -> Tensor:
        """The value to be minimised, as one number, and whatever else is to be logged at a stage: "train", "val" or "test"."""
        raise NotImplementedError(f"{type(self).__name__} has no value(batch, stage)")

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._logged(batch, "train")

    def validation_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._logged(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._logged(batch, "test")

    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self.parameters())
        if self.make_scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.make_scheduler(optimizer), **self.schedule}}

    def configure_callbacks(self) -> list[L.Callback]:
        return [SeededSteps(self.seed), NFE()]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        check_same_model(self, checkpoint["state_dict"])

    def _logged(self, batch: Any, stage: str) -> Tensor:
        found = self.value(batch, stage)
        _check_number(found)
        if stage == "train":
            self.log("train_loss", found.detach(), prog_bar=True)
        else:
            mean = cast(MeanMetric, self.means[f"{stage}_"])
            mean.set_dtype(found.dtype)
            mean.update(found.detach(), samples(batch))
            self.log(f"{stage}_loss", mean, prog_bar=True)
        return found


def samples(batch: Any) -> int:
    """How many samples a batch has."""
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, tuple | list) else [batch]
    return max((len(one) for one in parts if isinstance(one, Tensor) and one.ndim), default=1)


def _check_number(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise ModelError(f"the loss is {type(value).__name__}; give a tensor with one number")
    if value.ndim:
        raise ModelError(f"the loss has shape {tuple(value.shape)}; give one number, as its mean over the samples")
