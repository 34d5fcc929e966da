"""Trainings on two processes of this machine, which talk through gloo, and the same on one."""

import os
import socket
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import nn

import odeanalysis as oda
from tests.torchbridge.training_runs import trainer
from torchbridge import NeuralODE, StatedODE
from torchbridge.training import ObjectiveTask, SupervisedTask, Task, TensorData

SAMPLES, SEEN, PROCESSES = 8, 5, 2  # of a step, and of validation, whose shares are uneven


class Spare(nn.Module):
    """A field with a parameter that it does not use."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2))
        self.spare = nn.Parameter(torch.ones(3))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.layers(z)


def _fitted(flow: nn.Module) -> Task:
    return SupervisedTask(nn.Sequential(flow, nn.Linear(2, 2)), nn.functional.mse_loss, optimizer=_sgd)


def _sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1)


def _stated(reduction: str = "mean") -> StatedODE:
    z, x, y, W, b = oda.block("z", 2), oda.block("x", 2), oda.block("y", 2), oda.block("W", 2, 2), oda.block("b", 2)
    model = oda.Model({z: oda.tanh(3 * W @ z + b)}, {z: x}, (0, 1), [W, b], [x, y])
    return StatedODE(oda.Problem(model, oda.Objective(oda.sumsq(z - y), oda.sumsq(z) / 10), reduction), rtol=1e-4)


TASKS: dict[str, Callable[[], Task]] = {
    "fixed steps": lambda: _fitted(NeuralODE(Spare(), method="rk4", steps=4)),
    "steps of each sample's own": lambda: ObjectiveTask(_stated()),
    "a sum over samples": lambda: ObjectiveTask(_stated("sum")),
    "steps common to a batch": lambda: _fitted(NeuralODE(nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2)), rtol=1e-4)),
}


class Caught(L.Callback):
    """The gradients of every step, and the parameters after the last one."""

    def __init__(self) -> None:
        self.gradients: list[dict[str, torch.Tensor]] = []
        self.parameters: dict[str, torch.Tensor] = {}
        self.val_loss = float("nan")

    def on_before_optimizer_step(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: torch.optim.Optimizer) -> None:
        self.gradients.append({name: one.grad.clone() for name, one in pl_module.named_parameters() if one.grad is not None})

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.parameters = {name: one.detach().clone() for name, one in pl_module.named_parameters()}
        self.val_loss = float(trainer.callback_metrics.get("val_loss", float("nan")))


def trained(name: str, **options: Any) -> Caught:
    """Two steps on the same samples, in float64."""
    torch.manual_seed(4)
    task, caught = TASKS[name](), Caught()
    points = torch.randn(2, SAMPLES + SEEN, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    data = TensorData(points.unbind(), SAMPLES, split=(SAMPLES, SEEN, 0))
    trainer(precision="64-true", max_epochs=2, callbacks=[caught], **options).fit(task, datamodule=data)
    return caught


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def process(rank: int, port: int, folder: Path) -> None:
    """One of the processes: what it has after every task, in a file of its own."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NODE_RANK": 0, "LOCAL_RANK": rank, "WORLD_SIZE": PROCESSES}
    os.environ.update({key: str(value) for key, value in where.items()})
    found = {}
    for name in TASKS:
        caught = trained(name, strategy=DDPStrategy(process_group_backend="gloo"), devices=PROCESSES)
        found[name] = (caught.gradients, caught.parameters, caught.val_loss)
    torch.save(found, folder / f"{rank}.pt")
