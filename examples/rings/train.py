"""A disc told from the ring around it by a stated neural ODE that sees its data, trained with Lightning: it can be killed, and goes on."""

import argparse
import logging
from functools import partial
from typing import Any

import lightning.pytorch as L
import torch
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

import odeanalysis as oda
from torchbridge import NeuralODE
from torchbridge.training import DrawnData, SupervisedTask, resumable, rings


def stated(width: int) -> oda.Model:
    """z' = W2 softplus(W1 [z, x] + b1) + b2, z(0) = x, on [0, 1]: no path of the plane alone could leave the ring."""
    z, x = oda.block("z", 2), oda.block("x", 2)
    W1, b1, W2, b2 = oda.block("W1", width, 4), oda.block("b1", width), oda.block("W2", 2, width), oda.block("b2", 2)
    field = W2 @ oda.softplus(W1 @ oda.concat(z, x) + b1) + b2
    return oda.Model({z: field}, {z: x}, (0, 1), parameters=[W1, b1, W2, b2], inputs=[x], name="rings")


class Told(L.Callback):
    """Prints a line every 25 steps."""

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any) -> None:
        if trainer.global_step % 25 == 0:
            nfe = trainer.callback_metrics.get("train_nfe_forward", torch.nan)
            print(f"step {trainer.global_step:4d}   loss {outputs['loss'].item():.4f}   evaluations of the field {nfe:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where checkpoints are kept; a run that was killed goes on from there")
    options = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.manual_seed(options.seed)
    flow = NeuralODE(stated(32), method="dopri5", rtol=1e-3, atol=1e-3, own_steps=False)
    task = SupervisedTask(
        nn.Sequential(flow, nn.Linear(2, 2)),
        nn.functional.cross_entropy,
        optimizer=partial(torch.optim.AdamW, lr=0.005),
        metrics={"accuracy": MulticlassAccuracy(2)},
        seed=options.seed,
    )
    data = DrawnData(rings, 256, batches=50, val=500, test=2000, seed=options.seed)
    kept = resumable(options.folder, every=25) if options.folder else {"enable_checkpointing": False, "callbacks": []}
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    kept["callbacks"].append(Told())
    trainer = L.Trainer(max_epochs=-1, max_steps=options.steps, accelerator="cpu", **quiet, **kept)
    trainer.fit(task, datamodule=data, ckpt_path="last" if options.folder else None)
    (found,) = trainer.test(task, datamodule=data, verbose=False)
    print(f"accuracy on new points: {100 * found['test_accuracy']:.1f} %")


if __name__ == "__main__":
    main()
