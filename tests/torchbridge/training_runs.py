"""Short trainings that tests run in this process and in others, which they kill."""

import os
import signal
import warnings
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn

from torchbridge import NeuralODE
from torchbridge.fields import Regularizer
from torchbridge.training import DrawnData, SupervisedTask, TensorData, resumable, two_moons

QUIET = {
    "accelerator": "cpu",
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}


# A server that has imported what they need starts the processes that are killed: each then lives for a second.
SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(["tests.torchbridge.training_processes"])
PATIENCE = 120.0  # seconds after which a process is given up


def trainer(**options: Any) -> L.Trainer:
    """A trainer that says nothing, and keeps nothing unless it is told to."""
    keeps = any(isinstance(one, ModelCheckpoint) for one in options.get("callbacks", ()))
    return L.Trainer(**{**QUIET, "enable_checkpointing": keeps, **options})


class Classifier(nn.Module):
    """A flow in the plane with a cost on its Jacobian that is estimated with noise, drop-out, and a linear read-out: (logits, cost)."""

    def __init__(self, generator: torch.Generator | None = None):
        super().__init__()
        field = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2))
        cost = Regularizer(jacobian=0.1, noise="gaussian", generator=generator)
        self.flow = NeuralODE(field, running=cost, method="rk4", steps=3)
        self.read_out = nn.Sequential(nn.Dropout(0.1), nn.Linear(2, 2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        state, cost = self.flow(x)
        return self.read_out(state), cost


def entropy(output: tuple[Tensor, Tensor], label: Tensor) -> Tensor:
    """The cross entropy of the logits, and the cost."""
    return nn.functional.cross_entropy(output[0], label) + output[1].mean()


class Diary(L.Callback):
    """Writes every loss into a file with all its digits as soon as there is one, and kills the process at a moment."""

    def __init__(self, file: Path, moment: tuple[str, int] | None = None):
        self.file, self.moment = file, moment

    def on_after_backward(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._die("backward", trainer)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any) -> None:
        self._write(f"train {trainer.global_step} {float(outputs['loss']).hex()}")
        self._die("batch", trainer)

    def on_validation_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any) -> None:
        self._write(f"val {trainer.global_step} {float(outputs).hex()}")
        self._die("validation", trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, *_: Any) -> None:
        self._die("epoch", trainer)

    def _write(self, line: str) -> None:
        with self.file.open("a") as file:
            file.write(line + "\n")

    def _die(self, where: str, trainer: L.Trainer) -> None:
        if self.moment == (where, trainer.global_step):
            os.kill(os.getpid(), signal.SIGKILL)


DATA: dict[str, Callable[[], L.LightningDataModule]] = {
    "rows": lambda: TensorData(two_moons(50, np.random.default_rng(3)), 9, split=(0.8, 0.2, 0)),  # 5 batches, the last one of 4
    "drawn": lambda: DrawnData(two_moons, 8, batches=5, val=8, test=0),
}


def run(folder: Path, data: str, moment: tuple[str, int] | None = None, every: int = 1, **options: Any) -> None:
    """Trains to the end, or to the moment at which it is killed, from the last checkpoint in a folder if there is one."""
    torch.set_num_threads(1)
    torch.manual_seed(11)
    own = torch.Generator()
    schedule = {"scheduler": lambda one: torch.optim.lr_scheduler.StepLR(one, 2, 0.9), "schedule": {"interval": "step"}}
    task = SupervisedTask(Classifier(own), entropy, optimizer=lambda all: torch.optim.AdamW(all, lr=0.05), seed=5, **schedule)
    kept = resumable(folder, every)
    kept["callbacks"].insert(0, Diary(folder / "losses", moment))
    with warnings.catch_warnings(action="ignore"):
        trainer(**{"max_epochs": 3, **kept, **options}).fit(task, datamodule=DATA[data](), ckpt_path="last")


def started(target: Callable[..., None], *arguments: Any, **options: Any) -> BaseProcess:
    """Another process."""
    found = SERVER.Process(target=target, args=arguments, kwargs=options)
    found.start()
    return found


def ended(process: BaseProcess) -> int | None:
    """How a process ended: 0, or minus the number of the signal that killed it; one that does not end is killed by another signal."""
    process.join(PATIENCE)
    if process.is_alive():
        process.terminate()
        process.join()
    return process.exitcode
