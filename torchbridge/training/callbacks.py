"""Callbacks that go with any LightningModule: random numbers that can be drawn again, and counts of evaluations."""

import random
from contextlib import ExitStack
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch

from torchbridge.modules import NeuralODE
from torchbridge.training.evaluations import Evaluations, counted
from torchbridge.training.noise import generators

STAGES = ("train", "val", "test")


class SeededSteps(L.Callback):
    """Seeds the generators of torch, NumPy and Python before every batch, and those that noise in fields draws from.

    The seed of a batch depends on `seed`, on the epoch, on the place of the batch and on the process. So a training that goes on from a
    checkpoint draws what it would have drawn, and a validation, whose seeds leave out the epoch, draws the same each time.
    """

    def __init__(self, seed: int = 0):
        self.seed = seed

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        self._sow(pl_module, 0, trainer.global_rank, trainer.current_epoch, batch_idx)

    def on_validation_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self._sow(pl_module, 1, trainer.global_rank, dataloader_idx, batch_idx)

    def on_test_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self._sow(pl_module, 2, trainer.global_rank, dataloader_idx, batch_idx)

    def _sow(self, pl_module: L.LightningModule, *place: int) -> None:
        own = generators(pl_module)
        first, *others = map(int, np.random.SeedSequence((self.seed, *place)).generate_state(1 + len(own)))
        torch.manual_seed(first)
        np.random.seed(first)
        random.seed(first)
        for generator, word in zip(own, others, strict=True):
            generator.manual_seed(word)


class NFE(L.Callback):
    """Logs the numbers of function evaluations: `train_nfe_forward`, `train_nfe_backward`, `val_nfe_forward`, `test_nfe_forward`.

    They are those of all neural ODEs in the module together, for one batch; see `Evaluations`. A module without one logs none.
    """

    def __init__(self) -> None:
        self.evaluations = Evaluations()
        self._open = ExitStack()

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._open.close()
        self._open.enter_context(counted(pl_module.modules(), self.evaluations))
        self._present = any(isinstance(module, NeuralODE) for module in pl_module.modules())

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._open.close()

    def on_train_batch_start(self, *_: Any) -> None:
        self.evaluations.reset()

    def on_validation_batch_start(self, *_: Any) -> None:
        self.evaluations.reset()

    def on_test_batch_start(self, *_: Any) -> None:
        self.evaluations.reset()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        self._log(pl_module, {"train_nfe_forward": self.evaluations.forward, "train_nfe_backward": self.evaluations.backward})

    def on_validation_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        self._log(pl_module, {"val_nfe_forward": self.evaluations.forward}, sync_dist=True)

    def on_test_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        self._log(pl_module, {"test_nfe_forward": self.evaluations.forward}, sync_dist=True)

    def _log(self, pl_module: L.LightningModule, counts: dict[str, int], **how: Any) -> None:
        if self._present:
            pl_module.log_dict({name: float(count) for name, count in counts.items()}, batch_size=1, **how)
