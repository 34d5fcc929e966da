"""Checkpoints of runs that may be killed at any moment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from odeanalysis.errors import ModelError

UNFINISHED = ".part"
SHOWN = 3  # tensors that a message names


class WholeFiles(TorchCheckpointIO):
    """Checkpoints that are complete wherever there are any: each is written beside its place, and then moved there in one operation.

    For paths of a file system of this machine.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        unfinished = f"{path}{UNFINISHED}"
        super().save_checkpoint(checkpoint, unfinished, storage_options)
        with open(unfinished, "rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)


class LastCheckpoint(ModelCheckpoint):
    """Keeps `last.ckpt` in a folder: every so many steps of the optimizer, at the end of every epoch, and where `max_steps` ends a run.

    What would be kept at the last batch of an epoch waits for the end of the epoch: from there alone Lightning goes on as it should.
    Raises ModelError for a run with both `max_steps` and `max_epochs`.
    """

    def __init__(self, folder: str | Path, every: int = 100):
        super().__init__(folder, save_last=True, save_top_k=0, every_n_train_steps=every, enable_version_counter=False)
        self.path, self.every = Path(folder) / f"{self.CHECKPOINT_NAME_LAST}{self.FILE_EXTENSION}", every
        self.kept = 0

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        if trainer.max_steps != -1 and (trainer.max_epochs or -1) != -1:
            raise ModelError(
                f"max_steps = {trainer.max_steps} and max_epochs = {trainer.max_epochs}: Lightning miscounts epochs when such a run "
                "goes on; give one of them"
            )

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.kept = trainer.global_step

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Where a step has just been taken: gradients that are still being accumulated are kept nowhere."""
        taken = trainer.global_step - self.kept
        if not trainer.is_last_batch and (taken >= self.every or (taken and trainer.global_step == trainer.max_steps)):
            self._keep(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Lightning calls the place where a number of steps is reached the end of an epoch, too."""
        if trainer.is_last_batch:
            self._keep(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """All is kept."""

    def _keep(self, trainer: L.Trainer) -> None:
        self.kept = trainer.global_step
        trainer.save_checkpoint(self.path)


def resumable(folder: str | Path, every: int = 100) -> dict[str, Any]:
    """Options of a `Trainer` whose run may be killed at any moment: `Trainer(**resumable("run")).fit(..., ckpt_path="last")`.

    folder, every: as for `LastCheckpoint`.
    """
    return {"callbacks": [LastCheckpoint(folder, every)], "plugins": [WholeFiles()]}


def check_same_model(module: L.LightningModule, state: Mapping[str, Any]) -> None:
    """Raises ModelError where the tensors of a checkpoint are not those of a module, by name and shape."""
    theirs = {name: _shape(one) for name, one in state.items()}
    ours = {name: _shape(one) for name, one in module.state_dict().items()}
    apart = [name for name in sorted(theirs.keys() | ours.keys()) if theirs.get(name) != ours.get(name)]
    if apart:
        shown = "; ".join(f"{name}: {theirs.get(name, 'none')} there, {ours.get(name, 'none')} here" for name in apart[:SHOWN])
        rest = f" and {len(apart) - SHOWN} more" if len(apart) > SHOWN else ""
        raise ModelError(f"the checkpoint is of another model ({shown}{rest}); give the model that it was made with")


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape) if isinstance(value, Tensor) else ()
